"""SKSTACK-IP on a Wi-SUN module: bytes → events, and the commands' bytes.

The module speaks in lines, but not only: `ROPT` answers end in CR alone, a module set to
binary output puts raw payloads (0D0A and all) into an ERXUDP line, an echo can have a reply
glued behind it, and a line can begin in noise. So the parser works on one buffer and looks
for the next thing it can name:

    ERXUDP …       read by its own length field, the payload in hex or raw
    a line         ended by CR, LF or CRLF; EVENT and ERXUDP are found anywhere in it
    EPANDESC       a line, then its indented lines up to PairID

What cannot be named becomes `Noise`, never an exception, and reading goes on behind it.
`raw` of each event are the bytes it was made of, for the trace.

Two dialects: the BP35C0 and its kin put a SIDE argument where the BP35A1 has none. The
widths of the fields distinguish them (SEC and SIDE one digit, RSSI two, LEN four), so an
ERXUDP line needs no knowledge of the module. Hex digits may be of either case; addresses are given in
upper case, so that they compare. Source: BP35A1 command reference 1.3.0, captures.
"""

import re
from binascii import unhexlify
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

MAX_LINE = 4096  # longer than any line: an ERXUDP line of 1,232 bytes in hex has 2,600 characters
MAX_DATA = 1232  # SKSENDTO's and ERXUDP's largest payload (manual, SKSENDTO)
PAN_LINES = 8  # EPANDESC and its fields, Side included
MOST_HELD = MAX_LINE * PAN_LINES  # bytes that a parser keeps of an unfinished line and scan result
PANA_PORT = 0x02CC  # carries the Route-B ID


class Dialect(Enum):
    """Which commands take a SIDE argument."""

    A1 = "BP35A1"
    C = "BP35C0"

    @property
    def next(self) -> "Dialect":
        """The one to try after this one, which the module refused (ER05); after the last the first again."""
        every = list(Dialect)
        return every[(every.index(self) + 1) % len(every)]


SIDE = {Dialect.A1: "", Dialect.C: " 0"}
"""The SIDE argument, as it stands in a command."""


class Ok(NamedTuple):
    """`OK`, or `OK 01` with a value (ROPT)."""

    value: str
    raw: bytes


class Fail(NamedTuple):
    """`FAIL ER10`."""

    code: str
    raw: bytes


class Version(NamedTuple):
    """`EVER 1.5.2`."""

    version: str
    raw: bytes


class Info(NamedTuple):
    """`EINFO`: the module's own address, MAC, channel, PAN ID and what distinguishes the dialects."""

    address: str
    mac: str
    channel: str
    pan_id: str
    dialect: Dialect
    raw: bytes


class Register(NamedTuple):
    """`ESREG 1`: what a register that was asked for (SKSREG) holds; a longer value, S0A's, is `Noise`."""

    value: int
    raw: bytes


class Address(NamedTuple):
    """A bare IPv6 address: SKLL64's whole answer."""

    address: str
    raw: bytes


class Event(NamedTuple):
    """`EVENT num sender [side] [param]`."""

    number: int
    sender: str
    side: int | None
    parameter: int | None
    raw: bytes


class PanDescription(NamedTuple):
    """What a scan found. `lqi` 0–255; `pair_id` the last 8 characters of the meter's Route-B ID."""

    channel: str
    channel_page: str
    pan_id: str
    mac: str
    lqi: int
    side: int | None
    pair_id: str
    raw: bytes

    @property
    def rssi_dbm(self) -> float:
        """Signal strength after the manual's formula for LQI."""
        return 0.275 * self.lqi - 104.27


class Udp(NamedTuple):
    """`ERXUDP`: one datagram. `rssi` is there when register SA2 is 1."""

    sender: str
    destination: str
    rport: int
    lport: int
    mac: str
    rssi: int | None
    secured: int
    side: int | None
    data: bytes
    raw: bytes


class Echo(NamedTuple):
    """The module repeating a command; it may hold a secret (SKSETPWD, SKSETRBID)."""

    raw: bytes


class Noise(NamedTuple):
    """Bytes that are nothing we know, or a line too broken to be trusted."""

    raw: bytes


Happening = Ok | Fail | Version | Info | Register | Address | Event | PanDescription | Udp | Echo | Noise

_IP = rb":".join([rb"[0-9A-Fa-f]{4}"] * 8)
_UDP_HEAD = (
    rb"ERXUDP (" + _IP + rb") (" + _IP + rb") ([0-9A-Fa-f]{4}) ([0-9A-Fa-f]{4}) ([0-9A-Fa-f]{16}) "
    rb"(?:([0-9A-Fa-f]{2}) )?([0-9A-Fa-f]) (?:([0-9A-Fa-f]) )?([0-9A-Fa-f]{4}) "
)
_UDP_IN_HEX = re.compile(_UDP_HEAD + rb"([0-9A-Fa-f]+)[\r\n]")
_GLUED = re.compile(rb"E(?:RXUDP |VENT [0-9A-Fa-f]{2} )")  # where a line begins, but not at its start
_NEXT_LINE = re.compile(  # within a raw payload it shows that bytes were lost; no register reads like any of these
    rb"\r\nOK\r\n|[\r\n](?:"
    rb"(?i:ERXUDP FE80|EVENT [0-9A-F]{2} FE80|FE80:|EINFO FE80)|EPANDESC|FAIL ER|EVER |SK[A-Z]{3}|[RW]OPT)"
)
_HEX = frozenset(b"0123456789ABCDEFabcdef")
_new = tuple.__new__  # a named tuple without the call in Python that takes half of its time
_UNPRINTABLE = bytes([*range(0x20), *range(0x7F, 0x100)])


def _event(match: re.Match[bytes], raw: bytes) -> Event:
    number, sender, side, parameter = match.groups()
    return Event(
        int(number, 16),
        sender.decode().upper(),
        int(side) if side else None,
        int(parameter, 16) if parameter else None,
        raw,
    )


def _info(match: re.Match[bytes], raw: bytes) -> Info:
    address, mac, channel, pan_id, last = (group.decode().upper() for group in match.groups())
    return Info(address, mac, channel, pan_id, Dialect.A1 if len(last) == 4 else Dialect.C, raw)


_WHOLE_LINES: dict[bytes, tuple[bytes, Callable[[re.Match[bytes], bytes], Happening]]] = {
    b"OK": (rb"OK(?: ([!-~]+))?", lambda m, raw: Ok((m[1] or b"").decode(), raw)),
    b"FAIL": (rb"FAIL (ER[0-9]{2})", lambda m, raw: Fail(m[1].decode(), raw)),
    b"EVER": (rb"EVER ([!-~]+)", lambda m, raw: Version(m[1].decode(), raw)),
    b"ESREG": (rb"ESREG ([0-9A-Fa-f]{1,4})", lambda m, raw: Register(int(m[1], 16), raw)),
    b"EVENT": (rb"EVENT ([0-9A-Fa-f]{2}) (" + _IP + rb")(?: ([01]))?(?: ([0-9A-Fa-f]{2}))? ?", _event),
    b"EINFO": (rb"EINFO (" + _IP + rb") ([0-9A-Fa-f]{16}) ([0-9A-Fa-f]{2}) ([0-9A-Fa-f]{4}) ([0-9A-Fa-f]{1,4})", _info),
}
"""First word → the whole line, and what it becomes. Patterns are compiled when met: a poll meets two."""
_ECHOES = (b"SK", b"ROPT", b"WOPT", b"RUART", b"WUART")
_ENDED_BY_CR = ("ROPT", "WOPT", "RUART", "WUART")
"""A LF behind one of these stands before the next command."""


def _named(text: bytes, raw: bytes) -> Happening:
    """Return the happening of a whole line; `text` is `raw` without the noise around it."""
    word = text.partition(b" ")[0]
    if word in _WHOLE_LINES:
        pattern, build = _WHOLE_LINES[word]
        match = re.fullmatch(pattern, text)
        return build(match, raw) if match else Noise(raw)
    if text.startswith(_ECHOES):
        return Echo(raw)
    return Address(text.decode().upper(), raw) if re.fullmatch(_IP, text) else Noise(raw)


class Parser:
    """Bytes in, events out. Remembers at most one unfinished line, datagram or scan result."""

    def __init__(self) -> None:
        self._buffer = b""
        self._pan: list[bytes] | None = None  # the lines of an EPANDESC that is not finished
        self._shown = True  # whether what is in the buffer was given by `unfinished`

    def feed(self, data: bytes) -> list[Happening]:
        """Take the next `data` (any cut of the stream) and give what became whole by it, in order."""
        self._buffer += data
        self._shown = False
        happenings: list[Happening] = []
        while self._buffer and self._step(happenings):
            pass
        if len(self._buffer) > MAX_LINE:
            happenings.append(Noise(self._take(len(self._buffer))))
        return happenings

    @property
    def waits(self) -> bool:
        """Whether a line has begun and not ended, and `unfinished` has not given it yet."""
        return not self._shown and bool(self._buffer.strip())

    def unfinished(self) -> list[Happening]:
        """Return an unfinished line as noise, for when nothing follows: other protocols and speeds have no line ends.

        It is given once, and kept in case the rest comes after all.
        """
        noise: list[Happening] = [Noise(self._buffer)] if self.waits else []
        self._shown = True
        return noise

    def _take(self, size: int) -> bytes:
        """Take the first `size` bytes from the buffer, and drop what is left of a line end behind them."""
        taken, self._buffer = self._buffer[:size], self._buffer[size:].lstrip(b"\r\n")
        return taken

    def _step(self, out: list[Happening]) -> bool:
        """Consume one line or datagram from the buffer's front; False means: need more."""
        if udp := _UDP_IN_HEX.match(self._buffer):
            *head, size, data = udp.groups()
            if len(data) == 2 * int(size, 16) <= 2 * MAX_DATA:
                self._udp(head, unhexlify(data), udp.end() - 1, out)
                return True
        end = _line_end(self._buffer)
        glued = _GLUED.search(self._buffer, 1, len(self._buffer) if end is None else end)
        if glued:
            self._line(self._take(glued.start()), out)
            return True
        if end is None:
            return False
        if self._buffer.startswith(b"ERXUDP "):
            return self._raw_udp(end, out)
        if line := self._take(end):
            self._line(line, out)
        return True

    def _raw_udp(self, line_end: int, out: list[Happening]) -> bool:
        """Take a datagram whose payload is raw, by its own length; a broken one is given up as a line of noise."""
        udp = re.match(_UDP_HEAD, self._buffer)
        if not udp or _HEX.issuperset(self._buffer[udp.end() : udp.end() + 2]):
            return self._broken_udp(line_end, out)
        *head, size = udp.groups()
        start, end = udp.end(), udp.end() + int(size, 16)
        if end - start > MAX_DATA or _NEXT_LINE.search(self._buffer, start, end + 2):
            return self._broken_udp(line_end, out)
        behind = self._buffer[end : end + 2]
        if len(behind) < 2:
            return False
        # CR and LF both: one that lost a byte would else end with its line's CR
        if behind != b"\r\n":
            return self._broken_udp(line_end, out)
        self._udp(head, self._buffer[start:end], end, out)
        return True

    def _udp(self, head: list[bytes], data: bytes, line_end: int, out: list[Happening]) -> None:
        """Take the line up to `line_end` as the datagram of its head and its data."""
        self._finish_pan(out)
        sender, destination, rport, lport, mac, rssi, secured, side = head
        fields = (
            sender.decode().upper(),
            destination.decode().upper(),
            int(rport, 16),
            int(lport, 16),
            mac.decode().upper(),
            int(rssi, 16) if rssi else None,
            int(secured, 16),
            int(side, 16) if side else None,
            data,
            self._take(line_end),
        )
        out.append(_new(Udp, fields))

    def _broken_udp(self, line_end: int, out: list[Happening]) -> bool:
        """Give up the line at the buffer's front; what follows it is read as ever."""
        self._finish_pan(out)
        out.append(Noise(self._take(line_end)))
        return True

    def _line(self, line: bytes, out: list[Happening]) -> None:
        """Name one whole line. Unprintable bytes around it are noise on the wire and do not count."""
        if self._pan is not None and line.startswith(b"  "):
            self._pan.append(line)
            if line.startswith(b"  PairID:") or len(self._pan) == PAN_LINES:
                self._finish_pan(out)
            return
        self._finish_pan(out)
        text = line.strip(_UNPRINTABLE)
        if text == b"EPANDESC":
            self._pan = [line]
            return
        if line.strip():
            out.append(_named(text.rstrip(), line))

    def _finish_pan(self, out: list[Happening]) -> None:
        """Close an EPANDESC: a description if all that a join needs is there and sound, else noise."""
        lines, self._pan = self._pan, None
        if lines is None:
            return
        raw = b"\r\n".join(lines)
        fields = dict(_pan_field(line) for line in lines[1:])
        side = fields.get("Side")
        try:
            out.append(
                PanDescription(
                    _hex(fields["Channel"], 2),
                    fields.get("Channel Page", ""),
                    _hex(fields["Pan ID"], 4),
                    _hex(fields["Addr"], 16),
                    int(_hex(fields["LQI"], 2), 16),
                    int(side) if side else None,
                    fields.get("PairID", ""),
                    raw,
                )
            )
        except (KeyError, ValueError):
            out.append(Noise(raw))


def _line_end(data: bytes) -> int | None:
    """Return where the first CR or LF is."""
    found = data.find(b"\r")
    earlier = data.find(b"\n", 0, found) if found >= 0 else data.find(b"\n")
    return earlier if earlier >= 0 else found if found >= 0 else None


def _pan_field(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("ascii", "replace").strip().partition(":")
    return name, value


def _hex(text: str, digits: int) -> str:
    """Return `text` in upper case if it is that many hex digits; raise ValueError otherwise."""
    if len(text) != digits or not re.fullmatch("[0-9A-Fa-f]+", text):
        raise ValueError(text)
    return text.upper()


def command(text: str) -> bytes:
    """Return a command as the module expects it: ended by CR LF, or by CR alone (manual, ROPT and WOPT)."""
    end = b"\r" if text.startswith(_ENDED_BY_CR) else b"\r\n"
    return text.encode("ascii") + end


def sendto(dialect: Dialect, address: str, data: bytes) -> bytes:
    """Return SKSENDTO of `data` to UDP 3610 of `address`, encrypted: the header, then exactly `data`, no line end."""
    return f"SKSENDTO 1 {address} 0E1A 1{SIDE[dialect]} {len(data):04X} ".encode("ascii") + data


def scan(dialect: Dialect, duration: int) -> bytes:
    """Return SKSCAN for meters that carry our pairing ID, on all channels."""
    return command(f"SKSCAN 2 FFFFFFFF {duration}{SIDE[dialect]}")


def scan_seconds(duration: int) -> float:
    """Return how many seconds the module scans: 28 channels of 9.6 ms × (2^duration + 1) each (manual, SKSCAN)."""
    return 28 * 0.0096 * float(2**duration + 1)
