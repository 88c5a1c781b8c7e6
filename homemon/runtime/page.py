"""What a page shows, out of the store: its facts, what its charts draw, and what moves on it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from homemon.core.errors import ConfigError
from homemon.core.points import DAY, HOUR, Number, midnight
from homemon.energy.household import QUANTITIES, Household, Known
from homemon.energy.periods import day_of
from homemon.energy.spans import exact
from homemon.page import cards
from homemon.page.figures import Json, data, panels_of
from homemon.page.html import html
from homemon.page.html import script as page_script
from homemon.page.html import style as page_style
from homemon.page.panels import COUNTED, Charts, Drawn, collect
from homemon.page.prices import shades
from homemon.page.views import (
    LENGTHS,
    PARTS,
    Counted,
    Extent,
    Facts,
    Levels,
    Load,
    Newest,
    Now,
    Place,
    View,
    place,
    place_of,
    places,
)
from homemon.runtime import price_bands, so_far
from homemon.runtime.context import App
from homemon.runtime.ledger import Ledger, household, known
from homemon.runtime.newest import latest
from homemon.sources.registry import NAMED, SHOWN, SMART_METER, SOURCES
from homemon.sources.source import MINUTE, Kind, Series, Source
from homemon.storage.archive import Archive

LEVELS = tuple(series for series in SHOWN if series.kind is Kind.LEVEL)
PHASES = ("r", "t")
NOTHING = Known(None, Decimal(0))
Extents = tuple[int, Number, Number, float, int]
"""When a period begins, and what an `Extent` has of it."""


def page(app: App, days: int, language: str, wanted: Place | None = None) -> tuple[Facts, Charts, Json]:
    """Return all numbers of a page of the last `days`, or of one view, what its charts draw, and that as JSON.

    Raise StoreError, ConfigError.
    """
    now = int(app.now().wall)
    shown = [wanted] if wanted else places(now, days)
    ledger, of_views = _ledgers(app, shown, wanted, now)
    readings = DaysOnce(app.store.archive)
    kinds = list(dict.fromkeys(each.kind for each in shown))
    charts = collect(readings, of_views.household, now, _drawn(shown), kinds)
    found = _facts(app, shown, wanted is None, now, ledger, of_views, charts, _levels(readings, shown, now))
    return found, charts, data(charts, panels_of(found.sections), _prices(app, shown, language), language)


def _ledgers(app: App, shown: Sequence[Place], wanted: Place | None, now: int) -> tuple[Ledger, Ledger]:
    """Return the ledger of what is so far, and that of the views: one for both, unless one view alone is wanted."""
    begin, look_back = min(each.period.start for each in shown), midnight(now) - so_far.LOOK_BACK
    if wanted:
        home = household(app, so_far.begins(app, now), now)
        return known(app, look_back, now, home), known(app, begin, max(begin, min(wanted.period.end, now)))
    home = household(app, min(so_far.begins(app, now), begin), now)
    ledger = known(app, min(look_back, begin), now, home)
    return ledger, ledger


def _drawn(shown: Sequence[Place]) -> Drawn:
    """Return what charts are to reach over; readings and half-hours from the first day on that has a view."""
    periods = [each.period for each in shown]
    detailed = [each.period.start for each in shown if each.kind == "day"] or [each.start for each in periods]
    return Drawn(min(each.start for each in periods), max(each.end for each in periods), min(detailed))


def _prices(app: App, shown: Sequence[Place], language: str) -> Json:
    """Return the bands of prices of each day that has a view; none where a contract cannot be priced."""
    with suppress(ConfigError):
        bands = price_bands.of_days(app, [each.first for each in shown if each.kind == "day"])
        return {str(day): shades(each, language) for day, each in bands.items()}
    return {}


def _facts(
    app: App,
    shown: Sequence[Place],
    reaches: bool,
    now: int,
    ledger: Ledger,
    of_views: Ledger,
    charts: Charts,
    levels: Mapping[str, Levels],
) -> Facts:
    counted = {kind: _counted(charts, kind) for kind in ("month", "year")}
    came = {source.section: _came(app, source, now) for source in SOURCES}
    configured = sections(app)
    return Facts(
        now,
        newest(app, now),
        so_far.today(ledger, now),
        so_far.running(app, now, ledger.household),
        [_view(of_views, each, levels[PARTS[each.kind]], counted.get(each.kind, {}), now) for each in shown],
        list(_energies(app, ledger.household, of_views.household)),
        configured,
        _reach(shown) if reaches else None,
        [
            source.section
            for source in SOURCES
            if now - came[source.section] > source.silent_after
            and (source.section in configured or not any((*configured, *came.values())))
        ],
        any(came.values()),
        str(ledger.unpriced or ""),
        next((contract.since for contract in app.config.contracts[:1] if contract.since > day_of(now)), None),
        _first(app, now),
    )


def _first(app: App, now: int) -> int:
    """Return when the first reading came of what the page shows, Unix seconds; `now` where none did."""
    found = (next(app.store.archive.values(each.measurement, each.field, 0, now + 1), None) for each in SHOWN)
    return min((reading[0] for reading in found if reading), default=now)


def _came(app: App, source: Source, now: int) -> int:
    """Return when the newest reading of a source came that is no later than `now`, Unix seconds; 0 where none did."""
    found = (latest(app, each.measurement, each.field, now + 1) for each in source.series if each.name)
    return max((reading[0] for reading in found if reading), default=0)


def sections(app: App) -> list[str]:
    """Return the sections of config.ini that are sources. Raise ConfigError."""
    return [source.section for source in SOURCES if app.config.of(source.section)]


def _reach(shown: Sequence[Place]) -> tuple[date, date]:
    return min(each.first for each in shown), max(each.first for each in shown)


def _energies(app: App, *households: Household) -> Iterator[str]:
    """Yield what there is of bought, sold, generated and used: what is used is bought where nothing else is known."""
    if SMART_METER.section in sections(app) or any(each.spans("bought") for each in households):
        yield "bought"
    if any(span.kwh for each in households for span in each.spans("sold")):
        yield "sold"
    if any(each.spans("generated") for each in households):
        yield "generated"
        yield "used"


def _view(ledger: Ledger, each: Place, levels: Levels, counted: Counted, now: int) -> View:
    period = each.period
    parts = [ledger.row(part) for part in each.parts(now + 1)]
    balance = ledger.household.balance(period.start, period.end)
    return View(*each, period, ledger.row(period), parts, balance, levels, counted)


def _counted(charts: Charts, kind: str) -> Counted:
    """Return what the charts draw of what devices counted each day, by the parts of a kind of view."""
    found: dict[str, dict[int, Known]] = {name: {} for name in COUNTED}
    for name, parts in found.items():
        for time, kwh, hours in zip(*(charts.cuts.get("extents", {}).get(name) or ((), (), ())), strict=True):
            if kwh is not None:
                begin = place(PARTS[kind], day_of(int(time))).period.start
                before = parts.get(begin, NOTHING)
                covered = DAY // HOUR if hours is None else hours
                parts[begin] = Known((before.kwh or 0) + exact(kwh), before.hours + exact(covered))
    return found


# --- levels ---------------------------------------------------------------------------------


def newest(app: App, now: int) -> Now:
    """Return the newest value of each level that is configured or recorded, and the load. Raise StoreError."""
    configured = {series.name for source in SOURCES if app.config.of(source.section) for series in source.series}
    found = {series.name: _newest(app, series, now) for series in LEVELS}
    return Now({name: each for name, each in found.items() if each or name in configured}, load(app, now))


def _newest(app: App, series: Series, now: int) -> Newest | None:
    found = latest(app, series.measurement, series.field, now + 1)
    return Newest(found[1], found[0], series.stale or 10 * MINUTE) if found else None


def load(app: App, now: int) -> Load | None:
    """Return how much current flows; None where none is recorded or no ampere agreed. Raise StoreError."""
    contract = app.config.contract_on(day_of(now))
    found = [latest(app, "current", phase, now + 1) for phase in PHASES]
    times = [each[0] for each in found if each]
    if not times or not contract or not contract.ampere:
        return None
    total = sum(each[1] for each in found if each and each[0] == max(times))
    return Load(Newest(round(total, 1), max(times), NAMED["power"].stale or 10 * MINUTE), contract.ampere)


class DaysOnce:
    """A store's readings for one page, which shows the extents of days as charts and as tables: they are read once."""

    def __init__(self, archive: Archive) -> None:
        self.values = archive.values
        self._archive = archive
        self._days: dict[tuple[str, str], tuple[int, int, list[Extents]]] = {}

    def extents(
        self, measurement: str, field: str, since: int, until: int, step: int, bounds: tuple[Number, Number]
    ) -> Iterator[Extents]:
        """Return the extents of each `step` seconds, as `Archive.extents` does. Raise StoreError."""
        if step != DAY:
            return self._archive.extents(measurement, field, since, until, step, bounds)
        first, after, days = self._days.get((measurement, field), (since, since, []))
        if not (first <= since and until <= after):
            days = list(self._archive.extents(measurement, field, since, until, DAY, bounds))
            self._days[measurement, field] = since, until, days
        return (day for day in days if since <= day[0] < until)


def _levels(readings: DaysOnce, shown: Sequence[Place], now: int) -> Mapping[str, Levels]:
    """Return the extents of each level by the kinds of parts that views have."""
    found = {}
    for part in dict.fromkeys(PARTS[each.kind] for each in shown):
        periods = [each.period for each in shown if PARTS[each.kind] == part]
        since, until = min(each.start for each in periods), min(max(each.end for each in periods), now + 1)
        found[part] = {series.name: dict(_extents(readings, series, part, since, until)) for series in LEVELS}
    return found


def _extents(readings: DaysOnce, series: Series, part: str, since: int, until: int) -> Iterator[tuple[int, Extent]]:
    """Return the extents of each part of a time, which begins with one; those of months out of their days'."""
    step = LENGTHS.get(part, DAY)
    rows = readings.extents(series.measurement, series.field, since, until, step, series.bounds)
    found = ((row[0], Extent(*row[1:])) for row in rows)
    return found if part in LENGTHS else _joined(part, found)


def _joined(part: str, days: Iterator[tuple[int, Extent]]) -> Iterator[tuple[int, Extent]]:
    parts = groupby(days, lambda day: place(part, day_of(day[0])).period.start)
    return ((begin, Extent.of(extent for _, extent in each)) for begin, each in parts)


# --- served ---------------------------------------------------------------------------------


def render(app: App, view: str, language: str) -> bytes:
    """Return the page of a view, `day/2026-11-25` or empty for today's. Raise NoSuchView, StoreError, ConfigError."""
    now = int(app.now().wall)
    wanted = place_of(view, now)
    found, charts, drawn = page(app, 1, language, wanted)
    return html(found, charts, language, drawn, served=True).encode()


def live(app: App, language: str) -> dict[str, Any]:
    """Return what moves: the cards by their names, and up to when energy is known, Unix seconds. Raise StoreError."""
    now = int(app.now().wall)
    energies = [NAMED[name] for name in QUANTITIES]
    newest_of = (latest(app, series.measurement, series.field, now + 1) for series in energies)
    written = max((found[0] for found in newest_of if found), default=0)
    return {"cards": cards.live(newest(app, now), language), "written": written}


def style() -> bytes:
    """Return the style sheet of a served page."""
    return page_style().encode()


def script() -> bytes:
    """Return the JavaScript of a served page."""
    return page_script().encode()
