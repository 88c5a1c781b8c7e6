"""Times in a log that name no zone: JST or the zone of TZ, unless the meter's own clock shows another."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from homemon.core.points import JST, Point
from homemon.replay import local_times, report
from homemon.replay.device import Device
from homemon.replay.moment import Stamps
from homemon.replay.reader import Reader
from homemon.replay.report import ReplayReport
from tests.traces import KNOWN, POWER, REGISTER, at, erxudp, read, reported, unix

NOON = datetime(2025, 11, 26, 12, tzinfo=JST)


def half_hour(moment: datetime, esv: str = "73") -> str:
    """EA of a half-hour, as the meter pushes it (73) or answers (72)."""
    moment = moment.astimezone(JST)
    parts = (moment.month, moment.day, moment.hour, moment.minute, 0)
    return erxudp(reported(f"EA0B{moment.year:04X}" + "".join(f"{part:02X}" for part in parts) + "00000A95", esv=esv))


def clock(moment: datetime) -> str:
    moment = moment.astimezone(JST)
    day = f"{moment.year:04X}{moment.month:02X}{moment.day:02X}"
    return erxudp(reported(f"9804{day}", f"9702{moment.hour:02X}{moment.minute:02X}"))


def logged(moment: datetime, line: str, hours: float = 9.0) -> str:
    """A line of a log whose clock is so many hours ahead of Greenwich, and does not say so."""
    return f"{moment.astimezone(timezone(timedelta(hours=hours))):%Y-%m-%d %H:%M:%S},101 DEBUG {line}"


def powers(points: list[Point]) -> list[datetime]:
    return [datetime.fromtimestamp(point.time or 0, JST) for point in points if point.measurement == "power"]


ZONES = [(0.0, "UTC"), (9.0, ""), (-5.0, "UTC-05:00"), (8.0, "UTC+08:00"), (10.0, "UTC+10:00"), (5.5, "UTC+05:30")]


@pytest.mark.parametrize(("hours", "name"), ZONES)
@pytest.mark.parametrize("source", ["pushed", "clock"])
def test_the_zone_of_a_log_follows_from_the_meters_own_clock(hours: float, name: str, source: str) -> None:
    own = half_hour(NOON) if source == "pushed" else clock(NOON + timedelta(minutes=1))
    before, reported_at, after = (NOON + timedelta(seconds=seconds) for seconds in (10, 70, 130))
    points, left = read(logged(before, POWER, hours), logged(reported_at, own, hours), logged(after, POWER, hours))
    assert powers(points) == [before, after]
    assert not left.refused
    expected = f"by the meter's own clock they are {name}, not JST" if name else ""
    assert expected in "".join(left.notes)
    assert len(left.notes) == bool(name)


def test_the_export_register_shows_the_time_as_well() -> None:
    sold = half_hour(NOON).replace("EA0B07E9", "EB0B07E9")
    points, left = read(logged(NOON, sold, 0), logged(NOON, POWER, 0))
    assert powers(points) == [NOON]
    assert left.notes


@pytest.mark.parametrize("minute", [1, 15, 29, 31])
@pytest.mark.parametrize("hours", [0.0, 9.0, 11.0])
def test_an_answered_half_hour_may_be_half_an_hour_old(hours: float, minute: int) -> None:
    asked = NOON + timedelta(minutes=minute)
    points, _ = read(logged(asked, half_hour(NOON, "72"), hours), logged(asked, POWER, hours))
    assert powers(points) == [asked]


def test_an_answered_half_hour_that_is_older_fits_no_zone() -> None:
    asked = NOON + timedelta(minutes=45)
    points, left = read(logged(asked, half_hour(NOON, "72"), 0), logged(asked, POWER, 0))
    assert powers(points) == []
    assert left.refused == {report.CLOCK: 1}


@pytest.mark.parametrize(
    "stranger",
    [half_hour(NOON).replace(" 1 0 00", " 0 0 00"), half_hour(NOON).replace(" 0E1A 0E1A ", " 0E1B 0E1B ")],
)
def test_a_time_that_anybody_could_have_sent_says_nothing_of_the_zone(stranger: str) -> None:
    points, left = read(logged(NOON, stranger, 0), logged(NOON, POWER, 0))
    assert powers(points) == [NOON - timedelta(hours=9)]
    assert "taken for JST" in "".join(left.notes)


def test_one_answered_half_hour_that_is_an_hour_old_is_no_zone_and_a_second_one_makes_it_one() -> None:
    """After a power failure a meter may answer with an old one; a log in Singapore is an hour off for ever."""
    asked = [NOON + timedelta(minutes=30 * number + 10) for number in range(3)]
    old, _ = read(logged(asked[2], half_hour(NOON, "72")), logged(asked[2], POWER))
    assert powers(old) == [asked[2]]
    lines = [
        line
        for moment in asked
        for line in (
            logged(moment, half_hour(moment - timedelta(minutes=10), "72"), 8),
            logged(moment, POWER, 8),
        )
    ]
    points, left = read(*lines)
    assert powers(points) == asked
    assert "UTC+08:00" in "".join(left.notes)


def test_between_two_zones_a_reading_is_left_out() -> None:
    """Summer time begins, or somebody runs `timedatectl`, somewhere between two times of the meter."""
    lines = [
        logged(NOON + timedelta(minutes=1), half_hour(NOON), 0),
        logged(NOON + timedelta(minutes=2), POWER, 0),
        logged(NOON + timedelta(minutes=31), half_hour(NOON + timedelta(minutes=30)), 0),
        logged(NOON + timedelta(minutes=40), POWER, 0),
        logged(NOON + timedelta(minutes=61), half_hour(NOON + timedelta(minutes=60)), 1),
        logged(NOON + timedelta(minutes=62), POWER, 1),
    ]
    points, left = read(*lines)
    assert powers(points) == [NOON + timedelta(minutes=2), NOON + timedelta(minutes=62)]
    assert left.refused == {report.CLOCK: 1}


def test_a_clock_that_is_in_no_zone_dates_nothing_until_it_is_set() -> None:
    lines = [
        logged(NOON, POWER, 9 - 5.2),
        logged(NOON, half_hour(NOON), 9 - 5.2),
        logged(NOON + timedelta(minutes=5), POWER, 9 - 5.2),
        logged(NOON + timedelta(minutes=31), half_hour(NOON + timedelta(minutes=30))),
        logged(NOON + timedelta(minutes=32), POWER),
    ]
    points, left = read(*lines[:3])
    assert powers(points) == []
    assert left.refused == {report.CLOCK: 2}
    points, left = read(*lines)
    assert powers(points)[-1] == NOON + timedelta(minutes=32)


@pytest.mark.parametrize("minutes", [-40, -20, 20, 40])
def test_some_minutes_between_two_clocks_are_no_zone(minutes: int) -> None:
    at_line = NOON + timedelta(minutes=minutes)
    points, left = read(logged(at_line, half_hour(NOON)), logged(at_line, POWER))
    assert powers(points) == [at_line]
    assert list(left.notes) == ["the lines' times name no zone, and no time of the meter does: taken for JST"]


def test_days_between_two_clocks_are_reported() -> None:
    points, left = read(logged(NOON, half_hour(NOON + timedelta(days=400))), logged(NOON, POWER))
    assert powers(points) == [NOON]
    assert "400 days from the meter's own" in "".join(left.notes)


def test_a_time_that_names_its_zone_is_not_asked_about() -> None:
    lines = [f"2025-11-26T03:01:00Z {half_hour(NOON + timedelta(hours=5))}", f"2025-11-26T03:01:10Z {POWER}"]
    points, left = read(*lines)
    assert powers(points) == [NOON + timedelta(seconds=70)]
    assert not left.notes


def test_a_time_that_names_its_zone_keeps_it_between_others_that_do_not() -> None:
    named, bare = f"2025-11-26T12:00:20+09:00 {POWER}", POWER.replace("0000020B", "0000020C")
    lines = [logged(NOON, POWER, 0), named, bare, logged(NOON + timedelta(seconds=60), half_hour(NOON), 0)]
    points, left = read(*lines)
    assert powers(points) == [NOON, NOON + timedelta(seconds=20)]
    assert left.refused == {report.NO_TIME: 1}


def test_what_came_before_the_zone_is_known_is_held_back_in_its_order_and_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_times, "MOST_HELD", 3)
    lines = [logged(NOON + timedelta(seconds=number), POWER) for number in range(5)]
    reports_of = ReplayReport(2e9)
    reader = Reader(KNOWN, [Device()], None, reports_of)
    counts = [len(reader.feed(line.encode(), "")) for line in lines]
    assert counts == [0, 0, 0, 4, 0]
    assert len(reader.close()) == 1
    assert powers(read(*lines)[0]) == [NOON + timedelta(seconds=number) for number in range(5)]


def test_a_trace_behind_a_log_waits_for_it() -> None:
    points, _ = read(logged(NOON, REGISTER), logged(NOON, POWER), at("17:14:28", POWER))
    assert [point.measurement for point in points] == ["energy", "power", "power"]


def test_a_records_day_is_that_of_the_zone_that_was_found() -> None:
    """23:30 in London is the next morning in Japan."""
    asked = datetime(2025, 11, 26, 8, 31, tzinfo=JST)
    record = erxudp(reported("E2C20000" + "0000458E" * 2 + "FFFFFFFE" * 46))
    points, _ = read(logged(asked, record, 0), logged(asked, half_hour(asked - timedelta(minutes=1)), 0))
    assert points[0].time == unix("2025-11-26T00:00:00")


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2025-11-26 17:00:01", "2025-11-26T17:00:01"),
        ("2025/11/26 9:00:01.25 x", "2025-11-26T09:00:01"),
        ("[2025-11-26T08:00:01Z INFO x]", "2025-11-26T17:00:01"),
        ("2025-11-26T08:00:01.123456789Z", "2025-11-26T17:00:01"),
        ("2025-11-26 08:00:01 UTC", "2025-11-26T17:00:01"),
        ("2025-11-26 17:00:01 JST", "2025-11-26T17:00:01"),
        ("2025-11-26T10:00:01+0200", "2025-11-26T17:00:01"),
        ("2025-11-26T13:30:01+05:30", "2025-11-26T17:00:01"),
        ("2025-11-26T04:30:01-03:30", "2025-11-26T17:00:01"),
        ("2025-11-26T03:00:01.5-05:00", "2025-11-26T17:00:01"),
        ("D, [2025-11-26T17:00:01.123456 #1234] DEBUG -- :", "2025-11-26T17:00:01"),
        ("20251126 17:00:01", "2025-11-26T17:00:01"),
        ("2025-11-26_17:00:01", "2025-11-26T17:00:01"),
        ("2025年11月26日 17時00分01秒", "2025-11-26T17:00:01"),
        ("Wed Nov 26 17:00:01 2025", "2025-11-26T17:00:01"),
        ("[Wed Nov 26 17:00:01.123 2025]", "2025-11-26T17:00:01"),
        ("Wed Nov 26 17:00:01 JST 2025", "2025-11-26T17:00:01"),
        ("Wed, 26 Nov 2025 17:00:01 +0900", "2025-11-26T17:00:01"),
        ("192.0.2.1 - - [26/Nov/2025:08:00:01 +0000]", "2025-11-26T17:00:01"),
        ("2025-11-26 05:00:01 PM", "2025-11-26T17:00:01"),
        ("hems  | 2025-11-26 17:00:01", "2025-11-26T17:00:01"),
        ("<30>1 2025-11-26T08:00:01.003Z pi", "2025-11-26T17:00:01"),
        ("1764144001", "2025-11-26T17:00:01"),
        ("1764144001.123 pi", "2025-11-26T17:00:01"),
        ("1764144001123", "2025-11-26T17:00:01"),
        ("1764144001123456", "2025-11-26T17:00:01"),
        ("Nov 26 17:00:01 pi hems[1]:", None),
        ("26 Nov 17:00:01 - [info]", None),
        ("17:00:01", None),
        ("17644", None),
        ("2025-11-31 17:00:01", None),
        ("2025-11-26 25:00:01", None),
        ("115325][D]", None),
    ],
)
def test_how_a_time_may_be_written(text: str, when: str | None) -> None:
    moment, rest = Stamps(None).cut(f"{text} ")
    assert moment.second == (unix(when) if when else None)
    assert when is None or "17:00" not in rest


@pytest.mark.parametrize(
    "line",
    [
        '{{"level":"debug","msg":"{}","time":"2025-11-26T17:00:01+09:00"}}',
        '{{"msg":"{}","ts":1764144001.5}}',
        '{{"MESSAGE":"{}","__REALTIME_TIMESTAMP":"1764144001123456"}}',
        'level=debug msg="{}" time="2025-11-26 17:00:01"',
        'time="2025-11-26T17:00:01+09:00" level=debug msg="{}"',
    ],
)
def test_a_time_may_stand_behind_the_line_under_a_name(line: str) -> None:
    points, left = read(line.format(POWER))
    assert points == [Point("power", {"value": 523}, unix("2025-11-26T17:00:01"))]
    assert left.nonsense == 0


def test_syslogs_dates_take_their_year_from_the_given_day_and_may_leave_days_out() -> None:
    clocks = ["Dec 30 12:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01", "Jan 15 12:00:00", "29 Feb 10:00:00"]
    points, _ = read(*(f"{clock} pi x: {POWER}" for clock in clocks), day=date(2023, 12, 30))
    days = ["2023-12-30T12:00:00", "2023-12-31T23:59:59", "2024-01-01T00:00:01", "2024-01-15T12:00:00"]
    days.append("2024-02-29T10:00:00")
    assert [point.time for point in points] == [unix(day) for day in days]


def test_the_expected_zone_may_be_another() -> None:
    left = ReplayReport(2e9)
    reader = Reader(KNOWN, [Device()], date(2025, 11, 26), left, UTC)
    points = reader.feed(logged(NOON, POWER, 0).encode(), "") + reader.feed(f"03:00:07 {POWER}".encode(), "")
    assert powers(points + reader.close()) == [NOON, NOON + timedelta(seconds=7)]
    reader = Reader(KNOWN, [Device()], None, left, UTC)
    for line in (logged(NOON, POWER), logged(NOON, half_hour(NOON))):
        points += reader.feed(line.encode(), "")
    assert powers(points + reader.close())[-1] == NOON
    assert "they are JST, not UTC" in "".join(left.notes)
