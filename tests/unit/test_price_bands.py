"""The prices of a day's hours, as they stand behind its curves."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from homemon.core.points import HALF_HOUR, HOUR
from homemon.energy import shipped
from homemon.energy.bill import Contract
from homemon.energy.periods import Billed, starts
from homemon.energy.price_bands import PriceBand, price_bands
from homemon.energy.tariff import Tariff, spot, tariff
from homemon.page.prices import Shade, shades

DAY = date(2026, 11, 25)  # a Wednesday
BEGIN = starts(DAY)


def charges(plan: str, prices: Mapping[int, Decimal] | None = None) -> Tariff:
    """What a shipped plan charges in November 2026."""
    billed = Billed((2026, 11), date(2026, 11, 1), date(2026, 12, 1), 30, (2026, 12))
    found = tariff(shipped.find(plan), billed, Contract(ampere=40, kva=6), {}, {})
    assert found
    return found._replace(spot=spot(prices or {}))


def test_hours_of_one_price_are_one_band_from_midnight_to_midnight() -> None:
    bands = price_bands(charges("chuden-smartlife"), DAY)
    assert [(band.name, str(band.yen)) for band in bands] == [
        ("night", "16.52"), ("home", "28.61"), ("day", "38.80"), ("home", "28.61"), ("night", "16.52"),
    ]  # fmt: skip
    hours = [(band.start - BEGIN) // HOUR for band in bands]
    assert hours == [0, 8, 10, 17, 22]
    assert bands[-1].end == BEGIN + 24 * HOUR


def test_a_holiday_has_its_own_bands() -> None:
    sunday = price_bands(charges("chuden-smartlife"), date(2026, 11, 29))
    assert [band.name for band in sunday] == ["night", "home", "night"]


def test_a_plan_of_one_price_at_all_hours_has_no_bands() -> None:
    assert price_bands(charges("tepco-juryo-b"), DAY) == ()


def test_a_plan_that_follows_the_market_has_the_price_of_each_half_hour_and_none_where_it_is_not_known() -> None:
    known = {BEGIN: Decimal(10), BEGIN + HALF_HOUR: Decimal(10), BEGIN + 2 * HALF_HOUR: Decimal("12.34")}
    first, second, rest = price_bands(charges("looop-smart-time-one-tokyo", known), DAY)
    assert (first.start, first.end) == (BEGIN, BEGIN + HOUR)
    assert first.yen
    assert second.yen
    assert first.yen < second.yen
    assert (rest.start, rest.end, rest.yen) == (BEGIN + HOUR + HALF_HOUR, BEGIN + 24 * HOUR, None)


def test_hours_with_tiers_have_a_name_and_no_price() -> None:
    found = charges("chuden-smartlife")
    version = found.parts[0].version
    tiered = version.bands[0].tiers[0][1]
    band = type(version.bands[0])(name="night", tiers=((90, tiered), (None, tiered + 1)), hours=version.bands[0].hours)
    changed = type(version)(**{**vars(version), "bands": (band, *version.bands[1:])})
    bands = price_bands(found._replace(parts=[found.parts[0]._replace(version=changed)]), DAY)
    assert [band.yen for band in bands if band.name == "night"] == [None, None]


# --- as they are drawn ----------------------------------------------------------------


def test_a_band_says_its_name_and_price_in_the_language_of_the_page() -> None:
    bands = price_bands(charges("chuden-smartlife"), DAY)
    assert shades(bands, "ja")[0] == Shade(BEGIN, BEGIN + 8 * HOUR, "夜間", "16.52 円/kWh", 0)
    assert shades(bands, "en")[2] == Shade(BEGIN + 10 * HOUR, BEGIN + 17 * HOUR, "day", "38.8 yen/kWh", 2)


def test_half_hours_of_like_price_are_one_band_with_the_lowest_and_the_highest() -> None:
    bands = [PriceBand(BEGIN + at * HALF_HOUR, BEGIN + (at + 1) * HALF_HOUR, "all", Decimal(at)) for at in range(48)]
    assert [(shade.price, shade.level) for shade in shades(bands, "en")] == [
        ("0 – 15 yen/kWh", 0), ("16 – 31 yen/kWh", 1), ("32 – 47 yen/kWh", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["夜間", "my own, night<b>"])
def test_a_band_of_a_plan_of_ones_own_is_called_as_the_plan_calls_it(name: str) -> None:
    (shade,) = shades([PriceBand(0, 1, name, None)], "en")
    assert shade.name == name
    assert shade.price == ""
