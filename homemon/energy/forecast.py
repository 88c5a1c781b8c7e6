"""What is not known of a period, if it went and goes on as on the same weekdays of the last weeks."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from homemon.core.points import DAY, HALF_HOUR, midnight
from homemon.energy.periods import ONE_DAY, day_of, starts
from homemon.energy.plan import WHOLE_DAY
from homemon.energy.spans import ZERO, Span, touching
from homemon.energy.usage import Days, gaps, shape

WEEKS = 4  # that are looked back, each of which is one way in which it may go on
LEAST = 7  # whole days that are to be known: each weekday may have its own
LOOK_BACK = 2 * WEEKS * 7 * ONE_DAY  # days of which some may not be known


def ways(spans: Sequence[Span], start: int, since: int, end: int) -> list[Days]:
    """Return up to four ways in which what is not known of a period may have gone and may go: as one, two, … weeks ago.

    From `start` to `end`, Unix seconds: all after `since`, which begins a half-hour, and what was not received before.
    What is known is zero in them. Empty where too few whole days of the last weeks are known.
    """
    today = day_of(since)
    past = shape(spans, starts(today - LOOK_BACK), starts(today)).days
    known = [day for day in sorted(past, reverse=True) if _is_whole(spans, day)]
    if len(known) < LEAST:
        return []
    holes = _half_hours([*gaps(touching(spans, start, since), start, since), (since, end)])
    alike = {day: [each for each in known if each.weekday() == day.weekday()][:WEEKS] or known[:WEEKS] for day in holes}
    count = max(map(len, alike.values()))
    return [
        {day: _filled(past[models[n % len(models)]], holes[day]) for day, models in alike.items()} for n in range(count)
    ]


def _half_hours(holes: Sequence[tuple[int, int]]) -> Mapping[date, set[int]]:
    """Return the half-hours of each day that begin in holes, numbered from midnight."""
    found: dict[date, set[int]] = {}
    for begin, end in holes:
        for time in range(begin, end, HALF_HOUR):
            found.setdefault(day_of(time), set()).add((time - midnight(time)) // HALF_HOUR)
    return found


def _filled(model: Sequence[Decimal], holes: set[int]) -> Sequence[Decimal]:
    return model if len(holes) == WHOLE_DAY else [kwh if n in holes else ZERO for n, kwh in enumerate(model)]


def mean(ways: Sequence[Days]) -> Days:
    """Return the mean of several ways."""
    return {day: [sum(each) / len(ways) for each in zip(*(way[day] for way in ways), strict=True)] for day in ways[0]}


def _is_whole(spans: Sequence[Span], day: date) -> bool:
    """Return whether all of a day is known."""
    start, end = starts(day), starts(day) + DAY
    return sum(min(span.end, end) - max(span.start, start) for span in touching(spans, start, end)) == DAY
