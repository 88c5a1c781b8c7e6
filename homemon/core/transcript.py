"""The lines of a trace: written from bytes, and turned into bytes again. `ports.trace` describes the format."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from homemon.core.errors import WireError

MODULE, LAN, MONITOR = "wisun", "udp", "kyocera"
"""The links: the Wi-SUN module's serial line, UDP datagrams, the solar monitor's line."""

_NAMED = {0x0D: "\\r", 0x0A: "\\n", 0x5C: "\\x5C"}
_TEXT = [_NAMED.get(byte, chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02X}") for byte in range(256)]
_ESCAPE = re.compile(r"\\(?:(r)|(n)|x([0-9A-F]{2})|)")
_HEAD = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d)(\??) (wisun|udp|kyocera) ([<>]) ")
_PEER = re.compile(r"([0-9A-Za-z.-]+:\d{1,5}) ?")


class Entry(NamedTuple):
    """One line: when (Unix seconds, to the millisecond), on which link, whether we sent it, and its bytes, masked.

    `believed` is False where the clock was not known to be right. `peer` is `host:port` of a datagram's other end.
    """

    time: float
    believed: bool
    link: str
    sent: bool
    data: bytes
    peer: str = ""


def written(stamp: str, link: str, sent: bool, data: bytes, peer: str = "") -> str:
    """Return a trace's line without its end; `stamp` as `ports.trace` makes it."""
    payload = escaped(data) if link == MODULE else data.hex().upper()
    return f"{stamp} {link} {'>' if sent else '<'} {f'{peer} ' if peer else ''}{payload}"


def is_line(line: str) -> bool:
    """Return whether `line` begins as a trace's line does."""
    return _HEAD.match(line) is not None


def pieces(line: str) -> Iterator[str]:
    """Yield `line`, cut before each head of a trace's line in it: a full disk can leave half a line before another."""
    at = 0
    for head in _HEAD.finditer(line, 1):
        yield line[at : head.start()]
        at = head.start()
    yield line[at:]


def read(line: str) -> Entry | None:
    """Return the entry of a trace's line; None for another line. Raise WireError for a broken one."""
    head = _HEAD.match(line)
    if head is None:
        return None
    stamp, doubt, link, direction = head.groups()
    at, peer = head.end(), ""
    if link == LAN and (found := _PEER.match(line, at)):
        at, peer = found.end(), found[1]
    try:
        time = datetime.fromisoformat(stamp).timestamp()
        data = unescaped(line[at:]) if link == MODULE else bytes.fromhex(line[at:])
    except ValueError as error:
        raise WireError(f"a trace's line that is broken ({error})", at) from None
    return Entry(time, not doubt, link, direction == ">", data, peer)


def escaped(data: bytes) -> str:
    r"""Return `data` as printable ASCII, reversible: other bytes, and the backslash, as `\xNN`, `\r` and `\n`."""
    return "".join(_TEXT[byte] for byte in data)


def unescaped(text: str) -> bytes:
    """Return the bytes that `escaped` was given. Raise ValueError."""
    return _ESCAPE.sub(_byte, text).encode("latin-1")


def _byte(match: re.Match[str]) -> str:
    carriage_return, line_feed, digits = match.groups()
    if digits:
        return chr(int(digits, 16))
    if not carriage_return and not line_feed:
        raise ValueError("a backslash that means nothing")
    return "\r" if carriage_return else "\n"
