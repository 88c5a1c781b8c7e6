"""`homemon status`: what came last, how old it is, and what still waits."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from homemon.cli.times import Span
from homemon.core.points import age_text, moment_text, number_text
from homemon.delivery.deliver import server_fault
from homemon.energy import rows as energy
from homemon.energy.so_far import SoFar
from homemon.runtime import so_far
from homemon.runtime.context import App
from homemon.runtime.listeners import listeners
from homemon.runtime.newest import Row, look_at
from homemon.sources.registry import IMPORTED_MEASUREMENTS, SOURCES, WATCHED


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--max-age", metavar="SPAN", type=Span(), help="Stale is what is older than this, such as 15m or 2h.")
@click.pass_obj
def command(app: App, as_json: bool, max_age: int | None) -> int:
    """Show the newest readings, and what waits.

    Each series with its last value, its age and the points of today; then the server's backlog, parked
    points and the listeners, and what was bought today and in the running billing period, or month without a
    contract. Exit status 1 when a series of a configured device is stale: older than 10 minutes (power), 40
    (half-hours), 30 (EcoCute), 90 (solar), or than `--max-age`;
    and when readings of a damaged store are left out because they do not fit their checksum, as stderr says.
    """
    at = app.now()
    now = int(at.wall)
    undated, undatable = app.store.archive.undated(at.boot)
    ours = (series for series in app.store.archive.series() if series.measurement not in IMPORTED_MEASUREMENTS)
    rows = [row for series in ours if (row := look_at(app, series, now, max_age)) is not None]
    silent = [
        source.section
        for source in SOURCES
        if app.config.of(source.section) and not any(WATCHED.get(row.measurement) == source.section for row in rows)
    ]
    running = so_far.both(app, now)
    facts: dict[str, Any] = {
        "series": [row._asdict() for row in rows],
        "silent": silent,
        "waiting": app.store.outbox.backlog().waiting if app.config.server else 0,
        "parked": [{"line": text, "reason": reason} for text, reason in app.store.outbox.parked()],
        "undated": undated,
        "undatable": undatable,
        "server": server_fault(app.store, app.config.server) if app.config.server else "",
        "listeners": listeners(app),
        "so_far": {name: energy.facts(part.row) for name, part in running.items()},
    }
    if as_json:
        app.put(json.dumps(facts, ensure_ascii=False))
    else:
        for text in (*described(rows, facts, now), *come_to(running, now)):
            app.show(text)
    return 1 if silent or any(row.stale for row in rows) or app.store.db.left_out else 0


def described(rows: list[Row], facts: dict[str, Any], now: int) -> list[str]:
    """Return the same for people: a line a series, then what else there is to know."""
    lines = [row_text(row, now) for row in rows]
    lines += [
        f"{row.measurement} {row.field} has a reading of the future, {short_text(row.ahead, now)}: it does not count"
        for row in rows
        if row.ahead is not None
    ]
    lines += [f"[{section}] is configured, and nothing was ever recorded" for section in facts["silent"]]
    lines.append(f"{facts['waiting']} points wait for the server, {len(facts['parked'])} are parked")
    lines += [f"  parked: {parked['line']}: {parked['reason']}" for parked in facts["parked"][:10]]
    if facts["server"]:
        lines.append(f"server: {facts['server']}")
    if facts["undated"]:
        lines.append(f"{facts['undated']} values wait for a clock that is right")
    if facts["undatable"]:
        lines.append(f"{facts['undatable']} values came before a restart, while the clock was wrong: they have no time")
    lines += [f"{name}: {f'runs, pid {pid}' if pid else 'does not run'}" for name, pid in facts["listeners"].items()]
    return lines


def come_to(running: Mapping[str, SoFar], now: int) -> Iterator[str]:
    """Yield what is bought so far, and its yen: a line a running period of which anything is known."""
    for name, part in running.items():
        if part.row.summary.bought.kwh is not None:
            yen = "" if part.row.yen is None else f", {energy.yen_text(part.row.yen, part.row.doubts)} yen"
            kwh, of, hours = energy.kwh_text(part.row.summary.bought, part.row.period, now).partition(" (")
            yield f"{name:9}{kwh} kWh{of}{hours} bought{yen}"


def row_text(row: Row, now: int) -> str:
    """Return `power value     523  11-24 02:49:00    12 s ago   1014 today`; with the year where it is another."""
    name = f"{row.measurement}{row.tags or ''} {row.field}"
    line = f"{name:22}{number_text(row.value):>12}  {short_text(row.time, now):14}  {age_text(row.age):>8} ago"
    return f"{line}  {row.today:5} today{'  STALE' if row.stale else ''}"


def short_text(time: int, now: int) -> str:
    """Return `11-24 02:49:00` in JST, `2017-11-24 02:49` in another year than `now`; else Unix time."""
    this_year = moment_text(time, "%Y") == moment_text(now, "%Y")
    return moment_text(time, "%m-%d %H:%M:%S" if this_year else "%Y-%m-%d %H:%M")
