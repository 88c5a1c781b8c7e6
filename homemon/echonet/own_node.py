"""What our node on the LAN says of itself: its node profile (0EF001) and its one object, a controller (05FF01).

Whoever asks over UDP can be somebody else's forged address, so an answer is kept small and seldom: each property
once however often it is asked for, and no more than an `Allowance` of bytes to one address and to all.

Sources: ECHONET Lite Specification, Part II, chapter 6 (node profile) and the super class of the device objects
appendix, in which 80, 81 and 88 are announced when they change and 81 can be set.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from homemon.echonet import codec as echonet
from homemon.echonet.codec import CONTROLLER, NODE_PROFILE, Esv, Frame, Property

PLACE = 0x81
NOWHERE = b"\x00"  # 81: not set
ID_BYTES = 13  # of 83 that are the installation's own
ONE_MAY, ONE_AGAIN = 2000.0, 50.0  # bytes to one address at once, and a second from then on
ALL_MAY, ALL_AGAIN = 8000.0, 200.0  # the same, to all addresses
MOST_KNOWN = 256  # addresses whose allowance is not full

_VERSION = b"\x01\x0e\x01\x00"  # ECHONET Lite 1.14, format 1
_MAKER = b"\xff\xff\xff"  # experimental: no maker code
_OBJECTS = b"\x01" + CONTROLLER.to_bytes(3)
_NODE: Mapping[int, bytes] = {
    0x80: b"\x30",
    0x82: _VERSION,
    0x88: b"\x42",
    0x8A: _MAKER,
    0xD3: b"\x00\x00\x01",
    0xD4: b"\x00\x02",
    0xD5: _OBJECTS,
    0xD6: _OBJECTS,
    0xD7: b"\x01" + CONTROLLER.to_bytes(3)[:2],
}
_CONTROLLER: Mapping[int, bytes] = {0x80: b"\x30", 0x82: b"\x00\x00R\x01", 0x88: b"\x42", 0x8A: _MAKER}
_MAPS = (0x9D, 0x9E, 0x9F)  # announced, set, got
_REPLIES = {Esv.GET: (Esv.GET_RES, Esv.GET_SNA), Esv.INF_REQ: (Esv.INF, Esv.INF_SNA)}
_REQUESTS = frozenset({Esv.GET, Esv.INF_REQ, Esv.SETI, Esv.SETC, Esv.SETGET, Esv.INFC})
_SETS = {Esv.SETI: (None, Esv.SETI_SNA), Esv.SETC: (Esv.SET_RES, Esv.SETC_SNA)}


class OwnNode:
    """Our objects and their properties. `own_id` is what in 83 is ours alone, `place` the controller's 81."""

    def __init__(self, own_id: bytes = bytes(ID_BYTES), place: bytes = NOWHERE) -> None:
        identity = b"\xfe" + _MAKER + own_id[:ID_BYTES].ljust(ID_BYTES, b"\x00")
        self.objects: dict[int, dict[int, bytes]] = {
            NODE_PROFILE: {**_NODE, 0x83: identity},
            CONTROLLER: {**_CONTROLLER, 0x83: identity, PLACE: place if _is_place(place) else NOWHERE},
        }
        for eoj, announced, settable in ((NODE_PROFILE, (0x80, 0xD5), ()), (CONTROLLER, (0x80, PLACE, 0x88), (PLACE,))):
            own = self.objects[eoj]
            maps = (announced, settable, (*own, *_MAPS))
            own.update(zip(_MAPS, map(echonet.encode_property_map, maps), strict=True))

    @property
    def place(self) -> bytes:
        """81: where somebody said that we are installed."""
        return self.objects[CONTROLLER][PLACE]

    def announcement(self, tid: int, eoj: int, epc: int) -> Frame:
        """Return a notification to everybody: at the start the list of our objects, later what changed."""
        return Frame(tid, eoj, NODE_PROFILE, Esv.INF, (Property(epc, self.objects[eoj][epc]),))

    def answer(self, frame: Frame) -> Frame | None:
        """Return the answer to a request about our objects or to a notification that wants one; None where none is due.

        What is set is set by this.
        """
        eoj = _instance(frame.deoj)
        own = self.objects.get(eoj)
        if own is None:
            return None
        if frame.esv is Esv.INFC:
            return _reply(frame, eoj, Esv.INFC_RES, [Property(epc) for epc in _once(frame.properties)])
        if frame.esv in _REPLIES and frame.properties:
            values = _values(own, frame.properties)
            return _reply(frame, eoj, _REPLIES[frame.esv][not all(prop.edt for prop in values)], values)
        if frame.esv in _SETS:
            left = self._set(eoj, frame.properties)
            done = _SETS[frame.esv][any(prop.edt for prop in left) or not left]
            return _reply(frame, eoj, done, left) if done else None
        if frame.esv is Esv.SETGET:
            left, values = self._set(eoj, frame.properties), _values(own, frame.read)
            good = not any(prop.edt for prop in left) and all(prop.edt for prop in values)
            return _reply(frame, eoj, Esv.SETGET_RES if good else Esv.SETGET_SNA, left, values)
        return None

    def _set(self, eoj: int, wanted: Sequence[Property]) -> list[Property]:
        """Set what can be set; each property as an answer has it: without its EDT where that was done."""
        left = []
        for prop in wanted:
            fits = eoj == CONTROLLER and prop.epc == PLACE and _is_place(prop.edt)
            if fits:
                self.objects[eoj][PLACE] = prop.edt
            left.append(Property(prop.epc) if fits else prop)
        return left


def is_asked(frame: Frame) -> bool:
    """Return whether a frame requests something of one of our objects."""
    return frame.esv in _REQUESTS and _instance(frame.deoj) in (NODE_PROFILE, CONTROLLER)


def _instance(eoj: int) -> int:
    """Return the object that is meant: instance 0 is all of them, and we have one of each."""
    return eoj | 1 if eoj & 0xFF == 0 else eoj


def _is_place(edt: bytes) -> bool:
    """Return whether an EDT is a valid 81: one byte, 02 to 07 being reserved, or 01 and 16 bytes of a position."""
    return (len(edt) == 1 and not 1 <= edt[0] <= 7) or (len(edt) == 17 and edt[0] == 1)


def _once(properties: Sequence[Property]) -> list[int]:
    """Return the EPCs, each once."""
    return list(dict.fromkeys(prop.epc for prop in properties))


def _values(own: Mapping[int, bytes], asked: Sequence[Property]) -> list[Property]:
    return [Property(epc, own.get(epc, b"")) for epc in _once(asked)]


def _reply(frame: Frame, eoj: int, esv: Esv, properties: Sequence[Property], read: Sequence[Property] = ()) -> Frame:
    return Frame(frame.tid, eoj, frame.seoj, esv, tuple(properties), tuple(read))


class _Bucket(NamedTuple):
    left: float
    at: float


class Allowance:
    """How many bytes may go to an address now, and to all: a bucket for each that fills with time."""

    def __init__(self) -> None:
        self._each: dict[str, _Bucket] = {}
        self._all = _Bucket(ALL_MAY, 0.0)

    def grants(self, host: str, size: int, now: float) -> bool:
        """Return whether `size` bytes may go to `host`; if so they count."""
        everybody = _filled(self._all, ALL_MAY, ALL_AGAIN, now)
        one = _filled(self._each.get(host, _Bucket(ONE_MAY, now)), ONE_MAY, ONE_AGAIN, now)
        if host not in self._each and len(self._each) >= MOST_KNOWN:
            self._forget_the_full(now)
        if min(everybody.left, one.left) < size or len(self._each) - (host in self._each) >= MOST_KNOWN:
            return False
        self._all = everybody._replace(left=everybody.left - size)
        self._each[host] = one._replace(left=one.left - size)
        return True

    def _forget_the_full(self, now: float) -> None:
        self._each = {
            host: bucket
            for host, bucket in self._each.items()
            if _filled(bucket, ONE_MAY, ONE_AGAIN, now).left < ONE_MAY
        }


def _filled(bucket: _Bucket, most: float, again: float, now: float) -> _Bucket:
    """Return the bucket as it is `now`."""
    return _Bucket(min(most, bucket.left + max(0.0, now - bucket.at) * again), now)


Network = tuple[int, int]
"""The first address of an IPv4 network and its mask, as numbers."""


def is_near(host: str, networks: "Sequence[Network] | None") -> bool:
    """Return whether an address is one of a machine on our networks; anywhere where they are not known.

    One of all of a network is not, nor one beyond a router.
    """
    if networks is None:
        return True
    try:
        number = address_number(host)
    except ValueError:
        return False
    return any(
        number & mask == network and number not in (network, network | ~mask & 0xFFFFFFFF) for network, mask in networks
    )


def address_number(host: str) -> int:
    """Return an IPv4 address as a number. Raises ValueError."""
    parts = bytes(int(part) for part in host.split("."))
    if len(parts) != 4:
        raise ValueError(host)
    return int.from_bytes(parts)
