"""The summaries of a day and of a billing period: when one is due, and what it says."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from homemon.check.rules import minute_of_day
from homemon.config.keys import Contract, Notify
from homemon.core.language import Text, said
from homemon.core.points import HOUR
from homemon.energy.household import Known
from homemon.energy.periods import ONE_DAY, STEPS, Period, billed, day_of, starts
from homemon.energy.rows import Row

LONGEST = 40 * ONE_DAY  # that a billing period may have ended ago
ENERGIES: Mapping[str, Text] = {
    "bought": ("買電", "bought"),
    "sold": ("売電", "sold"),
    "generated": ("発電", "generated"),
    "used": ("使用", "used"),
}
AMOUNT: Text = ("{name} {kwh} kWh", "{name} {kwh} kWh")
PART: Text = ("{name} {kwh} kWh ({hours}時間分)", "{name} {kwh} kWh (of {hours} h)")
YEN: Text = ("{yen}円", "{yen} yen")
ABOUT: Text = ("約{yen}円 (未確定)", "about {yen} yen (provisional)")
BETWEEN: Text = ("、", ", ")


class Due(NamedTuple):
    """A summary: of which period, by which periods of `energy` its row is made, and what it is called."""

    name: str
    by: str
    period: Period
    title: Text


def due(
    settings: Notify, contracts: Sequence[Contract], told: Mapping[str, str], now: int, since: int = 0
) -> list[Due]:
    """Return the summaries whose time of the day has come; `told` are the labels of those told last, by their names.

    None of a period that ended before `since`, when `notify` first ran. Times are Unix seconds.
    """
    found = []
    for name, last in LAST.items():
        at, (by, period, title) = getattr(settings, name), last(contracts, now)
        if at is not None and minute_of_day(now) >= at and told.get(name) != period.label and period.end >= since:
            found.append(Due(name, by, period, title))
    return found


def _yesterday(contracts: Sequence[Contract], now: int) -> tuple[str, Period, Text]:
    day = day_of(now) - ONE_DAY
    return "day", Period(f"{day}", starts(day), starts(day + ONE_DAY)), (f"{day:%-m/%-d}", f"{day:%b %-d}")


def _last_bill(contracts: Sequence[Contract], now: int) -> tuple[str, Period, Text]:
    """Return the billing period that ended last; the calendar month where no contract held."""
    today = day_of(now)
    ended = [each for _, each in billed(contracts, today - LONGEST, today) if each.period.end <= now]
    if not ended:
        first = (today.replace(day=1) - ONE_DAY).replace(day=1)
        step = STEPS["month"]
        period = Period(first.strftime(step.label), starts(first), starts(step.following(first)))
        return "month", period, (f"{first.month}月", f"{first:%B %Y}")
    each = ended[-1]
    return "bill", each.period, (f"{each.month[1]}月分の電気料金", f"Bill of {date(*each.month, 1):%B %Y}")


LAST: Mapping[str, Callable[[Sequence[Contract], int], tuple[str, Period, Text]]] = {
    "daily": _yesterday,
    "monthly": _last_bill,
}
"""Each summary by its key of [notify]: by what it is made, its last whole period, and what that is called."""


def summary(one: Due, row: Row, language: str) -> str:
    """Return what a period came to, in one line; empty where nothing is known of it."""
    parts = list(_parts(row, language))
    return f"{said(one.title, language)}: {said(BETWEEN, language).join(parts)}" if parts else ""


def _parts(row: Row, language: str) -> Iterator[str]:
    whole = Decimal(row.period.end - row.period.start) / HOUR
    for name, label in ENERGIES.items():
        known: Known = getattr(row.summary, name)
        if known.kwh and (name != "used" or row.summary.generated.kwh):
            words = {"name": label, "kwh": f"{known.kwh:,.1f}", "hours": f"{known.hours.normalize():f}"}
            yield said(AMOUNT if known.hours >= whole else PART, language, **words)
        if name == "bought" and row.yen is not None:
            yield said(ABOUT if row.doubts else YEN, language, yen=f"{row.yen:,.0f}")
