"""A bit of a stored reading that a worn card flipped: no command gives out what it makes of the reading."""

import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from homemon.core.clock import instant
from homemon.core.points import Point, moment_text
from homemon.storage.database import FILE
from homemon.storage.reader import Reader
from homemon.storage.salvage import rows_of
from homemon.storage.schema import SOUND
from homemon.storage.store import Store
from tests.commands import homemon
from tests.servers import ScriptedServer
from tests.stores import lose

COUNT, NTH = 30, 17
STORED, READ = 4000.5 + NTH, 4000.75 + NTH  # watts: what was stored, and what the file says after the fault
NOW = int(time.time()) - 60
WHY = "readings that do not fit their checksum are left out, first power value of "
REMEDY = "The file is damaged: `homemon repair` saves what is whole."


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with closing(ScriptedServer()) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, server: ScriptedServer) -> Path:
    """A folder with a store of COUNT readings, which the server lacks, and a fault in one of them."""
    with closing(Store(tmp_path / "store")) as store:
        store.archive.add(
            [(Point("power", {"value": 4000.5 + i}, NOW - (COUNT - i) * 60), instant()) for i in range(COUNT)]
        )
    flip(tmp_path / "store" / FILE, STORED, READ)
    settings = f"[store]\ndir = {tmp_path / 'store'}\n[server]\nurl = {server.url}\n"
    (tmp_path / "config.ini").write_text(settings)
    return tmp_path


def flip(path: Path, stored: float, read: float) -> None:
    """Flip the bit in which two numbers differ."""
    before, after = struct.pack(">d", stored), struct.pack(">d", read)
    data = path.read_bytes()
    assert sum((a ^ b).bit_count() for a, b in zip(before, after, strict=True)) == 1
    assert data.count(before) == 1
    path.write_bytes(data.replace(before, after))


@pytest.mark.parametrize("arguments", [(), ("--format", "csv"), ("--measurement", "power", "--since", "1d")])
def test_an_export_leaves_it_out_says_so_once_and_fails(home: Path, arguments: tuple[str, ...]) -> None:
    run = homemon("export", *arguments, cwd=home)
    assert run.returncode == 1
    assert len([line for line in run.stdout.splitlines() if "value=40" in line or ",value,40" in line]) == COUNT - 1
    assert str(READ) not in run.stdout
    assert (run.stderr.count(WHY), run.stderr.count(REMEDY)) == (1, 1)


def test_of_several_the_first_one_is_named(home: Path) -> None:
    flip(home / "store" / FILE, STORED + 5, READ + 5)
    flip(home / "store" / FILE, STORED + 9, READ + 9)
    run = homemon("export", cwd=home)
    assert run.stderr.count(f"{WHY}{moment_text(NOW - (COUNT - NTH) * 60)}") == 1, run.stderr


def test_an_export_of_another_period_is_whole(home: Path) -> None:
    run = homemon("export", "--until", "2020-01-01", cwd=home)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_an_upload_sends_all_others_and_what_a_repair_leaves(home: Path, server: ScriptedServer) -> None:
    for _ in range(2):
        run = homemon("upload", cwd=home)
        assert (run.returncode, run.stderr.count(WHY)) == (1, 1)
    assert run.stdout == "0 sent, 0 waiting, 0 parked\n"
    assert len(server.lines) == COUNT - 1
    assert not any(str(READ) in line for line in server.lines)
    assert homemon("repair", cwd=home).returncode == 0
    run = homemon("upload", cwd=home)
    assert (run.returncode, run.stdout, run.stderr) == (0, "0 sent, 0 waiting, 0 parked\n", "")


def test_a_graph_does_not_draw_it(home: Path) -> None:
    for days in ("30", "100"):
        run = homemon("graph", "--days", days, cwd=home)
        assert (run.returncode, run.stderr.count(WHY)) == (1, 1)
        page = (home / "homemon.html").read_text()
        assert str(READ) not in page
        assert str(STORED - 1) in page


def test_status_shows_the_newest_reading_that_was_stored(home: Path) -> None:
    flip(home / "store" / FILE, 4000.5 + COUNT - 1, 4000.75 + COUNT - 1)
    run = homemon("status", cwd=home)
    assert run.returncode == 1
    assert f" {4000.5 + COUNT - 2} " in run.stdout
    assert run.stderr.count(WHY) == 1


def test_metrics_have_the_newest_reading_that_was_stored(home: Path) -> None:
    newest = int(time.time()) - 30
    with closing(Store(home / "store")) as store:
        store.archive.add([(Point("power", {"value": 5000.5 + i}, newest + i), instant()) for i in range(2)])
    flip(home / "store" / FILE, 5001.5, 5001.75)
    run = homemon("metrics", cwd=home)
    assert (run.returncode, run.stderr.count(WHY)) == (1, 1)
    assert "\nhomemon_power_watts 5000.5\n" in run.stdout


def test_the_same_reading_again_takes_its_place(home: Path) -> None:
    again = Point("power", {"value": STORED}, NOW - (COUNT - NTH) * 60)
    with closing(Store(home / "store")) as store:
        assert store.archive.lacking("power", [again.time or 0]) == [again.time]
        assert store.archive.add([(again, instant())]) == [again]
        assert store.archive.lacking("power", [again.time or 0]) == []
    run = homemon("export", cwd=home)
    assert (run.returncode, run.stdout.count("\n"), run.stderr) == (0, COUNT, "")


def test_what_is_taken_over_from_a_store_that_is_open_is_without_it(home: Path) -> None:
    with closing(Store(home / "store")) as store, store.db.explained("read"):
        rows = list(rows_of(store.db.connection))
    assert len(rows) == COUNT - 1
    assert READ not in {row.value for row in rows}


def test_each_bit_of_a_row_counts(tmp_path: Path) -> None:
    values = [0, 5, -3000, 523.25, 0.3, -0.1, 68332.6, 99_999_999_999_999, 123456.0]
    with closing(Store(tmp_path)) as store:
        store.archive.add([(Point("power", {"value": value}, NOW + i), instant()) for i, value in enumerate(values)])
        with store.db.explained("read"):
            columns = f"series, time, value, seal FROM point WHERE {SOUND}"
            rows = store.db.execute(f"SELECT {columns}").fetchall()
            assert [row[2] for row in rows] == values
            query = f"SELECT 1 FROM (SELECT ? AS series, ? AS time, ? AS value, ? AS seal) WHERE {SOUND}"
            for row in rows:
                assert store.db.execute(query, row).fetchone()
                for other in flipped(row):
                    assert not store.db.execute(query, other).fetchone(), (row, other)


def flipped(row: tuple[int, int, float, int]) -> Iterator[tuple[int, int, float, int]]:
    """The row with each of its bits flipped; of the time and of integers, as many as are stored of them."""
    series, when, value, seal = row
    bits = 33 if when < 1 << 33 else 48
    yield from ((series, when ^ 1 << bit, value, seal) for bit in range(bits))
    yield from ((series, when, value, seal ^ 1 << bit) for bit in range(32))
    if isinstance(value, int):
        yield from ((series, when, value ^ 1 << bit, seal) for bit in range(47))
        return
    for bit in range(64):
        (number,) = struct.unpack(">Q", struct.pack(">d", value))
        (other,) = struct.unpack(">d", struct.pack(">Q", number ^ 1 << bit))
        if other == other:  # SQLite has no NaN: it is NULL, which no row holds
            yield series, when, other, seal


def test_a_program_that_reads_the_store_is_warned(home: Path) -> None:
    with Reader(home / "store") as reader, pytest.warns(UserWarning, match=f"{WHY}.*`homemon repair`"):
        assert len(list(reader.values("power"))) == COUNT - 1


@pytest.mark.parametrize("lost", [(0,), (10, 11), (0, 1, COUNT - 2), tuple(range(1, COUNT - 1))])
def test_an_export_that_lacks_stored_readings_says_so_and_fails(home: Path, lost: tuple[int, ...]) -> None:
    """The next reading knows when the one before it was."""
    with closing(Store(home / "store")) as store:
        store.archive.add([(Point("aaa", {"value": i}, NOW - (COUNT - i) * 60), instant()) for i in range(COUNT)])
    path = home / "store" / FILE
    lose(path, *(NOW - (COUNT - i) * 60 for i in lost), series=2)
    run = homemon("export", "--measurement", "aaa", cwd=home)
    assert run.returncode == 1
    assert run.stdout.count("aaa value=") == COUNT - len(lost)
    assert (
        run.stderr.count("stored readings are not found, the first next to aaa value of "),
        run.stderr.count(REMEDY),
    ) == (1, 1)
    before = moment_text(NOW - COUNT * 60, "%Y-%m-%d %H:%M:%S")
    run = homemon("export", "--measurement", "aaa", "--until", before, cwd=home)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
