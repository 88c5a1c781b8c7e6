"""One connection to an MQTT broker, by paho-mqtt, which is loaded with this module.

MQTT 5 where the broker speaks it, as only that lets a retained value expire; else 3.1.1. paho reads and writes in a
thread of its own, and keeps the connection alive between two rounds. Who calls waits here, for as long as it says.
"""

import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from socket import SHUT_RDWR
from threading import Condition
from time import monotonic
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from homemon.config.keys import SECURE_MQTT, Mqtt
from homemon.delivery.live import Message
from homemon.delivery.verdicts import Answer, Verdict

KEEPALIVE = 20  # seconds; without a sign of life for one and a half of them the broker publishes the will
CUT_WITHIN = 1.0  # seconds
UNKNOWN_VERSION = 132
LOGIN = "check [mqtt] user and password"
RIGHTS = "its user may not do that; let its administrator allow it (mosquitto: acl_file)"
REASONS = {
    133: (Verdict.HOLD, "it takes no client without an ID; allow that there (mosquitto: allow_zero_length_clientid)"),
    134: (Verdict.HOLD, LOGIN),
    135: (Verdict.HOLD, f"{LOGIN}, and what its administrator allows (mosquitto: acl_file)"),
    138: (Verdict.HOLD, "it bans this machine or user; see its log"),
    140: (Verdict.HOLD, LOGIN),
    144: (Verdict.HOLD, "it takes no such topic; check [mqtt] prefix"),
    151: (Verdict.LATER, "a limit of the broker is reached; see its log"),
    154: (Verdict.HOLD, "it keeps nothing; write `retain = no` into [mqtt], or allow it there (retain_available)"),
}
"""What a broker's reason codes mean (MQTT 5.0, 2.4; those of 3.1.1 as paho translates them), and the remedy."""
ELSE = (Verdict.LATER, "see its log")
CERTIFICATES = (
    ("is not valid for", "its certificate is for another name; write that name into [mqtt] host"),
    ("has expired", "its certificate has expired; renew it there, or set this machine's clock: timedatectl"),
    ("not yet valid", "its certificate is not valid yet; set this machine's clock: timedatectl set-ntp true"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted; name the CA that signed it in [mqtt] ca"),
    ("WRONG_VERSION_NUMBER", "it does not speak TLS there; check [mqtt] port, or leave ca out"),
)
"""What the text of a TLS error means (the first that it holds), and the remedy."""
UNREACHED = (  # what the system's errors say, and what it means
    ("known", "the host is unknown"),
    ("resolution", "the host is unknown"),
    ("hostname", "the host is unknown"),
    ("refused", "nobody listens there"),
    ("unreachable", "there is no way to it"),
    ("route", "there is no way to it"),
)


class NotTaken(Exception):
    """The broker could not be reached, or refused something; `answer` says why, for a person."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


class _Closing(ssl.SSLSocket):
    """Closes itself where its handshake fails, which paho does not do."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Broker:
    """A connection to the broker of [mqtt]. Raise NotTaken.

    `until` is by when it is to stand, and by when each step after that is to be done, until it is set anew
    (time.monotonic). `status` is a topic that holds `online` from `greet` until it ends, and then `offline`; `birth` is
    one whose `online` calls `born`.
    """

    def __init__(
        self, settings: Mqtt, until: float, status: str = "", birth: str = "", born: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self.until = until
        self._birth, self._born = birth, born
        self._changed = Condition()
        self._done: dict[tuple[str, int], list[ReasonCode]] = {}
        self._retained: dict[str, str] = {}
        self._code: ReasonCode | None = None
        self._ended = self._greeted = False
        self._status = status
        self.where = settings.where
        self.expires = self._connect(MQTTProtocolVersion.MQTTv5)
        """Whether what it keeps can expire, which MQTT 3.1.1 does not know."""
        if not self.expires:
            self._connect(MQTTProtocolVersion.MQTTv311)

    @property
    def stands(self) -> bool:
        """Whether nobody has ended it."""
        return not self._ended

    def greet(self) -> None:
        """Say that it stands, and listen for the birth."""
        if self._birth:
            self._wait("suback", self._client.subscribe(self._birth)[1])
        if self._status:
            self.publish([Message(self._status, "online")])
        self._greeted = True

    def close(self) -> None:
        """End it, so that the broker does not publish the will; what it says of us is `offline` then as well."""
        try:
            if self._status and self._greeted and not self._ended:
                self.publish([Message(self._status, "offline")])
        except NotTaken:
            pass  # the broker will say so itself
        finally:
            self._leave()

    def _leave(self) -> None:
        client = self._client
        client.disconnect()
        client.loop_stop()
        client.on_connect = client.on_disconnect = client.on_publish = client.on_message = None  # else each holds the
        client.on_subscribe = client.on_unsubscribe = None  # other, and its sockets are closed only by the collector

    def _cut(self) -> None:
        """End it without a word, so that a broker which is well after all publishes the will."""
        with suppress(OSError, AttributeError):
            self._client.socket().shutdown(SHUT_RDWR)  # type: ignore[union-attr]
        with self._changed:
            self._changed.wait_for(lambda: self._ended, CUT_WITHIN)

    def publish(self, messages: Iterable[Message]) -> None:
        """Publish messages; return once the broker has said of each that it has it."""
        for wanted, mid in [(each, self._send(each)) for each in messages]:
            self._wait("puback", mid, wanted.topic)

    def retained(self, topics: Sequence[str]) -> dict[str, str]:
        """Return what the broker keeps at topics; one that it lets us not read is as if it kept nothing there."""
        self._retained.clear()
        for answer, ask in (("suback", self._client.subscribe), ("unsuback", self._client.unsubscribe)):
            given: Any = [(each, 0) for each in topics] if answer == "suback" else list(topics)
            self._wait(answer, ask(given)[1] or 0)  # a broker sends what it keeps before it answers the second
        return dict(self._retained)

    def _connect(self, version: MQTTProtocolVersion) -> bool:
        """Connect; return whether the broker speaks this version of MQTT."""
        newest = version is MQTTProtocolVersion.MQTTv5
        self._code, self._ended = None, False
        self._client = self._made(version)
        try:
            self._client.connect(self._settings.host, int(self.where.rpartition(":")[2]), self._keepalive)
        except (OSError, ValueError) as error:
            raise NotTaken(self._unreachable(error)) from None
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._code is not None or self._ended, self._left)
            code, ended = self._code, self._ended
        if code is not None and not code.is_failure:
            return True
        self._leave()
        if newest and (ended if code is None else code.value == UNKNOWN_VERSION):
            return False  # brokers from before MQTT 5 refuse it, or end the connection
        raise NotTaken(self._refused(code) if code else self._silent(ended))

    def _made(self, version: MQTTProtocolVersion) -> Client:
        settings = self._settings
        client = Client(CallbackAPIVersion.VERSION2, protocol=version, reconnect_on_failure=False)
        client.connect_timeout = max(0.1, self._left)
        if settings.user:
            client.username_pw_set(settings.user, settings.password)
        if settings.ca or settings.port == SECURE_MQTT:
            self._secure(client)
        if self._status:
            client.will_set(self._status, "offline", qos=1, retain=True)
        client.on_connect = lambda _c, _u, _f, code, _p: self._note(code)
        client.on_disconnect = lambda *_: self._note(None)
        client.on_publish = lambda _c, _u, mid, code, _p: self._finish("puback", mid, [code])
        client.on_subscribe = lambda _c, _u, mid, codes, _p: self._finish("suback", mid, [])
        client.on_unsubscribe = lambda _c, _u, mid, codes, _p: self._finish("unsuback", mid, [])
        client.on_message = lambda _c, _u, message: self._receive(message)
        return client

    def _secure(self, client: Client) -> None:
        try:
            context = ssl.create_default_context(cafile=self._settings.ca)
        except FileNotFoundError:
            raise NotTaken(self._hold("the file in [mqtt] ca is not there")) from None
        except PermissionError:
            raise NotTaken(self._hold("the file in [mqtt] ca cannot be read; check its permissions")) from None
        except (OSError, ValueError):
            raise NotTaken(self._hold("the file in [mqtt] ca is no certificate; it must be in PEM format")) from None
        context.sslsocket_class = _Closing
        client.tls_set_context(context)

    @property
    def _left(self) -> float:
        return max(0.0, self.until - monotonic())

    @property
    def _keepalive(self) -> int:
        """What paho waits for the end of a TLS handshake, too."""
        return max(1, min(KEEPALIVE, int(self._left))) if not self._status else KEEPALIVE

    def _send(self, message: Message) -> int:
        properties = None
        if self.expires and message.expires is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = message.expires
        return self._client.publish(message.topic, message.text, 1, message.retain, properties).mid

    def _wait(self, answer: str, mid: int | None, topic: str = "") -> None:
        """Wait for an answer of the broker's."""
        key = (answer, mid or 0)
        with self._changed:
            self._changed.wait_for(lambda: key in self._done or self._ended, self._left)
            codes, ended = self._done.pop(key, None), self._ended
        if codes is None:
            self._cut()
            raise NotTaken(self._silent(ended))
        for code in codes:
            if code.is_failure:
                verdict, hint = REASONS.get(code.value, ELSE)
                hint = RIGHTS if code.value == 135 else hint
                raise NotTaken(Answer(verdict, f"{self.where} refused to take {topic}: {code.getName()}; {hint}"))

    # --- called in paho's thread ---------------------------------------------------------

    def _note(self, code: ReasonCode | None) -> None:
        with self._changed:
            self._code, self._ended = code or self._code, code is None
            self._changed.notify_all()

    def _finish(self, answer: str, mid: int, codes: list[ReasonCode]) -> None:
        with self._changed:
            self._done[answer, mid] = codes
            self._changed.notify_all()

    def _receive(self, message: MQTTMessage) -> None:
        text = message.payload.decode("utf-8", "replace")
        if message.topic != self._birth:
            self._retained[message.topic] = text
        elif text == "online" and not message.retain:
            self._born()

    # --- what went wrong -------------------------------------------------------------------

    def _hold(self, why: str) -> Answer:
        return Answer(Verdict.HOLD, f"{self.where}: {why}")

    def _refused(self, code: ReasonCode) -> Answer:
        verdict, hint = REASONS.get(code.value, ELSE)
        return Answer(verdict, f"{self.where} refused the connection: {code.getName()}; {hint}")

    def _silent(self, ended: bool) -> Answer:
        if ended:
            return Answer(Verdict.LATER, f"{self.where}: the connection was ended; see the broker's log, and [mqtt] ca")
        return Answer(
            Verdict.LATER, f"{self.where}: no answer in time; check [mqtt] port, its load, and what lies between"
        )

    def _unreachable(self, error: Exception) -> Answer:
        said = str(error)
        if isinstance(error, ssl.SSLError):
            found = next((meaning for sign, meaning in CERTIFICATES if sign in said), "its TLS cannot be understood")
            return self._hold(found)
        if isinstance(error, TimeoutError):
            return self._silent(False)
        reason = next((f" ({meaning})" for sign, meaning in UNREACHED if sign in said), "")
        text = f"cannot be reached{reason}; is the broker running, and [mqtt] host right?"
        return Answer(Verdict.LATER, f"{self.where}: {text}", unanswered=bool(reason))
