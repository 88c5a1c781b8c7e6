"""Any file with readings, line by line (`sources.lines`): the points that each line gives.

Kinds may be mixed. Lines that the original scripts print in between are known, and pass.
"""

import re
from collections.abc import Iterable
from datetime import date, tzinfo

from homemon.core import transcript
from homemon.core.clock import RELEASED
from homemon.core.errors import WireError
from homemon.core.points import JST, Point
from homemon.core.transcript import LAN, MODULE, Entry
from homemon.replay.device import Device, RecordedDevice
from homemon.replay.line_protocol import parse_line
from homemon.replay.local_times import LocalTimes
from homemon.replay.meter import Known, RecordedMeter
from homemon.replay.moment import Moment, Stamps
from homemon.replay.report import ReplayReport
from homemon.skstack.lines import Happening, Noise, Udp
from homemon.skstack.logged import PAN_NAMES, as_bytes, as_text, is_script, readable, spoken, unwrapped
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera.protocol import sound_part
from homemon.sources.kyocera.sniffer import Sniffer
from homemon.sources.lines import DUMP, KEYWORD, Kind, kind_of

_CSV = "time,measurement,field,value"
_SCAN = re.compile(rf"\s*(?:EPANDESC$|(?:{'|'.join(PAN_NAMES)}):)")


class Reader:
    """One file, or the parts of one in their order. What is left out goes to the `report`.

    `zone` is that of times in a log which name none; None is the process' own.
    """

    def __init__(
        self, known: Known, devices: Iterable[Device], day: date | None, report: ReplayReport, zone: tzinfo | None = JST
    ) -> None:
        self._report = report
        self._meter = RecordedMeter(known, day, report)
        self._devices = [RecordedDevice(device, report) for device in devices]
        self._monitor = Sniffer()
        self._last = Moment()
        self._stamps = Stamps(day, zone)
        self._local = LocalTimes(zone, report, self._meter.received)
        self._dump: list[str] = []
        self._dump_at = ""

    def feed(self, raw: bytes, where: str) -> list[Point]:
        """Return the points of the next line; `where` is its place, for the report of a line that makes no sense."""
        self._report.lines += 1
        line = as_text(raw).rstrip("\r\n")
        if self._dump and DUMP.fullmatch(line) and not line.startswith("0000"):
            self._dump.append(line)
            self._report.sense += 1
            return []
        points = self._end_dump()
        try:
            points += self._of_line(line, where)
            self._report.sense += 1
        except WireError as error:
            self._report.make_no_sense(where, str(error))
        return self._report.possible(points)

    def close(self) -> list[Point]:
        """Return the points of what was not complete before the end, as far as they are sure."""
        memory = self._monitor.end()
        points = self._end_dump() + self._local.close() + [point for each in self._devices for point in each.close()]
        points += self._of_memory(memory, self._last) if memory else []
        self._meter.close()
        return self._report.possible(points)

    def _of_line(self, line: str, where: str) -> list[Point]:
        """Return the points of a line. Raise WireError for a line of no known kind."""
        match kind_of(line):
            case Kind.TRACE:
                return self._of_trace(line, where)
            case Kind.DUMP:
                self._dump, self._dump_at = [line], where
                return []
            case Kind.POINT:
                if "\ufffd" in line or not line.isprintable():  # a server's shard, or a terminal, could suffer from it
                    raise WireError("signs that are not printable UTF-8", 0)
                return [parse_line(line)]
        return self._of_log(line)

    # --- a trace -------------------------------------------------------------------

    def _of_trace(self, line: str, where: str) -> list[Point]:
        """Return the points of a trace's line; a line that a full disk cut off may precede a whole one."""
        *torn, whole = transcript.pieces(line)
        if torn:
            self._report.make_no_sense(where, "a line that was cut off")
        entry = transcript.read(whole)
        assert entry is not None
        return self._of_entry(entry)

    def _of_entry(self, entry: Entry) -> list[Point]:
        came = self._last = Moment(entry.time, entry.believed and entry.time >= RELEASED)
        if entry.link == MODULE:
            return self._of_module(entry, came)
        if entry.link == LAN:
            host = entry.peer.rpartition(":")[0]
            if entry.sent:
                for each in self._devices:
                    each.sent(entry.data, host)
                return []
            return [point for each in self._devices for point in each.received(entry.data, host, came)]
        if not entry.sent:
            self._monitor.receive(entry.data)
            return []
        memory = self._monitor.sent(entry.data)
        return self._of_memory(memory, came) if memory is not None else []

    def _of_module(self, entry: Entry, came: Moment) -> list[Point]:
        if entry.sent:
            self._meter.sent(entry.data)
            return []
        return self._received(spoken(entry.data), came)

    def _received(self, events: Iterable[Happening], came: Moment) -> list[Point]:
        return [point for event in events if isinstance(event, Udp) for point in self._local.received(event, came)]

    # --- a dump --------------------------------------------------------------------

    def _end_dump(self) -> list[Point]:
        """Return the points of a dump's text, as far as it is sound."""
        if not self._dump:
            return []
        lines, self._dump = self._dump, []
        memory, fault = sound_part(lines)
        if fault:
            self._report.make_no_sense(self._dump_at, f"the dump that begins here: {fault}")
        return self._of_memory(memory, Moment())

    def _of_memory(self, memory: bytes, came: Moment) -> list[Point]:
        now = came.at if came.at is not None and came.believed else solar.sure_until(memory)
        report = solar.report(memory, solar.DAYS, now, partial=True)
        for warning in report.warnings:
            self._report.note(f"the solar monitor's memory: {warning}")
        return report.points

    # --- a log ---------------------------------------------------------------------

    def _of_log(self, line: str) -> list[Point]:
        """Return the points of another program's log of the module: its lines and the module's. Raise WireError."""
        keyword = KEYWORD.search(line)
        at = keyword.start() if keyword else len(line)
        head = line[:at]
        came, rest = self._stamps.cut(head if head.isascii() else readable(as_bytes(head)))
        if keyword and came.at is None:
            came = self._stamps.named(line)
        rest = line[at:] if keyword else rest
        events = _spoken(line) if (found := _spoken(rest)) is None else found
        if events is None:
            if line == _CSV:
                raise WireError("this is CSV, which cannot be read back: export as line protocol", 0)
            raise WireError("not understood", at if keyword else 0)
        return self._received(events, came)


def _spoken(text: str) -> list[Happening] | None:
    """Return the module's happenings in a piece of a log; empty for a script's own words, None for unknown text."""
    lines = unwrapped(text)
    events = [event for line in lines for event in spoken(as_bytes(line))]
    if not all(isinstance(event, Noise) for event in events):
        return events
    return [] if is_script(as_bytes(text)) or all(map(_SCAN.match, lines)) else None
