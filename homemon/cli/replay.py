"""`homemon replay`: readings that were written down somewhere go into the store, each with its own time."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import IO

import click

from homemon.cli.lines import lines
from homemon.core.clock import kept_by_ntp
from homemon.core.points import DAY, JST
from homemon.replay.report import LATEST, ReplayReport
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.runtime.replaying import Recording, kept_from, print_report, reader

STDIN = "-"


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--date", "day", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="The day of a log's first line.")
@click.pass_obj
def command(app: App, files: tuple[str, ...], day: datetime | None) -> int:
    """Store the readings of traces, logs, dumps and backups again.

    FILE is a trace (--trace), line protocol as `homemon export` prints it, a kyocera_YYYYMMDD.txt, or a log of
    the module's lines; - is stdin. Readings get the time that they had, and nothing is stored twice. FILE.1 is
    read before FILE where both are given. No value that is stored is replaced: of two that differ for the same
    second the first stays, and stderr says how many differ.

    A backup: `homemon export > backup`, and back with `homemon replay backup`. Each line's tags stay as they are.
    The files that the original scripts kept (power20170531.txt, ec20170531.txt) are line protocol too.

    A log has ERXUDP lines as bp35c0_rcv2.py printed them, or as any other program wrote them down: quoted, with
    escapes, behind a prefix, with something behind them. That script wrote no times: of such lines only those
    are stored that have one themselves (EA and EB; E2 and E4 where the meter's date 98 stands before them, or
    with --date). Where a time stands before each line (2017-05-31 12:00:00, or 12:00:00 and "May 31 12:00:00"
    with --date, or Unix seconds), all are stored. A time that names no zone is Japan's, or that of the
    environment variable TZ where it is set; where the meter's own clock (EA, EB, 97 with 98) shows that it is
    another zone's, that one counts, and stderr says so.

    Registers are scaled by the unit in the file (E1, D3), else by the one remembered in state.toml for
    the same meter; without either they are left out. So are the codes that devices send for "no data", values
    and times that cannot be, and readings older than [store] keep_days: stderr says how many, and why, and the
    exit status stays 0. It is 1 where a line makes no sense; all others are stored.
    """
    check_readable(files)
    at = app.now()
    report = ReplayReport(at.wall + DAY if kept_by_ntp() else LATEST, kept_from(app, at))
    zone = None if os.environ.get("TZ") else JST
    recording = Recording(app, report)
    for parts in in_order(files):
        one = reader(app, day.date() if day else None, report, zone)
        for name in parts:
            with opened(name) as file:
                recording.take_lines(lines(file), name, one)
        recording.take(one.close())
    recording.store()
    send_now(app)
    print_report(app, report, recording)
    return 1 if report.nonsense else 0


def in_order(files: Sequence[str]) -> list[list[str]]:
    """Return the files in the order given, each after its older half FILE.1 where that is given too."""
    wanted = list(dict.fromkeys(files))
    older = {f"{name}.1" for name in wanted} & set(wanted)
    return [[f"{name}.1", name] if f"{name}.1" in older else [name] for name in wanted if name not in older]


def check_readable(files: Sequence[str]) -> None:
    """Refuse what cannot be read before anything is stored; a pipe must not be opened for that. Raise UsageError."""
    for name in files:
        if name != STDIN and (os.path.isdir(name) or not os.access(name, os.R_OK)):
            raise click.UsageError(f"{name} is no file that can be read")


def opened(name: str) -> "IO[bytes] | nullcontext[IO[bytes]]":
    """Return the file, or stdin for `-`. Raise click.UsageError."""
    try:
        return nullcontext(sys.stdin.buffer) if name == STDIN else open(name, "rb")
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read: {error.strerror}") from None
