"""Which values and times a line may bring into the store, and line protocol read back."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homemon.core.points import LATEST, Point, line, tags_text
from homemon.replay import report
from homemon.replay.device import Device
from homemon.replay.line_protocol import parse_line
from homemon.replay.reader import Reader
from homemon.replay.report import ReplayReport
from homemon.storage.store import Store
from tests.integration.test_decode import STARTS
from tests.stores import put
from tests.traces import (
    HALF_PAST,
    NOTHING,
    POWER,
    at,
    erxudp,
    read,
    reported,
    unix,
)

# --- values that nobody measured ---------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        *(f"power value={value}" for value in (2147483646, 2147483647, 2147483648, -2147483648, 4294967294, 1_000_001)),
        "power value=1e14",
        *(f"{name} value={value}" for name in ("+power", "-power") for value in ("429496729.4", "429496729.5")),
        *(f"+power value={value}" for value in ("4294967294", "42949672.94", "4294967.295", "429496.7294", "-0.1")),
        "+power value=429496729.40000004",
        "+power value=999999990001",
        "energy import=429496729.4",
        "energy export=429496729.5",
        *(f"current r={value}" for value in ("3276.6", "3276.7", "-3276.8")),
        *(f"ecocute power={value}" for value in (65534, 65535)),
        *(f"ecocute powerSum={value}" for value in (4294967294, 4294967295, 1_000_000_000)),
        *(f"ecocute tank={value}" for value in (65534, 65535, -1)),
        *(f"{name} value={value}" for name in ("hatuden", "baiden_diff") for value in (3000, "3276.7", "-3276.8")),
    ],
)
@pytest.mark.parametrize("tags", ["", ",home=nara"])
def test_a_devices_code_for_no_data_is_no_value(fields: str, tags: str) -> None:
    measurement, _, rest = fields.partition(" ")
    points, left = read(f"{measurement}{tags} {rest} {HALF_PAST}000000000")
    assert points == []
    assert (left.refused, left.nonsense) == ({report.UNMEASURED: 1}, 0)


@pytest.mark.parametrize(
    "fields",
    [
        "power value=0",
        "power value=-1000000",
        "power value=1000000",
        "+power value=0",
        "+power value=999999990000",
        "+power value=429496.7",
        "energy import=9999999.9,export=0",
        "current r=-3276.7,t=3276.5",
        "ecocute power=65533,powerSum=999999999,tank=0",
        "hatuden value=2999.9",
        "baiden_diff value=-2999.9",
        "anything value=2147483646",
        "power other=2147483646",
    ],
)
def test_what_could_be_measured_stays(fields: str) -> None:
    points, left = read(f"{fields} {HALF_PAST}000000000")
    assert len(points) == 1
    assert len(points[0].fields) == fields.count("=")
    assert not left.refused


def test_a_meters_no_data_is_counted() -> None:
    codes = reported(
        "E7047FFFFFFE", "E7047FFFFFFF", "E70480000000", "E004FFFFFFFE", "EA0B07E70C13001E00FFFFFFFE", "E8047FFE7FFE"
    )
    points, left = read(at("17:14:27", erxudp(codes)), at("17:14:28", POWER))
    assert [point.measurement for point in points] == ["power"]
    assert left.refused == {report.UNMEASURED: 5}


def test_what_is_no_reading_is_not_counted_as_one_that_is_missing() -> None:
    points, left = read(at("17:14:27", erxudp(reported("D30400000000", "E101FF", "97021763"))))
    assert (points, left.refused) == ([], {})


def test_a_flipped_bit_that_makes_a_thousand_kilowatts_is_no_reading() -> None:
    points, left = read(at("17:14:27", POWER.replace("0000020B", "0100020B")))
    assert (points, left.refused) == ([], {report.UNMEASURED: 1})


def test_of_a_line_with_a_code_in_it_the_rest_stays() -> None:
    points, left = read(f"ecocute power=65535,powerSum=12,tank=65534 {HALF_PAST}000000000")
    assert points == [Point("ecocute", {"powerSum": 12}, HALF_PAST, "")]
    assert left.refused == {report.UNMEASURED: 2}


# --- times, line protocol, anything ------------------------------------------------


def test_no_point_is_dated_before_its_device_was_made_or_after_now() -> None:
    lines = [
        f"power value=1 {second}000000000" for second in (report.EARLIEST - 1, report.EARLIEST, 5000, 1_900_000_000)
    ]
    points, left = read(*lines, latest=1_800_000_000.0)
    assert [point.time for point in points] == [report.EARLIEST]
    assert left.refused == {report.IMPOSSIBLE: 3}


def test_a_reading_may_be_as_new_as_is_said() -> None:
    lines = [f"power value=1 {HALF_PAST + after}000000000" for after in (0, 1)]
    assert [point.time for point in read(*lines, latest=HALF_PAST)[0]] == [HALF_PAST]


def test_a_reading_may_be_as_old_as_the_meters() -> None:
    lines = [f"power value=1 {unix('2010-01-01T00:00:00') + after}000000000" for after in (-1, 0)]
    assert [point.time for point in read(*lines)[0]] == [unix("2010-01-01T00:00:00")]


def test_a_person_gets_so_many_warnings_and_no_more() -> None:
    left = ReplayReport()
    for number in range(50):
        left.note(str(number % 30))
    assert list(left.notes) == [str(number) for number in range(20)]


def test_what_keep_days_would_drop_again_is_not_stored() -> None:
    reported = ReplayReport(kept_from=HALF_PAST)
    reader = Reader(NOTHING, [Device()], None, reported)
    lines = [f"power value=1 {HALF_PAST + after}000000000" for after in (-1, 0)]
    assert [point.time for text in lines for point in reader.feed(text.encode(), "")] == [HALF_PAST]
    assert reported.refused == {report.OLD: 1}


@pytest.mark.parametrize("name", ["po\x1b[2Jwer", "po\x9bwer", "po\u2028wer"])
def test_a_line_that_a_terminal_might_obey_is_refused(name: str) -> None:
    points, left = read(f"{name} value=1 {HALF_PAST}000000000")
    assert (points, left.nonsense) == ([], 1)


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='\\,= "'), min_size=1)
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1).filter(
    lambda t: t[-1] != "\\"
)
numbers = st.one_of(st.integers(-(10**15) + 1, 10**15 - 1), st.floats(-9e14, 9e14, allow_subnormal=False))


@given(
    words.filter(lambda text: text.strip() == text and text[0] not in "#"),
    st.dictionaries(st.from_regex(r"[A-Za-z]\w*", fullmatch=True), words, max_size=3),
    st.dictionaries(names, numbers, min_size=1, max_size=4),
    st.integers(0, LATEST - 1),
)
@example("+power", {"home": "a\\,b= c"}, {"value": 0.3}, 1_795_421_667)
def test_line_protocol_reads_back_as_it_was_written(
    measurement: str, tags: dict[str, str], fields: dict[str, int | float], time: int
) -> None:
    text = line(measurement, tags_text(tags), fields, time)
    point = parse_line(text)
    assert point == Point(measurement, fields, time, tags_text(tags))
    assert line(point.measurement, point.tags or "", point.fields, time) == text


def test_an_export_does_not_depend_on_what_was_stored_first(tmp_path: Path) -> None:
    points = [
        Point("energy", {"export": 1}, 5),
        Point("energy", {"import": 2}, 5),
        Point("x", {"b": 1, "tank": 3}, 5, ",home=b"),
        Point("x", {"a": 2, "power": 4}, 5, ",home=b"),
        Point("x", {"a": 2}, 5),
    ]
    exports = []
    for name, order in (("first", points), ("second", points[::-1])):
        store = Store(tmp_path / name)
        put(store, *order)
        exports.append([line(name, tags, fields, time) for time, name, tags, fields in store.archive.lines(0, 9)])
        store.close()
    assert exports[0] == exports[1]
    assert exports[0] == [
        "energy import=2,export=1 5000000000",
        "x a=2 5000000000",
        "x,home=b power=4,tank=3,a=2,b=1 5000000000",
    ]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([*STARTS, "power value=", f"{POWER[:90]}"]), st.text(max_size=60)), max_size=6)
)
def test_any_lines_give_points_that_can_be_or_none(pieces: list[tuple[str, str]]) -> None:
    points, left = read(*("".join(piece).replace("\n", " ") for piece in pieces))
    assert all(point.time is not None and point.time >= report.EARLIEST for point in points)
    assert left.lines == len(pieces)
    assert left.sense + left.nonsense >= left.lines
