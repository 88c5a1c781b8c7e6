"""Another meter in the old one's place: the new one is joined and kept, and its register is not the old one's."""

import sqlite3
from contextlib import closing
from pathlib import Path
from time import time as now

import pytest

from homemon.core.errors import StoreError
from homemon.core.points import HALF_HOUR, Point
from homemon.energy.spans import differences
from homemon.runtime import state
from homemon.sim.smart_meter import SmartMeter
from homemon.storage.database import FILE
from homemon.storage.meters import Meters
from homemon.storage.store import Store
from tests.commands import homemon, running, simulated, write_config
from tests.stores import T, put
from tests.virtual import HOUSE, LINK, NOON, TENTHS, World

OLD, NEW = LINK.address, LINK.address[:-1] + "3"
DAY = 86_400


def exchanged_world(kwh: int) -> tuple[World, int]:
    """A listener through an exchange; the world, and when it was."""
    world = World(LINK, TENTHS, repaired_days=2)
    world.join_module()
    world.listen(2 * 3600, 60)
    world.module.fault("exchange-meter", kwh)
    at = int(world.now)
    world.listen(6 * 3600, 60)
    return world, at


def true_register(meter: SmartMeter, time: int) -> float:
    return meter.imported(time) // meter.unit / 10


def test_a_listener_finds_the_new_meter_and_asks_it_for_nothing_of_the_old_one() -> None:
    world, at = exchanged_world(9)
    assert world.session.link is not None
    assert world.session.link.address == NEW
    got = world.half_hours("+power")
    for time in range(NOON - 2 * DAY, int(world.now) - 400, HALF_HOUR):
        if time <= at:
            assert got[time] == HOUSE.register_import(time) / 10
        elif time > at + HALF_HOUR:
            assert got[time] == true_register(world.module.radio.meter, time)
    assert any("another meter answers" in note for note in world.notes)
    assert not any("says so twice" in note or "corrected" in note for note in world.notes)


def test_a_record_of_zeros_before_the_exchange_is_not_the_old_meters() -> None:
    world, at = exchanged_world(0)
    world.module.radio.meter.since = float(HOUSE.start)  # it gives what it had not counted yet
    before = {time: value for time, value in world.half_hours("+power").items() if time <= at}
    world.listen(2 * DAY, 60)
    assert {time: value for time, value in world.half_hours("+power").items() if time <= at} == before


def test_what_was_still_to_be_asked_of_the_old_meter_is_not_asked_of_the_new_one() -> None:
    world = World(LINK, TENTHS, repaired_days=99)
    world.join_module()
    world.listen(120)
    world.module.fault("exchange-meter", 9)
    world.listen(2 * 3600, 60)
    assert world.session.link is not None
    assert world.session.link.address == NEW
    assert not [note for note in world.notes if "no record" in note]


def test_the_new_meters_unit_is_its_own() -> None:
    world = World(LINK, TENTHS, repaired_days=2)
    world.join_module()
    world.listen(3600, 60)
    world.module.fault("exchange-meter", 5)
    world.module.fault("coefficient", 10)
    world.module.fault("refuse-epcs", "E1*1")
    world.listen(3600, 60)
    assert world.session.scale is not None
    assert world.session.scale.kwh(1) == 1
    assert not any("counts in units" in note for note in world.notes)


def test_the_store_knows_from_when_on_another_meter_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    meters = Meters(store)
    meters.note(OLD)
    assert (meters.first(), meters.exchanges()) == (0, [])
    put(store, Point("+power", {"value": 9987.0}, T), Point("-power", {"value": 1.0}, T - HALF_HOUR))
    meters.note(OLD)
    meters.note(NEW)
    meters.note(NEW)
    assert (meters.first(), meters.exchanges()) == (T + 1, [T + 1])
    meters.note(OLD)
    assert meters.exchanges() == [T + 1, T + 2], "one that comes back is another once more"
    store.close()
    with closing(Store(tmp_path)) as again:
        assert Meters(again).exchanges() == [T + 1, T + 2]


def test_a_meter_that_is_exchanged_before_any_half_hour_counts_from_then_on(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        meters = Meters(store)
        meters.note(OLD)
        meters.note(NEW)
        assert meters.exchanges() == [1]


def test_the_meter_that_is_known_is_noted_while_another_process_writes(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store, closing(sqlite3.connect(tmp_path / FILE)) as other:
        meters = Meters(store)
        assert meters.first() == 0, "before any"
        meters.note(OLD)
        store.db.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        meters.note(OLD)
        with pytest.raises(StoreError):
            meters.note(NEW)


def test_no_energy_is_counted_from_one_meter_to_the_next(tmp_path: Path) -> None:
    for old, new in ((100.0, 145.0), (9987.0, 2.0)):
        registers = [(T, old - 1), (T + HALF_HOUR, old), (T + 2 * HALF_HOUR, new), (T + 3 * HALF_HOUR, new + 0.5)]
        spans = list(differences(registers, exchanges=[T + HALF_HOUR + 1]))
        assert [(span.start, float(span.kwh)) for span in spans] == [(T, 1), (T + 2 * HALF_HOUR, 0.5)]
        assert len(list(differences(registers))) == 3, "which nothing but the exchange reports"


def test_the_commands_go_on_with_the_new_meter_whatever_config_ini_says(tmp_path: Path) -> None:
    config = write_config(tmp_path, address=OLD)
    with simulated(tmp_path) as device:
        assert homemon("join", cwd=tmp_path).returncode == 0
        with running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
            listener.until(lambda lines: any("+power" in line for line in lines))
            device.fault("exchange-meter", 45)
            listener.says("another meter answers")
            listener.says("joined")
            link = state.load(tmp_path / "store").link
            assert link is not None
            assert link.address == NEW, "who reads that it joined can poll it"
            since = now()  # what was printed before it may come only now
            listener.until(lambda lines: any(int(line.split()[-1]) // 10**9 > since for line in lines))
            assert listener.stop() == 0
        assert OLD in config.read_text()
        assert state.load(tmp_path / "store").configured == OLD
        run = homemon("meter-poll", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        config.write_text(config.read_text().replace(OLD, OLD[:-1] + "9"))
        run = homemon("meter-poll", cwd=tmp_path)
        assert run.returncode == 1, "an address that was changed by hand is what is wanted"
    run = homemon("graph", "-o", "page.html", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    store = Store(tmp_path / "store")
    assert len(Meters(store).exchanges()) == 1
    store.close()
