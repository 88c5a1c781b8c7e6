"""A month in which everything goes wrong, in virtual time; and what it rests on, switched off one at a time."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from homemon.core.clock import Instant
from homemon.core.points import Point, line
from homemon.delivery.recorder import Recorder
from homemon.echonet import codec as echonet
from homemon.sources.meter import history
from homemon.sources.meter import properties as meter
from homemon.storage import connection
from tests.longrun.year.day import live
from tests.longrun.year.faults import HOUR, KINDS
from tests.longrun.year.world import World


def test_a_month_of_faults_loses_nothing_and_makes_nothing_wrong(disk: Path) -> None:
    world = World(disk, days=30, seed=11)
    verdict = world.run()
    assert verdict.good, verdict
    assert [row.expected for row in verdict.rows[:4]] == [1440] * 4
    assert world.happened.keys() >= {kind.name for kind in KINDS}


@pytest.mark.parametrize(
    ("cut", "deleted"),
    [
        (6 * HOUR, 7 * HOUR),
        (6 * HOUR, 8 * HOUR + 5),  # the power is back, but no listener yet
        (6 * HOUR + 20, 6 * HOUR + 10),
        (6 * HOUR + 35, 6 * HOUR + 30),
    ],
)
def test_nothing_is_deleted_that_no_listener_has_open(disk: Path, cut: float, deleted: float) -> None:
    verdict = live(disk, ("power cut", cut, 2 * HOUR), ("store's log deleted", deleted, 0.0))
    assert verdict.good, verdict


def test_a_listener_that_finds_no_module_goes_on_when_there_is_one(disk: Path) -> None:
    verdict = live(disk, ("module hung", 6 * HOUR, HOUR), ("power cut", 6 * HOUR + 60, 600))
    assert verdict.good, verdict


# --- the safeguards ----------------------------------------------------------------------


@contextmanager
def guessing_the_unit() -> Iterator[None]:
    """A register counts in kWh before E1 is known, and nothing compares it with the meter's record."""
    report = meter.report

    def guess(frame: echonet.Frame, scale: meter.Scale | None) -> meter.Report:
        return report(frame, scale or meter.Scale(0, 1))

    with patch.object(meter, "report", guess), patch.object(history, "_doubted", lambda *_: set()):
        yield


@contextmanager
def printing_before_the_commit() -> Iterator[None]:
    """A line is shown, and only then stored."""
    record = Recorder.record

    def print_first(self: Recorder, points: Sequence[Point], at: Instant) -> int:
        for point in points:
            self._print(line(point.measurement, self._tags, point.fields, point.time or int(at.wall)))
        return record(self, points, at)

    with patch.object(Recorder, "record", print_first):
        yield


def syncing(level: str) -> Callable[[], AbstractContextManager[None]]:
    """SQLite's `synchronous`: when a commit is put on the disk."""

    @contextmanager
    def switch() -> Iterator[None]:
        prepare = connection._prepare

        def prepare_so(db: sqlite3.Connection) -> None:
            prepare(db)
            db.execute(f"PRAGMA synchronous = {level}")

        with patch.object(connection, "_prepare", prepare_so):
            yield

    return switch


@contextmanager
def as_it_is() -> Iterator[None]:
    """With every safeguard."""
    yield


def test_the_repair_keeps_the_half_hours_of_an_outage(disk: Path) -> None:
    assert live(disk, ("radio outage", 5 * HOUR, 4 * HOUR)).good


def test_without_the_repair_half_hours_are_lost(disk: Path) -> None:
    verdict = live(disk, ("radio outage", 5 * HOUR, 4 * HOUR), history_days=0)
    assert [row.lost for row in verdict.rows[:2]] == [8, 8]


@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (guessing_the_unit, False)])
def test_registers_are_right_because_they_wait_for_the_unit(
    disk: Path, switch: Callable[[], AbstractContextManager[None]], good: bool
) -> None:
    """The unit is not reported for hours, but pushes come."""
    with switch():
        verdict = live(disk, ("answers all lost", 0.0, 4 * HOUR))
    assert (sum(row.wrong for row in verdict.rows[:2]) == 0) is good


@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (printing_before_the_commit, False)])
def test_what_is_printed_is_kept_because_it_is_committed_before(
    disk: Path, switch: Callable[[], AbstractContextManager[None]], good: bool
) -> None:
    with switch():
        verdict = live(disk, *(("power cut within a transaction", hour * HOUR, 300.0) for hour in range(3, 20, 3)))
    assert (verdict.printed_lost == 0) is good


@pytest.mark.parametrize(
    ("switch", "good"), [(syncing("FULL"), True), (syncing("NORMAL"), False), (syncing("OFF"), False)]
)
def test_what_is_printed_outlives_a_power_cut_because_each_commit_is_synced(
    disk: Path, switch: Callable[[], AbstractContextManager[None]], good: bool
) -> None:
    with switch():
        verdict = live(disk, *(("power cut", hour * HOUR, 300.0) for hour in range(3, 20, 3)))
    assert (verdict.printed_lost == 0) is good, verdict.faults
