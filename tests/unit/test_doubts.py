"""What the meter said once is not yet what it is: flipped bits become no readings, and what is wrong is corrected."""

from collections.abc import Mapping

import pytest

from homemon.core.points import HALF_HOUR, Number, Point
from homemon.sources.meter.plausible import LARGEST_W, Doubts, Reading, fits
from homemon.sources.meter.properties import Scale
from tests.unit.test_refusals import NONE_AT_ALL, wrong_or_lacking
from tests.virtual import HOUSE, LINK, NOON, TENTHS, World

DAY = 86_400
FALSE = 487_763.0  # kWh: bit 22 of 68,332.6 in counts of 0.1


def listening(days: int = 3, scale: Scale | None = TENTHS) -> World:
    """A listener that has been joined for half an hour."""
    world = World(LINK, scale, repaired_days=days)
    world.join_module()
    world.listen(1800, 60)
    return world


def stamp(time: int, count: int) -> str:
    """An EA of that half-hour."""
    hours = (time + 9 * 3600) % DAY // 60
    days = (time + 9 * 3600) // DAY - (NOON + 9 * 3600) // DAY
    return f"07EA0C{30 + days:02X}{hours // 60:02X}{hours % 60:02X}00{count:08X}"


BITS = (0, 3, 5, 8, 12, 16, 20, 25)


@pytest.mark.parametrize("epc", ["EA", "EB"])
def test_a_flipped_bit_of_a_half_hour_is_gone_within_a_day(epc: str) -> None:
    """Another bit every two hours."""
    world = listening()
    register = HOUSE.register_import if epc == "EA" else HOUSE.register_export
    false = []
    for bit in BITS:
        half_hour = int(world.now) // HALF_HOUR * HALF_HOUR + HALF_HOUR
        false.append(register(half_hour) ^ 1 << bit)
        world.module.fault("wrong-data", f"{epc}:{stamp(half_hour, false[-1])}*1")
        world.listen(2 * 3600, 60)
        assert wrong_or_lacking(world, half_hour) == NONE_AT_ALL or bit < 8, "a low one may wait for the record"
    world.listen(DAY, 60)
    assert wrong_or_lacking(world, NOON - 3 * DAY) == NONE_AT_ALL
    stored = world.values("+power" if epc == "EA" else "-power")
    assert not {count / 10 for bit, count in zip(BITS, false, strict=True) if bit >= 8}.intersection(stored), "ever"


@pytest.mark.parametrize("away", [DAY, -DAY, 17 * DAY, 3600, -3600, 900])
def test_a_half_hour_of_another_time_is_none(away: int) -> None:
    world = listening()
    half_hour = int(world.now) // HALF_HOUR * HALF_HOUR + HALF_HOUR
    false = stamp(half_hour + away, HOUSE.register_import(half_hour))
    world.module.fault("wrong-data", f"EA:{false}*1")
    before = set(world.half_hours("+power"))
    world.listen(3600, 60)
    new = set(world.half_hours("+power")) - before
    assert new == {half_hour, half_hour + HALF_HOUR}
    assert wrong_or_lacking(world, NOON - 3 * DAY) == NONE_AT_ALL


@pytest.mark.parametrize("epc", ["E2", "E4"])
@pytest.mark.parametrize("bit", [7, 10, 20])
def test_a_flipped_bit_in_the_record_is_no_half_hour(epc: str, bit: int) -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    register = HOUSE.register_import if epc == "E2" else HOUSE.register_export
    midnight = NOON - 12 * 3600
    counts = [register(midnight + slot * HALF_HOUR) for slot in range(25)]
    counts[11] ^= 1 << bit
    record = "0000" + "".join(f"{count:08X}" for count in counts) + "FFFFFFFE" * 23
    world.module.fault("wrong-data", f"{epc}:{record}*1")
    world.listen(3600, 60)
    stored = world.values("+power" if epc == "E2" else "-power")
    assert counts[11] / 10 not in stored
    assert wrong_or_lacking(world, NOON - DAY) == NONE_AT_ALL


@pytest.mark.parametrize("watts", ["00076EC3", "FFF76EC3", "4000020B", "80000123"])
def test_power_beyond_any_house_is_asked_again(watts: str) -> None:
    world = listening()
    world.module.fault("wrong-data", f"E7:{watts}*1")
    world.listen(120, 60)
    assert max(map(abs, world.values("power"))) < LARGEST_W
    assert world.values("power") == world.truth(0xE7)
    assert [note for note in world.notes if note.startswith("did not record power")]


def test_current_beyond_any_house_is_asked_again() -> None:
    world = listening()
    world.module.fault("wrong-data", "E8:40100010*1")
    world.run(world.session.poll((0xE8,)))
    currents = [point.fields for point in world.points if point.measurement == "current"]
    assert currents
    assert max(max(fields.values()) for fields in currents) < 500


def test_a_factory_that_draws_more_is_recorded_all_the_same() -> None:
    world = listening()
    world.module.fault("wrong-data", "E7:00030000")
    world.listen(300, 60)
    assert world.values("power")[-3:] == [0x30000] * 3
    assert len([note for note in world.notes if "the meter says so twice" in note]) == 1, "then it is known"


@pytest.mark.parametrize("epc", ["E0", "E3"])
def test_a_running_register_that_cannot_be_is_asked_again(epc: str) -> None:
    world = listening()
    world.module.fault("wrong-data", f"{epc}:004A6F3E*1")
    world.run(world.session.poll((int(epc, 16),)))
    (energy,) = [point for point in world.points if point.measurement == "energy"]
    assert list(energy.fields.values()) == [world.truth(int(epc, 16))[-1] / 10]


def test_a_running_register_is_compared_with_the_last_one_also_where_nothing_is_stored() -> None:
    world = listening(days=0)
    world.run(world.session.poll((0xE0,)))
    world.module.fault("wrong-data", "E0:004A6F3E*1")
    world.run(world.session.poll((0xE0,)))
    energies = [point.fields["import"] for point in world.points if point.measurement == "energy"]
    assert energies == [count / 10 for count in (world.truth(0xE0)[0], world.truth(0xE0)[-1])]


def test_a_poll_of_a_half_hour_asks_twice_where_it_must() -> None:
    world = listening()
    half_hour = int(world.now) // HALF_HOUR * HALF_HOUR
    world.points = [point for point in world.points if point.time != half_hour]
    world.module.fault("wrong-data", f"EA:{stamp(half_hour, 4_877_630)}*1")
    world.session = world.new_session(LINK, TENTHS)
    world.run(world.session.poll((0xEA,)))
    assert world.half_hours("+power")[half_hour] == HOUSE.register_import(half_hour) / 10


def test_the_same_line_twice_confirms_nothing() -> None:
    world = listening()
    world.module.fault("double")
    world.module.fault("wrong-data", "E7:00076EC3*1")
    world.listen(120, 60)
    assert 0x76EC3 not in world.values("power")


def test_what_was_stored_wrong_is_corrected_by_the_record() -> None:
    world = listening()
    times = sorted(world.half_hours("+power"))[-60::7]
    world.points += [Point("+power", {"value": FALSE}, time) for time in times]
    world.points += [Point("-power", {"value": 0.1}, time) for time in times[:2]]
    world.listen(DAY + 3600, 60)
    assert wrong_or_lacking(world, NOON - 3 * DAY) == NONE_AT_ALL
    assert [note for note in world.notes if note.startswith("corrected")]


def test_what_is_right_is_not_changed_by_one_wrong_reading_of_the_record() -> None:
    world = listening(days=1)
    before = len(world.points)
    world.module.fault("wrong-data", f"E2:0000{'00000123' * 48}*1")
    world.listen(DAY, 60)
    assert wrong_or_lacking(world, NOON - DAY) == NONE_AT_ALL
    assert 29.1 not in world.values("+power")
    assert len(world.points) > before


def test_flipped_bits_all_day_leave_no_wrong_half_hour_and_no_power_beyond_a_house() -> None:
    world = listening()
    world.module.fault("flip", 5)
    world.listen(DAY, 60)
    world.module.fault("flip", 0)
    world.listen(2 * DAY, 60)
    assert wrong_or_lacking(world, NOON - 3 * DAY) == NONE_AT_ALL
    assert max(map(abs, world.values("power"))) < LARGEST_W
    future = [point for point in world.points if point.time is not None and point.time > world.now]
    assert future == []


def test_an_answer_that_names_another_property_is_no_answer() -> None:
    world = listening()
    world.listen(0.0, program=world.session.poll((0xE7,)))
    world.module.radio.out.clear()
    world.module.radio._deeds = sorted(deed for deed in world.module.radio._deeds if deed.time > world.now + 60)
    tid = f"{world.session._tid:04X}"
    before = len(world.points)
    for named in ("E304000001F8", "E90400000000", "E704000001F8E80400010001"):
        count = 1 + (len(named) > 12)
        frame = f"1081{tid}02880105FF0172{count:02X}{named}"
        world.module.radio.say(
            f"ERXUDP {LINK.address} {LINK.address} 0E1A 0E1A 0000AA0000000002 1 0 {len(frame) // 2:04X} {frame}"
        )
        world.listen(1.0)
    assert len(world.points) == before
    assert world.step
    assert not world.step.done


# --- the clock, and nothing known ---------------------------------------------------------


class Stored:
    """An archive of one register."""

    def __init__(self, known: Mapping[int, Number] | None = None) -> None:
        self._known = known or {}

    def values(self, measurement: str, field: str, since: int, until: int) -> dict[int, Number]:
        return {time: value for time, value in self._known.items() if since <= time < until}

    def first(self) -> int:
        return 0

    def settled(self) -> bool:
        return True

    def met(self, address: str) -> None:
        """There is only one."""


def register(value: float, time: int = NOON, tid: int = 1, ticks: float = 0.0, wall: float = NOON + 60.0) -> Reading:
    return Reading(Point("+power", {"value": value}, time), tid, ticks, wall)


@pytest.mark.parametrize("scale", [TENTHS, Scale(-1, 1, 6)])
def test_a_roll_over_is_no_fall(scale: Scale) -> None:
    modulus = scale.modulus
    archive = Stored({NOON - HALF_HOUR: modulus - 0.3})
    assert Doubts(archive).admit(register(0.4), scale)[0]
    assert not Doubts(archive).admit(register(40.0), scale)[0]


def test_the_first_half_hour_of_all_is_asked_twice_and_then_each_once() -> None:
    doubts = Doubts(Stored())
    assert doubts.admit(register(100.0), TENTHS) == ([], [])
    assert doubts.admit(register(100.0, tid=1), TENTHS) == ([], []), "the same line again"
    assert doubts.admit(register(100.0, tid=2), TENTHS) == ([register(100.0).point], [])
    later = register(100.4, NOON + HALF_HOUR, 3, 1800.0, NOON + 1860.0)
    assert doubts.admit(later, TENTHS) == ([later.point], [])


def test_a_clock_of_1970_costs_one_question_and_not_one_a_half_hour() -> None:
    doubts = Doubts(Stored({NOON - HALF_HOUR: 99.9}))
    assert doubts.admit(register(100.0, ticks=7000.0, wall=60.0), TENTHS)[0] == []
    assert doubts.admit(register(100.0, tid=2, ticks=7005.0, wall=65.0), TENTHS)[0] == [register(100.0).point]
    assert doubts.admit(register(100.1, NOON + HALF_HOUR, 3, 8800.0, 1860.0), TENTHS)[0]


@pytest.mark.parametrize(
    ("time", "value", "ticks", "stored"),
    [(NOON, 100.0, 5.0, [NOON]), (NOON + HALF_HOUR, 100.4, 1800.0, [NOON, NOON + HALF_HOUR])],
)
def test_a_doubted_half_hour_that_the_next_answer_bears_out_is_recorded(
    time: int, value: float, ticks: float, stored: list[int]
) -> None:
    doubts = Doubts(Stored({NOON - HALF_HOUR: 99.9}))
    assert doubts.admit(register(100.0, wall=60.0), TENTHS) == ([], [])
    points, notes = doubts.admit(register(value, time, 2, ticks, time + 60.0), TENTHS)
    assert [point.time for point in points] == stored
    assert notes == []
    assert not doubts.contradicted
    assert doubts.epcs() == ()


@pytest.mark.parametrize("false", [NOON + 32, NOON - 240])
def test_a_time_between_half_hours_is_none_whatever_the_next_answer_says(false: int) -> None:
    """A flipped bit of EA's minute or second; the register is right, and the next answer whole."""
    doubts = Doubts(Stored({NOON - HALF_HOUR: 99.9}))
    assert doubts.admit(register(100.0, false, wall=60.0), TENTHS) == ([], [])
    points, _ = doubts.admit(register(100.0, NOON, 2, 5.0), TENTHS)
    assert [point.time for point in points] == [NOON]


def test_a_running_register_is_compared_with_the_only_value_that_is_known() -> None:
    def running(kwh: float) -> Reading:
        return Reading(Point("energy", {"import": kwh}), 1, 0.0, float(NOON))

    archive = Stored({NOON - HALF_HOUR: 100.0})
    assert Doubts(archive).admit(running(50_000.0), TENTHS)[0] == []
    assert Doubts(archive).admit(running(100.3), TENTHS)[0] == [running(100.3).point._replace(received=0.0)]


@pytest.mark.parametrize(("behind", "believed"), [(300, True), (301, False)])
def test_a_half_hour_may_be_as_new_as_clocks_differ(behind: int, believed: bool) -> None:
    doubts = Doubts(Stored({NOON - HALF_HOUR: 99.9}))
    assert bool(doubts.admit(register(100.0, wall=NOON - behind), TENTHS)[0]) is believed


@pytest.mark.parametrize(("again", "believed"), [(50_000.1, True), (49_999.0, False), (60_000.0, False)])
def test_a_doubted_running_register_is_believed_when_the_next_answer_goes_on_from_it(
    again: float, believed: bool
) -> None:
    doubts = Doubts(Stored({NOON - HALF_HOUR: 100.0}))
    for number, kwh in enumerate((50_000.0, again)):
        reading = Reading(Point("energy", {"import": kwh}), number, 7000.0 + 5.0 * number, NOON + 5.0 * number)
        points, _ = doubts.admit(reading, TENTHS)
    assert [point.fields["import"] for point in points] == ([again] if believed else [])


@pytest.mark.parametrize(("value", "possible"), [(10.5, True), (9.0, False), (12.0, False), (900.0, False)])
def test_a_register_lies_between_the_one_before_and_the_one_after(value: float, possible: bool) -> None:
    known = {0: 10.0, 3600: 11.0}
    assert fits(1800, value, known, Scale(-1, 1)) is possible
