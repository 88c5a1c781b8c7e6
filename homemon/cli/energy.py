"""`homemon energy`: what was bought, sold, generated and used, by half-hour, day, week, month, year or bill."""

import json
import sys

import click

from homemon.cli.export import csv_row
from homemon.cli.times import TimeOfDay
from homemon.energy import rows
from homemon.runtime import ledger, output
from homemon.runtime.context import App


@click.command()
@click.option("--by", type=click.Choice(list(ledger.LOOK_BACK)), default="day", show_default=True, help="A row a …")
@click.option("--since", metavar="TIME", type=TimeOfDay(), help="From the period on that has this time.")
@click.option("--until", metavar="TIME", type=TimeOfDay(), help="Up to then, not including it.")
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_obj
def command(app: App, by: str, since: int | None, until: int | None, style: str) -> int:
    """Show the household's energy.

    Bought, sold, generated and used kWh of each period, with the hours of which they are known where those are not
    all; the self-consumption of what was generated and the self-sufficiency of what was used, in percent; the
    half-hour in which most was bought; how much more the company's portal says was bought, where that was imported, of
    the hours that both know. With a [contract] in config.ini: what the energy costs, base charge and other
    monthly charges aside; with --by bill the whole bill. A terminal that is too narrow shows fewer columns.

    Without --since: today's half-hours, 14 days, 12 weeks, months or bills, or 10 years. Times are JST: 2026-11-23,
    "2026-11-23 14:30", yesterday, today, 3d, 12h. CSV and JSON have exact decimals, and nothing for what is unknown.
    """
    now = int(app.now().wall)
    found = ledger.rows(app, by, since, now if until is None else until)
    if style == "table":
        texts = (
            rows.table(found, now, output.said, output.columns(sys.stdout))
            if found
            else [output.said("nothing is known of this period")]
        )
    elif style == "json":
        texts = [json.dumps([rows.facts(row) for row in found])]
    else:
        facts = [rows.facts(row) for row in found]
        heads = list(facts[0]) if facts else []
        texts = [",".join(heads), *(csv_row(tuple(each[head] or "" for head in heads)) for each in facts)]
    output.put_all(texts)
    for why in rows.unpriced(found) if style != "table" else ():
        app.warn(why)
    return int(app.store.db.left_out is not None)
