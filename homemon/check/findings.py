"""What the looks of `homemon check` share: the findings, and how a look gets at the configuration and the store."""

from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from homemon.core.clock import Instant
from homemon.core.columns import left
from homemon.core.errors import HomemonError, StoreError
from homemon.core.points import Point, age_text
from homemon.runtime.context import App
from homemon.runtime.output import said
from homemon.sources.registry import ENDS_LATER
from homemon.sources.source import Source

MARGIN = 8  # characters before what was looked at, in which the mark stands
CHECK = "check"
"""The context of what is looked at, and of the marks."""
AHEAD = 300  # seconds that a device's clock may be ahead of ours; what is dated later says nothing


class Mark(Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(NamedTuple):
    """One line: its mark, what was looked at, what was found, and the remedy."""

    mark: Mark
    what: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the line in the reader's words."""
        remedy = f"{'' if self.found.endswith('?') else '.'} {self.remedy}" if self.remedy else ""
        mark, what = left(said(self.mark.value, CHECK), MARGIN), said(self.what, CHECK)
        return f"{mark}{said(what)}: {said(self.found + remedy)}"


def ok(what: str, found: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(Mark.OK, what, found)


def warning(what: str, found: str, remedy: str) -> Finding:
    """Return a finding: readings come, and something may end that; or they do not, and that may be right."""
    return Finding(Mark.WARNING, what, found, remedy)


def fault(what: str, found: str, remedy: str) -> Finding:
    """Return a finding: readings do not come, or do not get where they should."""
    return Finding(Mark.FAULT, what, found, remedy)


def failed(what: str, error: HomemonError) -> Finding:
    """Return a fault that names itself and its remedy."""
    return fault(what, str(error), error.hint)


class Aside(App):
    """homemon for one look: what a device reports meanwhile is stored if it can be, and not printed.

    `transcript` is the file of `--trace`.
    """

    def __init__(self, config: str | None = None, quiet: bool = False, transcript: str | None = None) -> None:
        super().__init__(config, quiet)
        self.transcript = transcript

    def put(self, line: str) -> None:
        """Print nothing: stdout belongs to the findings."""

    def record(self, points: Sequence[Point], at: Instant) -> None:
        with suppress(StoreError):  # the store has a look of its own
            super().record(points, at)

    def freshness(self, source: Source, remedy: str) -> Finding:
        """Return how old the newest reading of a source is; a fault with this remedy where it is too old.

        Raise StoreError.
        """
        what, now = source.look, self.now()
        if not self.store.clock.trusts(now):
            return warning(what, "how old its readings are is not known while the clock is wrong", "Set the clock")
        measurements = {series.measurement for series in source.series}
        newest = [
            reading[0] + ENDS_LATER.get(name, 0)
            for name, field, tags in self.store.archive.series()
            if name in measurements and (reading := self.store.archive.latest(name, field, int(now.wall) + AHEAD, tags))
        ]
        if not newest:
            return warning(what, "no reading has been stored yet", remedy)
        age = max(0, int(now.wall) - max(newest))
        found = f"its newest reading is {age_text(age)} old"
        return ok(what, found) if age <= source.silent_after else fault(what, found, remedy)
