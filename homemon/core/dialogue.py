"""Dialogues with a device, the one thing that steps them, and the step that every machine gives.

A dialogue is a generator that reads from top to bottom like the script it replaces:

    events = yield Ask(command("SKVER"), is_result, within=2.0)

It is resumed with what was received since (the newest `MOST_RECEIVED` of it), of which the last satisfied
`until`; where nothing did before the deadline, NoAnswer is raised at the `yield`. It owns no port and
no clock, so the same dialogue runs on hardware, on a pty and in virtual time.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from homemon.core.errors import HomemonError, NoAnswer
from homemon.core.points import Point

Result = TypeVar("Result")
MOST_RECEIVED = 1000  # events kept for one answer; a line that only makes noise does so for half an hour at a time


class Ask(NamedTuple):
    """Send `send`, then wait for an event that satisfies `until`, at most `within` seconds.

    `send` is a message as the port takes it: bytes on a line, (bytes, IPv4 address) on the LAN. An empty one is not
    sent. `saying` is for the person who watches: what is being done that takes time.
    """

    send: Any
    until: Callable[[Any], bool]
    within: float
    saying: str = ""


Dialogue = Generator[Ask, list[Any], Result]


class Reply(NamedTuple):
    """What became of a request: the lines that its program returned, or the error that it raised."""

    number: int
    lines: Sequence[str] = ()
    error: HomemonError | None = None


class Step(NamedTuple):
    """What a machine wants done now, in this order: record, send, report. Made with keywords only.

    `points` are recorded with the time of this step, `late` ones so many seconds earlier. `meter_time` is what the
    meter's clock says just now, to the minute, in Unix seconds. While `joining` nothing else can be asked.
    `send` has the messages, in order. `saying` is what takes time; `notes` and `warnings` are reported, `warnings`
    even to who wants no notes. `learned` is worth remembering; of which kind depends on the machine. `begun` are the
    numbers of requests of others that began, `replies` what ended some (see `core.requests`).

    The next step is due at `wake` at the latest, in the seconds of the machine's clock. Once `done` is true there is
    none, and `result` holds what the program returned.
    """

    points: Sequence[Point] = ()
    late: Sequence[tuple[Point, float]] = ()
    meter_time: int | None = None
    joining: bool = False
    send: Sequence[Any] = ()
    saying: Sequence[str] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    learned: Sequence[Any] = ()
    begun: Sequence[int] = ()
    replies: Sequence[Reply] = ()
    wake: float = float("inf")
    done: bool = False
    result: Any = None


def nothing(event: Any) -> bool:
    """Return False: an `until` that no event satisfies."""
    return False


def pause(seconds: float, saying: str = "") -> Dialogue[list[Any]]:
    """Wait, and return what was received meanwhile."""
    try:
        return (yield Ask(b"", nothing, seconds, saying))
    except NoAnswer as over:
        return list(over.received)


class Conversation(Generic[Result]):
    """Steps a dialogue through the events and the time that its owner passes in.

    After construction and after each call: `outgoing` holds what is to be sent (the owner takes it),
    `said` what is to be reported, `wake` is the latest time of the next `tick`, and once `done` is true
    `result` holds what the dialogue returned. What it raises comes out of the call that caused it.
    `now` is in seconds, of whatever clock the owner uses throughout.
    """

    result: Result

    def __init__(self, dialogue: Dialogue[Result], now: float) -> None:
        self.outgoing: list[Any] = []
        self.said: list[str] = []
        self.wake = now
        self.done = False
        self._dialogue = dialogue
        self._received: deque[Any] = deque(maxlen=MOST_RECEIVED)
        self._resume(lambda: next(dialogue), now)

    def receive(self, event: Any, now: float) -> None:
        """Pass in the next event."""
        if self.done:
            return
        self._received.append(event)
        if self._ask.until(event):
            events = self._taken()
            self._resume(lambda: self._dialogue.send(events), now)

    def tick(self, now: float) -> None:
        """Let time pass: at `wake` or later the question is given up."""
        while not self.done and now >= self.wake:
            silence = NoAnswer(f"no answer within {self._ask.within:g} s")
            silence.received = tuple(self._taken())
            self._resume(lambda error=silence: self._dialogue.throw(error), now)  # type: ignore[misc]

    def step(self, send: Sequence[Any] = (), **more: Any) -> Step:
        """Take what is to be sent and reported; the machine sends `send` before it, and adds the fields of `more`."""
        messages, said = [*send, *self.outgoing], self.said
        self.outgoing, self.said = [], []
        result = self.result if self.done else None
        return Step(
            **{"send": messages, "saying": said, "wake": self.wake, "done": self.done, "result": result, **more}
        )

    def _taken(self) -> list[Any]:
        events = list(self._received)
        self._received.clear()
        return events

    def _resume(self, step: Callable[[], Ask], now: float) -> None:
        try:
            self._ask = step()
        except StopIteration as stop:
            self.done = True
            self.result = stop.value
            return
        except BaseException:
            self.done = True
            raise
        self.wake = now + self._ask.within
        if self._ask.send:
            self.outgoing.append(self._ask.send)
        if self._ask.saying:
            self.said.append(self._ask.saying)


class Talk:
    """The machine of a dialogue that needs nothing but a port."""

    _conversation: Conversation[Any]

    def start(self, program: Dialogue[Any], now: float, wall: float) -> Step:
        """Begin a dialogue. Raise what it raises."""
        self._conversation = Conversation(program, now)
        return self._conversation.step()

    def step(self, now: float, wall: float, events: Iterable[Any] = ()) -> Step:
        """Take in `events`, then the time. Raise what the dialogue raises."""
        for event in events:
            self._conversation.receive(event, now)
        self._conversation.tick(now)
        return self._conversation.step()

    def take_points(self) -> list[Point]:
        """Return no points: a dialogue gives its result."""
        return []
