"""The faults, the store that has them, and what became of each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from enum import Enum
from pathlib import Path
from random import Random
from typing import NamedTuple

from homemon.core.clock import RELEASED, Instant
from homemon.core.errors import StoreError
from homemon.core.points import HALF_HOUR, Number, Point, line
from homemon.replay.line_protocol import parse_line
from homemon.storage.database import FILE
from homemon.storage.health import whole_faults
from homemon.storage.store import Store
from tests.stores import waiting_lines

T = RELEASED // HALF_HOUR * HALF_HOUR + 30 * 86_400
MINUTE, DAY, PAGE = 60, 86_400, 1024
METER = "FE80:0000:0000:0000:0200:AA00:0000:0002"
Content = list[tuple[int, str, str, dict[str, Number]]]


class Outcome(Enum):
    """What became of a fault."""

    HARMLESS = "nothing is wrong, and check says so"
    REPORTED = "check says that something is wrong"
    SILENT = "export gives something else, and check says that nothing is wrong"
    WRONG = "export, upload, graph or status gives a value that was not stored"
    LACKING = "export lacks readings, and does not say so"
    UNCAUGHT = "an exception that no command expects"


def make(folder: Path, days: int, seed: int = 7) -> Content:
    """A store as a house fills it, nearly all sent; what it holds."""
    random = Random(seed)
    store = Store(folder)
    for start in range(T, T + days * DAY, DAY):
        for points in (minutes(start, random), half_hours(start, random), heater(start, random)):
            store.archive.add([(point, Instant(start + DAY, 9e5, "b")) for point in points])
        store.outbox.mark_sent(store.outbox.waiting(100_000))
    store.archive.add(
        [(Point("power", {"value": i}, T + days * DAY + i * MINUTE), Instant(T, 9e5, "b")) for i in range(30)]
    )
    store.outbox.park(waiting_lines(store.outbox)[0], "400: partial write")
    with store.db.explained("written"), store.db.writing():
        store.db.execute("INSERT INTO meter VALUES (?, ?)", (T, METER))
        store.db.execute("INSERT INTO undated SELECT 'boot', 1.5, min(id), 7 FROM series")
    store.db.remember(retry_at=5.0)
    truth = list(store.archive.lines(0, 1 << 62))
    store.close()
    return truth


def minutes(start: int, random: Random) -> Iterator[Point]:
    for time in range(start, start + DAY, MINUTE):
        yield Point("power", {"value": random.randrange(-3000, 6000)}, time)


def half_hours(start: int, random: Random) -> Iterator[Point]:
    for time in range(start, start + DAY, HALF_HOUR):
        counted = (time - T) // HALF_HOUR * 3
        yield Point("+power", {"value": (683326 + counted) / 10}, time)
        yield Point("-power", {"value": (123456 + counted * 2) / 10}, time)
        yield Point("hatuden", {"value": random.randrange(30) / 10}, time)
        yield Point("baiden_diff", {"value": random.randrange(-20, 30) / 10}, time)


def heater(start: int, random: Random) -> Iterator[Point]:
    for time in range(start, start + DAY, 10 * MINUTE):
        fields = {
            "power": random.choice([0, 800, 1200]),
            "powerSum": 123_000 + (time - T),
            "tank": random.randrange(370),
        }
        yield Point("ecocute", fields, time)


# --- one fault -----------------------------------------------------------------------


def flip(data: bytearray, random: Random) -> None:
    """One bit."""
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def zero(data: bytearray, random: Random) -> None:
    """A page that is empty."""
    at = _page(data, random)
    data[at : at + PAGE] = bytes(PAGE)


def duplicate(data: bytearray, random: Random) -> None:
    """A page that was written to another one's place."""
    source, target = _page(data, random), _page(data, random)
    data[target : target + PAGE] = data[source : source + PAGE]


def swap(data: bytearray, random: Random) -> None:
    """Two pages that changed their places."""
    one, other = _page(data, random), _page(data, random)
    first, second = data[one : one + PAGE], data[other : other + PAGE]
    data[one : one + PAGE], data[other : other + PAGE] = second, first


def truncate(data: bytearray, random: Random) -> None:
    """A file whose end is missing."""
    del data[random.randrange(len(data)) :]


FAULTS: dict[str, Callable[[bytearray, Random], None]] = {
    "bit": flip,
    "zeroed page": zero,
    "duplicated page": duplicate,
    "swapped pages": swap,
    "truncated": truncate,
}
WEIGHTS = (6, 1, 1, 1, 1)


def _page(data: bytearray, random: Random) -> int:
    return random.randrange(len(data) // PAGE) * PAGE


class Tried(NamedTuple):
    """A fault's kind, what became of it, and what was said."""

    kind: str
    outcome: Outcome
    said: str


def one(sound: Path, folder: Path, truth: Content, random: Random) -> Tried:
    """Do one random fault to a copy of `sound` in `folder`, and see what the store says."""
    data = bytearray((sound / FILE).read_bytes())
    (kind,) = random.choices(list(FAULTS), WEIGHTS)
    FAULTS[kind](data, random)
    folder.mkdir(exist_ok=True)
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / FILE).write_bytes(data)
    try:
        return Tried(kind, *judge(folder, truth))
    except Exception as error:
        return Tried(kind, Outcome.UNCAUGHT, f"{type(error).__name__}: {error}")


def judge(folder: Path, truth: Content) -> tuple[Outcome, str]:
    """What check says of the store, against what export gives; then what a listener does with it."""
    wrong: list[str] = []
    unseen = False
    try:
        with closing(Store(folder)) as store:
            found = _said(lambda: [] if list(store.archive.lines(0, 1 << 62)) == truth else ["not what was stored"])
            unseen = found == ["not what was stored"] and store.db.left_out is None
            faults = _said(lambda: whole_faults(store.db))
            wrong = given_wrongly(store, truth)
            use(store)
    except StoreError as error:
        faults = found = [str(error)]
    if wrong:
        return Outcome.WRONG, wrong[0]
    if unseen:
        return Outcome.LACKING, faults[0] if faults else ""
    if faults:
        return Outcome.REPORTED, faults[0]
    return (Outcome.SILENT if found else Outcome.HARMLESS), "".join(found)


def _said(look: Callable[[], list[str]]) -> list[str]:
    try:
        return look()
    except StoreError as error:
        return [str(error)]


def given_wrongly(store: Store, truth: Content) -> list[str]:
    """Return the values that commands give and that were not stored, as lines, each with which command gives it."""
    known = set(_lines(truth))
    series = {(name, field): tags for _, name, tags, fields in truth for field in fields}
    looks: dict[str, Callable[[], Iterable[str]]] = {
        "export": lambda: _lines(store.archive.lines(0, 1 << 62)),
        "upload": lambda: (text for sent in store.outbox.waiting(100_000).texts for text in _lines([_parsed(sent)])),
        "graph": lambda: _lines(
            (time, name, tags, {field: value})
            for (name, field), tags in series.items()
            for time, value in store.archive.values(name, field, 0, 1 << 62)
        ),
        "status": lambda: _lines(
            (row[0], name, tags, {field: row[1]})
            for (name, field), tags in series.items()
            if (row := store.archive.latest(name, field, 1 << 62))
        ),
    }
    wrong: list[str] = []
    for command, look in looks.items():
        with suppress(StoreError):
            wrong += (f"{command}: {text}" for text in look() if text not in known)
    return wrong


def _lines(points: Iterable[tuple[int, str, str, Mapping[str, Number]]]) -> Iterator[str]:
    """A line for each value."""
    return (
        line(name, tags, {field: value}, time) for time, name, tags, fields in points for field, value in fields.items()
    )


def _parsed(text: str) -> tuple[int, str, str, Mapping[str, Number]]:
    point = parse_line(text)
    assert point.time is not None
    return point.time, point.measurement, point.tags or "", point.fields


def use(store: Store) -> None:
    """What commands ask of a store and do to it; each may fail, with an error that they expect."""
    at = Instant(T + 100 * DAY, 9e5, "b")
    readings = [(Point("power", {"value": 5}), at), (Point("+power", {"value": 70_000.1}, T + 99 * DAY), at)]
    for each in (
        store.outbox.backlog,
        store.outbox.parked,
        store.archive.series,
        lambda: store.clock.trusts(at),
        lambda: store.clock.surely_past(at),
        lambda: store.archive.undated("b"),
        lambda: [store.archive.latest(name, field, 1 << 62) for name, field, _ in store.archive.series()],
        lambda: [
            list(store.archive.extents(name, field, 0, 1 << 40, DAY)) for name, field, _ in store.archive.series()
        ],
        lambda: [
            sum(1 for _ in store.archive.values(name, field, 0, 1 << 62)) for name, field, _ in store.archive.series()
        ],
        lambda: store.archive.add(readings),
        lambda: store.outbox.mark_sent(store.outbox.waiting(5000)),
        lambda: store.archive.lacking("+power", range(T, T + DAY, HALF_HOUR)),
    ):
        _said(lambda each=each: (each() and []) or [])  # type: ignore[misc]
