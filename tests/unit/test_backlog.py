"""What waits is counted without a look at each point, and right whatever becomes of them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.core.points import Point
from homemon.storage import ledger
from homemon.storage.database import Database
from homemon.storage.ledger import FIRST, Changes, keep_accounts
from homemon.storage.outbox import Outbox
from homemon.storage.schema import PERIOD
from homemon.storage.store import Store
from tests.stores import T, put, waiting_lines

SINKS = (FIRST, "backup")
WANTED = {"backup": ()}
PERIODS, EACH = 12, 20  # of points that wait, and how many times have some in each
LENGTH = 1 << PERIOD  # seconds
BEGUN = T // LENGTH * LENGTH
BY_ROW = {
    FIRST: "SELECT series, time FROM point WHERE sent = 0",
    "backup": """
        SELECT series, time FROM lacked WHERE sink = 'backup' AND refused IS NULL
        UNION SELECT series, time FROM fill JOIN point USING (series) WHERE time >= since AND time < before
    """,
}


def house(store: Store, period: int, second: int = 0, value: int = 1) -> None:
    """Store two points, of one field and of two."""
    time = BEGUN + period * LENGTH + second
    put(store, Point("power", {"value": value}, time), Point("current", {"r": value, "t": value + 1}, time))


def houses(store: Store) -> None:
    for period in range(PERIODS):
        for second in range(EACH):
            house(store, period, second)


def steps(store: Store, outbox: Outbox) -> int:
    """What SQLite does to count what waits, in tens of its instructions."""
    done: list[None] = []
    store.db.connection.set_progress_handler(lambda: done.append(None), 10)
    try:
        outbox.backlog()
    finally:
        store.db.connection.set_progress_handler(None, 0)
    return len(done)


def counted_by_row(store: Store, sink: str) -> int:
    query = f"SELECT count(*) FROM (SELECT DISTINCT measurement, time FROM ({BY_ROW[sink]}) JOIN series ON series = id)"
    number: int = store.db.execute(query).fetchone()[0]
    return number


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("filled", [False, True])
def test_of_all_that_waits_only_the_newest_period_is_looked_at(store: Store, sink: str, filled: bool) -> None:
    houses(store)
    if sink != FIRST:
        keep_accounts(store.db, WANTED)
    outbox = store.outbox_of(sink)
    assert not filled or outbox.fill(monotonic() + 60)
    first, then = steps(store, outbox), steps(store, outbox)
    assert then < first * 2 / PERIODS
    house(store, 3, EACH)
    assert steps(store, outbox) < first * 4 / PERIODS, "and the one that a point came into"
    assert outbox.backlog() == (2 * PERIODS * EACH + 2, 0)


def test_parked_points_are_found_without_a_look_at_what_waits(store: Store) -> None:
    keep_accounts(store.db, WANTED)
    account = ledger.ledger("backup")
    plan = store.db.execute(f"EXPLAIN QUERY PLAN SELECT time FROM {account.refused} WHERE {account.parked}").fetchall()
    assert "INDEX refused" in plan[0][3]


def _send(store: Store, outbox: Outbox, number: int) -> None:
    outbox.mark_sent(outbox.waiting(number + 1))


def _park(store: Store, outbox: Outbox, number: int) -> None:
    for line in waiting_lines(outbox)[number : number + 1]:
        outbox.park(line, "400")


def _again(store: Store, outbox: Outbox, number: int) -> None:
    outbox.send_again(BEGUN + number % PERIODS * LENGTH)


def _drop(store: Store, outbox: Outbox, number: int) -> None:
    with store.db.writing():
        store.db.execute("DELETE FROM point WHERE time < ?", (BEGUN + number % 4 * LENGTH,))


def _fill(store: Store, outbox: Outbox, number: int) -> None:
    outbox.fill(monotonic() + 60)


def _fill_some(store: Store, outbox: Outbox, number: int) -> None:
    outbox.fill(monotonic())


def _forget(store: Store, outbox: Outbox, number: int) -> None:
    Changes(store.db, "backup").forget()


def _renew(store: Store, outbox: Outbox, number: int) -> None:
    keep_accounts(store.db, {"backup": ("power",)} if number % 2 else WANTED)


def _store(store: Store, outbox: Outbox, number: int) -> None:
    house(store, number % PERIODS, number % 3, number)


ACTS = (_store, _send, _park, _again, _drop, _fill, _fill_some, _forget, _renew)
Act = tuple[Callable[[Store, Outbox, int], None], str, int]


@given(
    st.booleans(), st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(SINKS), st.integers(0, 40)), max_size=12)
)
def test_it_is_the_number_of_points_whatever_becomes_of_them(
    tmp_path_factory: pytest.TempPathFactory, of_two: bool, acts: list[Act]
) -> None:
    with closing(Store(tmp_path_factory.mktemp("store"))) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "AT_ONCE", 5)
        patch.setattr(ledger, "sleep", lambda seconds: None)
        for period in range(PERIODS):
            house(store, period)
        if of_two:
            keep_accounts(store.db, WANTED)
            store.outbox_of("backup").fill(monotonic() + 60)
        for act, sink, number in acts:
            act(store, store.outbox_of(sink), number)
            assert [store.outbox_of(each).backlog().waiting for each in SINKS] == [
                counted_by_row(store, each) for each in SINKS
            ]


def test_numbers_are_not_kept_where_another_process_writes_meanwhile(store: Store) -> None:
    houses(store)
    with closing(Database(store.path.parent)) as other:

        def interfere() -> None:
            store.db.connection.set_progress_handler(None, 0)
            with other.writing():
                other.execute("UPDATE point SET sent = 1")

        store.db.connection.set_progress_handler(interfere, 10_000)
        store.outbox.backlog()
    assert store.outbox.backlog() == (0, 0)


def test_what_waits_is_known_though_numbers_cannot_be_kept(store: Store) -> None:
    houses(store)
    store.db.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        store.db.execute("DELETE FROM counted")
    assert store.outbox.backlog() == (2 * PERIODS * EACH, 0)
