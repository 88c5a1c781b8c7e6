"""What the tables of ECHONET Lite devices share: a row, how its bytes read, and the super class.

A reader takes an EDT of the row's size and gives a value, or None where it holds the code for
overflow, underflow, "not measured", or a code that means nothing. `missing` says which. Codes: ECHONET
Lite Specification, Part II, and the super class of the device objects appendix.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from homemon.core.errors import WireError
from homemon.core.points import JST
from homemon.echonet.codec import Property, decode_instance_list, decode_property_map

Value = TypeVar("Value", covariant=True)

ANY_SIZE = 0  # the reader checks it
U8 = {0xFF: "overflow", 0xFE: "underflow"}
U16 = {0xFFFF: "overflow", 0xFFFE: "underflow"}
U32 = {0xFFFFFFFF: "overflow", 0xFFFFFFFE: "underflow"}
S32 = {0x7FFFFFFF: "overflow", 0x80000000: "underflow", 0x7FFFFFFE: "no data"}
DEGREES = U8 | {0xFD: "undefined"}


class Prop(NamedTuple, Generic[Value]):
    """One property: EPC, name, bytes of its EDT, how they read, the unit of what comes out, and codes that are none."""

    epc: int
    name: str
    size: int
    read: Callable[[bytes], Value | None]
    unit: str = ""
    codes: Mapping[int, str] = {}

    @property
    def label(self) -> str:
        """What messages call it, as `E7 (power)`."""
        return f"{self.epc:02X} ({self.name})"


class PropertyMap(NamedTuple):
    """The EPCs of a property map, in rising order."""

    epcs: tuple[int, ...]


class Objects(NamedTuple):
    """The EOJs of an instance list."""

    eojs: tuple[int, ...]


def value_of(table: Mapping[int, Prop[Value]], prop: Property) -> Value | None:
    """Return the value of a property of the table; None where it is no reading.

    Raise KeyError for an EPC that is not in the table, ValueError for an EDT of the wrong length.
    """
    epc, edt = prop
    row = table[epc]
    if len(edt) != row.size and row.size:
        raise ValueError(f"EPC {row.label} takes {row.size} bytes, {len(edt)} came")
    return row.read(edt)


def missing(row: Prop[object], edt: bytes) -> str:
    """Return what an EDT means that reads as None: `no data`, `overflow`; a register's code is at its end."""
    return row.codes.get(int.from_bytes(edt)) or row.codes.get(int.from_bytes(edt[-4:])) or "no reading"


def up_to(largest: int) -> Callable[[bytes], int | None]:
    """Return a reader of an unsigned integer; None above `largest`: the codes for overflow, underflow, "undefined"."""
    number = int.from_bytes  # looked up once: that takes as long as the call

    def read(edt: bytes) -> int | None:
        value = number(edt)
        return value if value <= largest else None

    return read


u16, u24 = up_to(0xFFFD), up_to(0xFFFFFD)
energy = up_to(999_999_999)  # 85: u32 × 0.001 kWh, the bare count (super class)
up_to_100 = up_to(100)  # per cent, or °C of water


def choice(meanings: Mapping[int, str]) -> Callable[[bytes], str | None]:
    """Return a reader of one byte that has a meaning for each code."""
    return lambda edt: meanings.get(edt[0])


def ascii_text(edt: bytes) -> str:
    """Return ASCII, maybe padded with NUL; what is not printable (a terminal might obey it) as U+FFFD."""
    text = edt.decode("ascii", "replace").rstrip("\0 ")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def hex_text(edt: bytes) -> str:
    return edt.hex().upper()


def version(edt: bytes) -> str | None:
    """Return 82: the third byte is the letter of the appendix's release, the fourth its revision."""
    letter = chr(edt[2])
    return f"release {letter}" if letter.isascii() and letter.isalpha() else None


def clock(edt: bytes) -> str | None:
    return f"{edt[0]:02}:{edt[1]:02}" if edt[0] < 24 and edt[1] < 60 else None


def date(edt: bytes) -> str | None:
    """Return a date in ISO 8601; None for an impossible one or another century: an unset clock, damaged bytes."""
    if not 2000 <= int.from_bytes(edt[:2]) < 2100:
        return None
    try:
        return datetime(int.from_bytes(edt[:2]), edt[2], edt[3], tzinfo=JST).date().isoformat()
    except ValueError:
        return None


def property_map(edt: bytes) -> PropertyMap:
    """Return the EPCs of a property map. Raise ValueError where it contradicts itself."""
    try:
        return PropertyMap(tuple(sorted(decode_property_map(edt))))
    except WireError as error:
        raise ValueError(str(error)) from None


def objects(edt: bytes) -> Objects:
    """Return the EOJs of an instance list. Raise ValueError where it contradicts itself."""
    try:
        return Objects(decode_instance_list(edt))
    except WireError as error:
        raise ValueError(str(error)) from None


def operating_time(edt: bytes) -> str | None:
    """Return 9A: the code of a unit, and a u32 of it; None for another unit."""
    unit = {0x41: "s", 0x42: "min", 0x43: "h", 0x44: "days"}.get(edt[0])
    return f"{int.from_bytes(edt[1:]):,} {unit}" if unit else None


def remote_control(edt: bytes) -> str | None:
    """Return 93: whether a command came, and may come, over a public network; until release B 16 bytes of position.

    Raise ValueError for another length.
    """
    if len(edt) == 16:
        return hex_text(edt)
    if len(edt) != 1:
        raise ValueError(f"EPC 93 (remote control) takes 1 byte, {len(edt)} came")
    meanings = {0x41: "not used", 0x42: "used", 0x61: "connected, not permitted", 0x62: "connected, permitted"}
    return meanings.get(edt[0])


Common = int | str | PropertyMap
"""What the properties of the super class read as."""

SUPER_CLASS: tuple[Prop[Common], ...] = (
    Prop(0x80, "operation", 1, choice({0x30: "on", 0x31: "off"})),
    Prop(0x81, "place of installation", ANY_SIZE, hex_text),
    Prop(0x82, "version", 4, version),
    Prop(0x83, "id", 17, hex_text),
    Prop(0x84, "power", 2, u16, "W", U16),
    Prop(0x85, "energy", 4, energy, "0.001 kWh", U32),
    Prop(0x86, "maker's fault code", ANY_SIZE, hex_text),
    Prop(0x87, "current limit set", 1, up_to_100, "%", U8),
    Prop(0x88, "fault", 1, choice({0x41: "fault", 0x42: "no fault"})),
    Prop(0x89, "fault description", 2, hex_text),
    Prop(0x8A, "maker", 3, hex_text),
    Prop(0x8B, "maker's site", 3, hex_text),
    Prop(0x8C, "product", 12, ascii_text),
    Prop(0x8D, "serial number", 12, ascii_text),
    Prop(0x8E, "date of manufacture", 4, date),
    Prop(0x8F, "power saving", 1, choice({0x41: "on", 0x42: "off"})),
    Prop(0x93, "remote control", ANY_SIZE, remote_control),
    Prop(0x97, "clock", 2, clock),
    Prop(0x98, "date", 4, date),
    Prop(0x99, "power limit set", 2, u16, "W", U16),
    Prop(0x9A, "operating time", 5, operating_time),
    Prop(0x9D, "map of what it announces", ANY_SIZE, property_map),
    Prop(0x9E, "map of what can be set", ANY_SIZE, property_map),
    Prop(0x9F, "map of what can be got", ANY_SIZE, property_map),
)


def table(*own: Prop[Value]) -> dict[int, Prop[Value | Common]]:
    """Return the properties of a class by their EPC: those of the super class, and its own, which come before them."""
    rows: tuple[Prop[Value | Common], ...] = (*SUPER_CLASS, *own)
    return {row.epc: row for row in rows}
