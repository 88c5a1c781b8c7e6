"""Sums of days, months and bills, as they are stored for servers: those of `homemon energy`, and kept right."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, Number, Point
from homemon.energy.household import ENERGIES
from homemon.energy.periods import day_of
from homemon.runtime import kept, repairing, summing, sums
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.runtime.rounds import Rounds
from homemon.sources.registry import SUMS
from homemon.storage.ledger import keep_accounts
from homemon.storage.retention import Retention
from tests.commands import homemon, write_config
from tests.judge import midnight
from tests.lived import Lived, at
from tests.servers import Database
from tests.stores import put

TODAY = date(2026, 11, 27)
NOON = Instant(midnight(TODAY) + DAY // 2, 100_000.0, "boot")
Sums = dict[str, dict[str, Number]]
"""Day of the begin → field → value."""


class House:
    """A folder with a store, and what is done there at a time of the test's own."""

    def __init__(self, folder: Path, now: Instant = NOON) -> None:
        self.folder, self.now = folder, now
        self.app = self.opened()

    def opened(self) -> App:
        app = App(str(self.folder / "config.ini"))
        app.now = lambda: self.now  # type: ignore[method-assign]
        return app

    def put(self, *points: Point) -> None:
        put(self.app.store, *points, at=self.now)

    def bought(self, *readings: tuple[date, float, float]) -> None:
        """Store what the register was at so many hours after the midnights of days."""
        self.put(*(Point("+power", {"value": kwh}, midnight(day) + int(hour * 3600)) for day, hour, kwh in readings))

    def updated(self, measurement: str = "day", within: float = 60.0) -> Sums:
        """Compute what is to be; return all that is stored."""
        keep_accounts(self.app.store.db, {sums.KEY: sums.READ})
        sums.update(self.app, self.app.store, within)
        return self.stored(measurement)

    def stored(self, measurement: str = "day") -> Sums:
        lines = self.app.store.archive.lines(0, 1 << 62, measurement)
        return {at(day_of(time)): dict(fields) for time, _, _, fields in lines}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """A house with these lines more in config.ini."""
    made: list[House] = []

    def make(more: str = "", now: Instant = NOON) -> House:
        write_config(tmp_path, more)
        made.append(House(tmp_path, now))
        return made[-1]

    yield make
    for each in made:
        each.app.close()


def told(lived: Lived, by: str) -> dict[str, dict[str, Any]]:
    """What `homemon energy` says of all periods of which it knows something, by the day on which they begin."""
    (line,) = lived.run(
        "energy", "--by", by, "--since", at(lived.first - timedelta(days=40)), "--format", "json"
    ).splitlines()
    known = (row for row in json.loads(line) if any(float(row[f"{name}_hours"]) for name in ENERGIES))
    return {row["since"][:10]: row for row in known}


@pytest.fixture(scope="module")
def summed(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A copy of the year of the simulated house, with its sums."""
    folder = tmp_path_factory.mktemp("summed")
    shutil.copytree(lived.folder, folder, dirs_exist_ok=True)
    config = (folder / "config.ini").read_text().replace(f"dir = {lived.folder}", f"dir = {folder}")
    (folder / "config.ini").write_text(config)
    with closing(App(str(folder / "config.ini"))) as app:
        keep_accounts(app.store.db, {sums.KEY: sums.READ})
        sums.update(app, app.store, 600)
        yield app


@pytest.mark.parametrize("by", ["day", "month", "bill"])
def test_the_sums_are_those_of_energy(lived: Lived, summed: App, by: str) -> None:
    rows = told(lived, by)
    found = {at(day_of(t)): fields for t, _, _, fields in summed.store.archive.lines(0, 1 << 62, by)}
    assert found.keys() == rows.keys()
    for day, row in rows.items():
        wanted: dict[str, Number] = {}
        for name in ENERGIES:
            if row[f"{name}_kwh"] is not None:
                wanted |= {name: float(row[f"{name}_kwh"]), f"{name}_hours": float(row[f"{name}_hours"])}
        if row["yen"] is not None:
            wanted |= {"yen": float(row["yen"]), "yen_hours": wanted["bought_hours"]}
            wanted["provisional"] = int(bool(row["provisional"]))
        paid = {"ampere", "sold_yen", "sold_yen_hours"}
        assert {name: value for name, value in found[day].items() if name not in paid} == wanted
    assert any(row["bought_hours"] not in ("24", "0") for row in rows.values())


def test_a_bill_has_what_is_paid_for_what_was_sold_and_the_ampere(lived: Lived, summed: App) -> None:
    found = [(t, fields) for t, _, _, fields in summed.store.archive.lines(0, 1 << 62, "bill")]
    assert len(found) >= 12
    for time, fields in found:
        assert fields["ampere"] == 40
        assert fields["sold_yen_hours"] == fields["sold_hours"]
        after = day_of(time) + timedelta(days=32)
        if fields["sold_hours"] == (midnight(after.replace(day=12)) - time) / 3600:
            sold = lived.house.register_export(midnight(after.replace(day=12))) - lived.house.register_export(time)
            assert fields["sold_yen"] == sold // 10 * 16


def test_the_registry_has_each_field_and_status_none(lived: Lived, summed: App) -> None:
    stored = {(s.measurement, s.field) for s in summed.store.archive.series()} & {
        (s.measurement, s.field) for s in SUMS
    }
    assert stored == {(series.measurement, series.field) for series in SUMS}
    for (line,) in [homemon("status", "--json", cwd=summed.folder.parent).stdout.splitlines()]:
        assert not {"day", "month", "bill"} & {row["measurement"] for row in json.loads(line)["series"]}


def test_a_house_that_only_buys_has_nothing_of_what_is_not_known(house: Callable[..., House]) -> None:
    here = house()
    here.bought((TODAY, 0, 100.0), (TODAY, 0.5, 100.3), (TODAY, 1, 100.7))
    assert here.updated() == {"2026-11-27": {"bought": 0.7, "bought_hours": 1, "used": 0.7, "used_hours": 1}}
    assert here.updated("month") == {"2026-11-01": {"bought": 0.7, "bought_hours": 1, "used": 0.7, "used_hours": 1}}
    assert here.updated("bill") == {}


YESTERDAY = TODAY - timedelta(days=1)


def test_the_energy_of_a_gap_across_midnight_is_of_neither_day(house: Callable[..., House]) -> None:
    here = house()
    here.bought((YESTERDAY - timedelta(days=1), 20, 5384.9), (YESTERDAY, 0.5, 5387.3), (TODAY, 0, 5401.7))
    assert [(day, row["bought"], row["bought_hours"]) for day, row in here.updated().items()] == [
        ("2026-11-26", 14.4, 23.5)
    ]


def test_what_came_late_and_what_is_corrected_is_computed_again(house: Callable[..., House]) -> None:
    here = house()
    june = date(2026, 6, 30)
    here.bought((june, 20, 50.0), (june, 26, 53.0), (TODAY, 0, 100.0), (TODAY, 1, 101.0))
    assert here.updated()["2026-11-27"]["bought"] == 1
    assert "2026-06-30" not in here.stored()
    here.bought((june, 24, 52.0))
    assert {day: row["bought"] for day, row in here.updated().items()} == {
        "2026-06-30": 2,
        "2026-07-01": 1,
        "2026-11-27": 1,
    }
    here.bought((june, 24, 52.5))
    assert {day: row["bought"] for day, row in here.updated().items()} == {
        "2026-06-30": 2.5,
        "2026-07-01": 0.5,
        "2026-11-27": 1,
    }
    assert here.stored("month")["2026-06-01"]["bought"] == 2.5


def test_a_sum_that_is_unknown_again_has_no_hours(house: Callable[..., House]) -> None:
    here = house()
    here.bought((TODAY, 0, 100.0), (TODAY, 5, 103.0))
    assert here.updated()["2026-11-27"]["bought_hours"] == 5
    here.bought((TODAY, 5, 99.0))  # corrected; it is lower than the reading before it
    assert here.updated()["2026-11-27"] == {"bought_hours": 0, "used_hours": 0}
    assert here.updated()["2026-11-27"] == {"bought_hours": 0, "used_hours": 0}
    here.bought((TODAY, 5, 104.0))
    assert here.updated()["2026-11-27"] == {"bought": 4, "bought_hours": 5, "used": 4, "used_hours": 5}


def test_each_change_is_later_than_the_one_before_which_the_store_drops(house: Callable[..., House]) -> None:
    """Of two points with one time VictoriaMetrics takes either."""
    here = house()
    here.bought((TODAY, 0, 100.0))
    times = []
    for hour in (1, 1.5, 2):
        here.bought((TODAY, hour, 100.0 + hour))
        here.updated()
        times += [time for time, *_ in here.app.store.archive.lines(midnight(TODAY), 1 << 62, "day")]
    assert times == [midnight(TODAY) + second for second in (24, 25, 26)], "24 half-hours after the day began"
    here.now = Instant(here.now.wall + HALF_HOUR * 5, here.now.ticks + HALF_HOUR * 5, here.now.boot)
    here.bought((TODAY, 2.5, 102.5))
    here.updated()
    (found,) = here.app.store.archive.lines(midnight(TODAY), 1 << 62, "day")
    assert found[0] == midnight(TODAY) + 29
    (found,) = here.app.store.archive.lines(0, midnight(TODAY), "month")
    assert found[0] == midnight(TODAY.replace(day=1)) + 26 * 48 + 29


def test_what_another_store_brings_back_leaves_no_sum_of_that_store_the_last_one(house: Callable[..., House]) -> None:
    """A server has the sums of both, and two with one time where both were made within a half-hour."""
    here = house()
    here.bought((TODAY, 0, 100.0), (TODAY, 1, 101.0))
    here.updated()
    here.bought((TODAY, 2, 102.0), (TODAY, 3, 103.0))
    here.updated()  # the server has one of second 24 and one of second 25
    here.app.close()
    aside = here.app.store.path.rename(here.folder / "aside.db")
    here.app = here.opened()
    here.bought((TODAY, 0, 100.0), (TODAY, 2, 102.0))
    assert here.updated()["2026-11-27"]["bought"] == 2  # the server has another one of second 24
    list(repairing.bring_back(here.app, aside))
    assert here.updated()["2026-11-27"]["bought"] == 3
    (found,) = here.app.store.archive.lines(midnight(TODAY), 1 << 62, "day")
    assert found[0] >= midnight(TODAY) + 26
    here.bought((TODAY, 4, 104.0))
    here.updated()
    (later,) = here.app.store.archive.lines(midnight(TODAY), 1 << 62, "day")
    assert later[0] == found[0] + 1


CONTRACT = "[contract]\nplan = tepco-juryo-b\nampere = 30\n"


def test_another_price_or_contract_changes_the_yen_of_the_past(house: Callable[..., House]) -> None:
    here = house(CONTRACT)
    march = date(2026, 3, 5)
    here.bought((march, 0, 10.0), (march, 24, 20.0), (TODAY, 0, 100.0), (TODAY, 1, 101.0))
    before = here.updated("bill")["2026-03-01"]
    (here.folder / kept.NAME).write_text('[price.tokyo.fuel]\n2026-03 = "-30.00"\n')
    after = here.updated("bill")["2026-03-01"]
    assert after["yen"] < before["yen"]
    write_config(here.folder, CONTRACT.replace("30", "60"))
    here.app.close()
    here.app = here.opened()
    assert here.updated("bill")["2026-03-01"]["yen"] > after["yen"]
    write_config(here.folder)
    here.app.close()
    here.app = here.opened()
    assert here.updated("month")["2026-03-01"]["yen_hours"] == 0


def test_what_is_left_at_the_deadline_is_done_the_next_time_the_newest_first(house: Callable[..., House]) -> None:
    here = house()
    days = [date(2026, month, 5) for month in (8, 9, 10, 11)]
    here.bought(*((day, hour, 10.0 * n + hour) for n, day in enumerate(days) for hour in (0, 1)))
    for done in range(1, 5):
        assert list(here.updated(within=-1)) == [at(day) for day in days[-done:]]
    assert sums.Memory.of(here.app.store).months == ()


def test_nothing_is_computed_while_nothing_changed(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = house()
    here.bought((TODAY, 0, 100.0), (TODAY, 1, 101.0))
    here.updated()
    computed: list[str] = []
    monkeypatch.setattr(summing, "points", lambda _, month, later: computed.append(month) or [])  # type: ignore[func-returns-value]
    here.put(Point("power", {"value": 500}, NOON_TIME), Point("ecocute", {"tank": 300}, NOON_TIME))
    here.updated()
    assert not computed
    here.bought((TODAY, 1.5, 101.5))
    here.updated()
    here.now = Instant(here.now.wall + DAY, here.now.ticks + DAY, here.now.boot)
    here.updated()
    assert computed == ["2026-11", "2026-11"]


NOON_TIME = int(NOON.wall)


def test_what_was_dropped_keeps_its_sum(house: Callable[..., House]) -> None:
    here = house("keep_days = 10\n")
    days: Sequence[date] = [date(2026, 11, 10), TODAY]
    here.bought(*((day, hour, 10.0 * n + hour) for n, day in enumerate(days) for hour in (0, 1, 2)))
    here.updated()
    assert list(here.stored()) == ["2026-11-27"], "what is about to be dropped is not summed up"
    assert not here.stored("month")


def test_yen_stay_where_keep_days_dropped_what_the_tier_depends_on(house: Callable[..., House]) -> None:
    """30 kWh a day reach the third tier within the month: without its beginning they would cost less."""
    here = house(CONTRACT)
    november = [date(2026, 11, day) for day in range(1, 27)]
    here.bought(*((day, hour, 30.0 * n + hour * 1.25) for n, day in enumerate(november) for hour in range(24)))
    before = here.updated()
    assert before["2026-11-25"]["yen"] > before["2026-11-01"]["yen"]
    write_config(here.folder, CONTRACT)
    config = here.folder / "config.ini"
    config.write_text(config.read_text().replace("[store]\n", "[store]\nkeep_days = 10\n"))
    here.app.close()
    here.app = here.opened()
    assert Retention(here.app.store, 10, True).prune(here.now) > 0
    here.bought((TODAY, 0, 780.0), (TODAY, 1, 781.0))
    after = here.updated()
    assert after["2026-11-27"]["bought"] == 1
    assert "yen" not in after["2026-11-27"], "nor is it guessed for new days"
    assert {day: row["yen"] for day, row in after.items() if "yen" in row}.items() <= {
        day: row["yen"] for day, row in before.items()
    }.items()
    assert after["2026-11-25"] == before["2026-11-25"]


def test_the_names_are_those_of_the_rooms_that_are_loaded_later() -> None:
    assert kept.NAME == sums.PRICES


def test_a_command_that_sends_brings_the_sums_to_the_server_and_prints_readings_only(
    database: Database, tmp_path: Path
) -> None:
    server = database.settings()
    write_config(tmp_path, f"[server]\nurl = {server.url}\ndb = {database.name}\n")
    begin = midnight(YESTERDAY)
    lines = [f"+power value={100 + hour / 10} {begin + hour * 3600}000000000" for hour in range(25)]
    (tmp_path / "backup").write_text("\n".join(lines) + "\n")
    run = homemon("replay", "backup", cwd=tmp_path)
    assert (run.returncode, len(run.stdout.splitlines())) == (0, 25), run.stderr
    points = {name: fields for (name, _), fields in database.points().items()}
    assert points["day"] == points["month"] == {"bought": 2.4, "bought_hours": 24, "used": 2.4, "used_hours": 24}


def test_a_listener_sums_up_in_the_thread_that_sends(house: Callable[..., House]) -> None:
    here = house("[server]\nurl = http://127.0.0.1:9\ntimeout = 1\n")
    here.bought((TODAY, 0, 100.0), (TODAY, 1, 101.0))
    Rounds(here.app, here.app.open_store(1)).next()
    assert here.stored()["2026-11-27"]["bought"] == 1


def test_nothing_is_summed_up_for_nobody(house: Callable[..., House]) -> None:
    here = house()
    here.bought((TODAY, 0, 100.0), (TODAY, 1, 101.0))
    send_now(here.app)
    Rounds(here.app, here.app.open_store(1)).next()
    assert not here.stored()
