"""What homemon says to Prometheus, gathered from the store, the configuration and the locks."""

from collections.abc import Iterator
from contextlib import suppress

from homemon import __version__
from homemon.delivery import metrics
from homemon.delivery.exposition import text
from homemon.delivery.metrics import Reading, Sink
from homemon.energy.periods import day_of
from homemon.replay.line_protocol import parse_tags
from homemon.runtime import sinks, so_far
from homemon.runtime.context import App
from homemon.runtime.listeners import listeners
from homemon.runtime.newest import Row, look_at
from homemon.sources.registry import NOT_MEASURED, SERIES


def exposition(app: App) -> str:
    """Return all metrics in Prometheus' text format. Raise StoreError, ConfigError."""
    now = int(app.now().wall)
    contract = app.config.contract_on(day_of(now))
    families = (
        *metrics.readings(_readings(app, now)),
        *metrics.so_far(so_far.rows(app, now)),
        *metrics.delivery(lacks(app)),
        *metrics.home(__version__, contract.ampere if contract else None, listeners(app), _size(app)),
    )
    return text(families)


def _readings(app: App, now: int) -> Iterator[Reading]:
    """Yield the newest reading of each series of a device that the registry knows; not one of the future."""
    for series in app.store.archive.series():
        if series[:2] in SERIES and series.measurement not in NOT_MEASURED:
            row = look_at(app, series, now, None)
            if row and row.time != row.ahead:
                yield _reading(row)


def _reading(row: Row) -> Reading:
    return Reading(row.measurement, row.field, row.value, row.age, parse_tags(row.tags or ""))


def lacks(app: App) -> dict[str, Sink]:
    """Return what each place that readings go to lacks, by its name. Raise StoreError."""
    return {name: Sink(*lack) for name, lack in sinks.state(app).items()}


def _size(app: App) -> int:
    """Return the bytes of the store's file and of its log."""
    size = 0
    for path in (app.store.path, app.store.path.with_name(f"{app.store.path.name}-wal")):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size
