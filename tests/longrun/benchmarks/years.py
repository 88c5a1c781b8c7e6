"""Stores of any length, written by SQL in seconds: a house's series at the paces of the crontab."""

import sqlite3
from pathlib import Path

from homemon.core.points import HALF_HOUR
from homemon.storage.database import FILE
from homemon.storage.store import Store

MINUTE, DAY = 60, 86_400
SERIES = (  # measurement, field, seconds from one to the next, the value of the i-th
    ("power", "value", MINUTE, "i * 7919 % 4000 - 500"),
    ("+power", "value", HALF_HOUR, "i * 3 / 10.0"),
    ("-power", "value", HALF_HOUR, "i * 2 / 10.0"),
    ("ecocute", "power", 10 * MINUTE, "i % 144 / 100 * 1000"),
    ("ecocute", "powerSum", 10 * MINUTE, "i * 150"),
    ("ecocute", "tank", 10 * MINUTE, "370 - i % 144"),
    ("hatuden", "value", HALF_HOUR, "i % 48 / 10.0"),
    ("baiden_diff", "value", HALF_HOUR, "(i % 48 - 20) / 10.0"),
)
FILL = """
    WITH RECURSIVE step(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM step WHERE i + 1 < ?)
    INSERT INTO point (series, time, value, sent) SELECT ?, ? + i * ?, {}, ? FROM step
"""


def fill(folder: Path, now: int, days: float, sent: bool = True) -> int:
    """Make a store with the readings of `days` up to `now` (Unix seconds); how many points it has.

    `sent`: as it is beside a server that is up.
    """
    Store(folder).close()
    db = sqlite3.connect(folder / FILE)
    points: dict[str, int] = {}
    with db:
        for series, (measurement, field, every, value) in enumerate(SERIES, 1):
            number = int(days * DAY / every)
            db.execute("INSERT INTO series VALUES (?, ?, '', ?)", (series, measurement, field))
            first = now // every * every - (number - 1) * every
            db.execute(FILL.format(value), (number, series, first, every, sent))
            points[measurement] = number
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return sum(points.values())
