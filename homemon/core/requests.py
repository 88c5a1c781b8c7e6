"""Programs that somebody else wants run, one at a time, between the questions of a machine's own program.

A machine gets them as events. Its program waits by `wait`, which a request ends too, and runs what has come by
`serve`, also in the middle of long work of its own, so that nobody waits for the end of that.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from homemon.core.dialogue import Ask, Dialogue, Reply
from homemon.core.errors import HomemonError


class Request(NamedTuple):
    """A program to run; it returns lines of text.

    Others may come between the questions of a `long` one, which itself comes only when nothing else is done.
    """

    number: int
    program: Callable[[], Dialogue[Sequence[str]]]
    long: bool = False


class Program(NamedTuple):
    """What can be asked for: `make` gives a dialogue for a question's words, or raises ValueError.

    For `long` see `Request`.
    """

    make: Callable[..., Dialogue[Sequence[str]]]
    long: bool = False


class Requests:
    """A machine's requests. Errors of the classes `fatal` end the machine's own program too."""

    def __init__(self, *fatal: type[HomemonError]) -> None:
        self._begun: list[int] = []
        self._replies: list[Reply] = []
        self._fatal = fatal
        self._waiting: deque[Request] = deque()
        self._running: list[Request] = []
        self._idle = False

    def take(self, request: Request) -> bool:
        """Take a request in; return whether the program is idle, and is to get it as an event."""
        self._waiting.append(request)
        return self._idle

    def forget(self) -> None:
        """Forget those that wait or run: their machine begins anew."""
        self._waiting.clear()
        self._running.clear()
        self._idle = False

    def wait(self, until: Callable[[Any], bool], within: float) -> Dialogue[list[Any]]:
        """Wait as an `Ask` that sends nothing does; a request ends it too. Raise NoAnswer as `Ask` does."""
        self._idle = True
        try:
            return (yield Ask(b"", lambda event: isinstance(event, Request) or until(event), within))
        finally:
            self._idle = False

    def serve(self, idle: bool = False) -> Dialogue[bool]:
        """Run what waits, long ones only while `idle`; return whether there was anything. Raise what is fatal."""
        served = False
        while request := self._next(idle):
            served = True
            self._running.append(request)
            self._begun.append(request.number)
            try:
                lines = yield from request.program()
            except HomemonError as error:
                self._replies.append(Reply(number=request.number, error=error))
                if isinstance(error, self._fatal):
                    raise
            else:
                self._replies.append(Reply(number=request.number, lines=lines))
            finally:
                if request in self._running:
                    self._running.remove(request)
        return served

    def _next(self, idle: bool) -> Request | None:
        """Take the next that may begin now out of the queue."""
        if not all(request.long for request in self._running):
            return None
        found = next((each for each in self._waiting if not each.long or (idle and not self._running)), None)
        if found:
            self._waiting.remove(found)
        return found

    def refuse(self, error: HomemonError) -> None:
        """Reply to those that wait by an error."""
        while self._waiting:
            self._replies.append(Reply(number=self._waiting.popleft().number, error=error))

    def news(self) -> dict[str, Any]:
        """Return the fields of a step about what began and what ended since, and forget it."""
        begun, self._begun = self._begun, []
        replies, self._replies = self._replies, []
        return {"begun": begun, "replies": replies}
