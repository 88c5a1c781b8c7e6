"""`homemon replay`: readings that were written down somewhere go into the store, each with its own time."""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from time import monotonic
from typing import IO, TYPE_CHECKING

import click

from homemon.cli.lines import lines
from homemon.core.clock import RELEASED, Instant, kept_by_ntp
from homemon.core.points import JST, Point, Received, moment_text, number_text
from homemon.echonet.codec import Unit
from homemon.replay.device import Device
from homemon.replay.meter import Known
from homemon.replay.reader import Reader
from homemon.replay.tally import LATEST, OLD, Tally
from homemon.runtime import state
from homemon.runtime.context import DAY, App
from homemon.sources.registry import DEVICES
from homemon.sources.source import Source
from homemon.storage.retention import days_before

if TYPE_CHECKING:
    from homemon.storage.archive import Archive

BATCH = 2000  # points a transaction
REPORT_EVERY = 2.0  # seconds
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
    tally = Tally(at.wall + DAY if kept_by_ntp() else LATEST, kept_from(app, at))
    zone = None if os.environ.get("TZ") else JST
    known = state.load(app.folder)
    devices = [configured(app, source, known.units.get(source.section)) for source in DEVICES]
    recording = Recording(app, tally)
    for parts in in_order(files):
        link = Known(known.link.address if known.link else None, known.scale)
        reader = Reader(link, devices, day.date() if day else None, tally, zone)
        for name in parts:
            recording.take_file(name, reader)
        recording.take(reader.close())
    recording.store()
    app.send_now()
    report(app, tally, recording)
    return 1 if tally.nonsense else 0


def kept_from(app: App, at: Instant) -> int:
    """Return the Unix time before which keep_days would drop points again; 0 where all is kept.

    By our clock, for a refused reading is still in its file: what a store with newer half-hours would drop is not
    stored first. Raise StoreError.
    """
    days = app.config.store.keep_days
    return (
        max(app.kept_from(at), days_before(int(at.wall), days)) if days and at.wall >= RELEASED else app.kept_from(at)
    )


def configured(app: App, source: Source, found: Unit | None) -> Device:
    """Return the device of config.ini, if it is there, or the one `found`; a name may have another address by now."""
    settings = app.config.devices.get(source.section)
    if settings is None:
        return Device(source.eoj, source=source)
    host = settings.host or (found.host if found and found.eoj == settings.eoj else "")
    known = host if re.fullmatch(state.LOOKS["host"], host) else ""
    return Device(settings.eoj, settings.accept == "any", known, source)


def in_order(files: Sequence[str]) -> list[list[str]]:
    """Return the files in the order given, each after its older half FILE.1 where that is given too."""
    wanted = list(dict.fromkeys(files))
    older = {f"{name}.1" for name in wanted} & set(wanted)
    return [[f"{name}.1", name] if f"{name}.1" in older else [name] for name in wanted if name not in older]


class Recording:
    """Points on their way into the store, in batches."""

    def __init__(self, app: App, tally: Tally) -> None:
        self.readings = 0
        self.new = 0
        self._app = app
        self._tally = tally
        self._batch: list[Point] = []
        self._reported = monotonic()

    def take_file(self, name: str, reader: Reader) -> None:
        """Take all lines of a file. Raise StoreError."""
        with opened(name) as file:
            for number, line in enumerate(lines(file), 1):
                self.take(reader.feed(line, f"{name}:{number}"))
                if number % 1000 == 0 and monotonic() - self._reported > REPORT_EVERY:
                    self._reported = monotonic()
                    self._app.progress(f"{name}: {number:,} lines, {self.readings:,} readings, {self.new:,} new ...")

    def take(self, points: list[Point]) -> None:
        """Store them with the next batch. Raise StoreError."""
        self._batch += (Received(*point) for point in points)
        if len(self._batch) >= BATCH:
            self.store()

    def store(self) -> None:
        """Store what is there. Raise StoreError."""
        batch, self._batch = self._batch, []
        self.readings += len(batch)
        self.new += self._app.recorder.record(batch, self._app.now())


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


def report(app: App, tally: Tally, recording: Recording) -> None:
    """Report what was left out and why, and in the last line what was found."""
    for note in tally.notes:
        app.remark(note)
    for why, count in tally.refused.items():
        if why == OLD:
            total = recording.readings + sum(tally.refused.values())
            days = app.config.store.keep_days
            app.remark(f"{count:,} of {total:,} readings are older than keep_days = {days} and were not stored")
        else:
            app.remark(f"{count:,} {why}")
    report_differing(app, app.store.archive)
    there = max(0, recording.readings - recording.new)
    refused = sum(tally.refused.values())
    found = f"{recording.readings:,} readings, {recording.new:,} new, {there:,} already there, {refused:,} refused"
    if tally.nonsense:
        some = f"{tally.nonsense:,} lines make" if tally.nonsense > 1 else "one line makes"
        app.complain(f"{tally.lines:,} lines, {found}; {some} no sense, first {tally.first}")
    else:
        app.remark(f"{tally.lines:,} lines, {found}; every line makes sense")


def report_differing(app: App, archive: "Archive") -> None:
    """Report which readings were not stored because another one is there for their second."""
    first = archive.first_differing
    if first is None or first.time is None:
        return
    ((name, value),) = first.fields.items()
    count = archive.differing
    some = f"{count:,} values differ from those that are" if count > 1 else "one value differs from the one that is"
    stays = f"{some} stored for the same second, which stay{'s' if count == 1 else ''}"
    series = f"{first.measurement}{first.tags or ''} {name}"
    app.remark(f"{stays}: first {series}={number_text(value)} of {moment_text(first.time)}")
