"""homemon with something altered: `python -m tests.longrun.chaos.altered NAME[=AT][,NAME…] COMMAND …` from anywhere.

`hurried` shortens the pauses that devices and servers are owed, for a round that must be short. The
others show that a safeguard matters: some take it away, and some end or stop the process at the one
moment for which the safeguard is there. With `=AT` that befalls the place of this name, otherwise [server].
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

import serial

from homemon.cli import main, meter_listen
from homemon.core import files
from homemon.core.clock import Instant
from homemon.core.points import Point, line
from homemon.delivery import recorder, sender, server
from homemon.ports import serial_port, udp_node
from homemon.runtime import asking, claim, driver, output, radio, rounds, sinks
from homemon.runtime import context as app
from homemon.sources.lan import controller
from homemon.sources.meter import exchange, session
from homemon.storage import database, ledger, outbox
from homemon.storage.ledger import FIRST

MQTT = "mqtt"
PAUSES = {
    exchange: {"SPACING": 0.1, "REPLY_WITHIN": 2.0},
    session: {"BACKOFF_FIRST": 0.2, "BACKOFF_LAST": 1.0},
    controller: {"ANSWER_WITHIN": 0.5, "SPACING": 0.1, "GATHER": 0.2},
    sender: {"BACKOFF_FIRST": 0.2, "BACKOFF_LAST": 1.0},
    claim: {"WITHIN": 10.0},
    rounds: {"LOOK_EVERY": 1.0},
    meter_listen: {"REOPEN_AFTER": 0.2},
    driver: {"STORE_AGAIN_AFTER": 0.2},
}


def hurried() -> None:
    """What takes seconds takes tenths."""
    for module, pauses in PAUSES.items():
        for name, seconds in pauses.items():
            _set(module, name, seconds)


# --- safeguards taken away ---------------------------------------------------------------


def prints_first() -> None:
    """A point is printed before it is committed."""

    def hasty(self: Any, points: Sequence[Point], at: Instant) -> int:
        for text in _lines(points, self._tags, at):
            self._print(text)
        return len(self._store.archive.add([(point, at) for point in points]))

    _set(recorder.Recorder, "record", hasty)


def sends_first(at: str = FIRST) -> None:
    """A point is sent before it is committed."""
    from homemon.delivery import influx

    record = app.App.record

    def hasty(self: Any, points: Sequence[Point], then: Instant) -> None:
        if points:
            (there,) = (each for section, each in self.config.servers.items() if sinks.name_of(section) == at)
            influx.Influx(there).write(list(_lines(points, self.tags, then)))
        record(self, points, then)

    _set(app.App, "record", hasty)


def marks_first(at: str = FIRST) -> None:
    """A point counts as sent before the server, or the broker, has said so."""
    if at == MQTT:
        _note_first()
        return
    push = server.ServerSink._push

    def hasty(self: Any, batch: outbox.Batch, *more: Any) -> Any:
        if self.name == at:
            self._outbox.mark_sent(batch)
        return push(self, batch, *more)

    _set(server.ServerSink, "_push", hasty)


def _note_first() -> None:
    """Note values as published first, and do not look at what the broker kept."""
    from homemon.delivery import live, mqtt

    states, published = live.states, mqtt.Mqtt._published
    accounts: list[Any] = []

    def remembered(self: Any) -> Any:
        accounts.append(published(self))
        return accounts[-1]

    def hasty(prefix: str, values: Sequence[Any], keeps: bool) -> Any:
        accounts[-1].note(values)
        return states(prefix, values, keeps)

    _set(mqtt.Mqtt, "_lost", lambda *_: set())
    _set(mqtt.Mqtt, "_published", remembered)
    _set(mqtt, "states", hasty)


def trusts_success() -> None:
    """Home Assistant's hours count as written when it says so, and are never looked at."""
    from homemon.delivery import ha_walk

    _set(ha_walk.Walk, "_read_back", lambda *_: None)
    _set(ha_walk.Walk, "fits", lambda *_: True)


def accounts_later() -> None:
    """What the further places lack is written down after the point is committed."""
    writing, lacked = database.Database.writing, "SELECT sink, time, series, change, refused FROM lacked"

    @contextmanager
    def hasty(self: Any) -> Iterator[None]:
        with writing(self):
            before = set(self.execute(lacked))
            yield
            later = [row for row in self.execute(lacked) if row not in before]
            self.execute_many("DELETE FROM lacked WHERE sink = ? AND time = ? AND series = ?", [r[:3] for r in later])
        if later:
            with writing(self):
                self.execute_many("INSERT OR IGNORE INTO lacked VALUES (?, ?, ?, ?, ?)", later)

    _set(database.Database, "writing", hasty)


def begins_empty() -> None:
    """A place that is new lacks nothing of what is stored already."""
    _set(ledger, "lack_again", lambda *_: None)


def shares_port() -> None:
    """Whoever wants the serial port opens it: neither our lock nor the device's keeps anybody out."""
    for module in (asking, radio):
        _set(module, "claim", lambda *_: True)
    _set(serial.Serial, "exclusive", property(lambda _: None, lambda *_: None))


def sends_together() -> None:
    """Several processes send at once."""

    class NoLock:
        def __init__(self, _: object) -> None:
            pass

        @contextmanager
        def holding(self, _: float) -> Iterator[bool]:
            yield True

    _set(sender, "Lock", NoLock)


def joins_once() -> None:
    """The group in which nodes report everybody is joined at the start only."""
    join, done = udp_node.UdpNode._join_group, set[int]()

    def once(self: udp_node.UdpNode) -> None:
        if id(self) not in done:
            done.add(id(self))
            join(self)

    _set(udp_node.UdpNode, "_join_group", once)


def waits_for_readers() -> None:
    """A listener writes its lines itself, as a command does that ends at once."""
    _set(output, "detach", lambda: None)


def reads_proc_locks() -> None:
    """Who holds a lock is looked up in /proc/locks, where btrfs and overlayfs have device numbers of their own."""

    def holder(self: Any) -> files.Holder | None:
        try:
            file, written = self._path.stat(), self._path.read_text().split()
        except OSError:
            return None
        place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
        locks = [entry.split() for entry in Path("/proc/locks").read_text().splitlines()]
        pids = [words[4] for words in locks if words[1] == "FLOCK" and words[5] == place]
        return files.Holder(int(pids[0]), written[1] if written[:1] == pids[:1] else "") if pids else None

    _set(files.Lock, "holder", holder)


# --- fate --------------------------------------------------------------------------------


def dies_at_commit() -> None:
    """kill -9, when points are written and the COMMIT is next."""
    writing = database.Database.writing

    @contextmanager
    def dying(self: Any) -> Iterator[None]:
        with writing(self):
            before = _count(self)
            yield
            if _count(self) != before:
                os.kill(os.getpid(), signal.SIGKILL)

    _set(database.Database, "writing", dying)


def dies_after_commit() -> None:
    """kill -9, when points are committed."""
    writing = database.Database.writing

    @contextmanager
    def dying(self: Any) -> Iterator[None]:
        with writing(self):
            before = _count(self)
            yield
        if _count(self) != before:
            os.kill(os.getpid(), signal.SIGKILL)

    _set(database.Database, "writing", dying)


def _count(db: Any) -> int:
    return int(db.execute("SELECT count(*) FROM point").fetchone()[0])


def dies_at_send(at: str = FIRST) -> None:
    """kill -9, when the next thing is to ask the server."""
    (_before_publish if at == MQTT else _before_write)(signal.SIGKILL, at)


def stops_at_send(at: str = FIRST) -> None:
    """SIGSTOP at the same moment, once: a process that gets no time, until it is continued."""
    (_before_publish if at == MQTT else _before_write)(signal.SIGSTOP, at)


def stops_when_asked() -> None:
    """SIGSTOP, once, when the meter has been sent a question and its answer is next."""
    write = serial_port.SerialLine.write

    def stricken(self: Any, data: bytes) -> None:
        write(self, data)
        if data.startswith(b"SKSENDTO "):
            _set(serial_port.SerialLine, "write", write)
            os.kill(os.getpid(), signal.SIGSTOP)

    _set(serial_port.SerialLine, "write", stricken)


def _before_write(number: int, at: str) -> None:
    from homemon.delivery import influx  # loads requests, which most commands need not

    write = influx.Influx.write

    def stricken(self: Any, *sent: Any) -> influx.Answer:
        if sinks.name_of(self._server.section) == at:
            _set(influx.Influx, "write", write)
            signal.pthread_kill(get_ident(), number)  # the thread that asks goes no further
        return write(self, *sent)

    _set(influx.Influx, "write", stricken)


def _before_publish(number: int, _: str) -> None:
    """The same with a broker, where a value is published next."""
    from homemon.delivery import broker

    publish = broker.Broker.publish

    def stricken(self: Any, messages: Iterable[Any]) -> None:
        messages = list(messages)
        if any(message.text.startswith('{"value"') for message in messages):
            _set(broker.Broker, "publish", publish)
            signal.pthread_kill(get_ident(), number)  # the thread that asks goes no further
        publish(self, messages)

    _set(broker.Broker, "publish", stricken)


def _lines(points: Sequence[Point], tags: str, at: Instant) -> Iterator[str]:
    for point in points:
        yield line(point.measurement, tags, point.fields, int(at.wall) if point.time is None else point.time)


def _set(owner: object, name: str, value: object) -> None:
    """Replace what is there; a name that is not there any more is an error."""
    assert hasattr(owner, name)
    setattr(owner, name, value)


ALTERATIONS: dict[str, Callable[..., None]] = {
    alter.__name__: alter
    for alter in (
        hurried,
        prints_first,
        sends_first,
        marks_first,
        trusts_success,
        accounts_later,
        begins_empty,
        shares_port,
        joins_once,
        waits_for_readers,
        reads_proc_locks,
        sends_together,
        dies_at_commit,
        dies_after_commit,
        dies_at_send,
        stops_at_send,
        stops_when_asked,
    )
}

if __name__ == "__main__":
    for chosen in sys.argv[1].split(","):
        name, _, where = chosen.partition("=")
        ALTERATIONS[name](*filter(None, (where,)))
    main.main(sys.argv[2:])
