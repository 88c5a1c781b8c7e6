"""What the rest of a period will use, if it goes on as on the same weekdays of the last weeks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from homemon.core.points import DAY, HALF_HOUR, midnight
from homemon.energy.periods import ONE_DAY, day_of, starts
from homemon.energy.spans import Span, touching
from homemon.energy.usage import Days, shape

WEEKS = 4  # that are looked back, each of which is one way in which it may go on
LOOK_BACK = 2 * WEEKS * 7 * ONE_DAY  # days of which some may not be known


def ways(spans: Sequence[Span], since: int, end: int) -> list[Days]:
    """Return up to four ways in which the time from `since` to `end`, Unix seconds, may go: as one, two, … weeks ago.

    Half-hours before `since` are zero. Empty where no whole day of the last weeks is known. `since` begins a half-hour.
    """
    today, last = day_of(since), day_of(end - 1)
    past = shape(spans, starts(today - LOOK_BACK), starts(today)).days
    known = [day for day in sorted(past, reverse=True) if _is_whole(spans, day)]
    if not known:
        return []
    future = [today + n * ONE_DAY for n in range((last - today).days + 1)]
    alike = {
        day: [each for each in known if each.weekday() == day.weekday()][:WEEKS] or known[:WEEKS] for day in future
    }
    count = max(map(len, alike.values()))
    begun = (since - midnight(since)) // HALF_HOUR
    return [dict(_way(past, alike, number, today, begun)) for number in range(count)]


def _way(
    past: Days, alike: Mapping[date, Sequence[date]], number: int, today: date, begun: int
) -> Iterator[tuple[date, Sequence[Decimal]]]:
    for day, models in alike.items():
        half_hours = past[models[number % len(models)]]
        yield day, [Decimal(0)] * begun + [*half_hours[begun:]] if day == today else half_hours


def mean(ways: Sequence[Days]) -> Days:
    """Return the mean of several ways."""
    return {day: [sum(each) / len(ways) for each in zip(*(way[day] for way in ways), strict=True)] for day in ways[0]}


def _is_whole(spans: Sequence[Span], day: date) -> bool:
    """Return whether all of a day is known."""
    start, end = starts(day), starts(day) + DAY
    return sum(min(span.end, end) - max(span.start, start) for span in touching(spans, start, end)) == DAY
