"""Very many homes that call one server, in virtual time: when each of them calls is drawn by the real sender.

All clocks are right, so all homes read their meters in the same second, the first of each minute: the worst case.
A home is a number here, of which no more is kept than how often it called in vain.
"""

from pathlib import Path
from random import Random
from typing import Any

from homemon.delivery.sender import Sender, pause
from homemon.delivery.verdicts import Answer, Verdict

MINUTE = 60
REFUSED = Answer(Verdict.LATER, whole=True)


class Nowhere:
    """The sink of a sender that is asked for moments only."""

    name = "server"


class Homes:
    """So many homes for so many seconds, with commands of cron each minute, or with listeners.

    `calls` and `served` count them for each second: not served are those that call while the server is `away`, or
    after as many as its `capacity` in that second. `back` has the homes that are served again after that.
    """

    def __init__(
        self, count: int, seconds: int, spread: float, crons: bool, away: range = range(0), capacity: int = 1 << 30
    ) -> None:
        nowhere: Any = Nowhere()
        self.calls, self.served, self.back = [0] * seconds, [0] * seconds, [0] * seconds
        self._crons, self._rng = crons, Random(1)
        self._sender = Sender(nowhere, nowhere, Path(), self._rng, spread)
        self._failures = bytearray(count)
        self._callers: list[list[int]] = [[] for _ in range(seconds)]
        for home in range(count):
            self._callers[int(self._sender.delay())].append(home)
        for second, callers in enumerate(self._callers):
            taken = 0 if second in away else capacity
            self.calls[second], self.served[second] = len(callers), min(taken, len(callers))
            self._serve(second, callers[:taken])
            self._refuse(second, callers[taken:])
            self._callers[second] = []

    def _serve(self, second: int, homes: list[int]) -> None:
        """Have the homes call again after their next reading."""
        failures, minute, delay = self._failures, _next(second), self._sender.delay
        for home in homes:
            if failures[home]:
                self.back[second] += 1
                failures[home] = 0
            self._call(home, minute + delay())

    def _refuse(self, second: int, homes: list[int]) -> None:
        """Have a listener call again as soon as it may, and a command of cron after the next reading from then on."""
        failures = self._failures
        for home in homes:
            retry_at = second + pause(REFUSED, failures[home], self._rng)
            failures[home] = min(failures[home] + 1, 255)
            minute, call = _next(second), retry_at
            while self._crons and (call := minute + self._sender.delay()) < retry_at:
                minute += MINUTE
            self._call(home, call)

    def _call(self, home: int, at: float) -> None:
        if at < len(self._callers):
            self._callers[int(at)].append(home)


def _next(second: int) -> int:
    """Return when the next minute begins."""
    return (second // MINUTE + 1) * MINUTE
