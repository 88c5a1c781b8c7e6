"""`homemon status`: what came last, how old it is, and what still waits."""

import json
import os
from typing import Any

import click

from homemon.cli.status_lines import besides, come_to
from homemon.cli.status_table import table
from homemon.cli.terminal import show, tell
from homemon.cli.times import Span
from homemon.core.language import language
from homemon.energy import rows as energy
from homemon.runtime import sinks, so_far
from homemon.runtime.context import App
from homemon.runtime.listeners import listeners
from homemon.runtime.newest import look_at
from homemon.sources.registry import NOT_MEASURED, SOURCES, WATCHED
from homemon.storage.ledger import FIRST


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--max-age", metavar="SPAN", type=Span(), help="Stale is what is older than this, such as 15m or 2h.")
@click.pass_obj
def command(app: App, as_json: bool, max_age: int | None) -> int:
    """Show the newest readings, and what waits.

    Each series below its device: what it is called, its name in the store, its newest value, when that was (JST), its
    age, and the points of today; then the server's backlog, parked points and the listeners, and what was bought
    today and in the running billing period, or month without a contract. Japanese under a Japanese locale; on a
    terminal in colours, unless NO_COLOR is set.

    Exit status 1 when a series of a configured device is stale: older than 10 minutes (power), 40 (half-hours), 30
    (EcoCute), 90 (solar), or than `--max-age`; and when readings of a damaged store are left out because they do not
    fit their checksum, as stderr says.
    """
    at = app.now()
    now = int(at.wall)
    undated, undatable = app.store.archive.undated(at.boot)
    ours = (series for series in app.store.archive.series() if series.measurement not in NOT_MEASURED)
    rows = [row for series in ours if (row := look_at(app, series, now, max_age)) is not None]
    silent = [
        source.section
        for source in SOURCES
        if app.config.of(source.section) and not any(WATCHED.get(row.measurement) == source.section for row in rows)
    ]
    running = so_far.rows(app, now)
    ways = sinks.state(app)
    facts: dict[str, Any] = {
        "series": [row._asdict() for row in rows],
        "silent": silent,
        "waiting": ways["server"].waiting if "server" in ways else 0,
        "parked": parked(app, FIRST),
        "undated": undated,
        "undatable": undatable,
        "server": ways["server"].fault if "server" in ways else "",
        "sinks": {name: {**lack._asdict(), "parked_lines": parked(app, name)} for name, lack in ways.items()},
        "listeners": listeners(app),
        "so_far": {name: energy.facts(row) for name, row in running.items()},
    }
    if as_json:
        app.put(json.dumps(facts, ensure_ascii=False))
    else:
        spoken = language(os.environ)
        for line in table(rows, now, spoken):
            tell(line.text, line.colour)
        for line in (*besides(rows, facts, now, spoken), *come_to(running, now, spoken)):
            show(line.text, line.colour)
    return 1 if silent or any(row.stale for row in rows) or app.store.db.left_out else 0


def parked(app: App, name: str) -> list[dict[str, str]]:
    """Return the lines that a server refused for good, each with its reason, by the server's name."""
    return [{"line": text, "reason": reason} for text, reason in app.store.outbox_of(name).parked()]
