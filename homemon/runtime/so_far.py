"""What today and the running billing period come to so far, beside the same part of earlier ones."""

from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from homemon.config.keys import Contract
from homemon.core.errors import ConfigError
from homemon.core.points import DAY, midnight
from homemon.energy import forecast
from homemon.energy.household import Household
from homemon.energy.periods import ONE_DAY, STEPS, Billed, Period, billed, day_of, starts
from homemon.energy.rows import Row
from homemon.energy.so_far import Earlier, SoFar, expected, parts, reached, same_part, wholes
from homemon.energy.statement import NothingKnown
from homemon.runtime import ledger as ledgers
from homemon.runtime.context import App
from homemon.runtime.energy import EDGE, Charged, bill_at, flows
from homemon.runtime.ledger import Ledger

DAYS_BEFORE = {"yesterday": 1, "a week before": 7}
LOOK_BACK = 4 * 7 * DAY  # seconds before today that its ledger is to reach, for what is compared and expected
LONGEST = 31 * ONE_DAY  # of a billing period


def rows(app: App, now: int) -> dict[str, Row]:
    """Return what the day and the running period come to so far, as "today" and "period". Raise StoreError."""
    this, _ = _periods(app, day_of(now))
    home = ledgers.household(app, this.period.start, now)
    start = midnight(now)
    day = ledgers.known(app, start, now, home).row(Period("", start, start + DAY))
    return {"today": day, "period": _billed(app, this, now, home)[0]}


def begins(app: App, now: int) -> int:
    """Return from when on a household is needed for both, Unix seconds."""
    this, others = _periods(app, day_of(now))
    near = [each.period.start for each in others.values() if each.is_near(this)]
    return min([midnight(now) - LOOK_BACK, this.period.start - forecast.LOOK_BACK.days * DAY, *near])


def today(ledger: Ledger, now: int) -> SoFar:
    """Return the day so far. The ledger reaches back LOOK_BACK seconds before `now`."""
    household, start = ledger.household, midnight(now)
    day, bought = Period("", start, start + DAY), household.spans("bought")
    earlier = []
    for name, days in DAYS_BEFORE.items():
        before = Period("", start - days * DAY, start - days * DAY + DAY)
        part = same_part(before, bought, day)
        known = parts(household, before, household, day)
        alike = wholes(household, before, household, day)
        row = ledger.row(part)
        earlier.append(Earlier(name, part, known, row.yen, alike, row.doubts))
    return SoFar("day", day, reached(bought, day), ledger.row(day), tuple(earlier), expected(bought, day))


def running(app: App, now: int, household: Household) -> SoFar:
    """Return the billing period that goes on, the calendar month where no contract holds. Raise StoreError.

    The household reaches back as far as `begins` says.
    """
    this, others = _periods(app, day_of(now))
    bought, period = household.spans("bought"), this.period
    row, charged = _billed(app, this, now, household)
    expects = charged.statement.forecast if charged else None
    kwh = expects.kwh if expects else expected(bought, period)
    earlier = [_earlier(app, name, each, this, household) for name, each in others.items()]
    name, until = "bill" if this.contract else "month", reached(bought, period)
    earned = charged.income.total if charged and charged.income else None
    return SoFar(name, period, until, row, tuple(earlier), kwh, expects, earned)


def _billed(app: App, this: "Running", now: int, household: Household) -> tuple[Row, Charged | None]:
    """Return what a running period comes to so far, and its bill where there is one."""
    period, charged = this.period, this.bill(app, now, household)
    summary = household.summary(period.start, period.end)
    if charged is None:
        return Row(period, summary, None), None
    other_part = this.other_part if this.contract not in app.config.contracts[:1] else ()
    doubts = (*charged.statement.doubts, *other_part)
    return Row(period, summary, Decimal(charged.statement.bill.total), doubts), charged


def _earlier(app: App, name: str, each: "Running", this: "Running", household: Household) -> Earlier:
    before, period = each.period, this.period
    then = household if each.is_near(this) else Household(flows(app, before.start, before.end, edge=EDGE))
    part = same_part(before, household.spans("bought"), period)
    paid = each.bill(app, part.end, then) if each.plan == this.plan else None  # else the plans would be compared
    alike = wholes(then, before, household, period)
    found = parts(then, before, household, period)
    bill = paid.statement.bill if paid else None
    yen = Decimal(bill.total) if bill else None
    return Earlier(name, part, found, yen, alike, bill.provisional if bill else ())


class Running(NamedTuple):
    """A billing period with the contract that holds in it; a calendar month has none."""

    period: Period
    contract: Contract | None = None
    billed: Billed | None = None

    @property
    def plan(self) -> str | None:
        """By which plan it is billed."""
        return self.contract.plan if self.contract else None

    @property
    def is_whole(self) -> bool:
        """Whether no contract began or ended in it: a part of a period is compared with nothing."""
        return self.billed is not None and self.billed.days == self.billed.usual

    @property
    def other_part(self) -> tuple[str, ...]:
        """What of its bill is not in it, as a text: what was used under the contract before."""
        if not self.billed or not self.contract or self.is_whole or self.billed.first != self.contract.since:
            return ()
        both = f"`homemon bill --month {self.period.label}` has both parts"
        return (f"until {self.billed.first - ONE_DAY} another contract held: {both}",)

    def is_near(self, later: "Running") -> bool:
        """Return whether it ends where another begins."""
        return self.period.end == later.period.start

    def bill(self, app: App, at: int, home: Household) -> Charged | None:
        """Return its bill as it was at a time, Unix seconds; None where no price or half-hour is known."""
        if self.contract is None or self.billed is None or at <= self.period.start:
            return None
        with suppress(ConfigError, NothingKnown):
            return bill_at(app, self.contract, self.billed, at, home.flows)
        return None


def _periods(app: App, day: date) -> tuple[Running, dict[str, Running]]:
    """Return the running period of a day, and by their names the one before it and the one a year before."""
    held = [
        Running(each.period, contract, each)
        for contract, each in billed(app.config.contracts, day - 13 * LONGEST, day + ONE_DAY)
    ]
    if not held or held[-1].period.end <= starts(day):
        return _months(day)
    this = held[-1]
    whole = [each for each in held[:-1] if each.is_whole]
    near = [("period before", each) for each in whole[-1:] if each.is_near(this)]
    month = this.billed.month if this.billed else (0, 0)
    a_year_ago = [each for each in whole if each.billed and each.billed.month == (month[0] - 1, month[1])]
    return this, dict([*near, *(("a year before", each) for each in a_year_ago)]) if this.is_whole else {}


def _months(day: date) -> tuple[Running, dict[str, Running]]:
    this = day.replace(day=1)
    before = {"period before": (this - ONE_DAY).replace(day=1), "a year before": this.replace(year=this.year - 1)}
    return _month(this), {name: _month(first) for name, first in before.items()}


def _month(first: date) -> Running:
    step = STEPS["month"]
    return Running(Period(first.strftime(step.label), starts(first), starts(step.following(first))))
