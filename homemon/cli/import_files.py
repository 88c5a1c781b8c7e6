"""`homemon import`: a market's prices and a portal's half-hours, out of files."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import chain, islice
from typing import IO, NamedTuple

import click

from homemon.cli.lines import lines
from homemon.cli.replay import check_readable, opened
from homemon.replay.downloads.items import Lines, Options, text_of
from homemon.replay.downloads.table import FORMATS, Format, recognise
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.runtime.importing import Importing
from homemon.sources.registry import SPOT

AREAS = [series.field for series in SPOT]
HEAD = 50  # lines in which a format shows
LONGEST = 1 << 22  # bytes of a line: a JSON file may be one


class Source(NamedTuple):
    """A file that is open, and its format."""

    name: str
    format: Format
    lines: Lines


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--area", "areas", multiple=True, metavar="AREA", type=click.Choice(AREAS), help=f"Of JEPX: {', '.join(AREAS)}."
)
@click.option("--date", "day", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="Of TEPCO's JSON.")
@click.option("--dry-run", is_flag=True, help="Only say what would be stored.")
@click.pass_obj
def command(app: App, files: tuple[str, ...], areas: tuple[str, ...], day: datetime | None, dry_run: bool) -> int:
    """Store a market's prices, or the half-hours of a company's portal.

    FILE is recognised by its contents; - is stdin. It is one of JEPX's spot_summary_YYYY.csv or spot_YYYY.csv, the
    hourly CSV of Kansai's みる電, the CSV of a day of くらしTEPCO, or the JSON of TEPCO's pages, with data_year or with
    billInfos. UTF-8 and cp932 are read alike.

    JEPX's prices are stored for each --area, else for the areas that the store has prices of already. Okinawa has
    no price; its market plans use that of the system.

    billInfos name no day: --date says which it is, and the year of rows without data_year.

    They are series of their own (spot, portal, portal_hour), which are never mixed into the meter's. A value that
    the store has otherwise is replaced. What the file has no value for is skipped, never 0. stderr says how many were
    new, the same, changed and skipped. The exit status is 1 where a line cannot be read; all others are stored.
    """
    check_readable(files)
    with ExitStack() as stack:
        sources = [source(name, stack.enter_context(opened(name))) for name in dict.fromkeys(files)]
        options = chosen(app, sources, areas, day)
        importing = Importing(app, dry_run)
        for each in sources:
            importing.take(each.format.read(each.lines, options), each.name)
        for text in importing.close():
            app.info(text)
    if dry_run:
        app.info("nothing was stored (--dry-run)")
    else:
        send_now(app)
    if importing.unread:
        some = "one line or row" if importing.unread == 1 else f"{importing.unread:,} lines or rows"
        app.warn(f"{some} could not be read")
    return int(importing.unread > 0)


def source(name: str, file: IO[bytes]) -> Source:
    """Return an open file with its format. Raise click.UsageError where it has no known one."""
    numbered = enumerate(map(text_of, lines(file, LONGEST)), 1)
    head = list(islice(numbered, HEAD))
    if (found := recognise([text for _, text in head])) is None:
        known = ", ".join(row.name for row in FORMATS)
        raise click.UsageError(f"{name} is of no format that is known: {known}")
    return Source(name, found, chain(head, numbered))


def chosen(app: App, sources: Sequence[Source], areas: tuple[str, ...], day: datetime | None) -> Options:
    """Return what the files do not say themselves. Raise click.UsageError where it is not known."""
    if sum(each.format.undated for each in sources) > 1:
        raise click.UsageError("Several files of billInfos, and --date is the day of one: import them one at a time")
    priced = any(each.format.priced for each in sources)
    return Options(wanted(app, areas) if priced else (), day.date() if day else None)


def wanted(app: App, areas: tuple[str, ...]) -> tuple[str, ...]:
    """Return the areas whose prices are wanted, by default those that are stored. Raise click.UsageError."""
    stored = {series.field for series in app.store.archive.series() if series.measurement == SPOT[0].measurement}
    found = tuple(series.field for series in SPOT if series.field in (set(areas) or stored))
    if not found:
        names = ", ".join(AREAS)
        raise click.UsageError(f"Which area's prices? Add --area AREA, once for each: {names}")
    return found
