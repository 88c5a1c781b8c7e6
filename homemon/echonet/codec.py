"""The ECHONET Lite codec: bytes ↔ frames. The only place that knows the layout.

A frame is `10 81 | TID 2 | SEOJ 3 | DEOJ 3 | ESV 1 | property list`, and a property list is
`OPC 1 | OPC × (EPC 1, PDC 1, EDT[PDC])`; the three SetGet services carry two lists, the one
written and the one read. EHD2 82 (free format) is not ours to read. Layout and codes:
ECHONET Lite Specification, Part II, chapter 3.

Decoding is strict. A frame that ends early, goes on too long or names an unknown service is
refused whole, with the byte at which it stopped making sense: half a frame may be half a
reading. A refused property (PDC 0 in an answer) is no fault of the frame and is kept.
"""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from homemon.core.errors import WireError

EHD = b"\x10\x81"
HEADER = 11  # bytes before the first OPC
_HEADER = struct.Struct(">2sHHBHBB")  # EHD, TID, each object's class and instance, ESV
CONTROLLER = 0x05FF01
NODE_PROFILE = 0x0EF001
PORT = 3610  # UDP, on the LAN and inside Wi-SUN alike
MULTICAST = "224.0.23.0"  # every node of a LAN


class Esv(IntEnum):
    """Every service code (Part II, 3.2.5)."""

    SETI_SNA = 0x50
    SETC_SNA = 0x51
    GET_SNA = 0x52
    INF_SNA = 0x53
    SETGET_SNA = 0x5E
    SETI = 0x60
    SETC = 0x61
    GET = 0x62
    INF_REQ = 0x63
    SETGET = 0x6E
    SET_RES = 0x71
    GET_RES = 0x72
    INF = 0x73
    INFC = 0x74
    INFC_RES = 0x7A
    SETGET_RES = 0x7E


NOTIFIED, ANSWERS = (Esv.INF, Esv.INFC), (Esv.GET_RES, Esv.GET_SNA)
TWO_LISTS = frozenset({Esv.SETGET, Esv.SETGET_RES, Esv.SETGET_SNA})
REPORTS = frozenset({*ANSWERS, *NOTIFIED, Esv.SETGET_RES, Esv.SETGET_SNA})
"""The services whose (last) property list holds values that a device reports of itself."""
_ESV = {int(esv): esv for esv in Esv}
_new = tuple.__new__  # `_new(Frame, (…))` is `Frame(…)`, without the call in Python that takes half of its time


class Property(NamedTuple):
    """EPC and its EDT; the EDT is empty in a request and where a device refuses."""

    epc: int
    edt: bytes = b""


class Frame(NamedTuple):
    """One message. EOJs are 24-bit integers, `0x028801` for the meter's first instance.

    `properties` is the only list, and for SetGet the one written; `read` is SetGet's second.
    """

    tid: int
    seoj: int
    deoj: int
    esv: Esv
    properties: tuple[Property, ...]
    read: tuple[Property, ...] = ()

    @property
    def reported(self) -> tuple[Property, ...]:
        """The values that the sender reports of itself; empty for requests and write answers."""
        esv = self.esv
        if esv in ANSWERS or esv in NOTIFIED:
            return self.properties
        return self.read if esv in REPORTS else ()


class Received(NamedTuple):
    """A frame, and the IPv4 address that it came from."""

    frame: Frame
    host: str


class Unit(NamedTuple):
    """A device on the LAN: its node's IPv4 address, its EOJ, and its node's ID (83) in hex, empty where none is."""

    host: str
    eoj: int
    id: str


def decode(data: bytes) -> Frame:
    """Return the frame that `data` holds from its first byte to its last.

    Raise WireError, with the offset of the first byte that is wrong or missing.
    """
    try:
        ehd, tid, seoj, instance, deoj, other_instance, code = _HEADER.unpack_from(data)
        esv = _ESV[code]
    except (struct.error, KeyError):
        raise _header_error(data) from None
    if ehd != EHD:
        raise _header_error(data)
    properties: list[Property] = []
    read: list[Property] = []
    end = _decode_list(data, HEADER, properties)
    if esv in TWO_LISTS:
        end = _decode_list(data, end, read)
    if end != len(data):
        raise WireError(f"{len(data) - end} bytes too many after the last property", end)
    seoj, deoj = seoj << 8 | instance, deoj << 8 | other_instance
    return _new(Frame, (tid, seoj, deoj, esv, tuple(properties), tuple(read)))


class Remains(NamedTuple):
    """What a frame says up to the byte where it stops making sense; None and nothing from there on.

    `error` says where and why; it is None where all of it makes sense.
    """

    tid: int | None
    seoj: int | None
    deoj: int | None
    esv: Esv | None
    properties: tuple[Property, ...]
    read: tuple[Property, ...]
    error: WireError | None


def salvage(data: bytes) -> Remains:
    """Read as far as it goes what `decode` may refuse: for a person to look at, never for a reading."""
    sound = len(data) if data[:2] == EHD else 0
    tid, seoj, deoj = (int.from_bytes(data[at:end]) if end <= sound else None for at, end in ((2, 4), (4, 7), (7, 10)))
    esv = _ESV.get(data[10]) if sound > 10 else None
    properties: list[Property] = []
    read: list[Property] = []
    error = None
    try:
        end = _decode_list(data, HEADER, properties) if esv else 0
        if esv in TWO_LISTS:
            _decode_list(data, end, read)
        decode(data)
    except WireError as fault:
        error = fault
    return Remains(tid, seoj, deoj, esv, tuple(properties), tuple(read), error)


def _header_error(data: bytes) -> WireError:
    """Return what is wrong with a frame up to its ESV."""
    if not data.startswith(EHD):
        came = data[:2].hex().upper() or "nothing"
        return WireError(f"not an ECHONET Lite frame (1081 expected, {came} came)", 1 if data[:1] == EHD[:1] else 0)
    if len(data) < HEADER:
        return WireError("the frame ends within its header", len(data))
    return WireError(f"unknown service ESV {data[10]:02X}", 10)


def _decode_list(data: bytes, at: int, properties: list[Property]) -> int:
    """Append the property list that begins at `at` with its OPC; the offset behind it."""
    size = len(data)
    if at >= size:
        raise WireError("the property count OPC is missing", size)
    count = data[at]
    at += 1
    while len(properties) < count:
        edt = at + 2
        if edt > size:
            raise WireError(f"the frame ends before property {len(properties) + 1} of {count}", size)
        end = edt + data[at + 1]
        if end > size:
            raise WireError(f"EPC {data[at]:02X} promises {data[at + 1]} bytes, {size - edt} are there", at + 1)
        properties.append(_new(Property, (data[at], data[edt:end])))
        at = end
    return at


def encode(frame: Frame) -> bytes:
    """Return the bytes of `frame`. Raise ValueError where a field does not fit its place (our own mistake)."""
    lists = _encode_list(frame.properties)
    if frame.esv in TWO_LISTS:
        lists += _encode_list(frame.read)
    elif frame.read:
        raise ValueError(f"ESV {frame.esv:02X} carries one property list only")
    try:
        head = frame.tid.to_bytes(2) + frame.seoj.to_bytes(3) + frame.deoj.to_bytes(3)
    except OverflowError as error:
        raise ValueError(f"TID or EOJ out of range in {frame}") from error
    return EHD + head + bytes((frame.esv,)) + lists


def _encode_list(properties: tuple[Property, ...]) -> bytes:
    return bytes((len(properties),)) + b"".join(bytes((p.epc, len(p.edt))) + p.edt for p in properties)


def get(tid: int, deoj: int, epcs: Iterable[int]) -> Frame:
    """Return a Get (62) of `epcs` from the controller, us, to the object `deoj`."""
    return Frame(tid, CONTROLLER, deoj, Esv.GET, tuple(Property(epc) for epc in epcs))


def answers(reply: Frame, request: Frame) -> bool:
    """Return whether `reply` is the other side's answer to `request`: TID echoed, EOJs swapped, no request itself.

    An instance code of 0 in the request's DEOJ means all instances, and one of them answers.
    """
    asked, answering = request.deoj, reply.seoj
    same_object = asked == answering or (asked & 0xFF == 0 and asked >> 8 == answering >> 8)
    return (
        reply.tid == request.tid and same_object and reply.deoj == request.seoj and _is_answer(request.esv, reply.esv)
    )


def _is_answer(request: Esv, reply: Esv) -> bool:
    """Return whether an ESV answers another: 60–6F by 70–7F with the same low digit, or 50–5F refusing; INFC by 7A."""
    if request is Esv.INFC:
        return reply is Esv.INFC_RES
    return request >> 4 == 6 and reply >> 4 in (5, 7) and reply & 0x0F == request & 0x0F


def decode_property_map(edt: bytes) -> frozenset[int]:
    """Return the EPCs of a property map (9D INF, 9E Set, 9F Get).

    Under 16 properties the map lists them; from 16 on it is 16 bytes in which bit j of byte i
    stands for EPC 0x80 + 0x10·j + i (Part II, Appendix 1). Raise WireError.
    """
    if not edt:
        raise WireError("the property map is empty", 0)
    count, rest = edt[0], edt[1:]
    if count < 16:
        if len(rest) != count:
            raise WireError(f"the property map promises {count} EPCs, {len(rest)} are there", min(len(rest), count) + 1)
        return frozenset(rest)
    if len(rest) != 16:
        raise WireError(f"a property map of {count} EPCs takes 17 bytes, {len(edt)} are there", min(len(edt), 17))
    epcs = frozenset(0x80 + 0x10 * j + i for i, bits in enumerate(rest) for j in range(8) if bits >> j & 1)
    if len(epcs) != count:
        raise WireError(f"the property map promises {count} EPCs and marks {len(epcs)}", 0)
    return epcs


def encode_property_map(epcs: Iterable[int]) -> bytes:
    """Return the property map of `epcs`, in the format that their number requires."""
    wanted = sorted(set(epcs))
    if len(wanted) < 16:
        return bytes((len(wanted), *wanted))
    rows = [sum(1 << j for j in range(8) if 0x80 + 0x10 * j + i in wanted) for i in range(16)]
    return bytes((len(wanted), *rows))


def decode_instance_list(edt: bytes) -> tuple[int, ...]:
    """Return the EOJs of an instance list (D5, D6): a count, then three bytes each. Raise WireError."""
    if not edt:
        raise WireError("the instance list is empty", 0)
    size = 1 + 3 * edt[0]
    if len(edt) != size:
        raise WireError(
            f"the instance list promises {edt[0]} objects, {len(edt) - 1} bytes are there", min(len(edt), size)
        )
    return tuple(int.from_bytes(edt[at : at + 3]) for at in range(1, len(edt), 3))


def instances(edt: bytes) -> tuple[int, ...]:
    """Return the EOJs present in an instance list, whatever count it claims."""
    return tuple(int.from_bytes(edt[at : at + 3]) for at in range(1, len(edt) - 2, 3))
