"""`homemon kyocera-dump`: reads the solar monitor's whole memory, keeps it as a file, stores its days."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from homemon.cli.app import App
from homemon.cli.options import trace_option
from homemon.clock import instant, ticks
from homemon.devices import solar
from homemon.errors import HomemonError, PortError
from homemon.files import Lock, make_private_dir, replace_file
from homemon.points import JST
from homemon.wire.dialogue import Conversation
from homemon.wire.kyocera import Dump, dump_text
from homemon.wire.transcript import MONITOR

if TYPE_CHECKING:
    from homemon.ports.trace import Trace
    from homemon.store import Store

LOCK = "kyocera.lock"


class Line(Protocol):
    """A serial line, whatever it runs over."""

    def read(self, within: float) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


@click.command()
@click.option(
    "--days",
    type=click.IntRange(1, solar.DAYS),
    default=2,
    show_default=True,
    help="How many days to store afresh; of the older ones, what the store lacks.",
)
@click.option("--output", metavar="DIR", type=click.Path(path_type=Path), help="For the dump; default: the store's.")
@trace_option
@click.pass_obj
def command(app: App, days: int, output: Path | None, trace: str | None) -> None:
    """Read the solar monitor's memory.

    Writes it to kyocera_YYYYMMDD.txt and stores generation and bought − sold, half-hour by half-hour: the
    last days, and whatever of the 35 days in it the store lacks. A reading that breaks off leaves
    kyocera_YYYYMMDD.txt.partial and stores nothing.
    """
    collect(app, days, output, trace)
    app.send_now()


def collect(app: App, days: int, output: Path | None, trace: str | None) -> None:
    """Read the memory, keep it as a file, store its half-hours. Raises what goes wrong."""
    _ = app.kyocera
    make_private_dir(app.folder)
    folder = made(output) if output else app.folder
    with Lock(app.folder / LOCK).holding(0) as free:
        if not free:
            raise PortError("another kyocera-dump is reading the monitor", "Let it finish; it stores the same days.")
        _ = app.recorder
        transcript = app.trace(trace)
        line = open_line(app)
        try:
            memory = read_memory(app, line, folder, transcript)
        finally:
            line.close()
    keep(folder, "", memory)
    at = app.now()
    since = app.kept_from(at)
    drop_dumps(app.folder, since)
    report = worth_storing(memory, days, at.wall if app.store.trusts(at) else None, app.store, since)
    for complaint in report.complaints:
        app.remark(f"the solar monitor's memory: {complaint}")
    new = app.recorder.record(report.points, at)
    app.log(f"read {len(memory):,} bytes: {len(report.points)} half-hours, {new} of them new")


def worth_storing(memory: bytes, days: int, now: float | None, store: "Store", since: int = 0) -> solar.Report:
    """The newest `days` of a memory, and of its older days what the store lacks and would keep.

    `now` as in `solar.report`; the store keeps nothing before `since`. Raises WireError and StoreError.
    """
    points, complaints = solar.report(memory, solar.DAYS, now)
    afresh = len(solar.report(memory, days, now).points)  # they come first
    times = [point.time for point in points if point.time is not None and point.time >= since]
    lacking = {series.measurement: set(store.lacking(series.measurement, times)) for series in solar.SERIES}
    older = [point for point in points[afresh:] if point.time in lacking[point.measurement]]
    return solar.Report(points[:afresh] + older, complaints)


def made(folder: Path) -> Path:
    """The folder, made where it is not there. Raises PortError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PortError(f"{folder} cannot be made: {error.strerror}", "Name another --output DIR.") from None
    return folder


def open_line(app: App) -> Line:
    """The monitor's line as configured. Raises PortError."""
    kyocera = app.kyocera
    if kyocera.transport == "serial":
        from homemon.ports.serial_port import SerialLine

        return SerialLine(kyocera.serial_port, kyocera.serial_bps, "kyocera")
    from homemon.ports.i2c_bridge import open_bridge

    return open_bridge(app.i2c.port, app.i2c.reads == "block")


def read_memory(app: App, line: Line, folder: Path, trace: "Trace | None") -> bytes:
    """The whole memory. What was read of one that breaks off goes to a `.partial` file."""
    dump = Dump()
    try:
        return converse(dump, line, ticks, app.progress, lambda direction, data: note(trace, direction, data))
    except HomemonError as error:
        if dump.memory:
            path = keep(folder, ".partial", bytes(dump.memory))
            error.hint = f"{error.hint} What was read is in {path}.".strip()
        raise


def converse(
    dump: Dump,
    line: Line,
    clock: Callable[[], float],
    say: Callable[[str], None] = lambda text: None,
    note: Callable[[str, bytes], None] = lambda direction, data: None,
) -> bytes:
    """Carry the dump's dialogue over a line, in the seconds of `clock`, and give the whole memory.

    `say` is told what takes long, `note` each piece sent (`>`) and received (`<`). Raises what the
    dialogue and the line raise.
    """
    talk = Conversation(dump.dialogue(), clock())
    while True:
        for text in talk.said:
            say(text)
        for data in talk.outgoing:
            note(">", data)
            line.write(data)
        talk.said.clear()
        talk.outgoing.clear()
        if talk.done:
            return talk.result
        data = line.read(max(0.0, talk.wake - clock()))
        note("<", data)
        now = clock()
        for event in dump.feed(data):
            talk.hear(event, now)
        talk.tick(now)


def note(trace: "Trace | None", direction: str, data: bytes) -> None:
    """A line of the transcript."""
    if trace and data:
        trace.write(MONITOR, direction == ">", data, instant())


def keep(folder: Path, suffix: str, memory: bytes) -> Path:
    """Write the dump in the original's format under today's name; gives its path. Raises PortError."""
    path = folder / f"kyocera_{datetime.now(JST):%Y%m%d}.txt{suffix}"
    try:
        replace_file(path, dump_text(memory).encode("ascii"))
    except OSError as error:
        raise PortError(f"{path} cannot be written: {error.strerror}", "Name another --output DIR.") from None
    return path


def drop_dumps(folder: Path, since: int) -> None:
    """Delete the dumps in the store's folder that were read before `since`; those elsewhere are the human's."""
    first = f"kyocera_{datetime.fromtimestamp(since, JST):%Y%m%d}"
    for path in folder.glob("kyocera_[0-9]*.txt*"):
        if path.name < first:
            path.unlink(missing_ok=True)
