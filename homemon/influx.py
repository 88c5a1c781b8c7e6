"""The one HTTP uploader: line protocol to whatever speaks InfluxDB's write API.

`Influx.write` sends one batch and says what became of it, as a `Verdict`; it stores nothing,
waits for nothing and never raises for what a server or a network does. The verdicts come from
one table of status codes, because servers differ: InfluxDB 1.x answers 404 to a missing
database and 400 to a line it cannot parse, but vmauth answers 400 to a wrong token. So a 400
counts against the data only where the server says so in words.

Sources: InfluxDB 1.x and 2.x API reference; VictoriaMetrics and vmauth as tried (docs/server/README.md).
"""

import gzip
import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from time import time
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError  # requests lets some of them through

from homemon import __version__
from homemon.config import Server

CONNECT_WITHIN = 5.0  # seconds
WORTH_GZIP = 400  # bytes; below, the header costs what is saved
GZIP_LEVEL = 1  # a sixth of the bytes; level 6 makes it a seventh, for three times the CPU


class Verdict(Enum):
    """What is to be done with a batch after the server answered."""

    TAKEN = auto()  # the server has it
    DATA_FAULT = auto()  # it refuses something in the batch, and will for ever
    TOO_BIG = auto()  # send it in smaller pieces
    HOLD = auto()  # nothing will go through until somebody changes something
    LATER = auto()  # the same batch may go through in a while


class Answer(NamedTuple):
    """A verdict, what to tell a person, and how many seconds the server asks to be left alone."""

    verdict: Verdict
    text: str = ""
    retry_after: float = 0.0


VERDICTS = {
    204: Verdict.TAKEN,
    400: Verdict.DATA_FAULT,
    413: Verdict.TOO_BIG,
    422: Verdict.DATA_FAULT,
    429: Verdict.LATER,
}
HINTS = {
    401: "check [server] user and password, or token",
    403: "the user or token may not write to this database",
    404: "create the database, or check [server] db and url",
}
DATA_FAULT = re.compile(r"partial write|(?:unable to|cannot) parse|conflict|unprocessable|\"code\": ?\"invalid\"", re.I)
_CREDENTIAL = re.compile(r"(?i)\b(bearer|token|basic)\s+[^\s\"',}\]]+")


class Influx:
    """One server, with its connection kept open between batches."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy or .netrc of the shell is not part of the configuration
        self._session.headers["User-Agent"] = f"homemon/{__version__}"
        self._session.headers["Content-Type"] = "text/plain; charset=utf-8"
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
        """The write endpoint: v2 where a bucket is named, else v1; a path that ends in /write is taken as it is."""
        server = self._server
        if server.bucket:
            path, parameters = "/api/v2/write", {"org": server.org or "", "bucket": server.bucket}
        else:
            path, parameters = "/write", {"db": server.db}
        return server.url if server.url.endswith("/write") else server.url + path, parameters

    def write(self, lines: Sequence[str]) -> Answer:
        """Send `lines` as one batch."""
        body = "\n".join(lines).encode()
        headers = {}
        if len(body) >= WORTH_GZIP:
            body, headers = gzip.compress(body, GZIP_LEVEL), {"Content-Encoding": "gzip"}
        try:
            response = self._session.post(
                self.url,
                params=self._parameters,
                data=body,
                headers=headers,
                timeout=(min(CONNECT_WITHIN, self._server.timeout), self._server.timeout),
                allow_redirects=False,
            )
        except requests.exceptions.Timeout:
            return Answer(Verdict.LATER, f"{self._server.url}: no answer within {self._server.timeout:g} s")
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            return self._unreachable(error)
        return self._judge(response)

    def _unreachable(self, error: Exception) -> Answer:
        """A connection that failed; a CA file that is not there comes as an OSError too."""
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Answer(
                Verdict.HOLD, f"{self._server.url}: its certificate is not trusted; name your own CA in [server] ca"
            )
        if self._server.ca and "CA certificate" in str(error):
            return Answer(Verdict.HOLD, f"[server] ca: {self._server.ca} is not there")
        return Answer(
            Verdict.LATER, f"{self._server.url}: cannot be reached; is the server running, and the url right?"
        )

    def _judge(self, response: requests.Response) -> Answer:
        status = response.status_code
        verdict = VERDICTS.get(status, Verdict.LATER if status >= 500 else Verdict.HOLD)
        if verdict is Verdict.TAKEN:
            return Answer(verdict)
        said = response.content.decode("utf-8", "replace")
        if verdict is Verdict.DATA_FAULT and not DATA_FAULT.search(said):
            verdict = Verdict.HOLD
        hint = HINTS.get(status, "")
        if 300 <= status < 400:
            hint = "the server redirects; write its real address into [server] url"
        text = f"{self._server.url} answered {status}: {self.redacted(said)}"
        return Answer(verdict, text + (f"; {hint}" if hint else ""), _retry_after(response))

    def redacted(self, said: str) -> str:
        """What a server said, on one line, short, and without the credentials that some echo."""
        for secret in (self._server.token, self._server.password):
            if secret:
                said = said.replace(secret, "****")
        return _CREDENTIAL.sub(r"\1 ****", " ".join(said.split()))[:200]


def _retry_after(response: requests.Response) -> float:
    """Retry-After in seconds; it is a number, or a date (RFC 9110, 10.2.3). 0 where there is none."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return 0.0
