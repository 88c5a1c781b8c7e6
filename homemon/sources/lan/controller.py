"""Our node on the LAN, an ECHONET Lite controller (05FF01), as a pure state machine.

Like `session.Session` for the meter: its owner passes in datagrams and the time, and takes out
what is to be sent, stored and reported. It receives everything that the device says, whoever asked;
it answers what a well-behaved node is asked about itself (`own_node`); and it can ask (`poll`).

Some units answer a request for three properties by three answers of one each: answers with the
same TID are gathered for a moment and make one point. Notifications make a point at once.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from homemon.core.dialogue import Ask, Conversation, Dialogue, Step, pause
from homemon.core.errors import DeviceError, NoAnswer, WireError
from homemon.core.points import Point
from homemon.core.requests import Request, Requests
from homemon.echonet import codec as echonet
from homemon.echonet.codec import ANSWERS, NODE_PROFILE, NOTIFIED, Frame, Received, Unit
from homemon.echonet.own_node import OwnNode
from homemon.echonet.questions import WHOLE_TRIES, Questions
from homemon.sources.lan.presence import Presence
from homemon.sources.lan.reports import Report, found_among, joined, report
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source

if TYPE_CHECKING:
    from homemon.sources.lan.searching import Search

ANSWER_WITHIN = 5.0  # seconds
SINGLE_WITHIN = 2.0  # seconds for the smaller questions that follow
POLLED = None  # in place of a TID: what answers a poll of ours is one point
SPACING = 0.5  # cheap adapters hang when asked faster
STEP = 0.001  # long enough for a step of its own
GATHER = 2.0  # for the other parts of an answer
LOOK_FOR_POLL = 300.0  # between two searches because of a unit that does not answer a poll
MOST_STRANGERS = 4  # of whom it is said that they speak for our device
MOST_GATHERED = 64  # answers under way at once; more is a flood


def no_answer_hint(source: Source) -> str:
    """Return what to do about a device that does not answer."""
    adapter = "the unit's LAN adapter, and that ECHONET Lite is switched on in its menu"
    return f"Check [{source.section}] host and eoj, {adapter}."


class _Gathered(NamedTuple):
    """The parts of one answer, and when the waiting for more ends."""

    parts: list[Report]
    given: set[int]
    until: float


class _Said(NamedTuple):
    """What answers to a question said: EPCs with and without a value, and the fields that became of them."""

    given: set[int]
    refused: set[int]
    fields: set[str]


class Controller:
    """`host` is the IPv4 address of a device of the row `source`; `accept_any`: notifications of other hosts count too.

    `own` gives our node, and is called when somebody asks it. It answers addresses of `networks` only, which the
    owner sets; all where that is None. With a `search` the device is looked for at the start if `host` is empty, and
    again when it moves or a poll is not answered.
    """

    def __init__(
        self,
        host: str,
        eoj: int,
        accept_any: bool,
        first_tid: int,
        own: Callable[[], OwnNode] = OwnNode,
        source: Source = ECOCUTE,
        search: "Search | None" = None,
    ) -> None:
        self._search = search
        self._source = source
        self._asked = frozenset(source.fields)
        self.host = host  # where our unit is asked; empty while that is not known
        self._eoj = eoj
        self._accept_any = accept_any
        self._tid = first_tid & 0xFFFF
        self._now = 0.0
        self._send: list[tuple[bytes, str]] = []
        self._points: list[Point] = []
        self._late: list[tuple[Point, float]] = []  # with the time of their receipt
        self._notes: list[str] = []
        self._gathered: dict[tuple[str, int | None], _Gathered] = {}
        self._received_any = False
        self._kin: Unit | None = None  # what our unit turned out to be, or where it was found
        self._strangers: dict[str, bool] = {}  # who is not believed, and whether it answered what we asked our unit
        self._conversation: Conversation[Any]
        self._requests = Requests()
        self._asked_at = float("-inf")  # when our unit was last asked
        self.presence = Presence(own, self._next_tid)
        self._polling = False
        self._said = _Said(set(), set(), set())
        self._warnings: list[str] = []
        self.at_once: int | None = None  # so many properties our device takes in one question, where that is known

    # --- for the owner -------------------------------------------------------------

    def start(self, program: Dialogue[Any], now: float, wall: float) -> Step:
        """Begin a program. Raise what the program raises."""
        self._now = now
        self._requests.forget()
        self._conversation = Conversation(program, now)
        return self._step()

    def step(self, now: float, wall: float, events: Iterable[tuple[bytes, str] | Request] = ()) -> Step:
        """Take in datagrams (data, host) and requests, then the time. Raise what the program raises.

        What a step learned is our unit (Unit), and where somebody said that our node is installed (bytes).
        """
        self._now = now
        for event in events:
            if not isinstance(event, Request):
                self._receive(*event)
            elif self._requests.take(event):
                self._conversation.receive(event, now)
        self._close(now)
        self._conversation.tick(now)
        return self._step()

    def take_points(self) -> list[Point]:
        """Return the points of a step that raised, and those whose last parts are still missing."""
        self._close()
        points, self._points = self._points, []
        return points

    def _step(self) -> Step:
        talk = self._conversation
        if talk.done:
            self._close()
        wake = min([talk.wake, *(parts.until for parts in self._gathered.values())])
        sent, place, wake = self.presence.step(self._now, wake)
        step = talk.step(
            sent + self._send,
            points=self._points,
            late=[(point, self._now - came) for point, came in self._late],
            notes=self._notes,
            warnings=self._warnings,
            wake=wake,
            learned=[fact for fact in (self._kin, place) if fact is not None],
            **self._requests.news(),
        )
        self._send, self._points, self._late, self._notes, self._warnings, self._kin = [], [], [], [], [], None
        return step

    def _next_tid(self) -> int:
        self._tid = self._tid % 0xFFFF + 1
        return self._tid

    # --- receiving -----------------------------------------------------------------

    def _receive(self, data: bytes, host: str) -> None:
        try:
            frame = echonet.decode(data)
        except WireError as error:
            if host == self.host:
                self._notes.append(f"ignored a broken datagram from the {self._source.title}: {error}")
            return
        self.presence.answer(frame, host, len(data), self._now)
        self._accept(frame, host)
        self._conversation.receive(Received(frame, host), self._now)

    def _accept(self, frame: Frame, host: str) -> None:
        """Take what our device says."""
        if self._search and (unit := self._search.meet(frame, host, self._eoj, self._now, keep=not self._accept_any)):
            self._settle(self._search, unit)
        ours = host == self.host or (self._accept_any and frame.esv in NOTIFIED)
        if ours:
            self._learn(frame, host)
            self._take(frame, host)
        elif not self._search and self._means(frame.seoj) and {prop.epc for prop in frame.reported} & self._asked:
            self._meet_stranger(frame, host)

    def _learn(self, frame: Frame, host: str) -> None:
        """Learn which objects our unit has: where the default's is missing, one that is read like it may be there."""
        lists = [prop.edt for prop in frame.reported if prop.epc in (0xD5, 0xD6)]
        if host != self.host or self._received_any or frame.seoj >> 8 != NODE_PROFILE >> 8 or not lists:
            return
        found = found_among(self._source, echonet.instances(lists[0]), self._eoj)
        if found is not None and found != self._eoj:
            self._eoj, self._kin = found, None if self._search else Unit(host, found, "")
            self._notes.append(f"{host} is no {self._source.title}, but has {found:06X}, which is read like one")

    def _means(self, eoj: int) -> bool:
        """Return whether an object is the one that is configured; by default also one that is read like it."""
        return found_among(self._source, (eoj,), self._eoj) == eoj

    def _meet_stranger(self, frame: Frame, host: str) -> None:
        """Note a device like ours at an unexpected address: maybe it is ours, at another address of its own."""
        answers = frame.tid == self._tid and frame.esv not in NOTIFIED
        if len(self._strangers) >= MOST_STRANGERS or not (answers or frame.esv in NOTIFIED):
            return
        if self.host and host not in self._strangers:
            remedy = f"write host = {host} into [{self._source.section}] if that is yours"
            does = f"{host} speaks for a {frame.seoj:06X}, and is not believed: {remedy}"
            self._notes.append(f"{host} answers in its place, and is not believed: {remedy}" if answers else does)
        self._strangers[host] = answers or self._strangers.get(host, False)

    def _take(self, frame: Frame, host: str) -> None:
        """Take the readings out of a frame."""
        if not self._means(frame.seoj):
            return
        self._received_any |= frame.seoj == self._eoj
        said = report(self._source, frame, frame.seoj)
        self._notes += [f"refused a value from the {self._source.title}: {warning}" for warning in said.warnings]
        if frame.esv in NOTIFIED:
            self._points += said.points
            return
        if host == self.host and frame.seoj == self._eoj and frame.esv in ANSWERS:
            self._said.given.update(prop.epc for prop in frame.properties if prop.edt)
            self._said.refused.update(prop.epc for prop in frame.properties if not prop.edt)
            self._said.fields.update(*(point.fields for point in said.points))
        given = {prop.epc for prop in frame.reported} & self._asked
        if not given:
            return
        key = (host, POLLED if self._polling and host == self.host else frame.tid)
        parts = self._gathered.setdefault(key, _Gathered([], set(), self._now + GATHER))
        if key[1] is POLLED:  # the next question is for the rest
            parts = self._gathered[key] = parts._replace(until=self._now + GATHER + SPACING + SINGLE_WITHIN)
        parts.parts.append(said)
        parts.given.update(given)
        if parts.given >= self._asked or len(self._gathered) > MOST_GATHERED:
            self._gathered[key] = parts._replace(until=self._now)
            self._close(self._now)

    def _close(self, until: float = float("inf")) -> None:
        """Wait no more for parts that were waited for `until` then at most: make one point of all that came."""
        for key in [key for key, parts in self._gathered.items() if parts.until <= until]:
            self._points += joined(self._source, self._gathered.pop(key).parts)

    # --- programs ------------------------------------------------------------------

    def listen(self) -> Dialogue[None]:
        """Receive for ever; each event ends a wait, so that no event is kept. Others' requests take turns."""
        while True:
            if self._search and self._now >= self._search.due:
                yield from self._look(self._search)
            yield from self._requests.serve(idle=True)
            due = self._search.due if self._search else float("inf")
            with suppress(NoAnswer):
                yield from self._requests.wait(lambda event: True, max(0.0, due - self._now))

    def answer(self) -> Dialogue[list[str]]:
        """Ask for somebody who wants the readings only, which are all taken at the end. Raise DeviceError."""
        try:
            given = yield from self.poll(and_what=True)
        finally:
            self._close()
        if not given:
            yield from pause(STEP)  # what was noted of the answers goes ahead of the failure
            asked = ", ".join(f"{epc:02X}" for epc in self._source.fields)
            raise DeviceError(
                f"the {self._source.title} reported no value of {asked}",
                f"Check [{self._source.section}] eoj; `homemon {self._source.polls[0]} --trace trace.txt` shows what it"
                " says.",
            )
        return []

    def poll(self, and_what: bool = False) -> Dialogue[set[str]]:
        """Ask until the device has reported or refused each property, and return the fields that it reported.

        What does not come is asked for again, in smaller questions; `at_once` is then how many it takes. With
        `and_what` a silent unit is asked what objects it has, too: it may be something that is read like our device.
        With a search, one that is not known, or does not answer where it was, is searched for.
        Raise NoAnswer when nothing came, DeviceError where a person has to choose.
        """
        search, before = self._search, self.host
        if search and not before:
            yield from self._find(search)
        try:
            return (yield from self._poll(and_what))
        except NoAnswer as silence:
            if not search or self._now - search.looked < LOOK_FOR_POLL:
                raise
            try:
                yield from self._find(search)
            except DeviceError as error:
                raise NoAnswer(f"{silence}; {error}", error.hint) from None
            if self.host == before:
                raise
        return (yield from self._poll(and_what))

    def _poll(self, and_what: bool) -> Dialogue[set[str]]:
        begun, number, given, answered = self._now, 0, set[str](), False
        eoj, questions = self._eoj, self._questions()
        self._polling = True
        self._take_said()
        while questions.next() or eoj != self._eoj:
            if number == 1 and and_what and not answered:
                if self._eoj == self._source.eoj:  # what comes of it, `_learn` takes in
                    self._send.append(self._question(NODE_PROFILE, (0xD6,)))
                yield from pause(0.0)
            if (rest := self._asked_at + SPACING - self._now) > 0 or number:
                yield from pause(max(rest, SPACING if number else 0.0))
            if eoj != self._eoj:  # it turned out to be another object
                eoj, questions = self._eoj, self._questions()
            asked: tuple[int, ...] = ()
            replied = bool(self._said.given)  # late, during the pause
            if not replied:
                asked = questions.next()
                replied = yield from self._answers(asked, ANSWER_WITHIN if number < WHOLE_TRIES else SINGLE_WITHIN)
                number += 1
            if not replied:
                questions.silent(asked)
                continue
            answered, said = True, self._take_said()
            questions.answered(asked, said.given, said.refused)
            given |= said.fields
        self._polling = False
        self.at_once = questions.at_once
        if not answered:
            raise self._silence(number, self._now - begun)
        if questions.missing:
            names = ", ".join(f"{epc:02X}" for epc in questions.missing)
            self._warnings.append(f"the {self._source.title} at {self.host} does not answer {names}")
        return given

    def _questions(self) -> Questions:
        return Questions(tuple(self._source.fields), self.at_once)

    def _silence(self, questions: int, seconds: float) -> NoAnswer:
        silent = f"the {self._source.title} at {self.host} did not answer ({questions} questions in {seconds:.0f} s)"
        if answering := " and ".join(host for host, answers in self._strangers.items() if answers):
            return NoAnswer(
                f"{silent}, but {answering} did",
                f"If that is yours, write its address into [{self._source.section}] host.",
            )
        return NoAnswer(silent, no_answer_hint(self._source))

    def ask_once(self) -> Dialogue[set[str] | None]:
        """Ask once, and return the fields that were reported; None where no answer came."""
        self._take_said()
        replied = yield from self._answers(tuple(self._source.fields), ANSWER_WITHIN)
        return self._take_said().fields if replied else None

    def _question(self, eoj: int, epcs: tuple[int, ...]) -> tuple[bytes, str]:
        return echonet.encode(echonet.get(self._next_tid(), eoj, epcs)), self.host

    def _answers(self, asked: tuple[int, ...], within: float) -> Dialogue[bool]:
        """Ask for some properties; return whether an answer came within so many seconds. `_said` has what it said."""
        answered, deadline, eoj = False, self._now + within, self._eoj
        message: tuple[bytes, str] | tuple[()] = self._question(self._eoj, asked)
        self._asked_at = self._now
        while not self._said.given | self._said.refused >= set(asked):
            wait = deadline - self._now if not answered else min(GATHER, deadline - self._now)
            try:
                events = yield Ask(message, lambda event: self._is_answer(event, asked) or self._eoj != eoj, wait)
            except NoAnswer:
                return answered
            if self._eoj != eoj:  # it is another object: nobody answers to this one
                return False
            message, answered = (), True
            if not events[-1].frame.properties:
                return True
        return True

    def _take_said(self) -> "_Said":
        said, self._said = self._said, _Said(set(), set(), set())
        return said

    def _is_answer(self, event: Received, asked: tuple[int, ...]) -> bool:
        """Return whether it answers a request of ours: a late answer, or one with a TID of its own, is accepted."""
        frame = event.frame
        return (
            event.host == self.host
            and frame.seoj == self._eoj
            and frame.esv in ANSWERS
            and (frame.tid == self._tid or any(prop.epc in asked for prop in frame.properties))
        )

    def _look(self, search: "Search") -> Dialogue[None]:
        """Search the LAN once; what comes of it is reported, and remembered."""
        try:
            yield from self._find(search)
        except DeviceError as error:
            text = str(error) + (f" ({error.hint})" if error.hint else "")
            (self._notes if isinstance(error, NoAnswer) else self._warnings).append(text)

    def _find(self, search: "Search") -> Dialogue[None]:
        """Search the LAN once. Raise NoAnswer where our unit is nowhere, DeviceError where a person has to choose."""
        self._kin = yield from search.find(self._eoj, self._tid, lambda: self._now)
        self._settle(search, self._kin)

    def _settle(self, search: "Search", unit: Unit) -> None:
        """Accept this device as ours; what it sent before is recorded now."""
        if unit.host != self.host:
            self._notes.append(f"the {self._source.title} is at {unit.host}")
        self.host = unit.host
        self._late += search.settle(unit, self._now)
