"""A damaged store repaired, and what it lacks brought back: each yields, line by line, what came of it."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from homemon.core.errors import HomemonError, StoreDamaged, StoreError
from homemon.core.points import midnight, moment_text
from homemon.delivery import fetch
from homemon.runtime import sums
from homemon.runtime.context import App
from homemon.runtime.replaying import kept_from
from homemon.sources.registry import SOURCES, SUMS
from homemon.sources.source import Kind
from homemon.storage import repair
from homemon.storage.database import FILE
from homemon.storage.health import whole_faults
from homemon.storage.salvage import Names, Row

NAMED = 30  # periods at most
SUMMED = {series.measurement for series in SUMS}
RECORDS = {
    series.measurement: source.record
    for source in SOURCES
    for series in source.series
    if source.record and series.name and series.kind is not Kind.LEVEL
}
"""Measurements that a device keeps half-hours of, and the command that reads them again."""


def look_through(app: App) -> Iterator[str]:
    """Look through the store, and repair it where it is damaged. Raise StoreError, OSError."""
    path = app.folder / FILE
    if not path.exists():
        raise StoreError(f"there is no store {path}", "It is made when the first reading comes.")
    try:
        faults = whole_faults(app.store.db)
    except StoreDamaged as error:
        faults = [str(error)]
    if not faults:
        yield f"{path} is sound"
        return
    yield from (f"damaged: {fault}" for fault in faults)
    app.close_store()
    app.progress("reading what is whole ...")
    repaired = repair.repair(path)
    yield f"{repaired.whole:,} values are whole, and in {path} again"
    if repaired.unsure:
        yield f"{repaired.unsure:,} of them have no checksum, for they were stored by version 0.1"
    yield f"the damaged file is {repaired.aside}"
    yield from periods("missing", repaired.lost)
    yield from sources(app, {names[0] for names, _, _ in repaired.lost})


def periods(what: str, lost: list[tuple[Names, int | None, int]]) -> Iterator[str]:
    """Name what is missing, a line for each period; the first of many."""
    yield from (f"{what}: {period(names, since, until)}" for names, since, until in lost[:NAMED])
    if len(lost) > NAMED:
        yield f"{what}: {len(lost) - NAMED:,} more periods"


def sources(app: App, measurements: set[str]) -> Iterator[str]:
    """Yield where missing values can come back from."""
    if not measurements:
        return
    yield from dict.fromkeys(RECORDS[name] for name in sorted(measurements) if name in RECORDS)
    if app.config.server:
        yield "`homemon repair --from server` adds what the server has"
    yield "`homemon repair --from FILE` adds what a copy of the store has (`homemon backup`)"


def period(names: Names, since: int | None, until: int) -> str:
    """Return a period as `power value, after 2026-11-03 10:00:00 and before 2026-11-03 10:04:00`."""
    measurement, tags, field = names
    name, end = f"{measurement}{tags} {field}", moment_text(until)
    return f"{name}, before {end}" if since is None else f"{name}, after {moment_text(since)} and before {end}"


def bring_back(app: App, source: Path) -> Iterator[str]:
    """Add what another store has, but for sums, which are computed again. Raise StoreError, OSError."""
    seconds = set[int]()

    def is_reading(row: Row) -> bool:
        is_sum = row.names[0] in SUMMED
        if is_sum:
            seconds.add(row.time - midnight(row.time))
        return not is_sum

    added: Counter[Names] = repair.bring_back(app.store.db, source, is_reading)
    if seconds:
        sums.compute_again(app.store, max(seconds) + 1)
    yield from added_lines(added)
    if not added:
        yield f"{source} has nothing that the store lacks"


def added_lines(added: Counter[Names]) -> Iterator[str]:
    """Say how many values of each series were added."""
    for (measurement, tags, field), count in sorted(added.items()):
        yield f"{measurement}{tags} {field}: {count:,} values added"


def bring_from_server(app: App) -> Iterator[str]:
    """Add what the server has of the series of homemon. Raise HomemonError, OSError."""
    source, since = fetch.reader(app.server), kept_from(app, app.now())
    own = app.store.archive.own_tags()
    came: Counter[Names] = Counter()
    others = left_out = 0
    fault = None
    try:
        for (measurement, field), tags in product(fetch.SERIES, own):
            app.progress(f"reading {measurement}{tags} {field} ...")
            sets = [tags, *(each for each in own if each != tags)]
            for page in source.pages(measurement, field, tags, since):
                added, different = repair.add_sent(app.store.db, measurement, field, sets, page.values)
                came[measurement, tags, field] += added
                others += different
                left_out += page.left_out
    except HomemonError as error:
        fault = error  # what came before it is stored
    yield from added_lines(+came)
    yield f"{came.total():,} values came from {app.server.url}; {others:,} the store had otherwise"
    if left_out:
        yield f"{left_out:,} were left out: no device gives them, or another program wrote them"
    if fault:
        raise fault
    yield from periods("still missing", repair.still_missing(app.store.db, since))
