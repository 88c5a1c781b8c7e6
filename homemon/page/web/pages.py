"""Pages as they are sent, each rendered once for all who ask while the readings are the same."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from gzip import compress
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from homemon.core.errors import HomemonError
from homemon.page.web.answers import Headers

KEPT = 8  # pages
FRESH = 60  # seconds after which a page is rendered anew though no reading came: it says when it was
Render = Callable[[str, str], bytes]


class Body(NamedTuple):
    """What is sent: as it is, packed, and the name that changes with it."""

    plain: bytes
    packed: bytes
    tag: str


def body(plain: bytes, level: int = 6) -> Body:
    """Return a body ready to be sent, packed by gzip's `level`."""
    return Body(plain, compress(plain, level, mtime=0), f'"{sha256(plain).hexdigest()[:20]}"')


class NothingYet(HomemonError):
    """There is nothing to show, as nothing was ever recorded."""


class File:
    """A file that stays as it is: read by `read`, and packed by gzip's `level`, once, when somebody asks for it."""

    def __init__(self, headers: Headers, read: Callable[[], bytes], level: int = 6) -> None:
        self.headers = headers
        self._read = read
        self._level = level
        self._lock = Lock()
        self._body: Body | None = None

    def body(self) -> Body:
        """Return what is sent."""
        with self._lock:
            self._body = self._body or body(self._read(), self._level)
            return self._body


class Pages:
    """The pages of `render`, which takes a view and a language. `version` changes when there are other readings.

    One page is rendered at a time: a thousand who ask for one at once wait for the same. `clock` gives Unix seconds;
    a page is rendered anew after `fresh` seconds.
    """

    def __init__(
        self, render: Render, version: Callable[[], Hashable], clock: Callable[[], float], fresh: int = FRESH
    ) -> None:
        self._render = render
        self._version = version
        self._clock = clock
        self._fresh = fresh
        self._lock = Lock()
        self._known: Hashable = None
        self._kept: OrderedDict[tuple[str, str], Body] = OrderedDict()

    def page(self, view: str, language: str) -> Body:
        """Return the page of a view. Raise NoSuchView, NothingYet, and what else `render` raises."""
        with self._lock:
            known = self._version(), int(self._clock() // self._fresh)
            if known != self._known:
                self._kept.clear()
            self._known = known
            kept = self._kept.get((view, language)) or body(self._render(view, language))
            self._kept[view, language] = kept
            self._kept.move_to_end((view, language))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return kept
