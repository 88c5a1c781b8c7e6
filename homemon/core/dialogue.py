"""Dialogues with a device, and the one thing that steps them.

A dialogue is a generator that reads from top to bottom like the script it replaces:

    heard = yield Ask(command("SKVER"), is_result, within=2.0)

It is resumed with what was heard since (the newest `MOST_HEARD` of it), of which the last satisfied
`until`; where nothing did before the deadline, NoAnswer is raised at the `yield`. It owns no port and
no clock, so the same dialogue runs on hardware, on a pty and in virtual time.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Generic, NamedTuple, TypeVar

from homemon.core.errors import NoAnswer

Result = TypeVar("Result")
MOST_HEARD = 1000  # events kept for one answer; a line that only makes noise does so for half an hour at a time


class Ask(NamedTuple):
    """Send `send` (may be empty), then wait for an event that satisfies `until`, at most `within` seconds.

    `saying` is for the person who watches: what is being done that takes time.
    """

    send: bytes
    until: Callable[[Any], bool]
    within: float
    saying: str = ""


Dialogue = Generator[Ask, list[Any], Result]


def nothing(event: Any) -> bool:
    """An `until` that no event satisfies."""
    return False


def pause(seconds: float, saying: str = "") -> Dialogue[list[Any]]:
    """Wait, and give what was heard meanwhile."""
    try:
        return (yield Ask(b"", nothing, seconds, saying))
    except NoAnswer as over:
        return list(over.heard)


class Conversation(Generic[Result]):
    """Steps a dialogue through the events and the time that its owner passes in.

    After construction and after each call: `outgoing` holds what is to be sent (the owner takes it),
    `said` what is to be told, `wake` is the latest time of the next `tick`, and once `done` is true
    `result` holds what the dialogue returned. What it raises comes out of the call that caused it.
    `now` is in seconds, of whatever clock the owner uses throughout.
    """

    result: Result

    def __init__(self, dialogue: Dialogue[Result], now: float) -> None:
        self.outgoing: list[bytes] = []
        self.said: list[str] = []
        self.wake = now
        self.done = False
        self._dialogue = dialogue
        self._heard: deque[Any] = deque(maxlen=MOST_HEARD)
        self._resume(lambda: next(dialogue), now)

    def hear(self, event: Any, now: float) -> None:
        """Pass in the next event."""
        if self.done:
            return
        self._heard.append(event)
        if self._ask.until(event):
            heard = self._taken()
            self._resume(lambda: self._dialogue.send(heard), now)

    def tick(self, now: float) -> None:
        """Let time pass: at `wake` or later the question is given up."""
        while not self.done and now >= self.wake:
            silence = NoAnswer(f"no answer within {self._ask.within:g} s")
            silence.heard = tuple(self._taken())
            self._resume(lambda error=silence: self._dialogue.throw(error), now)  # type: ignore[misc]

    def _taken(self) -> list[Any]:
        heard = list(self._heard)
        self._heard.clear()
        return heard

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
