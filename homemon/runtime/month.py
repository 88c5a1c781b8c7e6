"""The energy and yen of one month, as spans of the statistics of Home Assistant.

A month is computed by itself, from its own readings and those of the weeks before, so that it comes out the same
whether it is computed alone or after others.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import chain, zip_longest
from math import inf

from homemon.core.errors import ConfigError
from homemon.core.points import DAY, HOUR
from homemon.energy import household, shipped
from homemon.energy.hours import ended
from homemon.energy.household import Flows, Household
from homemon.energy.periods import Period, starts
from homemon.energy.spans import Span, differences, filled, within
from homemon.energy.statement import earned
from homemon.page.panels import COUNTED, possible
from homemon.runtime.context import App
from homemon.runtime.energy import EDGE, flows
from homemon.runtime.ledger import by_half_hour
from homemon.sources.registry import NAMED

HEATED = COUNTED["heated"]
LOOK_BACK = 7 * DAY  # seconds before a month, in which its first hour's beginning is looked for
FROM = {"bought": ("grid_import",), "sold": ("grid_export",), "generated": ("solar", "used")}
"""The statistics that go on where a series does."""


class Month:
    """A month of a house; nothing of it is later than `now`, Unix seconds. What is asked raises StoreError.

    `reached` is that of `ha_walk.Book`.
    """

    def __init__(self, app: App, period: Period, now: int, reached: Mapping[str, int]) -> None:
        self._app, self._period, self._now, self._reached = app, period, now, reached

    def spans(self) -> Flows:
        """Return what is known of a month, and of the time before, by the names of `ha_statistics.STATISTICS`."""
        begin = min(self._begin(NAMED[name].measurement, NAMED[name].field, of) for name, of in FROM.items())
        known = {name: self._known(name, begin) for name in household.QUANTITIES}
        own = {name: _until(self._period.end, spans) for name, spans in known.items()}
        return {
            "grid_import": own["bought"],
            "grid_export": own["sold"],
            "solar": own["generated"],
            "used": self._used(own),
            "ecocute": _until(self._period.end, self._heated()),
            "grid_import_cost": _until(self._period.end, self._cost(known["bought"], begin)),
            "grid_export_income": list(self._income(own)),
        }

    def _used(self, own: Flows) -> Sequence[Span]:
        """Return what was used. Where that was known at the end of the month before, this one goes on from there.

        The monitor knows it where the meter's reading of that midnight is lost: then what the meter counted over
        midnight is of no month.
        """
        start = self._period.start
        before = Household({name: _until(start, spans) for name, spans in own.items()}).spans("used")
        if not before or before[-1].end != start:
            return Household(own).spans("used")
        since = {name: [span for span in spans if span.start >= start] for name, spans in own.items()}
        return [*before, *Household(since).spans("used")]

    def _begin(self, measurement: str, field: str, statistics: Sequence[str]) -> int:
        """Return from when on a series is read: a week before the month, or where its hours go on after a gap.

        What was counted after the last known hour before a gap belongs to the hour that ends the gap.
        """
        archive, start = self._app.store.archive, self._period.start
        week_before = start - LOOK_BACK
        if next(archive.values(measurement, field, start, self._period.end), None) is None:
            return week_before
        reached = [self._reached[each] for each in statistics if each in self._reached]
        if not reached and (before := archive.latest(measurement, field, start + 1)):
            reached = [before[0]]
        return min([week_before, *(time - DAY for time in reached)])

    def _known(self, name: str, begin: int) -> Sequence[Span]:
        """Return the spans of a quantity; of what is bought those of all billing periods that have a part in it."""
        end = self._period.end
        if name == "bought" and self._app.config.contracts:
            begin, end = begin - EDGE, end + EDGE
        return flows(self._app, begin, self._until_now(end), [name])[name]

    def _until_now(self, until: int) -> int:
        return min(until, self._now)

    def _heated(self) -> Iterator[Span]:
        """Yield what the water heater counted."""
        since, until = self._begin(*HEATED[:2], ["ecocute"]), self._until_now(self._period.end + HOUR)
        rows = self._app.store.archive.values(*HEATED[:2], since, until + 1)
        counted = possible((time, count / HEATED.each_kwh) for time, count in rows)
        return ended(differences(counted, HEATED.modulus), HEATED.apart)

    def _cost(self, bought: Sequence[Span], begin: int) -> Iterator[Span]:
        """Yield what was bought in yen, by half-hours; none of it where a price is not known.

        Nor of a billing period of which keep_days dropped the beginning, as the tier depends on that.
        """
        kept = self._kept_from()
        with suppress(ConfigError):
            priced = list(by_half_hour(self._app, bought, begin, self._until_now(self._period.end) + 1))
            for each in (each for each in priced if each.spans is not None and each.period.start >= kept):
                free = (Span(*span[:2], Decimal(0)) for span in within(bought, *each.period[1:]) if not span.kwh)
                yield from filled(each.spans or (), free)

    def _kept_from(self) -> float:
        """Return from when on all is kept, Unix seconds; infinity while that is not sure."""
        kept = self._app.kept_from(self._app.now())
        return inf if self._app.config.store.keep_days and not kept else kept

    def _income(self, own: Flows) -> Iterator[Span]:
        """Yield what is paid for what was sold in yen, by the contract at the beginning of each span."""
        contracts = self._app.config.contracts
        with suppress(ConfigError):
            for contract, after in zip_longest(contracts, contracts[1:]):
                if contract.sell:
                    begin, end = starts(contract.since), starts(after.since) if after else self._period.end
                    sold = (span for span in own["sold"] if begin <= span.start < end)
                    yield from earned(sold, shipped.selling(contract.sell, self._app.config.path.parent))


def _until(end: int, spans: Iterator[Span] | Sequence[Span]) -> list[Span]:
    return [span for span in chain(spans) if span.end <= end]
