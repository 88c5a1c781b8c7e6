"""Periods as people count them, in Japan: days, weeks from Monday, months, years, and billing periods.

A billing period begins on a reading day (検針日) and ends with the day before the next one. Its bill is called by the
month of the reading that ends it: with the 12th as the reading day, the August bill (8月分) is of July 12 to August 11,
with the 1st it is of July. Without a reading day it is of a calendar month and is called by it. A period that a
contract cuts short has the name of the whole one.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise, zip_longest
from typing import NamedTuple, Protocol, TypeVar

from homemon.core.points import DAY, HALF_HOUR, JST_AHEAD, moment_text
from homemon.energy.plan import Month

EPOCH = date(1970, 1, 1).toordinal()
ONE_DAY = timedelta(days=1)


class Period(NamedTuple):
    """From `start` to `end` in Unix seconds, under the name that people have for it."""

    label: str
    start: int
    end: int


def starts(day: date) -> int:
    """Return when a day begins in Japan, in Unix seconds."""
    return (day.toordinal() - EPOCH) * DAY - JST_AHEAD


def day_of(time: int) -> date:
    """Return the day of a time in Japan."""
    return date.fromordinal(EPOCH + (time + JST_AHEAD) // DAY)


# --- of the calendar ------------------------------------------------------------------------


def month_after(day: date) -> date:
    """Return the first of the next month."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


class Step(NamedTuple):
    """A kind of period: the first day of the one that a day is in, that of the next one, and how it is called."""

    first: Callable[[date], date]
    following: Callable[[date], date]
    label: str


STEPS = {
    "day": Step(lambda day: day, lambda day: day + ONE_DAY, "%Y-%m-%d"),
    "week": Step(lambda day: day - day.weekday() * ONE_DAY, lambda day: day + 7 * ONE_DAY, "%Y-%m-%d, week"),
    "month": Step(lambda day: day.replace(day=1), month_after, "%Y-%m"),
    "year": Step(lambda day: day.replace(month=1, day=1), lambda day: day.replace(year=day.year + 1), "%Y"),
}


def calendar(by: str, since: int, until: int) -> Iterator[Period]:
    """Yield the periods of a kind (a key of STEPS, or half-hour) that have a part in `since` to `until`, whole."""
    if by == "half-hour":
        for start in range(since // HALF_HOUR * HALF_HOUR, until, HALF_HOUR):
            yield Period(moment_text(start, "%Y-%m-%d %H:%M"), start, start + HALF_HOUR)
        return
    step = STEPS[by]
    first = step.first(day_of(since))
    while starts(first) < until:
        following = step.following(first)
        yield Period(first.strftime(step.label), starts(first), starts(following))
        first = following


# --- of bills -------------------------------------------------------------------------------


class Agreement(Protocol):
    """A contract that holds from a day on."""

    @property
    def since(self) -> date: ...

    @property
    def reading_day(self) -> int | None: ...


Agreed = TypeVar("Agreed", bound=Agreement)


class Billed(NamedTuple):
    """A billing period: the month of its bill, its first day and the day after its last.

    `read` is the month of the reading that ends it, `usual` how many days it would have if no contract began or ended
    in it.
    """

    month: Month
    first: date
    after: date
    usual: int
    read: Month

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.after - self.first).days

    @property
    def period(self) -> Period:
        """The same as a period."""
        return Period(f"{self.month[0]}-{self.month[1]:02}", starts(self.first), starts(self.after))


def reading_date(year: int, month: int, day: int) -> date:
    """Return the reading day of a month; its last day where it has fewer."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def billed(agreements: Sequence[Agreed], since: date, until: date) -> Iterator[tuple[Agreed, Billed]]:
    """Yield the billing periods that have a day from `since` to before `until`, with the contract of each.

    The agreements ascend; each holds until the next one, at whose first day a period ends early.
    """
    for agreement, after in zip_longest(agreements, agreements[1:]):
        end = after.since if after else date.max
        yield from ((agreement, each) for each in _of_one(agreement, max(since, agreement.since), min(until, end), end))


def _of_one(agreement: Agreement, since: date, until: date, end: date) -> Iterator[Billed]:
    for begin, after in pairwise(_readings(agreement, since)):
        first, last = max(begin, agreement.since), min(after, end)
        if first >= until:
            return
        if last > since:
            named = after if agreement.reading_day else after - ONE_DAY
            read = after.year, after.month
            yield Billed((named.year, named.month), first, last, (after - begin).days, read)


def _readings(agreement: Agreement, since: date) -> Iterator[date]:
    """Yield reading days, from one that is not after `since` on."""
    month = (since.replace(day=1) - ONE_DAY).replace(day=1)
    while True:
        yield reading_date(month.year, month.month, agreement.reading_day or 1)
        month = month_after(month)
