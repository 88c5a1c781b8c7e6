"""What a day of faults rests on: each safeguard is switched off once, and the same day then fails."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import inf
from pathlib import Path
from unittest.mock import patch

import pytest

from homemon.core.dialogue import Dialogue
from homemon.delivery import influx, verdicts
from homemon.delivery.sending import Round
from homemon.delivery.verdicts import Answer, Meaning, Verdict
from homemon.sources.meter import unit
from homemon.sources.meter.plausible import Doubts
from homemon.sources.meter.properties import Scale
from homemon.sources.meter.repair import Again
from homemon.storage.openfile import OpenFile
from tests.longrun.year import server_faults
from tests.longrun.year.day import live
from tests.longrun.year.faults import HOUR, Kind
from tests.longrun.year.meter_faults import module

Switch = Callable[[], AbstractContextManager[object]]
TENFOLD = Kind("meter counts in tens", 0, 0, 0, module("coefficient", 10))
FLIPS = Kind("every other line is flipped", 0, 0, 0, module("flip", 2, lasting=True))


@contextmanager
def as_it_is() -> Iterator[None]:
    """With every safeguard."""
    yield


def refusals_for_ever() -> AbstractContextManager[object]:
    """What the meter refuses once it is not asked for again."""
    return patch.object(Again, "after", lambda self, now: inf)


@contextmanager
def refusals_as_values() -> Iterator[None]:
    """A refused coefficient is 1, whatever is known of the meter; and nobody doubts what comes of it."""

    def learn(asker: unit.Asker, known: Scale | None) -> Dialogue[tuple[Scale | None, bool]]:
        reported = yield from unit._ask(asker)
        return reported.over(None if reported.coefficient is None else known), True

    with patch.object(unit, "learn", learn), one_word_is_enough():
        yield


@contextmanager
def one_word_is_enough() -> Iterator[None]:
    """Every value is believed at once, and what is stored is not compared with the meter's record."""
    with patch.object(Doubts, "_fault", lambda *_: None), patch("homemon.sources.meter.repair.COMPARED_DAYS", 0):
        yield


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Where a batch fails, the server as a whole is taken to be ill."""

    def give_up(self: Round, turn: int, cautious: bool) -> None:
        self.trouble = Answer(Verdict.LATER, "failed")

    with patch.object(Round, "one_by_one", give_up):
        yield


@contextmanager
def by_the_status() -> Iterator[None]:
    """A 400 is the points' fault, whatever the server says."""
    meaning = verdicts.meaning

    def judge(status: int, said: str) -> Meaning:
        return Meaning(Verdict.DATA_FAULT, certain=True) if status == 400 else meaning(status, said)

    with patch.object(influx, "meaning", judge):
        yield


@contextmanager
def without_a_look() -> Iterator[None]:
    """Whether the open store is still the one at its path is not looked at."""
    with patch.object(OpenFile, "intact", lambda _: True), patch.object(OpenFile, "unchanged", lambda _: True):
        yield


@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (refusals_for_ever, False)])
def test_a_refusal_costs_no_half_hour_because_it_is_of_its_moment(disk: Path, switch: Switch, good: bool) -> None:
    """The meter gives no date, by which its record is found, just when an outage is over."""
    with switch():
        verdict = live(disk, ("radio outage", 5 * HOUR, 4 * HOUR), ("meter refuses 97/98", 8 * HOUR, 2 * HOUR))
    assert (verdict.rows[0].lost == 0) is good


@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (refusals_as_values, False)])
def test_registers_are_right_because_a_refusal_replaces_no_unit(disk: Path, switch: Switch, good: bool) -> None:
    with switch():
        verdict = live(
            disk, (TENFOLD, 0.0, 0.0), ("meter refuses D3", 20 * HOUR, 4 * HOUR), ("session lost", 21 * HOUR, 0.0)
        )
    assert (sum(row.wrong for row in verdict.rows) == 0) is good, verdict.rows


@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (one_word_is_enough, False)])
def test_half_hours_are_right_because_a_doubtful_one_is_confirmed(disk: Path, switch: Switch, good: bool) -> None:
    """A low bit shows only when the day is compared with the meter's record, once a day."""
    with switch():
        verdict = live(disk, (FLIPS, 6 * HOUR, 12 * HOUR), days=2.0)
    assert (sum(row.wrong for row in verdict.rows[:2]) == 0) is good, verdict.rows


@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (all_or_nothing, False)])
def test_a_series_that_is_refused_holds_up_no_other_because_each_goes_its_own_way(
    disk: Path, switch: Switch, good: bool
) -> None:
    with switch(), patch.object(server_faults, "SERIES", ("power",)):
        verdict = live(disk, ("server fails for one series", 13 * HOUR, 6 * HOUR))
    assert (verdict.starved == 0) is good


@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (by_the_status, False)])
def test_what_a_limit_kept_out_comes_later_because_a_servers_words_count(
    disk: Path, switch: Switch, good: bool
) -> None:
    with switch():
        verdict = live(disk, ("server at its limit of series", 13 * HOUR, 6 * HOUR))
    assert (verdict.server_differs == 0) is good


@pytest.mark.parametrize("what", ["store moved away", "store deleted"])
@pytest.mark.parametrize(("switch", "good"), [(as_it_is, True), (without_a_look, False)])
def test_what_is_printed_is_stored_because_the_stores_path_is_looked_at(
    disk: Path, what: str, switch: Switch, good: bool
) -> None:
    with switch():
        verdict = live(disk, (what, 6 * HOUR + 30, 8 * HOUR))
    assert verdict.good is good, verdict
