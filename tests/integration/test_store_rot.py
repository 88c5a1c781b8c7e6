"""A worn card: whatever one fault does to the store, it is noticed, and what is whole is saved."""

import struct
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from homemon.core.errors import StoreDamaged
from homemon.core.points import Point
from homemon.storage.database import FILE, Database
from homemon.storage.health import Look, newest_faults, whole_faults
from homemon.storage.repair import bring_back, copy, repair
from homemon.storage.salvage import LEAF_KEYS, Salvage, checksum, varint
from homemon.storage.schema import checksum_sql
from homemon.storage.store import Store
from tests.integration.test_database import write_old
from tests.longrun.rot.faults import METER, PAGE, Content, Outcome, make, one
from tests.longrun.rot.faults import T as T_ROT
from tests.stores import T, put

FAULTS, DAYS = 25, 5
Values = dict[tuple[int, str, str, str], float]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Content]:
    """A store of some days, and what it holds."""
    folder = tmp_path_factory.mktemp("sound")
    return folder, make(folder, DAYS)


def values(content: Content) -> Values:
    return {(time, name, tags, field): value for time, name, tags, fields in content for field, value in fields.items()}


def held(folder: Path) -> Content:
    with closing(Store(folder)) as store:
        return list(store.archive.lines(0, 1 << 62))


def damaged(sound: Path, folder: Path, *spoils: tuple[int, bytes]) -> Path:
    """A copy of a store, with other bytes at some places."""
    data = bytearray((sound / FILE).read_bytes())
    for at, content in spoils:
        data[at : at + len(content)] = content
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_bytes(data)
    return folder


@pytest.mark.parametrize("seed", range(3))
def test_no_fault_stays_silent_and_none_raises_what_nobody_expects(
    sound: tuple[Path, Content], tmp_path: Path, seed: int
) -> None:
    folder, truth = sound
    random = Random(seed)
    tried = [one(folder, tmp_path / "rotten", truth, random) for _ in range(FAULTS)]
    assert [each for each in tried if each.outcome not in (Outcome.HARMLESS, Outcome.REPORTED)] == []
    assert sum(each.outcome is Outcome.REPORTED for each in tried) > FAULTS / 2


@pytest.mark.parametrize("seed", range(12))
def test_a_repair_saves_what_is_whole_invents_nothing_and_names_what_is_missing(
    sound: tuple[Path, Content], tmp_path: Path, seed: int
) -> None:
    folder, truth = sound
    kind = one(folder, tmp_path / "rotten", truth, Random(100 + seed)).kind
    before = (tmp_path / "rotten" / FILE).read_bytes()
    repaired = repair(tmp_path / "rotten" / FILE)
    known, found = values(truth), values(held(tmp_path / "rotten"))
    added = {key for key in found if key not in known}
    assert {key: value for key, value in found.items() if key not in added}.items() <= known.items()
    assert kind == "truncated" or len(known) - len(found) <= 140, "no more than two pages' rows"
    with closing(Store(tmp_path / "rotten")) as store:
        assert whole_faults(store.db) == []
        assert +bring_back(store.db, folder / FILE) or len(found) >= len(known)
    assert values(held(tmp_path / "rotten")).items() >= known.items()
    assert repaired.aside.exists()
    assert len(repaired.aside.read_bytes()) >= len(before) - PAGE


def test_a_flipped_bit_of_a_value_is_named_and_is_not_saved(sound: tuple[Path, Content], tmp_path: Path) -> None:
    data = (sound[0] / FILE).read_bytes()
    at = data.index(struct.pack(">d", 68333.5), 3 * PAGE)
    rotten = damaged(sound[0], tmp_path / "rotten", (at + 4, bytes([data[at + 4] ^ 1])))
    with closing(Store(rotten)) as store:
        (fault,) = whole_faults(store.db)
        assert fault.startswith("+power value: the reading of 2026-12-")
        assert newest_faults(store.db) == [fault]
    ((names, since, until),) = repair(rotten / FILE).lost
    assert names == ("+power", "", "value")
    assert since is not None
    assert until - since == 3600


@pytest.mark.parametrize("bits", [7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 49])
def test_a_repair_saves_numbers_of_every_size_and_sign(tmp_path: Path, bits: int) -> None:
    """A counter that is fed in to, or a heat pump's outdoor temperature, may be below zero."""
    numbers = [sign * ((1 << bits) - less) for sign in (1, -1) for less in (0, 1)]
    with closing(Store(tmp_path)) as store:
        put(store, *(Point("power", {"value": number}, T + i) for i, number in enumerate(numbers)))
    before = held(tmp_path)
    assert [fields["value"] for _, _, _, fields in before] == numbers
    assert repair(tmp_path / FILE).whole == len(numbers)
    assert held(tmp_path) == before


@pytest.mark.parametrize("before", [b"", b"\x81\x02"])
@pytest.mark.parametrize(
    ("data", "value"), [("7F", 127), ("8100", 128), ("FFFFFFFFFFFFFFFF7F", (1 << 64) - 129), ("FF" * 9, (1 << 64) - 1)]
)
def test_sqlites_integers_of_one_to_nine_bytes_are_read(before: bytes, data: str, value: int) -> None:
    size = len(data) // 2
    assert varint(before + bytes.fromhex(data) + b"\0", len(before)) == (value, len(before) + size)


def test_a_repair_finds_each_row_that_sqlite_finds(sound: tuple[Path, Content], tmp_path: Path) -> None:
    """SQLite reads a cell's place modulo the page's size."""
    data = (sound[0] / FILE).read_bytes()
    leaves = [at for at in range(3 * PAGE, len(data), PAGE) if data[at] == LEAF_KEYS]
    rotten = damaged(sound[0], tmp_path / "rotten", *((at + 8, bytes([data[at + 8] ^ 0x80])) for at in leaves))
    assert held(rotten) == sound[1]
    assert repair(rotten / FILE).lost == []
    assert held(rotten) == sound[1]


def test_what_was_dropped_does_not_come_back(sound: tuple[Path, Content], tmp_path: Path) -> None:
    """Its pages are free, and hold it still."""
    dropped = damaged(sound[0], tmp_path / "dropped")
    since = sound[1][len(sound[1]) * 3 // 4][0]
    with closing(Database(dropped)) as db, db.explained("written"):
        db.connection.execute("DELETE FROM point WHERE time < ?", (since,))
        assert db.connection.execute("PRAGMA freelist_count").fetchone()[0] > 3
        kept = set(db.connection.execute("SELECT time FROM point"))
    assert {(row.time,) for row in Salvage(dropped / FILE).rows()} == kept


def test_rows_that_are_missing_are_seen(sound: tuple[Path, Content], tmp_path: Path) -> None:
    rotten = damaged(sound[0], tmp_path / "rotten")
    with closing(Database(rotten)) as db:
        with db.explained("written"):
            db.connection.execute("DROP TRIGGER point_dropped")
            db.connection.execute("DELETE FROM point WHERE series = 1 AND time % 86400 = 3600")
        faults = whole_faults(db)
    assert len(faults) == DAYS
    assert all("power value: readings between" in fault and "are missing" in fault for fault in faults)


def test_a_damaged_small_table_is_seen_in_a_large_store_too(sound: tuple[Path, Content], tmp_path: Path) -> None:
    data = (sound[0] / FILE).read_bytes()
    at = data.index(b"baiden_diff", 3 * PAGE)
    rotten = damaged(sound[0], tmp_path / "rotten", (at, b"baiden_difg"))
    with closing(Store(rotten)) as store:
        assert any("series" in fault or "index" in fault for fault in newest_faults(store.db))


@pytest.mark.parametrize("value", [0, 5, -3000, 523.25, 0.3, -0.1, 68332.6, 99_999_999_999_999, 1e14 + 0.5, 0.0001])
def test_sql_and_python_give_the_same_checksum_and_each_bit_counts(store: Store, value: float) -> None:
    query = f"SELECT {checksum_sql('?1', '?2', '?3', '?4')}"
    reported = store.db.execute(query, (3, T, value, 1800)).fetchone()[0]
    assert reported == checksum(3, T, value, 1800)
    others = {checksum(3, T ^ 1 << bit, value, 1800) for bit in range(33)} | {checksum(4, T, value, 1800)}
    if isinstance(value, int):
        others |= {checksum(3, T, value ^ 1 << bit, 1800) for bit in range(46)}
    assert reported not in others


def test_a_store_from_before_there_were_seals_is_sealed_in_steps(tmp_path: Path) -> None:
    with closing(Store(write_old(tmp_path / "old"))) as store:
        put(store, Point("power", {"value": 1}, 1_794_458_890), Point("power", {"value": 2}, T + 7))
        look = Look(store.db)
        assert not look.step()
        assert (look.faults, look.unsealed) == ([], 8)
        look = Look(store.db)
        look.step(seals=True)
        assert (look.faults, look.unsealed) == ([], 0)
        assert whole_faults(store.db) == []
        assert store.db.recall("sealed") == 1
        with store.db.explained("written"), store.db.writing():
            store.db.execute("UPDATE point SET seal = NULL WHERE time = ?", (T + 7,))
        assert len(whole_faults(store.db)) == 1, "what lost its seal is damaged"


def test_a_copy_is_made_beside_a_writer_private_verified_and_whole(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "store")) as store, closing(Store(tmp_path / "store")) as writer:
        put(store, *(Point("power", {"value": i}, T + i) for i in range(500)))
        with writer.db.explained("written"), writer.db.writing():
            copy(store.db, tmp_path / "copy.db")
        assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
        put(store, Point("power", {"value": 9}, T + 500))
        copy(store.db, tmp_path / "copy.db")
    assert {path.name for path in tmp_path.iterdir()} == {"store", "copy.db"}, "one file, and no other is left"
    with closing(Store(tmp_path / "new")) as new:
        assert bring_back(new.db, tmp_path / "copy.db").total() == 501
        assert bring_back(new.db, tmp_path / "copy.db").total() == 0


def test_of_a_damaged_store_no_copy_replaces_a_good_one(sound: tuple[Path, Content], tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("a good one")
    rotten = damaged(sound[0], tmp_path / "rotten", (200 * PAGE, bytes(PAGE)))
    with closing(Store(rotten)) as store, pytest.raises(Exception, match="no copy was made"):
        copy(store.db, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "a good one"


def test_a_repair_keeps_what_was_sent_what_waits_and_what_was_learned(
    sound: tuple[Path, Content], tmp_path: Path
) -> None:
    rotten = damaged(sound[0], tmp_path / "rotten", (200 * PAGE, bytes(PAGE)))
    with closing(Store(sound[0])) as store:
        waiting = store.outbox.backlog().waiting
    repair(rotten / FILE)
    with closing(Store(rotten)) as store:
        assert store.db.execute("SELECT * FROM meter").fetchall() == [(T_ROT, METER)]
        assert (store.archive.undated("boot"), store.db.recall("retry_at")) == ((1, 0), 5.0)
        assert 0 < store.outbox.backlog().waiting <= waiting + 1, "the parked one waits once more"


def test_a_file_whose_beginning_is_gone_is_read_by_its_pages(sound: tuple[Path, Content], tmp_path: Path) -> None:
    rotten = damaged(sound[0], tmp_path / "rotten", (0, bytes(3 * PAGE)))
    with pytest.raises(StoreDamaged):
        Store(rotten)
    repair(rotten / FILE)
    assert len(values(sound[1])) - len(values(held(rotten))) <= 70


def test_rows_out_of_order_end_what_reads_them_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homemon.storage.archive.READ_AT_ONCE", 10)
    monkeypatch.setattr("homemon.storage.outbox.AT_ONCE", 10)
    with closing(Store(tmp_path)) as store:
        put(store, *(Point("power", {"value": 1000.5 + number}, T + number) for number in range(60)))
    data = (tmp_path / FILE).read_bytes()
    cells = data.rindex(struct.pack(">d", 1000.5)) // PAGE * PAGE + 8  # where the page says where its rows are
    third, twentieth = (data[cells + 2 * row : cells + 2 * row + 2] for row in (2, 19))
    damaged(tmp_path, tmp_path, (cells + 2 * 2, twentieth), (cells + 2 * 19, third))
    with closing(Store(tmp_path)) as store:
        with pytest.raises(StoreDamaged):
            list(store.archive.values("power", "value", 0, 1 << 40))
        with pytest.raises(StoreDamaged):
            store.outbox.send_again(0)
