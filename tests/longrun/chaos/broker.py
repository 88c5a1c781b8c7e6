"""A real broker of [mqtt], and who hears all that is published there."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.brokers import Mosquitto, kept
from tests.commands import PATIENCE
from tests.longrun.chaos.places import Trouble
from tests.longrun.chaos.published import Message


class Broker:
    """A mosquitto, [mqtt], and somebody who hears all that is published there; `stack` ends both."""

    name = "mqtt"
    SAVES = "autosave_on_changes true\nautosave_interval 10\n"  # what it keeps is lost in part where it is killed

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._broker = Mosquitto(folder / "mosquitto", more=self.SAVES)
        stack.callback(self._broker.kill)
        self._broker.start()
        self._audience = Audience(self._broker.port)
        stack.callback(self._audience.leave)
        self._held = ExitStack()
        stack.push(self._held)
        self.kill, self.start = self._broker.kill, self._broker.start

    def section(self) -> str:
        return f"[mqtt]\nhost = 127.0.0.1\nport = {self._broker.port}\n"

    def troubles(self) -> Iterator[Trouble]:
        yield Trouble(
            "mqtt held up", lambda _: self._held.enter_context(self._broker.silent()), lambda: self._held.close()
        )

    def heard(self) -> list[Message]:
        """What was published, in this order."""
        return self._audience.heard

    def greeted(self) -> int:
        """How often a listener said that it is there."""
        return sum(text == "online" for _, text in self._audience.statuses)

    def forget_house(self) -> None:
        """Let another store publish there: what a person does who begins anew, and does not wait for an hour."""
        self._audience.say("homemon/house", "")

    def kept(self) -> dict[str, str]:
        """What it retains."""
        return kept(self._broker.port)


class Audience:
    """Somebody who hears all that is published, and comes back to a broker that was away."""

    def __init__(self, port: int) -> None:
        self.heard: list[Message] = []
        self.statuses: list[tuple[str, str]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(0.1, 0.1)  # type: ignore[arg-type]
        self._client.on_connect = self._subscribe
        self._client.on_message = lambda _c, _u, message: self._hear(message)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _subscribe(self, *_: object) -> None:
        self._client.subscribe("homemon/#", 1)

    def _hear(self, message: MQTTMessage) -> None:
        """Note what is published, and not what the broker, which may have lost the newest, says again."""
        if message.retain or message.topic == "homemon/house":
            return
        if message.topic.endswith("/status"):
            self.statuses.append((message.topic, message.payload.decode()))
            return
        said = json.loads(message.payload)
        time = datetime.fromisoformat(said.pop("time"))
        self.heard.append(Message(message.topic, said, int(time.timestamp())))

    def say(self, topic: str, text: str) -> None:
        """Have the broker retain a text."""
        self._client.publish(topic, text, 1, retain=True).wait_for_publish(PATIENCE)

    def leave(self) -> None:
        """Hear no more."""
        self._client.disconnect()
        self._client.loop_stop()
