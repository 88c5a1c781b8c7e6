"""What was sent is marked at once where nothing was written meanwhile, and row by row where something was."""

from collections.abc import Callable, Iterator
from contextlib import closing
from time import monotonic

import pytest

from homemon.core.points import Point
from homemon.storage.ledger import FIRST, keep_accounts
from homemon.storage.outbox import NOTHING, SPARSE, Batch, Outbox, Stretch
from homemon.storage.store import Store
from tests.stores import T, put

BACKUP = "backup"
Write = Callable[[Store], object]


def power(value: int, second: int) -> Point:
    return Point("power", {"value": value}, T + second)


@pytest.fixture(params=[FIRST, BACKUP])
def outbox(store: Store, request: pytest.FixtureRequest) -> Outbox:
    """What lacks ten points, of which each second one has two fields."""
    put(store, *(power(i, i) for i in range(0, 10, 2)))
    put(store, *(Point("current", {"r": i, "t": i}, T + i) for i in range(1, 10, 2)))
    if request.param == BACKUP:
        keep_accounts(store.db, {BACKUP: ()})
        store.outbox_of(BACKUP).fill(monotonic() + 60)
    return store.outbox_of(request.param)


@pytest.fixture
def statements(store: Store) -> Iterator[set[str]]:
    """Those that mark, with their values."""
    said: set[str] = set()

    def note(statement: str) -> None:
        if statement.startswith(("UPDATE point SET sent", "DELETE FROM lacked")):
            said.add(statement)

    store.db.connection.set_trace_callback(note)
    yield said
    store.db.connection.set_trace_callback(None)


def seconds(outbox: Outbox, limit: int = 1000, sending: Batch = NOTHING) -> list[int]:
    texts = outbox.waiting(limit, sending=sending).texts
    return [int(text.split()[-1].removesuffix("000000000")) - T for text in texts]


def test_a_batch_is_marked_by_one_statement(outbox: Outbox, statements: set[str]) -> None:
    outbox.mark_sent(outbox.waiting(6))
    assert len(statements) == 1
    assert seconds(outbox) == [5, 4, 3, 2, 1, 0]


def test_so_is_one_that_was_read_before_the_other_was_marked(outbox: Outbox, statements: set[str]) -> None:
    first = outbox.waiting(4)
    second = outbox.waiting(4, sending=first)
    for batch in (first, second):
        outbox.mark_sent(batch)
    assert len(statements) == 2
    assert seconds(outbox) == [3, 2, 1, 0]
    assert not set(first.rows) & set(second.rows)


def test_beside_a_batch_that_is_sent_what_came_since_is_read_first(store: Store, outbox: Outbox) -> None:
    first = outbox.waiting(4)
    put(store, power(1, 20), Point("tank", {"value": 1}, first.rows[0][1]), power(2, 21))
    assert seconds(outbox, 1, first) == [21]
    assert seconds(outbox, 2, first) == [21, 20]
    assert seconds(outbox, 3, first) == [21, 20, 6]
    outbox.mark_sent(first)
    assert seconds(outbox, 3) == [21, 20, 9]


def test_rows_that_are_far_apart_are_marked_one_by_one(store: Store, outbox: Outbox, statements: set[str]) -> None:
    """One statement for all would look at whatever was sent in between, for seconds in ten years of it."""
    outbox.mark_sent(outbox.waiting(1000))
    put(store, power(1, -SPARSE * 3), power(1, 10))
    statements.clear()
    outbox.mark_sent(outbox.waiting(1000))
    assert len(statements) == 2
    assert seconds(outbox) == []


def _drop(store: Store) -> None:
    with store.db.writing():
        store.db.execute("DELETE FROM point WHERE time = ?", (T + 4,))
        store.db.execute("INSERT INTO point (series, time, value) SELECT id, ?, 3 FROM series LIMIT 1", (T + 4,))


@pytest.mark.parametrize(
    ("write", "waits"),
    [
        (lambda store: put(store, power(70, 4)), [4]),
        (lambda store: put(store, power(70, 5)), [5]),
        (lambda store: put(store, power(70, 99), power(70, -1)), [99, -1]),
        (_drop, [4]),
        (lambda store: store.db.remember(failures=1), []),
    ],
    ids=["changed", "new in between", "new beyond", "another of the same time", "nothing of it"],
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["the same connection", "another"])
def test_what_is_written_between_reading_and_marking_waits(
    store: Store, outbox: Outbox, write: Write, waits: list[int], elsewhere: bool
) -> None:
    batch = outbox.waiting(1000)
    if elsewhere:
        with closing(Store(store.path.parent)) as other:
            write(other)
    else:
        write(store)
    outbox.mark_sent(batch)
    assert seconds(outbox) == waits


def test_what_is_left_out_is_not_marked(outbox: Outbox) -> None:
    outbox.mark_sent(outbox.waiting(1000, [Stretch("power", T + 2, T + 6)]))
    assert seconds(outbox) == [6, 4, 2]


@pytest.mark.parametrize("outbox", [FIRST], indirect=True)
def test_a_row_that_the_index_lacks_is_not_marked_with_the_others(store: Store, outbox: Outbox) -> None:
    """It was not read, as the file is damaged: made so by an index that holds less than SQLite takes it for."""
    db = store.db.connection
    (whole,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'waiting'").fetchone()
    db.execute("DROP INDEX waiting")
    db.execute(f"{whole} AND time <> {T + 4}")
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'waiting'", (whole,))
    db.execute("PRAGMA writable_schema = RESET")
    outbox.mark_sent(outbox.waiting(1000))
    assert db.execute("SELECT time FROM point WHERE +sent = 0").fetchall() == [(T + 4,)]
