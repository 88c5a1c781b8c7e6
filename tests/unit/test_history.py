"""No half-hour is lost: what nobody received is asked of the meter's own record, and only that."""

from itertools import count, pairwise

import pytest

from homemon.core.points import HALF_HOUR, Point
from homemon.sim.smart_meter import Reading, Reply
from homemon.sources.meter import history
from tests.virtual import HOUSE, LINK, NOON, TENTHS, Archive, World

DAY = 86_400
MIDNIGHT = NOON - 12 * 3600


def asked_days(world: World) -> list[int]:
    """The days ago that were set in E5."""
    return [sent[-1] for sent in world.sent if sent[-5:-1] == b"\x61\x01\xe5\x01"]


def all_true(world: World, since: int) -> None:
    """Every half-hour from `since` on is there with the true value."""
    for measurement, register in (("+power", HOUSE.register_import), ("-power", HOUSE.register_export)):
        got = world.half_hours(measurement)
        assert got == {time: register(time) / 10 for time in got}
        assert got.keys() >= set(range(since, int(world.now) - 400, HALF_HOUR))


def test_a_new_listener_fills_the_last_days_from_the_meters_record() -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    world.listen(600, every=60)
    all_true(world, MIDNIGHT - 7 * DAY)
    assert asked_days(world) == list(range(8)), "the newest first"


def test_the_power_is_polled_on_time_during_a_repair() -> None:
    world = World(LINK, repaired_days=99)
    world.join_module()
    world.listen(3600, every=60)
    polls = [point.time for point in world.points if point.measurement == "power"]
    assert len(polls) >= 59
    all_true(world, MIDNIGHT - 99 * DAY)


def test_the_power_is_polled_while_a_slow_meter_is_read_again_and_again() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    _be_fickle(world)
    world.module.fault("late-answers", 12)
    world.listen(3600, every=60)
    polls = [point.time or 0 for point in world.points if point.measurement == "power"]
    assert max(after - before for before, after in pairwise(polls)) < 120


def test_only_what_is_missing_is_asked() -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    world.listen(1200)
    before = len(asked_days(world))
    world.module.fault("dead")
    world.listen(2 * 3600)
    world.module.fault("dead", 0)
    world.listen(3600)
    assert asked_days(world)[before:] == [0]
    all_true(world, MIDNIGHT - 7 * DAY)


def test_a_record_that_says_what_is_stored_changes_and_notes_nothing() -> None:
    world = World(LINK, TENTHS, repaired_days=3)
    world.join_module()
    world.listen(3 * 3600)
    stored, notes, asked = len(world.values("+power")), list(world.notes), len(asked_days(world))
    world.listen(DAY)
    assert len(asked_days(world)) > asked, "the last days are compared once a day"
    assert world.notes == notes
    assert len(world.values("+power")) == stored + 48


@pytest.mark.parametrize("ago", range(4))
def test_what_is_stored_wrong_of_the_last_three_days_is_corrected(ago: int) -> None:
    world = World(LINK, TENTHS, repaired_days=7)
    world.join_module()
    world.listen(3600)
    world.points += [Point("+power", {"value": 1.0}, MIDNIGHT - ago * DAY + 7200)]
    world.session._repair.compare(world.now)
    world.listen(900)
    all_true(world, MIDNIGHT - 7 * DAY)


def _be_fickle(world: World) -> None:
    """One half-hour of the meter's record is another at each reading."""
    get, counts = world.module.radio.meter._get, count(1)

    def fickle(epc: int, now: float) -> Reading | None:
        reading = get(epc, now)
        return reading and (
            reading._replace(edt=f"{reading.edt[:84]}{next(counts):08X}{reading.edt[92:]}") if epc == 0xE2 else reading
        )

    world.module.radio.meter._get = fickle  # type: ignore[method-assign]


def test_a_half_hour_that_is_another_at_each_reading_is_read_three_times_and_not_stored() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    _be_fickle(world)
    world.run(world.session.fill_history(world.repaired_days))
    assert asked_epcs(world).count(0xE2) == 2 * 3, "today's record and yesterday's"
    assert world.half_hours("+power").keys().isdisjoint({MIDNIGHT + 5 * 3600, MIDNIGHT - DAY + 5 * 3600})
    assert len(world.half_hours("+power")) == 73 - 2


def test_what_was_missed_over_days_is_filled_after_the_rejoin() -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    world.listen(1200)
    world.module.fault("dead")
    world.listen(3 * DAY + 5000)
    world.module.fault("dead", 0)
    world.module.fault("power-cycle")
    world.listen(3600)
    all_true(world, MIDNIGHT - 7 * DAY)


@pytest.mark.parametrize("seconds", range(0, 30, 3))
def test_a_midnight_in_the_middle_puts_nothing_on_the_wrong_day(seconds: int) -> None:
    world = World(LINK, TENTHS, repaired_days=3)
    world.join_module()
    world.now = MIDNIGHT + DAY - 20.0 - seconds
    world.module.radio.advance(world.now)
    world.run(world.session.fill_history(world.repaired_days))
    all_true(world, MIDNIGHT - 3 * DAY if world.now < MIDNIGHT + DAY else min(world.half_hours("+power")))
    assert len(world.half_hours("+power")) >= 3 * 48


@pytest.mark.parametrize("error", [-56 * 365 * DAY, -5000, 5000, 400 * DAY])
def test_our_own_clock_has_no_part_in_it(error: int) -> None:
    world = World(LINK, repaired_days=2)
    world.line.clock_error = float(error)
    world.join_module()
    world.listen(3 * 3600)
    all_true(world, MIDNIGHT - 2 * DAY)


def test_a_lost_push_is_asked_for_with_a_clock_that_says_1970() -> None:
    world = World(LINK)
    world.line.clock_error = -float(NOON)
    world.join_module()
    world.module.fault("lose-pushes", 1)
    world.listen(5 * 3600)
    all_true(world, NOON)


@pytest.mark.parametrize("refused", ["E5", "97", "98"])
def test_a_meter_without_a_record_is_reported_once(refused: str) -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    world.module.fault("refuse-epcs", refused)
    world.listen(2 * DAY)
    assert sum("record" in note for note in world.notes) == 1
    all_true(world, NOON)
    assert min(world.half_hours("+power")) == NOON


def test_a_meter_that_feeds_nothing_in_is_repaired_one_way() -> None:
    world = World(LINK, repaired_days=2)
    world.join_module()
    world.module.fault("refuse-epcs", "EB,E3,E4")
    world.listen(3600)
    assert len(world.half_hours("+power")) == 2 * 48 + 27
    assert world.half_hours("-power") == {}


# --- answers that are odd, and meters that lack something ----------------------------------


def asked_epcs(world: World) -> list[int]:
    """What was asked for alone."""
    return [sent[-2] for sent in world.sent if sent[-4:-2] == b"\x62\x01" and sent[-1:] == b"\0"]


def without(world: World, measurement: str, hours: int) -> None:
    """The store loses the last hours of one register."""
    since = int(world.now) - hours * 3600
    world.points = [p for p in world.points if p.measurement != measurement or (p.time or 0) < since]


@pytest.mark.parametrize(("lost", "asked", "other"), [("+power", 0xE2, 0xE4), ("-power", 0xE4, 0xE2)])
def test_where_one_register_lacks_something_only_that_one_is_asked(lost: str, asked: int, other: int) -> None:
    world = World(LINK, TENTHS, repaired_days=2)
    world.join_module()
    world.listen(3600)
    without(world, lost, 10)
    world.sent.clear()
    world.step = None
    world.run(world.session.fill_history(world.repaired_days))
    assert asked in asked_epcs(world)
    assert other not in asked_epcs(world)
    all_true(world, MIDNIGHT - 2 * DAY)


ODD_RECORDS = {
    "a byte short": [(0xE2, "0000" + "00001234" * 47 + "000012")],
    "a byte long": [(0xE2, "0000" + "00001234" * 48 + "00")],
    "empty": [(0xE2, "")],
    "behind another property": [(0xE7, "00000200"), (0xE2, "0000" + "00000123" * 48)],
    "twice": [(0xE2, "0000" + "00000123" * 48)] * 2,
    "of another day": [(0xE2, "0009" + "00000123" * 48)],
}


@pytest.mark.parametrize("odd", ODD_RECORDS)
def test_one_odd_answer_ends_nothing_and_is_no_half_hour(odd: str) -> None:
    world = World(LINK, TENTHS, repaired_days=2)
    world.join_module()
    answer, odd_left = world.module.radio.meter.answer, [ODD_RECORDS[odd]]

    def answering(request: bytes, now: float) -> Reply | None:
        if request[-2:] == b"\xe2\0" and odd_left:
            body = "".join(f"{epc:02X}{len(edt) // 2:02X}{edt}" for epc, edt in odd_left[0])
            count = len(odd_left.pop())
            return Reply(bytes.fromhex(f"1081{request[2:4].hex()}02880105FF0172{count:02X}{body}"), ())
        return answer(request, now)

    world.module.radio.meter.answer = answering  # type: ignore[method-assign]
    world.listen(2 * 3600, every=60)
    assert not odd_left
    assert 29.1 not in world.values("+power")
    all_true(world, MIDNIGHT - 2 * DAY)


@pytest.mark.parametrize("fault", ["refuse-epcs", "no-data"])
def test_a_listener_whose_meter_reports_no_unit_waits_for_it(fault: str) -> None:
    world = World(LINK, repaired_days=2)
    world.join_module()
    world.module.fault(fault, "E1")
    world.listen(3 * 3600, every=60)
    assert len(world.values("power")) > 150
    assert not world.half_hours("+power")
    world.module.fault(fault, 0)
    world.listen(2 * 3600, every=60)
    all_true(world, MIDNIGHT - 2 * DAY)


def test_a_meter_without_eb_is_asked_for_no_record_of_it() -> None:
    world = World(LINK, TENTHS, repaired_days=7)
    world.join_module()
    world.module.fault("refuse-epcs", "EB,E3,E4")
    world.listen(DAY)
    assert 0xE4 not in asked_epcs(world)


def test_no_day_is_asked_for_that_e5_does_not_know() -> None:
    world = World(LINK, TENTHS, repaired_days=150)
    world.join_module()
    world.listen(3 * 3600)
    assert max(asked_days(world)) == 99


@pytest.mark.parametrize("first", [MIDNIGHT - DAY + 1, MIDNIGHT - DAY + HALF_HOUR])
def test_of_the_time_before_the_present_meter_nothing_is_lacking(first: int) -> None:
    world = World(LINK, TENTHS, repaired_days=3)
    world.join_module()
    assert isinstance(world.session._archive, Archive)
    world.session._archive._first = first
    days = world.run(history.plan(world.session, world.session._archive, 3, 0, frozenset()))
    assert [min(day.lacking["+power"]) for day in days] == [MIDNIGHT, MIDNIGHT - DAY + HALF_HOUR]


def test_a_register_that_is_refused_and_was_last_given_before_these_days_is_not_lacking() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    world.points = [Point("-power", {"value": 2.0}, MIDNIGHT - 5 * DAY)]
    assert world.session._archive
    for refused, names in ((frozenset[str](), {"+power", "-power"}), (frozenset({"-power"}), {"+power"})):
        days = world.run(history.plan(world.session, world.session._archive, 1, 0, refused))
        assert [set(day.lacking) for day in days] == [names, names]


@pytest.mark.parametrize("epc", ["E2", "E4"])
def test_a_record_that_is_refused_once_is_asked_for_again_in_the_same_run(epc: str) -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    world.module.fault("refuse-epcs", f"{epc}*1")
    lacking, found = world.run(world.session.fill_history(world.repaired_days))
    assert (lacking, found) == (2 * 73, 2 * 73)
    assert not [note for note in world.notes if "record of" in note]
    asked = [note for note in world.notes if note.startswith("asking for ")]
    assert [note.rpartition(", ")[2] for note in asked] == ["1 of 2 ...", "2 of 2 ..."]


def test_a_record_that_is_refused_is_not_taken_for_one_that_lacks_something() -> None:
    world = World(LINK, TENTHS, repaired_days=1)
    world.join_module()
    world.module.fault("refuse-epcs", "E4")
    lacking, found = world.run(world.session.fill_history(world.repaired_days))
    assert (lacking, found) == (2 * 73, 73)
    assert [note for note in world.notes if "record of" in note] == [
        f"the meter did not give its record of {count} of the half-hours missing on 2026-12-{day}"
        for day, count in ((30, 25), (29, 48))
    ]
