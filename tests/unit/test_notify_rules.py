"""What is worth a notice, in virtual time: each rule begins, and is over, once."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from homemon.check.rules import RULES, Begun, Facts, is_quiet, judge
from homemon.check.summaries import Due, due, summary
from homemon.config.keys import KEYS, Contract, Notify
from homemon.core.points import HOUR
from homemon.energy.household import Household
from homemon.energy.load import Load
from homemon.energy.periods import Period, starts
from homemon.energy.rows import Row
from homemon.energy.spans import Span
from homemon.sources.registry import ECOCUTE, SMART_METER

DAY = starts(date(2026, 11, 26))
NOW = DAY + 12 * HOUR
MB = 1_000_000
DEFAULTS = {name: key.default for name, key in KEYS["notify"].items()}


def settings(**given: Any) -> Notify:
    return Notify(**{**DEFAULTS, "to": ("json://127.0.0.1",), **given})


class Watched:
    """What is told, as facts come one after the other."""

    def __init__(self, **given: Any) -> None:
        self.settings = settings(**given)
        self.begun: dict[str, Begun] = {}

    def told(self, minute: float, language: str = "en", **facts: Any) -> list[str]:
        texts, self.begun = judge(Facts(NOW + round(minute * 60), **facts), self.settings, self.begun, language)
        return texts


def amperes(*loads: tuple[float, int], limit: int = 40) -> list[Load]:
    """Loads at so many minutes."""
    return [Load(NOW + round(minute * 60), Decimal(amount), Decimal(limit)) for minute, amount in loads]


@pytest.mark.parametrize(
    ("loads", "texts"),
    [
        ([], []),
        ([(0, 10), (1, 31), (2, 31)], []),
        ([(0, 10), (1, 35), (2, 10)], []),  # for less than a minute
        ([(0, 10), (1, 33), (2, 34), (3, 10)], ["The current is 85 % of the contract: 34.0 A at 12:02, of 40 A"]),
        ([(0, 10), (1, 33), (1.95, 33)], ["The current is 82 % of the contract: 33.0 A at 12:01, of 40 A"]),
        ([(0, 10), (1, 41), (2, 10)], ["More current than the contract allows: 41.0 A at 12:01, of 40 A"]),  # at once
        ([(-9, 45), (2, 10)], []),  # long ago
    ],
)
def test_a_load_near_the_contract_is_told_after_a_minute_and_one_above_it_at_once(
    loads: Sequence[tuple[float, int]], texts: list[str]
) -> None:
    assert Watched().told(3, currents=amperes(*loads)) == texts


def test_a_load_is_over_when_it_was_lower_for_ten_minutes_and_told_once() -> None:
    house = Watched()
    high, low = amperes((0, 35), (1, 35)), amperes((0, 35), (1, 35), (2, 10), (6, 10))
    assert len(house.told(1, currents=high)) == 1
    assert house.told(6, currents=low) == []
    assert house.told(11, currents=[*low, *amperes((11, 10))]) == ["The current is below 80 % of the contract again"]
    assert house.told(16, currents=[*low, *amperes((16, 10))]) == []


def test_what_rises_from_near_to_above_is_told_twice_and_over_once() -> None:
    house = Watched()
    assert len(house.told(1, currents=amperes((0, 35), (1, 35)))) == 1
    assert house.told(5, currents=amperes((0, 35), (1, 35), (4, 50))) == [
        "More current than the contract allows: 50.0 A at 12:04, of 40 A"
    ]
    assert house.told(20, currents=amperes((19, 1))) == ["The current is below 80 % of the contract again"]


def test_a_moment_above_the_contract_is_over_as_well() -> None:
    house = Watched()
    assert len(house.told(1, currents=amperes((0, 10), (1, 41)))) == 1
    assert house.told(20, currents=amperes((19, 1))) == ["The current is below 80 % of the contract again"]


def test_a_demand_comes_with_the_room_that_is_left() -> None:
    demands = [Load(NOW, Decimal(6), Decimal(5))]
    assert Watched().told(0, demands=demands, headroom=Decimal("2.345")) == [
        "This half-hour will come to more than the contract: 6.0 kW of 5 kW. Up to its end there is room for 2.3 kW"
    ]


BEGUN_AND_OVER: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "hot water": (
        [{"tank": 60}, {"tank": 49}, {"tank": 48}, {"tank": None}, {"tank": 55}, {"tank": 300}, {"tank": 300}],
        ["Hot water left: 49 L, less than 50 L", "Hot water left: 300 L again"],
    ),
    "disk": (
        [{"free": 600 * MB}, {"free": 499 * MB}, {"free": 550 * MB}, {"free": 600 * MB}],
        ["The disk is nearly full: 499 MB are free", "The disk has space again: 600 MB are free"],
    ),
    "held": (
        [{"waiting": 0}, *[{"waiting": 7}] * 8, {"waiting": 0}],
        [
            "The server takes nothing: 7 points wait, and are stored. `homemon status` shows why",
            "The server takes points again",
        ],
    ),
    "held for less than an hour": ([*[{"waiting": 7}] * 5, {"waiting": 0}], []),
    "store": (
        [{"unreadable": False}, {"unreadable": True}, {"unreadable": True}, {"unreadable": False}],
        ["The store cannot be read. `homemon check` shows why", "The store can be read again"],
    ),
}


@pytest.mark.parametrize(("facts", "texts"), BEGUN_AND_OVER.values(), ids=BEGUN_AND_OVER)
def test_each_is_told_once_when_it_begins_and_once_when_it_is_over(
    facts: list[dict[str, Any]], texts: list[str]
) -> None:
    house = Watched()
    assert [text for number, each in enumerate(facts) for text in house.told(number * 10, **each)] == texts


def test_series_that_stop_are_named_by_their_source() -> None:
    house = Watched()
    power, half_hours, water = NOW - 55 * 60, NOW - 10 * 60, NOW - 300
    newest = [(SMART_METER, {"power": power, "bought": half_hours}), (ECOCUTE, {"tank": water})]
    assert house.told(0, newest=newest) == []
    assert house.told(6, newest=newest) == [
        "No readings of the smart meter since 11-26 11:05: power. `homemon check` shows why"
    ]
    assert house.told(11, newest=newest) == []
    back = [(SMART_METER, {"power": NOW + 600, "bought": NOW}), (ECOCUTE, {"tank": NOW + 600})]
    assert house.told(15, newest=back) == ["Readings of the smart meter come again"]


def test_what_is_not_known_for_a_while_stays_as_it_was() -> None:
    house = Watched()
    assert len(house.told(0, tank=10)) == 1
    assert house.told(5) == []
    assert house.told(10, tank=10) == []
    assert len(house.told(15, tank=200)) == 1


def test_nothing_is_switched_off_by_zero_but_what_says_so() -> None:
    assert Watched(tank=0, disk=0).told(0, tank=0, free=0) == []


def test_a_clock_that_was_set_back_delays_nothing_for_ever() -> None:
    house = Watched()
    house.told(10_000, waiting=3)
    house.told(0, waiting=3)
    assert len(house.told(60, waiting=3)) == 1


def test_every_text_is_there_in_both_languages() -> None:
    for rule in RULES:
        for japanese, english in (rule.begin, rule.end):
            assert bool(japanese) == bool(english), rule.name
            assert japanese.count("{") == english.count("{"), rule.name
            assert english.isascii(), rule.name
            assert not japanese or any(ord(sign) > 0x3000 for sign in japanese), rule.name


def test_a_notice_can_be_japanese() -> None:
    assert Watched().told(0, "ja", tank=30) == ["残湯量が 30 L です (50 L 未満)"]
    newest = [(SMART_METER, {"power": NOW - 7200, "bought": NOW - 7200})]
    assert Watched().told(0, "ja", newest=newest) == [
        "スマートメーターの値が届いていません: 電力、買電 (11-26 10:00 から)。`homemon check` が原因を示します"
    ]


@pytest.mark.parametrize(
    ("quiet", "hours"),
    [(None, []), ((22 * 60, 7 * 60), [22, 23, *range(7)]), ((0, 6 * 60), [*range(6)])],
)
def test_quiet_hours_may_go_over_midnight(quiet: tuple[int, int] | None, hours: list[int]) -> None:
    assert [hour for hour in range(24) if is_quiet(settings(quiet=quiet), DAY + hour * HOUR)] == sorted(hours)


# --- summaries ----------------------------------------------------------------------------

CONTRACT = Contract(date(2024, 4, 1), "tepco-juryo-b", 40, None, None, 12, None)


def labels(hour: float, contracts: Sequence[Contract] = (CONTRACT,), day: int = DAY, **told: str) -> list[str]:
    return [one.period.label for one in due(settings(), contracts, told, day + int(hour * HOUR))]


def test_a_day_and_a_bill_are_summed_up_once_in_the_morning() -> None:
    assert labels(6.9) == []
    assert labels(7) == ["2026-11-25", "2026-11"]
    assert labels(7, daily="2026-11-25", monthly="2026-11") == []
    assert labels(30, daily="2026-11-25", monthly="2026-11") == []
    assert labels(31, daily="2026-11-25", monthly="2026-11") == ["2026-11-26"]


def test_without_a_contract_a_month_is_one_of_the_calendar() -> None:
    assert labels(7, contracts=[]) == ["2026-11-25", "2026-10"]
    assert labels(7, contracts=[], day=starts(date(2027, 1, 1))) == ["2026-12-31", "2026-12"]


def test_a_summary_that_is_switched_off_never_comes() -> None:
    assert due(settings(daily=None, monthly=None), [], {}, NOW) == []


def row(yen: str | None, doubts: tuple[str, ...] = (), hours: int = 24, made: str = "0") -> Row:
    spans = [Span(DAY + hour * HOUR, DAY + (hour + 1) * HOUR, Decimal("0.5")) for hour in range(hours)]
    sun = [Span(span.start, span.end, Decimal(made)) for span in spans] if made != "0" else []
    known = Household(
        {"bought": spans, "sold": [span._replace(kwh=Decimal(0)) for span in spans], "generated": sun, "balance": []}
    )
    period = Period("2026-11-26", DAY, DAY + 24 * HOUR)
    return Row(period, known.summary(period.start, period.end), yen and Decimal(yen), doubts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "language", "text"),
    [
        (row("360.4"), "en", "Nov 26: bought 12.0 kWh, 360 yen"),
        (row("360.4"), "ja", "11/26: 買電 12.0 kWh、360円"),
        (row("1360", ("no price yet",)), "en", "Nov 26: bought 12.0 kWh, about 1,360 yen (provisional)"),
        (row(None, hours=20), "en", "Nov 26: bought 10.0 kWh (of 20 h)"),
        (row(None, made="0.25"), "en", "Nov 26: bought 12.0 kWh, generated 6.0 kWh, used 18.0 kWh"),
        (row(None, hours=0), "en", ""),
    ],
)
def test_a_summary_says_what_is_known_and_no_more(what: Row, language: str, text: str) -> None:
    one = Due("daily", "day", what.period, ("11/26", "Nov 26"))
    assert summary(one, what, language) == text
