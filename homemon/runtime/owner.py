"""Requests through the owner: who holds a port asks its device for the commands that find it taken.

A listener also serves a private socket in the store's folder (`ports.local_socket`). One connection is one question,
and all is text, a line each, in which a backslash and a line end are written `\\\\` and `\\n`:

    > homemon1 60 poll E7            protocol, seconds that the answer is waited for, what is asked
    < homemon1                       it is taken, and waits for its turn
    < saying asking again ...        what takes long
    < point power r=523i 1764…       a reading, stored, as it stands on stdout
    < note the meter refused E8      what goes to stderr; a `warning` even with --quiet
    < result …                       what the question's program returned
    < error the meter left …         why it failed, and
    < hint Run `homemon join`        what to do
    < end 1                          the exit status

What is asked waits for its turn between the owner's own questions, with the device's own spacing. Who goes away
before that is not asked for; what a device answers is stored, whoever went away.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Step
from homemon.core.errors import DeviceError, HomemonError, NoAnswer, PortError, StoreError
from homemon.core.files import Lock
from homemon.core.requests import Program, Request
from homemon.ports.local_socket import LONGEST, LocalSocket
from homemon.runtime.asking import PROTOCOL, socket_of
from homemon.runtime.context import App
from homemon.runtime.stop import Stop

LONGEST_WAIT = 7200.0  # seconds
AGAIN = "Try again in a minute."


@dataclass
class _Question:
    """A question under way; `failure` is why what was read could not be stored."""

    within: float
    deadline: float
    begun: bool = False
    failure: HomemonError | None = None


class Owner:
    """The owner's side. `explain` adds to an error what only the command knows.

    Where there can be no socket, that is reported once, and nobody can ask.
    """

    def __init__(
        self,
        app: App,
        lock: Lock,
        programs: Mapping[str, Program],
        explain: Callable[[HomemonError], None] = lambda error: None,
    ) -> None:
        self._app = app
        self._programs = programs
        self._explain = explain
        self._questions: dict[int, _Question] = {}
        self._is_joining = False
        self._socket: LocalSocket | None = None
        app.relay = self.relay
        try:
            self._socket = LocalSocket(socket_of(lock))
        except PortError as error:
            app.warn(str(error), "Commands that need this port cannot ask through this listener; all else goes on.")

    @property
    def handles(self) -> Sequence[int]:
        """Return the descriptors that are readable when `requests` has something to do."""
        return [self._socket.fileno()] if self._socket else []

    @property
    def within(self) -> float:
        """Return after how many seconds `requests` is to be called at the latest."""
        if self._socket is None:
            return float("inf")
        deadlines = (question.deadline for question in self._questions.values())
        return max(0.0, min(self._socket.due, *deadlines, float("inf")) - monotonic())

    def close(self) -> None:
        """End all connections without an answer, and take the socket away."""
        if self._socket:
            self._socket.close()
        self._socket = None
        self._questions.clear()

    def owned(self, port: Any) -> "OwnedPort":
        """Return the machine's `port`, by which it gets what is asked as well."""
        return OwnedPort(port, self)

    # --- what is asked ---------------------------------------------------------------

    def requests(self) -> list[Request]:
        """Return what has been asked since."""
        found: list[Request] = []
        if self._socket is None:
            return found
        for number, line in self._socket.questions():
            try:
                found.append(self._request(self._socket, number, line))
            except (ValueError, TypeError):
                unknown = "this is no question that this version of homemon knows"
                too_long = f"the question is longer than {LONGEST} bytes"
                self._finish(number, PortError(too_long if len(line) > LONGEST else unknown))
        self._expire(monotonic())
        return found

    def _request(self, served: LocalSocket, number: int, line: str) -> Request:
        protocol, seconds, name, *words = line.split(" ")
        within = float(seconds)
        known = protocol == PROTOCOL and name in self._programs and len(line) <= LONGEST
        if not known or not 0 < within <= LONGEST_WAIT:
            raise ValueError
        make, long = self._programs[name]
        program = make(*words)  # of wrong words it makes none
        served.send(number, PROTOCOL)
        self._questions[number] = _Question(within, monotonic() + within)

        def run_if_wanted() -> Dialogue[Sequence[str]]:
            if not served.is_open(number) or number not in self._questions:
                raise DeviceError("who asked does not wait any more")
            return program

        return Request(number=number, program=run_if_wanted, long=long)

    def _expire(self, now: float) -> None:
        for number, question in list(self._questions.items()):
            if self._socket and not self._socket.is_open(number) and not question.begun:
                del self._questions[number]
            elif now >= question.deadline:
                busy = "is joining the meter's network" if self._is_joining else "was busy"
                what = "had no answer" if question.begun else f"{busy}; nothing was asked"
                self._finish(number, NoAnswer(f"the listener {what} within {question.within:g} s", AGAIN))

    # --- what is answered -------------------------------------------------------------

    def relay(self, word: str, text: str, hint: str = "") -> None:
        """Give what the owner says to those whose questions are under way. A `failure` is that of all of them."""
        for number, question in self._questions.items():
            if not question.begun:
                continue
            if word == "failure":
                question.failure = StoreError(text, hint)
            else:
                self._send(number, word, text)

    def take(self, step: Step) -> None:
        """Note which questions a step of the machine began, and answer those that it ended."""
        self._is_joining = step.joining
        for number in step.begun:
            if number in self._questions:
                self._questions[number].begun = True
        for reply in step.replies:
            if reply.error:
                self._explain(reply.error)
            self._finish(reply.number, reply.error, reply.lines)

    def fail(self, error: HomemonError, only_begun: bool = False) -> None:
        """Answer all, or those under way only, by an error: the machine that was to answer them is no more."""
        for number in [number for number, question in self._questions.items() if question.begun or not only_begun]:
            self._finish(number, error)

    def fail_while_away(self, seconds: float, error: HomemonError, stop: Stop) -> None:
        """Let time pass in which each question is answered by an error. Raise Stopped."""
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0:
            stop.wait(min(left, self.within), self.handles)
            self.requests()
            self.fail(error)

    def _send(self, number: int, word: str, text: str) -> None:
        if self._socket:
            self._socket.send(number, f"{word} {text if word == 'point' else _one_line(text)}")

    def _finish(self, number: int, error: HomemonError | None, lines: Sequence[str] = ()) -> None:
        question = self._questions.pop(number, None)
        error = error or (question.failure if question else None)
        for line in lines:
            self._send(number, "result", line)
        if error:
            self._send(number, "error", str(error))
            self._send(number, "hint", error.hint)
        self._send(number, "end", str(error.exit_code if error else 0))
        if self._socket:
            self._socket.end(number)


class OwnedPort:
    """A machine's port, by which its machine gets the owner's requests too."""

    def __init__(self, port: Any, owner: Owner) -> None:
        self._port = port
        self._owner = owner
        self.now: Callable[[], Instant] = port.now
        self.send: Callable[[Any], None] = port.send

    def receive(self, until: float) -> tuple[list[Any], Instant]:
        """Return what has come, requests last."""
        events, at = self._port.receive(min(until, self.now().ticks + self._owner.within))
        return [*events, *self._owner.requests()], at


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
