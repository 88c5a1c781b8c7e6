"""Reads the solar monitor's whole memory, keeps it as a file, and stores its days."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from homemon.config.keys import KEYS
from homemon.core.clock import Instant, instant
from homemon.core.dialogue import Talk
from homemon.core.errors import DeviceError, HomemonError, PortError
from homemon.core.files import Lock, make_dir, make_private_dir, replace_file
from homemon.core.points import JST, Number, Point
from homemon.core.transcript import MONITOR
from homemon.runtime.context import App
from homemon.runtime.driver import Watched, run
from homemon.runtime.rivals import Rivals
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera.clock import changed, judge
from homemon.sources.kyocera.protocol import Dump, Happening, dump_text

if TYPE_CHECKING:
    from homemon.ports.trace import Trace
    from homemon.storage.store import Store

LOCK = "kyocera.lock"
AROUND = 40 * 86_400  # seconds, more than the memory's days


class Line(Protocol):
    """A serial line, whatever it runs over."""

    def read(self, within: float) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class MonitorPort:
    """A line to the solar monitor as the port of `dump`; each piece sent and received is a line of `trace`."""

    def __init__(
        self, line: Line, dump: Dump, trace: "Trace | None" = None, clock: Callable[[], Instant] = instant
    ) -> None:
        self._line = line
        self._dump = dump
        self._trace = trace
        self.now = clock

    def send(self, data: bytes) -> None:
        """Send messages. Raise PortError."""
        self._note(data, sent=True)
        self._line.write(data)

    def receive(self, until: float) -> tuple[list[Happening], Instant]:
        """Return what became whole by the next bytes, and when; waits for them `until` then. Raise PortError."""
        data = self._line.read(max(0.0, until - self.now().ticks))
        self._note(data, sent=False)
        return self._dump.feed(data), self.now()

    def _note(self, data: bytes, sent: bool) -> None:
        if self._trace and data:
            self._trace.write(MONITOR, sent, data, self.now())


def collect(app: App, days: int, output: Path | None, trace: str | None) -> bool:
    """Read the memory, store its half-hours, keep it as a file; whether the file was written.

    Raise what goes wrong before.
    """
    _ = app.kyocera
    make_private_dir(app.folder)
    folder = output or app.folder
    with Lock(app.folder / LOCK).holding(0) as free:
        if not free:
            raise PortError("another kyocera-dump is reading the monitor", "Let it finish; it stores the same days.")
        _ = app.recorder
        transcript = app.trace(trace)
        try:
            memory = read_whole(app, folder, transcript)
        except (PortError, DeviceError) as error:
            error.hint = f"{error.hint} {or_serial(app)}".strip()
            if app.kyocera.transport == "serial":
                Rivals(app, app.kyocera.serial_port).explain(error)
            raise
        try:
            store_half_hours(app, memory, days, lambda: read_again(app, transcript), folder)
        finally:
            kept = keep_or_warn(app, folder, memory)
    return kept


def read_whole(app: App, folder: Path, transcript: "Trace | None") -> bytes:
    """Return the whole memory; what was read of one that breaks off goes to a `.partial` file.

    Raise PortError, DeviceError.
    """
    dump = Dump()
    try:
        return read_memory(app, dump, transcript)
    except HomemonError as error:
        if dump.memory:
            error.hint = f"{error.hint} {keep_partial(folder, bytes(dump.memory))}".strip()
        raise


def read_memory(app: App, dump: Dump, transcript: "Trace | None") -> bytes:
    """Return the whole memory, over a line that is opened for it. Raise PortError, DeviceError."""
    line = open_line(app)
    try:
        if app.kyocera.transport == "serial":
            Rivals(app, app.kyocera.serial_port).warn()
        memory: bytes = run(Talk(), dump.dialogue(), MonitorPort(line, dump, transcript, app.now), Watched(app))
        return memory
    finally:
        line.close()


def or_serial(app: App) -> str:
    """Return a remedy where I2C is used, perhaps only by default, and a serial port is named too."""
    kyocera, usual = app.kyocera, KEYS["kyocera"]["serial_port"].default
    if kyocera.transport != "i2c" or not (kyocera.serial_port != usual or Path(usual).exists()):
        return ""
    return f"If the monitor is on {kyocera.serial_port}: `transport = serial` in [kyocera]."


def store_half_hours(app: App, memory: bytes, days: int, again: Callable[[], bytes], folder: Path) -> None:
    """Store what the memory holds, corrections only where reading it `again` confirms them.

    Raise DeviceError where the monitor's clock is wrong, WireError, StoreError.
    """
    at = app.now()
    since = app.kept_from(at)
    drop_dumps(app.folder, since)
    stored = stored_around(app.store, memory)
    verdict = judge(memory, at.wall if app.store.clock.trusts(at) else None, stored)
    for warning in verdict.warnings:
        app.info(f"the solar monitor's memory: {warning}")
    if verdict.refusal:
        raise DeviceError(
            f"the solar monitor's memory: {verdict.refusal}; nothing was stored",
            "Set the monitor's date and clock, and run it again. If they are right,"
            f" `homemon replay {dump_path(folder, '')}` stores what it holds.",
        )
    points = worth_storing(verdict.points, memory, days, stored, since)
    if corrections := changed(points, stored):
        doubtful = unconfirmed(app, corrections, again)
        points = [point for point in points if point not in doubtful]
        app.info(f"{len(corrections) - len(doubtful)} stored half-hours corrected, as a second reading confirms")
    new = app.recorder.record(points, at)
    app.log(f"read {len(memory):,} bytes: {len(points)} half-hours, {new} of them new")


def unconfirmed(app: App, corrections: list[Point], again: Callable[[], bytes]) -> list[Point]:
    """Return those of the corrections that a second reading does not confirm."""
    try:
        confirmed = solar.report(again(), solar.DAYS).points
    except HomemonError as error:
        app.info(f"the second reading failed ({error})")
        confirmed = []
    doubtful = [point for point in corrections if point not in confirmed]
    if doubtful:
        app.info(f"{len(doubtful)} stored half-hours not corrected: the second reading did not say the same")
    return doubtful


def read_again(app: App, transcript: "Trace | None") -> bytes:
    """Return the memory, read once more over a line that is opened anew. Raise what goes wrong."""
    app.log("half-hours differ from what is stored: reading the memory again")
    return read_memory(app, Dump(), transcript)


def stored_around(store: "Store", memory: bytes) -> dict[tuple[str, int], Number]:
    """Return the half-hours that are stored about the memory's days, and the newest. Raise StoreError."""
    times = [point.time for point in solar.report(memory, solar.DAYS).points if point.time is not None]
    found: dict[tuple[str, int], Number] = {}
    for series in solar.SERIES if times else ():
        newest = store.archive.latest(series.measurement, "value", 1 << 62)
        periods = [(min(times) - AROUND, max(times) + AROUND)]
        periods += [(newest[0] - 2 * AROUND, newest[0] + 1)] if newest else []
        for since, until in periods:
            rows = store.archive.values(series.measurement, "value", since, until)
            found.update({(series.measurement, time): value for time, value in rows})
    return found


def worth_storing(
    points: list[Point], memory: bytes, days: int, stored: Mapping[tuple[str, int], Number], since: int = 0
) -> list[Point]:
    """Return the points of a memory's newest `days`, and of older days those not stored that would be kept.

    The store keeps nothing before `since`.
    """
    afresh = set(list(solar.believed(memory).values())[:days])
    return [
        point
        for point in points
        if point.time is not None
        and (
            datetime.fromtimestamp(point.time, JST).replace(hour=0, minute=0) in afresh
            or (point.time >= since and (point.measurement, point.time) not in stored)
        )
    ]


def made(folder: Path) -> Path:
    """Return the folder, made where it is missing. Raise PortError."""
    try:
        make_dir(folder)
    except OSError as error:
        raise PortError(f"{folder} cannot be made: {error.strerror}", "Name another --output DIR.") from None
    return folder


def open_line(app: App) -> Line:
    """Return the monitor's line as configured. Raise PortError."""
    kyocera = app.kyocera
    if kyocera.transport == "serial":
        from homemon.ports.serial_port import SerialLine

        return SerialLine(kyocera.serial_port, kyocera.serial_bps, "kyocera")
    from homemon.ports.i2c_bridge import open_bridge

    return open_bridge(app.config.i2c.port, app.config.i2c.reads == "block")


def keep_partial(folder: Path, memory: bytes) -> str:
    """Keep what was read of a memory; a sentence that says where."""
    try:
        return f"What was read is in {keep(folder, '.partial', memory)}."
    except PortError as error:
        return f"What was read is lost: {error}."


def keep_or_warn(app: App, folder: Path, memory: bytes) -> bool:
    """Keep a whole memory; whether that could be done."""
    try:
        keep(folder, "", memory)
    except PortError as error:
        app.warn(f"{error}; the readings are stored all the same", error.hint)
        return False
    return True


def keep(folder: Path, suffix: str, memory: bytes) -> Path:
    """Write the dump in the original's format under today's name; gives its path. Raise PortError."""
    path = dump_path(made(folder), suffix)
    try:
        replace_file(path, dump_text(memory).encode("ascii"))
    except OSError as error:
        raise PortError(f"{path} cannot be written: {error.strerror}", "Name another --output DIR.") from None
    return path


def dump_path(folder: Path, suffix: str) -> Path:
    """Return the path of today's dump."""
    return folder / f"kyocera_{datetime.now(JST):%Y%m%d}.txt{suffix}"


def drop_dumps(folder: Path, since: int) -> None:
    """Delete the dumps in the store's folder that were read before `since`; those elsewhere are the human's."""
    first = f"kyocera_{datetime.fromtimestamp(since, JST):%Y%m%d}"
    for path in folder.glob("kyocera_[0-9]*.txt*"):
        if path.name < first:
            path.unlink(missing_ok=True)
