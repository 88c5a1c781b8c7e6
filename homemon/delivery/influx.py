"""The one HTTP client: line protocol to whatever speaks InfluxDB's write API, and what it answers to questions.

`Influx.write` sends one batch and says what became of it, as a `Verdict`; it stores nothing,
waits for nothing and never raises for what a server or a network does; `verdicts` has the table
of what answers mean. `Influx.read` returns the whole answer to a question, or raises `NotRead`.
An exchange is over after [server] timeout, however slowly a server talks.

A server is not trusted with more than the points: of its answer no more is read than a person is
reported, credentials that it echoes are masked in whatever form they come, and a redirect is not
followed, because it would take them along.

Sources: InfluxDB 1.x and 2.x API reference; VictoriaMetrics and vmauth as tried (docs/server/README.md).
"""

import gzip
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from json import loads
from time import time
from typing import Any, NamedTuple

import requests
from urllib3.exceptions import HTTPError, ProtocolError  # requests lets some of them through

from homemon import __version__
from homemon.config.keys import Server
from homemon.core.errors import HomemonError
from homemon.delivery.deadline import Deadline
from homemon.delivery.masking import masked
from homemon.delivery.verdicts import (
    CREDENTIALS,
    NO_DATABASE,
    Answer,
    Verdict,
    about_database,
    about_login,
    about_no_points,
    meaning,
)
from homemon.delivery.watched import Watched

__all__ = ["Answer", "Influx", "NotRead", "Trial", "Verdict"]

CONNECT_WITHIN = 5.0  # seconds
WORTH_GZIP = 400  # bytes; below, the header costs what is saved
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GZIP_LEVEL = 1  # a sixth of the bytes; level 6 makes it a seventh, for three times the CPU
LONGEST_ANSWER = 4096  # bytes read of what a server says
PIECE = 256  # bytes of it at once; where it breaks off, the last piece is lost
LARGEST_BODY, BODY_PIECE = 16_000_000, 65_536  # bytes of an answer that holds points, and of it at once
UNREAD = {
    400: CREDENTIALS,
    401: CREDENTIALS,
    403: "the user or token may not read this database; let its administrator grant it",
    404: "check [server] url and db",
}
"""Status of an answer to a question → the remedy."""
REASONS = (  # what requests' errors say, and what it means
    ("resolve", "the host is unknown"),
    ("refused", "nobody listens there"),
    ("unreachable", "there is no way to it"),
)
TLS_FAULTS = (
    ("is not valid for", "its certificate is for another name; write that name into [server] url"),
    ("has expired", "its certificate has expired; renew it there, or set this machine's clock: timedatectl"),
    ("not yet valid", "its certificate is not valid yet; set this machine's clock: timedatectl set-ntp true"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted; name the CA that signed it in [server] ca"),
    ("CA certificate", "the file in [server] ca is not there"),
    ("Permission denied", "the file in [server] ca cannot be read; check its permissions"),
    ("[X509", "the file in [server] ca is no certificate; it must be in PEM format"),
    ("WRONG_VERSION_NUMBER", "it does not speak TLS there; check scheme and port in [server] url"),
)
"""What the text of a TLS error means (the first that it holds), and the remedy."""
SECOND = re.compile(r"v?2\.")
"""Of X-Influxdb-Version, which InfluxDB sends with each answer: 1.6.7~rc0 (as tried), v2.7.11 (API reference)."""


class NotRead(HomemonError):
    """The server did not answer a question; `status` is that of HTTP, 0 where no whole answer came."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Trial(NamedTuple):
    """What a server said to a batch without lines.

    `refused`: it wants a login, or another one. `lacking`: it has no such database or bucket. `second`: it is an
    InfluxDB 2, which has organizations, buckets and tokens.
    """

    answer: Answer
    refused: bool = False
    lacking: bool = False
    second: bool = False


class Influx:
    """One server, with its connection kept open between requests."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy or .netrc of the shell is not part of the configuration
        self._session.headers["User-Agent"] = f"homemon/{__version__}"
        self._session.headers["Content-Type"] = "text/plain; charset=utf-8"
        self._session.headers["Accept-Encoding"] = "identity"  # nothing that grows when it is unpacked
        self._session.get_redirect_target = lambda _: None  # type: ignore[assignment]  # else it reads all of the body
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Watched())
        if server.ca:
            self._session.verify = server.ca
        self._authorize()
        self.url, self._parameters = self._target()

    def _authorize(self) -> None:
        server = self._server
        if server.token:
            scheme = "Token" if server.bucket else "Bearer"
            self._session.headers["Authorization"] = f"{scheme} {server.token}".encode()
        elif server.user and server.password is not None:
            self._session.auth = requests.auth.HTTPBasicAuth(server.user.encode(), server.password.encode())

    def _target(self) -> tuple[str, dict[str, str]]:
        """Return the write endpoint: v2 where a bucket is named, else v1; a path ending in /write is taken as it is."""
        server = self._server
        if server.bucket:
            path, parameters = "/api/v2/write", {"org": server.org or "", "bucket": server.bucket}
        else:
            path, parameters = "/write", {"db": server.db}
        return server.url if server.url.endswith("/write") else server.url + path, parameters

    def write(self, lines: Sequence[str], meanwhile: Callable[[], None] = lambda: None) -> Answer:
        """Send `lines` as one batch; `meanwhile` is called before its answer is waited for."""
        body = "\n".join(lines).encode()
        headers = {}
        if len(body) >= WORTH_GZIP:
            body, headers = gzip.compress(body, GZIP_LEVEL), {"Content-Encoding": "gzip"}
        return self._post(
            self.url, self._judge, meanwhile=meanwhile, params=self._parameters, data=body, headers=headers
        )

    def probe(self) -> Answer:
        """Return whether points would be taken, asked with an empty batch, which changes nothing; within seconds.

        InfluxDB 2.x rejects the empty batch, but only after it has looked at token and bucket.
        """
        return self.trial().answer

    def trial(self) -> Trial:
        """Return what the server says to an empty batch, and what that says of it and of our login."""
        found = Trial(Answer(Verdict.LATER))

        def judge(response: requests.Response) -> Answer:
            nonlocal found
            found = self._judge_probe(response)
            return found.answer

        answer = self._post(self.url, judge, params=self._parameters, data=b"")
        return found._replace(answer=answer)

    def create_database(self) -> Answer:
        """Make [server] db where it is not there yet; TAKEN, or why not. Only InfluxDB 1.x can be asked for it."""
        server = self._server
        if server.bucket:
            by_hand = shlex.join(("influx", "bucket", "create", "--org", server.org or "", "--name", server.bucket))
            return Answer(Verdict.HOLD, f"InfluxDB 2.x makes its buckets itself: `{by_hand}`")
        statement = {"q": f"CREATE DATABASE {quoted(server.db)}"}
        return self._post(
            f"{server.url.removesuffix('/write')}/query", self._judge_creation, data=statement, headers=FORM
        )

    def _judge_creation(self, response: requests.Response) -> Answer:
        """Return what the answer to CREATE DATABASE means."""
        url, name = self._server.url, self._server.db
        if response.status_code == 403:
            by_hand = f"influx -username admin -password '' -execute {shlex.quote(f'CREATE DATABASE {quoted(name)}')}"
            return Answer(Verdict.HOLD, f"{url}: the user may not make databases; its administrator can: `{by_hand}`")
        if response.status_code != 200:
            answer = self._judge(response)
            refused = answer.verdict is not Verdict.TAKEN
            return answer if refused else Answer(Verdict.HOLD, f"{url} cannot be asked to make a database")
        said = _beginning(response)
        try:
            (result,) = loads(said)["results"]
        except (ValueError, KeyError, TypeError):
            return Answer(
                Verdict.HOLD, f"{url} answered 200: {self.redacted(said.decode(errors='replace'))}; {NO_DATABASE}"
            )
        if "series" in result:
            return Answer(Verdict.HOLD, f"{url} has no databases (VictoriaMetrics): nothing needs to be made")
        if "error" in result:
            return Answer(Verdict.HOLD, f"{url} refused: {self.redacted(str(result['error']))}; check [server] db")
        return Answer(Verdict.TAKEN)

    def read(self, url: str, parameters: Mapping[str, str]) -> bytes:
        """Return the body of the answer to a GET of `url`, which is whole. Raise NotRead."""
        body, status = bytearray(), 0

        def judge(response: requests.Response) -> Answer:
            nonlocal status
            if response.status_code != 200:
                status = response.status_code
                said = self.redacted(_said(response))
                text = f"{self._server.url} answered {status}" + (f": {said}" if said else "")
                return Answer(Verdict.HOLD, "; ".join(filter(None, (text, UNREAD.get(status)))))
            return self._fill(body, response)

        answer = self._exchange("GET", url, judge, params=parameters)
        if answer.verdict is not Verdict.TAKEN:
            raise NotRead(answer.text, status)
        return bytes(body)

    def _fill(self, body: bytearray, response: requests.Response) -> Answer:
        """Put into `body` what a server says, unless that breaks off or fits into no memory."""
        try:
            for piece in response.raw.stream(BODY_PIECE, decode_content=False):
                body += piece
                if len(body) > LARGEST_BODY:
                    return Answer(Verdict.HOLD, f"{self._server.url} answered with more than was asked for")
        except (HTTPError, OSError):
            text = "its answer broke off; see its log, and what lies between"
            return Answer(Verdict.LATER, f"{self._server.url}: {text}")
        return Answer(Verdict.TAKEN)

    def _post(self, url: str, judge: Callable[[requests.Response], Answer], **request: Any) -> Answer:
        return self._exchange("POST", url, judge, **request)

    def _exchange(
        self,
        method: str,
        url: str,
        judge: Callable[[requests.Response], Answer],
        meanwhile: Callable[[], None] = lambda: None,
        **request: Any,
    ) -> Answer:
        """Ask the server, and judge what it answers, all within [server] timeout."""
        within = self._server.timeout
        with Deadline(within).running(meanwhile) as deadline:
            try:
                with self._session.request(
                    method,
                    url,
                    timeout=(min(CONNECT_WITHIN, within), within),
                    allow_redirects=False,
                    stream=True,
                    **request,
                ) as response:
                    answer = judge(response)
            except requests.exceptions.Timeout:
                answer = self._late()
            except (requests.exceptions.RequestException, HTTPError, OSError) as error:
                answer = self._late() if deadline.passed else self._unreachable(error)
            answer = self._late() if deadline.passed else answer  # http.client takes a header that breaks off for whole
            return answer._replace(text=answer.text.replace("[server]", f"[{self._server.section}]"))

    def _late(self) -> Answer:
        text = f"no answer within {self._server.timeout:g} s; see its load, and what lies between"
        return Answer(Verdict.LATER, f"{self._server.url}: {text}", whole=True, unanswered=True)

    def _unreachable(self, error: Exception) -> Answer:
        """Return the answer for a connection that failed; a CA file that is not there comes as an OSError too."""
        if self._server.url.startswith("https:"):
            for sign, meaning in TLS_FAULTS:
                if sign in str(error):
                    return Answer(Verdict.HOLD, f"{self._server.url}: {meaning}", whole=True)
        if any(isinstance(cause, ProtocolError) for cause in error.args):
            text = "the connection ended without an HTTP answer; see its log, what lies between, and [server] url"
            return Answer(Verdict.LATER, f"{self._server.url}: {text}", whole=True)
        reason = next((f" ({meaning})" for sign, meaning in REASONS if sign in str(error)), "")
        text = f"cannot be reached{reason}; is the server running, and the url right?"
        return Answer(Verdict.LATER, f"{self._server.url}: {text}", whole=True, unanswered=bool(reason))

    def _judge(self, response: requests.Response) -> Answer:
        """Return what the answer to a write means."""
        said = _said(response)  # also of a 204: only a connection that was read to the end is kept
        if response.status_code == 204:
            return Answer(Verdict.TAKEN)
        return self._explained(response, said)

    def _judge_probe(self, response: requests.Response) -> Trial:
        """Return what the answer to a write without lines means."""
        status = response.status_code
        said = _said(response)
        second = SECOND.match(response.headers.get("X-Influxdb-Version", "")) is not None
        if status == 204 or about_no_points(status, said):
            return Trial(Answer(Verdict.TAKEN), second=second)
        return Trial(self._explained(response, said), about_login(status, said), about_database(status, said), second)

    def _explained(self, response: requests.Response, said: str) -> Answer:
        """Return the verdict, with the server's message and the remedy."""
        verdict, hint, whole, certain = meaning(response.status_code, said)
        said = self.redacted(said)
        text = f"{self._server.url} answered {response.status_code}" + (f": {said}" if said else "")
        return Answer(verdict, f"{text}; {hint}" if hint else text, _retry_after(response), whole, certain)

    def redacted(self, said: str) -> str:
        """Return a server's message as one short printable line, without credentials or pieces of them."""
        server = self._server
        secrets = (server.token, server.password, server.user and f"{server.user}:{server.password}")
        return masked(said, filter(None, secrets))


def _beginning(response: requests.Response) -> bytes:
    """Return the first bytes of an answer; it may be more than fits in memory, and break off in the middle."""
    said = bytearray()
    try:
        for piece in response.raw.stream(PIECE, decode_content=False):
            said += piece
            if len(said) >= LONGEST_ANSWER:
                break
    except (HTTPError, OSError):
        pass
    return bytes(said[:LONGEST_ANSWER])


def _said(response: requests.Response) -> str:
    """Return a server's message about a write: in the body, or else in the header in which InfluxDB repeats it."""
    return _beginning(response).decode("utf-8", "replace") or response.headers.get("X-Influxdb-Error", "")


def quoted(name: str) -> str:
    """Return a name quoted for InfluxQL, whatever is in it (InfluxQL reference, Identifiers)."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _retry_after(response: requests.Response) -> float:
    """Return Retry-After in seconds; it is a number, or a date (RFC 9110, 10.2.3). 0 where it is missing."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return 0.0
