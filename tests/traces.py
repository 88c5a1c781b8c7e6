"""Lines of traces and logs, spelled out, and what a replay makes of some."""

from datetime import date, datetime

from homemon.core.dialogue import Step, Talk
from homemon.core.errors import DeviceError
from homemon.core.points import JST, Point
from homemon.replay.device import Device
from homemon.replay.meter import Known
from homemon.replay.reader import Reader
from homemon.replay.report import ReplayReport
from homemon.runtime.driver import Context, run
from homemon.runtime.virtual import VirtualLine
from homemon.sim.house import House
from homemon.sim.kyocera import Faults, Monitor
from homemon.skstack.logged import as_bytes
from homemon.sources.kyocera import protocol as kyocera
from homemon.sources.meter.properties import Scale

METER, OTHER = "FE80:0000:0000:0000:0200:AA00:0000:0002", "FE80:0000:0000:0000:0200:AA00:0000:0009"
OURS = "FE80:0000:0000:0000:0200:AA00:0000:0001"
TENTHS = Scale(-1, 1)
KNOWN = Known(METER, TENTHS)
NOTHING = Known()
HALF_PAST = 1702913400  # 2023-12-19 00:30 JST


def unix(text: str) -> int:
    """Of a time in JST."""
    return int(datetime.fromisoformat(text).replace(tzinfo=JST).timestamp())


def read(
    *lines: str, known: Known = KNOWN, day: date | None = None, heater: Device | None = None, latest: float = 2e9
) -> tuple[list[Point], ReplayReport]:
    """All points of some lines, and what was left out."""
    reported = ReplayReport(latest)
    reader = Reader(known, [heater or Device()], day, reported)
    points = [
        point for number, text in enumerate(lines, 1) for point in reader.feed(as_bytes(f"{text}\n"), f"file:{number}")
    ]
    return points + reader.close(), reported


def erxudp(frame: str, sender: str = METER) -> str:
    data = bytes.fromhex(frame)
    return f"ERXUDP {sender} {OURS} 0E1A 0E1A 0000AA0000000002 1 0 {len(data):04X} {data.hex().upper()}"


def reported(*properties: str, esv: str = "72") -> str:
    return f"1081 0001 028801 05FF01 {esv} {len(properties):02X} {' '.join(properties)}"


POWER = erxudp(reported("E7040000020B"))
PUSHED = erxudp(reported("EA0B07E70C13001E000000458E", "EB0B07E70C13001E0000000015", esv="73"))
REGISTER = erxudp(reported("E0040000FE73"))
RECORD = reported("E2C20001" + "0000458E" * 46 + "FFFFFFFE" * 2)
PUSHED_POINTS = [Point("+power", {"value": 1780.6}, HALF_PAST), Point("-power", {"value": 2.1}, HALF_PAST)]


def at(clock: str, line: str, doubt: str = "", direction: str = "<") -> str:
    """A line of a trace of 23 November 2026."""
    return f"2026-11-23T{clock}.500+09:00{doubt} wisun {direction} {line}"


class Dumped(Context):
    """The lines of a dump's trace, in virtual time."""

    def __init__(self, faults: Faults) -> None:
        now = unix("2026-11-23T12:10:00")
        self.lines: list[str] = []
        self.dump = kyocera.Dump()
        self.port = VirtualLine(Monitor(House(now - 40 * 86_400), faults), self._received, now)

    def report(self, step: Step) -> None:
        for data in step.send:
            self._note(">", data)

    def _received(self, said: bytes) -> list[kyocera.Happening]:
        if said:
            self._note("<", said)
        return self.dump.feed(said)

    def _note(self, direction: str, data: bytes) -> None:
        stamp = datetime.fromtimestamp(self.port.time, JST).isoformat(timespec="milliseconds")
        self.lines.append(f"{stamp} kyocera {direction} {data.hex().upper()}")


def dumped(faults: Faults) -> tuple[list[str], bytes | None]:
    """The trace of a dump in virtual time, and the memory that it read."""
    world = Dumped(faults)
    try:
        return world.lines, run(Talk(), world.dump.dialogue(), world.port, world)
    except DeviceError:
        return world.lines, None
