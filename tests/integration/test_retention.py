"""keep_days: what is older goes, bit by bit, and nothing that anybody could still miss."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from homemon.core import clock
from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, HOUR, JST, Point
from homemon.storage import retention
from homemon.storage.database import FILE
from homemon.storage.retention import BATCH, BATCHES, SPARE, Retention
from homemon.storage.schema import MIGRATIONS
from homemon.storage.store import Store
from tests.commands import PATIENCE, homemon, running, simulated, wait_for, write_config
from tests.monitor import configure, on_a_pty
from tests.stores import NOW, T, content, put, waiting_lines

MIDNIGHT = int(datetime.fromtimestamp(T, JST).replace(hour=0, minute=0, second=0).timestamp())
LATER = NOW._replace(wall=T + HOUR)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "OTHERS_WRITE", 0.0)


def seconds_ago(store: Store, name: str = "power") -> list[int]:
    return [T - time for time, measurement, _ in content(store) if measurement == name]


def metered(store: Store, time: int = T) -> None:
    """The meter's half-hours show what time it is."""
    put(store, Point("+power", {"value": 1}, time // HALF_HOUR * HALF_HOUR))


def all_sent(store: Store) -> None:
    while (waiting := store.outbox.waiting(5000)).rows:
        store.outbox.mark_sent(waiting)


def pages(folder: Path, name: str) -> int:
    with closing(sqlite3.connect(folder / FILE)) as db:
        return int(db.execute(f"PRAGMA {name}").fetchone()[0])


# --- what goes and what stays ---------------------------------------------------------


def test_today_and_so_many_whole_days_before_it_stay(store: Store) -> None:
    metered(store)
    kept = [MIDNIGHT - 3 * DAY, MIDNIGHT - DAY, T]
    put(store, *(Point("power", {"value": 1}, time) for time in [MIDNIGHT - 400 * DAY, kept[0] - 1, *kept]))
    assert Retention(store, 3, unsent=True).prune(NOW) == 2
    assert seconds_ago(store) == [T - time for time in kept]


def test_what_the_server_lacks_or_refused_stays(store: Store) -> None:
    metered(store)
    put(store, *(Point("power", {"value": i}, T - 50 * DAY + i) for i in range(6)))
    all_sent(store)
    put(store, Point("power", {"value": 70}, T - 50 * DAY + 2), Point("power", {"value": 70}, T - 50 * DAY + 4))
    newest, _ = waiting_lines(store.outbox)
    store.outbox.park(newest, "refused")
    assert Retention(store, 3, unsent=False).prune(NOW) == 4
    assert seconds_ago(store) == [50 * DAY - 2, 50 * DAY - 4]
    assert store.outbox.backlog() == (1, 1)


def test_where_there_is_no_server_any_more_what_it_lacked_goes_too(store: Store) -> None:
    metered(store)
    put(store, *(Point("power", {"value": i}, T - 50 * DAY + i) for i in range(2)))
    store.outbox.park(waiting_lines(store.outbox)[-1], "refused")
    assert Retention(store, 3, unsent=True).prune(NOW) == 2
    assert store.db.execute("SELECT count(*) FROM parked").fetchone() == (0,)


# --- a clock that is wrong ------------------------------------------------------------


def a_month(store: Store) -> list[int]:
    put(store, *(Point("power", {"value": 1}, T - day * DAY) for day in range(30)))
    return seconds_ago(store)


@pytest.mark.parametrize("kept_by_ntp", [True, False])
@pytest.mark.parametrize("leap", [40 * DAY, 365 * DAY, 20 * 365 * DAY])
def test_a_clock_that_leaps_ahead_takes_nothing_away(
    store: Store, monkeypatch: pytest.MonkeyPatch, leap: int, kept_by_ntp: bool
) -> None:
    monkeypatch.setattr(clock, "kept_by_ntp", lambda: kept_by_ntp)
    metered(store)
    before = a_month(store)
    at = NOW._replace(wall=T + leap)
    put(store, Point("power", {"value": 2}), at=at)
    Retention(store, 30, unsent=True).prune(at)
    assert seconds_ago(store) == [*before, -leap]


@pytest.mark.parametrize("kept_by_ntp", [True, False])
def test_without_a_meter_only_a_clock_kept_by_ntp_takes_anything_away(
    store: Store, monkeypatch: pytest.MonkeyPatch, kept_by_ntp: bool
) -> None:
    monkeypatch.setattr(clock, "kept_by_ntp", lambda: kept_by_ntp)
    a_month(store)
    assert Retention(store, 9, unsent=True).prune(NOW) == (20 if kept_by_ntp else 0)


def test_a_clock_that_is_not_believed_takes_nothing_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "has_time_service", lambda: True)  # which has not set it yet
    monkeypatch.setattr(clock, "kept_by_ntp", lambda: False)
    metered(store)
    before = a_month(store)
    assert Retention(store, 3, unsent=True).prune(NOW._replace(wall=T - DAY)) == 0
    assert seconds_ago(store) == before


def test_a_clock_that_was_ahead_does_not_put_off_what_is_due(store: Store) -> None:
    metered(store)
    Retention(store, 3, unsent=True).prune(NOW._replace(wall=T + 900 * DAY))
    a_month(store)
    assert Retention(store, 3, unsent=True).prune(NOW) == 26


# --- a little at a time ---------------------------------------------------------------


def test_one_call_drops_a_few_thousand_and_only_a_listener_goes_on_within_the_hour(store: Store) -> None:
    metered(store)
    most = BATCH * BATCHES
    put(store, *(Point(f"power{i % 3}", {"value": i}, T - 50 * DAY + i) for i in range(2 * most + 10)))
    listener, poll = (Retention(store, 3, unsent=True) for _ in range(2))
    assert poll.prune(NOW) == most
    assert Retention(store, 3, unsent=True).prune(NOW._replace(wall=T + HOUR - 1)) == 0
    assert [listener.prune(LATER) for _ in range(3)] == [most, 10, 0]
    assert len(content(store)) == 1


WRITER = """
import sys
from pathlib import Path
from homemon.core.clock import Instant
from homemon.core.points import Point
from homemon.storage.store import Store
store = Store(Path(sys.argv[1]), busy=1.0)
for i in range(300):
    store.archive.add([(Point("current", {"r": i}, int(sys.argv[2]) + i), Instant(int(sys.argv[2]), 1.0, "b"))])
"""


def test_no_writer_waits_a_second_while_years_are_dropped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    metered(store)
    put(store, *(Point("power", {"value": i}, T - 500 * DAY + i) for i in range(60_000)))
    listener = Retention(store, 3, unsent=True)
    command = (sys.executable, "-c", WRITER, str(store.path.parent), str(T))
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as writer:
        while listener.prune(LATER):
            pass
        _, errors = writer.communicate(timeout=PATIENCE)
    assert (errors, writer.returncode) == ("", 0), "busy=1.0: it fails where it must wait longer"
    assert len(content(store)) == 301


def test_values_of_earlier_boots_that_nobody_can_date_do_not_pile_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "UNDATED_STAY", 5)
    metered(store)
    for i in range(20):
        put(store, Point("power", {"value": i}), at=Instant(0.0, i, f"boot {i // 8}"))
    Retention(store, 3, unsent=True).prune(NOW._replace(boot="boot 2"))
    assert store.archive.undated("boot 2") == (4, 1)


# --- the file -------------------------------------------------------------------------


def test_the_place_of_what_was_dropped_is_used_again(store: Store) -> None:
    metered(store)
    put(store, *(Point("power", {"value": i}, T - 50 * DAY + i) for i in range(5000)))
    before = pages(store.path.parent, "page_count")
    for day in range(5):
        put(store, *(Point("power", {"value": i}, T - 40 * DAY + 5000 * day + i) for i in range(5000)))
        Retention(store, 3, unsent=True).prune(NOW._replace(wall=T + day * HOUR))
    assert pages(store.path.parent, "page_count") <= 2.2 * before


def test_what_a_great_prune_frees_goes_back_to_the_file_system(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "FREED_AT_ONCE", 100)
    metered(store)
    put(store, *(Point("power", {"value": i}, T - 50 * DAY + i) for i in range(20_000)))
    folder = store.path.parent
    before = pages(folder, "page_count")
    listener = Retention(store, 3, unsent=True)
    listener.prune(LATER)
    assert before - 102 <= pages(folder, "page_count") < before, "in small steps"
    for _ in range(20):
        listener.prune(LATER)
    store.close()
    assert (folder / FILE).stat().st_size < before * 1024 / 10
    assert pages(folder, "freelist_count") <= SPARE * pages(folder, "page_count") + 1


def test_a_file_from_before_that_keeps_its_size_and_works_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.executescript(
            f"PRAGMA auto_vacuum = NONE; PRAGMA journal_mode = WAL; {MIGRATIONS[1]} PRAGMA user_version = 1"
        )
    store = Store(tmp_path)
    metered(store)
    put(store, *(Point("power", {"value": i}, T - 50 * DAY + i) for i in range(5000)))
    before = pages(tmp_path, "page_count")
    listener = Retention(store, 3, unsent=True)
    assert [listener.prune(LATER), listener.prune(LATER)] == [5000, 0]
    store.close()
    assert pages(tmp_path, "page_count") == before
    assert pages(tmp_path, "freelist_count") > before * SPARE


# --- the commands ---------------------------------------------------------------------


def old_and_new(folder: Path) -> int:
    """A store with a reading of each of the last ten days, and the half-hour that has just passed; now."""
    now = int(time.time())
    store = Store(folder)
    metered(store, now)
    put(store, *(Point("power", {"value": 1}, now - day * DAY) for day in range(10)))
    store.close()
    return now


def powers(folder: Path, before: int) -> list[int]:
    """Times of power readings before the test began."""
    store = Store(folder)
    try:
        return [time for time, name, _ in content(store) if name == "power" and time < before]
    finally:
        store.close()


def test_a_listener_without_a_server_drops_what_is_old(tmp_path: Path) -> None:
    write_config(tmp_path, "keep_days = 2")
    now = old_and_new(tmp_path / "store")
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path) as listener:
        wait_for(lambda: len(powers(tmp_path / "store", now)) <= 2)
        assert listener.stop() == 0
    assert powers(tmp_path / "store", now) == [now - 2 * DAY, now - DAY]


def test_a_poll_drops_what_is_old_and_keeps_all_without_keep_days(tmp_path: Path) -> None:
    now = old_and_new(tmp_path / "store")
    with simulated(tmp_path):
        for more, left in (("", 9), ("keep_days = 2", 2)):
            write_config(tmp_path, more)
            assert homemon("join", cwd=tmp_path).returncode == 0
            run = homemon("meter-poll", cwd=tmp_path)
            assert run.returncode == 0, run.stderr
            assert len(powers(tmp_path / "store", now)) == left


def test_a_dump_neither_brings_back_what_was_dropped_nor_keeps_its_files_for_ever(tmp_path: Path) -> None:
    configure(tmp_path)
    config = tmp_path / "config.ini"
    config.write_text(config.read_text().replace("[store]", "[store]\nkeep_days = 5"))
    old_and_new(tmp_path / "store")
    today = datetime.now(JST)
    names = [f"kyocera_{today - timedelta(days=days):%Y%m%d}.txt" for days in (400, 6, 5, 1, 0)]
    for name in (*names[:-1], f"{names[0]}.partial", "kyocera_notes.txt"):
        (tmp_path / "store" / name).write_text("an older dump")
    with on_a_pty(tmp_path) as _:
        run = homemon("kyocera-dump", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    midnight = int(today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    assert min(int(line.split()[-1][:-9]) for line in run.stdout.splitlines()) == midnight - 5 * DAY
    assert {path.name for path in (tmp_path / "store").glob("kyocera*.txt*")} == {*names[2:], "kyocera_notes.txt"}
