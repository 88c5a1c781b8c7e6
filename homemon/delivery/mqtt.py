"""The sink of [mqtt]: the newest value of each series, and what Home Assistant has to know of it.

Only what is true now is published, so nothing is made up for after an outage: then the newest values go, where they
still count. What was published last stands in the store, for the next process; a reading that comes late is older
than that, and stays. Of two houses that publish under one prefix the second is refused, by what the first left there.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from threading import Event, Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

from homemon import __version__
from homemon.config.keys import Mqtt as Settings
from homemon.core.clock import instant
from homemon.core.points import HOUR
from homemon.delivery import discovery
from homemon.delivery.live import Live, Message, live, states, topic
from homemon.delivery.published import Published, house, language
from homemon.delivery.sink import NOTHING, Outcome, Turn
from homemon.delivery.verdicts import Answer, Verdict
from homemon.replay.values import can_be
from homemon.sources.source import MINUTE, Series, Source
from homemon.storage.outbox import Backlog
from homemon.storage.store import Store

if TYPE_CHECKING:
    from homemon.delivery.broker import Broker

WITHIN = 5.0  # seconds for the connection, for what is announced, and for the values
GOODBYE_WITHIN = 1.0  # seconds
HEARD = 2.0  # seconds that Home Assistant takes to subscribe to what was announced (tried)
AHEAD = 300  # seconds that a device's clock may be ahead of ours
CLAIMED_AGAIN, CLAIM_LASTS = 600, HOUR  # seconds
MISSING = "paho-mqtt is not installed; `pipx inject homemon paho-mqtt`, or `pip install paho-mqtt` in a venv"
ANOTHER = "another homemon publishes under {}/ there; write another prefix into [mqtt] of one of the two"


class Mqtt:
    """Publishes what is in `store` of the configured `sources`.

    `listener` is the resident command that this is part of, empty in others: it stays connected between two rounds, so
    that the broker says when it is gone, and `leave` is the last thing that it does. `wake` has it make a round when
    Home Assistant starts. `ours` is the locale's language.
    """

    name = "mqtt"
    longest_pause = MINUTE

    def __init__(
        self,
        store: Store,
        settings: Settings,
        sources: Sequence[Source],
        ours: str = "en",
        listener: str = "",
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._sources = sources
        self._ours = ours
        self._listener = listener
        self._wake = wake
        self._using = Lock()
        self._broker: Broker | None = None
        self._born = Event()
        self._announced: list[Message] = []
        self._claimed = 0
        self._claims = f"{settings.prefix}/house"

    def pending(self, wall: float) -> bool:
        """Return whether there is a newer value than was published, or a listener has something to say."""
        silent = bool(self._listener) and (self._born.is_set() or not self._stands)
        return (silent and self._store.clock.trusts(instant())) or self.backlog().waiting > 0

    def backlog(self) -> Backlog:
        """Return how many series have a newer value than was published."""
        published = self._published()
        return Backlog(sum(map(published.lacks, self._values())), 0)

    def next_try(self) -> float:
        """Return 0: nothing is tried by itself."""
        return 0.0

    def lifted(self) -> Mapping[str, float | str]:
        """Return nothing: nothing is set aside."""
        return NOTHING

    def again(self, since: int) -> None:
        """Have values that are dated from `since` on, Unix seconds, published again, where they still count."""
        self._published().forget(since)

    def deliver(self, turn: Turn) -> Outcome:
        """Publish what is new. Raise StoreError."""
        if not find_spec("paho"):
            return Outcome(0, Answer(Verdict.HOLD, MISSING))
        if not self._store.clock.trusts(instant()):
            return Outcome(0)
        from homemon.delivery.broker import NotTaken

        with self._using:
            try:
                return Outcome(self._round(self._published(), turn.deadline))
            except NotTaken as error:
                self._close()
                return Outcome(0, error.answer)
            finally:
                if not self._listener:
                    self._close()

    def probe(self) -> Answer:
        """Return whether the broker would take what is published."""
        if not find_spec("paho"):
            return Answer(Verdict.HOLD, MISSING)
        from homemon.delivery.broker import Broker, NotTaken

        broker = None
        try:
            broker = Broker(self._settings, monotonic() + WITHIN)
            self._claim(broker, broker.retained([self._claims]), always=True)
        except NotTaken as error:
            return error.answer
        finally:
            if broker:
                broker.close()
        return Answer(Verdict.TAKEN)

    def leave(self) -> None:
        """Leave the broker, unless a round is on: then the end of the process is what it sees."""
        if self._using.acquire(timeout=GOODBYE_WITHIN):
            self._close()
            self._using.release()

    def _close(self) -> None:
        if self._broker:
            self._broker.until = monotonic() + GOODBYE_WITHIN
            self._broker.close()
        self._broker = None

    # --- values ---------------------------------------------------------------------------------

    def _published(self) -> Published:
        settings = self._settings
        return Published(self._store.db, f"{settings.host}:{settings.port or ''}/{settings.prefix}")

    def _devices(self) -> list[tuple[Source, list[Series]]]:
        """Return the sources that ever gave a reading, and of which series."""
        ours = {(each.measurement, each.field) for each in self._store.archive.series() if each.tags is None}
        found = [(each, [one for one in each.series if (one.measurement, one.field) in ours]) for each in self._sources]
        return [each for each in found if each[1]]

    def _values(self) -> list[Live]:
        """Return the newest value of each series that still counts; none while the clock says nothing of its age."""
        now = instant()
        if not self._store.clock.trusts(now):
            return []
        found = (
            live(source, each, *newest, now.wall)
            for source, series in self._devices()
            for each in series
            for newest in self._newest(each, int(now.wall))
        )
        return [each for each in found if each.lasts > 0]

    def _newest(self, series: Series, now: int) -> Iterator[tuple[int, float]]:
        """Yield the newest reading, if there is one and a device can have given it."""
        measurement, field = series.measurement, series.field
        newest = self._store.archive.latest(measurement, field, now + AHEAD, bounds=series.bounds)
        if newest and can_be(measurement, field, newest[1]):
            yield newest

    # --- a round --------------------------------------------------------------------------------

    def _round(self, published: Published, deadline: float) -> int:
        """Publish what is to be; return how many values. Raise NotTaken."""
        fresh = not self._stands
        broker = self._connected(deadline)
        broker.until = _by(deadline)
        again = self._announce(broker, published, fresh)
        keeps = self._settings.retain and broker.expires
        if again and not keeps:
            sleep(HEARD)
        broker.until = _by(deadline)
        values = self._values()
        lost = self._lost(broker, values) if fresh and keeps else set()
        news = [v for v in values if again or published.lacks(v) or topic(self._settings.prefix, v.series) in lost]
        touched = {each.series.measurement for each in news}
        broker.publish(states(self._settings.prefix, [v for v in values if v.series.measurement in touched], keeps))
        published.note(news)
        return len(news)

    def _lost(self, broker: "Broker", values: Sequence[Live]) -> set[str]:
        """Return of which topics the broker keeps nothing as new: it was killed, and came back as it had been saved."""
        texts = {each.topic: each.text for each in states(self._settings.prefix, values, retain=True)}
        kept = broker.retained(list(texts)) if texts else {}
        return {name for name, text in texts.items() if _time_of(kept.get(name, "")) < _time_of(text)}

    @property
    def _stands(self) -> bool:
        return bool(self._broker and self._broker.stands)

    def _connected(self, deadline: float) -> "Broker":
        """Return the connection, or a new one. Raise NotTaken."""
        from homemon.delivery.broker import Broker

        if self._broker and self._broker.stands:
            return self._broker
        self._close()
        status = discovery.status_topic(self._settings.prefix, self._listener) if self._listener else ""
        self._broker = Broker(self._settings, _by(deadline), status, discovery.BIRTH if status else "", self._hear)
        return self._broker

    def _hear(self) -> None:
        """Home Assistant started."""
        self._born.set()
        self._wake()

    def _announce(self, broker: "Broker", published: Published, fresh: bool) -> bool:
        """Have the broker keep what Home Assistant has to know; return whether it is to get all values again."""
        now, born = int(instant().wall), self._born.is_set()
        self._born.clear()
        if self._listener:
            published.note_listener(self._listener, now)
        devices, whose = self._devices(), self._house(published.listeners(now))
        wanted = discovery.announced(self._settings.discovery, whose, devices)
        if not fresh and not born and wanted == self._announced and now < self._claimed + CLAIMED_AGAIN:
            return False
        kept = broker.retained([self._claims, *discovery.topics(whose, devices)])
        self._claim(broker, kept)
        if fresh:
            broker.greet()
        new = [each for each in wanted if born or kept.get(each.topic) != each.text]
        self._replace(broker, new, kept.keys() - {self._claims, *(each.topic for each in wanted)}, bool(wanted))
        self._announced = wanted
        return bool(new)

    def _replace(self, broker: "Broker", new: Sequence[Message], others: set[str], migrate: bool) -> None:
        """Announce what is new in place of what stands at other topics, by another way of discovery."""
        if migrate:
            broker.publish([Message(each, discovery.MIGRATE, retain=False) for each in sorted(others)])
        broker.publish(new)
        broker.publish([Message(each, "") for each in sorted(others)])

    def _house(self, listeners: Sequence[str]) -> discovery.House:
        spoken = language(self._store.db, self._settings.language, self._ours)
        return discovery.House(self._settings.prefix, spoken, __version__, listeners)

    def _claim(self, broker: "Broker", kept: Mapping[str, str], always: bool = False) -> None:
        """Say whose the topics are, now and then. Raise NotTaken where another house said so within the hour."""
        from homemon.delivery.broker import NotTaken

        now, ours = int(instant().wall), house(self._store.db)
        whose, since = _claim_of(kept.get(self._claims, ""))
        if whose not in ("", ours) and abs(now - since) < CLAIM_LASTS:
            text = f"{broker.where}: {ANOTHER.format(self._settings.prefix)}"
            raise NotTaken(Answer(Verdict.HOLD, text))
        if always or whose != ours or since <= now - CLAIMED_AGAIN:
            claim = json.dumps({"house": ours, "time": now})
            broker.publish([Message(self._claims, claim, expires=CLAIM_LASTS)])
            since = now
        self._claimed = since


def _by(deadline: float) -> float:
    """Return by when the next step of a round is to be done."""
    return min(deadline, monotonic() + WITHIN)


def _time_of(text: str) -> str:
    """Return the time in a text of `states`, all of which are of one time zone; empty where it is no such text."""
    try:
        return str(json.loads(text)["time"])
    except (ValueError, KeyError, TypeError):
        return ""


def _claim_of(text: str) -> tuple[str, int]:
    """Return which house says that the topics are its own, and since when; nobody's where it is no such text."""
    try:
        said = json.loads(text)
        return str(said["house"]), int(said["time"])
    except (ValueError, KeyError, TypeError):
        return "", 0
