"""Readings that came while the clock was wrong: kept with the seconds since boot, and dated once it is right.

See `clock.Instant`. What another boot left behind has no time that anyone could know.
"""

from collections.abc import Iterable

from homemon.core.clock import Instant
from homemon.core.points import Number, Received
from homemon.storage.database import Database


def keep(db: Database, at: Instant, values: Iterable[tuple[int, Number]]) -> None:
    """Keep values that came at an instant, each with the id of its series."""
    db.execute_many("INSERT INTO undated VALUES (?, ?, ?, ?)", [(at.boot, at.ticks, *each) for each in values])


def has_any(db: Database) -> bool:
    """Return whether any are kept, of whatever boot."""
    return db.execute("SELECT 1 FROM undated LIMIT 1").fetchone() is not None


def count(db: Database, boot: str) -> tuple[int, int]:
    """Return how many values wait for a right clock, and how many never get a time: `boot` did not see them."""
    query = "SELECT count(*) FILTER (WHERE boot = ?), count(*) FILTER (WHERE boot <> ?) FROM undated"
    waiting, lost = db.execute(query, (boot, boot)).fetchone()
    return waiting, lost


def take(db: Database, now: Instant) -> list[Received]:
    """Return what this boot kept, as points with their tags and times by the clock of `now`, and keep it no longer."""
    query = """
        SELECT ticks, measurement, tags, field, value FROM undated JOIN series ON series = id
        WHERE boot = ? ORDER BY ticks, measurement, tags
    """
    kept: dict[tuple[int, str, str], dict[str, Number]] = {}
    for then, measurement, tags, field, value in db.execute(query, (now.boot,)).fetchall():
        at = int(now.wall - (now.ticks - then)), measurement, tags
        kept.setdefault(at, {}).setdefault(field, value)
    if kept:
        db.execute("DELETE FROM undated WHERE boot = ?", (now.boot,))
    return [Received(name, fields, time, tags) for (time, name, tags), fields in kept.items()]
