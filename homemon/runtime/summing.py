"""The sums of days, months and bills, computed as `homemon energy` has them, and stored as series of their own.

A calendar month is computed as a whole: its days, itself, and the bills that have a day in it. It is computed again
when a half-hour of it came, late or corrected, or one between which and the next one it lies; this month on each new
day, as a running bill counts days; and all months once a price, a contract or homemon itself is another. So what a late
half-hour changes of the kW (実量制) of the bills of other months is seen only then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from math import inf

from homemon.config.keys import Contract
from homemon.core.errors import ConfigError
from homemon.core.points import LATEST, Number, Point, moment_text
from homemon.energy.household import Household
from homemon.energy.periods import Billed, billed, calendar, day_of, month_after, starts
from homemon.energy.spans import Span
from homemon.energy.sums import LAST, fields, revised, with_yen_as_stored
from homemon.runtime import ledger
from homemon.runtime.context import App
from homemon.runtime.energy import income
from homemon.sources.registry import SUMS
from homemon.storage.store import Store

MEASUREMENTS = {
    measurement: [series.field for series in SUMS if series.measurement == measurement]
    for measurement in dict.fromkeys(series.measurement for series in SUMS)
}
"""The fields of each."""
METERED, SOLAR = ("+power", "-power"), ("hatuden", "baiden_diff")


# --- which months -------------------------------------------------------------------------------


def touched(store: Store, times: Iterable[int], now: int) -> set[str]:
    """Return the months of which some energy is another with readings at these times (Unix seconds), up to now."""
    by_month: dict[str, list[int]] = {}
    for time in times:
        by_month.setdefault(_label(time), []).append(time)
    reached = (_reach(store, min(each), max(each)) for each in by_month.values())
    return {month for first, last in reached for month in _months(first, min(last, now))}


def _reach(store: Store, first: int, last: int) -> tuple[int, int]:
    """Return the times of the readings before and after: what was counted between them and these is new as well."""
    archive = store.archive
    before = (archive.latest(name, "value", first) for name in METERED)
    after = (next(archive.values(name, "value", last + 1, LATEST), None) for name in METERED)
    begins, ends = ([found[0] for found in each if found] for each in (before, after))
    return min([first, *begins]), max([last, *ends])


def recorded(store: Store, now: int) -> Iterator[str]:
    """Return all months since the first reading that counts, up to now (Unix seconds). Raise StoreError."""
    firsts = (next(store.archive.values(name, "value", 0, now), None) for name in (*METERED, *SOLAR))
    return _months(min((found[0] for found in firsts if found), default=now), now)


def _months(since: int, until: int) -> Iterator[str]:
    return (period.label for period in calendar("month", since, until + 1))


def running(now: int) -> set[str]:
    """Return the months of today and yesterday, whose bills count another day."""
    return {_label(now), _label(starts(day_of(now)) - 1)}


def _label(time: int) -> str:
    return moment_text(time, "%Y-%m")


# --- what they come to --------------------------------------------------------------------------


def points(app: App, month: str, later: int = 0) -> list[Point]:
    """Return the sums that are other ones of a month (such as 2026-11), its days and its bills. Raise StoreError.

    Each is dated `later` seconds after the begin of its period at the earliest; so are all that were dated before that.
    """
    first = date.fromisoformat(f"{month}-01")
    since, until, now = starts(first), starts(month_after(first)), int(app.now().wall)
    bills = [one for one in billed(app.config.contracts, first, month_after(first)) if one[1].period.start < now]
    begin = min([since, *(each.period.start for _, each in bills)])
    end = max([until, *(each.period.end for _, each in bills)])
    home = ledger.household(app, begin, end)
    priced = _ledger(app, since, until, ledger.by_half_hour, home)
    stored, kept = {by: _stored(app, by, begin, end) for by in MEASUREMENTS}, _kept_from(app)
    known = []
    for by in ("day", "month"):
        for each in calendar(by, since, min(until, now)):
            found, of = fields(priced.row(each)), (one.period for _, one in bills)
            if any(one.start < min(kept, each.end) and each.start < one.end for one in of):
                found = with_yen_as_stored(found, _of(stored[by], each.start))
            known.append((by, each.start, found))
    whole = _ledger(app, begin, end, ledger.whole_bills, home)
    known += [("bill", each.period.start, _of_bill(app, whole, contract, each)) for contract, each in bills]
    points = (revised(by, start, found, _of(stored[by], start), now, later) for by, start, found in known)
    return [point for point in points if point]


def _kept_from(app: App) -> float:
    """Return from when on all readings are kept, Unix seconds; infinity while that is not sure."""
    kept = app.kept_from(app.now())
    return inf if app.config.store.keep_days and not kept else kept


def _of_bill(app: App, whole: ledger.Ledger, contract: Contract, each: Billed) -> dict[str, Number]:
    """Return the fields of a bill."""
    sold = whole.household.flows["sold"]
    found = fields(whole.row(each.period), _sold_yen(app, contract, each, sold))
    return found | {"ampere": contract.ampere} if found and contract.ampere else found


def _sold_yen(app: App, contract: Contract, each: Billed, sold: Sequence[Span]) -> int | None:
    with suppress(ConfigError):
        if found := income(app, contract, each, sold, int(app.now().wall)):
            return found.total
    return None


def _ledger(app: App, since: int, until: int, prices: ledger.Prices, home: Household) -> ledger.Ledger:
    """Return the ledger; without yen where a contract cannot be priced, which `check` reports."""
    try:
        return ledger.Ledger(app, since, until, prices, home)
    except ConfigError:
        return ledger.Ledger(app, since, until, ledger.unpriced, home)


def _stored(app: App, measurement: str, since: int, until: int) -> dict[int, dict[str, Number]]:
    """Return what is stored of a measurement, by its time."""
    found: dict[int, dict[str, Number]] = {}
    for name in MEASUREMENTS[measurement]:
        for time, value in app.store.archive.values(measurement, name, since, until):
            found.setdefault(time, {})[name] = value
    return found


def _of(stored: Mapping[int, dict[str, Number]], start: int) -> dict[int, dict[str, Number]]:
    """Return what is stored of a period that begins at `start`."""
    return {time: fields for time, fields in stored.items() if start <= time <= start + LAST}
