"""The sink of [mqtt] and a real mosquitto, which is killed, held up and started again while readings come."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest

from homemon.config.keys import Mqtt as Settings
from homemon.core.clock import Instant
from homemon.core.points import JST, Point
from homemon.delivery import mqtt
from homemon.delivery.mqtt import Mqtt
from homemon.delivery.sender import Sender
from homemon.delivery.sink import Memory, Outcome, Turn
from homemon.delivery.verdicts import Verdict
from homemon.sources.registry import SOURCES
from homemon.sources.source import HOUR, MINUTE
from homemon.storage.store import Store
from tests.brokers import Mosquitto, OldBroker, kept, settings, subscribed
from tests.commands import wait_for
from tests.servers import reserve_port
from tests.stores import T, put

UP = 100_000.0  # seconds since the boot: no time service will set the clock any more
LIMIT = 11 * MINUTE  # of a reading of power
CONFIG = "homeassistant/device/homemon_meter/config"
JA = "スマートメーター"
Make = Callable[..., Mqtt]


class Clock:
    """What time it is for the sink."""

    def __init__(self) -> None:
        self.wall = float(T)

    def now(self) -> Instant:
        return Instant(self.wall, UP + self.wall - T, "this boot")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(mqtt, "instant", found.now)
    monkeypatch.setattr(mqtt, "HEARD", 0.0)
    return found


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    server = Mosquitto(tmp_path / "broker")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def sink(store: Store, clock: Clock) -> Iterator[Make]:
    """Sinks of what is in the store; those of listeners leave the broker at the end."""
    made: list[Mqtt] = []

    def make(to: Settings, listener: str = "", other: Store | None = None) -> Mqtt:
        made.append(Mqtt(other or store, to, SOURCES, "en", listener))
        return made[-1]

    yield make
    for each in made:
        each.leave()


def read(store: Store, clock: Clock, value: int, ago: int = 0) -> None:
    """Store a reading of power."""
    put(store, Point("power", {"value": value}, int(clock.wall) - ago), at=clock.now())


def deliver(one: Mqtt, within: float = 20.0) -> Outcome:
    return one.deliver(Turn(T, monotonic() + within))


def power(port: int) -> int | None:
    """The power that a broker retains."""
    text = kept(port).get("homemon/power")
    return json.loads(text)["value"] if text else None


def test_the_newest_values_are_there_for_who_comes_later(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 400, 60)
    read(store, clock, 523)
    put(store, Point("+power", {"value": 1234.5}, T - 100), Point("ecocute", {"tank": 280}, T - 60))
    one = sink(broker.settings())
    assert (one.pending(T), one.backlog().waiting) == (True, 3)
    assert deliver(one) == Outcome(3)
    found = kept(broker.port)
    assert {name: json.loads(text)["value"] for name, text in found.items() if name[8:] in ("power", "bought")} == {
        "homemon/power": 523,
        "homemon/bought": 1234.5,
    }
    assert json.loads(found["homemon/ecocute"]) == {"tank": 280, "time": "2026-11-12T13:45:40+09:00"}
    assert CONFIG in found


def test_what_was_published_is_known_to_the_next_process(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 523)
    deliver(sink(broker.settings()))
    with closing(Store(store.path.parent)) as next_one:
        other = sink(broker.settings(), other=next_one)
        assert not other.pending(T)
        assert deliver(other) == Outcome(0)
    read(store, clock, 600, -1)
    assert deliver(sink(broker.settings())) == Outcome(1)


def test_another_broker_lacks_everything(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make, tmp_path: Path
) -> None:
    read(store, clock, 523)
    deliver(sink(broker.settings()))
    assert sink(broker.settings(prefix="other")).backlog().waiting == 1


def test_a_reading_that_comes_late_is_not_published(store: Store, clock: Clock, broker: Mosquitto, sink: Make) -> None:
    read(store, clock, 523)
    one = sink(broker.settings())
    deliver(one)
    read(store, clock, 100, 60)
    assert not one.pending(T)
    with subscribed(broker.port, "homemon/power") as other:
        assert deliver(one) == Outcome(0)
        assert not other.heard


def test_what_is_too_old_is_not_published(store: Store, clock: Clock, broker: Mosquitto, sink: Make) -> None:
    read(store, clock, 523, LIMIT)
    one = sink(broker.settings())
    assert not one.pending(T)
    deliver(one)
    assert power(broker.port) is None


def test_a_code_that_an_earlier_version_took_for_a_number_is_not_published(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    put(store, Point("ecocute", {"tank": 280}, T - 60), Point("ecocute", {"tank": 0xFFFE}, T))
    put(store, Point("+power", {"value": 429496729.4}, T))
    deliver(sink(broker.settings()))
    found = kept(broker.port)
    assert json.loads(found["homemon/ecocute"])["tank"] == 280
    assert "homemon/bought" not in found


def test_readings_of_other_houses_in_the_store_are_not_published(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 523)
    put(store, *(Point("ecocute", {"tank": 280}, T, f",home={name}") for name in ("nara", "kobe")))
    assert deliver(sink(broker.settings())) == Outcome(1)
    assert "homemon/ecocute" not in kept(broker.port)


@pytest.mark.parametrize("wall", [0.0, T - HOUR])
def test_nothing_is_published_while_the_clock_cannot_be_right(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make, monkeypatch: pytest.MonkeyPatch, wall: float
) -> None:
    monkeypatch.setattr("homemon.core.clock.kept_by_ntp", lambda: False)
    read(store, clock, 400, HOUR + 60)
    put(store, Point("ecocute", {"tank": 280}, T))  # so the clock is behind, and how old the other is nobody knows
    clock.wall = wall
    listener = sink(broker.settings(), "meter-listen")
    assert not listener.pending(T)
    assert listener.backlog().waiting == 0
    assert deliver(listener) == Outcome(0)
    assert not kept(broker.port)


def test_the_broker_forgets_a_value_that_counts_no_longer(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 523, LIMIT - 1)
    read_until = monotonic() + 60
    assert deliver(sink(broker.settings())) == Outcome(1)
    while power(broker.port) is not None:
        assert monotonic() < read_until
    assert CONFIG in kept(broker.port)


def test_without_retain_a_value_is_only_for_who_listens(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 523)
    with subscribed(broker.port) as other:
        deliver(sink(broker.settings(retain=False)))
        other.until(lambda: bool(other.of("homemon/power")))
        names = [name for name, _ in other.heard]
    assert names.index(CONFIG) < names.index("homemon/power")
    assert power(broker.port) is None
    assert CONFIG in kept(broker.port)


def test_a_broker_that_lost_the_newest_values_gets_them_when_a_listener_is_back(
    store: Store, clock: Clock, sink: Make, tmp_path: Path
) -> None:
    """By itself, mosquitto writes what it retains each half-hour."""
    broker = Mosquitto(tmp_path / "forgetful", more="autosave_interval 4")
    broker.start()
    try:
        one = sink(broker.settings(), "meter-listen")
        for ago, value in ((120, 400), (60, 500), (0, 523)):
            read(store, clock, value, ago)
            deliver(one)
        broker.kill()
        broker.start()
        assert power(broker.port) != 523
        wait_for(lambda: one.pending(T))
        assert deliver(one) == Outcome(1)
        assert power(broker.port) == 523
    finally:
        broker.kill()


def test_a_broker_that_was_killed_gets_the_newest_value_when_it_is_back(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    one = sink(broker.settings(), "meter-listen")
    for step, value in enumerate((500, 510, 520, 530, 540)):
        clock.wall = T + step * LIMIT / 2
        read(store, clock, value)
        if step == 1:
            broker.kill()
        if step in (1, 2, 3):
            trouble = deliver(one).trouble
            assert trouble is not None
            assert trouble.verdict is Verdict.LATER
            assert "nobody listens there" in trouble.text or "the connection was ended" in trouble.text
            assert one.pending(T)
        else:
            assert deliver(one) == Outcome(1)
        if step == 3:
            broker.start()
    assert power(broker.port) == 540


def test_a_value_counts_as_published_only_once_the_broker_says_so(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    one = sink(broker.settings(), "meter-listen")
    deliver(one)
    read(store, clock, 523)
    with broker.silent():
        trouble = deliver(one, within=0.5).trouble
        assert trouble is not None
        assert "no answer in time; check [mqtt] port" in trouble.text
    assert one.pending(T)
    assert deliver(one) == Outcome(1)
    assert power(broker.port) == 523


def test_what_a_broker_lost_is_announced_again_with_the_values(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 523)
    deliver(sink(broker.settings()))
    with subscribed(broker.port) as other:
        for name in (CONFIG, "homemon/power"):
            other.publish(name, "", retain=True)
    assert deliver(sink(broker.settings())) == Outcome(1)
    assert power(broker.port) == 523
    assert CONFIG in kept(broker.port)


@pytest.mark.parametrize(("saved", "found"), [(-60, 523), (60, 99)])
def test_a_broker_that_came_back_as_it_was_saved_gets_what_it_lost(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make, saved: int, found: int
) -> None:
    read(store, clock, 523)
    deliver(sink(broker.settings()))
    when = datetime.fromtimestamp(T + saved, JST).isoformat()
    with subscribed(broker.port) as other:
        other.publish("homemon/power", json.dumps({"value": 99, "time": when}), retain=True)
    one = sink(broker.settings(), "meter-listen")
    assert one.pending(T)
    assert deliver(one) == Outcome(int(found == 523))
    assert power(broker.port) == found  # a value that is newer than ours stays: it is our store that was put back


def test_a_broker_that_was_away_for_long_is_asked_again_each_minute(
    store: Store, clock: Clock, sink: Make, tmp_path: Path
) -> None:
    read(store, clock, 523)
    port = reserve_port()
    sender = Sender(sink(settings(port)), Memory(store.db, "mqtt"), tmp_path, Random(1))
    for _ in range(12):
        done = sender.send(clock.wall, 5.0)
        assert done is not None
        assert "nobody listens there" in done.fault
    assert sender.next_try(clock.wall) == pytest.approx(clock.wall + MINUTE, abs=10)
    assert sender.due(clock.wall + MINUTE + 10)


def test_a_listener_announces_again_when_home_assistant_starts(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 523)
    one = sink(broker.settings(), "meter-listen")
    deliver(one)
    assert not one.pending(T)
    with subscribed(broker.port) as other:
        other.publish("homeassistant/status", "offline")
        other.publish("homeassistant/status", "online")
        other.until(lambda: one.pending(T))
        assert deliver(one) == Outcome(1)
        other.until(lambda: bool(other.of("homemon/power")))
        names = [name for name, _ in other.heard]
    assert names.index(CONFIG) < names.index("homemon/power")
    assert not one.pending(T)


def test_a_listener_says_that_it_runs_and_when_it_ends(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    read(store, clock, 523)
    put(store, Point("+power", {"value": 1.0}, T))
    one = sink(broker.settings(), "meter-listen")
    assert one.pending(T)
    deliver(one)
    found = kept(broker.port)
    assert found["homemon/meter-listen/status"] == "online"
    assert json.loads(found[CONFIG])["cmps"]["bought"]["avty_t"] == "homemon/meter-listen/status"
    one.leave()
    assert kept(broker.port)["homemon/meter-listen/status"] == "offline"
    clock.wall += 25 * HOUR  # it was left for cron: nothing may wait for it
    deliver(sink(broker.settings()))
    assert "avty_t" not in json.loads(kept(broker.port)[CONFIG])["cmps"]["bought"]


def test_two_houses_have_a_prefix_each(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make, tmp_path: Path
) -> None:
    read(store, clock, 523)
    deliver(sink(broker.settings()))
    with closing(Store(tmp_path / "other")) as other:
        read(other, clock, 99)
        for listener in ("", "meter-listen"):
            trouble = deliver(sink(broker.settings(), listener, other)).trouble
            assert trouble is not None
            assert trouble.verdict is Verdict.HOLD
            assert "another homemon publishes under homemon/ there" in trouble.text
        assert sink(broker.settings(), "", other).probe().verdict is Verdict.HOLD
        assert deliver(sink(broker.settings(prefix="homemon/nara"), "", other)) == Outcome(1)
        found = kept(broker.port)
        assert json.loads(found["homemon/power"])["value"] == 523
        assert json.loads(found["homemon/nara/power"])["value"] == 99
        assert "homemon/meter-listen/status" not in found
        clock.wall += HOUR  # nobody has published there since: this is the same house, with a new store
        assert deliver(sink(broker.settings(), "", other)).trouble is None


def test_a_broker_from_before_mqtt_5_gets_values_that_it_does_not_keep(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make
) -> None:
    old = OldBroker(broker.port)
    try:
        read(store, clock, 523)
        with subscribed(broker.port) as other:
            assert deliver(sink(settings(old.port))) == Outcome(1)
            other.until(lambda: bool(other.of("homemon/power")))
    finally:
        old.close()
    assert power(broker.port) is None  # it could not let go of it
    assert CONFIG in kept(broker.port)


@pytest.mark.parametrize(("before", "after"), [("device", "entities"), ("entities", "device"), ("device", "off")])
def test_the_way_of_discovery_can_be_changed(
    store: Store, clock: Clock, broker: Mosquitto, sink: Make, before: str, after: str
) -> None:
    read(store, clock, 523)
    deliver(sink(broker.settings(discovery=before)))
    (old,) = (name for name in kept(broker.port) if name.endswith("/config"))
    with subscribed(broker.port, "homeassistant/#") as other:
        deliver(sink(broker.settings(discovery=after)))
        other.publish("homeassistant/end", "")
        other.until(lambda: bool(other.of("homeassistant/end")))
    found = [name for name in kept(broker.port) if name.endswith("/config")]
    assert len(found) == (after != "off")
    assert old not in found
    assert other.of(old) == ([""] if after == "off" else ['{"migrate_discovery": true}', ""])


def test_the_language_stays_that_of_who_announced_first(store: Store, clock: Clock, broker: Mosquitto) -> None:
    def name() -> Any:
        return json.loads(kept(broker.port)[CONFIG])["dev"]["name"]

    read(store, clock, 523)
    for ours, wanted, expected in (
        ("ja", None, "スマートメーター"),
        ("en", None, "スマートメーター"),
        ("ja", "en", "Smart meter"),
    ):
        deliver(Mqtt(store, broker.settings(language=wanted), SOURCES, ours))
        assert name() == expected


def test_a_login_is_needed_and_never_said(store: Store, clock: Clock, sink: Make, tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "closed", user="homemon")
    broker.start()
    try:
        read(store, clock, 523)
        good = {"user": "homemon", "password": Mosquitto.PASSWORD}
        for wrong in ({}, {"user": "homemon", "password": "S3cretTheOther"}):
            for answer in (sink(broker.settings(**wrong)).probe(), deliver(sink(broker.settings(**wrong))).trouble):
                assert answer is not None
                assert answer.verdict is Verdict.HOLD
                assert "check [mqtt] user and password" in answer.text
                assert "S3cret" not in answer.text
        one = sink(broker.settings(**good))
        assert one.probe().verdict is Verdict.TAKEN
        assert deliver(one) == Outcome(1)
    finally:
        broker.kill()


def test_a_broker_that_allows_no_topic_is_reported_with_the_remedy(
    store: Store, clock: Clock, sink: Make, tmp_path: Path
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic read #\n")
    broker = Mosquitto(tmp_path / "strict", more=f"acl_file {rights}")
    broker.start()
    try:
        read(store, clock, 523)
        for answer in (sink(broker.settings()).probe(), deliver(sink(broker.settings())).trouble):
            assert answer is not None
            assert (answer.verdict, "let its administrator allow it" in answer.text) == (Verdict.HOLD, True)
    finally:
        broker.kill()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"host": "no-such-host.invalid"}, "the host is unknown"),
        ({"port": 1}, "nobody listens there"),
        ({"ca": "/nowhere.pem"}, "the file in [mqtt] ca is not there"),
        ({"ca": __file__}, "the file in [mqtt] ca is no certificate"),
    ],
)
def test_what_keeps_a_broker_from_being_reached_is_said(
    sink: Make, store: Store, clock: Clock, change: dict[str, Any], text: str
) -> None:
    read(store, clock, 523)
    one = sink(settings(1)._replace(**change))
    trouble = deliver(one).trouble
    assert trouble is not None
    assert text in trouble.text
    assert text in one.probe().text
    assert one.pending(T)


def test_a_certificate_that_nobody_trusts_is_reported(store: Store, clock: Clock, sink: Make, tmp_path: Path) -> None:
    import trustme

    ours, theirs = trustme.CA(), trustme.CA()
    server = theirs.issue_cert("127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    for name, each in (("ours", ours), ("theirs", theirs)):
        each.cert_pem.write_to_path(str(tmp_path / name))
    broker = Mosquitto(tmp_path / "tls", more=f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.pem")
    broker.start()
    try:
        read(store, clock, 523)
        answer = sink(broker.settings(ca=str(tmp_path / "ours"))).probe()
        assert "its certificate is not trusted; name the CA that signed it in [mqtt] ca" in answer.text
        assert deliver(sink(broker.settings(ca=str(tmp_path / "theirs")))) == Outcome(1)
        answer = sink(broker.settings()).probe()
        assert "see the broker's log, and [mqtt] ca" in answer.text
    finally:
        broker.kill()


def test_without_paho_the_package_is_named(
    store: Store, clock: Clock, sink: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "find_spec", lambda name: None)
    read(store, clock, 523)
    trouble = deliver(sink(settings(1))).trouble
    assert trouble == sink(settings(1)).probe()
    assert trouble is not None
    assert "`pipx inject homemon paho-mqtt`" in trouble.text
