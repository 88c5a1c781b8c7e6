"""When something was written down: what a reading without a time of its own is dated by."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple

from homemon.core.points import JST

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = r"(?P<hour>[0-9]{1,2})[:時](?P<minute>[0-9]{2})[:分](?P<second>[0-9]{2})(?:[.,][0-9]+|秒)?"
_CLOCK += r"(?: ?(?P<half>[AP]M))?(?: ?(?P<zone>Z|UTC|GMT|JST|[+-][0-9]{2}:?[0-9]{2}))?(?![0-9:])"
_MONTH = rf"(?P<name>{'|'.join(MONTHS)})"
_DATES = tuple(
    re.compile(form.replace("CLOCK", _CLOCK).replace("MONTH", _MONTH))
    for form in (
        r"(?<![0-9])(?P<year>[0-9]{4})(?:[-/.年])(?P<month>[0-9]{1,2})(?:[-/.月])(?P<day>[0-9]{1,2})日?[T _]*CLOCK",
        r"(?<![0-9])(?P<year>20[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})[T _-]CLOCK",
        r"\bMONTH +(?P<day>[0-9]{1,2}) (?:(?P<year>[0-9]{4}) )?CLOCK(?: (?P<last>[0-9]{4})(?![0-9]))?",
        r"(?<![0-9])(?P<day>[0-9]{1,2})[ /-]MONTH(?:[ /-](?P<year>[0-9]{4}))?[: ]CLOCK",
    )
)
"""ISO 8601 and its like, 20251126-170001, syslog's and date(1)'s, a web server's and Node-RED's."""
_SECONDS = re.compile(r"\W?(1[0-9]{9})(?:[0-9]{3}|[0-9]{6}|[0-9]{9})?(?:\.[0-9]+)?(?![0-9])")
_TIME_ONLY = re.compile(rf"(?<![0-9:]){_CLOCK}")
_NAMED = re.compile(r"\b(?:time|ts|timestamp|datetime|asctime|date|__REALTIME_TIMESTAMP)\"?\s*[:=]\s*\"?([^\",}]+)")
WITHIN = 60  # characters from the beginning of a line
HALF_DAY = timedelta(hours=12)


class Moment(NamedTuple):
    """`at` in Unix seconds, None where it is unknown; `believed` is False where the clock may have been wrong.

    `naive` is True where no zone was named: then `at` takes the time to be of the zone that is expected.
    """

    at: float | None = None
    believed: bool = True
    naive: bool = False

    @property
    def second(self) -> int | None:
        """The second by which readings are dated; None where there is none to go by."""
        return int(self.at) if self.at is not None and self.believed else None


class Stamps:
    """Reads the times that stand before the lines of a log.

    `day` is that of the first line, where they have none, or no year; `zone` the one of times that name none,
    where None is the process' own.
    """

    def __init__(self, day: date | None, zone: tzinfo | None = JST) -> None:
        self._day = day
        self._zone = zone
        self._last: datetime | None = None

    def cut(self, line: str) -> tuple[Moment, str]:
        """Return the time before a line, with its date, or of the day, or in Unix seconds; and the line without it."""
        head = line[:WITHIN]
        try:
            found = min((m for form in _DATES if (m := form.search(head))), key=lambda m: m.start(), default=None)
            if found and (moment := self._dated(found)):
                return self._moment(moment), _behind(line, found)
            if found := _SECONDS.match(head):
                return Moment(float(found[1])), _behind(line, found)
            if self._day is not None and (found := _TIME_ONLY.search(head)):
                return self._moment(self._on_day(_clock(found), _zone_of(found))), _behind(line, found)
        except ValueError:
            pass
        return Moment(), line

    def named(self, line: str) -> Moment:
        """Return the time that stands under a name anywhere in a line: "time": "…", ts=…"""
        for found in _NAMED.finditer(line):
            moment, _ = self.cut(found[1])
            if moment.at is not None:
                return moment
        return Moment()

    def _moment(self, moment: datetime) -> Moment:
        if moment.tzinfo:
            return Moment(moment.timestamp())
        return Moment(moment.replace(tzinfo=self._zone).timestamp(), naive=True)

    def _dated(self, found: re.Match[str]) -> datetime | None:
        """Return a time with its date; without a year it needs that of the log's first line. Raise ValueError."""
        parts = {name: text for name, text in found.groupdict().items() if text}
        month = MONTHS.index(parts["name"]) + 1 if "name" in parts else int(parts["month"])
        clock, zone = _clock(found), _zone_of(found)
        if named := parts.get("year") or parts.get("last"):
            return datetime.combine(date(int(named), month, int(parts["day"])), clock, zone)
        if self._day is None:
            return None
        after = self._last.date() if self._last else self._day
        year = after.year + (month < after.month - 6) - (month > after.month + 6)  # the nearest one
        self._last = datetime.combine(date(year, month, int(parts["day"])), clock)
        return self._last.replace(tzinfo=zone)

    def _on_day(self, clock: time, zone: tzinfo | None) -> datetime:
        """Return a time of the day; one that is much earlier than the last is the next day's."""
        assert self._day is not None
        moment = datetime.combine(self._last.date() if self._last else self._day, clock)
        if self._last and self._last - moment > HALF_DAY:
            moment += timedelta(days=1)
        self._last = moment
        return moment.replace(tzinfo=zone)


def _behind(line: str, found: re.Match[str]) -> str:
    return line[found.end() :].lstrip(" \t]):,|-")


def _clock(found: re.Match[str]) -> time:
    """Return a time of the day. Raise ValueError."""
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] == "PM" else 0)
    return time(hour, int(found["minute"]), int(found["second"]))


def _zone_of(found: re.Match[str]) -> tzinfo | None:
    """Return the zone that a time names; None where it names none."""
    name = found["zone"]
    if not name:
        return None
    if name[0] not in "+-":
        return JST if name == "JST" else UTC
    minutes = int(name[1:3]) * 60 + int(name[-2:])
    return timezone(timedelta(minutes=-minutes if name[0] == "-" else minutes))
