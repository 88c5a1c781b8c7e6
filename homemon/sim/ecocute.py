"""An EcoCute on the LAN: an ECHONET Lite node, as a pure answer to a datagram.

Its node profile is 0EF001, its one device 026B01, or 02A601 where it is a hybrid water heater. Its bytes are
its own; nothing is shared with the code it is there to test. Power, energy and the tank are those of the house
at the time of the question.

`Faults` says how it misbehaves: what units in the field do, and what a bad line does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol

NODE, DEVICE, HYBRID = b"\x0e\xf0\x01", b"\x02\x6b\x01", b"\x02\xa6\x01"
CONTROLLER = b"\x05\xff\x01"
IDENTITY = b"\xfe\xff\xff\xff" + b"homemon-sim-"  # and the unit's digit: 17 bytes; maker FFFFFF: none
OVERFLOW = {0x84: b"\xff\xff", 0x85: b"\xff\xff\xff\xff", 0xE1: b"\xff\xfe"}


class House(Protocol):
    """What the EcoCute measures: W, its register in 0.001 kWh, litres. `t` is Unix time."""

    def ecocute_power(self, t: float, /) -> int: ...
    def ecocute_energy(self, t: float, /) -> int: ...
    def tank(self, t: float, /) -> int: ...


class Reply(NamedTuple):
    """A datagram to send after `delay` seconds, between these UDP ports."""

    delay: float
    data: bytes
    from_port: int
    to_port: int


@dataclass(frozen=True)
class Faults:
    """How the EcoCute misbehaves; all off by default."""

    lacking: frozenset[int] = frozenset()  # EPCs it does not have: {0x84} is the Panasonic HE-WU46KQ
    at_most: int = 0  # only so many properties of a question are answered
    refuse_with: frozenset[int] = frozenset()  # a question for one of these among others is refused as a whole
    silent_with: frozenset[int] = frozenset()  # … or gets no answer; alone each of them is answered
    tid_0: bool = False  # answers have the TID 0000
    one_each: bool = False  # each property in an answer of its own
    reverse: bool = False  # in the other order
    extra: bool = False  # 80 and 88 in addition to what was asked
    opc_0: bool = False  # a 72 that holds nothing
    overflow: bool = False  # overflow and underflow codes for values
    infc: bool = False  # notifications want an answer (74 in place of 73)
    to_node: bool = False  # notifications go to 0EF001 in place of 05FF01
    answer_sender: bool = False  # answers go to the port that asked, not to ours
    from_port: int = 0  # answers come from this port
    late: float = 0.0  # seconds
    lost_every: int = 0  # each Nth question is not answered
    doubled: bool = False  # answers come twice
    truncated: int = 0  # so many bytes are missing at the end
    wrong_pdc: bool = False  # the last property promises a byte more than is there
    short_edt: bool = False  # values one byte short, in a frame that is otherwise right
    garbage: bool = False  # random bytes for an answer
    deaf: bool = False  # what is for everybody does not reach it, as behind many a Wi-Fi access point


class Ecocute:
    """The node on UDP `port`. With `inform_every` it notifies by itself, from the first `inform` on.

    `number` (1 to 9) is the last digit of its ID and of its serial number. `confirmed` counts the answers to its INFC.
    """

    def __init__(
        self,
        house: House,
        faults: Faults | None = None,
        port: int = 3610,
        inform_every: float = 0.0,
        number: int = 1,
        device: bytes = DEVICE,
    ) -> None:
        self.confirmed = 0
        self._own = device
        self._node = {**_NODE, 0xD5: b"\x01" + device, 0xD6: b"\x01" + device, 0xD7: b"\x01" + device[:2]}
        digit = b"%d" % number
        self._who = {0x83: IDENTITY + digit, 0x8D: b"00000000000" + digit}
        self._house = house
        self._faults = faults or Faults()
        self.deaf = self._faults.deaf
        self._port = port
        self._inform_every = inform_every
        self._next_inform: float | None = None
        self._tid = 0
        self._asked = 0
        self._rng = Random(1)

    def answer(self, datagram: bytes, sender: tuple[str, int], now: float) -> list[Reply]:
        """Return what the node sends when `datagram` comes from `sender` (address, port) at `now` (Unix time)."""
        if len(datagram) < 12 or datagram[:2] != b"\x10\x81":
            return []
        tid, seoj, deoj = datagram[2:4], datagram[4:7], datagram[7:10]
        service, asked = datagram[10], _epcs(datagram)
        if service == 0x7A and deoj == self._own:
            self.confirmed += 1
            return []
        if deoj[:2] == self._own[:2] and deoj[2] in (0, 1):
            own, properties = self._own, self._device(now)
        elif deoj[:2] == NODE[:2] and deoj[2] in (0, 1):
            own, properties = NODE, {**self._node, 0x83: self._who[0x83]}
        else:
            return []
        if service not in (0x62, 0x63) or asked is None:
            return self._refuse(service, tid + own + seoj, datagram[11:])
        self._asked += 1
        if self._faults.lost_every and self._asked % self._faults.lost_every == 0:
            return []
        frames = self._frames(tid + own + seoj, service, asked, properties, own == self._own)
        return [self._reply(frame, sender[1]) for frame in frames]

    def due(self) -> float | None:
        """Return when `inform` is due next; None when it notifies nobody, and before the first time."""
        return self._next_inform

    def inform(self, now: float) -> Reply:
        """Return a notification of its three values, for the whole LAN (224.0.23.0)."""
        self._next_inform = now + self._inform_every if self._inform_every else None
        self._tid = self._tid % 0xFFFF + 1
        values = self._device(now)
        readings = [(epc, values[epc]) for epc in (0x84, 0x85, 0xE1) if epc in values]
        head = self._tid.to_bytes(2) + self._own + (NODE if self._faults.to_node else CONTROLLER)
        return self._reply(_frame(head, 0x74 if self._faults.infc else 0x73, readings), self._port)

    # --- inside --------------------------------------------------------------------

    def _device(self, now: float) -> dict[int, bytes]:
        """Return all properties of the device and their values."""
        values = {
            **_FIXED,
            **self._who,
            0x84: self._house.ecocute_power(now).to_bytes(2),
            0x85: self._house.ecocute_energy(now).to_bytes(4),
            0xE1: self._house.tank(now).to_bytes(2),
        }
        values[0xB2] = b"\x41" if self._house.ecocute_power(now) > 100 else b"\x42"
        if self._faults.overflow:
            values.update(OVERFLOW)
        if self._faults.short_edt:
            values.update({epc: values[epc][1:] for epc in OVERFLOW})
        values = {epc: edt for epc, edt in values.items() if epc not in self._faults.lacking}
        values[0x9F] = _map([*values, 0x9F])
        return values

    def _frames(
        self, head: bytes, service: int, asked: list[int], properties: Mapping[int, bytes], device: bool
    ) -> list[bytes]:
        """Return the answers to a Get or INF_REQ, with the faults that concern frames."""
        faults = self._faults
        if not device:
            return [_values(head, service, asked, properties)]
        if faults.garbage:
            return [self._rng.randbytes(self._rng.randrange(40))]
        if len(asked) > 1 and faults.silent_with & set(asked):
            return []
        if len(asked) > 1 and faults.refuse_with & set(asked):
            properties = {}
        head = b"\0\0" + head[2:] if faults.tid_0 else head
        asked = asked[: faults.at_most or None]
        asked = [*asked, 0x80, 0x88] if faults.extra else asked
        asked = asked[::-1] if faults.reverse else asked
        groups = [[epc] for epc in asked] if faults.one_each else [asked]
        if faults.opc_0:
            groups = [[]]
        frames = [_values(head, service, group, properties) for group in groups]
        if faults.wrong_pdc:
            frames = [_frame_promising_more(frame) for frame in frames]
        if faults.truncated:
            frames = [frame[: -faults.truncated] for frame in frames]
        return frames * 2 if faults.doubled else frames

    def _reply(self, frame: bytes, asker: int) -> Reply:
        faults = self._faults
        to_port = asker if faults.answer_sender else self._port
        return Reply(faults.late, frame, faults.from_port or self._port, to_port)

    def _refuse(self, service: int, head: bytes, rest: bytes) -> list[Reply]:
        """Refuse to be written, as a whole (50, 51, 5E); what is no request gets nothing."""
        refused = service in (0x60, 0x61, 0x6E)
        return [self._reply(_frame_raw(head, service - 0x10, rest), self._port)] if refused else []


def _epcs(datagram: bytes) -> list[int] | None:
    """Return the EPCs of the first property list; None when it runs past the end."""
    epcs, at = [], 12
    for _ in range(datagram[11]):
        if at + 2 > len(datagram) or at + 2 + datagram[at + 1] > len(datagram):
            return None
        epcs.append(datagram[at])
        at += 2 + datagram[at + 1]
    return epcs


def _values(head: bytes, service: int, asked: list[int], properties: Mapping[int, bytes]) -> bytes:
    """Return the answer with ESV 72 or 73 where all is there, else 52 or 53 with an empty EDT for what is not."""
    missing = any(epc not in properties for epc in asked)
    answer = service - 0x10 if missing else service + 0x10
    return _frame(head, answer, [(epc, properties.get(epc, b"")) for epc in asked])


def _frame(head: bytes, service: int, properties: Sequence[tuple[int, bytes]]) -> bytes:
    body = b"".join(bytes((epc, len(edt))) + edt for epc, edt in properties)
    return _frame_raw(head, service, bytes((len(properties),)) + body)


def _frame_raw(head: bytes, service: int, rest: bytes) -> bytes:
    """Return a frame; `head` is TID, SEOJ, DEOJ."""
    return b"\x10\x81" + head + bytes((service,)) + rest


def _frame_promising_more(frame: bytes) -> bytes:
    """Return a frame whose last property has a PDC one too high."""
    at, last = 12, 0
    while at < len(frame):
        last, at = at + 1, at + 2 + frame[at + 1]
    return frame[:last] + bytes((frame[last] + 1,)) + frame[last + 1 :] if last else frame


def _map(epcs: list[int]) -> bytes:
    """Return a property map in either format."""
    if len(epcs) < 16:
        return bytes((len(epcs), *epcs))
    bits = bytearray(16)
    for epc in epcs:
        bits[epc & 0x0F] |= 1 << (epc >> 4) - 8
    return bytes((len(epcs),)) + bits


_FIXED: dict[int, bytes] = {
    0x80: b"\x30",
    0x81: b"\x00",
    0x82: b"\x00\x00\x50\x01",
    0x88: b"\x42",
    0x8A: b"\xff\xff\xff",
    0x8C: b"SIM-ECOCUTE\x00",
    0x9D: b"\x03\x80\x81\x88",
    0x9E: b"\x00",
    0xB0: b"\x41",
    0xB3: b"\xfd",  # undefined: the unit chooses by itself
    0xC1: b"\x55",
    0xC2: b"\x00\x00\x00\x00",
    0xD1: b"\x3c",
    0xD3: b"\x2a",
    0xE0: b"\x50",
    0xE2: b"\x01\x72",  # 370 L
    **dict.fromkeys((0xC0, 0xC3, 0xE3, 0xE4, 0xE5, 0xE6, 0xE9, 0xEA), b"\x42"),
}
_NODE: dict[int, bytes] = {
    0x80: b"\x30",
    0x82: b"\x01\x0e\x01\x00",
    0x8A: b"\xff\xff\xff",
    0x9D: b"\x02\x80\xd5",
    0x9E: b"\x00",
    0x9F: b"\x0b\x80\x82\x83\x8a\x9d\x9e\x9f\xd3\xd4\xd6\xd7",
    0xD3: b"\x00\x00\x01",
    0xD4: b"\x00\x02",
    0xD5: b"\x01\x02\x6b\x01",  # not in the map: the standard only announces it
    0xD6: b"\x01\x02\x6b\x01",
    0xD7: b"\x01\x02\x6b",
}
