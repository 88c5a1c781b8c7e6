"""`homemon repair`: what is whole of a damaged store, and what comes back from elsewhere."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from homemon.cli.app import App
from homemon.database import FILE
from homemon.errors import HomemonError, StoreDamaged, StoreError
from homemon.points import moment_text
from homemon.salvage import Names

NAMED = 30  # periods at most
SOURCES = {
    "+power": "`homemon meter-history` asks the meter for half-hours of up to 99 days",
    "-power": "`homemon meter-history` asks the meter for half-hours of up to 99 days",
    "hatuden": "`homemon kyocera-dump` reads the last 35 days from the solar monitor",
    "baiden_diff": "`homemon kyocera-dump` reads the last 35 days from the solar monitor",
}


@click.command()
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A copy, or a store that was set aside: add what ours lacks.",
)
@click.pass_obj
def command(app: App, source: Path | None) -> None:
    """Make a damaged store sound, or bring back what it lacks.

    All values whose checksum is right go into a new file, which takes the store's place; the damaged one is set
    aside beside it and never deleted. Prints what is missing, by series and period, and where it comes back from.
    Listeners may go on; they continue with the new file. A sound store is left as it is.

    With --from it adds those values of another store that ours lacks, and changes none.
    """
    if source and not source.is_file():
        raise click.UsageError(f"{source} is no file")
    try:
        lines = bring_back(app, source) if source else mend(app)
        for line in lines:
            app.put(line)
    except OSError as error:
        raise HomemonError(f"the store cannot be repaired: {error}", "See dmesg and df.") from None


def mend(app: App) -> Iterator[str]:
    """Look through the store, and mend it where it is damaged. Raises StoreError, OSError."""
    from homemon import mend
    from homemon.health import whole_faults

    path = app.folder / FILE
    if not path.exists():
        raise StoreError(f"there is no store {path}", "It is made when the first reading comes.")
    try:
        faults = whole_faults(app.store)
    except StoreDamaged as error:
        faults = [str(error)]
    if not faults:
        yield f"{path} is sound"
        return
    yield from (f"damaged: {fault}" for fault in faults)
    app.close_store()
    app.progress("reading what is whole ...")
    mended = mend.mend(path)
    yield f"{mended.whole:,} values are whole, and in {path} again"
    if mended.unsure:
        yield f"{mended.unsure:,} of them have no checksum, for they were stored by version 0.1"
    yield f"the damaged file is {mended.aside}"
    yield from (f"missing: {period(names, since, until)}" for names, since, until in mended.lost[:NAMED])
    if len(mended.lost) > NAMED:
        yield f"missing: {len(mended.lost) - NAMED:,} more periods"
    yield from sources(app, {names[0] for names, _, _ in mended.lost})


def sources(app: App, measurements: set[str]) -> Iterator[str]:
    """Where what is missing comes back from."""
    if not measurements:
        return
    yield from dict.fromkeys(SOURCES[name] for name in sorted(measurements) if name in SOURCES)
    yield "`homemon repair --from FILE` adds what a copy of the store has (`homemon backup`)"


def period(names: Names, since: int | None, until: int) -> str:
    """`power value, after 2026-11-03 10:00:00 and before 2026-11-03 10:04:00`."""
    measurement, tags, field = names
    after = f"after {moment_text(since)} and " if since is not None else ""
    return f"{measurement}{tags} {field}, {after}before {moment_text(until)}"


def bring_back(app: App, source: Path) -> Iterator[str]:
    """Add what another store has. Raises StoreError, OSError."""
    from homemon import mend

    added: Counter[Names] = mend.bring_back(app.store, source)
    for (measurement, tags, field), count in sorted(added.items()):
        yield f"{measurement}{tags} {field}: {count:,} values added"
    if not added:
        yield f"{source} has nothing that the store lacks"
