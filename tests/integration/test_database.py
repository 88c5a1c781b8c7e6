"""The store's file over the years: it is upgraded whole or not at all, and its log does not grow."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from homemon.core.clock import Instant
from homemon.core.errors import StoreError
from homemon.core.points import Point
from homemon.storage import schema
from homemon.storage.connection import LOG_STAYS, _use_wal
from homemon.storage.database import FILE
from homemon.storage.store import Store
from tests import ROOT
from tests.commands import ENVIRONMENT, HOMEMON, PATIENCE, fill, small_disk, wait_for
from tests.stores import NOW, T, content, everything, put

STORES = ROOT / "tests" / "stores"
NEXT = max(schema.MIGRATIONS) + 1
THEN = 1_794_458_800  # when it was written
HELD = [
    (THEN - 1000, "+power", {"value": 1234.5}),
    (THEN - 1000, "-power", {"value": 0.3}),
    (THEN, "ecocute", {"power": 800, "powerSum": 123456, "tank": 280}),
    (THEN, "power", {"value": 523}),
    (THEN + 60, "power", {"value": 524}),
    (THEN + 120, "power", {"value": 525}),
]
MADE_UP = "CREATE TABLE place (name TEXT); INSERT INTO place SELECT 'home' FROM point LIMIT 1"
ENDLESS = (
    "CREATE TABLE n (i); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) INSERT INTO n SELECT i FROM c"
)
OPENER = """
import sys
from pathlib import Path
from homemon.storage import schema
from homemon.storage.store import Store
schema.MIGRATIONS[max(schema.MIGRATIONS) + 1] = sys.argv[2]
sys.stdin.readline()
Store(Path(sys.argv[1])).close()
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a store of schema 1."""
    return write_old(tmp_path / "old")


def write_old(folder: Path, schema: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.executescript((STORES / f"schema-{schema}.sql").read_text("utf-8"))
    return folder


def rows(folder: Path, query: str) -> list[Sequence[object]]:
    with closing(sqlite3.connect(folder / FILE)) as db:
        return db.execute(query).fetchall()


def opener(folder: Path, migration: str) -> "subprocess.Popen[str]":
    """A process with one schema more, which opens the store when it receives a line."""
    command = (sys.executable, "-c", OPENER, str(folder), migration)
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# --- upgrades ------------------------------------------------------------------------


def test_a_store_of_each_schema_is_kept_for_the_tests() -> None:
    assert {path.name for path in STORES.iterdir()} == {f"schema-{version}.sql" for version in schema.MIGRATIONS}


@pytest.mark.parametrize("schema", schema.MIGRATIONS)
def test_a_store_of_any_schema_is_whole_and_goes_on(tmp_path: Path, schema: int) -> None:
    old = write_old(tmp_path / "old", schema)
    store = Store(old, ",home=tokyo")
    assert content(store) == HELD
    assert store.outbox.waiting(100).texts == [
        f"power,home=tokyo value=524 {THEN + 60}000000000",
        f"ecocute,home=tokyo power=800,powerSum=123456,tank=280 {THEN}000000000",
        f"power,home=tokyo value=523 {THEN}000000000",
        f"-power,home=tokyo value=0.3 {THEN - 1000}000000000",
    ]
    refused = f"+power,home=tokyo value=1234.5 {THEN - 1000}000000000"
    assert store.outbox.parked() == [(refused, "400: partial write: field type conflict")]
    assert store.archive.undated("boot without a clock") == (1, 0)
    assert (store.db.recall("failures"), store.db.recall("retry_at")) == (3, THEN + 77.5)
    point = Point("power", {"value": 526}, THEN + 180)
    assert put(store, point, Point("power", {"value": 523}, THEN), at=Instant(THEN + 200, 9e3, "b")) == [point]
    store.outbox.mark_sent(store.outbox.waiting(100))
    assert store.outbox.backlog() == (0, 1)
    store.close()
    assert everything(old) == [*HELD, (THEN + 180, "power", {"value": 526})]


def test_a_new_schema_is_reached_from_every_older_one_and_refused_by_the_older_version(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(schema.MIGRATIONS, NEXT, MADE_UP)
    monkeypatch.setitem(schema.MIGRATIONS, NEXT + 1, "ALTER TABLE place ADD COLUMN since INTEGER NOT NULL DEFAULT 7")
    assert everything(old) == HELD
    assert everything(old) == HELD, "and opens again"
    assert rows(old, "SELECT * FROM place") == [("home", 7)]
    Store(tmp_path / "new").close()
    assert rows(tmp_path / "new", "SELECT * FROM place") == []
    monkeypatch.undo()
    with pytest.raises(StoreError, match=rf"schema {NEXT + 1}, this one knows {NEXT - 1}"):
        everything(old)


def test_of_many_processes_one_upgrades_and_all_go_on(old: Path) -> None:
    processes = [opener(old, MADE_UP) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    ends = [(process.communicate(timeout=PATIENCE)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 6
    assert rows(old, "SELECT * FROM place") == [("home",)]


def test_an_upgrade_that_is_killed_leaves_the_old_store_whole(old: Path) -> None:
    process = opener(old, ENDLESS)
    try:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        log = old / f"{FILE}-wal"
        wait_for(lambda: log.exists() and log.stat().st_size > 1_000_000)  # what does not fit into memory any more
    finally:
        process.kill()
        process.communicate()
    assert rows(old, "PRAGMA user_version") == [(1,)]
    assert everything(old) == HELD
    assert rows(old, "PRAGMA user_version") == [(NEXT - 1,)]
    assert rows(old, "SELECT count(*) FROM sqlite_schema WHERE name = 'n'") == [(0,)]
    assert rows(old, "PRAGMA integrity_check") == [("ok",)]


def test_an_upgrade_for_which_the_disk_is_too_small_leaves_the_old_store_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "1m"):
        old = write_old(tmp_path / "disk")
        with monkeypatch.context() as patch:
            patch.setitem(schema.MIGRATIONS, NEXT, ENDLESS)
            with pytest.raises(StoreError, match="full") as caught:
                everything(old)
        assert "free some space" in caught.value.hint
        assert everything(old) == HELD
        monkeypatch.setitem(schema.MIGRATIONS, NEXT, MADE_UP)
        filler = fill(old)
        with pytest.raises(StoreError):
            everything(old)
        filler.unlink()
        assert everything(old) == HELD
        assert rows(old, "SELECT * FROM place") == [("home",)]


# --- the log -------------------------------------------------------------------------


def log_size(store: Store) -> int:
    return Path(f"{store.path}-wal").stat().st_size


def rewrite(store: Store, times: int, points: int) -> None:
    """Change `points` readings so often."""
    for i in range(times):
        store.archive.add([(Point("power", {"value": i}, T + second), NOW) for second in range(points)])


def test_a_reader_who_stands_still_does_not_let_the_log_grow(store: Store, tmp_path: Path) -> None:
    """As `homemon export | less` beside a listener does."""
    rewrite(store, 1, 5000)
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {store.path.parent}\n")
    with subprocess.Popen((*HOMEMON, "export"), cwd=tmp_path, stdout=subprocess.PIPE, env=ENVIRONMENT) as export:
        assert export.stdout is not None
        try:
            assert export.stdout.readline() == b"power value=0 %d000000000\n" % T
            before = log_size(store)
            rewrite(store, 100, 1000)
            assert log_size(store) <= max(before, 2_000_000), "SQLite writes over the log when it has 1000 pages"
            *_, last = export.stdout.read().splitlines()
            assert last == b"power value=0 %d000000000" % (T + 4999)
        finally:
            export.kill()


def test_after_a_great_transaction_the_log_is_cut_back(store: Store) -> None:
    rewrite(store, 2, 100_000)
    great = log_size(store)
    rewrite(store, 5, 1)
    assert log_size(store) <= LOG_STAYS < great


def test_points_that_are_to_be_sent_again_are_marked_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr("homemon.storage.outbox.AT_ONCE", 7)
    monkeypatch.setattr("homemon.storage.outbox.sleep", rests.append)
    put(store, *(Point(name, {"value": i}, T + i) for i in range(20) for name in ("power", "+power")))
    store.outbox.mark_sent(store.outbox.waiting(100))
    store.outbox.send_again(T + 3)
    assert [text.split()[-1] for text in store.outbox.waiting(100).texts] == [
        f"{T + i}000000000" for i in range(19, 2, -1) for _ in range(2)
    ]
    assert rests == [0.1] * 4, "in which others write: as long as SQLite's busy handler waits between two tries"


def test_a_store_is_opened_and_read_while_another_process_writes(store: Store) -> None:
    put(store, Point("power", {"value": 1}, T))
    with store.db.writing():
        assert everything(store.path.parent) == [(T, "power", {"value": 1})]


class Refusing(sqlite3.Connection):
    """Refuses the first changes of the journal's mode."""

    refusals: list[str]

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if "journal_mode" in sql and self.refusals:
            raise sqlite3.OperationalError(self.refusals.pop())
        return super().execute(sql, *parameters)


def test_who_is_locked_out_of_a_new_file_tries_again_and_any_other_error_ends_it(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new.db", factory=Refusing)) as db:
        db.refusals = ["disk I/O error", "database is locked", "database is locked"]
        with pytest.raises(sqlite3.OperationalError, match="disk"):
            _use_wal(db)
        assert db.refusals == []
        _use_wal(db)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


class Virtual:
    """A clock on which only sleeping takes time."""

    def __init__(self) -> None:
        self.time = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_who_is_locked_out_for_ever_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Virtual()
    monkeypatch.setattr("homemon.storage.connection.BUSY_SECONDS", 1.0)
    monkeypatch.setattr("homemon.storage.connection.monotonic", lambda: clock.time)
    monkeypatch.setattr("homemon.storage.connection.sleep", clock.sleep)
    with closing(sqlite3.connect(tmp_path / "new.db", factory=Refusing)) as db:
        db.refusals = ["database is locked"] * 100
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            _use_wal(db)
        assert 0 < len(db.refusals) < 99
    assert clock.time == pytest.approx(1.0, abs=0.1)
