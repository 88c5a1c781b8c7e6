"""What a place that readings go to is to the sender: a server, a broker, Home Assistant.

A sink says whether it lacks anything, takes what it can in one round, and never raises for what the world does.
When it is asked again, and what was reported of it, is the same for all of them: `sender`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from homemon.delivery.verdicts import Answer
from homemon.storage.database import Database
from homemon.storage.ledger import FIRST
from homemon.storage.outbox import Backlog

FRESH: dict[str, float | str] = {"failures": 0, "retry_at": 0, "fault": "", "held": "", "refused": ""}
"""What is kept of the delivery to a place that is new."""
LONGEST_PAUSE = 3600.0  # seconds; nothing is lost of what waits meanwhile
NOTHING: Mapping[str, float | str] = MappingProxyType({})


class Turn(NamedTuple):
    """What a round is to know: the Unix time, and until when it may take (`time.monotonic`).

    `sparing`: what failed before is tried again only when its time has come. `failures` rounds before this one were in
    vain.
    """

    wall: float
    deadline: float
    sparing: bool = False
    failures: int = 0


class Outcome(NamedTuple):
    """What a round did: how much was `sent`, and what hinders the rest.

    `trouble` stopped it as a whole: the sink is left alone for a while. Where it took some all the same, `fault` is
    what it did not take, and `again` after how many seconds it may be asked; 0 for as soon as it lacks anything.
    `facts` are kept for the next process, `refused` is what it said of what was set aside for good.
    """

    sent: int
    trouble: Answer | None = None
    fault: str = ""
    again: float = 0.0
    facts: Mapping[str, float | str] = NOTHING
    refused: str = ""


class Sink(Protocol):
    """A place that readings go to."""

    @property
    def name(self) -> str:
        """What it is called in messages and by `homemon upload`."""

    @property
    def longest_pause(self) -> float:
        """For how many seconds at most it is left alone after it failed."""

    def pending(self, wall: float) -> bool:
        """Return whether it lacks something that may be sent now: quickly, from the store. Raise StoreError."""

    def next_try(self) -> float:
        """Return the Unix time at which something that failed is tried again; 0 where nothing did."""

    def deliver(self, turn: Turn) -> Outcome:
        """Make one round. Raise StoreError."""

    def backlog(self) -> Backlog:
        """Return how much waits, and how much it refused for good; this may take a while. Raise StoreError."""

    def again(self, since: int) -> None:
        """Have it lack again all that is dated from `since` on, Unix seconds. Raise StoreError."""

    def lifted(self) -> Mapping[str, float | str]:
        """Return the facts with which all that failed before is tried again at once."""


class Memory:
    """What is kept in the store of the delivery to one sink, as long as its settings stay the same."""

    def __init__(self, db: Database, sink: str = FIRST, settings: str = "") -> None:
        self._db = db
        self._before = "" if sink == FIRST else f"{sink} "
        self._settings = settings

    def knows(self) -> bool:
        """Return whether what is kept is about a sink with these settings (their `fingerprint`)."""
        return (self._db.recall(f"{self._before}server") or "") == self._settings

    def recall(self, key: str) -> float | str | None:
        """Return what an earlier round stored. Raise StoreError."""
        return self._db.recall(f"{self._before}{key}") if self.knows() else None

    def remember(self, **facts: float | str) -> None:
        """Keep facts for the next round, and nothing of a sink with other settings. Raise StoreError."""
        if not self.knows():
            facts = {**FRESH, **facts}
            if self._before:
                self._db.forget(self._before)
        self._db.remember(**{f"{self._before}{key}": fact for key, fact in {**facts, "server": self._settings}.items()})

    @property
    def fault(self) -> str:
        """What keeps the sink from taking all, as the last round found it; empty where nothing does."""
        return str(self.recall("fault") or "")


def fingerprint(settings: tuple[Any, ...]) -> str:
    """Return a digest that distinguishes the settings of a sink, too short to reveal its secrets."""
    from hashlib import blake2b  # which loads OpenSSL, 3.5 MB that a listener without a place keeps free

    return blake2b(repr(tuple(settings)).encode(), digest_size=3).hexdigest()
