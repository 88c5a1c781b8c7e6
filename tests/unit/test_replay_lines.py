"""What each line of a trace, a log or a backup gives to the store, and what it must not give."""

from datetime import date

import pytest

from homemon.core.points import Point
from homemon.core.transcript import MODULE, written
from homemon.replay import report
from homemon.replay.meter import Known
from homemon.skstack.lines import Parser
from homemon.skstack.mask import masked_received
from homemon.sources.meter.properties import Scale
from tests.traces import (
    METER,
    NOTHING,
    OTHER,
    POWER,
    PUSHED,
    PUSHED_POINTS,
    RECORD,
    REGISTER,
    TENTHS,
    at,
    erxudp,
    read,
    reported,
    unix,
)
from tests.unit.test_mask import TRANSCRIPT

# --- traces ------------------------------------------------------------------------


def test_a_reading_without_a_time_of_its_own_gets_the_second_of_its_line() -> None:
    points, left = read(at("17:14:27", POWER), at("17:14:28", PUSHED))
    assert points == [Point("power", {"value": 523}, unix("2026-11-23T17:14:27")), *PUSHED_POINTS]
    assert (left.refused, left.nonsense, left.sense, left.lines) == ({}, 0, 2, 2)


def test_what_came_while_the_clock_was_wrong_is_left_out_unless_it_has_its_own_time() -> None:
    for power in (at("17:14:27", POWER, "?"), "2026-10-31T23:59:59.999+09:00 wisun < " + POWER):
        points, left = read(power, power.replace(POWER, PUSHED))
        assert points == PUSHED_POINTS
        assert left.refused == {report.CLOCK: 1}


@pytest.mark.parametrize("refused", [erxudp(reported("D300", esv="52")), erxudp(reported("D30400000001"))])
def test_a_register_waits_for_the_unit_that_the_trace_reports_later(refused: str) -> None:
    unit = erxudp(reported("E10102"))
    points, left = read(
        at("17:14:27", REGISTER), at("17:14:28", unit), at("17:14:29", refused), at("17:14:30", REGISTER), known=NOTHING
    )
    assert points == [Point("energy", {"import": 651.39}, unix(f"2026-11-23T17:14:{second}")) for second in (27, 30)]
    assert not left.refused


@pytest.mark.parametrize("known", [NOTHING, Known(OTHER, TENTHS)])
def test_a_register_whose_unit_nobody_reported_is_left_out(known: Known) -> None:
    points, left = read(at("17:14:27", REGISTER), at("17:14:28", erxudp(reported("E10102"))), PUSHED, known=known)
    assert points == []
    assert left.refused == {report.NO_UNIT: 3}
    assert len(read(at("17:14:27", REGISTER), known=Known(None, TENTHS))[0]) == 1


def test_only_the_meter_that_was_asked_counts_and_a_new_one_brings_its_own_unit() -> None:
    stray = erxudp(reported("E7040000020B"), OTHER)
    asked = at("17:14:26", rf"SKSENDTO 1 {METER} 0E1A 1 0 0012 \x10\x81", direction=">")
    join = at("17:14:29", rf"SKJOIN {OTHER}\r\n", direction=">")
    points, left = read(asked, at("17:14:27", stray), join, at("17:14:30", stray), at("17:14:31", REGISTER))
    assert [point.time for point in points] == [unix("2026-11-23T17:14:30")]
    assert left.refused == {report.OTHERS: 2}
    unit, theirs = erxudp(reported("E10102", "D30400000001")), erxudp(reported("E0040000FE73"), OTHER)
    points, left = read(asked, at("17:14:27", unit), join, at("17:14:30", theirs), known=NOTHING)
    assert (points, left.refused) == ([], {report.NO_UNIT: 1})


def test_a_register_that_waits_is_never_read_in_the_unit_of_another_meter() -> None:
    join = at("17:14:29", rf"SKJOIN {OTHER}\r\n", direction=">")
    unit = erxudp(reported("E10102", "D30400000001"), OTHER)
    asked = at("17:14:26", rf"SKJOIN {METER}\r\n", direction=">")
    points, left = read(asked, at("17:14:27", REGISTER), join, at("17:14:30", unit), known=NOTHING)
    assert (points, left.refused) == ([], {report.NO_UNIT: 1})


def test_what_was_not_encrypted_is_no_reading() -> None:
    points, left = read(at("17:14:27", POWER.replace(" 1 0 0012 ", " 0 0 0012 ")), POWER)
    assert points == []
    assert left.refused == {report.OPEN: 1, report.NO_TIME: 1}


@pytest.mark.parametrize(
    ("clock", "asked", "day"),
    [
        ("98 04 07EA0B17  97 02 110E", "17:14:35", "2026-11-22"),
        ("98 04 07EA0B17  97 02 173B", "23:59:59", None),  # midnight may lie between
        ("98 04 07EA0B18  97 02 0001", "23:59:59", "2026-11-23"),  # its clock is ahead of ours
        ("98 04 07EA0B17  97 02 1739", "23:58:59", "2026-11-22"),  # its minute may be over in a second
        ("98 04 07EA0B17  97 02 1739", "23:59:00", None),
        ("98 04 07EA0B17  97 02 1736", "23:57:30", None),  # reported too long ago, and too near to midnight
    ],
)
def test_a_record_belongs_to_the_day_of_the_meters_own_clock(clock: str, asked: str, day: str | None) -> None:
    first, _, second = clock.partition("  ")
    when = {"110E": "17:14:27", "1739": "23:57:00", "1736": "23:40:00"}.get(clock[-4:], "23:59:50")
    points, left = read(at(when, erxudp(reported(first, second))), at(asked, erxudp(RECORD)))
    if day is None:
        assert (points, left.refused) == ([], {report.NO_DAY: 46})
    else:
        midnight = unix(f"{day}T00:00:00")
        assert points == [Point("+power", {"value": 1780.6}, midnight + slot * 1800) for slot in range(46)]


def test_the_meters_clock_goes_on_over_midnight() -> None:
    clock = at("23:55:00", erxudp(reported("980407EA0B17", "97021737")))
    record = at("00:02:00", erxudp(RECORD)).replace("2026-11-23", "2026-11-24")
    points, left = read(clock, record)
    assert points[0].time == unix("2026-11-23T00:00:00")
    assert not left.refused


def test_a_record_without_the_meters_clock_belongs_to_the_day_of_its_line() -> None:
    assert read(at("12:00:00", erxudp(RECORD)))[0][0].time == unix("2026-11-22T00:00:00")
    for sure in ("00:05:00", "23:54:59"):
        assert read(at(sure, erxudp(RECORD)))[0][0].time == unix("2026-11-22T00:00:00")
    for unsure in (at("00:04:59", erxudp(RECORD)), at("23:55:00", erxudp(RECORD))):
        assert read(unsure)[0] == [], "their clocks may differ by 5 minutes"
    for record in (at("12:00:00", erxudp(RECORD), "?"), erxudp(RECORD)):
        assert read(record)[0] == []


def test_a_records_registers_wait_for_the_unit_as_well() -> None:
    unit = erxudp(reported("E10101", "D30400000001"))
    points, _ = read(at("12:00:00", erxudp(RECORD)), at("12:00:01", unit), known=NOTHING)
    assert len(points) == 46


def test_a_clock_without_a_time_of_its_line_is_a_guide_to_the_date_alone() -> None:
    """Lines with and without a time in one file: the meter's clock of the one dates the record of the other."""
    clock, record = erxudp(reported("980407EA0B17", "9702110E")), erxudp(RECORD)
    for lines in ((clock, at("12:00:00", record)), (at("12:00:00", clock), record)):
        points, left = read(*lines)
        assert points[0].time == unix("2026-11-22T00:00:00")
        assert len(points) == 46
        assert not left.refused


@pytest.mark.parametrize("date", ["980307EA0B", "980507EA0B1700", "9800"])
def test_a_date_of_the_wrong_length_is_none(date: str) -> None:
    points, left = read(erxudp(reported(date)), erxudp(RECORD))
    assert (points, left.refused) == ([], {report.NO_DAY: 46})


def test_of_a_frame_with_an_odd_record_the_sound_one_is_stored_and_the_odd_one_counted() -> None:
    short, sound = "E2C1" + "00" * 0xC1, "E4C20001" + "00000015" * 48
    for record in (reported(short, sound), reported(sound, short), reported("D30400000001", short, sound)):
        points, left = read(at("12:00:00", erxudp(record)))
        assert [point.measurement for point in points] == ["-power"] * 48
        assert left.refused == {report.ODD: 1}


@pytest.mark.parametrize(("days", "stored"), [(0, 2), (99, 2), (100, 0)])
def test_a_record_may_be_of_any_day_that_a_meter_keeps(days: int, stored: int) -> None:
    record = reported(f"E2C2{days:04X}" + "0000458E" * 2 + "FFFFFFFE" * 46)
    points, left = read(at("12:00:00", erxudp(record)))
    assert len(points) == stored
    assert left.refused == ({} if stored else {report.NO_DAY: 2})
    if stored:
        assert points[0].time == unix("2026-11-23T00:00:00") - days * 86_400


def test_an_empty_or_refused_record_is_nothing() -> None:
    points, left = read(
        at("12:00:00", erxudp(reported("E200", esv="52"))), at("12:00:01", erxudp(reported("E7040000020B")))
    )
    assert [point.measurement for point in points] == ["power"]
    assert not left.refused


def test_a_datagram_that_is_of_another_port_or_device_is_not_of_the_meter() -> None:
    lines = (
        POWER.replace(" 0E1A 0E1A ", " 0E1B 0E1B "),
        erxudp("1081 0001 026B01 05FF01 72 01 84020320"),
        erxudp("1081 0001 0EF001 05FF01 73 01 D50401028801"),
    )
    points, left = read(*(at("17:14:27", text) for text in lines))
    assert (points, left.refused, left.nonsense) == ([], {}, 0)
    for one_port in (" 0E1A 0E1B ", " 0E1B 0E1A "):
        assert len(read(at("17:14:27", POWER.replace(" 0E1A 0E1A ", one_port)))[0]) == 1


@pytest.mark.parametrize("eoj", ["0EF001", "05FF01", "028802"])
def test_a_record_of_another_object_is_not_the_meters(eoj: str) -> None:
    assert read(at("12:00:00", erxudp(RECORD.replace("028801", eoj))))[0] == []


def test_only_so_many_registers_wait_for_their_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homemon.sources.meter.reception.MAX_WAITING", 3)
    unit = erxudp(reported("E10102", "D30400000001"))
    registers = [at(f"17:14:{second}", REGISTER) for second in range(20, 26)]
    points, left = read(*registers, at("17:14:30", unit), known=NOTHING)
    assert [point.time for point in points] == [unix(f"2026-11-23T17:14:{second}") for second in (23, 24, 25)]
    assert left.refused == {report.NO_UNIT: 3}


def test_what_is_broken_is_counted_and_costs_nothing_else() -> None:
    cut, short = erxudp(reported("E7040000020B")[:-2]), erxudp(reported("E702020B", "E80400280028"))
    points, left = read(at("17:14:27", cut), at("17:14:28", short), at("17:14:29", "EVENT 21 \\x00~"))
    assert points == [Point("current", {"r": 4.0, "t": 4.0}, unix("2026-11-23T17:14:28"))]
    assert left.refused == {report.BROKEN: 1, report.ODD: 1}
    assert left.nonsense == 0
    elsewhere = erxudp(reported("E7040000020B")[:-2], OTHER)
    asked = at("17:14:26", rf"SKJOIN {METER}\r\n", direction=">")
    assert read(asked, at("17:14:27", elsewhere))[1].refused == {report.BROKEN: 1}


def test_of_a_line_behind_a_torn_one_nothing_is_lost() -> None:
    points, left = read(at("17:14:27", POWER)[:80] + at("17:14:28", POWER))
    assert [point.time for point in points] == [unix("2026-11-23T17:14:28")]
    assert (left.nonsense, left.first) == (1, "file:1: a line that was cut off")


def test_masking_breaks_no_reading() -> None:
    """A whole join with the reading behind it, through the mask, a trace's lines and back."""
    stamp = "2026-11-23T17:14:27.500+09:00"
    events = Parser().feed(TRANSCRIPT + b"\r\n")
    lines = [written(stamp, MODULE, False, masked_received(event)) for event in events]
    points, left = read(*lines)
    assert points == [Point("power", {"value": 523}, unix("2026-11-23T17:14:27"))]
    assert (left.refused, left.nonsense) == ({}, 0)


@pytest.mark.parametrize("clock_first", [True, False])
def test_a_clock_in_a_line_without_a_time_dates_a_record_in_one_with_a_time(clock_first: bool) -> None:
    clock = erxudp(reported("980407EA0B17", "9702110E"))
    timed = at("17:14:35", clock)
    record = erxudp(RECORD)
    points, _ = read(clock, at("17:14:35", record)) if clock_first else read(timed, record)
    assert points[0].time == unix("2026-11-22T00:00:00")


def test_a_refused_coefficient_is_the_one_that_is_known_of_this_meter() -> None:
    lines = [at("17:14:26", erxudp(reported("E10102"))), at("17:14:27", erxudp(reported("D300", esv="52")))]
    lines.append(at("17:14:28", REGISTER))
    known = Known(METER, Scale(-1, 10))
    assert read(*lines, known=known)[0] == [Point("energy", {"import": 6513.9}, unix("2026-11-23T17:14:28"))]
    stranger = Known(OTHER, Scale(-1, 10))
    assert read(*lines, known=stranger)[0] == [Point("energy", {"import": 651.39}, unix("2026-11-23T17:14:28"))]


# --- logs of the original scripts --------------------------------------------------

LOG = f"""\
{POWER}
瞬時電力計測値:523[W]
EVENT 21 {METER} 0 00
OK
SKSENDTO 1 {METER} 0E1A 1 0 000E
{PUSHED}
正方向定時積算電力量: 2023/12/19 00:30:00 1780.6[kWh]
Other EPC: E8
Not ERXUDP
ERXUDP {METER} FF02:0000:0000:0000:0000:0000:0000:0001 0E1A 0E1A 0000AA000000000A 1 0 0012 \
108100000EF0010EF0017301D50401028801
Other SEOJ: 0ef001
25: ['\\x10\\x81\\x00\\x01\\x02k\\x01\\x05\\xff\\x01r\\x03\\x84\\x02']
ecocute power=800,powerSum=123456,tank=280 1496197800000000000
0.1kWh
EPANDESC
  Channel:31
  PairID:00AA0002
2017/05/31 11:30:00 -> 1.7
1, 31, 31
hatuden value=1.7 1496197800000000000
"""


def test_of_bare_lines_only_what_has_its_own_time_is_stored_and_all_talk_is_known() -> None:
    points, left = read(*LOG.splitlines())
    others = [
        Point("ecocute", {"power": 800, "powerSum": 123456, "tank": 280}, 1496197800, ""),
        Point("hatuden", {"value": 1.7}, 1496197800, ""),
    ]
    assert points == PUSHED_POINTS + others
    assert left.refused == {report.NO_TIME: 1}
    assert (left.nonsense, left.first) == (0, "")


@pytest.mark.parametrize(
    ("before", "day", "when"),
    [
        ("2017-05-31 12:00:00 ", None, "2017-05-31T12:00:00"),
        ("[2017/05/31 12:00:00] ", None, "2017-05-31T12:00:00"),
        ("2017-05-31T03:00:00.123Z ", None, "2017-05-31T12:00:00"),
        ("2017-05-31T12:00:00,123+09:00 INFO: ", None, "2017-05-31T12:00:00"),
        ("1496199600.25 ", None, "2017-05-31T12:00:00"),
        ("12:00:00 ", date(2017, 5, 31), "2017-05-31T12:00:00"),
        ("May 31 12:00:00 pi rcv2[312]: ", date(2017, 5, 31), "2017-05-31T12:00:00"),
        ("12:00:00 ", None, None),
        ("2017-13-31 12:00:00 ", None, None),
        ("", date(2017, 5, 31), None),
    ],
)
def test_a_time_before_the_line_is_the_readings(before: str, day: date | None, when: str | None) -> None:
    points, left = read(before + POWER, before + PUSHED, before + "OK", before + "SKVER", day=day)
    dated = [Point("power", {"value": 523}, unix(when))] if when else []
    assert points == dated + PUSHED_POINTS
    assert left.nonsense == 0


def test_times_of_the_day_go_on_into_the_next() -> None:
    clocks = ("23:58:00", "23:59:59", "00:00:01", "00:00:00", "12:00:00", "23:00:00", "01:00:00")
    points, _ = read(*(f"{clock} {POWER}" for clock in clocks), day=date(2017, 5, 31))
    days = [31, 31, 1, 1, 1, 1, 2]
    times = [f"2017-0{5 if day == 31 else 6}-{day:02}T{clock}" for day, clock in zip(days, clocks, strict=True)]
    assert [point.time for point in points] == [unix(time) for time in times]


def test_a_bare_record_needs_the_meters_date_or_the_one_that_is_given() -> None:
    record = erxudp(RECORD)
    assert read(record)[0] == []
    assert read(record)[1].refused == {report.NO_DAY: 46}
    midnight = unix("2017-05-30T00:00:00")
    for lines, day in (([record], date(2017, 5, 31)), ([erxudp(reported("980407E1051F")), record], date(2020, 1, 1))):
        points, left = read(*lines, day=day)
        assert [point.time for point in points][:2] == [midnight, midnight + 1800]
        assert not left.refused


@pytest.mark.parametrize(
    "line", ["ERXUDP FE80", "hello", "\x00\xfe~", "power value", "EVENT", "2026-11-23 17:14 O", "power value=1e300 1"]
)
def test_a_line_that_is_nothing_known_is_reported(line: str) -> None:
    points, left = read("OK", line, "what")
    assert points == []
    assert left.nonsense == 2
    assert left.first.startswith("file:2: ")
