"""A real MQTT broker, who listens to it, and what stands in for one from before MQTT 5."""

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from homemon.config.keys import Mqtt
from tests.commands import PATIENCE
from tests.servers import Process, installed

REFUSED = b"\x20\x02\x00\x01"  # CONNACK of MQTT 3.1.1: unacceptable protocol version


class Mosquitto(Process):
    """mosquitto on the loopback; what it retains survives `kill`. With `user` it asks for a `PASSWORD`.

    `more` are lines of its configuration.
    """

    binary, package = "mosquitto", "mosquitto"
    PASSWORD = "s3cret pass;#%"

    def __init__(self, folder: Path, user: str = "", more: str = "") -> None:
        super().__init__(folder)
        access = "allow_anonymous true"
        if user:
            tool, file = installed("mosquitto_passwd", "mosquitto"), folder / "passwd"
            subprocess.run((tool, "-b", "-c", file, user, self.PASSWORD), check=True, capture_output=True)
            access = f"allow_anonymous false\npassword_file {file}"
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\n{access}\nuser root\npersistence true\npersistence_location {folder}/\n"
            f"autosave_on_changes true\nautosave_interval 1\n{more}\n"
        )

    def arguments(self) -> list[str]:
        return ["-c", str(self.folder / "mosquitto.conf")]

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    @contextmanager
    def silent(self) -> Iterator[None]:
        """With a broker that takes everything in and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def settings(self, **more: Any) -> Mqtt:
        """[mqtt] that leads here."""
        return settings(self.port, **more)


def settings(port: int, **more: Any) -> Mqtt:
    """[mqtt] with a port of this machine."""
    plain = {"host": "127.0.0.1", "port": port, "user": None, "password": None, "ca": None}
    return Mqtt(**{**plain, "prefix": "homemon", "retain": True, **more})


class Subscriber:
    """Somebody who hears everything; `heard` are topics and texts, `kept` those that had been there before."""

    def __init__(self, port: int, topics: str = "#") -> None:
        self.heard: list[tuple[str, str]] = []
        self.kept: dict[str, str] = {}
        self._changed = Condition()
        self._subscribed = False
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = lambda _c, _u, message: self._receive(message)
        self._client.on_subscribe = lambda *_: self._receive(None)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(topics, 1)
        self.until(lambda: self._subscribed)

    def _receive(self, message: MQTTMessage | None) -> None:
        with self._changed:
            if message is None:
                self._subscribed = True
            elif message.retain:
                self.kept[message.topic] = message.payload.decode()
            else:
                self.heard.append((message.topic, message.payload.decode()))
            self._changed.notify_all()

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait until it has happened."""
        with self._changed:
            assert self._changed.wait_for(happened, PATIENCE), (self.heard, self.kept)

    def of(self, topic: str) -> list[str]:
        """What was heard of a topic."""
        return [text for name, text in self.heard if name == topic]

    def publish(self, topic: str, text: str, retain: bool = False) -> None:
        """Say something, and wait until the broker has it."""
        self._client.publish(topic, text, 1, retain).wait_for_publish(PATIENCE)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def subscribed(port: int, topics: str = "#") -> Iterator[Subscriber]:
    """A subscriber for a block."""
    one = Subscriber(port, topics)
    try:
        yield one
    finally:
        one.close()


def kept(port: int) -> dict[str, str]:
    """What a broker retains; it gives that before it answers the subscription or directly after it."""
    with subscribed(port) as one:
        one.publish("end", "")
        one.until(lambda: bool(one.of("end")))
        return one.kept


class OldBroker:
    """A broker that knows MQTT 3.1.1 only: what passes of another goes to the one at `port`."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [Thread(target=self._serve, daemon=True)]
        self._open: list[socket.socket] = [self._server]
        self._threads[0].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                self._take(self._server.accept()[0])

    def _take(self, client: socket.socket) -> None:
        first = client.recv(1000)
        if first[first.index(b"MQTT") + 4] == MQTTProtocolVersion.MQTTv5:
            client.sendall(REFUSED)
            client.close()
            return
        behind = socket.create_connection(("127.0.0.1", self._behind))
        behind.sendall(first)
        self._open += [client, behind]
        for ends in ((client, behind), (behind, client)):
            self._threads.append(Thread(target=_pass_on, args=ends, daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """End all of it."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for each in self._open:
            each.close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_RDWR)
