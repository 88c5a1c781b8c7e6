"""`homemon export`: what is in the store, as text."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

import click

from homemon.cli.lines import typed
from homemon.cli.times import FOREVER, TimeOfDay
from homemon.core.points import Number, line, moment_text, number_text
from homemon.core.printable import printable
from homemon.runtime import output
from homemon.runtime.context import App
from homemon.sources.registry import WATCHED

Row = tuple[int, str, str, Mapping[str, Number]]
"""Time, measurement, tags, fields."""
QUOTE = '"'
SPECIAL = re.compile(r'[",\r\n]')


@click.command()
@click.option("--since", metavar="TIME", type=TimeOfDay(), help="From then on.")
@click.option("--until", metavar="TIME", type=TimeOfDay(), help="Up to then, not including it.")
@click.option("--measurement", metavar="M", help="Only this one, such as power or +power.")
@click.option("--format", "style", type=click.Choice(["lp", "csv"]), default="lp", show_default=True)
@click.pass_obj
def command(app: App, since: int | None, until: int | None, measurement: str | None, style: str) -> int:
    """Print points from the store.

    Oldest first, as InfluxDB line protocol, or as CSV with the columns time (JST), measurement,
    field, value, and tags where any series has some. Times are JST: 2026-11-23, "2026-11-23 14:30", yesterday,
    today, 3d, 12h.

    Readings of a damaged store that do not fit their checksum are left out, and some may not be found: stderr says
    so, and the exit status is 1.
    """
    named = known(app, printable(typed(measurement))) if measurement else None
    points = app.store.archive.lines(since or 0, FOREVER if until is None else until, named)
    if style == "lp":
        output.put_all(line(name, tags, fields, time) for time, name, tags, fields in points)
        return int(app.store.db.left_out is not None)
    with app.store.db.explained("read"):
        tagged = any(tags for (tags,) in app.store.db.execute("SELECT DISTINCT tags FROM series").fetchall())
    output.put_all(csv_rows(points, tagged))
    return int(app.store.db.left_out is not None)


def known(app: App, measurement: str) -> str:
    """Return the measurement, if it is a known one. Raise click.UsageError with the known ones."""
    stored = {series.measurement for series in app.store.archive.series()}
    if measurement in stored or measurement in WATCHED:
        return measurement
    near = get_close_matches(measurement, stored | WATCHED.keys(), 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    there = f"There are {', '.join(sorted(stored))}." if stored else "The store is empty."
    raise click.UsageError(f"No measurement {measurement!r} in the store.{meant} {there}")


def csv_rows(points: Iterable[Row], tagged: bool) -> Iterator[str]:
    """Yield a head, and a row for each value."""
    yield "time,measurement,field,value" + (",tags" if tagged else "")
    for time, name, tags, fields in points:
        for field, value in fields.items():
            row = (moment_text(time, "%Y-%m-%dT%H:%M:%S+09:00"), name, field, number_text(value))
            yield csv_row((*row, tags.removeprefix(",")) if tagged else row)


def csv_row(values: tuple[str, ...]) -> str:
    """Return one row, quoted where a value needs it (RFC 4180)."""
    return ",".join(f'"{value.replace(QUOTE, 2 * QUOTE)}"' if SPECIAL.search(value) else value for value in values)
