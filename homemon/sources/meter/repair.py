"""When the meter's record is asked: for half-hours that the store lacks, and to compare what it has.

A refusal ends nothing. What the meter does not give now it is asked for again: soon, then at growing pauses, and
anew after each join. The last days are compared once a day, and all days once after the unit turned out to be
another one.
"""

from datetime import date
from typing import Protocol

from homemon.core.dialogue import Dialogue
from homemon.core.points import Point
from homemon.sources.meter import history
from homemon.sources.meter.history import LONGEST, Asker, Day, NoHistory
from homemon.sources.meter.plausible import Archive

EVERY = 86_400.0  # seconds between two plans where nothing is wrong
COMPARED_DAYS = 3
RECORD = "record"
SOON, LATER = 20.0, 1800.0  # seconds after a refusal, and after a record with holes; doubling up to a day


class Again:
    """When to ask again: after `first` seconds, and each time after twice as long, a day at most."""

    def __init__(self, first: float) -> None:
        self._first = self._pause = first

    def after(self, now: float) -> float:
        """Return the time of the next try."""
        pause, self._pause = self._pause, min(2 * self._pause, EVERY)
        return now + pause

    def reset(self) -> None:
        """Begin with the first pause again."""
        self._pause = self._first


class Session(Asker, Protocol):
    """Whose meter is asked. `recheck`: all that is stored is to be compared, as it may be in another unit."""

    recheck: bool


class Repair:
    """Does one small piece at a time, so that polls come first: `step` when `due`.

    `points` and `notes` are what came of it, for the caller to take.
    """

    def __init__(self, session: Session, archive: Archive | None, days: int) -> None:
        self.points: list[Point] = []
        self.notes: list[str] = []
        self.due = float("inf")
        self._session = session
        self._archive = archive
        self._days = days
        self._plan: list[Day] = []
        self._missing = False
        self._more = False  # to be planned anew when this plan is done
        self._rechecking = False
        self._read_twice: set[date] = set()
        self._compared = float("-inf")  # when the last days were last compared
        self._refused, self._holes = Again(SOON), Again(LATER)
        self._noted: dict[date | str, str] = {}

    def soon(self, now: float) -> None:
        """Plan to repair soon: something was lacking, contradicted what is stored, or can be requested at last."""
        if self._archive and (self._days or self._session.recheck):
            self.due = min(self.due, now)
            self._more = bool(self._plan)

    def compare(self, now: float) -> None:
        """Plan to repair soon, and to compare the last days once more."""
        self._compared = float("-inf")
        self.soon(now)

    def forget(self) -> None:
        """Forget the plan: another meter answers from now on."""
        self._plan.clear()
        self._noted.clear()

    def step(self, now: float, without: frozenset[str]) -> Dialogue[None]:
        """Plan, or read the next day of the plan. `without`: measurements that the meter refuses."""
        archive = self._archive
        if archive is None or self._session.scale is None or not archive.settled():
            self.due = now + SOON
            return
        try:
            if self._plan:
                yield from self._read(archive, self._plan.pop(0))
            elif (yield from self._make_plan(archive, now, without)):
                return
        except NoHistory as error:
            self._plan.clear()
            self._note(RECORD, str(error))
            self.due = self._refused.after(now)
            return
        self._refused.reset()
        self._note(RECORD, "")
        if not self._plan:
            self._finish(now)

    def _make_plan(self, archive: Archive, now: float, without: frozenset[str]) -> Dialogue[bool]:
        """Return whether there is anything to do."""
        compared = COMPARED_DAYS if now - self._compared >= EVERY and self._days else 0
        compared = LONGEST if self._session.recheck else min(compared, self._days)
        self._missing, self._rechecking = False, self._session.recheck
        self._read_twice.clear()
        self._plan = yield from history.plan(self._session, archive, self._days, compared, without)
        if compared:
            self._compared = now
        return bool(self._plan)

    def _read(self, archive: Archive, day: Day) -> Dialogue[None]:
        done = yield from history.repair(self._session, archive, day)
        self.points += done.points
        if done.found:
            self._holes.reset()
        if done.unread and day.date not in self._read_twice:
            self._read_twice.add(day.date)
            self._plan.append(day._replace(lacking=done.unread))
            return
        self._missing |= done.missing > 0
        self._note(day.date, "\n".join(done.notes(day.date)))

    def _finish(self, now: float) -> None:
        self.due = self._holes.after(now) if self._missing else now + EVERY
        if not self._missing:
            self._holes.reset()
        if self._rechecking:
            self._session.recheck = False
        if self._more or self._session.recheck:
            self.due = now
        self._more = False

    def _note(self, about: date | str, text: str) -> None:
        """Note what is news; the empty text where there is nothing more to say about it."""
        if text and self._noted.get(about) != text:
            self.notes += text.split("\n")
        if not text and about == RECORD and self._noted.get(about):
            self.notes.append("the meter gives its record again")
        self._noted[about] = text
