"""What a plan charges for a billing period."""

from datetime import date
from decimal import Decimal

import pytest

from homemon.energy import shipped
from homemon.energy.bill import Contract
from homemon.energy.periods import Billed
from homemon.energy.tariff import tariff


@pytest.mark.parametrize(
    ("first", "after", "month", "levy"),
    [
        (date(2026, 3, 12), date(2026, 4, 12), (2026, 4), "3.98"),
        (date(2026, 4, 12), date(2026, 5, 12), (2026, 5), "4.18"),
        (date(2026, 3, 1), date(2026, 4, 1), (2026, 4), "3.98"),
        (date(2026, 4, 1), date(2026, 5, 1), (2026, 5), "4.18"),
        (date(2026, 4, 1), date(2026, 5, 1), (2026, 4), "4.18"),  # of a calendar month
    ],
)
def test_the_levy_changes_for_what_was_used_since_the_april_reading_on_whatever_day_that_is(
    first: date, after: date, month: tuple[int, int], levy: str
) -> None:
    billed = Billed(month, first, after, (after - first).days, (after.year, after.month))
    charges = tariff(shipped.find("tepco-juryo-b"), billed, Contract(ampere=40), {}, {})
    assert charges
    bill = charges.bill({first: [Decimal(1)] * 48})
    assert [line.price for line in bill.lines if line.name == "levy"] == [Decimal(levy)]
    (fuel,) = (line.price for line in bill.lines if line.name == "fuel")
    assert fuel
    assert charges.each_kwh()[0] == fuel + Decimal(levy)
