"""The newest reading of a series, how old it is, and whether it is stale."""

from typing import NamedTuple

from homemon.core.points import DAY, LARGEST, Number, midnight
from homemon.replay.values import can_be
from homemon.runtime.context import App
from homemon.sources.registry import ENDS_LATER, SERIES, WATCHED
from homemon.storage.archive import Series

AHEAD = 300  # seconds that a device's clock may be ahead of ours


def latest(app: App, measurement: str, field: str, until: int, tags: str | None = None) -> tuple[int, Number] | None:
    """Return the newest time and value of a series before `until`, if any, that a device can have given.

    An earlier version stored others, from a backup. `tags` are as in the archive. Raise StoreError.
    """
    known = SERIES.get((measurement, field))
    bounds = known.bounds if known else (-LARGEST, LARGEST)
    found = app.store.archive.latest(measurement, field, until, tags, bounds)
    while found and not can_be(measurement, field, found[1]):
        found = app.store.archive.latest(measurement, field, found[0], tags, bounds)
    return found


class Row(NamedTuple):
    """One series: its newest value and time, its age in seconds, the points of today, whether it is stale.

    `ahead` is the time of its newest reading where that is dated in the future, which says nothing of its age.
    `tags` are None for a series of this configuration's; of another's none is stale.
    """

    measurement: str
    field: str
    value: Number
    time: int
    age: int
    today: int
    stale: bool
    ahead: int | None = None
    tags: str | None = None


def look_at(app: App, series: Series, now: int, max_age: int | None) -> Row | None:
    """Return one series; None where it has no readings. Only those of a configured device can be stale."""
    measurement, field, tags = series
    last = latest(app, measurement, field, 1 << 62, tags)
    if last is None:
        return None
    ahead = last[0] if last[0] > now + AHEAD else None
    newest = latest(app, measurement, field, now + AHEAD + 1, tags) if ahead else last
    time, value = newest or last
    age = max(0, now - time - ENDS_LATER.get(measurement, 0))
    known = SERIES.get((measurement, field))
    limit = max_age if max_age is not None else known and known.stale
    watched = tags is None and app.config.of(WATCHED.get(measurement, "")) is not None
    start = midnight(now)
    today = sum(1 for _ in app.store.archive.values(measurement, field, start, start + DAY, tags))
    stale = watched and limit is not None and (age > limit or newest is None)
    return Row(measurement, field, value, time, age, today, stale, ahead, tags)
