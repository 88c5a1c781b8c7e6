"""What people do to the store's files under a running listener, and how they bring back what they took away."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from homemon.errors import StoreError
from homemon.points import Point
from homemon.store import Store

if TYPE_CHECKING:
    from tests.year.world import World

End = Callable[[], object] | None
Begin = Callable[["World", float], End]
FILE, LOG, INDEX = "homemon.db", "homemon.db-wal", "homemon.db-shm"
FILES = FILE, LOG, INDEX
HOUR = 3600.0
POLLS_EVERY = 600.0  # of the EcoCute


def file_moved(*names: str) -> Begin:
    """They lie elsewhere for a while; then what they hold is added to the store that was made meanwhile."""

    def begin(world: "World", seconds: float) -> End:
        aside = world.new_folder()
        for name in names:
            if (world.store_folder / name).exists():
                (world.store_folder / name).rename(aside / name)
        return lambda: bring_back(world, aside)

    return begin


def folder_moved(world: "World", seconds: float) -> End:
    """The same of the whole folder."""
    aside = world.new_folder()
    world.store_folder.rename(aside)
    return lambda: bring_back(world, aside)


def deleted(*names: str) -> Begin:
    """They are gone, but for the listener that has them open."""

    def delete(world: "World") -> None:
        for name in names:
            (world.store_folder / name).unlink(missing_ok=True)

    def begin(world: "World", seconds: float) -> End:
        world.time.at(between_polls(world.time.now), lambda: delete(world))
        return None

    return begin


def between_polls(now: float) -> float:
    """A time soon at which the listener is the next to use the store: all these processes are one in truth."""
    past = now % POLLS_EVERY
    return now + POLLS_EVERY - past + 30 if past > POLLS_EVERY - 120 else max(now, now - past + 30)


def overwritten(world: "World", seconds: float) -> End:
    """A copy is made; later it is laid over the store, and later still what came in between is added."""
    copy, newest = world.new_folder(), world.new_folder()
    _copy(world, copy)

    def put_back() -> None:
        _copy(world, newest)
        with (world.store_folder / FILE).open("wb") as file:
            file.write((copy / FILE).read_bytes())
        world.disk.overwritten(FILE)
        world.time.at(world.time.now + HOUR, lambda: bring_back(world, newest))

    return put_back


def _copy(world: "World", folder: Path) -> None:
    """As `sqlite3 homemon.db '.backup copy'`."""
    with closing(sqlite3.connect(world.store_folder / FILE)) as store, closing(sqlite3.connect(folder / FILE)) as copy:
        store.backup(copy)


def bring_back(world: "World", aside: Path) -> None:
    """Add to the store what another has and it lacks; later, where nobody is there to do it."""
    if world.pi.dead:
        world.time.at(world.time.now + HOUR, lambda: bring_back(world, aside))
        return
    try:
        _add(world, aside)
    except StoreError as error:
        world.books.damaged.append(str(error))


def _add(world: "World", aside: Path) -> None:
    with closing(Store(aside)) as old, closing(Store(world.store_folder)) as store:
        known = {(time, name, tags) for time, name, tags, _ in store.lines(0, 1 << 62)}
        lacking = [Point(line[1], line[3], line[0]) for line in old.lines(0, 1 << 62) if line[:3] not in known]
        store.add([(point, world.pi.instant()) for point in lacking])
