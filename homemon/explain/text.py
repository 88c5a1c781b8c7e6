"""Any text that homemon may be asked about, piece by piece (`sources.lines`): the account of each.

Pieces of one text share what was reported before: E1 and D3, and a dump that goes on over many lines.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from homemon.core import transcript
from homemon.core.errors import WireError
from homemon.core.points import JST
from homemon.core.printable import printable
from homemon.core.transcript import LAN, MODULE, Entry
from homemon.explain import memory, module
from homemon.explain.account import INDENT, Account, no_sense
from homemon.explain.frame import frame
from homemon.explain.talk import legible
from homemon.skstack.lines import Noise
from homemon.skstack.logged import PAN_NAMES, as_bytes, is_script, spoken, unwrapped
from homemon.sources.kyocera.sniffer import Sniffer
from homemon.sources.lines import DUMP, SCAN, Kind, hex_digits, kind_of
from homemon.sources.meter.properties import ReportedScale

_DUMP_START = re.compile("0000+:.*")
_DUMP_CUT_OFF = re.compile("[0-9A-Fa-f]+:?")
_PAN_ON_ONE_LINE = re.compile(r".*?\bEPANDESC(?=\s+\w)")
_NEXT_FIELD = re.compile(rf"\s+(?=(?:{'|'.join(PAN_NAMES)}):)")
FRAME_START = "1081"
MONITOR_START = "02"


def accounts(lines: Iterable[str]) -> Iterator[Account]:
    """Yield the account of each piece of a text, in order; its facts have the `line` that it begins on.

    Its lines hold nothing that a terminal could obey, whatever the text does.
    """
    explainer = Explainer()
    for number, group in _groups(_lines(lines)):
        for account in explainer.accounts(group):
            account.facts["line"] = number
            account.lines[:] = map(printable, account.lines)
            yield account


class Explainer:
    """Explains pieces of one text, in their order."""

    def __init__(self) -> None:
        self._unit = ReportedScale()
        self._dump = Sniffer()

    def accounts(self, group: list[str]) -> Iterator[Account]:
        """Yield the accounts of one piece: mostly one, more where several things are on a line."""
        match kind_of(group[0]):
            case Kind.DUMP:
                yield memory.dump_file(group)
            case Kind.SCAN:
                yield module.pan(group, self._unit)
            case Kind.HEX:
                yield self._of_hex("".join(map(hex_digits, group)))
            case _:
                for piece in transcript.pieces(group[0]):
                    yield from self._of_line(piece)

    def _of_hex(self, digits: str) -> Account:
        data = bytes.fromhex(digits[: len(digits) // 2 * 2])
        if digits.startswith(MONITOR_START) and (account := memory.command(data)):
            return account
        account = frame(data, self._unit)
        if len(digits) % 2:
            account.lines.append(f"{INDENT}half a byte at the end: {digits[-1]}")
        return account

    def _of_line(self, line: str) -> Iterator[Account]:
        try:
            entry = transcript.read(line)
        except WireError as error:
            yield no_sense("trace", error)
            return
        if entry is None:
            yield from self._of_module(as_bytes(line))
            return
        for account in self._of_entry(entry):
            yield _at(entry, account)

    def _of_entry(self, entry: Entry) -> Iterator[Account]:
        if entry.link == MODULE:
            yield from [module.sent(entry.data, self._unit)] if entry.sent else self._of_module(entry.data)
        elif entry.link == LAN:
            yield frame(entry.data, self._unit)
        else:
            yield (memory.sent if entry.sent else memory.received)(entry.data, self._dump)

    def _of_module(self, line: bytes) -> Iterator[Account]:
        """Yield the accounts of what is on one line of the module, without what precedes it, such as a time."""
        if line.startswith(b"EPANDESC\r\n"):
            yield module.pan(line.decode("latin-1").split("\r\n"), self._unit)
            return
        events = spoken(line)
        understood = [event for event in events if not isinstance(event, Noise)]
        torn = (events and isinstance(events[-1], Noise)) or not events
        for event in understood:
            yield module.happening(event, self._unit)
        if not understood or torn:
            rest = events[-1].raw if events else line
            keyword = module.KEYWORD.search(rest.decode("latin-1"))
            if keyword and keyword.start():
                yield from self._of_module(rest[keyword.start() :])
            elif is_script(rest):
                text = legible(rest)
                yield Account({"type": "talk", "text": text}, [f"a script's own words: {text}"])
            else:
                yield module.broken(rest.decode("latin-1"), self._unit)


def _at(entry: Entry, account: Account) -> Account:
    """Return an account with the time and place of its trace's line."""
    time = datetime.fromtimestamp(entry.time, JST)
    direction = ">" if entry.sent else "<"
    facts = {"time": time.isoformat(timespec="milliseconds"), "link": entry.link, "direction": direction}
    if not entry.believed:
        facts["clock"] = "not known to be right"
    if entry.peer:
        facts["peer"] = entry.peer
    peer = f" {entry.peer}" if entry.peer else ""
    doubt = "" if entry.believed else "?"
    stamp = f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond // 1000:03}{doubt}"
    head = f"{stamp} {entry.link} {direction}{peer} {account.lines[0]}"
    return Account(facts | account.facts, [head, *account.lines[1:]], account.sense)


# --- cutting a text into pieces --------------------------------------------------------


def _lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, without line ends; a scan's result that was typed on one line as its lines."""
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if _PAN_ON_ONE_LINE.match(text):
            yield from ((number, part) for part in _NEXT_FIELD.split(text))
        elif text.strip() and (transcript.is_line(text) or DUMP.fullmatch(text) or _begins(hex_digits(text))):
            yield number, text
        elif text.strip():
            yield from ((number, part) for part in unwrapped(text))


def _begins(digits: str) -> bool:
    """Return whether hex digits begin as a frame, or as bytes of the solar monitor."""
    return digits.startswith((FRAME_START, MONITOR_START))


def _groups(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield lines that belong together, with the number of the first."""
    begun, group = 0, list[str]()
    for number, line in lines:
        if group and not _goes_on(group, line):
            yield begun, group
            group = []
        if not group:
            begun = number
        group.append(line)
    if group:
        yield begun, group


def _goes_on(group: list[str], line: str) -> bool:
    """Return whether `line` belongs to the piece that the group is."""
    if DUMP.fullmatch(group[0]):
        return bool(DUMP.fullmatch(line) or _DUMP_CUT_OFF.fullmatch(line)) and not _DUMP_START.fullmatch(line)
    if SCAN.fullmatch(group[0]):
        return bool(module.PAN_FIELD.match(line))
    digits = hex_digits(line)
    return bool(digits) and not digits.startswith(FRAME_START) and hex_digits(group[0]).startswith(FRAME_START)
