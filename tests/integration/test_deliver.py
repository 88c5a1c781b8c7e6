"""From the store to a server: whatever the server does, each reading gets there once, the newest first."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Thread
from typing import Any, cast

import pytest

from homemon.config.keys import Server
from homemon.core.points import Point
from homemon.delivery import sender, server
from homemon.delivery.held import Held, dumped, loaded
from homemon.delivery.influx import Influx
from homemon.delivery.sender import BACKOFF_FIRST, BACKOFF_LAST, HOLD_FOR
from homemon.delivery.sink import LONGEST_PAUSE
from homemon.delivery.verdicts import Answer, Verdict
from homemon.storage.outbox import Batch, Outbox, Stretch
from homemon.storage.store import Store
from tests.ailing import AILING, COUNT, STEP, Ailing, Rounds, spread
from tests.commands import PATIENCE
from tests.conftest import MakeSender
from tests.servers import Asked, Database, Reply, ScriptedServer, settings
from tests.stores import WALL, T, fill, outcome, put, seconds, send, sender_of

# --- a server that comes and goes ---------------------------------------------------------


def test_what_waits_while_the_server_is_down_arrives_once_it_is_back(
    store: Store, own_influx: Database, sender_to: MakeSender
) -> None:
    sender = sender_to(own_influx.settings())
    expected = fill(store, range(10))
    assert outcome(send(sender)) == (10, 0, 0, "")
    own_influx.server.kill()
    expected |= fill(store, range(10, 30))
    down = send(sender)
    assert (down.sent, down.waiting, down.news) == (0, 20, True)
    assert "cannot be reached" in down.fault
    again = sender_to(own_influx.settings())
    assert not again.due(down.next_try - 0.1)
    own_influx.server.start()
    assert again.due(down.next_try)
    assert outcome(send(again, down.next_try)) == (20, 0, 0, "")
    assert own_influx.points() == expected
    assert not again.due(down.next_try)


def test_a_new_point_needs_no_second_sending_of_the_old(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    sender = sender_to(settings(scripted.url))
    for i in range(3):
        fill(store, [i])
        send(sender)
    assert seconds(scripted.lines) == [0, 1, 2]


def test_the_newest_goes_first(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FULL_BATCH", 7)
    fill(store, range(100))
    assert send(sender_to(settings(scripted.url))).sent == 100
    assert seconds(scripted.lines) == list(range(99, -1, -1))


def test_after_a_failure_it_starts_small(store: Store, scripted: ScriptedServer, sender_to: MakeSender) -> None:
    sender = sender_to(settings(scripted.url))
    fill(store, range(100))
    scripted.answer = lambda asked: Reply(503)
    send(sender)
    scripted.answer = lambda asked: Reply()
    send(sender)
    assert [len(asked.lines) for asked in scripted.asked] == [100, 1, 8, 64, 27]


def test_it_comes_back_later_and_later_across_processes(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    scripted.answer = lambda asked: Reply(503)
    fill(store, [0])
    wall, pauses = WALL, []
    for _ in range(12):
        sending = send(sender_to(settings(scripted.url)), wall)
        pauses.append(sending.next_try - wall)
        wall = sending.next_try
    limits = [min(BACKOFF_LAST, BACKOFF_FIRST * 2**i) for i in range(12)]
    assert all(limit * 0.5 <= pause <= limit * 1.5 + 1 for limit, pause in zip(limits, pauses, strict=True)), pauses


@pytest.mark.parametrize(
    ("wait", "pause"),
    [
        (lambda: "120", 120),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=120)), 120),
        (lambda: "999999", LONGEST_PAUSE),
    ],
)
def test_a_server_that_asks_for_it_is_left_alone(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, wait: Callable[[], str], pause: float
) -> None:
    scripted.answer = lambda asked: Reply(429, "", {"Retry-After": wait()})
    fill(store, range(3))
    latest = min(1.5 * pause, LONGEST_PAUSE)  # homes that it told the same do not come in the same second
    assert WALL + pause - 5 < send(sender_to(settings(scripted.url))).next_try < WALL + latest + 5
    assert not sender_to(settings(scripted.url)).due(WALL + pause - 10)
    assert sender_to(settings(scripted.url)).due(WALL + latest + 10)


def test_the_pause_counts_from_the_answer_and_stops_the_round(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round may last for hours: a pause that is counted from its beginning would be over before it begins."""
    clock = [0.0]

    def answer(asked: Asked) -> Reply:
        clock[0] += 1000
        return Reply() if len(scripted.asked) == 1 else Reply(429, "", {"Retry-After": "60"})

    for module in (sender, server):
        monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    monkeypatch.setattr(server, "FULL_BATCH", 5)
    scripted.answer = answer
    fill(store, range(30))
    sending = sender_to(settings(scripted.url)).send(WALL, 1e6)
    assert sending is not None
    assert (sending.sent, len(scripted.asked)) == (5, 2)
    assert WALL + 2060 <= sending.next_try <= WALL + 2090


def test_a_pause_that_a_wrong_clock_left_in_the_far_future_does_not_count(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    fill(store, [0])
    store.db.remember(failures=3, retry_at=WALL + 1e8)
    assert sender_to(settings(scripted.url)).due(WALL)


@pytest.mark.parametrize("fault", ["its disk is full", ""])
def test_a_server_that_was_just_seen_to_take_points_is_tried_at_once(
    store: Store, sender_to: MakeSender, fault: str
) -> None:
    sender = sender_to(settings("http://127.0.0.1:9"))
    put(store, Point("power", {"value": 1}, T))
    held = Held("power", T, T + 2, True, WALL + 100, 3, "answered 500")
    store.db.remember(failures=3, retry_at=WALL + 100, fault=fault, held=dumped([held]))
    assert not sender.due(WALL)
    sender.lift()
    assert sender.due(WALL) is bool(fault), "nothing is lifted where nothing was wrong"
    if fault:
        assert store.db.recall("fault") == "answered 500"
        assert loaded(str(store.db.recall("held"))) == [held._replace(retry_at=0.0)]


def test_what_a_person_must_do_is_reported_once(store: Store, own_influx: Database, sender_to: MakeSender) -> None:
    fill(store, range(3))
    lost = own_influx.settings(db="later")
    first, second = (send(sender_to(lost), WALL + i) for i in range(2))
    assert (first.news, second.news) == (True, False)
    assert "database not found" in first.fault
    assert first.next_try == pytest.approx(WALL + HOLD_FOR, abs=5)
    own_influx.server.query("CREATE DATABASE later")
    assert outcome(send(sender_to(lost))) == (3, 0, 0, "")
    fill(store, [9])
    own_influx.server.query("DROP DATABASE later")
    assert send(sender_to(lost)).news, "trouble that comes again is news again"


# --- two at a time ----------------------------------------------------------------------------


def test_a_value_that_changes_while_it_is_sent_is_sent_again(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    def change(asked: Asked) -> Reply:
        scripted.answer = lambda asked: Reply()
        other = Store(store.path.parent)
        put(other, Point("power", {"value": -1}, T + 1))
        other.close()
        return Reply()

    scripted.answer = change
    fill(store, range(3))
    assert outcome(send(sender_to(settings(scripted.url))))[:3] == (4, 0, 0)
    assert [asked.lines[-1] for asked in scripted.asked] == [
        f"power value=0 {T}000000000",
        f"power value=-1 {T + 1}000000000",
    ]


SECOND = """
import sys
from pathlib import Path
from random import Random
from homemon.delivery.sender import Sender
from homemon.delivery.server import ServerSink
from homemon.delivery.sink import Memory
from homemon.storage.store import Store
folder = Path(sys.argv[1])
store = Store(folder)
memory = Memory(store.db)
sink = ServerSink(store.outbox, None, memory, Random(1))
print(Sender(sink, memory, folder, Random(1)).send(0.0, 10.0))
"""


def test_only_one_process_sends_at_a_time(store: Store, scripted: ScriptedServer) -> None:
    arrived, go_on, folder = Event(), Event(), store.path.parent

    def hold(asked: Asked) -> Reply:
        arrived.set()
        go_on.wait(PATIENCE)
        return Reply()

    def first(server: Server) -> None:
        own = Store(folder)
        send(sender_of(own, lambda: Influx(server), folder))
        own.close()

    scripted.answer = hold
    fill(store, range(3))
    thread = Thread(target=first, args=(settings(scripted.url),))
    thread.start()
    try:
        assert arrived.wait(PATIENCE)
        command = (sys.executable, "-c", SECOND, folder)
        assert subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True).stdout == b"None\n"
    finally:
        go_on.set()
        thread.join(PATIENCE)
    assert len(scripted.lines) == 3
    assert store.outbox.backlog() == (0, 0)


def test_a_server_may_be_down_for_months(store: Store, scripted: ScriptedServer, sender_to: MakeSender) -> None:
    scripted.answer = lambda asked: Reply(503)
    fill(store, range(3))
    sender, wall = sender_to(settings(scripted.url)), WALL
    for _ in range(20):
        store.db.remember(failures=5000)
        wall = send(sender, wall).next_try
        assert wall - WALL <= 20 * 450
    scripted.answer = lambda asked: Reply(204)
    assert send(sender, wall).sent == 3


# --- a server that is ill in part, or as a whole -------------------------------------------


def test_new_readings_go_at_once_beside_what_it_fails_on(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, three_weeks: set[tuple[str, int]]
) -> None:
    """The measurement it fails on is asked about now and then, with growing pauses, not at each reading."""
    server, rounds = Ailing(scripted, lambda name, time: name == "power"), Rounds(sender_to, scripted.url)
    rounds.next()
    rounds.wall = WALL + 60
    requests = 0
    for minute in range(1, 31):
        fresh = COUNT * STEP + 60 * minute
        spread(store, "power", [fresh])
        spread(store, "hatuden", [fresh])
        rounds.wall = WALL + 60 * minute
        requests += server.requests(rounds.next)
        assert ("hatuden", fresh) in server.has
    assert requests < 30 + 8 * 10
    assert store.outbox.backlog().waiting == COUNT + 30


def test_what_comes_after_the_illness_is_not_held_back(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    """An old line that it fails on holds no newer one of the same measurement."""
    expected = spread(store, "power", range(20))
    server, rounds = Ailing(scripted, lambda name, time: time == 10), Rounds(sender_to, scripted.url)
    rounds.next()
    spread(store, "power", [100])
    rounds.wall = WALL + 1
    assert server.requests(rounds.next) == 1
    assert server.has == expected - {("power", 10)} | {("power", 100)}


def test_new_lines_of_a_measurement_whose_newest_failed_wait_with_it(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    spread(store, "power", range(5))
    spread(store, "hatuden", range(5))
    Ailing(scripted, lambda name, time: name == "power")
    rounds = Rounds(sender_to, scripted.url)
    rounds.next()
    spread(store, "power", [100])
    rounds.wall = WALL + 1
    assert not rounds.due()
    spread(store, "hatuden", [100])
    assert rounds.due()


def test_each_measurement_waits_only_behind_its_own_newest_line(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    for name in ("power", "hatuden"):
        spread(store, name, range(20))
    spread(store, "+power", [30])
    Ailing(scripted, lambda name, time: (name, time) in {("power", 10), ("power", 19), ("hatuden", 5)})
    sending = Rounds(sender_to, scripted.url).next()
    kept = loaded(str(store.db.recall("held")))
    assert sorted((one.head, one.last - T, one.newest) for one in kept) == [
        ("hatuden", 5, False),
        ("power", 10, False),
        ("power", 19, True),
    ]
    assert sending.next_try == min(one.retry_at for one in kept)


def test_the_pause_before_what_it_fails_on_grows(store: Store, scripted: ScriptedServer, sender_to: MakeSender) -> None:
    spread(store, "power", range(20))
    Ailing(scripted, lambda name, time: time == 10)
    rounds, pauses = Rounds(sender_to, scripted.url), []
    for _ in range(10):
        wall = rounds.wall
        pauses.append(rounds.next().next_try - wall)
    limits = [min(BACKOFF_LAST, BACKOFF_FIRST * 2**i) for i in range(10)]
    assert all(limit * 0.5 <= pause <= limit * 1.5 + 1 for limit, pause in zip(limits, pauses, strict=True)), pauses
    assert len(scripted.asked) < 30


def test_a_pause_that_is_asked_for_at_a_second_try_holds_for_all(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    spread(store, "power", range(20))
    server, rounds = Ailing(scripted, lambda name, time: time == 10), Rounds(sender_to, scripted.url)
    rounds.next()
    server.reply = Reply(429, "", {"Retry-After": "120"})
    wall = rounds.wall
    rounds.next()
    spread(store, "hatuden", [100])
    rounds.wall = wall + 60
    assert not rounds.due()


def test_the_trouble_is_reported_once_and_its_end_too(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, three_weeks: set[tuple[str, int]]
) -> None:
    server, rounds = Ailing(scripted, lambda name, time: name == "power"), Rounds(sender_to, scripted.url)
    assert [rounds.next().news for _ in range(4)] == [True, False, False, False]
    server.picks = lambda name, time: False
    last = rounds.next()
    assert (last.fault, last.next_try, store.db.recall("fault"), store.db.recall("held")) == ("", 0.0, "", "[]")


def test_a_server_that_goes_away_in_the_middle_is_left_alone(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homemon.delivery.server.FULL_BATCH", 10)
    fill(store, range(100))
    scripted.answer = lambda asked: Reply(204 if len(scripted.asked) == 1 else 500)
    Rounds(sender_to, scripted.url).next()
    assert len(scripted.asked) <= 8
    assert store.outbox.backlog().waiting == 90


def test_after_a_round_that_sent_something_the_pause_is_short_again(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    fill(store, range(100))
    store.db.remember(failures=6)
    scripted.answer = lambda asked: Reply(204) if len(scripted.asked) == 1 else Reply(429, "", {"Retry-After": "1"})
    sending = sender_to(settings(scripted.url)).send(WALL, 60)
    assert sending is not None
    assert sending.sent == 1
    assert sending.next_try - WALL <= BACKOFF_FIRST * 1.5 + 1


def test_a_listener_knows_when_the_server_may_be_asked_again(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    fill(store, range(3))
    scripted.answer = lambda asked: Reply(503)
    sender = sender_to(settings(scripted.url))
    sending = sender.send(WALL, 60)
    assert sending is not None
    assert WALL < sender.next_try(WALL + 1) == sending.next_try
    assert sender.next_try(sending.next_try) == 0.0


def test_a_clock_that_was_wrong_holds_nothing_for_years(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    expected = spread(store, "power", range(3))
    server = Ailing(scripted, lambda name, time: False)
    store.db.remember(held=dumped([Held("power", T, T + 2, True, WALL + 1e8, 3, "answered 500")]))
    rounds = Rounds(sender_to, scripted.url)
    rounds.next()
    assert server.has == expected


@pytest.mark.parametrize("reply", [AILING, Reply(503), Reply(0), Reply(403), Reply(413), Reply(400, "partial write")])
def test_a_server_that_takes_nothing_sees_one_request_a_round(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, three_weeks: set[tuple[str, int]], reply: Reply
) -> None:
    server, rounds = Ailing(scripted, lambda name, time: True, reply), Rounds(sender_to, scripted.url)
    assert server.requests(rounds.next) <= 24, "the first round finds out"
    for _ in range(9):
        assert server.requests(rounds.next) == 1
    assert rounds.wall - WALL > 600
    assert store.outbox.backlog() == (len(three_weeks), 0)
    server.picks = lambda name, time: False
    rounds.next()
    assert server.has == three_weeks


# --- what the outbox reports of the backlog ------------------------------------------------------


def test_the_newest_line_that_the_server_has_is_known_for_each_head(store: Store) -> None:
    """With all its fields, and without what came or changed since."""
    put(store, *(Point("ecocute", {"power": i, "tank": 10 * i}, T + i) for i in range(3)))
    fill(store, range(5, 8))
    assert store.outbox.newest_sent("power") is None
    store.outbox.mark_sent(store.outbox.waiting(100))
    put(store, Point("power", {"value": 9}, T + 9), Point("ecocute", {"power": 9}, T + 2))
    power, ecocute = store.outbox.newest_sent("power"), store.outbox.newest_sent("ecocute")
    assert power is not None
    assert ecocute is not None
    assert (power.text, power.time) == (f"power value=7 {T + 7}000000000", T + 7)
    assert ecocute.text == f"ecocute tank=20 {T + 2}000000000"
    assert store.outbox.newest_sent("hatuden") is None
    assert store.outbox.heads() == ["ecocute", "power"]


def test_the_backlog_is_reported_by_series_and_span(store: Store) -> None:
    put(store, *(Point("ecocute", {"power": i, "tank": 10 * i}, T + i) for i in range(10)))
    fill(store, range(5, 15))
    assert store.outbox.waiting_heads() == [Stretch("power", T + 5, T + 14), Stretch("ecocute", T, T + 9)]
    out = [Stretch("power", T + 8, T + 99), Stretch("ecocute", T + 3, T + 3)]
    assert store.outbox.waiting_heads(out) == [Stretch("ecocute", T, T + 9), Stretch("power", T + 5, T + 7)]
    part = Stretch("ecocute", T + 1, T + 5)
    assert (store.outbox.count_waiting(part), store.outbox.count_waiting(part, out)) == (5, 4)
    assert seconds(line.text for line in store.outbox.waiting_in(part, 2)) == [5, 4]
    assert seconds(line.text for line in store.outbox.waiting_in(part, 9, 1, out)) == [4, 2, 1]
    assert store.outbox.waiting_in(part, 1)[0].text == f"ecocute power=5,tank=50 {T + 5}000000000"
    assert store.outbox.waiting_in(part, 9, 5) == []
    assert seconds(store.outbox.waiting(1000, out).texts) == [9, 8, 7, 7, 6, 6, 5, 5, 4, 2, 1, 0]
    for limit in range(1, 12):
        assert all(("tank" in text) == ("ecocute" in text) for text in store.outbox.waiting(limit, out).texts)


# --- large batches ----------------------------------------------------------------------------


def test_the_connection_stays_open_between_batches_and_rounds(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    process = scripted._server.process_request

    def count(request: Any, address: Any) -> None:
        begun.append(address)
        process(request, address)

    monkeypatch.setattr(scripted._server, "process_request", count)
    monkeypatch.setattr(server, "FULL_BATCH", 2)
    fill(store, range(9))
    sender = sender_to(settings(scripted.url))
    assert send(sender).sent == 9
    assert (len(scripted.asked), len(begun)) == (5, 1)
    fill(store, [9])
    assert send(sender).sent == 1
    assert len(begun) == 1


def test_the_next_batch_is_read_while_the_server_works(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, read_ahead = Outbox.waiting, Event()

    def look(*of: Any) -> Batch:
        found = waiting(*of)
        if len(of) == 4:
            read_ahead.set()
        return found

    def work(asked: Asked) -> Reply:
        in_time = read_ahead.wait(PATIENCE)
        read_ahead.clear()
        return Reply(204 if in_time else 500)

    scripted.answer = work
    monkeypatch.setattr(Outbox, "waiting", look)
    monkeypatch.setattr(server, "FULL_BATCH", 2)
    expected = fill(store, range(6))
    assert outcome(send(sender_to(settings(scripted.url)))) == (6, 0, 0, "")
    assert seconds(scripted.lines) == sorted((time - T for _, time in expected), reverse=True)


class Taking:
    """A server that takes so many batches, and then cannot be reached; `said` has what happened in which order."""

    def __init__(self, batches: int, said: list[str]) -> None:
        self._batches, self._said = batches, said

    def write(self, lines: Sequence[str], meanwhile: Callable[[], None]) -> Answer:
        if not self._batches:
            return Answer(Verdict.LATER, "cannot be reached", whole=True, unanswered=True)
        self._batches -= 1
        self._said.append("sent")
        meanwhile()
        self._said.append("taken")
        return Answer(Verdict.TAKEN)


@pytest.mark.parametrize(
    ("batches", "expected", "order"),
    [
        (4, (6, 0, 0, ""), "sent taken sent marked taken sent marked taken marked"),
        (2, (4, 2, 0, "cannot be reached"), "sent taken sent marked taken marked"),
    ],
    ids=["the last one at the end", "nor is it forgotten where the next one is not even sent"],
)
def test_what_the_server_took_is_marked_while_it_works_on_the_next(
    batches: int, expected: object, order: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    mark = Outbox.mark_sent

    def note(self: Outbox, batch: Batch) -> None:
        said.extend(["marked"] * bool(batch.rows))
        mark(self, batch)

    monkeypatch.setattr(Outbox, "mark_sent", note)
    monkeypatch.setattr(server, "FULL_BATCH", 2)
    fill(store, range(6))
    assert outcome(send(sender_of(store, lambda: cast(Influx, Taking(batches, said))))) == expected
    assert " ".join(said) == order


def test_what_was_read_ahead_waits_where_the_server_fails(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.answer = lambda asked: Reply(503) if len(scripted.asked) > 1 else Reply()
    monkeypatch.setattr(server, "FULL_BATCH", 2)
    fill(store, range(8))
    assert outcome(send(sender_to(settings(scripted.url))))[:2] == (2, 6)
    scripted.answer = lambda asked: Reply()
    assert outcome(send(sender_to(settings(scripted.url)), WALL + 3600))[:2] == (6, 0)
