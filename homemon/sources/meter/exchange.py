"""What the meter says, and asking it: events and time in, points and questions out.

Everything the meter says is received, whoever asked: an answer that comes late, or to another
process's question, is a reading all the same. What a dialogue waits for is matched by TID.

`session.Session` builds the joined life upon it.
"""

from collections.abc import Iterable
from typing import Any

from homemon.core.dialogue import Ask, Conversation, Dialogue, Step
from homemon.core.errors import NoAnswer, SessionLost, WireError
from homemon.core.points import Point
from homemon.core.requests import Request, Requests
from homemon.echonet import codec as echonet
from homemon.echonet.questions import Questions
from homemon.skstack import join
from homemon.skstack import lines as skstack
from homemon.skstack.join import Link
from homemon.skstack.lines import Event, Fail, Happening, Noise, Udp
from homemon.sources.meter import history, unit
from homemon.sources.meter import properties as meter
from homemon.sources.meter.plausible import EPCS, Archive, Doubts, Reading
from homemon.sources.meter.reception import NotBelieved, Reception, is_from
from homemon.sources.meter.trouble import SIGN_WITHIN, is_trouble, live_through

REPLY_WITHIN = 10.0  # seconds; a meter answers within 1.2 to 3.6
TRIES = 3
SPACING = 2.0  # between two requests: meters answer one at a time
CONFIRM_TRIES = 2  # further questions about a value that is doubted
SENT = 0x21
LATEST = 40.0  # seconds after a request in which its answer may come
SAME_TIME = 90.0  # seconds between two answers about the time, which is reported to the minute


class Exchange:
    """One module, one meter. `now` counts seconds of a clock that never jumps, `wall` is Unix time.

    Its owner calls `start` and `step` with the time and the events, and does what the `Step` says: send,
    store, report, and come back at `wake` at the latest.
    """

    def __init__(
        self,
        link: Link | None,
        scale: meter.Scale | None,
        first_tid: int,
        archive: Archive | None = None,
        recheck: bool = False,
        at_once: int | None = None,
    ) -> None:
        self.link = link
        self.scale = scale
        self.at_once = at_once  # so many properties of a question the meter answers; None: all, as far as is known
        self.recheck = recheck  # what is stored may be in another unit, and is to be compared with the meter's record
        self.unit_complete = True  # whether the meter reported all of its unit when it was last asked
        self.unconfirmed: tuple[int, ...] = ()  # what the meter last said something else of each time
        self._archive = archive
        self._doubts = Doubts(archive)
        self._asked: list[tuple[float, echonet.Frame]] = []  # requests whose answers may yet come
        self._unanswered: list[int] = []  # what the meter left out of its last answers
        self._reported_time: tuple[float, int] | None = None
        self._tid = first_tid
        self._now = 0.0
        self._wall = 0.0
        self._last_request = float("-inf")
        self._send: list[bytes] = []
        self._points: list[Point] = []
        self._notes: list[str] = []
        self._warnings: list[str] = []
        self._reception = Reception()  # registers wait with when they came, and their TID
        self._half_hours: dict[int, int] = {}  # EA, EB → the newest half-hour received
        self._joining = False
        self._learned = False
        self._meter_time: int | None = None
        self._conversation: Conversation[Any]
        self._requests = Requests(SessionLost, NoAnswer)

    # --- for the owner -------------------------------------------------------------

    def start(self, program: Dialogue[Any], now: float, wall: float) -> Step:
        """Begin a program, dropping what ran before. Raise what the program raises."""
        self._now, self._wall = now, wall
        self._requests.forget()
        self._conversation = Conversation(program, now)
        return self._step()

    def step(self, now: float, wall: float, events: Iterable[Happening | Request] = ()) -> Step:
        """Take in `events`, then the time. Raise what the program raises.

        What a step learned is the link, the scale, whether the store is to be compared with the meter's record, and how
        many properties it answers at once.
        """
        self._now, self._wall = now, wall
        events = list(events)
        for event in events:  # before the program, which may raise at any of them
            if isinstance(event, Udp):
                self._receive_datagram(event)
        for event in events:
            if not isinstance(event, Request) or self._requests.take(event):
                self._conversation.receive(event, now)
        self._conversation.tick(now)
        return self._step()

    def take_points(self) -> list[Point]:
        """Return the points of a step that raised."""
        points, self._points = self._points, []
        return points

    def _step(self) -> Step:
        step = self._conversation.step(
            self._send,
            points=self.take_points(),
            notes=self._notes,
            warnings=self._warnings,
            joining=self._joining,
            learned=(self.link, self.scale, self.recheck, self.at_once) if self._learned else (),
            meter_time=self._meter_time,
            **self._requests.news(),
        )
        self._send, self._notes, self._warnings, self._learned, self._meter_time = [], [], [], False, None
        return step

    # --- receiving -----------------------------------------------------------------

    def _receive_datagram(self, datagram: Udp) -> None:
        """Take the readings out of a datagram, if it is ECHONET Lite from our meter."""
        if self.link is None:
            return
        try:
            frame = self._reception.frame(datagram, self.link.address)
        except NotBelieved as why:
            self._notes.append(f"ignored a datagram from {datagram.sender}, which is {why}")
            return
        except WireError as error:
            self._notes.append(f"ignored a broken frame from the meter: {error}")
            return
        if frame is None:
            return
        frame = self._numbered(frame)
        if self._archive:
            self._archive.met(datagram.sender)
        if not self._fits_its_question(frame):
            self._notes.append("ignored an answer of the meter that does not fit its question")
            return
        if frame.esv is echonet.Esv.INFC:
            self._confirm(frame)
        self._take_report(self._reception.report(frame, self.scale, (self._now, frame.tid)), frame)

    def _confirm(self, frame: echonet.Frame) -> None:
        """Answer a notification that wants an answer (INFC) with its 7A."""
        named = tuple(echonet.Property(prop.epc) for prop in frame.properties)
        reply = echonet.Frame(frame.tid, frame.deoj, frame.seoj, echonet.Esv.INFC_RES, named)
        self._send.append(self._sendto(reply))

    def _numbered(self, frame: echonet.Frame) -> echonet.Frame:
        """Return an answer with the TID of the question that it answers: some meters echo another."""
        requests = [request for _, request in reversed(self._asked)]
        if any(request.tid == frame.tid for request in requests):
            return frame
        numbered = (frame._replace(tid=request.tid) for request in requests if _answers(frame, request))
        return next(numbered, frame)

    def _fits_its_question(self, frame: echonet.Frame) -> bool:
        """Return False for what has the TID of a request of ours but answers another: a bit was flipped."""
        self._asked = [(at, request) for at, request in self._asked if self._now - at <= LATEST]
        ours = [request for _, request in self._asked if request.tid == frame.tid]
        answer = frame.esv not in (echonet.Esv.INF, echonet.Esv.INFC)
        return not (ours and answer) or any(_answers(frame, request) for request in ours)

    def _take_report(self, report: meter.Report, frame: echonet.Frame) -> None:
        for point in report.points:
            self._admit(point, frame.tid, self._now)
        self._notes += [f"refused a value from the meter: {warning}" for warning in report.warnings]
        if reported := history.reported_time(frame):
            self._take_time(int(reported.timestamp()))

    def _admit(self, point: Point, tid: int, ticks: float) -> None:
        """Take a point that came at `ticks`, now or when it is confirmed."""
        sure, notes = self._doubts.admit(Reading(point, tid, ticks, self._wall - (self._now - ticks)), self.scale)
        self._notes += notes
        for known in sure:
            self._points.append(known._replace(received=None) if known.received == self._now else known)
            epc = EPCS[known.measurement, next(iter(known.fields))]
            if known.time is not None:
                self._half_hours[epc] = max(known.time, self._half_hours.get(epc, 0))

    def _take_time(self, reported: int) -> None:
        """Set the meter's clock to what it reports twice."""
        before, self._reported_time = self._reported_time, (self._now, reported)
        if before and abs((reported - before[1]) - (self._now - before[0])) <= SAME_TIME:
            self._meter_time = reported

    def _set_scale(self, scale: meter.Scale) -> None:
        """Set the scale: registers that waited can be read now; those stored may be in another unit."""
        if self.scale and scale.kwh(1) != self.scale.kwh(1):
            self.recheck = True
            self._doubts.forget()
            self._warnings.append(
                f"the meter counts in units of {scale.kwh(1):g} kWh (E1, D3), not of {self.scale.kwh(1):g} as it was "
                "known to: stored half-hours are compared with its record and corrected"
            )
        self._learned |= scale != self.scale
        self.scale = scale
        for prop, (ticks, tid) in self._reception.waited():
            for point in meter.scaled_points(prop, scale):
                self._admit(point, tid, ticks)

    # --- asking --------------------------------------------------------------------

    def _sendto(self, frame: echonet.Frame) -> bytes:
        assert self.link is not None
        return skstack.sendto(self.link.dialect, self.link.address, echonet.encode(frame))

    def _request(self, esv: echonet.Esv, properties: Iterable[echonet.Property]) -> echonet.Frame:
        """Return a request to the meter with a TID of its own."""
        self._tid = self._tid % 0xFFFF + 1
        return echonet.Frame(self._tid, echonet.CONTROLLER, meter.EOJ, esv, tuple(properties))

    def question(self, epcs: Iterable[int]) -> bytes:
        """Return the bytes of a request."""
        return self._sendto(self._request(echonet.Esv.GET, map(echonet.Property, epcs)))

    def ask(self, epcs: Iterable[int]) -> Dialogue[echonet.Frame]:
        """Get `epcs` from the meter, and give its answers as one, a refusal (52) included. Raise as `exchange`."""
        answer = yield from self._get(tuple(epcs))
        yield from self.settle_doubts()
        return answer

    def _get(self, epcs: tuple[int, ...]) -> Dialogue[echonet.Frame]:
        """Ask until each of `epcs` is reported or refused, in smaller questions where the meter leaves some out."""
        questions, asked = Questions(epcs, self.at_once), list[echonet.Frame]()
        answer, found = None, dict[int, echonet.Property]()
        while wanted := questions.next():
            answer = yield from self._try(echonet.Esv.GET, [echonet.Property(epc) for epc in wanted], asked)
            if answer is None:
                questions.silent(wanted)
                continue
            said = {prop.epc: prop for prop in answer.properties}
            refused = [epc for epc, prop in said.items() if not prop.edt]
            questions.answered(wanted if said.keys() <= set(wanted) else (), said.keys() - set(refused), refused)
            found |= {epc: prop for epc, prop in said.items() if prop.edt or epc not in found}
        if not found:
            raise SessionLost(f"the meter left {len(asked)} requests unanswered")
        self._learn_at_once(questions)
        esv = echonet.Esv.GET_RES if all(prop.edt for prop in found.values()) else echonet.Esv.GET_SNA
        return echonet.Frame(asked[-1].tid, meter.EOJ, echonet.CONTROLLER, esv, tuple(found.values()))

    def _learn_at_once(self, questions: Questions) -> None:
        self._learned |= self.at_once != questions.at_once
        self.at_once = questions.at_once
        if questions.missing and questions.missing != self._unanswered:
            names = ", ".join(f"{epc:02X}" for epc in questions.missing)
            self._notes.append(f"the meter does not answer {names}")
        self._unanswered = questions.missing

    def settle_doubts(self) -> Dialogue[None]:
        """Ask again for what was said only once and cannot be believed so. Raise as `exchange`."""
        for _ in range(CONFIRM_TRIES):
            if not (epcs := self._doubts.epcs()):
                return
            yield from self._get(epcs)
        self.unconfirmed = self._doubts.epcs()
        self._notes += self._doubts.give_up()

    def exchange(self, esv: echonet.Esv, properties: list[echonet.Property]) -> Dialogue[echonet.Frame]:
        """Send a request until it is answered, and give the answer.

        Raise SessionLost when the module says so or after three unanswered requests, NoAnswer
        when the module itself is silent. Requests of others come first.
        """
        asked: list[echonet.Frame] = []
        for _ in range(TRIES):
            if answer := (yield from self._try(esv, properties, asked)):
                return answer
        raise SessionLost(f"the meter left {TRIES} requests unanswered")

    def _try(
        self, esv: echonet.Esv, properties: list[echonet.Property], asked: list[echonet.Frame]
    ) -> Dialogue[echonet.Frame | None]:
        """Send a request, which joins those `asked` before: an answer to any of them, come late, is as good."""
        yield from self._keep_spacing()
        while (yield from self._requests.serve()):
            yield from self._keep_spacing()
        self._last_request = self._now
        asked.append(self._request(esv, properties))
        self._asked.append((self._now, asked[-1]))
        return (yield from self._one_request(asked))

    def _keep_spacing(self) -> Dialogue[None]:
        """Wait until the meter may be asked again, and live through trouble that comes meanwhile."""
        while (wait := self._last_request + SPACING - self._now) > 0:
            try:
                events = yield Ask(b"", is_trouble, wait)
            except NoAnswer:
                return
            yield from live_through(events[-1])

    def _one_request(self, asked: list[echonet.Frame]) -> Dialogue[echonet.Frame | None]:
        """Send the last of `asked`; the answer to any of them, or None where it is worth asking again."""
        deadline = self._now + REPLY_WITHIN
        send, sign = self._sendto(asked[-1]), False
        while self._now < deadline:
            within = deadline - self._now if sign else min(SIGN_WITHIN, deadline - self._now)
            try:
                events = yield Ask(send, lambda event: self._matters(event, asked), within)
            except NoAnswer as silence:
                if sign or any(not isinstance(event, Noise) for event in silence.received):
                    sign = True
                    send = b""
                    continue
                yield from join.wake_module()
                return None
            event = events[-1]
            if isinstance(event, Udp):
                return self._numbered(echonet.decode(event.data))
            if isinstance(event, Fail) and event.code == "ER05":
                self._other_dialect()
            elif is_trouble(event):
                yield from live_through(event)
            return None
        return None

    def _matters(self, event: Happening, asked: list[echonet.Frame]) -> bool:
        """Return whether an event ends the wait for an answer to one of `asked`: the answer, a failed send, trouble."""
        match event:
            case Udp() if self.link and is_from(event, self.link.address):
                try:
                    reply = self._numbered(echonet.decode(event.data))
                except WireError:
                    return False
                return any(reply.tid == request.tid and _answers(reply, request) for request in asked)
            case Event(number=number, parameter=1) if number == SENT:
                return True
            case Fail():
                return True
            case _:
                return is_trouble(event)

    def _other_dialect(self) -> None:
        assert self.link is not None
        other = self.link.dialect.next
        self.link = self.link._replace(dialect=other)
        self._learned = True
        self._notes.append(f"the module counts its arguments like a {other.value}")

    def learn_scale(self) -> Dialogue[None]:
        """Ask for the unit; without E1 registers wait. How many properties it answers at once is tried anew."""
        self.at_once = None
        scale, self.unit_complete = yield from unit.learn(self, self.scale)
        if scale is None:
            self._notes.append("the meter does not report its energy unit (E1, D3); its registers wait until it does")
        elif scale != self.scale:
            self._set_scale(scale)


def _answers(reply: echonet.Frame, request: echonet.Frame) -> bool:
    """Return whether a frame answers a part of a request at least, and nothing else, whatever its TID."""
    named, asked = ([prop.epc for prop in frame.properties] for frame in (reply, request))
    is_answer = echonet.answers(reply._replace(tid=request.tid), request)
    return is_answer and bool(named) and len(set(named)) == len(named) and set(named) <= set(asked)
