"""When something was written down: what a reading without a time of its own is dated by."""

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from homemon.points import JST

_DATED = re.compile(
    r"(?P<date>[0-9]{4}[-/][0-9]{2}[-/][0-9]{2})[T ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?"
    r" ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_SECONDS = re.compile(r"\W?(1[0-9]{9})(?:\.[0-9]+)?(?![0-9])")
_TIME_ONLY = re.compile(r"(?<![0-9:])([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?(?![0-9:])")
WITHIN = 60  # characters from the beginning of a line
HALF_DAY = timedelta(hours=12)


class Moment(NamedTuple):
    """`at` in Unix seconds, None where nothing tells it; `believed` is False where the clock may have been wrong."""

    at: float | None = None
    believed: bool = True

    @property
    def second(self) -> int | None:
        """The second by which readings are dated; None where there is none to go by."""
        return int(self.at) if self.at is not None and self.believed else None


class Stamps:
    """Reads the times that stand before the lines of a log. `day` is that of the first line, where they tell none."""

    def __init__(self, day: date | None) -> None:
        self._day = day
        self._last: datetime | None = None

    def cut(self, line: str) -> tuple[Moment, str]:
        """A line without the time before it, and that time: with its date, or of the day, or in Unix seconds. JST."""
        head = line[:WITHIN]
        try:
            if found := _DATED.search(head):
                text = f"{found['date'].replace('/', '-')}T{found['time']}{found['zone'] or ''}"
                moment = datetime.fromisoformat(text)
                at = (moment if moment.tzinfo else moment.replace(tzinfo=JST)).timestamp()
            elif found := _SECONDS.match(head):
                at = float(found[1])
            elif self._day is not None and (found := _TIME_ONLY.search(head)):
                at = self._on_day(time.fromisoformat(found[1])).timestamp()
            else:
                return Moment(), line
        except ValueError:
            return Moment(), line
        return Moment(at), line[found.end() :].lstrip(" \t]):,|-")

    def _on_day(self, clock: time) -> datetime:
        """A time of the day; one that is much earlier than the last is the next day's."""
        assert self._day is not None
        moment = datetime.combine(self._last.date() if self._last else self._day, clock, JST)
        if self._last and self._last - moment > HALF_DAY:
            moment += timedelta(days=1)
        self._last = moment
        return moment
