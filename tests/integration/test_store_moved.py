"""The store's file, moved, deleted or overwritten under running commands: every printed line stays in a store."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread, Timer
from time import monotonic

import pytest

from homemon.core.errors import StoreError
from homemon.core.points import Point
from homemon.storage import database, openfile
from homemon.storage.database import FILE
from homemon.storage.openfile import _set_aside, identity, wait_until_written
from homemon.storage.repair import bring_back
from homemon.storage.store import Store
from tests.commands import PATIENCE
from tests.stores import T, content, everything, put

WRITER = """
import sys
from pathlib import Path
from threading import Event, Thread
from homemon.core.clock import Instant
from contextlib import suppress
from homemon.delivery.recorder import Recorder
from homemon.core.errors import StoreError
from homemon.storage.repair import bring_back
from homemon.core.points import Point
from homemon.storage.store import Store
folder, who, go = Path(sys.argv[1]), sys.argv[2], Event()
Thread(target=lambda: (sys.stdin.readline(), go.set()), daemon=True).start()
stores = [Store(folder), Store(folder)]  # a listener's reader, and its sender
for store in stores:
    store.db.report = lambda text, hint: print(f"{text}\\n  {hint}", file=sys.stderr, flush=True)
recorder = Recorder(stores[0], "", lambda line: print(line, flush=True))
for i in range(10_000):
    with suppress(StoreError):  # as a listener does, whose readings wait in memory
        recorder.record([Point("power", {who: i})], Instant(1_800_000_000 + i, 1.0, "b"))
    with suppress(StoreError):  # as its sender's thread does
        stores[1].outbox.mark_sent(stores[1].outbox.waiting(10))
    if go.wait(0.004):
        break
"""


class Writers:
    """Processes that go on printing lines until they are stopped."""

    def __init__(self, folder: Path, number: int) -> None:
        self.processes = [
            subprocess.Popen(
                (sys.executable, "-c", WRITER, str(folder), f"w{i}"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for i in range(number)
        ]
        self.printed: list[str] = []
        self.said = ""

    def print(self, lines: int) -> None:
        """Wait until each has printed so many more lines."""
        for process in self.processes:
            assert process.stdout is not None
            for _ in range(lines):
                line = process.stdout.readline()
                assert line, process.communicate()[1]
                self.printed.append(line.strip())

    def stop(self) -> None:
        for process in self.processes:
            out, said = process.communicate("\n")
            self.printed += out.splitlines()
            self.said += said
            assert process.returncode == 0, said


@contextmanager
def writers(folder: Path, number: int) -> Iterator[Writers]:
    running = Writers(folder, number)
    deadlines = [Timer(PATIENCE, process.kill) for process in running.processes]
    try:
        for deadline in deadlines:
            deadline.start()
        running.print(20)
        yield running
    finally:
        for deadline, process in zip(deadlines, running.processes, strict=True):
            deadline.cancel()
            process.kill()
            process.communicate()


def lines(*folders: Path) -> set[str]:
    """What stores hold, a line a field."""
    return {
        f"{name} {field}={value} {time}000000000"
        for folder in folders
        for time, name, fields in everything(folder)
        for field, value in fields.items()
    }


def moved(folder: Path, aside: Path) -> None:
    (folder / FILE).rename(aside / FILE)


def with_log(folder: Path, aside: Path) -> None:
    for path in folder.iterdir():
        path.rename(aside / path.name)


def remove(*names: str) -> Callable[[Path, Path], None]:
    def act(folder: Path, aside: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return act


def folder_removed(folder: Path, aside: Path) -> None:
    shutil.rmtree(folder)


def copied_over(folder: Path, aside: Path) -> None:
    shutil.copyfile(aside.parent / "backup" / FILE, folder / FILE)


def moved_over(folder: Path, aside: Path) -> None:
    shutil.copyfile(aside.parent / "backup" / FILE, folder / "new")
    (folder / "new").rename(folder / FILE)


def touched(folder: Path, aside: Path) -> None:
    os.utime(folder / FILE)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    ("act", "word"),
    [
        (moved, "was moved to"),
        (with_log, "was moved to"),
        (remove(FILE), "was deleted"),
        (remove(f"{FILE}-wal"), "were removed"),
        (remove(f"{FILE}-shm"), "were removed"),
        (remove(f"{FILE}-wal", f"{FILE}-shm"), "were removed"),
        (remove(FILE, f"{FILE}-wal", f"{FILE}-shm"), "was deleted"),
        (folder_removed, "was deleted"),
        (copied_over, "was overwritten"),
        (moved_over, "was deleted"),
        (touched, "store"),
    ],
    ids=["mv", "mv all", "rm", "rm wal", "rm shm", "rm both", "rm all", "rm -r", "cp", "mv over", "touch"],
)
def test_every_printed_line_is_in_the_paths_store(
    tmp_path: Path, act: Callable[[Path, Path], None], word: str, number: int
) -> None:
    folder, aside = tmp_path / "store", tmp_path / "aside"
    aside.mkdir()
    with closing(Store(tmp_path / "backup")) as backup:
        put(backup, *(Point("power", {"value": i}, T + i) for i in range(1000)))
    shutil.copytree(tmp_path / "backup", folder)
    with closing(Store(folder)) as store:
        put(store, *(Point("power", {"value": i}, T + 1000 + i) for i in range(1000)))
    with writers(folder, number) as running:
        act(folder, aside)
        running.print(20)
        running.stop()
    assert len([line for line in running.said.splitlines() if word in line]) == (0 if act is touched else number), (
        running.said
    )
    assert len(running.said.splitlines()) <= 2 * number, "once each"
    assert set(running.printed) <= lines(folder)
    if word == "was moved to":
        assert set(running.printed[:20]) <= lines(aside), "and what it held is whole where it is now"
    assert all(sound(path) for path in (folder, *([aside] if word == "was moved to" else [])))


@pytest.mark.parametrize("fails", ["_connect", "restore"])
@pytest.mark.parametrize("act", [moved, moved_over], ids=["mv", "mv over"])
def test_what_happened_is_made_up_for_when_the_disk_has_space_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path, Path], None], fails: str
) -> None:
    folder, aside = tmp_path / "store", tmp_path / "aside"
    aside.mkdir()
    for each in (tmp_path / "backup", folder):
        with closing(Store(each)) as store:
            put(store, Point("power", {"value": 0}, T))
    reports: list[str] = []
    with closing(Store(folder)) as store:
        store.db.report = lambda text, hint: reports.append(f"{text} {hint}")
        put(store, Point("power", {"value": 1}, T + 1))
        act(folder, aside)
        with monkeypatch.context() as full:
            full.setattr(store.db, fails, raise_full)
            for _ in range(2):
                with pytest.raises(StoreError, match="full"):
                    put(store, Point("power", {"value": 2}, T + 2))
        assert reports == []
        put(store, Point("power", {"value": 3}, T + 3))
        assert {time - T for time, *_ in content(store)} >= {1, 3}
    assert len(reports) == 1, reports
    assert "while it was in use" in reports[0]
    assert ("; a new one was begun" if act is moved else "; it was written again") in reports[0]


def raise_full() -> None:
    raise StoreError("database or disk is full")


def test_a_file_that_differs_only_at_its_end_is_noticed_when_it_is_written_over_the_stores(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "backup")) as other:
        put(other, *(Point("power", {"value": i}, T + i) for i in range(2000)))
    shutil.copytree(tmp_path / "backup", tmp_path / "store")
    with closing(Store(tmp_path / "backup")) as other:
        put(other, Point("power", {"value": 7}, T + 1999))
    path, copy = tmp_path / "store" / FILE, tmp_path / "backup" / FILE
    assert path.stat().st_size == copy.stat().st_size > 32_768
    assert path.read_bytes()[:16_384] == copy.read_bytes()[:16_384]
    with closing(Store(tmp_path / "store")) as store:
        said: list[str] = []
        store.db.report = lambda text, hint: said.append(text)
        copied_over(tmp_path / "store", tmp_path / "aside")
        assert store.outbox.backlog() == (2000, 0)
        (text,) = said
        assert text.endswith("was overwritten while it was in use; the file that is there now is used")
        put(store, Point("power", {"value": 2}, T + 3001))
    assert len(everything(tmp_path / "store")) == 2001


def test_a_log_that_was_set_aside_gives_its_readings_back(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with closing(Store(folder)) as first:
        put(first, *(Point("power", {"value": i}, T + i) for i in range(300)))
    shutil.copytree(folder, tmp_path / "backup")
    reports: list[str] = []
    with closing(Store(folder)) as store:
        put(store, *(Point("power", {"value": i}, T + i) for i in range(300, 600)))
        store.db.execute("PRAGMA wal_checkpoint")
        put(store, *(Point("power", {"value": i}, T + i) for i in range(600, 900)))
        store.archive._journal.clear()  # another command's
        store.db.report = lambda text, hint: reports.append(hint)
        shutil.copyfile(tmp_path / "backup" / FILE, folder / FILE)
        put(store, Point("power", {"value": 900}, T + 900))
        (aside,) = (path for path in folder.iterdir() if "-wal.2" in path.name)
        assert str(aside) in reports[0]
        bring_back(store.db, aside)
        assert {time - T for time, *_ in content(store)} >= {*range(300), *range(600, 901)}


@pytest.mark.parametrize("lost", ["-shm", "-wal"])
def test_a_log_that_holds_nothing_more_leaves_no_file_behind(tmp_path: Path, lost: str) -> None:
    folder, reports = tmp_path / "store", list[str]()
    with closing(Store(folder)) as store:
        store.db.report = lambda text, hint: reports.append(f"{text}|{hint}")
        put(store, Point("power", {"value": 1}, T))
        (folder / f"{FILE}{lost}").unlink()
        put(store, Point("power", {"value": 2}, T + 1))
        assert len(reports) == 1
        assert reports[0].endswith("|"), "there is nothing to bring back"
    assert not [path for path in folder.iterdir() if "-wal.2" in path.name]
    assert len(everything(folder)) == 2


def test_of_two_logs_that_are_set_aside_in_one_second_both_stay(tmp_path: Path) -> None:
    named = []
    for number in range(3):
        log = tmp_path / f"{FILE}-wal"
        log.write_text(str(number))
        named.append(_set_aside(str(log)))
    assert [Path(name).read_text() for name in named] == ["0", "1", "2"]


def test_a_copy_under_way_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, more = tmp_path / "store.db", iter((b"1", b"2", b"3"))
    path.write_bytes(b"0")

    def written_on(seconds: float) -> None:
        with path.open("ab") as file:
            file.write(next(more, b""))

    monkeypatch.setattr("homemon.storage.openfile.time.sleep", written_on)
    wait_until_written(path)
    assert path.read_bytes() == b"0123"


@pytest.mark.parametrize("moves", [0, 1])
def test_a_reading_that_had_to_wait_for_a_writer_is_stored_whether_the_file_moved_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    monkeypatch.setattr(database, "SOON", -1.0)  # each write counts as one that waited
    with closing(Store(tmp_path)) as store:
        put(store, Point("power", {"value": 1}, T))
        assert store.db._file
        intact, asked = store.db._file.intact, list[int]()

        def moved_meanwhile() -> bool:
            asked.append(1)
            return intact() and len(asked) != 2  # after the lock was had

        monkeypatch.setattr(store.db._file, "intact", moved_meanwhile if moves else intact)
        put(store, Point("power", {"value": 2}, T + 1))
        assert [fields["value"] for _, _, fields in content(store)] == [1, 2]


def test_all_stores_of_a_process_follow_where_one_of_them_does(tmp_path: Path) -> None:
    folder, aside = tmp_path / "store", tmp_path / "aside"
    aside.mkdir()
    with closing(Store(folder)) as reader, closing(Store(folder)) as sender:
        put(reader, Point("power", {"value": 1}, T))
        assert len(content(sender)) == 1
        moved(folder, aside)
        put(reader, Point("power", {"value": 2}, T + 1))
        assert reader.db._file
        assert reader.db._file.identity == identity(str(folder / FILE))
        put(sender, Point("power", {"value": 3}, T + 2))
        assert content(sender) == content(reader) == everything(folder)


def test_at_the_end_of_a_process_what_is_in_use_is_neither_closed_nor_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Store(tmp_path / "free")
    with closing(Store(tmp_path / "used")) as used:
        put(used, Point("power", {"value": 1}, T))
        put(free, Point("power", {"value": 1}, T))
        monkeypatch.setattr(database, "_connected", {identity(str(db.path)): [db] for db in (used.db, free.db)})
        monkeypatch.setattr(database, "_last", None)
        begun = monotonic()
        with used.db._using:
            database._close_all()
        assert monotonic() - begun < database.LETS_GO_WITHIN
        assert len(content(used)) == 1
        with pytest.raises(sqlite3.ProgrammingError):
            free.db._db.execute("SELECT 1")


def test_at_the_end_of_a_process_no_thread_begins_to_use_what_is_being_closed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's Python module ends with a segmentation fault where one thread closes what another one uses."""
    close, late = store.db.close, Thread(target=store.db.recall, args=("fault",), daemon=True)

    def close_meanwhile() -> None:
        late.start()
        late.join(0.3)
        close()

    monkeypatch.setattr(database, "_connected", {identity(str(store.db.path)): [store.db]})
    monkeypatch.setattr(database, "_last", None)
    monkeypatch.setattr(store.db, "close", close_meanwhile)
    database._close_all()
    assert late.is_alive()


def test_a_new_command_reads_no_log_of_another_database(tmp_path: Path, store: Store) -> None:
    """Whichever other stores it has open."""
    folder = tmp_path / "another"
    with writers(folder, 1) as running:
        for process in running.processes:
            process.kill()  # so that nobody puts it right
            process.wait()
        (folder / FILE).rename(tmp_path / "away.db")
    with closing(Store(folder)) as another:
        assert content(another) == []
        assert len(another.db.news) == 1
    assert any("-wal.2" in path.name for path in folder.iterdir())
    assert content(store) == []


def sound(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / FILE)) as db:
        return [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]


def test_a_store_is_left_as_deleted_where_nothing_shows_which_file_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without /proc nobody knows where a file was moved to: what was open is written to the path again."""
    monkeypatch.setattr(openfile, "_own_handle", lambda wanted: None)
    with closing(Store(tmp_path / "store")) as store:
        put(store, Point("power", {"value": 523}, T))
        (tmp_path / "store" / FILE).rename(tmp_path / "elsewhere.db")
        assert [fields for *_, fields in content(store)] == [{"value": 523}]
        ((text, _),) = store.db.news
    assert "was deleted while it was in use; it was written again from what was open" in text


def test_a_file_is_not_taken_for_overwritten_because_its_descriptor_became_another_files(tmp_path: Path) -> None:
    """Something else, too, may have had the file open, and closed it; then another file gets the number."""
    path = tmp_path / "store" / FILE
    Store(tmp_path / "store").close()
    before = os.open(path, os.O_RDONLY)
    with closing(Store(tmp_path / "store")) as store:
        put(store, Point("power", {"value": 523}, T))
        os.close(before)
        another = os.open(os.devnull, os.O_RDONLY)
        try:
            assert another == before
            os.utime(path, (1, 1))
            assert [fields for *_, fields in content(store)] == [{"value": 523}]
        finally:
            os.close(another)
        assert store.db.news == []
