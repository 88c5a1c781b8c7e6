"""What a stored point costs: time, place, and what ten years of them cost the commands that look at a day."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time

from homemon.core.clock import Instant
from homemon.core.points import Point, line
from homemon.storage.database import FILE
from homemon.storage.schema import SEALED
from homemon.storage.store import Store
from tests.commands import write_config
from tests.longrun.benchmarks.installed import HOMEMON
from tests.longrun.benchmarks.measure import (
    BUILD,
    Benchmark,
    Outcome,
    cpu_of_process,
    in_turns,
    microseconds,
    milliseconds,
    one_byte,
)
from tests.longrun.benchmarks.years import MINUTE, fill

WRITES = 1500
WAL_PAGES = 1000  # from here on SQLite writes over its log instead of making it longer
BLOCK = bytes(4096)
MONTH, TEN_YEARS = 30, 3652.5  # days
ROUNDS = 15


class Appending:
    """A store that is given one new reading at a time."""

    def __init__(self, folder: Path, first: int) -> None:
        self._store = Store(folder)
        self._seconds = count(first)

    def execute(self, statement: str) -> None:
        """One statement of SQL."""
        self._store.db.execute(statement)

    def write(self) -> float:
        """Seconds for one."""
        time = next(self._seconds)
        arrival = [(Point("power", {"value": time % 3000}), Instant(time, time, ""))]
        started = perf_counter()
        self._store.archive.add(arrival)
        return perf_counter() - started


def one_point() -> Outcome:
    with TemporaryDirectory(dir=BUILD) as name:
        store = Appending(Path(name) / "store", int(time()))
        block = os.open(Path(name) / "block", os.O_RDWR | os.O_CREAT)
        places = count()

        def one_block() -> float:
            place = next(places) % WAL_PAGES * len(BLOCK)
            started = perf_counter()
            os.pwrite(block, BLOCK, place)
            os.fdatasync(block)
            return perf_counter() - started

        try:
            for _ in range(WAL_PAGES):
                os.pwrite(block, BLOCK, next(places) * len(BLOCK))
                store.write()
            os.fsync(block)
            return in_turns(store.write, one_block, WRITES)
        finally:
            os.close(block)


def size(sent: bool) -> Outcome:
    """Bytes a point in the file, indexes included, and in line protocol with its line end.

    Six of them are the seal of its rows (`schema`): as few as in 0.1.0 are to be had without it only.
    """
    with TemporaryDirectory(dir=BUILD) as name:
        folder = Path(name)
        points = fill(folder, int(time()), MONTH, sent)
        stored = (folder / FILE).stat().st_size
        store = Store(folder)
        text = sum(
            len(line(name, tags, fields, time).encode()) + 1
            for time, name, tags, fields in store.archive.lines(0, 1 << 62)
        )
        store.close()
        return Outcome(stored / points, text / points)


# --- ten years -------------------------------------------------------------------


@contextmanager
def both_ages(more: str = "") -> Iterator[list[Path]]:
    """Folders with config.ini and a store: of ten years, and of a month, both up to now."""
    with ExitStack() as stack:
        folders = []
        for days in (TEN_YEARS, MONTH):
            folder = Path(stack.enter_context(TemporaryDirectory(dir=BUILD)))
            fill(folder / "store", int(time()), days)
            server = "[server]\nurl = http://127.0.0.1:1"
            write_config(folder, f"{server}\n[ecocute]\nhost = 127.0.0.1\n[kyocera]\ntransport = i2c\n{more}")
            folders.append(folder)
        yield folders


def command(*arguments: str, more: str = "") -> Outcome:
    """CPU of a command on both, with `more` in config.ini."""
    with both_ages(more) as (old, young):
        run: Callable[[Path], float] = partial(cpu_of_process, (HOMEMON, "-q", *arguments))
        return in_turns(lambda: run(old), lambda: run(young), ROUNDS)


def one_write() -> Outcome:
    with both_ages() as folders:
        old, young = (Appending(folder / "store", int(time()) + MINUTE) for folder in folders)
        return in_turns(old.write, young.write, WRITES)


def counting() -> Outcome:
    """Seconds to count what waits of ten years, and in the same store to look at each row that waits."""
    with TemporaryDirectory(dir=BUILD) as name:
        points = fill(Path(name), int(time()), TEN_YEARS, sent=False)
        store = Store(Path(name))

        def look() -> object:
            return store.db.execute("SELECT count(*) FROM point WHERE +sent = 0").fetchone()

        def timed(count: Callable[[], object]) -> float:
            started = perf_counter()
            count()
            return perf_counter() - started

        try:
            assert store.outbox.backlog() == (points, 0)  # the first time, which takes longer than either
            return in_turns(lambda: timed(store.outbox.backlog), lambda: timed(look), ROUNDS // 3)
        finally:
            store.close()


def one_seal() -> Outcome:
    """A write, and one into a store whose triggers are gone, so that its rows get no seals and nobody expects any."""
    with TemporaryDirectory(dir=BUILD) as name:
        sealed, bare = (Appending(Path(name) / each, int(time())) for each in ("sealed", "bare"))
        for trigger in ("point_added", "point_changed", "point_dropped"):
            bare.execute(f"DROP TRIGGER {trigger}")
        bare.execute(f"DELETE FROM delivery WHERE key = '{SEALED}'")
        for _ in range(WAL_PAGES):
            sealed.write()
            bare.write()
        return in_turns(sealed.write, bare.write, WRITES)


CONTRACT = "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 12\n"
NOTIFY = f"{CONTRACT}[notify]\ncommand = cat\n"
YOUNG = "the same, a month stored"
BENCHMARKS = (
    Benchmark(
        "one point stored and committed",
        "one 4 KiB pwrite and fdatasync",
        1.4,
        microseconds,
        one_point,
        "SQLite alone takes 1.34 of it for a row with its index and seal: two pages in four writes into the log, six "
        "calls for two file locks, one fdatasync; as several processes share the file, none can go. To reach it, "
        "nothing else may be done of what takes 85 µs of CPU: to look whether the file is still the path's (20), the "
        "clock can be right (18), under which tags the reading is known (16), and whether others wait for a clock (5)",
    ),
    Benchmark("one point stored, with its seal", "the same without", 1.05, microseconds, one_seal),
    Benchmark("a point in the store, sent", "its line protocol", 1.2, one_byte, partial(size, True)),
    Benchmark("a point in the store, waiting", "its line protocol", 1.2, one_byte, partial(size, False)),
    Benchmark("`status`, ten years stored", YOUNG, 1.3, milliseconds, partial(command, "status")),
    Benchmark(
        "`graph` of 2 days, ten years stored",
        YOUNG,
        1.3,
        milliseconds,
        partial(command, "graph", "--days", "2"),
        "the page compares the running period with the one before and that of a year before, which a month does not "
        "have; of equal periods as much is read. To reach it, both would have to go",
    ),
    Benchmark("`energy`, ten years stored", YOUNG, 1.3, milliseconds, partial(command, "energy")),
    Benchmark("`bill`, ten years stored", YOUNG, 1.3, milliseconds, partial(command, "bill", more=CONTRACT)),
    Benchmark("`notify`, ten years stored", YOUNG, 1.3, milliseconds, partial(command, "notify", more=NOTIFY)),
    Benchmark("what waits of ten years, counted", "a look at each row", 0.1, milliseconds, counting),
    Benchmark("one write, ten years stored", YOUNG, 1.3, microseconds, one_write),
)
