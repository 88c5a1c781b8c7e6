"""Readings that were written down, on their way into the store: with what is known, in batches, and a report."""

import re
from datetime import date, tzinfo
from time import monotonic
from typing import TYPE_CHECKING

from homemon.core.clock import RELEASED, Instant
from homemon.core.points import Point, Received, moment_text, number_text
from homemon.echonet.codec import Unit
from homemon.replay.device import Device
from homemon.replay.meter import Known
from homemon.replay.reader import Reader
from homemon.replay.report import OLD, ReplayReport
from homemon.runtime import state
from homemon.runtime.context import App
from homemon.sources.registry import DEVICES
from homemon.sources.source import Source
from homemon.storage.retention import days_before

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homemon.storage.archive import Archive

BATCH = 2000  # points a transaction
REPORT_EVERY = 2.0  # seconds


def kept_from(app: App, at: Instant) -> int:
    """Return the Unix time before which keep_days would drop points again; 0 where all is kept.

    By our clock, for a refused reading is still in its file: what a store with newer half-hours would drop is not
    stored first. Raise StoreError.
    """
    days = app.config.store.keep_days
    return (
        max(app.kept_from(at), days_before(int(at.wall), days)) if days and at.wall >= RELEASED else app.kept_from(at)
    )


def reader(app: App, day: date | None, report: ReplayReport, zone: tzinfo | None) -> Reader:
    """Return a reader of one file that knows what we know of the meter and the devices."""
    known = state.load(app.folder)
    devices = [configured(app, source, known.units.get(source.section)) for source in DEVICES]
    return Reader(Known(known.link.address if known.link else None, known.scale), devices, day, report, zone)


def configured(app: App, source: Source, found: Unit | None) -> Device:
    """Return the device of config.ini, if it is there, or the one `found`; a name may have another address by now."""
    settings = app.config.devices.get(source.section)
    if settings is None:
        return Device(source.eoj, source=source)
    host = settings.host or (found.host if found and found.eoj == settings.eoj else "")
    known = host if re.fullmatch(state.LOOKS["host"], host) else ""
    return Device(settings.eoj, settings.accept == "any", known, source)


class Recording:
    """Points on their way into the store, in batches."""

    def __init__(self, app: App, report: ReplayReport) -> None:
        self.readings = 0
        self.new = 0
        self._app = app
        self._report = report
        self._batch: list[Point] = []
        self._reported = monotonic()

    def take_lines(self, lines: "Iterable[bytes]", name: str, reader: Reader) -> None:
        """Take all lines of a file. Raise StoreError."""
        for number, line in enumerate(lines, 1):
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


def print_report(app: App, report: ReplayReport, recording: Recording) -> None:
    """Report what was left out and why, and in the last line what was found."""
    for note in report.notes:
        app.info(note)
    for why, count in report.refused.items():
        if why == OLD:
            total = recording.readings + sum(report.refused.values())
            days = app.config.store.keep_days
            app.info(f"{count:,} of {total:,} readings are older than keep_days = {days} and were not stored")
        else:
            app.info(why.format(count))
    report_differing(app, app.store.archive)
    there = max(0, recording.readings - recording.new)
    refused = sum(report.refused.values())
    found = f"{recording.readings:,} readings, {recording.new:,} new, {there:,} already there, {refused:,} refused"
    if report.nonsense:
        some = f"{report.nonsense:,} lines make" if report.nonsense > 1 else "one line makes"
        app.warn(f"{report.lines:,} lines, {found}; {some} no sense, first {report.first}")
    else:
        app.info(f"{report.lines:,} lines, {found}; every line makes sense")


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
    app.info(f"{stays}: first {series}={number_text(value)} of {moment_text(first.time)}")
