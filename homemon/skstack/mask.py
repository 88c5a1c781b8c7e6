"""What of the module's traffic may be written down.

The Route-B ID and its password pass over the serial line in SKSETRBID and SKSETPWD, in their
echoes, in the PANA handshake on UDP port 02CC, and the ID's last 8 characters in a scan's
PairID. All are masked here, before a trace sees them. A line that lost bytes may hold a piece
of any of these in any place, so a long word is legible only where the line is sound enough to
say what it is.
"""

import re

from homemon.echonet.codec import PORT
from homemon.skstack.lines import PANA_PORT, Echo, Happening, Noise, Ok, PanDescription, Udp, Version

MASK = b"****"
_SECRET_COMMAND = re.compile(rb"\b(SKSETRBID|SKSETPWD)\b.*?(?=[\r\n]|$)", re.DOTALL)
_PAIR_ID = re.compile(rb"(?<=PairID:).*")
_PAN_LINE = re.compile(rb"EPANDESC|  (?:Channel|Channel Page|Pan ID|LQI|Side):[0-9A-Fa-f]{1,4}|  Addr:[0-9A-Fa-f]{16}")
_LONG_WORD = re.compile(rb"[!-9;-~]{7,}")  # without the colon, so that addresses stay legible
_COMMANDS = frozenset(b"SKSCAN SKLL64 SKSENDTO SKSETPWD SKSETRBID".split())


def masked_sent(data: bytes) -> bytes:
    """Return bytes to send, with the arguments of SKSETRBID and SKSETPWD masked."""
    return _SECRET_COMMAND.sub(rb"\1 " + MASK, data)


def masked_received(happening: Happening) -> bytes:
    """Return the raw bytes of a happening, with whatever may hold a secret masked."""
    raw = happening.raw
    match happening:
        case Udp(rport=rport, lport=lport) if PANA_PORT in (rport, lport) or PORT not in (rport, lport):
            return b" ".join((*raw.split(b" ", 5)[:5], MASK))
        case PanDescription():
            lines = raw.split(b"\r\n")
            return b"\r\n".join(line if _PAN_LINE.fullmatch(line) else _legible(line) for line in lines)
        case Echo():
            name, space, rest = masked_sent(raw).partition(b" ")
            return (name if name in _COMMANDS else _legible(name)) + space + _legible(rest)
        case Noise() | Ok() | Version():
            return _legible(raw)
        case _:
            return raw


def _legible(data: bytes) -> bytes:
    """Return `data` with each long word masked, and everything named a pairing ID."""
    return _LONG_WORD.sub(MASK, _PAIR_ID.sub(MASK, data))
