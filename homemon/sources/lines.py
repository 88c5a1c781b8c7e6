"""What a line of a file with readings is: the one table for `decode` and `replay`.

2026-11-23T17:14:27.123+09:00 wisun < …   TRACE: a line of a trace (`ports.trace`)
0000: FFFF…                               DUMP: of the solar monitor's memory
EPANDESC                                  SCAN: the head of a scan's result, on a line of its own
1081000102880105FF017201E7040000020B      HEX: bytes, whatever separates them
power value=523 1795421667000000000       POINT: line protocol: of `export`, and of the original scripts
ERXUDP FE80:… , 12:00:00 OK, …            LOG: what the module said, whatever a program wrote around it; or else
"""

import re
from collections.abc import Callable
from enum import Enum, auto

from homemon.core import transcript


class Kind(Enum):
    """What a line is."""

    TRACE = auto()
    DUMP = auto()
    SCAN = auto()
    HEX = auto()
    POINT = auto()
    LOG = auto()


DUMP = re.compile(r"([0-9A-Fa-f]{4,}):\s*(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f]?\s*")
SCAN = re.compile(r".*\bEPANDESC\b\s*")
POINT = re.compile(r"(?:\\.|[^ \\])+ [^ =]+=")
KEYWORD = re.compile(r"ERXUDP |EVENT |\b(?:EVER |EINFO |FAIL ER|SK[A-Z]|OK$)")
"""Where the module's own words begin on a line of a log."""
_ADDRESS = re.compile(r"\s*[0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4}){7}\s*")
_BETWEEN = re.compile(r"0[xX]|[\s,:-]")
_HEX = re.compile("[0-9A-Fa-f]{2,}")


def hex_digits(line: str) -> str:
    """Return the digits of a line of hex, whatever separates them; empty where it is something else."""
    if _ADDRESS.fullmatch(line) or DUMP.fullmatch(line):
        return ""
    digits = _BETWEEN.sub("", line)
    return digits if _HEX.fullmatch(digits) else ""


KINDS: dict[Kind, Callable[[str], object]] = {
    Kind.TRACE: transcript.is_line,
    Kind.POINT: lambda line: POINT.match(line) and not KEYWORD.search(line),
    Kind.DUMP: DUMP.fullmatch,
    Kind.SCAN: SCAN.fullmatch,
    Kind.HEX: hex_digits,
}
"""The signs of each kind, looked at in this order."""


def kind_of(line: str) -> Kind:
    """Return what a line is, without its line end."""
    return next((kind for kind, is_one in KINDS.items() if is_one(line)), Kind.LOG)
