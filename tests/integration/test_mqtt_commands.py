"""Listeners and cron's polls with a broker: the real commands, a simulated EcoCute and a real mosquitto."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from homemon.sim.network import Network
from tests.brokers import Mosquitto, Subscriber, kept, subscribed
from tests.commands import LOADED, homemon, running
from tests.lan import configure, of_ours, truths, unit, wait_for_port

STATUS = "homemon/ecocute-listen/status"
CONFIG = "homeassistant/device/homemon_ecocute/config"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    server = Mosquitto(tmp_path / "broker")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def heater() -> Iterator[Network]:
    with unit() as network:
        yield network


def configured(folder: Path, broker: Mosquitto, host: str) -> str:
    """A config.ini with a water heater and a broker; gives our address."""
    ours = configure(folder, host)
    with (folder / "config.ini").open("a") as file:
        file.write(f"\n[mqtt]\nhost = 127.0.0.1\nport = {broker.port}\n")
    return ours


def published(broker: Mosquitto) -> dict[str, int]:
    """The fields of the EcoCute that the broker keeps."""
    text = kept(broker.port).get("homemon/ecocute", "{}")
    return {name: value for name, value in json.loads(text).items() if name != "time"}


def last(subscriber: Subscriber, topic: str) -> str:
    """What was said last at a topic."""
    return [subscriber.kept.get(topic, ""), *subscriber.of(topic)][-1]


def test_a_poll_of_cron_s_publishes_and_leaves(tmp_path: Path, broker: Mosquitto, heater: Network) -> None:
    configured(tmp_path, broker, heater.bind)
    assert "homemon: mqtt: sent 3 values\n" in homemon("-v", "ecocute-poll", cwd=tmp_path).stderr
    assert published(broker) == truths(heater)
    assert CONFIG in kept(broker.port)
    assert STATUS not in kept(broker.port)
    assert homemon("upload", "mqtt", cwd=tmp_path).stdout == "0 values sent, 0 waiting\n"
    assert homemon("upload", "mqtt", "--since", "1d", cwd=tmp_path).stdout == "3 values sent, 0 waiting\n"


def test_a_reading_does_not_depend_on_the_broker(tmp_path: Path, broker: Mosquitto, heater: Network) -> None:
    configured(tmp_path, broker, heater.bind)
    broker.kill()
    first, second = (homemon("ecocute-poll", cwd=tmp_path) for _ in range(2))
    assert (first.returncode, len(first.stdout.splitlines())) == (0, 1)
    assert "nobody listens there" in first.stderr
    assert (second.returncode, of_ours(second.stderr)) == (0, "")  # it was said once
    assert of_ours(first.stderr).endswith("; the newest values are sent when it works again\n")
    status, checked = (homemon(command, cwd=tmp_path).stdout for command in ("status", "check"))
    assert "mqtt: 3 values wait\n" in status
    assert "the newest values are sent when it works" in checked
    broker.start()
    assert homemon("check", cwd=tmp_path).stdout.count(f"mqtt: 127.0.0.1:{broker.port} takes values") == 1
    assert homemon("-q", "ecocute-poll", cwd=tmp_path).returncode == 0
    assert published(broker) == truths(heater)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_broker_says_when_a_listener_is_gone(
    tmp_path: Path, broker: Mosquitto, heater: Network, number: signal.Signals
) -> None:
    ours = configured(tmp_path, broker, heater.bind)
    with subscribed(broker.port, "homemon/#") as other, running("ecocute-listen", cwd=tmp_path) as listener:
        wait_for_port(ours)
        other.until(lambda: last(other, STATUS) == "online")
        homemon("-q", "ecocute-poll", cwd=tmp_path)  # which the listener answers, stores and publishes
        other.until(lambda: bool(last(other, "homemon/ecocute")))
        listener.stop(number)
        other.until(lambda: last(other, STATUS) == "offline")
    assert published(broker) == truths(heater)


def test_a_listener_and_polls_publish_what_is_newest_once(tmp_path: Path, broker: Mosquitto, heater: Network) -> None:
    ours = configured(tmp_path, broker, heater.bind)
    with subscribed(broker.port, "homemon/#") as other, running("ecocute-listen", cwd=tmp_path) as listener:
        wait_for_port(ours)
        for _ in range(3):
            homemon("-q", "ecocute-poll", cwd=tmp_path)
        assert listener.stop() == 0
        homemon("upload", "mqtt", cwd=tmp_path)
        other.until(lambda: bool(other.of("homemon/ecocute")))
        texts = other.of("homemon/ecocute")
    assert len(texts) == len(set(texts))
    times = [json.loads(text)["time"] for text in texts]
    assert times == sorted(times)
    assert published(broker) == truths(heater)


def test_a_listener_announces_all_of_it_as_soon_as_home_assistant_starts(
    tmp_path: Path, broker: Mosquitto, heater: Network
) -> None:
    ours = configured(tmp_path, broker, heater.bind)
    homemon("-q", "ecocute-poll", cwd=tmp_path)
    with subscribed(broker.port) as other, running("ecocute-listen", cwd=tmp_path):
        wait_for_port(ours)
        other.until(lambda: last(other, STATUS) == "online")
        announced, began = len(other.of(CONFIG)), monotonic()
        other.publish("homeassistant/status", "online")
        other.until(lambda: len(other.of(CONFIG)) > announced)
        assert monotonic() - began < LOADED
