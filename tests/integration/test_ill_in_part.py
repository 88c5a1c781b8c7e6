"""A server that fails on some lines only: all others get there in few requests, and those are tried again later.

Each round is a sender of its own, as cron starts them: what one learned the next one knows.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from homemon.core.points import Point
from homemon.delivery.held import MOST, Held, dumped, fewer, loaded
from homemon.delivery.influx import Influx
from homemon.delivery.sender import BACKOFF_LAST, HOLD_FOR, Sending
from homemon.delivery.sending import STRIKES, UNANSWERED
from homemon.delivery.verdicts import Answer, Verdict
from homemon.storage.store import Store
from tests.ailing import AILING, COUNT, NAMES, STEP, Ailing, Picks, Rounds, parsed, spread
from tests.conftest import MakeSender
from tests.servers import Database, Reply, ScriptedServer, settings
from tests.stores import WALL, T, put, sender_of

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
    "429": Reply(429, "", {"Retry-After": "60"}),
    "shard": Reply(500, '{"error":"[shard 31] open .: permission denied"}'),
}
CASES = [
    (part, status)
    for part in PARTS
    for status in REPLIES
    if status in ("500", "503", "413") or part == {"429": "one measurement"}.get(status, "a week in the middle")
]


@pytest.mark.parametrize(("part", "status"), CASES)
def test_all_that_it_takes_arrives_within_a_few_small_rounds(
    store: Store,
    scripted: ScriptedServer,
    sender_to: MakeSender,
    three_weeks: set[tuple[str, int]],
    part: str,
    status: str,
) -> None:
    server, rounds = Ailing(scripted, PARTS[part], REPLIES[status]), Rounds(sender_to, scripted.url)
    wanted = {line for line in three_weeks if not PARTS[part](*line)}
    for _ in range(9):
        assert server.requests(rounds.next) <= 3 * STRIKES
        if server.has == wanted:
            break
    assert server.has == wanted
    assert store.outbox.backlog() == (len(three_weeks) - len(wanted), 0), "nothing is parked"
    server.picks = lambda name, time: False
    for _ in range(3):
        rounds.wall += HOLD_FOR + 2 * BACKOFF_LAST
        if rounds.due():
            rounds.next()
    assert server.has == three_weeks, "what it failed on arrives once it is well"
    assert not rounds.due()


def test_a_round_ends_where_too_much_fails(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, three_weeks: set[tuple[str, int]]
) -> None:
    server = Ailing(scripted, lambda name, time: time // STEP % 2 == 1)
    rounds = Rounds(sender_to, scripted.url)
    assert server.requests(rounds.next) < 3 * STRIKES
    assert len(server.has) > COUNT // 5
    assert rounds.due()


def test_a_round_ends_soon_where_a_server_takes_its_time_to_fail(
    store: Store, tmp_path: Path, three_weeks: set[tuple[str, int]]
) -> None:
    silent = Answer(Verdict.LATER, "no answer within 30 s", unanswered=True)
    unanswered = 0

    class Slow:
        def write(self, lines: Sequence[str], meanwhile: Callable[[], None]) -> Answer:
            meanwhile()
            nonlocal unanswered
            if not any(line.startswith("power") and parsed(line)[1] // STEP % 2 for line in lines):
                return Answer(Verdict.TAKEN)
            unanswered += 1
            return silent

    sender_of(store, lambda: cast(Influx, Slow()), tmp_path).send(WALL, 60)
    assert 1 <= unanswered <= STRIKES // UNANSWERED + 2


def test_one_call_of_upload_delivers_what_can_be(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, three_weeks: set[tuple[str, int]]
) -> None:
    server = Ailing(scripted, PARTS["one measurement"])
    sending = sender_to(settings(scripted.url)).send(WALL, 60)
    assert sending is not None
    assert (sending.sent, sending.waiting, sending.parked) == (3 * COUNT, COUNT, 0)
    assert "mystery" in sending.fault
    assert len(scripted.asked) < 2 * STRIKES
    assert {name for name, _ in server.has} == set(NAMES) - {"power"}


@pytest.mark.parametrize("part", ["the newest week", "the newest line of each"])
def test_one_round_finds_what_is_older_than_what_it_fails_on(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, three_weeks: set[tuple[str, int]], part: str
) -> None:
    server = Ailing(scripted, PARTS[part])
    Rounds(sender_to, scripted.url).next()
    assert server.has == {line for line in three_weeks if not PARTS[part](*line)}
    assert all(asked.lines for asked in scripted.asked)


class Mute:
    """A server that takes all but the lines of some measurements: to those there comes no answer."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def write(self, lines: Sequence[str], meanwhile: Callable[[], None]) -> Answer:
        meanwhile()
        if any(parsed(line)[0] in self.names for line in lines):
            return Answer(Verdict.LATER, "no answer within 30 s", whole=True, unanswered=True)
        return Answer(Verdict.TAKEN)

    def round(self, store: Store, folder: Path, wall: float) -> Sending:
        sender = sender_of(store, lambda: cast(Influx, self), folder)
        assert sender.due(wall)
        sending = sender.send(wall, 60, sparing=True)
        assert sending is not None
        return sending


def held_back(store: Store, folder: Path, *names: str) -> float:
    """Have old lines of `names` wait until the server may be asked for them again; when that is."""
    for name in names:
        spread(store, name, [0])
    spread(store, "hatuden", [1])
    wall = WALL
    for _ in range(3):
        wall = max(wall + 1, Mute(*names).round(store, folder, wall).next_try)
    return wall


def test_a_new_reading_goes_at_once_after_an_old_one_got_no_answer(store: Store, tmp_path: Path) -> None:
    wall = held_back(store, tmp_path, "power")
    assert Mute("power").round(store, tmp_path, wall).sent == 0
    spread(store, "hatuden", [100])
    assert Mute("power").round(store, tmp_path, wall + 0.5).sent == 1


def test_the_pauses_grow_for_each_of_several_that_get_no_answer(store: Store, tmp_path: Path) -> None:
    names = ("power", "+power", "-power")
    wall = begin = held_back(store, tmp_path, *names)
    for _ in range(40):
        wall = max(wall + 1, Mute(*names).round(store, tmp_path, wall).next_try)
    assert all(one.failures > 5 for one in loaded(str(store.db.recall("held"))))
    assert wall - begin > 3 * BACKOFF_LAST


# --- what is kept between rounds --------------------------------------------------------------


def held(head: str, first: int, last: int) -> Held:
    return Held(head, first, last, False, WALL, 1, "answered 500")


def test_what_is_kept_is_small_and_comes_back_as_it_was() -> None:
    many = [held("power", 100 * i, 100 * i + i) for i in range(100)] + [held("+power", 0, 1)]
    few = fewer(many)
    assert len(few) == MOST
    assert loaded(dumped(few)) == few
    assert {one.head for one in few} == {"power", "+power"}
    assert [one.last for one in few] == sorted((one.last for one in few), reverse=True), "the newest first"
    for one in many:
        assert any(own.head == one.head and own.first <= one.first and one.last <= own.last for own in few)


def test_stretches_of_more_measurements_than_are_kept_stay_apart() -> None:
    many = [held(f"name{number}", 0, 1) for number in range(MOST + 5)]
    assert sorted(fewer(many)) == sorted(many)


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "[1]", '[["power"]]'])
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert loaded(text) == []


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
