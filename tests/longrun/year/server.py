"""A server in virtual time that takes line protocol, and fails in every way that one does.

It stands where `requests` stands: what its answers mean is for the real `Influx` to find out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from gzip import decompress
from typing import Any, NamedTuple

import requests

Fields = dict[str, str]


class Answered(NamedTuple):
    """What `requests` gives of an answer, as far as it is looked at."""

    status_code: int
    body: bytes = b""
    headers: Mapping[str, str] = {}

    @property
    def raw(self) -> "Answered":
        return self

    def stream(self, size: int, decode_content: bool = False) -> Iterator[bytes]:
        """The body, as urllib3 gives it."""
        if self.body:
            yield self.body

    def __enter__(self) -> "Answered":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to let go of."""


class NoDeadline:
    """In the place of `Deadline`, which watches real time in a thread; here each request ends in no time."""

    passed = False

    def __init__(self, within: float) -> None:
        """However long."""

    @contextmanager
    def running(self, meanwhile: Callable[[], None]) -> Iterator["NoDeadline"]:
        meanwhile()
        yield self


class Ill(NamedTuple):
    """One part of the server is ill: what it answers to a request with lines that `strikes`, N of them."""

    strikes: Callable[[str], bool]
    status: int
    says: str
    takes_the_rest: bool = False


class Server:
    """Stands in for a `requests.Session`. `points` is what it holds: measurement with tags, and time → fields.

    `pass_time` lets a request take its time, and raises where the one who asks is gone.
    """

    def __init__(self, pass_time: Callable[[], None]) -> None:
        self.points: dict[tuple[str, str], Fields] = {}
        self.down = 0  # how many troubles keep it down
        self.mutters = ""  # "silent": takes all and never answers; "half": takes half, then 500; "busy": 429
        self.ills: list[Ill] = []
        self._pass_time = pass_time

    def request(
        self, method: str, url: str, data: bytes = b"", headers: Mapping[str, str] | None = None, **_: Any
    ) -> Answered:
        """As `requests.Session.request`, of what is written."""
        self._pass_time()
        if self.down:
            raise requests.exceptions.ConnectionError("[Errno 111] Connection refused")
        if self.mutters == "busy":
            return Answered(429, b'{"error":"too many requests"}', {"Retry-After": "120"})
        lines = (decompress(data) if headers and "Content-Encoding" in headers else data).decode().splitlines()
        answer = self._take(lines)
        self._pass_time()
        if self.mutters == "silent":
            raise requests.exceptions.ReadTimeout("Read timed out")
        return answer

    def _take(self, lines: Sequence[str]) -> Answered:
        if self.mutters == "half":
            self._put(lines[: len(lines) // 2])
            return Answered(500, b'{"error":"timeout"}')
        for ill in self.ills:
            struck = [line for line in lines if ill.strikes(line)]
            if struck:
                if ill.takes_the_rest:
                    self._put([line for line in lines if not self.strikes(line)])
                return Answered(ill.status, ill.says.replace("N", str(len(struck))).encode())
        self._put(lines)
        return Answered(204)

    def strikes(self, line: str) -> bool:
        """Whether an ill part has to do with a line."""
        return any(ill.strikes(line) for ill in self.ills)

    def _put(self, lines: Sequence[str]) -> None:
        for line in lines:
            head, fields, time = line.split(" ")
            point = self.points.setdefault((head, time), {})
            for field in fields.split(","):
                name, _, value = field.partition("=")
                point[name] = value

    def lose_since(self, since: float) -> None:
        """What a server does that comes back from an old backup."""
        self.points = {key: fields for key, fields in self.points.items() if int(key[1]) < since * 1e9}
