"""What the commands share: the configuration, the store, the sender, and how they talk.

stdout is data, one line of line protocol a point, flushed at once. stderr is talk: errors
always, notes unless `--quiet`, the log only with `--verbose`.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from homemon.config import keys, place
from homemon.config import read as configuration
from homemon.core import clock
from homemon.core.clock import Instant, instant
from homemon.core.errors import ConfigError, PortError, StoreDamaged, StoreError
from homemon.core.points import DAY, LATEST, Point, in_range, tags_text
from homemon.runtime import output
from homemon.runtime.points import Sum
from homemon.runtime.relay import Relay, with_hint

if TYPE_CHECKING:
    from homemon.delivery.recorder import Recorder
    from homemon.ports.trace import Trace
    from homemon.storage.retention import Retention
    from homemon.storage.store import Store

RESIDENT_BUSY = 1.0  # seconds to wait for another writer; a listener has a port to read meanwhile
DAMAGED_TWICE = 2  # failures, one after the other, before a listener begins a new store
METERED = ("+power", "-power")  # are dated by the meter
CLOCKS_DIFFER = 600.0  # seconds between the meter's clock and ours that are worth a word
ONE_SHOT_SENDS_FOR = 20.0  # seconds; a cron job must not pile up behind the next
Section = TypeVar("Section")


class App:
    """One call of `homemon`. Nothing is read or opened before it is asked for."""

    def __init__(self, config: str | None = None, quiet: bool = False, verbose: bool = False) -> None:
        self._named = config
        self.quiet = quiet
        self.verbose = verbose
        self._last_info = ""
        self.warned = ""
        self.resident = False  # a listener goes on where a one-shot command fails
        self.listener = ""  # its name
        self.wake: Callable[[], None] = lambda: None  # has its senders look at once whether there is work
        self.at_end: list[Callable[[], None]] = []
        self._trace: Trace | None = None
        self._believed = False
        self._clocks_differ = self._undated_reported = False  # and that was reported
        self._damaged = 0
        self._begun_anew = False
        self.points: Sum | None = None  # in place of their lines
        self.relay: Relay = lambda word, text, hint="": None

    def close(self) -> None:
        """Close what was opened: the last thing that a command does, however it ends."""
        for leave in self.at_end:
            leave()
        self.close_store()
        if self._trace:
            self._trace.close()

    @property
    def awaited(self) -> bool:
        """Whether a person at a terminal waits for the command's end."""
        return sys.stdout.isatty() or sys.stderr.isatty()

    # --- talking -------------------------------------------------------------------

    def info(self, text: str) -> None:
        """Say something to a person, unless --quiet; the same thing twice in a row only once."""
        self.relay("note", text)
        if not self.quiet and text != self._last_info:
            output.say(f"homemon: {text}")
        self._last_info = text

    def warn(self, text: str, hint: str = "") -> None:
        """Report an error, even with --quiet; for a command that goes on in spite of it."""
        self.relay("warning", with_hint(text, hint))
        output.say(f"homemon: {with_hint(text, hint)}")

    def warn_once(self, text: str, hint: str = "") -> None:
        """Report an error, but not again while it is the same trouble; `warned` is emptied when it is over."""
        trouble = text.split(";")[0]
        if trouble != self.warned:
            self.warn(text, hint)
        else:
            self.relay("warning", with_hint(text, hint))
        self.warned = trouble

    def log(self, text: str) -> None:
        """Say something with --verbose."""
        if self.verbose:
            output.say(f"homemon: {text}")

    def progress(self, text: str) -> None:
        """Say what takes long, on a terminal, where it stands until something else is said; silent in cron."""
        self.relay("saying", text)
        if self.verbose:
            output.say(text)
        elif sys.stderr.isatty() and not self.quiet:
            output.progress(text)

    def put(self, line: str) -> None:
        """Print one line of data, at once. Raise OSError where nobody can take it, but not in a resident command."""
        output.put(output.encoded(line))

    def show(self, text: str, paint: output.Paint = str) -> None:
        """Print one line on stdout for a person, with its colours where there may be any. Raise as `put`."""
        output.show(text, paint)

    def go_resident(self, listener: str) -> None:
        """Go on, from now, where a one-shot command fails, and never wait for who reads stdout or stderr."""
        self.resident, self.listener = True, listener
        output.detach()

    # --- what is configured ----------------------------------------------------------

    @cached_property
    def config(self) -> configuration.Config:
        """The checked configuration. Raise ConfigError."""
        path = place.find(self._named)
        config = configuration.load(Path(os.path.abspath(path)))  # messages say which of several
        if warning := place.written_by_others(path):
            self.info(f"{warning}, and with it where readings go")
        return config

    @property
    def smartmeter(self) -> keys.SmartMeter:
        """[smartmeter]. Raise ConfigError where it is missing."""
        return self._section(self.config.smartmeter, "smartmeter")

    def device(self, section: str) -> keys.Device:
        """Return the section of a device on the LAN. Raise ConfigError where it is missing."""
        return self._section(self.config.devices.get(section), section)

    @property
    def kyocera(self) -> keys.Kyocera:
        """[kyocera]. Raise ConfigError where it is missing."""
        return self._section(self.config.kyocera, "kyocera")

    @property
    def server(self) -> keys.Server:
        """[server]. Raise ConfigError where it is missing."""
        return self._section(self.config.server, "server")

    @property
    def notify(self) -> keys.Notify:
        """[notify]. Raise ConfigError where it is missing."""
        return self._section(self.config.notify, "notify")

    def _section(self, section: Section | None, name: str) -> Section:
        if section is None and name in self.config.unfilled:
            raise ConfigError("\n".join(self.config.unfilled[name]), "Fill it in.")
        if section is None:
            raise ConfigError(
                f"{self.config.path}: there is no [{name}], which this command needs",
                "See config.ini.example.",
            )
        return section

    @property
    def folder(self) -> Path:
        """Where the store, the state and the locks live."""
        return self.config.store.dir

    @property
    def tags(self) -> str:
        """The configured tags, as they stand in a line."""
        return tags_text(self.config.tags)

    # --- readings --------------------------------------------------------------------

    @cached_property
    def store(self) -> "Store":
        """The store, opened. Raise StoreError."""
        from homemon.storage.connection import BUSY_SECONDS

        try:
            return self.open_store(RESIDENT_BUSY if self.resident else BUSY_SECONDS)
        except StoreDamaged as error:
            if not self.resident or not self._begin_anew(error):
                raise
            return self.open_store(RESIDENT_BUSY)

    def open_store(self, busy: float) -> "Store":
        """Return a connection to the store, for one thread; what happens to its file is reported. Raise StoreError."""
        from homemon.storage.store import Store

        opened = Store(self.folder, self.tags, busy, str(self.config.path.resolve()))
        for text, hint in opened.db.news:
            self.warn(text, hint)
        opened.db.report = self.warn
        return opened

    def with_store(self, store: "Store") -> "App":
        """Return the same call with another connection to the store, for one thread."""
        from copy import copy

        other = copy(self)
        other.__dict__["store"] = store
        return other

    def close_store(self) -> None:
        """Close the store, if it is open."""
        if "store" in self.__dict__:
            self.store.close()
            del self.__dict__["store"]

    @cached_property
    def recorder(self) -> "Recorder":
        """Stores points and prints them. Raise StoreError."""
        from homemon.delivery.recorder import Recorder

        return Recorder(self.store, self.tags, self._put_point)

    def _put_point(self, line: str) -> None:
        self.relay("point", line)
        self.put_point(line)

    def put_point(self, line: str) -> None:
        """Print the line of a point, or count it where a sum is wanted."""
        (self.points.take if self.points else self.put)(line)

    def record(self, points: Sequence[Point], at: Instant) -> None:
        """Store and print points received `at`, and those that the store could not take before.

        A resident command goes on when the store cannot be written, and says so once; for another
        that is an error. Raise StoreError.
        """
        points = [point for point in points if self._believable(point, at)]
        if not points and not self.recorder.unstored:
            return
        try:
            new = self.recorder.record(points, at)
        except StoreError as error:
            if not self.resident:
                raise
            self._damaged += isinstance(error, StoreDamaged)
            if self._damaged == DAMAGED_TWICE and self._begin_anew(error):
                self.record([], at)
                return
            self.relay("failure", str(error), error.hint)
            self.warn_once(f"{error}; {self.recorder.unstored} readings wait in memory", error.hint)
            return
        self.warned, self._damaged = "", 0
        with suppress(StoreError):
            if new < len(points) and (kept := self.store.archive.undated(at.boot)[0]):
                self._report_undated(self._why_undated(kept, at))
        if any(point.measurement in METERED for point in points):
            self._compare_clocks(at)

    def _begin_anew(self, error: StoreError) -> bool:
        """Set a store aside that SQLite cannot read, so that a new one is begun; once, and whether that was done."""
        if not isinstance(error, StoreDamaged) or not error.sure or self._begun_anew:
            return False
        from homemon.storage.database import FILE
        from homemon.storage.repair import set_aside

        try:
            aside = set_aside(self.folder / FILE)
        except OSError:
            return False
        self._begun_anew = True
        hint = f"`homemon repair --from {aside}` brings back what is whole in it."
        self.warn(f"{error}; it was set aside as {aside}, and a new store is begun", hint)
        return True

    def _report_undated(self, why: str) -> None:
        """Report that readings wait to be dated: once, and to each who asks for them."""
        if self._undated_reported:
            self.relay("note", why)
        else:
            self._undated_reported = True
            self.info(why)

    def _why_undated(self, kept: int, at: Instant) -> str:
        ahead, reported = self.store.clock.meter_ahead(at)
        if at.wall < clock.RELEASED or abs(ahead) < CLOCKS_DIFFER:
            return f"the clock is not right yet: {kept} values, and those that come, wait to be dated until it is"
        by = apart(ahead) if reported else f"at least {apart(ahead)}"
        return (
            f"the meter's clock is {by} ours, and one of the two is wrong: readings wait to be "
            "dated. `sudo timedatectl set-ntp true` keeps ours right; without NTP it is believed six hours after "
            "the start, or 15 minutes where no time service runs"
        )

    def _compare_clocks(self, at: Instant) -> None:
        """Report, once, that the meter's clock and ours disagree while readings are dated by both."""
        with suppress(StoreError):
            ahead, reported = self.store.clock.meter_ahead(at)
            if self._clocks_differ or not reported or abs(ahead) < CLOCKS_DIFFER or not self.store.clock.trusts(at):
                return
            self._clocks_differ = True
            whose = "NTP keeps" if clock.kept_by_ntp() else "nothing keeps: `sudo timedatectl set-ntp true`"
            self.info(
                f"the meter's clock is {apart(ahead)} ours, which {whose}; "
                "half-hours are dated by the meter's, all else by ours"
            )

    def receive_clock(self, meter_time: int, at: Instant) -> None:
        """Store, as a help only, what the meter's clock was `at` ours."""
        with suppress(StoreError):
            self.store.clock.note_meter_clock(meter_time, at)

    def _believable(self, point: Point, at: Instant) -> bool:
        """Return whether a reading's own time is possible; on a serial line only the time shows a flipped bit."""
        if not all(in_range(point.time or LATEST - 1, value) for value in point.fields.values()):
            self.warn(f"refused a {point.measurement} reading that no device can give: {point.fields}, {point.time}")
            return False
        if point.time is None or point.time <= at.wall + DAY or not clock.kept_by_ntp():
            return True
        self.warn(f"refused a {point.measurement} reading dated {point.time - at.wall:.0f} s in the future")
        return False

    def trace(self, path: str | None) -> "Trace | None":
        """Return the file of `--trace`, opened once, or None. Raise PortError, but not in a resident command."""
        if path and self._trace is None:
            from homemon.ports.trace import Trace

            try:
                self._trace = Trace(Path(path), self._believes)
            except PortError as error:
                if not self.resident:
                    raise
                self.warn_once(f"{error}; nothing is traced", error.hint)
        return self._trace

    def _believes(self, at: Instant) -> bool:
        """Return whether readings that come `at` are dated by our clock at once; once it is right it stays so."""
        if not self._believed:
            with suppress(StoreError):
                self._believed = self.store.clock.trusts(at)
        return self._believed

    def give_up_unstored(self) -> None:
        """End a resident command. Raise StoreError where readings are lost by its end."""
        if "recorder" in self.__dict__ and self.recorder.unstored:
            raise StoreError(
                f"{self.recorder.unstored} readings could not be stored before the end",
                "Free some disk space; half-hours are asked for again.",
            )

    def retention(self, store: "Store") -> "Retention | None":
        """Return what drops old points from `store`; None where all are kept for ever."""
        if not self.config.store.keep_days:
            return None
        from homemon.storage.retention import Retention

        return Retention(store, self.config.store.keep_days, self.config.server is None)

    def kept_from(self, at: Instant) -> int:
        """Return the Unix time before which nothing is kept; 0 where all is. Raise StoreError."""
        if not self.config.store.keep_days:
            return 0
        from homemon.storage.retention import kept_from

        return kept_from(self.store, at, self.config.store.keep_days) or 0

    def report_dropped(self, rows: int) -> None:
        """Report, with --verbose, that old values were dropped."""
        if rows:
            self.log(f"dropped {rows} values older than {self.config.store.keep_days} days")

    def now(self) -> Instant:
        """Return the present instant, for what is received now."""
        return instant()


def apart(ahead: float) -> str:
    """Return a difference of so many seconds as `40 min ahead of`."""
    minutes = f"{abs(ahead) / 60:.0f}"
    return f"{minutes} min ahead of" if ahead > 0 else f"{minutes} min behind"
