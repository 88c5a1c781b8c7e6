"""Month after month, Home Assistant's hours become those of the store: compared, written, and read back until equal.

Home Assistant answers "success" when it has queued what was written, and loses that when it is killed right after it.
So a month is done when all of its hours were read back. A message has the hours of a statistic in a month: 744 rows and
60 KB, of the 4 MiB that Home Assistant takes.

The sums go on from the last row before the hours that the store can make. What the store knew and keep_days dropped,
or an earlier store knew, thus stays below them.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from homemon.core.points import DAY, EARLIEST, HOUR
from homemon.delivery.ha_statistics import (
    STATISTICS,
    Row,
    Rows,
    Statistic,
    differing,
    identity,
    metadata,
    moment,
    read_rows,
    rounded,
    written,
)
from homemon.delivery.verdicts import Answer, Verdict
from homemon.energy.hours import Hour, begins, booked, known_before
from homemon.energy.household import Flows
from homemon.energy.periods import Period
from homemon.energy.spans import Span

if TYPE_CHECKING:
    from homemon.delivery.ha_client import Client

LOOK_BACK = 35 * DAY  # seconds; where nothing is found in it, by months
MONTH = 32 * DAY
READ_BACK_WITHIN = 60.0  # seconds; 2026.2 takes 7 for 2,400 hours
PAUSES = (0.05, 0.1, 0.2, 0.4, 1.0)  # seconds between two looks, the last one again and again
NOT_YET = "it took hours, and does not show them yet; they are compared again"
NO_ROWS = "its answer is none of the recorder's; see its log"


class Misfit(Exception):
    """Home Assistant lacks what was settled: it was restored, or began anew."""


class Book(Protocol):
    """The energy and yen of the house, by months."""

    def spans(self, month: Period, reached: Mapping[str, int]) -> Flows:
        """Return what is known of a month, and of the time before, by the names of statistics.

        `reached` says until when each had been counted where its hours go on from, in Unix seconds. Raise StoreError.
        """


class Plan(NamedTuple):
    """The hours of a statistic from `begin` to `until`, Unix seconds; `before` is the last row before them."""

    hours: Sequence[Hour]
    begin: int
    until: int
    before: Row | None

    def lacking(self, there: Rows) -> list[Row]:
        """Return the rows to write."""
        return differing(self.hours, there, self.begin, self.until, self.before.sum if self.before else Decimal(0))

    @property
    def last(self) -> Row | None:
        """The last row that is no empty one, after it was written."""
        if not self.hours:
            return self.before
        counted = rounded(self.hours[-1].counted)
        return Row(self.hours[-1].start, counted, counted)


class Walk:
    """A walk over months that follow one another, with a connection. What goes wrong there raises its Trouble.

    `written` gets the hours that are written. `strict`: what is there before the walk has to be what the store knows.
    """

    def __init__(
        self, there: "Client", tags: Mapping[str, str], written: set[int] | None = None, strict: bool = False
    ) -> None:
        self._there, self._strict = there, strict
        self._ids = {each: identity(each, tags) for each in STATISTICS}
        self._tags = tags
        self._reached: dict[Statistic, Row] | None = None  # the last row that is no empty one
        self._met: set[Statistic] = set()
        self._written = set() if written is None else written

    @property
    def newest(self) -> Mapping[str, Row]:
        """The last row of each statistic that was met, by its id."""
        return {self._ids[each]: row for each, row in (self._reached or {}).items() if each in self._met}

    def month(self, book: Book, month: Period, is_last: bool, deadline: float) -> None:
        """Make the hours of a month those of the book. Raise Misfit, Trouble, StoreError."""
        reached = self._look_back(month.start) if self._reached is None else self._reached
        self._reached = reached
        there = self.rows(self._ids.values(), month.start, month.end)
        spans = book.spans(month, {each.name: row.end for each, row in reached.items()})
        plans = dict[Statistic, Plan]()
        for each, name in self._ids.items():
            rows = there.get(name, {})
            if plan := self._plan(each, spans.get(each.name, ()), month, rows, is_last):
                plans[each] = plan
            elif found := _last(rows, month.end):
                reached[each] = found
        if self._write(plans, there):
            self._read_back(plans, month, deadline)
        reached |= {each: plan.last for each, plan in plans.items() if plan.last}
        self._met |= plans.keys()

    def _plan(
        self, statistic: Statistic, spans: Sequence[Span], month: Period, there: Rows, is_last: bool
    ) -> Plan | None:
        """Return what is to be done of a statistic; None where the store knows nothing of it."""
        before, met = (self._reached or {}).get(statistic), statistic in self._met
        known = met or any(span.start <= month.start for span in spans)
        begin = month.start if known else begins(spans, month.start)
        if begin is None:
            return None
        if known and not met and self._strict:
            expected = known_before(spans, month.start)
            if expected is not None and (before is None or before.end != expected):
                raise Misfit
        if not known:
            before = _last(there, begin) or before
        since = before.end if before and known else begin
        hours = [hour for hour in booked(spans, before.sum if before else Decimal(0), since) if hour.start >= begin]
        until = month.end if not is_last else hours[-1].start if hours else begin
        return Plan(hours, begin, until, before)

    def _look_back(self, start: int) -> dict[Statistic, Row]:
        """Return the last row of each statistic that ends until `start`, Unix seconds, and is no empty one."""
        near = self.rows(self._ids.values(), start - LOOK_BACK, start)
        found = {each: row for each, name in self._ids.items() if (row := _last(near.get(name, {}), start))}
        lacking = {name: each for each, name in self._ids.items() if each not in found}
        if lacking:
            for name, said in self._ask(lacking, EARLIEST, start, "month").items():
                if name in lacking and (row := self._far_back(name, said, start)):
                    found[lacking[name]] = row
        return found

    def _far_back(self, name: str, said: Any, start: int) -> Row | None:
        """Return the same of one statistic, of which there are rows in the months that an answer names."""
        try:
            months = sorted((int(row["start"]) // 1000 for row in said), reverse=True)
        except (TypeError, KeyError, ValueError, OverflowError):
            raise self._there.trouble(Answer(Verdict.LATER, NO_ROWS)) from None
        for month in months:
            if row := _last(self.rows([name], month - DAY, min(month + MONTH, start)).get(name, {}), start):
                return row
        return None

    def _write(self, plans: Mapping[Statistic, Plan], there: Mapping[str, Rows]) -> bool:
        """Write what differs; whether anything does."""
        house, wrote = self._there.house, False
        for statistic, plan in plans.items():
            about = metadata(statistic, self._tags, house.version, house.language)
            if rows := plan.lacking(there.get(self._ids[statistic], {})):
                self._there.ask("recorder/import_statistics", metadata=about, stats=list(map(written, rows)))
                self._written |= {row.start for row in rows}
                wrote = True
        return wrote

    def _read_back(self, plans: Mapping[Statistic, Plan], month: Period, deadline: float) -> None:
        """Read until all is there as it was written. Raise Trouble where that takes too long."""
        until = min(deadline, monotonic() + READ_BACK_WITHIN)
        looks = 0
        while True:
            there = self.rows([self._ids[each] for each in plans], month.start, month.end)
            if not any(plan.lacking(there.get(self._ids[each], {})) for each, plan in plans.items()):
                return
            if monotonic() >= until:
                raise self._there.trouble(Answer(Verdict.LATER, NOT_YET))
            sleep(PAUSES[min(looks, len(PAUSES) - 1)])
            looks += 1

    def rows(self, names: Iterable[str], since: int, until: int) -> dict[str, dict[int, Row]]:
        """Return the hours that are there of statistics, by their ids. Raise Trouble."""
        said = self._ask(names, since, until, "hour")
        try:
            return {name: read_rows(rows) for name, rows in said.items()}
        except ValueError:
            raise self._there.trouble(Answer(Verdict.LATER, NO_ROWS)) from None

    def _ask(self, names: Iterable[str], since: int, until: int, period: str) -> Mapping[str, Any]:
        said = self._there.ask(
            "recorder/statistics_during_period",
            start_time=moment(since),
            end_time=moment(until),
            statistic_ids=list(names),
            period=period,
            types=["state", "sum"],
            units={"energy": "kWh"},
        )
        if not isinstance(said, dict):
            raise self._there.trouble(Answer(Verdict.LATER, NO_ROWS))
        return said

    def fits(self, newest: Mapping[str, Row]) -> bool:
        """Return whether these rows are there, by the ids of statistics. Raise Trouble."""
        return all(
            self.rows([name], row.start, row.start + HOUR).get(name, {}).get(row.start) == row
            for name, row in newest.items()
        )


def _last(rows: Rows, until: int) -> Row | None:
    """Return the last row that ends until a time, Unix seconds, and is no empty one."""
    real = (row for row in rows.values() if row.end <= until and row.state is not None and row.sum.is_finite())
    return max(real, key=lambda row: row.start, default=None)
