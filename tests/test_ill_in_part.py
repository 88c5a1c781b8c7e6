"""A server that fails on some lines only: all others get there in few requests, and those are tried again later.

Each round is a sender of its own, as cron starts them: what one learned the next one knows.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from homemon.deliver import BACKOFF_FIRST, BACKOFF_LAST, HOLD_FOR, Sender, Sending
from homemon.held import MOST, Held, dumped, fewer, loaded
from homemon.points import Point
from homemon.sending import STRIKES
from homemon.store import Store
from tests.conftest import MakeSender
from tests.servers import Asked, Database, Reply, ScriptedServer, settings
from tests.stores import WALL, T, fill, put

STEP = 7200  # seconds
COUNT = 252  # steps of three weeks
AILING = Reply(500, '{"error":"mystery"}')
NAMES = ("power", "+power", "-power", "hatuden")
Picks = Callable[[str, int], bool]  # measurement, seconds since T


def parsed(line: str) -> tuple[str, int]:
    """Measurement of a line, and its time counted from T."""
    name, _, time = line.split(" ")
    return name, int(time.removesuffix("000000000")) - T


class Ailing:
    """A scripted server that answers `reply` to every batch with a line that `picks` chooses, and keeps all others."""

    def __init__(self, scripted: ScriptedServer, picks: Picks, reply: Reply = AILING) -> None:
        self.picks, self.reply = picks, reply
        self.has: set[tuple[str, int]] = set()
        self.scripted = scripted
        scripted.answer = self.answer

    def answer(self, asked: Asked) -> Reply:
        lines = [parsed(line) for line in asked.lines]
        if any(self.picks(*line) for line in lines):
            return self.reply
        self.has.update(lines)
        return Reply()

    def requests(self, round_: Callable[[], object]) -> int:
        """How many a round makes."""
        before = len(self.scripted.asked)
        round_()
        return len(self.scripted.asked) - before


class Rounds:
    """Rounds of a listener or of cron jobs: patient, at the time the last one named."""

    def __init__(self, sender_to: MakeSender, url: str) -> None:
        self.wall = WALL
        self._make: Callable[[], Sender] = lambda: sender_to(settings(url))

    def next(self) -> Sending:
        sender = self._make()
        assert sender.due(self.wall)
        sending = sender.send(self.wall, 60, patient=True)
        assert sending is not None
        self.wall = max(self.wall + 1, sending.next_try)
        return sending

    def due(self) -> bool:
        return self._make().due(self.wall)


def spread(store: Store, name: str, times: Iterable[int]) -> set[tuple[str, int]]:
    """Store a point at each of `times`, counted from T; what a server is to have of them."""
    found = list(times)
    put(store, *(Point(name, {"value": i}, T + i) for i in found))
    return {(name, i) for i in found}


@pytest.fixture
def full(store: Store) -> set[tuple[str, int]]:
    """Three weeks of four measurements, in the store."""
    return set[tuple[str, int]]().union(*(spread(store, name, range(0, COUNT * STEP, STEP)) for name in NAMES))


WEEK = 84 * STEP
PARTS: dict[str, Picks] = {
    "one measurement": lambda name, time: name == "power",
    "all but one measurement": lambda name, time: name != "hatuden",
    "the newest week": lambda name, time: time >= 2 * WEEK,
    "a week in the middle": lambda name, time: WEEK <= time < 2 * WEEK,
    "the oldest week": lambda name, time: time < WEEK,
    "the newest and the oldest week": lambda name, time: not WEEK <= time < 2 * WEEK,
    "a week of one measurement": lambda name, time: name == "+power" and WEEK <= time < 2 * WEEK,
    "the newest line": lambda name, time: time == (COUNT - 1) * STEP and name == "power",
    "the newest line of each": lambda name, time: time == (COUNT - 1) * STEP,
    "ten in the middle": lambda name, time: 120 <= time // STEP < 130 and name == "-power",
    "ten here and there": lambda name, time: time // STEP % 25 == 7 and name == "-power",
}


REPLIES = {
    "500": AILING,
    "503": Reply(503),
    "413": Reply(413),
    "403": Reply(403, "forbidden"),
    "hang-up": Reply(0),
    "400": Reply(400, "mystery"),
    "shard": Reply(500, '{"error":"[shard 31] open .: permission denied"}'),
}
CASES = [(part, status) for part in PARTS for status in REPLIES if status in ("500", "503", "413") or "middle" in part]


@pytest.mark.parametrize(("part", "status"), CASES)
def test_all_that_it_takes_arrives_within_a_few_small_rounds(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, full: set[tuple[str, int]], part: str, status: str
) -> None:
    server, rounds = Ailing(scripted, PARTS[part], REPLIES[status]), Rounds(sender_to, scripted.url)
    wanted = {line for line in full if not PARTS[part](*line)}
    for _ in range(9):
        assert server.requests(rounds.next) <= 3 * STRIKES
        if server.has == wanted:
            break
    assert server.has == wanted
    assert store.backlog() == (len(full) - len(wanted), 0), "nothing is parked"
    server.picks = lambda name, time: False
    for _ in range(3):
        rounds.wall += HOLD_FOR + 2 * BACKOFF_LAST
        if rounds.due():
            rounds.next()
    assert server.has == full, "what it failed on arrives once it is well"
    assert not rounds.due()


def test_one_call_of_upload_delivers_what_can_be(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, full: set[tuple[str, int]]
) -> None:
    server = Ailing(scripted, PARTS["one measurement"])
    sending = sender_to(settings(scripted.url)).send(WALL, 60)
    assert sending is not None
    assert (sending.sent, sending.waiting, sending.parked) == (3 * COUNT, COUNT, 0)
    assert "mystery" in sending.fault
    assert len(scripted.asked) < 2 * STRIKES
    assert {name for name, _ in server.has} == set(NAMES) - {"power"}


def test_new_readings_go_at_once_beside_what_it_fails_on(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, full: set[tuple[str, int]]
) -> None:
    """The measurement it fails on is asked about now and then, with growing pauses, not at each reading."""
    server, rounds = Ailing(scripted, PARTS["one measurement"]), Rounds(sender_to, scripted.url)
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
    assert store.backlog().waiting == COUNT + 30


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


def test_the_trouble_is_told_once_and_over_when_it_is_over(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, full: set[tuple[str, int]]
) -> None:
    server, rounds = Ailing(scripted, PARTS["one measurement"]), Rounds(sender_to, scripted.url)
    assert [rounds.next().news for _ in range(4)] == [True, False, False, False]
    server.picks = lambda name, time: False
    last = rounds.next()
    assert (last.fault, last.next_try, store.recall("fault"), store.recall("held")) == ("", 0.0, "", "[]")


# --- ill as a whole ------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [AILING, Reply(503), Reply(0), Reply(403), Reply(413), Reply(400, "partial write")])
def test_a_server_that_takes_nothing_sees_one_request_a_round(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, full: set[tuple[str, int]], reply: Reply
) -> None:
    server, rounds = Ailing(scripted, lambda name, time: True, reply), Rounds(sender_to, scripted.url)
    assert server.requests(rounds.next) <= 24, "the first round finds out"
    for _ in range(9):
        assert server.requests(rounds.next) == 1
    assert rounds.wall - WALL > 600
    assert store.backlog() == (len(full), 0)
    server.picks = lambda name, time: False
    rounds.next()
    assert server.has == full


def test_a_server_that_goes_away_in_the_middle_is_left_alone(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homemon.deliver.FULL_BATCH", 10)
    fill(store, range(100))
    scripted.answer = lambda asked: Reply(204 if len(scripted.asked) == 1 else 500)
    Rounds(sender_to, scripted.url).next()
    assert len(scripted.asked) <= 8
    assert store.backlog().waiting == 90


def test_after_a_round_that_sent_something_the_pause_is_short_again(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    fill(store, range(100))
    store.remember(failures=6)
    scripted.answer = lambda asked: Reply(204) if len(scripted.asked) == 1 else Reply(429, "", {"Retry-After": "1"})
    sending = sender_to(settings(scripted.url)).send(WALL, 60)
    assert sending is not None
    assert sending.sent == 1
    assert sending.next_try - WALL <= BACKOFF_FIRST * 1.5 + 1


# --- what is kept between rounds --------------------------------------------------------------


def held(head: str, first: int, last: int) -> Held:
    return Held(head, first, last, False, WALL, 1, "answered 500")


def test_what_is_kept_is_small_and_comes_back_as_it_was() -> None:
    many = [held("power", 100 * i, 100 * i + i) for i in range(100)] + [held("+power", 0, 1)]
    few = fewer(many)
    assert len(few) == MOST
    assert loaded(dumped(few)) == few
    assert {one.head for one in few} == {"power", "+power"}
    for one in many:
        assert any(own.head == one.head and own.first <= one.first and one.last <= own.last for own in few)


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "[1]", '[["power"]]'])
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert loaded(text) == []


def test_a_clock_that_was_wrong_holds_nothing_for_years(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    expected = spread(store, "power", range(3))
    server = Ailing(scripted, lambda name, time: False)
    store.remember(held=dumped([Held("power", T, T + 2, True, WALL + 1e8, 3, "answered 500")]))
    rounds = Rounds(sender_to, scripted.url)
    rounds.next()
    assert server.has == expected


# --- the real one ------------------------------------------------------------------------


@contextmanager
def unusable(database: Database, week: int) -> Iterator[None]:
    """One of the weeks that it holds cannot be written until the end: a file is in the place of its log's folder."""
    folder = sorted((database.server.folder / "wal" / database.name / "autogen").iterdir(), key=lambda at: int(at.name))
    aside = folder[week].with_name("aside")
    database.server.kill()
    folder[week].rename(aside)
    folder[week].write_text("in the way")
    database.server.start()
    yield
    database.server.kill()
    folder[week].unlink()
    aside.rename(folder[week])
    database.server.start()


@pytest.mark.parametrize("week", [0, 1, 2], ids=["oldest", "middle", "newest"])
def test_influxdb_with_an_unusable_week_gets_all_others(
    store: Store, own_influx: Database, sender_to: MakeSender, week: int
) -> None:
    """Its weeks (shards) begin on Mondays in UTC."""
    monday = -(T - 4 * 24 * 3600) % WEEK
    weeks = [range(monday + i * WEEK, monday + (i + 1) * WEEK, STEP) for i in range(3)]
    own_influx.server.write("home", "\n".join(f"power value=-1 {T + days[0]}000000000" for days in weeks))
    expected = {(name, T + i): {"value": i} for name in NAMES for days in weeks for i in days}
    put(store, *(Point(name, fields, time) for (name, time), fields in expected.items()))
    good = {key: value for key, value in expected.items() if key[1] - T not in weeks[week]}
    with unusable(own_influx, week):
        rounds = Rounds(sender_to, own_influx.server.url)
        for _ in range(4):
            sending = rounds.next()
        assert (sending.waiting, sending.parked) == (len(expected) - len(good), 0)
        assert "not a directory" in sending.fault
        assert own_influx.points() == good
    rounds.wall += 2 * BACKOFF_LAST
    assert rounds.next().waiting == 0
    assert own_influx.points() == expected
