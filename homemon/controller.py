"""Our node on the LAN, an ECHONET Lite controller (05FF01), as a pure state machine.

Like `session.Session` for the meter: its owner passes in datagrams and the time, and takes out
what is to be sent, stored and told. It hears everything that the EcoCute says, whoever asked;
it answers what a well-behaved node is asked about itself; and it can ask (`poll`).

Some units answer a request for three properties by three answers of one each: answers with the
same TID are gathered for a moment and make one point. Notifications make a point at once.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from homemon.devices import ecocute
from homemon.errors import NoAnswer, WireError
from homemon.points import Point
from homemon.wire import echonet
from homemon.wire.dialogue import Ask, Conversation, Dialogue, pause
from homemon.wire.echonet import CONTROLLER, NODE_PROFILE, Esv, Frame, Heard, Property, Unit

ANSWER_WITHIN = 5.0  # seconds
TRIES = 3
SPACING = 0.5  # cheap adapters hang when asked faster
GATHER = 2.0  # for the other parts of an answer
ASKED = tuple(ecocute.FIELDS)
NO_ANSWER_HINT = (
    "Check [ecocute] host and eoj, the unit's LAN adapter, and that ECHONET Lite is switched on in its menu."
)
MOST_GATHERED = 64  # answers under way at once; more is a flood
NOTIFIED = (Esv.INF, Esv.INFC)


class Step(NamedTuple):
    """What the owner is to do: `send` (data, host) in order, store `points`, tell `notes`, be back at `wake`.

    Of a `Seeker` also: store `late` points (each with the seconds since its receipt), tell `complaints`, which a
    person must mend, and remember the unit `found`.
    """

    send: list[tuple[bytes, str]]
    points: list[Point]
    notes: list[str]
    wake: float
    done: bool
    result: Any = None
    late: Sequence[tuple[Point, float]] = ()
    complaints: Sequence[str] = ()
    found: Unit | None = None


class _Gathered(NamedTuple):
    """The parts of one answer, and when the waiting for more ends."""

    parts: list[ecocute.Report]
    told: set[int]
    until: float


class Controller:
    """`host` is the EcoCute's IPv4 address; with `accept_any` notifications of other hosts count too."""

    def __init__(self, host: str, eoj: int, accept_any: bool, first_tid: int) -> None:
        self._host = host
        self._eoj = eoj
        self._accept_any = accept_any
        self._tid = first_tid & 0xFFFF
        self._now = 0.0
        self._send: list[tuple[bytes, str]] = []
        self._points: list[Point] = []
        self._notes: list[str] = []
        self._gathered: dict[tuple[str, int], _Gathered] = {}
        self._conversation: Conversation[Any]

    # --- for the owner -------------------------------------------------------------

    def start(self, program: Dialogue[Any], now: float) -> Step:
        """Begin a program. Raises what the program raises."""
        self._now = now
        self._conversation = Conversation(program, now)
        return self._step()

    def step(self, now: float, datagrams: Iterable[tuple[bytes, str]] = ()) -> Step:
        """Take in datagrams (data, host), then the time. Raises what the program raises."""
        self._now = now
        for data, host in datagrams:
            self._hear(data, host)
        for key in [key for key, parts in self._gathered.items() if now >= parts.until]:
            self._close(key)
        self._conversation.tick(now)
        return self._step()

    def take_points(self) -> list[Point]:
        """The points of a step that raised, and those whose last parts are still missing."""
        for key in list(self._gathered):
            self._close(key)
        points, self._points = self._points, []
        return points

    def _step(self) -> Step:
        talk = self._conversation
        if talk.done:
            for key in list(self._gathered):
                self._close(key)
        sent = self._send + [(data, self._host) for data in talk.outgoing]
        wake = min([talk.wake, *(parts.until for parts in self._gathered.values())])
        step = Step(sent, self._points, self._notes, wake, talk.done, talk.result if talk.done else None)
        self._send, self._points, self._notes, talk.outgoing = [], [], [], []
        return step

    # --- hearing -------------------------------------------------------------------

    def _hear(self, data: bytes, host: str) -> None:
        try:
            frame = echonet.decode(data)
        except WireError as error:
            if host == self._host:
                self._notes.append(f"ignored a broken datagram from the EcoCute: {error}")
            return
        if frame.deoj >> 8 in (NODE_PROFILE >> 8, CONTROLLER >> 8) and (reply := own_answer(frame)):
            self._send.append((echonet.encode(reply), host))
        if self._heed(frame, host):
            self._conversation.hear(Heard(frame, host), self._now)

    def _heed(self, frame: Frame, host: str) -> bool:
        """Take what our EcoCute says; whether the program is to hear it too."""
        ours = host == self._host or (self._accept_any and frame.esv in NOTIFIED)
        if ours:
            self._take(frame, host)
        return ours

    def _take(self, frame: Frame, host: str) -> None:
        """Take the readings out of a frame."""
        said = ecocute.report(frame, self._eoj)
        self._notes += [f"refused a value from the EcoCute: {complaint}" for complaint in said.complaints]
        if frame.esv in NOTIFIED:
            self._points += said.points
            return
        told = {prop.epc for prop in frame.reported} & set(ASKED)
        if frame.seoj != self._eoj or not told:
            return
        key = (host, frame.tid)
        parts = self._gathered.setdefault(key, _Gathered([], set(), self._now + GATHER))
        parts.parts.append(said)
        parts.told.update(told)
        if parts.told >= set(ASKED) or len(self._gathered) > MOST_GATHERED:
            self._close(key)

    def _close(self, key: tuple[str, int]) -> None:
        """No more parts are waited for: one point of all there are."""
        self._points += ecocute.joined(self._gathered.pop(key).parts).points

    # --- programs ------------------------------------------------------------------

    def request(self) -> bytes:
        """A Get of power, energy and tank with a TID of its own."""
        self._tid = self._tid % 0xFFFF + 1
        return echonet.encode(echonet.get(self._tid, self._eoj, ASKED))

    def listen(self) -> Dialogue[None]:
        """Hear, for ever; an Ask that each event ends, so that none is kept."""
        while True:
            yield Ask(b"", lambda event: True, float("inf"))

    def poll(self) -> Dialogue[set[str]]:
        """Ask, until the EcoCute has told or refused each property, or time is up; gives the fields that it told.

        Raises NoAnswer when nothing came after three tries.
        """
        for number in range(TRIES):
            if number:
                yield from pause(SPACING)
            told = yield from self._answers(self.request(), self._tid)
            if told is not None:
                return told
        raise NoAnswer(
            f"the EcoCute at {self._host} did not answer ({TRIES} tries of {ANSWER_WITHIN:g} s)",
            NO_ANSWER_HINT,
        )

    def ask_once(self) -> Dialogue[set[str] | None]:
        """Ask once, maybe where somebody else holds our port: most units answer there, some the port that asked.

        Gives the fields that were told; None where no answer came to us.
        """
        return (yield from self._answers(self.request(), self._tid))

    def _answers(self, request: bytes, tid: int) -> Dialogue[set[str] | None]:
        """Send; which fields were told with that TID; None where no answer came at all."""
        told: set[str] = set()
        settled: set[int] = set()  # told, refused, or no reading
        answered = False
        deadline = self._now + ANSWER_WITHIN
        while not settled >= set(ASKED):
            wait = deadline - self._now if not answered else min(GATHER, deadline - self._now)
            try:
                heard = yield Ask(request, lambda event: self._is_answer(event, tid), max(0.0, wait))
            except NoAnswer:
                return told if answered else None
            request, answered = b"", True
            frame = heard[-1].frame
            if not frame.properties:
                return told
            settled |= {prop.epc for prop in frame.properties}
            told.update(*(point.fields for point in ecocute.report(frame, self._eoj).points))
        return told

    def _is_answer(self, event: Heard, tid: int) -> bool:
        frame = event.frame
        return (
            event.host == self._host
            and frame.tid == tid
            and frame.seoj == self._eoj
            and frame.esv in (Esv.GET_RES, Esv.GET_SNA)
        )


# --- what we say of ourselves ----------------------------------------------------------

_VERSION = b"\x01\x0e\x01\x00"  # ECHONET Lite 1.14, format 1
_MAKER = b"\xff\xff\xff"  # experimental: no maker code
_ID = b"\xfe" + _MAKER + b"homemon-00001"  # 83: FE, the maker, 13 bytes of its own
_OBJECTS = b"\x01" + CONTROLLER.to_bytes(3)
_COMMON = {0x82: b"\x00\x00R\x01", 0x83: _ID, 0x88: b"\x42", 0x8A: _MAKER, 0x9D: b"\x01\x80", 0x9E: b"\x00"}

OWN: dict[int, dict[int, bytes]] = {
    NODE_PROFILE: {
        **_COMMON,
        0x80: b"\x30",
        0x82: _VERSION,
        0x9D: b"\x02\x80\xd5",
        0xD3: b"\x00\x00\x01",
        0xD4: b"\x00\x02",
        0xD5: _OBJECTS,
        0xD6: _OBJECTS,
        0xD7: b"\x01" + CONTROLLER.to_bytes(3)[:2],
    },
    CONTROLLER: {**_COMMON, 0x80: b"\x30", 0x81: b"\x00"},
}
for _properties in OWN.values():
    _properties[0x9F] = echonet.encode_property_map([*_properties, 0x9F])

_ANSWERS = {Esv.GET: (Esv.GET_RES, Esv.GET_SNA), Esv.INF_REQ: (Esv.INF, Esv.INF_SNA)}
_REFUSALS = {Esv.SETI: Esv.SETI_SNA, Esv.SETC: Esv.SETC_SNA, Esv.SETGET: Esv.SETGET_SNA}


def own_answer(frame: Frame) -> Frame | None:
    """Our answer to a request about our own objects, or to a notification that wants one; None where none is due."""
    own = OWN.get(frame.deoj) or OWN.get(frame.deoj & 0xFFFF00 | 1 if frame.deoj & 0xFF == 0 else 0)
    if own is None:
        return None
    source = CONTROLLER if frame.deoj >> 8 == CONTROLLER >> 8 else NODE_PROFILE
    if frame.esv is Esv.INFC:
        named = tuple(Property(prop.epc) for prop in frame.properties)
        return Frame(frame.tid, source, frame.seoj, Esv.INFC_RES, named)
    if refusal := _REFUSALS.get(frame.esv):
        return Frame(frame.tid, source, frame.seoj, refusal, frame.properties, frame.read)
    if frame.esv not in _ANSWERS or not frame.properties:
        return None
    good, refused = _ANSWERS[frame.esv]
    told = tuple(Property(prop.epc, own.get(prop.epc, b"")) for prop in frame.properties)
    return Frame(frame.tid, source, frame.seoj, good if all(prop.edt for prop in told) else refused, told)
