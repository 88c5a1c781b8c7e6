"""What the meter says, and asking it: events and time in, points and questions out.

Everything the meter says is heard, whoever asked: an answer that comes late, or to another
process's question, is a reading all the same. What a dialogue waits for is matched by TID.

`session.Session` builds the joined life upon it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from homemon import history
from homemon.devices import meter
from homemon.errors import NoAnswer, SessionLost, WireError
from homemon.points import Point
from homemon.wire import echonet, join, skstack
from homemon.wire.dialogue import Ask, Conversation, Dialogue
from homemon.wire.join import Link, is_event
from homemon.wire.skstack import Dialect, Event, Fail, Happening, Noise, Udp

REPLY_WITHIN = 10.0  # seconds; a meter answers within 1.2 to 3.6
SIGN_WITHIN = 4.0  # the module itself echoes or confirms long before
TRIES = 3
SPACING = 2.0  # between two requests: meters answer one at a time
RENEWAL_WITHIN = 60.0  # EVENT 29 until the module's own EVENT 25
ARIB_WITHIN = 3600.0  # the sending limit is counted by the hour (ARIB STD-T108)
MAX_WAITING = 10_000  # registers kept for want of the scale: more than a season of half-hours

RENEWED, EXPIRED, LIMITED, UNLIMITED, SENT = 0x25, 0x29, 0x32, 0x33, 0x21
SESSION_OVER = {
    0x24: "the join failed (EVENT 24)",
    0x26: "the meter ended the session (EVENT 26)",
    0x27: "the session was ended (EVENT 27)",
    0x28: "the session ended unanswered (EVENT 28)",
}


class Step(NamedTuple):
    """What the owner is to do: `send` in order, store `points`, tell `notes`, be back at `wake`.

    `complaints` are told even where nobody wants to hear notes: nothing is recorded meanwhile.
    `saying` is what is being done that takes time, for whoever watches.

    `joining`: the module is in a dialogue that others must not write into. `learned`: link or
    scale changed and are worth keeping. `meter_time`: what the meter's clock (98, 97) says just now, to
    the minute, in Unix seconds. `done`: the program ended, with `result`.
    """

    send: list[bytes]
    points: list[Point]
    notes: list[str]
    complaints: list[str]
    saying: list[str]
    wake: float
    joining: bool
    learned: bool
    meter_time: int | None
    done: bool
    result: Any = None


class Exchange:
    """One module, one meter. `now` counts seconds of a clock that never jumps, `wall` is Unix time.

    Its owner calls `start` and `step` with the time and the events, and does what the `Step` says: send,
    store, tell, and come back at `wake` at the latest.
    """

    def __init__(self, link: Link | None, scale: meter.Scale | None, first_tid: int) -> None:
        self.link = link
        self.scale = scale
        self._tid = first_tid & 0xFFFF
        self._now = 0.0
        self._wall = 0.0
        self._last_request = float("-inf")
        self._send: list[bytes] = []
        self._points: list[Point] = []
        self._notes: list[str] = []
        self._complaints: list[str] = []
        self._unscaled: list[tuple[int, echonet.Property]] = []
        self._half_hours: dict[int, int] = {}  # EA, EB → the newest half-hour heard
        self._joining = False
        self._learned = False
        self._meter_time: int | None = None
        self._conversation: Conversation[Any]

    # --- for the owner -------------------------------------------------------------

    def start(self, program: Dialogue[Any], now: float, wall: float) -> Step:
        """Begin a program, dropping what ran before. Raises what the program raises."""
        self._now, self._wall = now, wall
        self._conversation = Conversation(program, now)
        return self._step()

    def step(self, now: float, wall: float, events: Iterable[Happening] = ()) -> Step:
        """Take in `events`, then the time. Raises what the program raises."""
        self._now, self._wall = now, wall
        events = list(events)
        for event in events:  # before the program, which may raise at any of them
            if isinstance(event, Udp):
                self._hear_datagram(event)
        for event in events:
            self._conversation.hear(event, now)
        self._conversation.tick(now)
        return self._step()

    def take_points(self) -> list[Point]:
        """The points of a step that raised."""
        points, self._points = self._points, []
        return points

    def _step(self) -> Step:
        talk = self._conversation
        step = Step(
            self._send + talk.outgoing,
            self.take_points(),
            self._notes,
            self._complaints,
            talk.said,
            talk.wake,
            self._joining,
            self._learned,
            self._meter_time,
            talk.done,
            talk.result if talk.done else None,
        )
        self._send, self._notes, self._complaints, self._learned, self._meter_time = [], [], [], False, None
        talk.outgoing, talk.said = [], []
        return step

    # --- hearing -------------------------------------------------------------------

    def _hear_datagram(self, datagram: Udp) -> None:
        """Take the readings out of a datagram, if it is ECHONET Lite from our meter."""
        if echonet.PORT not in (datagram.lport, datagram.rport) or self.link is None:
            return
        if not self._is_from_meter(datagram):
            what = "not encrypted" if datagram.sender == self.link.address else "not our meter"
            self._notes.append(f"ignored a datagram from {datagram.sender}, which is {what}")
            return
        try:
            frame = echonet.decode(datagram.data)
        except WireError as error:
            self._notes.append(f"ignored a broken frame from the meter: {error}")
            return
        if frame.seoj != meter.EOJ:
            return
        if frame.esv is echonet.Esv.INFC:
            self._confirm(frame)
        self._take_report(meter.report(frame, self.scale), frame)

    def _is_from_meter(self, datagram: Udp) -> bool:
        """What is not encrypted anybody in the neighbourhood can send, by whatever address."""
        return self.link is not None and datagram.sender == self.link.address and datagram.secured != 0

    def _confirm(self, frame: echonet.Frame) -> None:
        """A notification that wants an answer (INFC) gets its 7A."""
        named = tuple(echonet.Property(prop.epc) for prop in frame.properties)
        reply = echonet.Frame(frame.tid, frame.deoj, frame.seoj, echonet.Esv.INFC_RES, named)
        self._send.append(self._sendto(reply))

    def _take_report(self, report: meter.Report, frame: echonet.Frame) -> None:
        self._points += report.points
        self._notes += [f"refused a value from the meter: {complaint}" for complaint in report.complaints]
        self._unscaled += [(int(self._wall), prop) for prop in report.unscaled]
        del self._unscaled[:-MAX_WAITING]
        if told := history.told_time(frame):
            self._meter_time = int(told.timestamp())
        for prop in frame.reported:
            if prop.epc in (0xEA, 0xEB) and history.right_size(prop):
                value = meter.value_of(prop)
                if isinstance(value, meter.Dated):
                    self._half_hours[prop.epc] = max(value.time, self._half_hours.get(prop.epc, 0))

    def _set_scale(self, scale: meter.Scale) -> None:
        """Now the registers that waited can be read."""
        self._learned |= scale != self.scale
        self.scale = scale
        waiting, self._unscaled = self._unscaled, []
        for received, prop in waiting:
            for point in meter.scaled_points(prop, scale):
                self._points.append(point if point.time is not None else point._replace(time=received))

    # --- asking --------------------------------------------------------------------

    def _sendto(self, frame: echonet.Frame) -> bytes:
        assert self.link is not None
        return skstack.sendto(self.link.dialect, self.link.address, echonet.encode(frame))

    def _request(self, esv: echonet.Esv, properties: Iterable[echonet.Property]) -> echonet.Frame:
        """A request to the meter with a TID of its own."""
        self._tid = self._tid % 0xFFFF + 1
        return echonet.Frame(self._tid, echonet.CONTROLLER, meter.EOJ, esv, tuple(properties))

    def knock(self, epcs: Iterable[int]) -> bytes:
        """The bytes of a request whose answer somebody else will hear."""
        return self._sendto(self._request(echonet.Esv.GET, map(echonet.Property, epcs)))

    def ask(self, epcs: Iterable[int]) -> Dialogue[echonet.Frame]:
        """Get `epcs` from the meter and give its answer, a refusal (52) included. Raises as `exchange`."""
        return (yield from self.exchange(echonet.Esv.GET, [echonet.Property(epc) for epc in epcs]))

    def exchange(self, esv: echonet.Esv, properties: list[echonet.Property]) -> Dialogue[echonet.Frame]:
        """Send a request until it is answered, and give the answer.

        Raises SessionLost when the module says so or after three unanswered requests, NoAnswer
        when the module itself is silent.
        """
        asked: list[echonet.Frame] = []  # an answer to an earlier try, come late, is as good
        for _ in range(TRIES):
            yield from self._keep_spacing()
            self._last_request = self._now
            asked.append(self._request(esv, properties))
            answer = yield from self._one_request(asked)
            if answer is not None:
                return answer
        raise SessionLost(f"the meter left {TRIES} requests unanswered")

    def _keep_spacing(self) -> Dialogue[None]:
        """Wait until the meter may be asked again, and live through trouble that comes meanwhile."""
        while (wait := self._last_request + SPACING - self._now) > 0:
            try:
                heard = yield Ask(b"", is_trouble, wait)
            except NoAnswer:
                return
            yield from self._trouble(heard[-1])

    def _one_request(self, asked: list[echonet.Frame]) -> Dialogue[echonet.Frame | None]:
        """Send the last of `asked`; the answer to any of them, or None where it is worth asking again."""
        deadline = self._now + REPLY_WITHIN
        send, sign = self._sendto(asked[-1]), False
        while self._now < deadline:
            within = deadline - self._now if sign else min(SIGN_WITHIN, deadline - self._now)
            try:
                heard = yield Ask(send, lambda event: self._matters(event, asked), within)
            except NoAnswer as silence:
                if sign or any(not isinstance(event, Noise) for event in silence.heard):
                    sign = True
                    send = b""
                    continue
                yield from join.wake_module()
                return None
            send, sign, event = b"", True, heard[-1]
            if isinstance(event, Udp):
                return echonet.decode(event.data)
            if isinstance(event, Fail) and event.code == "ER05":
                self._other_dialect()
                return None
            if isinstance(event, Fail) and event.code != "ER10":
                return None
            if is_event(event, SENT):
                return None
            yield from self._trouble(event)
            return None
        return None

    def _matters(self, event: Happening, asked: list[echonet.Frame]) -> bool:
        """Whether an event ends the wait for an answer to one of `asked`: the answer, a failed send, trouble."""
        match event:
            case Udp() if self._is_from_meter(event):
                try:
                    reply = echonet.decode(event.data)
                except WireError:
                    return False
                return any(echonet.answers(reply, request) for request in asked)
            case Event(number=0x21, parameter=1) | Fail():
                return True
            case _:
                return is_trouble(event)

    def _other_dialect(self) -> None:
        assert self.link is not None
        other = Dialect.A1 if self.link.dialect is Dialect.C else Dialect.C
        self.link = self.link._replace(dialect=other)
        self._learned = True
        self._notes.append(f"the module counts its arguments like a {other.value}")

    def _trouble(self, event: Happening) -> Dialogue[None]:
        """Live through what can be waited out; raise SessionLost where only a rejoin helps."""
        if isinstance(event, Fail):
            raise SessionLost(f"the module has no session (FAIL {event.code})")
        assert isinstance(event, Event)
        if event.number == LIMITED:
            yield from self._until(UNLIMITED, ARIB_WITHIN, "the module holds all sending for the ARIB limit (EVENT 32)")
        elif event.number == EXPIRED:
            if not (yield from self._until(RENEWED, RENEWAL_WITHIN, "the session expired (EVENT 29), it is renewed")):
                raise SessionLost("the session expired (EVENT 29) and was not renewed")
        else:
            raise SessionLost(SESSION_OVER[event.number])

    def _until(self, number: int, within: float, saying: str) -> Dialogue[bool]:
        """Wait for EVENT `number`, or for the end of the session; whether it came in time."""
        over = SESSION_OVER.keys()
        try:
            heard = yield Ask(
                b"",
                lambda event: isinstance(event, Event) and (event.number == number or event.number in over),
                within,
                saying,
            )
        except NoAnswer:
            return False
        if heard[-1].number in over and heard[-1].number != number:
            raise SessionLost(SESSION_OVER[heard[-1].number])
        return True

    def learn_scale(self) -> Dialogue[None]:
        """Ask E1, D3 and D7. Without D3 the coefficient is 1, without D7 digits are 8; without E1 registers wait."""
        exponent = yield from self._one_value(0xE1)
        coefficient = yield from self._one_value(0xD3)
        digits = yield from self._one_value(0xD7)
        if coefficient is REFUSED:
            coefficient = 1
        if isinstance(exponent, int) and isinstance(coefficient, int):
            known = isinstance(digits, int) and 1 <= digits <= 8
            self._set_scale(meter.Scale(exponent, coefficient, digits if known else 8))
        else:
            self._notes.append("the meter does not tell its energy unit (E1, D3); its registers wait until it does")

    def _one_value(self, epc: int) -> Dialogue[Any]:
        """The value of one property; REFUSED where the meter has none, None where it says "no data" or nonsense."""
        answer = yield from self.ask((epc,))
        for prop in answer.reported:
            if prop.epc == epc and prop.edt:
                try:
                    return meter.value_of(prop)
                except ValueError:
                    return None
        return REFUSED


class _Refused:
    """The meter has no such property."""


REFUSED = _Refused()


def is_trouble(event: Happening) -> bool:
    """Whether an unasked-for event says that we cannot go on as before."""
    if isinstance(event, Fail):
        return event.code == "ER10"
    return isinstance(event, Event) and (event.number in SESSION_OVER or event.number in (EXPIRED, LIMITED))
