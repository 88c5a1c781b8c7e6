"""What the tests of the store say again and again."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from random import Random

from homemon.core.clock import RELEASED, Instant
from homemon.core.points import Number, Point
from homemon.delivery.influx import Influx
from homemon.delivery.sender import Sender, Sending
from homemon.delivery.server import ServerSink
from homemon.delivery.sink import Memory
from homemon.storage.outbox import Line, Outbox
from homemon.storage.store import Store
from tests.commands import PATIENCE
from tests.servers import Points

T = RELEASED + 1_000_000
WALL = float(T)
NOW = Instant(T, 5000.0, "this boot")


def put(store: Store, *points: Point, at: Instant = NOW) -> list[Point]:
    """Store points that arrive `at`."""
    return store.archive.add([(point, at) for point in points])


def content(store: Store) -> list[tuple[int, str, dict[str, Number]]]:
    """All that is in it, without tags."""
    return [(time, name, fields) for time, name, _, fields in store.archive.lines(0, 1 << 62)]


def everything(folder: Path) -> list[tuple[int, str, dict[str, Number]]]:
    """What a process that comes later reads."""
    store = Store(folder)
    try:
        return content(store)
    finally:
        store.close()


def fill(store: Store, times: Iterable[int], name: str = "power") -> Points:
    """Store a point a second; gives what the server is to hold in the end."""
    points = [Point(name, {"value": i}, T + i) for i in times]
    put(store, *points)
    return {(name, T + i): {"value": i} for i in times}


def waiting_lines(outbox: Outbox) -> list[Line]:
    """What waits, line by line, newest first."""
    found = [line for stretch in outbox.waiting_heads() for line in outbox.waiting_in(stretch, 1000)]
    return sorted(found, key=lambda line: -line.time)


def sender_of(
    store: Store, connect: Callable[[], Influx], folder: Path | None = None, settings: str = "", sink: str = "server"
) -> Sender:
    """A sender to the server that `connect` reaches."""
    memory = Memory(store.db, sink, settings)
    place = ServerSink(store.outbox_of(sink), connect, memory, Random(1), sink)
    return Sender(place, memory, folder or store.path.parent, Random(1))


def send(sender: Sender, wall: float = WALL) -> Sending:
    """One round, which must get the lock."""
    sending = sender.send(wall, PATIENCE)
    assert sending is not None
    return sending


def outcome(sending: Sending) -> tuple[int, int, int, str]:
    """Points sent, waiting and parked, and what stopped it."""
    return sending.sent, sending.waiting, sending.parked, sending.fault


def seconds(lines: Iterable[str]) -> list[int]:
    """Times of lines, counted from T."""
    return [int(line.split()[-1].removesuffix("000000000")) - T for line in lines]


def lose(path: Path, *times: int, series: int = 1) -> None:
    """Delete rows of a series behind SQLite's back, as a fault of the card does: no trigger sees it."""
    with closing(sqlite3.connect(path)) as db, db:
        (trigger,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'point_dropped'").fetchone()
        db.execute("DROP TRIGGER point_dropped")
        db.executemany("DELETE FROM point WHERE series = ? AND time = ?", ((series, time) for time in times))
        db.execute(trigger)
