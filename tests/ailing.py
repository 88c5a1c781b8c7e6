"""A server that fails on some lines only, and the rounds of sending to it."""

from collections.abc import Callable, Iterable

from homemon.config.keys import Server
from homemon.core.points import Point
from homemon.delivery.sender import Sender, Sending
from homemon.storage.store import Store
from tests.servers import Asked, Reply, ScriptedServer, settings
from tests.stores import WALL, T, put

STEP = 7200  # seconds
COUNT = 252  # steps of three weeks
AILING = Reply(500, '{"error":"mystery"}')
NAMES = ("power", "+power", "-power", "hatuden")
Picks = Callable[[str, int], bool]  # measurement, seconds since T


def parsed(line: str) -> tuple[str, int]:
    """Measurement of a line, and its time counted from T."""
    name, _, time = line.split(" ")
    return name, int(time.removesuffix("000000000")) - T


class Ailing:
    """A scripted server that answers `reply` to every batch with a line that `picks` chooses, and keeps all others."""

    def __init__(self, scripted: ScriptedServer, picks: Picks, reply: Reply = AILING) -> None:
        self.picks, self.reply = picks, reply
        self.has: set[tuple[str, int]] = set()
        self.scripted = scripted
        scripted.answer = self.answer

    def answer(self, asked: Asked) -> Reply:
        lines = [parsed(line) for line in asked.lines]
        if any(self.picks(*line) for line in lines):
            return self.reply
        self.has.update(lines)
        return Reply()

    def requests(self, round_: Callable[[], object]) -> int:
        """How many a round makes."""
        before = len(self.scripted.asked)
        round_()
        return len(self.scripted.asked) - before


class Rounds:
    """Rounds of a listener or of cron jobs: patient, at the time the last one named."""

    def __init__(self, sender_to: Callable[[Server], Sender], url: str) -> None:
        self.wall = WALL
        self._make: Callable[[], Sender] = lambda: sender_to(settings(url))

    def next(self) -> Sending:
        sender = self._make()
        assert sender.due(self.wall)
        sending = sender.send(self.wall, 60, sparing=True)
        assert sending is not None
        self.wall = max(self.wall + 1, sending.next_try)
        return sending

    def due(self) -> bool:
        return self._make().due(self.wall)


def spread(store: Store, name: str, times: Iterable[int]) -> set[tuple[str, int]]:
    """Store a point at each of `times`, counted from T; what a server is to have of them."""
    found = list(times)
    put(store, *(Point(name, {"value": i}, T + i) for i in found))
    return {(name, i) for i in found}
