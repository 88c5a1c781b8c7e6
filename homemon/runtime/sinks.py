"""The places that readings go to by config.ini, a row each, and how commands send to them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from random import Random
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Any, NamedTuple

from homemon.config.keys import HomeAssistant, Mqtt, Server
from homemon.config.read import Config
from homemon.core.errors import ConfigError, StoreError
from homemon.core.language import language
from homemon.delivery.sender import Sender, Sending, send_quietly
from homemon.delivery.sink import Memory, Sink, fingerprint
from homemon.delivery.verdicts import Answer
from homemon.runtime import sums
from homemon.runtime.context import App
from homemon.runtime.wording import wording
from homemon.sources.registry import HOURLY, SOURCES, SPOT
from homemon.storage.connection import BUSY_SECONDS
from homemon.storage.ledger import FIRST, keep_accounts
from homemon.storage.store import Store

if TYPE_CHECKING:
    from homemon.delivery.mqtt import Mqtt as Publisher

HOME_ASSISTANT = "homeassistant"
HOURS_OF = tuple(dict.fromkeys(measurement for measurement, _ in (*HOURLY, SPOT[0][:2])))
"""The measurements of which Home Assistant's hours and their yen are computed."""
PROBED_WITHIN = 5.0  # seconds
ONE_SHOT_SENDS_FOR = 20.0  # seconds; a cron job must not pile up behind the next


class Place(NamedTuple):
    """A place by its section of config.ini: its name, its settings, and how its sink is made.

    `where` it is, as a URL or host and port; `waits` says that so much waits for it, `refused` that it refused so
    many points, and why. `probe` returns, within seconds, whether it would take what is sent. `measurements` are
    those of which the store keeps an account for it, all where there are none; it needs no account where this is
    None. Readings go there within `spread` seconds.
    """

    name: str
    settings: tuple[Any, ...]
    make: Callable[[App, Store, Memory], Sink]
    where: str
    waits: str
    refused: str
    probe: Callable[[], Answer]
    measurements: Sequence[str] | None = ()
    spread: int = 0


WAITS, REFUSED = "{} points wait for the server", "the server refused {} points: {}"


def places(config: Config) -> Iterator[Place]:
    """Yield the places that are configured, [server] first."""
    yield from servers(config)
    if config.mqtt:
        yield _broker(config, config.mqtt)
    if there := config.homeassistant:
        texts = "{} hours are to be compared with Home Assistant's", ""
        yield Place(HOME_ASSISTANT, there, _home_assistant, there.url, *texts, partial(_probe_home, there), HOURS_OF)


def servers(config: Config) -> Iterator[Place]:
    """Yield those of the places that are servers of line protocol."""
    for section, server in config.servers.items():
        name = name_of(section)
        texts = (WAITS, REFUSED)
        if name != FIRST:
            texts = f"{{}} points wait for {name}", f"{name} refused {{}} points: {{}}"
        make, probe = partial(_server, server), partial(_probe, server)
        yield Place(name, server, make, server.url, *texts, probe, spread=server.spread)


def _broker(config: Config, settings: Mqtt) -> Place:
    """Return the place of the newest values: [mqtt], which needs no account of all that is stored."""

    def made(store: Store, listener: str = "", wake: Callable[[], None] = lambda: None) -> "Publisher":
        from homemon.delivery.mqtt import Mqtt as Publisher

        read = [source for source in SOURCES if config.of(source.section)]
        return Publisher(store, settings, read, language(os.environ), listener, wake)

    def make(app: App, store: Store, memory: Memory) -> Sink:
        sink = made(store, app.listener, app.wake)
        app.at_end.append(sink.leave)
        return sink

    def probe() -> Answer:
        with closing(Store(config.store.dir)) as store:
            return made(store).probe()

    return Place("mqtt", settings, make, settings.where, "{} values wait for mqtt", "{}: {}", probe, None)


def name_of(section: str) -> str:
    """Return what the place with this section is called: `backup` that of [server backup]."""
    return section.split()[-1]


def _server(server: Server, app: App, store: Store, memory: Memory) -> Sink:
    from homemon.delivery.server import ServerSink

    name = name_of(server.section)
    return ServerSink(store.outbox_of(name), partial(_influx, server), memory, Random(), name)


def _home_assistant(app: App, store: Store, memory: Memory) -> Sink:
    from homemon.delivery.home_assistant import HomeAssistant
    from homemon.runtime.hours import Hours

    settings = app.config.homeassistant
    assert settings
    return HomeAssistant(store.changes(HOME_ASSISTANT), settings, memory, app.config.tags, Hours(app.with_store(store)))


def _probe_home(settings: HomeAssistant) -> Answer:
    from homemon.delivery.home_assistant import probe

    return probe(settings)


def _probe(server: Server) -> Answer:
    answer: Answer = _influx(quick(server)).probe()
    return answer


def quick(server: Server) -> Server:
    """Return a server's settings with a short timeout: somebody is waiting."""
    return server._replace(timeout=min(server.timeout, PROBED_WITHIN))


def _influx(server: Server) -> Any:
    from homemon.delivery.influx import Influx

    return Influx(server)


def senders(app: App, store: Store, to: Iterable[Place] | None = None) -> list[Sender]:
    """Return the senders of what each of these places, or of all, lacks of `store`; a thread brings a store of its own.

    The store has an account for each place that is configured, and for no other, from now on. Raise StoreError.
    """
    there = list(places(app.config))
    summed = {sums.KEY: sums.READ} if app.config.servers else {}
    accounts = {each.name: each.measurements for each in there if each.measurements is not None}
    keep_accounts(store.db, {**summed, **accounts})
    return [_sender(app, store, place) for place in (there if to is None else to)]


def _sender(app: App, store: Store, place: Place) -> Sender:
    memory = memory_of(store, place)
    return Sender(place.make(app, store, memory), memory, app.folder, Random(), place.spread)


def memory_of(store: Store, place: Place) -> Memory:
    """Return what is kept of the delivery to a place."""
    return Memory(store.db, place.name, fingerprint(place.settings))


class Lack(NamedTuple):
    """How much waits for a place, how much it refused for good, and what keeps it from the rest; empty for nothing."""

    waiting: int
    parked: int
    fault: str


def state(app: App) -> dict[str, Lack]:
    """Return what each place lacks, by its name. Raise StoreError."""
    return {each.sink.name: Lack(*each.sink.backlog(), each.memory.fault) for each in senders(app, app.store)}


def named(app: App, name: str) -> list[Place]:
    """Return the place of this name, or all where it is empty. Raise ConfigError where there is none."""
    there = list(places(app.config))
    found = [place for place in there if name in ("", place.name)]
    if there and not found:
        names = ", ".join(place.name for place in there)
        raise ConfigError(f"readings go to no place called {name}", f"There are: {names}.")
    if not there:
        _ = app.server  # which says what is missing
    return found


def send_now(app: App) -> None:
    """Send to each place that lacks something, all at once: one that does not answer delays no other.

    Where nobody waits for the command's end, it first lets a sender's delay pass; a listener may have sent by then.
    """
    try:
        found = senders(app, app.store)
        sum_up(app, app.store)
        due = [each for each in found if each.due(app.now().wall)]
    except StoreError:
        return  # which is reported where readings are stored
    threads = [Thread(target=_send_aside, args=(app, each.sink.name), daemon=True) for each in due[1:]]
    for thread in threads:
        thread.start()
    for each in due[:1]:
        _send(app, each)
    for thread in threads:
        thread.join()


def _send(app: App, sender: Sender) -> None:
    if not app.awaited:
        sleep(sender.delay())
    report(app, send_quietly(sender, app.now().wall, ONE_SHOT_SENDS_FOR))


def sum_up(app: App, store: Store, within: float = sums.WITHIN) -> None:
    """Store the sums that servers lack, where there is one, for about so many seconds; the store has its accounts."""
    with suppress(StoreError):  # which is reported where readings are stored
        if app.config.servers:
            sums.update(app, store, within)


def _send_aside(app: App, name: str) -> None:
    """Make one round to the place of this name, with a store of its own."""
    with suppress(StoreError), closing(app.open_store(BUSY_SECONDS)) as store:
        (sender,) = senders(app, store, [place for place in places(app.config) if place.name == name])
        _send(app, sender)


def report(app: App, sending: Sending | None) -> None:
    """Report what came of sending, where it is news."""
    if sending is None:
        return
    said = wording(sending.sink.name)
    if sending.sent:
        app.log(said.sent.format(sending.sink.name, sending.sent))
    if sending.refused:
        app.info(f"{sending.refused}; such points are parked, and `homemon status` lists them")
    if sending.fault and sending.news:
        app.info(f"{sending.fault}; {said.held.format(sending.waiting)}")
