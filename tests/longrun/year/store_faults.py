"""What people do to the store's files under a running listener, and how they bring back what they took away."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from homemon.core.errors import StoreError
from homemon.core.points import Point
from homemon.storage.store import Store

if TYPE_CHECKING:
    from tests.longrun.year.world import World

End = Callable[[], object] | None
Begin = Callable[["World", float], End]
FILE, LOG, INDEX = "homemon.db", "homemon.db-wal", "homemon.db-shm"
FILES = FILE, LOG, INDEX
HOUR = 3600.0
REPAIRED = 10 * 24 * HOUR  # seconds that readings may be older that came since a copy was made
POLLS_EVERY = 600.0  # of the EcoCute
LOOKED_WITHIN = 120.0  # seconds until the listener has written again what was deleted


def file_moved(*names: str) -> Begin:
    """They lie elsewhere for a while; then they are put back, and what the store between holds is added."""

    def begin(world: "World", seconds: float) -> End:
        aside, left = world.new_folder(), world.time.now
        world.stores_away += 1
        for name in names:
            if (world.store_folder / name).exists():
                (world.store_folder / name).rename(aside / name)

        def put_back() -> None:
            newer = world.new_folder()
            _move(world.store_folder, newer)
            _move(aside, world.store_folder)
            world.stores_away -= 1
            world.brought_back(left)
            add_later(world, newer)

        return lambda: when_awake(world, put_back)

    return begin


def _move(source: Path, target: Path) -> None:
    for name in FILES:
        if (source / name).exists():
            (source / name).rename(target / name)


def folder_moved(world: "World", seconds: float) -> End:
    """The same of the whole folder."""
    aside, left = world.new_folder(), world.time.now
    world.stores_away += 1
    world.store_folder.rename(aside)

    def put_back() -> None:
        newer = world.new_folder()
        world.store_folder.rename(newer)
        aside.rename(world.store_folder)
        world.stores_away -= 1
        world.brought_back(left)
        add_later(world, newer)

    return lambda: when_awake(world, put_back)


def deleted(*names: str) -> Begin:
    """They are gone, but for the listener that has them open: without one nobody could bring them back."""

    def delete(world: "World") -> None:
        world.power_stays_until = world.time.now + LOOKED_WITHIN
        for name in names:
            (world.store_folder / name).unlink(missing_ok=True)

    def begin(world: "World", seconds: float) -> End:
        when_awake(world, lambda: delete(world))
        return None

    return begin


def between_polls(now: float) -> float:
    """A time soon at which the listener is the next to use the store: all these processes are one in truth."""
    past = now % POLLS_EVERY
    return now + POLLS_EVERY - past + 30 if past > POLLS_EVERY - 120 else max(now, now - past + 30)


def overwritten(world: "World", seconds: float) -> End:
    """A copy is made; later it is laid over the store, and later still what came in between is added.

    A copy of what stands in for a store that is away lacks all that was before.
    """
    copy, newest = world.new_folder(), world.new_folder()
    _copy(world, copy)
    copied, lacks_since = world.time.now, 0.0 if world.stores_away else world.time.now - REPAIRED

    def put_back() -> None:
        _copy(world, newest)
        with (world.store_folder / FILE).open("wb") as file:
            file.write((copy / FILE).read_bytes())
        world.disk.overwritten(FILE)
        later(world, lambda: world.brought_back(copied))  # the listener looks first: SQLite is one for all here
        add_later(world, newest, lacks_since)

    return put_back


def _copy(world: "World", folder: Path) -> None:
    """As `sqlite3 homemon.db '.backup copy'`."""
    with closing(sqlite3.connect(world.store_folder / FILE)) as store, closing(sqlite3.connect(folder / FILE)) as copy:
        store.backup(copy)


def when_awake(world: "World", do: Callable[[], None]) -> None:
    """Between two polls, and while the listener is there; looked at when it is done, as the power may have gone."""

    def do_or_wait() -> None:
        if world.pi.holds_store:
            do()
        else:
            world.time.at(world.time.now + HOUR, lambda: when_awake(world, do))

    world.time.at(between_polls(world.time.now), do_or_wait)


def later(world: "World", do: Callable[[], None]) -> None:
    """Do it an hour later, when somebody is there."""
    world.time.at(world.time.now + HOUR, lambda: when_awake(world, do))


def add_later(world: "World", aside: Path, since: float = 0.0) -> None:
    """Add to the store what another has since then and it lacks, an hour later."""

    def add() -> None:
        try:
            _add(world, aside, int(since))
        except StoreError as error:
            world.books.damaged.append(str(error))

    later(world, add)


def _add(world: "World", aside: Path, since: int) -> None:
    with closing(Store(aside)) as old, closing(Store(world.store_folder)) as store:
        lacking = [
            Point(name, fields, time)
            for time, name, _, fields in old.archive.lines(since, 1 << 62)
            if any(dict(store.archive.values(name, field, time, time + 1)) == {} for field in fields)
        ]
        store.archive.add([(point, world.pi.instant()) for point in lacking])
