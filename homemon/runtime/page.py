"""What is shown of a store in a browser: a view of the page, what moves on it, and what belongs to it."""

import re
from datetime import date
from itertools import chain
from typing import Any

from homemon.core.points import DAY
from homemon.page import figures, panels, write
from homemon.page.web.pages import NoSuchView
from homemon.runtime import state
from homemon.runtime.context import App
from homemon.runtime.newest import AHEAD
from homemon.sources.registry import NAMED, SOURCES
from homemon.sources.source import Kind, Series
from homemon.storage.meters import Meters

KINDS = ("day", "week", "month", "year")
STYLE = re.compile(r"(?s)<style>\n(.*)\$colours</style>")


def render(app: App, view: str, language: str) -> bytes:
    """Return the page of a view, `day/2026-11-25` or empty for today's. Raise NoSuchView, StoreError."""
    _check(view)
    scale = state.load(app.folder).scale
    modulus = scale.modulus if scale else None
    shown = panels.collect(
        app.store.archive, int(app.now().wall), panels.DETAILED_DAYS, modulus, Meters(app.store).exchanges()
    )
    return write.html(shown, [source.section for source in SOURCES if app.config.of(source.section)], language).encode()


def _check(view: str) -> None:
    """Raise NoSuchView where `view` is of no kind, or of a day that there is not."""
    kind, _, day = view.partition("/")
    try:
        if view and (kind not in KINDS or date.fromisoformat(day).isoformat() != day):
            raise NoSuchView(view)
    except ValueError:
        raise NoSuchView(view) from None


def live(app: App, language: str) -> dict[str, Any]:
    """Return what moves: by its name each level's text, unit, time (Unix seconds), and age from which it is stale.

    Raise StoreError.
    """
    until = int(app.now().wall) + AHEAD + 1
    levels = [series for series in NAMED.values() if series.kind is Kind.LEVEL]
    found = ((series, app.store.archive.latest(series.measurement, series.field, until)) for series in levels)
    return {series.name: _newest(series, *latest) for series, latest in found if latest}


def _newest(series: Series, time: int, value: float) -> dict[str, Any]:
    text = f"{value:,.0f}".replace("-", "−")
    return {"text": text, "unit": series.unit, "time": time, "stale": series.stale or DAY}


def style() -> bytes:
    """Return the style sheet of a served page."""
    found = STYLE.search((write.HERE / "page.html").read_text("utf-8"))
    return "".join(chain(found.groups() if found else (), (figures.aliases(),))).encode()


def script() -> bytes:
    """Return the JavaScript of a served page."""
    return (write.HERE / "page.js").read_bytes()
