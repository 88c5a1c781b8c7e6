"""The newest values as a broker's subscribers get them: one topic for each measurement, and how long each value counts.

A value that is older than its series may be is left out; a subscriber must not take it for the present.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from homemon.core.points import JST, Number
from homemon.sources.registry import ENDS_LATER
from homemon.sources.source import MINUTE, Series, Source

LATE = MINUTE
"""Seconds that a reading may come later than it is due: cron's poll of each ten minutes needs some more at times."""
WORD = re.compile("[A-Za-z][A-Za-z0-9_]*")
"""A measurement that can be a level of a topic, which holds no + and #."""


class Live(NamedTuple):
    """A value of a series: when it was read (Unix seconds), and for how many seconds it still counts; none below 1."""

    series: Series
    time: int
    value: Number
    lasts: int


class Message(NamedTuple):
    """What a topic is to hold; `expires` is after how many seconds the broker forgets it, None for never."""

    topic: str
    text: str
    retain: bool = True
    expires: int | None = None


def slug(series: Series) -> str:
    """Return what a series' measurement is called in topics: `power`; `bought` and `sold` for +power and -power."""
    return series.measurement if WORD.fullmatch(series.measurement) else series.name


def topic(prefix: str, series: Series) -> str:
    """Return the topic of a series, which it has in common with those of its measurement."""
    return f"{prefix}/{slug(series)}"


def counts_for(source: Source, series: Series) -> int:
    """Return for how many seconds a reading counts as the present, from the end of what it describes."""
    return (series.stale or source.silent_after) + LATE


def live(source: Source, series: Series, time: int, value: Number, now: float) -> Live:
    """Return a reading of a series as it is `now` (Unix seconds)."""
    end = time + ENDS_LATER.get(series.measurement, 0)
    return Live(series, time, value, int(end + counts_for(source, series) - now))


def states(prefix: str, values: Iterable[Live], retain: bool) -> list[Message]:
    """Return a message for each measurement of which there is a value; `retain`: the broker keeps it while it counts.

    Its time is that of its newest value. It is kept until the first of its values counts no longer.
    """
    ours = sorted((each for each in values if each.lasts > 0), key=lambda each: topic(prefix, each.series))
    groups = groupby(ours, lambda each: topic(prefix, each.series))
    return [_state(name, list(group), retain) for name, group in groups]


def _state(name: str, values: Sequence[Live], retain: bool) -> Message:
    when = datetime.fromtimestamp(max(each.time for each in values), JST).isoformat()
    content = {**{each.series.field: each.value for each in values}, "time": when}
    return Message(name, json.dumps(content), retain, min(each.lasts for each in values))
