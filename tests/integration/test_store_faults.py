"""The store when processes end, disks are full and files are not what they should be: nothing printed is lost."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE
from threading import Timer

import pytest

from homemon.core.errors import StoreError
from homemon.core.files import make_private_dir
from homemon.core.points import Point
from homemon.storage.database import FILE
from homemon.storage.store import Store
from tests.commands import PATIENCE, as_nobody, deny, homemon
from tests.stores import T, content, everything, put

WRITER = """
import sys
from pathlib import Path
from homemon.core.clock import Instant
from homemon.delivery.recorder import Recorder
from homemon.core.points import Point
from homemon.storage.store import Store
who, count = sys.argv[1], int(sys.argv[2])
for folder in sys.stdin:
    store = Store(Path(folder.strip()))
    recorder = Recorder(store, "", lambda line: print(line, flush=True))
    for i in range(count):
        recorder.record([Point("power", {who: i})], Instant(1_800_000_000 + i, 1.0, "b"))
    store.close()
    print("done", flush=True)
"""


@contextmanager
def writers(number: int, count: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that wait for a folder on stdin and then write `count` points each."""
    processes = [
        subprocess.Popen(
            (sys.executable, "-c", WRITER, f"w{i}", str(count)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(number)
    ]
    deadlines = [Timer(PATIENCE, process.kill) for process in processes]
    try:
        for deadline in deadlines:
            deadline.start()
        yield processes
    finally:
        for deadline in deadlines:
            deadline.cancel()
        for process in processes:
            process.kill()
            process.communicate()


def report(process: "subprocess.Popen[str]", folder: Path) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{folder}\n")
    process.stdin.flush()


def said(process: "subprocess.Popen[str]") -> list[str]:
    """Lines up to "done"."""
    assert process.stdout is not None
    lines: list[str] = []
    while (line := process.stdout.readline()) != "done\n":
        assert line, "the process ended"
        lines.append(line)
    return lines


# --- many processes, and ends that nobody planned -----------------------------------


def test_eight_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with writers(8, 100) as processes:
        for process in processes:
            report(process, tmp_path / "store")
        for process in processes:
            assert len(said(process)) == 100
    expected = [(1_800_000_000 + i, "power", {f"w{w}": i for w in range(8)}) for i in range(100)]
    assert everything(tmp_path / "store") == expected


def test_processes_that_create_the_store_at_once_all_succeed(tmp_path: Path) -> None:
    with writers(6, 1) as processes:
        for i in range(5):
            for process in processes:
                report(process, tmp_path / f"store{i}")
            for process in processes:
                said(process)
            assert everything(tmp_path / f"store{i}") == [(1_800_000_000, "power", {f"w{w}": 0 for w in range(6)})]


def test_what_was_printed_survives_kill_9_and_is_seen_by_others_at_once(tmp_path: Path) -> None:
    with writers(1, 1_000_000) as (process,):
        report(process, tmp_path / "store")
        assert process.stdout is not None
        first = process.stdout.readline()
        assert everything(tmp_path / "store")[0] == (1_800_000_000, "power", {"w0": 0})
        seen = [first, *(process.stdout.readline() for _ in range(50))]
        process.kill()
        seen += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    found = everything(tmp_path / "store")
    assert [f"power w0={i} {1_800_000_000 + i}000000000\n" for i in range(len(seen))] == seen
    assert 0 <= len(found) - len(seen) <= 1, "a point may be stored and not yet printed, never the other way round"


def test_a_commit_waits_for_the_disk(store: Store) -> None:
    pragmas = {name: store.db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")}
    assert pragmas == {"synchronous": 2, "journal_mode": "wal"}


def test_a_process_that_ends_does_not_take_the_log_away_from_one_with_two_stores(store: Store) -> None:
    """As in a listener: one store for its reader, one for its sender, and a poll that comes and goes."""
    put(store, Point("power", {"value": 1}, T))
    senders = Store(store.path.parent)
    with writers(1, 1) as (poll,):
        report(poll, store.path.parent)
        said(poll)
        put(store, Point("power", {"value": 2}, T + 1))
        report(poll, store.path.parent)
        said(poll)
    senders.close()
    assert len(everything(store.path.parent)) == 3


# --- disks and files that are not as they should be -----------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder))
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(("umount", "-l", str(folder)), check=True)


def fill_up(disk: Path) -> Path:
    """Leaves no byte free; gives the file to delete."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 512):
            pass
    return ballast


def test_a_store_that_a_full_disk_did_not_let_begin_begins_later(small_disk: Path) -> None:
    ballast = fill_up(small_disk)
    with pytest.raises(StoreError) as caught:
        Store(small_disk)
    assert "full" in caught.value.hint
    ballast.unlink()
    assert everything(small_disk) == []


def test_a_full_disk_is_reported_and_stored_to_again_when_there_is_space(small_disk: Path) -> None:
    store = Store(small_disk)
    put(store, Point("power", {"value": 1}, T))
    ballast = fill_up(small_disk)
    many = [Point("power", {"value": i}, T + i) for i in range(2000)]
    for _ in range(3):
        with pytest.raises(StoreError, match="full") as caught:
            put(store, *many)
        assert "free some space" in caught.value.hint
        assert content(store) == [(T, "power", {"value": 1})]
    ballast.unlink()
    assert len(put(store, *many)) == 2000
    assert store.db.integrity_faults() == []
    store.close()
    assert len(everything(small_disk)) == 2000


def test_a_file_that_may_not_grow_keeps_the_transaction_out(store: Store) -> None:
    put(store, Point("power", {"value": 1}, T))
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count = {pages}")
    points = [Point(f"new{i}", {"value": i}, T + i) for i in range(500)]
    with pytest.raises(StoreError, match="full"):
        put(store, *points)
    store.db.execute("PRAGMA max_page_count = 100000")
    put(store, *points)
    expected = [(T, "power", {"value": 1}), *((T + i, f"new{i}", {"value": i}) for i in range(500))]
    assert sorted(map(str, content(store))) == sorted(map(str, expected)), "series must be made again"


@pytest.mark.parametrize("place", ["store", "parent"])
def test_a_folder_that_is_not_ours_is_an_error_with_a_remedy(tmp_path: Path, place: str) -> None:
    home = tmp_path / "home"
    denied = home / "store" if place == "store" else home
    denied.mkdir(parents=True)
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {home}/store\n")
    deny(denied)
    run = homemon("-c", str(tmp_path / "config.ini"), "export", cwd=tmp_path, unprivileged=True)
    assert run.returncode == 1
    assert "Permission denied" in run.stderr or "unable to open" in run.stderr
    assert "[store] dir" in run.stderr
    assert len(run.stderr.splitlines()) == 2


@pytest.mark.parametrize("place", ["store", "parent"])
def test_a_folder_that_may_not_even_be_looked_into_is_an_error_with_a_remedy(tmp_path: Path, place: str) -> None:
    home = tmp_path / "home"
    denied = home / "store" if place == "store" else home
    denied.mkdir(parents=True)
    denied.chmod(0)
    try:
        with as_nobody(), pytest.raises(StoreError, match="ermission denied") as raised:
            Store(home / "store").db.integrity_faults()
    finally:
        denied.chmod(0o700)
    assert "[store] dir" in raised.value.hint


@pytest.mark.parametrize(
    ("lay", "reported"),
    [
        (lambda store: store.symlink_to("/media/away"), "is a link to /media/away, which is not there"),
        (lambda store: store.write_text(""), "is no folder"),
    ],
    ids=["link", "file"],
)
def test_what_stands_in_place_of_the_folder_is_named(
    tmp_path: Path, lay: Callable[[Path], object], reported: str
) -> None:
    lay(tmp_path / "store")
    with pytest.raises(StoreError, match=reported) as caught:
        make_private_dir(tmp_path / "store")
    assert "[store] dir" in caught.value.hint


def _newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize(
    ("spoil", "message", "remedy"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "not a database", "`homemon repair`"),
        (lambda path: path.write_bytes(path.read_bytes()[:1024] + os.urandom(8192)), "malformed", "`homemon repair`"),
        (lambda path: os.truncate(path, 2048), "malformed", "`homemon repair`"),
        (_newer, "newer homemon", "Install the newer"),
    ],
    ids=["other", "damaged", "truncated", "newer"],
)
def test_a_file_that_cannot_be_understood_is_left_alone_with_a_remedy(
    tmp_path: Path, spoil: Callable[[Path], object], message: str, remedy: str
) -> None:
    store = Store(tmp_path)
    put(store, *(Point("power", {"value": i}, T + i) for i in range(1000)))
    store.close()
    spoil(tmp_path / FILE)
    before = (tmp_path / FILE).read_bytes()[100:]
    with pytest.raises(StoreError, match=message) as caught:
        everything(tmp_path)
    assert remedy in caught.value.hint
    assert (tmp_path / FILE).read_bytes()[100:] == before


def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(tmp_path / "a" / "store")
        put(store, Point("power", {"value": 1}, T))
        files = {path.name: S_IMODE(path.stat().st_mode) for path in (tmp_path / "a" / "store").iterdir()}
    finally:
        os.umask(before)
    assert files == {FILE: 0o600, f"{FILE}-wal": 0o600, f"{FILE}-shm": 0o600}
    assert S_IMODE((tmp_path / "a" / "store").stat().st_mode) == 0o700
    store.close()
