"""Home Assistant's WebSocket API: a thin client, and what each of its troubles means for a person.

Each question is answered within `WITHIN` seconds, or the connection is ended. An answer that is larger than
`LARGEST` is not read. The token goes to the configured address only, as redirects are not followed, and comes back in
no message. websockets is loaded here, so this module is imported when there is something to say.

Sources: developers.home-assistant.io, "WebSocket API"; Home Assistant's websocket_api and recorder as tried.
"""

import json
import logging
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from homemon import __version__
from homemon.config.keys import HomeAssistant
from homemon.delivery.deadline import Deadline
from homemon.delivery.masking import masked
from homemon.delivery.verdicts import Answer, Verdict

CONNECT_WITHIN = 5.0  # seconds
WITHIN = 30.0  # seconds of one question; an import of 5000 rows is taken within one, on a Pi too
CLOSES_WITHIN = 1.0
LARGEST = 8_000_000  # bytes of an answer; a month of all hours has half a million
PORTS = {"http": 80, "https": 443}
RUNNING = "RUNNING"
FIX_URL = "check [homeassistant] url"
ADMINISTRATOR = "make the token while an administrator is logged in (Home Assistant, profile, Security)"
RECORDER = "it keeps no statistics: write `default_config:`, or `recorder:`, into its configuration.yaml"
STARTING = "it is starting; the hours are written when it runs"
NOT_IT = f"that is not Home Assistant; {FIX_URL}"
NO_TLS = Answer(Verdict.LATER, f"it does not speak https there; {FIX_URL}, and whether it begins with http:// there")
UNTRUSTED = Answer(Verdict.HOLD, "its certificate is not trusted; name the CA that signed it in [homeassistant] ca")
REDIRECTS = Answer(Verdict.HOLD, "it redirects; write its real address into [homeassistant] url")
PROXY_OR_START = "Home Assistant, or the proxy before it, is not ready"
BANNED = "it refuses this machine: see ip_bans.yaml in its folder, and its log"
STATUSES = {
    400: Answer(Verdict.HOLD, f"{FIX_URL}, and whether it begins with https there"),
    401: Answer(Verdict.HOLD, NOT_IT),
    403: Answer(Verdict.HOLD, BANNED),
    404: Answer(Verdict.HOLD, NOT_IT),
}
"""What another status than 101 means."""
BY_HUNDREDS = {
    2: Answer(Verdict.HOLD, NOT_IT),
    3: REDIRECTS,
    4: Answer(Verdict.HOLD, NOT_IT),
    5: Answer(Verdict.LATER, PROXY_OR_START),
}
REFUSALS = {
    "unauthorized": Answer(Verdict.HOLD, ADMINISTRATOR),
    "unknown_command": Answer(Verdict.HOLD, RECORDER),
    "invalid_format": Answer(Verdict.HOLD, "this version of Home Assistant wants another form; upgrade homemon"),
}
"""What the code of a refused command means."""
OTHER_REFUSAL = Answer(Verdict.LATER, "see its log")

_silent = logging.Logger("homemon.websockets")
_silent.addHandler(logging.NullHandler())


class Trouble(Exception):
    """What keeps Home Assistant from taking anything, as an answer for a person."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


class House(NamedTuple):
    """What a Home Assistant says of itself: its version, its language, and whether its start is over."""

    version: str
    language: str
    running: bool


class Client:
    """A connection on which the token was taken. What is asked and refused raises Trouble."""

    def __init__(self, socket: ClientConnection, settings: HomeAssistant) -> None:
        self._socket, self._settings = socket, settings
        self._number = 0
        self.house = House("", "", True)

    def greet(self) -> None:
        """Log in, and learn what it says of itself. Raise Trouble."""
        with self._watched():
            if self._receive().get("type") != "auth_required":
                raise self.trouble(Answer(Verdict.HOLD, NOT_IT))
            self._send({"type": "auth", "access_token": self._settings.token})
            said = self._receive()
        if said.get("type") != "auth_ok":
            text = "it refuses the token; check [homeassistant] token, or make a new one in your profile, Security"
            raise self.trouble(Answer(Verdict.HOLD, text))
        about = self.ask("get_config")
        if not isinstance(about, dict):
            raise self.trouble(Answer(Verdict.HOLD, NOT_IT))
        version, language = (str(about.get(name, "")) for name in ("version", "language"))
        self.house = House(str(said.get("ha_version", version)), language, about.get("state", RUNNING) == RUNNING)

    def ask(self, command: str, **more: Any) -> Any:
        """Return the result of a command. Raise Trouble."""
        self._number += 1
        with self._watched():
            self._send({"id": self._number, "type": command, **more})
            while (said := self._receive()).get("id") != self._number or said.get("type") != "result":
                pass  # an event, or the answer to nothing that was asked
        if said.get("success") is True:
            return said.get("result")
        error = said.get("error")
        raise self._refusal(command, error if isinstance(error, dict) else {})

    def may_write(self) -> Answer:
        """Return TAKEN where it keeps statistics, and the token may write them; else why not. Raise Trouble."""
        if not isinstance(user := self.ask("auth/current_user"), dict) or user.get("is_admin") is not True:
            return self.trouble(Answer(Verdict.HOLD, f"the token is of no administrator; {ADMINISTRATOR}")).answer
        info = self.ask("recorder/info")
        if not isinstance(info, dict) or info.get("recording") is not True:
            return self.trouble(Answer(Verdict.LATER, "its recorder does not record; see its log")).answer
        return Answer(Verdict.TAKEN)

    def _refusal(self, command: str, error: Mapping[str, Any]) -> Trouble:
        code, message = (str(error.get(name, "")) for name in ("code", "message"))
        verdict, remedy, *_ = REFUSALS.get(code, OTHER_REFUSAL)
        if code == "unknown_command" and not self.house.running:
            verdict, remedy = Verdict.LATER, STARTING
        said = masked(f"{code}: {message}", [self._settings.token])
        return self.trouble(Answer(verdict, f"{command} was refused ({said}); {remedy}"))

    def trouble(self, answer: Answer) -> Trouble:
        """Return a trouble whose text begins with the address."""
        return Trouble(answer._replace(text=f"{self._settings.url}: {answer.text}", whole=True))

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Make the block an exchange that is ended after `WITHIN` seconds, whatever is going on. Raise TimeoutError."""
        with Deadline(WITHIN).running() as deadline:
            if (fd := self._socket.socket.fileno()) >= 0:  # else it has ended, with what may still be received
                deadline.watch(fd)
            try:
                yield
            except (OSError, ConnectionClosed):
                if deadline.passed:
                    raise TimeoutError from None
                raise

    def _send(self, message: Mapping[str, Any]) -> None:
        self._socket.send(json.dumps(message, separators=(",", ":")))

    def _receive(self) -> Mapping[str, Any]:
        """Return the next message; an empty one in place of what is none of Home Assistant's."""
        try:
            said = json.loads(self._socket.recv())
        except (ValueError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}


@contextmanager
def connected(settings: HomeAssistant) -> Iterator[Client]:
    """Yield a connection to Home Assistant on which the token was taken. Raise Trouble, also within the block."""
    try:
        with _opened(settings) as opened, _upgraded(opened, settings) as upgraded:
            client = Client(upgraded, settings)
            client.greet()
            yield client
    except (OSError, ConnectionClosed, InvalidHandshake, InvalidURI, EOFError) as error:
        answer = _meaning(error)
        raise Trouble(answer._replace(text=f"{settings.url}: {answer.text}", whole=True)) from None


def _opened(settings: HomeAssistant) -> socket.socket:
    url = urlsplit(settings.url)
    return socket.create_connection((url.hostname or "", url.port or PORTS[url.scheme]), CONNECT_WITHIN)


@contextmanager
def _upgraded(opened: socket.socket, settings: HomeAssistant) -> Iterator[ClientConnection]:
    """Yield the WebSocket on a connection: through no proxy of the shell's, and without compression."""
    secure = settings.url.startswith("https:")
    with connect(
        f"ws{settings.url.removeprefix('http')}/api/websocket",
        sock=opened,
        ssl=_trust(settings.ca) if secure else None,
        compression=None,
        user_agent_header=f"homemon/{__version__}",
        open_timeout=CONNECT_WITHIN,
        ping_interval=None,
        close_timeout=CLOSES_WITHIN,
        max_size=LARGEST,
        logger=_silent,
    ) as upgraded:
        yield upgraded


def _trust(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError):
        raise Trouble(
            Answer(Verdict.HOLD, f"the file in [homeassistant] ca cannot be read: {ca}; it must be in PEM format")
        ) from None


def _meaning(error: Exception) -> Answer:
    """Return what a connection's end means."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        answer = STATUSES.get(status) or BY_HUNDREDS.get(status // 100, BY_HUNDREDS[4])
        return answer if answer is REDIRECTS else answer._replace(text=f"answered {status}: {answer.text}")
    return next(answer for kinds, answer in ENDS if isinstance(error, kinds))


REACH = "cannot be reached ({}); is Home Assistant running, and [homeassistant] url right?"
ENDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Answer], ...] = (
    (ssl.SSLCertVerificationError, UNTRUSTED),
    (ssl.SSLError, NO_TLS),
    (InvalidURI, REDIRECTS),  # which it cannot be followed to, as to another address
    (socket.gaierror, Answer(Verdict.LATER, REACH.format("the host is unknown"), unanswered=True)),
    (ConnectionRefusedError, Answer(Verdict.LATER, REACH.format("nobody listens there"), unanswered=True)),
    (TimeoutError, Answer(Verdict.LATER, "no answer in time; see its load, and what lies between", unanswered=True)),
    (
        (InvalidMessage, EOFError),
        Answer(Verdict.LATER, f"the connection ended without an answer; {FIX_URL}, and whether it begins with https"),
    ),
    (InvalidHandshake, Answer(Verdict.HOLD, NOT_IT)),
    (ConnectionClosed, Answer(Verdict.LATER, "it ended the connection; see its log")),
    (OSError, Answer(Verdict.LATER, REACH.format("the connection broke"), unanswered=True)),
)
"""What an error means: the first row that it is an instance of."""
