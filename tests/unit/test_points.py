"""Line protocol as homemon writes it: one reading has one text, in whatever order its parts came."""

from datetime import datetime

import pytest

from homemon.core.points import (
    EARLIEST,
    JST,
    LARGEST,
    LATEST,
    Number,
    Point,
    age_text,
    field_rank,
    head,
    headed,
    in_range,
    line,
    number_text,
    tags_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (523, "523"),
        (523.0, "523"),
        (-0.1, "-0.1"),
        (0.3, "0.3"),
        (1e-4, "0.0001"),
        (0, "0"),
        (-7, "-7"),
        (1e15, "1" + "0" * 15),
        (1e20, "1" + "0" * 20),
        (1e21, "1e+21"),
    ],
)
def test_a_number_is_its_shortest_decimal(value: Number, text: str) -> None:
    assert number_text(value) == text


def test_tags_are_sorted_by_name_whatever_their_order_in_the_configuration() -> None:
    """Else another order of [tags] would make a new series of the same readings."""
    assert tags_text({"room": "a", "home": "b"}) == tags_text({"home": "b", "room": "a"}) == ",home=b,room=a"
    assert tags_text({}) == ""


def test_what_line_protocol_has_for_itself_is_escaped() -> None:
    assert tags_text({"a b": "c,d=e"}) == r",a\ b=c\,d\=e"
    assert head("odd, name=x", ",t=1") == r"odd\,\ name=x,t=1"
    assert line("a b", "", {"value": 1}, 5) == r"a\ b value=1 5000000000"


def test_fields_have_an_order_of_their_own_and_others_follow_by_name() -> None:
    names = ["zeta", "tank", "alpha", "powerSum", "power", "export", "import", "t", "r"]
    expected = ["r", "t", "import", "export", "power", "powerSum", "tank", "alpha", "zeta"]
    assert sorted(names, key=field_rank) == expected


def test_a_line_has_its_fields_as_they_are_given_and_nanoseconds() -> None:
    assert headed("power,home=b", [("b", 1), ("a", 2.5)], 1_795_421_667) == "power,home=b b=1,a=2.5 1795421667000000000"
    assert JST.utcoffset(None).total_seconds() == 9 * 3600


def test_a_reading_has_no_time_and_the_tags_of_the_house_unless_it_is_said() -> None:
    assert Point("power", {"value": 1}) == ("power", {"value": 1}, None, None, None)


@pytest.mark.parametrize(
    ("time", "value", "possible"),
    [
        (EARLIEST, 1, True),
        (LATEST - 1, -1, True),
        (EARLIEST - 1, 1, False),
        (LATEST, 1, False),
        (EARLIEST, LARGEST, False),
        (EARLIEST, -LARGEST, False),
        (EARLIEST, float("nan"), False),
        (LATEST, LARGEST, False),
    ],
)
def test_only_what_a_device_could_give_and_when_is_a_reading(time: int, value: Number, possible: bool) -> None:
    assert in_range(time, value) is possible


@pytest.mark.parametrize(
    ("time", "counts"),
    [
        (datetime(2009, 12, 31, 23, 59, 59, tzinfo=JST), False),
        (datetime(2010, 1, 1, tzinfo=JST), True),
        (datetime(2099, 12, 31, 23, 59, 59, tzinfo=JST), True),
        (datetime(2100, 1, 1, tzinfo=JST), False),
    ],
)
def test_a_time_counts_from_2010_to_2099_in_japan(time: datetime, counts: bool) -> None:
    assert in_range(int(time.timestamp()), 1) == counts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_799, "47 h"), (172_800, "2 d")],
)
def test_an_age_is_in_the_largest_unit_of_which_there_are_two(seconds: int, text: str) -> None:
    assert age_text(seconds) == text
