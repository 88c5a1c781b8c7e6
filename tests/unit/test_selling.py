"""What is paid for energy that is sold: FIT and its steps, what comes after it, prices of one's own."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from homemon.core.errors import ConfigError
from homemon.energy import shipped
from homemon.energy.selling import SellPrice, income, parts, price_of, read_tables

OWN = """
[[step]]
from = 2019-11-01
price = 8.5
[[step]]
from = 2026-04-01
price = 7
unsure = "from a letter"
"""


def price(sell: str, day: str) -> str:
    """The price of a day, "–" for none."""
    value = price_of(shipped.selling(sell), date.fromisoformat(day)).value
    return "–" if value is None else str(value)


@pytest.mark.parametrize(
    ("sell", "day", "yen"),
    [
        ("15.0", "2026-01-01", "15.0"),
        ("0", "2026-01-01", "0"),
        ("fit-2009-11", "2019-10-31", "48"),
        ("fit-2012-07", "2012-07-01", "42"),
        ("fit-2013-03", "2013-05-01", "42"),
        ("fit-2013-04", "2013-05-01", "38"),
        ("fit-2014-04", "2020-01-01", "37"),
        ("fit-2015-12", "2020-01-01", "33"),
        ("fit-2015-12-control", "2020-01-01", "35"),
        ("fit-2016-05-control", "2020-01-01", "33"),
        ("fit-2017-05-control", "2020-01-01", "30"),
        ("fit-2018-05", "2020-01-01", "26"),
        ("fit-2019-05-control", "2020-01-01", "26"),
        ("fit-2019-05", "2020-01-01", "24"),
        ("fit-2020-05", "2026-01-01", "21"),
        ("fit-2021-05", "2026-01-01", "19"),
        ("fit-2022-05", "2026-01-01", "17"),
        ("fit-2023-05", "2026-01-01", "16"),
        ("fit-2024-05", "2026-01-01", "16"),
        ("fit-2025-09", "2034-01-01", "15"),
        ("fit-2025-10", "2025-10-01", "24"),
        ("fit-2025-10", "2029-09-30", "24"),
        ("fit-2025-10", "2029-10-01", "8.3"),
        ("fit-2025-10", "2035-09-30", "8.3"),
        ("fit-2025-10", "2035-10-01", "–"),
        ("fit-2026-12", "2030-12-01", "8.3"),
        ("fit-2019-05", "2029-04-30", "24"),
        ("fit-2019-05", "2029-05-01", "–"),
        ("fit-2019-05", "2019-04-30", "–"),
        ("post-fit-energia", "2026-01-01", "7.15"),
        ("post-fit-okiden", "2026-01-01", "7.5"),
        ("post-fit-kepco", "2019-10-31", "–"),
    ],
)
def test_energy_that_is_sold_has_the_price_of_its_day(sell: str, day: str, yen: str) -> None:
    assert price(sell, day) == yen


@pytest.mark.parametrize(
    ("sell", "day", "doubt"),
    [
        ("fit-2019-05", "2029-05-01", "the ten years of FIT ended in 2029-05"),
        ("fit-2019-05", "2019-04-30", "selling began in 2019-05"),
        ("fit-2010-05", "2015-01-01", "the FIT price of 2010 is not confirmed by a source"),
        ("fit-2025-10", "2029-10-31", "on which day of this month the FIT price fell is not known"),
        ("fit-2025-10", "2029-11-01", ""),
        ("fit-2024-05", "2026-01-01", ""),
        ("15.0", "2026-01-01", ""),
        ("post-fit-kepco", "2026-01-01", "the announcement of 2019"),
        ("post-fit-kepco", "2019-10-31", "no price is known for energy sold before 2019-11-01"),
    ],
)
def test_a_price_that_is_not_known_or_not_sure_says_why(sell: str, day: str, doubt: str) -> None:
    found = price_of(shipped.selling(sell), date.fromisoformat(day)).doubt
    assert found == doubt or (doubt and doubt in found)


@pytest.mark.parametrize(
    ("sell", "why"),
    [
        ("fit-2021-05-control", "one price for selling that began in 2021-05"),
        ("fit-2027-04", "no FIT price is known for selling that began in 2027-04"),
        ("fit-2009-10", "no FIT price is known"),
        ("fit-2019-13", "is no price for energy that is sold"),
        ("post-fit-nobody", "is no price for energy that is sold"),
        ("a lot", "is no price for energy that is sold"),
        ("NaN", "is no price for energy that is sold"),
        ("-1", "is no price for energy that is sold"),
        ("/nowhere/own.toml", "/nowhere/own.toml: No such file"),
    ],
)
def test_what_is_no_way_of_selling_is_one_clear_error(sell: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        shipped.selling(sell)


def test_a_file_of_ones_own_has_prices_from_days_on(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    own = shipped.selling(str(tmp_path / "own.toml"))
    assert price_of(own, date(2019, 10, 31)).value is None
    assert price_of(own, date(2026, 3, 31)) == SellPrice(Decimal("8.5"))
    assert price_of(own, date(2026, 4, 1)) == SellPrice(Decimal(7), "from a letter")


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ("8.5", "-8.5", 4, "from 0 to 1000"),
        ("2026-04-01", "2019-04-01", 1, "later than the one before"),
        ("price = 7", "# price = 7", 5, "is missing"),
        ("2019-11-01", '"soon"', 3, "is to be a day"),
    ],
)
def test_a_fault_of_a_file_is_reported_with_its_line(tmp_path: Path, old: str, new: str, line: int, fault: str) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace(old, new))
    with pytest.raises(ConfigError) as error:
        shipped.selling(str(tmp_path / "own.toml"))
    assert f"own.toml:{line}: " in str(error.value)
    assert fault in str(error.value)


def test_a_fault_of_the_tables_is_reported_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"sell\.toml:3: post_fit\.kepco\.soon: is not known"):
        read_tables('fit_until = "2027-03"\n[post_fit.kepco]\nsoon = 3\n', "sell.toml")


def test_whole_kwh_are_paid() -> None:
    assert income([(SellPrice(Decimal(16)), Decimal("408.1"))])[1:] == (6_528, ())


def test_a_price_with_fractions_is_cut_to_whole_yen_and_not_sure() -> None:
    found = income([(SellPrice(Decimal("8.3")), Decimal("11.9"))])
    assert (found.total, len(found.provisional)) == (91, 1)
    assert income([(SellPrice(Decimal("8.3")), Decimal("10.9"))]).provisional == ()


def test_a_change_within_a_period_divides_its_whole_kwh() -> None:
    selling = shipped.selling("fit-2025-10")
    prices = parts(selling, date(2029, 9, 12), date(2029, 10, 12))
    assert [(day, str(price.value)) for day, price in prices] == [
        (date(2029, 9, 12), "24"),
        (date(2029, 10, 1), "8.3"),
    ]
    found = income([(prices[0][1], Decimal("100.6")), (prices[1][1], Decimal("50.6"))])
    assert [line.kwh for line in found.lines] == [100, 51]
    assert found.total == 2400 + 423
    assert any("how a period is divided" in why for why in found.provisional)


def test_what_has_no_price_is_left_out_and_said() -> None:
    prices = parts(shipped.selling("fit-2019-05"), date(2029, 4, 12), date(2029, 5, 12))
    found = income([(price, Decimal(10)) for _, price in prices])
    assert (found.total, found.lines[1].yen) == (240, None)
    assert "the ten years of FIT ended in 2029-05" in found.provisional
