"""`homemon repair`: what is whole of a damaged store, and what comes back from elsewhere."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import click

from homemon.core.errors import HomemonError, StoreDamaged, StoreError
from homemon.core.points import moment_text
from homemon.runtime.context import App
from homemon.sources.registry import SOURCES
from homemon.sources.source import Kind
from homemon.storage.database import FILE
from homemon.storage.salvage import Names

NAMED = 30  # periods at most
SERVER = "server"  # what --from calls the one of config.ini
RECORDS = {
    series.measurement: source.record
    for source in SOURCES
    for series in source.series
    if source.record and series.name and series.kind is not Kind.LEVEL
}
"""Measurements that a device keeps half-hours of, and the command that reads them again."""


@click.command()
@click.option(
    "--from",
    "source",
    metavar="FILE|server",
    help="A copy, a store that was set aside, or the server of config.ini: add what ours lacks.",
)
@click.pass_obj
def command(app: App, source: str | None) -> None:
    """Make a damaged store sound, or bring back what it lacks.

    All values whose checksum is right go into a new file, which takes the store's place; the damaged one is set
    aside next to it and never deleted. Prints what is missing, by series and period, and where it comes back from.
    Listeners may go on; they continue with the new file. A sound store is left as it is.

    With --from it adds those values of another store, or of the server, that ours lacks, and changes none. Of the
    server it takes what homemon wrote with the tags of config.ini. (A file named server is ./server.)
    """
    try:
        for line in work(app, source):
            app.put(line)
    except OSError as error:
        raise HomemonError(f"the store cannot be repaired: {error}", "See dmesg and df.") from None


def work(app: App, source: str | None) -> Iterator[str]:
    """Do what the options ask for. Raise HomemonError, OSError, click.UsageError."""
    if source is None:
        return look_through(app)
    if source == SERVER:
        return bring_from_server(app)
    if not Path(source).is_file():
        raise click.UsageError(f"{source} is no file")
    return bring_back(app, Path(source))


def look_through(app: App) -> Iterator[str]:
    """Look through the store, and repair it where it is damaged. Raise StoreError, OSError."""
    from homemon.storage import repair
    from homemon.storage.health import whole_faults

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
    after = f"after {moment_text(since)} and " if since is not None else ""
    return f"{measurement}{tags} {field}, {after}before {moment_text(until)}"


def bring_back(app: App, source: Path) -> Iterator[str]:
    """Add what another store has. Raise StoreError, OSError."""
    from homemon.storage import repair

    added: Counter[Names] = repair.bring_back(app.store.db, source)
    yield from added_lines(added)
    if not added:
        yield f"{source} has nothing that the store lacks"


def added_lines(added: Counter[Names]) -> Iterator[str]:
    """Say how many values of each series were added."""
    for (measurement, tags, field), count in sorted(added.items()):
        yield f"{measurement}{tags} {field}: {count:,} values added"


def bring_from_server(app: App) -> Iterator[str]:
    """Add what the server has of the series of homemon. Raise HomemonError, OSError."""
    from homemon.delivery import fetch
    from homemon.runtime.replaying import kept_from
    from homemon.storage import repair

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
