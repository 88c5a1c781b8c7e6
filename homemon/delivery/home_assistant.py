"""The sink of Home Assistant's long-term statistics: every hour of energy and yen, equal to the store's.

The store's account (`changes`) says which readings are new or changed. From the month on in which that changes hours,
all hours are compared, and written where they differ (`ha_walk`). All hours since the first are compared once a day,
where the contracts or prices changed, and where Home Assistant does not have the newest hour that was settled, as after
a restored backup. How far a walk has come is kept in the store, so the next process goes on there.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from homemon.config.keys import HomeAssistant as Settings
from homemon.core.clock import RELEASED
from homemon.core.points import DAY, HOUR
from homemon.delivery.ha_statistics import Row
from homemon.delivery.sink import LONGEST_PAUSE, Memory, Outcome, Turn
from homemon.delivery.verdicts import Answer, Verdict
from homemon.storage.ledger import Changes
from homemon.storage.outbox import Backlog

if TYPE_CHECKING:
    from homemon.delivery.ha_client import Client
    from homemon.energy.household import Flows
    from homemon.energy.periods import Period

NAME = "homeassistant"
KEPT = "hours"
BEGIN = 0
NOT_INSTALLED = Answer(
    Verdict.HOLD,
    "[homeassistant]: websockets is not installed; `pipx inject homemon websockets`, or `pip install websockets`"
    " in a venv",
    whole=True,
)


class Book(Protocol):
    """The energy and yen of the house, by months."""

    def fingerprint(self) -> str:
        """Return a digest of all but readings that hours are computed from, such as contracts and prices."""

    def now(self) -> float:
        """Return the present time in Unix seconds."""

    def first(self) -> int | None:
        """Return the time of the first reading, Unix seconds; None where there is none."""

    def affected(self, time: int) -> int:
        """Return from when on hours may change with a reading at `time`, both in Unix seconds."""

    def months(self, since: int) -> "Sequence[Period]":
        """Return the months from that of `since`, Unix seconds, to the present one."""

    def spans(self, month: "Period", reached: Mapping[str, int]) -> "Flows":
        """Return what is known of a month, as `ha_walk.Book` has it."""


class Progress(NamedTuple):
    """What is kept in the store.

    Hours from `since` on, Unix seconds, are to be compared; None where all are settled. `whole`: that began with the
    first one. `checked` is when all were compared last, `state` of which configuration this is, `seen` the newest
    reading that was settled, `newest` the last row of each statistic.
    """

    since: int | None = BEGIN
    whole: bool = True
    checked: float = 0.0
    state: str = ""
    seen: int = 0
    newest: Mapping[str, Row] = {}

    @property
    def goes_through_all(self) -> bool:
        """Whether all hours are being compared."""
        return self.whole and self.since is not None

    def begun(self, since: int) -> "Progress":
        """Return it with the hours from `since` on to be compared as well, Unix seconds."""
        since = since if self.since is None else min(since, self.since)
        return self._replace(since=since, whole=self.goes_through_all)

    def anew(self, state: str) -> "Progress":
        """Return it with all hours to be compared."""
        return self._replace(since=BEGIN, whole=True, state=state, newest={})


class HomeAssistant:
    """Home Assistant as a sink. `tags` are [tags]; the hours are those of `book`."""

    name = NAME
    longest_pause = LONGEST_PAUSE

    def __init__(
        self, changes: Changes, settings: Settings, memory: Memory, tags: Mapping[str, str], book: Book
    ) -> None:
        self._changes, self._settings, self._memory = changes, settings, memory
        self._tags, self._book = tags, book
        self._written: set[int] = set()

    def pending(self, wall: float) -> bool:
        """Return whether hours are to be compared. Raise StoreError."""
        if wall < RELEASED:
            return False  # of which no month would be known
        progress = self._recall()
        if progress.since is not None or self._is_due(progress):
            return True
        return self._changes.any() and self._complete_hours(progress, self._changes.times()[0])

    def next_try(self) -> float:
        """Return 0: nothing of it waits by itself."""
        return 0.0

    def lifted(self) -> Mapping[str, float | str]:
        """Return no facts: nothing of it waits by itself."""
        return {}

    def again(self, since: int) -> None:
        """Have all hours from `since` on, Unix seconds, compared again. Raise StoreError."""
        progress = self._recall()
        self._remember(progress.begun(self._book.affected(since)))

    def _is_due(self, progress: Progress) -> bool:
        """Return whether all hours are to be compared."""
        return progress.state != self._state() or not progress.checked <= self._book.now() < progress.checked + DAY

    def _complete_hours(self, progress: Progress, times: Sequence[int]) -> bool:
        """Return whether changed readings can change an hour: not what comes in a running one, but the first."""
        full = int(self._book.now()) // HOUR * HOUR
        return bool(times) and (times[0] <= full or progress.seen <= full)

    def backlog(self) -> Backlog:
        """Return how many hours are to be compared. Raise StoreError."""
        return Backlog(self._lacking(), 0)

    def _lacking(self) -> int:
        progress, first = self._recall(), self._book.first()
        full = int(self._book.now()) // HOUR
        if first is None:
            return 0
        if progress.since is not None:
            return max(0, full - max(progress.since, first) // HOUR)
        return len({hour for time in self._changes.times()[0] if (hour := time // HOUR) < full})

    def deliver(self, turn: Turn) -> Outcome:
        """Compare and write until all hours are equal, or the time is over. Raise StoreError."""
        if not find_spec("websockets"):
            return Outcome(0, NOT_INSTALLED)
        if turn.wall < RELEASED:
            return Outcome(0)
        from homemon.delivery.ha_client import Trouble, connected

        self._written.clear()
        try:
            with connected(self._settings) as there:
                self._round(there, turn.deadline)
        except Trouble as trouble:
            return Outcome(len(self._written), trouble.answer)
        return Outcome(len(self._written))

    def _round(self, there: "Client", deadline: float) -> None:
        from homemon.delivery.ha_walk import Misfit

        progress = self._begun(there)
        try:
            self._walk(there, progress, deadline)
        except Misfit:
            progress = progress.anew(self._state())
            self._remember(progress)
            self._walk(there, progress, deadline)

    def _begun(self, there: "Client") -> Progress:
        """Return from when on to compare, which is kept before the changes that say so are forgotten."""
        from homemon.delivery.ha_walk import Walk

        progress = self._recall()
        is_new = progress.state != self._state() or not Walk(there, self._tags).fits(progress.newest)
        if is_new or (self._is_due(progress) and not progress.goes_through_all):
            progress = progress.anew(self._state())._replace(seen=int(self._book.now()))
            self._remember(progress)
            self._changes.forget()
            return progress
        times, mark = self._changes.times()
        if times:
            progress = progress.begun(self._book.affected(times[0]))._replace(seen=times[-1])
        self._remember(progress)
        self._changes.settle(mark)
        return progress

    def _walk(self, there: "Client", progress: Progress, deadline: float) -> None:
        """Compare month after month. Raise Misfit, Trouble."""
        from homemon.delivery.ha_walk import Walk

        if progress.since is None:
            return
        first = self._book.first()
        months = [] if first is None else self._book.months(max(first, progress.since))
        walk = Walk(there, self._tags, self._written, strict=not progress.whole)
        for month in months:
            if monotonic() >= deadline:
                return
            walk.month(self._book, month, month is months[-1], deadline)
            progress = progress._replace(since=month.end, newest={**progress.newest, **walk.newest})
            self._remember(progress)
        checked = self._book.now() if progress.whole else progress.checked
        self._remember(progress._replace(since=None, checked=checked))

    # --- what is kept -----------------------------------------------------------------

    def _state(self) -> str:
        what = (sorted(self._tags.items()), self._book.fingerprint())
        return blake2b(repr(what).encode(), digest_size=8).hexdigest()

    def _recall(self) -> Progress:
        """Return what is kept; the beginning where nothing is, or nothing of this kind."""
        try:
            kept = json.loads(str(self._memory.recall(KEPT) or "{}"))
            newest = {name: _loaded(row) for name, row in kept.pop("newest", {}).items()}
            return Progress(**kept, newest=newest)
        except (ValueError, TypeError, AttributeError, ArithmeticError):
            return Progress()

    def _remember(self, progress: Progress) -> None:
        newest = {name: (row.start, str(row.sum)) for name, row in progress.newest.items()}
        self._memory.remember(**{KEPT: json.dumps({**progress._asdict(), "newest": newest})})


def _loaded(kept: Sequence[Any]) -> Row:
    start, counted = kept
    return Row(int(start), Decimal(counted), Decimal(counted))


def probe(settings: Settings) -> Answer:
    """Return TAKEN where Home Assistant would take hours, or why it would not."""
    if not find_spec("websockets"):
        return NOT_INSTALLED
    from homemon.delivery.ha_client import Trouble, connected

    try:
        with connected(settings) as there:
            return there.may_write()
    except Trouble as trouble:
        return trouble.answer
