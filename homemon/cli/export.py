"""`homemon export`: what is in the store, as text."""

import sys
from datetime import datetime

import click

from homemon.cli.app import App
from homemon.cli.times import FOREVER, TimeOfDay
from homemon.points import JST, line, number_text


@click.command()
@click.option("--since", metavar="TIME", type=TimeOfDay(), help="From then on.")
@click.option("--until", metavar="TIME", type=TimeOfDay(), help="Up to then, not including it.")
@click.option("--measurement", metavar="M", help="Only this one, such as power or +power.")
@click.option("--format", "style", type=click.Choice(["lp", "csv"]), default="lp", show_default=True)
@click.pass_obj
def command(app: App, since: int | None, until: int | None, measurement: str | None, style: str) -> None:
    """Print points from the store.

    Oldest first, as InfluxDB line protocol, or as CSV with the columns time (JST), measurement,
    field, value. Times are JST: 2026-11-23, "2026-11-23 14:30", yesterday, today, 3d, 12h.
    """
    points = app.store.lines(since or 0, FOREVER if until is None else until, measurement)
    write = sys.stdout.write
    if style == "lp":
        for time, name, tags, fields in points:
            write(line(name, tags, fields, time) + "\n")
        sys.stdout.flush()  # where the reader has gone, that shows here and not at the interpreter's end
        return
    write("time,measurement,field,value\n")
    for time, name, _, fields in points:
        stamp = datetime.fromtimestamp(time, JST).isoformat()
        for field, value in fields.items():
            write(f"{stamp},{name},{field},{number_text(value)}\n")
    sys.stdout.flush()
