"""What the meter refuses, or has no data for, is a fact of that moment: it is asked again, and nothing is lost."""

from collections.abc import Callable
from itertools import cycle
from math import inf
from random import Random

import pytest

from homemon.core.clock import Instant
from homemon.core.dialogue import Step
from homemon.core.points import HALF_HOUR
from homemon.sim.bp35c0 import BID, PWD
from homemon.sim.smart_meter import Reading
from homemon.skstack.join import Credentials
from homemon.sources.meter.properties import Scale
from homemon.sources.meter.repair import Again
from homemon.sources.meter.session import Session
from tests.virtual import HOUSE, LINK, NOON, TENTHS, Archive, World

DAY = 86_400


def wrong_or_lacking(world: World, since: int, unit: float = 0.1) -> dict[str, list[int]]:
    """The half-hours from `since` on that are not stored, or with another value than the house's register."""
    found = {}
    joules = round(3_600_000 * unit)
    for name, register in (("+power", HOUSE.register_import), ("-power", HOUSE.register_export)):
        got = world.half_hours(name)
        wanted = {
            time: round(register(time, joules) * unit, 3) for time in range(since, int(world.now) - 400, HALF_HOUR)
        }
        found[name] = [time for time in wanted if got.get(time) != wanted[time]]
    return found


NONE_AT_ALL: dict[str, list[int]] = {"+power": [], "-power": []}


def hung_for(world: World, seconds: float) -> None:
    world.module.fault("dead")
    world.listen(seconds, 60)
    world.module.fault("dead", 0)
    world.module.fault("power-cycle")


HAS_NO_DATA = ("97", "98", "E2", "E4", "EA", "EB", "E2,E4", "EA,EB")
PASSING = [("no-data", epcs) for epcs in HAS_NO_DATA]
PASSING += [("refuse-epcs", epcs) for epcs in (*HAS_NO_DATA, "E5", "97,98,E5")]  # E5 is written: no code for no data


@pytest.mark.parametrize(("fault", "epcs"), PASSING)
@pytest.mark.parametrize("how", ["once", "for an hour"])
def test_a_refusal_that_passes_loses_no_half_hour(fault: str, epcs: str, how: str) -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    world.listen(1800, 60)
    hung_for(world, DAY)
    world.module.fault(fault, ",".join(f"{epc}*1" for epc in epcs.split(",")) if how == "once" else epcs)
    world.listen(3600, 60)
    world.module.fault(fault, 0)
    world.listen(2 * 3600, 60)
    assert wrong_or_lacking(world, NOON - 7 * DAY) == NONE_AT_ALL


def test_a_new_listener_whose_meter_refuses_eb_at_first_has_it_all_in_the_end() -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    world.module.fault("refuse-epcs", "EB,E4,E3")
    world.listen(3600, 60)
    assert not world.half_hours("-power")
    world.module.fault("refuse-epcs", 0)
    world.listen(3 * 3600, 60)
    assert wrong_or_lacking(world, NOON - 7 * DAY) == NONE_AT_ALL


@pytest.mark.parametrize("epcs", ["97*1", "E5*1", "EB*1", "E2*1", "EA*1,EB*1"])
def test_one_refusal_costs_minutes(epcs: str) -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    world.module.fault("refuse-epcs", epcs)
    world.listen(300, 60)
    assert wrong_or_lacking(world, NOON - DAY) == NONE_AT_ALL


def test_a_meter_that_refuses_both_where_it_lacks_one_is_asked_for_each_alone() -> None:
    world = World(LINK, repaired_days=1)
    world.join_module()
    meter = world.module.radio.meter
    get = meter._get

    def refuse_all(epc: int, now: float) -> object:
        """EA is refused where EB is asked for in the same frame."""
        asked = world.sent[-1]
        return None if epc == 0xEB or (epc == 0xEA and b"\xeb\x00" in asked) else get(epc, now)

    meter._get = refuse_all  # type: ignore[method-assign, assignment]
    world.module.fault("lose-pushes", 1)
    world.listen(4 * 3600)
    assert set(world.half_hours("+power")) >= set(range(NOON, int(world.now) - 400, HALF_HOUR))


@pytest.mark.parametrize(("fault", "why"), [("refuse-epcs", "refuses"), ("no-data", "has no data for")])
def test_a_refused_poll_is_reported_once_and_so_is_its_end(fault: str, why: str) -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60, 5)
    world.module.fault(fault, "E7")
    world.listen(35, 5)
    world.module.fault(fault, 0)
    world.listen(60, 5)
    reported = [note for note in world.notes if "E7" in note]
    assert reported == [f"the meter {why} E7 (power); it is asked again", "the meter gives E7 (power) again"]


def test_a_poll_that_is_refused_for_minutes_leads_to_one_new_session() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60, 30)
    world.module.fault("refuse-epcs", "E7")
    world.listen(6 * 3600, 30)
    assert sum(b"SKJOIN" in sent for sent in world.sent) == 1
    world.module.fault("refuse-epcs", 0)
    world.listen(60, 30)
    world.module.fault("refuse-epcs", "E7")
    world.listen(3600, 30)
    assert sum(b"SKJOIN" in sent for sent in world.sent) == 2, "and for the next time again one"


def test_pauses_double_up_to_a_day_and_begin_anew_when_it_is_over() -> None:
    again = Again(600.0)
    assert [again.after(1000.0) - 1000 for _ in range(9)] == [600.0 * 2**n for n in range(8)] + [86_400.0]
    again.reset()
    assert again.after(0.0) == 600.0


@pytest.mark.parametrize("refused", ["E5", "97", "98"])
def test_a_meter_without_a_record_costs_ever_fewer_questions(refused: str) -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    world.module.fault("refuse-epcs", refused)
    world.listen(DAY)
    first = len(world.sent)
    world.listen(DAY)
    assert len(world.sent) - first < 30
    assert sum("record" in note for note in world.notes) == 1
    world.module.fault("refuse-epcs", 0)
    world.listen(DAY)
    assert sum("record again" in note for note in world.notes) == 1


# --- the unit ----------------------------------------------------------------------------


def with_unit(coefficient: int, exponent: int, scale: Scale | None, days: int = 2) -> World:
    """A meter that counts in 10^exponent × coefficient kWh, and a listener that knows `scale`."""
    world = World(LINK, scale, repaired_days=days)
    world.join_module()
    world.module.radio.meter.coefficient, world.module.radio.meter.exponent = coefficient, exponent
    return world


UNITS = [(exponent, coefficient) for exponent in (1, 0, -1, -2, -3, -4) for coefficient in (1, 10, 600)]
UNITS.remove((-4, 1))  # of which the simulated house has counted more than eight digits


@pytest.mark.parametrize(("exponent", "coefficient"), UNITS)
def test_every_unit_is_learned_and_kept(exponent: int, coefficient: int) -> None:
    world = with_unit(coefficient, exponent, None)
    world.listen(3600)
    assert world.session.scale == Scale(exponent, coefficient)
    assert wrong_or_lacking(world, NOON - DAY, 10.0**exponent * coefficient) == NONE_AT_ALL


@pytest.mark.parametrize("epcs", ["D3", "E1", "D7", "D3,E1,D7"])
@pytest.mark.parametrize("fault", ["refuse-epcs", "no-data"])
@pytest.mark.parametrize("how", ["*1", ""])
def test_what_is_known_of_a_meter_survives_a_refusal(fault: str, epcs: str, how: str) -> None:
    scale = Scale(-1, 10, 7)
    world = with_unit(10, -1, scale)
    world.module.radio.meter.digits = 7
    world.listen(120, 60)
    world.module.fault(fault, ",".join(epc + how for epc in epcs.split(",")))
    world.module.fault("end-session")
    world.listen(2 * 3600, 60)
    assert world.session.scale == scale
    assert wrong_or_lacking(world, NOON - DAY, 1.0) == NONE_AT_ALL


@pytest.mark.parametrize("epcs", ["D3*1", "D3", "E1*1", "E1", "D3*3,E1*2"])
def test_a_first_refusal_makes_no_wrong_half_hour_in_the_end(epcs: str) -> None:
    world = with_unit(10, -1, None)
    world.module.fault("refuse-epcs", epcs)
    world.listen(2 * 3600, 60)
    world.module.fault("refuse-epcs", 0)
    world.listen(4 * 3600, 60)
    assert world.session.scale == Scale(-1, 10)
    assert wrong_or_lacking(world, NOON - DAY, 1.0) == NONE_AT_ALL


@pytest.mark.parametrize("wrong", ["D3:00000001*1", "E1:02*1", "D7:06*1", "D3:0000000B*1", "E1:00*1"])
@pytest.mark.parametrize("known", [None, Scale(-1, 10)])
def test_a_unit_that_is_reported_once_is_not_believed(wrong: str, known: Scale | None) -> None:
    world = with_unit(10, -1, known)
    world.module.fault("wrong-data", wrong)
    world.listen(3600, 60)
    assert world.session.scale == Scale(-1, 10)
    assert wrong_or_lacking(world, NOON - DAY, 1.0) == NONE_AT_ALL
    assert not [note for note in world.notes if "counts in units" in note]


def test_a_unit_that_is_another_each_time_is_asked_for_four_times_and_then_left() -> None:
    world = with_unit(10, -1, Scale(-1, 10))
    units = cycle([0, 2, 3])
    get = world.module.radio.meter._get

    def fickle(epc: int, now: float) -> Reading | None:
        return Reading(f"{next(units):02X}") if epc == 0xE1 else get(epc, now)

    world.module.radio.meter._get = fickle  # type: ignore[method-assign]
    world.sent.clear()
    world.run(world.session.learn_scale())
    assert sum(sent.endswith(b"\x62\x01\xe1\x00") for sent in world.sent) == 4
    assert (world.session.scale, world.session.unit_complete) == (Scale(-1, 10), False)


@pytest.mark.parametrize(("refused", "known"), [(0, TENTHS), ("E1", None), ("E1", TENTHS), ("D3", TENTHS)])
def test_a_unit_that_is_the_known_one_or_none_is_asked_for_once(refused: str | int, known: Scale | None) -> None:
    world = with_unit(1, -1, known)
    world.module.fault("refuse-epcs", refused)
    world.run(world.session.learn_scale())
    assert sum(sent.endswith(b"\x62\x01\xe1\x00") for sent in world.sent) == 1
    assert world.session.scale == known
    assert world.session.unit_complete is (not refused), "it was remembered, not reported"


def test_a_clock_that_is_another_each_time_dates_no_record_and_ends_nothing() -> None:
    world = World(LINK, TENTHS, repaired_days=2)
    world.join_module()
    clocks, get = cycle([0x17, 0x0D, 0x05, 0x00]), world.module.radio.meter._get

    def fickle(epc: int, now: float) -> Reading | None:
        return Reading(f"{next(clocks):02X}00") if epc == 0x97 else get(epc, now)

    world.module.radio.meter._get = fickle  # type: ignore[method-assign]
    world.listen(1200, 60)
    assert [note for note in world.notes if "are another each time it is asked" in note]
    assert len(world.values("power")) >= 19
    assert len(world.half_hours("+power")) <= 1, "what was pushed meanwhile"


def test_a_unit_that_turns_out_to_be_another_corrects_what_was_stored() -> None:
    world = with_unit(10, -1, TENTHS, days=7)
    world.module.fault("refuse-epcs", "D3")
    world.listen(3600, 60)
    assert wrong_or_lacking(world, NOON - 7 * DAY, 1.0) != NONE_AT_ALL, "nobody could know"
    world.module.fault("refuse-epcs", 0)
    world.listen(7200, 60)
    assert [note for note in world.notes if "counts in units of 1 kWh (E1, D3), not of 0.1" in note]
    assert wrong_or_lacking(world, NOON - 7 * DAY, 1.0) == NONE_AT_ALL
    assert not world.session.recheck


def test_a_correction_is_taken_up_again_after_a_restart() -> None:
    world = with_unit(10, -1, TENTHS, days=7)
    world.module.fault("refuse-epcs", "D3")
    world.listen(3600, 60)
    world.module.fault("refuse-epcs", 0)
    world.until(lambda: world.session.recheck, within=3600)
    world.session = world.new_session(world.session.link, world.session.scale, recheck=True)
    world.listen(3600, 60)
    assert wrong_or_lacking(world, NOON - 7 * DAY, 1.0) == NONE_AT_ALL
    assert not world.session.recheck


def test_what_is_learned_of_the_meter_is_kept_when_it_is_news_and_no_oftener() -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    learned = []
    report = world.report

    def counting(step: Step) -> None:
        learned.extend([step.learned] if step.learned else [])
        report(step)

    world.report = counting  # type: ignore[method-assign]
    world.listen(3600, 60)
    assert learned == [(LINK, TENTHS, False, None)], "the unit"


def test_registers_that_waited_for_their_unit_are_dated_by_the_boot_clock() -> None:
    world = World(LINK)
    world.join_module()
    world.line.clock_error = -float(NOON)
    world.module.fault("refuse-epcs", "E1")
    received: list[float | None] = []
    record = world.record

    def recorded(step: Step, at: Instant) -> None:
        received.extend(point.received for point in step.points if point.measurement == "energy")
        assert all(point.time is None for point in step.points if point.measurement == "energy")
        record(step, at)

    world.record = recorded  # type: ignore[method-assign]
    world.run(world.session.poll((0xE0,)))
    asked = world.now
    world.listen(1200)
    world.module.fault("refuse-epcs", 0)
    world.listen(1200)
    assert received[0] == pytest.approx(asked, abs=60)


def test_a_listener_without_a_history_asks_for_no_record() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.session = Session(LINK, TENTHS, Credentials(BID, PWD), 1, Random(7).uniform, Archive(world), 0)
    world.module.fault("refuse-epcs", "EA*1")
    world.listen(2 * 3600, 60)
    asked = [sent[-18:] for sent in world.sent if b"SKSENDTO" in sent]
    assert asked
    assert not [end for end in asked if bytes((0x98, 0)) in end or bytes((0xE5, 1)) in end]


def test_what_is_missed_while_the_record_is_read_is_read_right_after_it() -> None:
    world = World(LINK, TENTHS, repaired_days=8)
    world.join_module()
    world.listen(1)
    world.until(lambda: len(world.half_hours("+power")) > 150, within=3600)
    world.points = [point for point in world.points if point.time != NOON - 7200]
    world.session._repair.soon(world.now)
    world.listen(900)
    assert wrong_or_lacking(world, NOON - 8 * DAY) == NONE_AT_ALL


def test_where_nothing_is_lacking_the_record_is_read_once_a_day() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    world.listen(3600, 600)
    before = len(world.sent)
    world.listen(6 * 3600, 600)
    asked = [sent[-18:] for sent in world.sent[before:] if b"SKSENDTO" in sent]
    assert len(asked) > 30
    assert not [end for end in asked if bytes((0x98, 0)) in end or bytes((0xE5, 1)) in end]


def test_a_record_that_goes_on_into_the_future_is_read_up_to_now() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    midnight = NOON - 12 * 3600
    counts = [HOUSE.register_import(midnight + slot * HALF_HOUR) for slot in range(48)]
    world.module.fault("wrong-data", "E2:0000" + "".join(f"{count:08X}" for count in counts))
    world.listen(1200, 60)
    assert NOON in world.half_hours("+power")
    assert max(world.half_hours("+power")) <= world.now


# --- holes in the record -----------------------------------------------------------------


def spoil_slot(world: World, count: str, times: float = inf) -> Callable[[], None]:
    """Put `count` into the eleventh half-hour of each day of the record, `times` times; return what ends it."""
    get, left = world.module.radio.meter._get, times

    def spoiled(epc: int, now: float) -> Reading | None:
        nonlocal left
        reading = get(epc, now)
        if reading is None or epc != 0xE2 or left <= 0:
            return reading
        left -= 1
        return reading._replace(edt=reading.edt[:84] + count + reading.edt[92:])

    def end() -> None:
        nonlocal left
        left = 0

    world.module.radio.meter._get = spoiled  # type: ignore[method-assign]
    return end


HOLE = "FFFFFFFE"


def times_read(world: World) -> int:
    """How often a day of the record was asked for."""
    return sum(b"SKSENDTO" in sent and b"\x01\xe2\x00" in sent[-6:] for sent in world.sent)


def test_a_hole_that_stays_costs_ever_fewer_questions() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    spoil_slot(world, HOLE)
    world.listen(3 * 3600)
    assert times_read(world) >= 4, "it is looked for again soon"
    world.listen(DAY - 3 * 3600)
    before = times_read(world)
    world.listen(DAY)
    assert times_read(world) - before < 20


def test_a_hole_that_the_meter_fills_later_is_filled_within_hours() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    end = spoil_slot(world, HOLE)
    world.listen(1200)
    hole = NOON - 7 * 3600
    assert wrong_or_lacking(world, NOON - 12 * 3600)["+power"] == [hole]
    end()
    world.listen(3 * 3600)
    assert wrong_or_lacking(world, NOON - DAY) == NONE_AT_ALL


def test_one_damaged_answer_of_the_record_costs_seconds() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    spoil_slot(world, "00000001", times=1)
    world.listen(120)
    assert wrong_or_lacking(world, NOON - DAY) == NONE_AT_ALL
