"""The store behind `homemon serve`: opened for each page and closed again, so that nobody finds it in use.

Between two pages there is no connection: the store can be moved, replaced or deleted meanwhile, and is never written
again by a server that only looks. Whether there are new readings is seen by the files (`version`), which SQLite's log
changes with each commit.
"""

import getpass
import json
import os
import socket
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from threading import Lock

from homemon.core.errors import HomemonError, StoreError
from homemon.page.plotly import javascript as plotly_script
from homemon.page.web.answers import Headers
from homemon.page.web.pages import Body, body
from homemon.ports.interfaces import lan_interfaces
from homemon.runtime import page
from homemon.runtime.context import App
from homemon.storage.database import FILE

MOST_REPORTED = 100
BEST = 9  # of gzip: packed once


class Shown(App):
    """An App that opens the store for one page after the other, in any thread, and says each trouble once."""

    def __init__(self, config: str | None, quiet: bool, verbose: bool) -> None:
        super().__init__(config, quiet, verbose)
        self._lock = Lock()
        self._reported: set[str] = set()

    def page(self, view: str, language: str) -> bytes:
        """Return a page. Raise NoSuchView, StoreError."""
        with self._opened():
            return page.render(self, view, language)

    def live(self, language: str) -> bytes | None:
        """Return what moves as JSON; None, once it is reported, where the store cannot be read."""
        try:
            with self._opened():
                numbers = page.live(self, language)
        except HomemonError as error:
            self.fail(error)
            return None
        return json.dumps(numbers, ensure_ascii=False, separators=(",", ":")).encode()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """Have the store for a block, which alone may use it. Raise StoreError where there is none: none is made."""
        with self._lock:
            path = self.folder / FILE
            if not path.exists():
                raise StoreError(
                    f"there is no store at {path}", "A command that records makes it; see `homemon check`."
                )
            try:
                yield
            finally:
                self.close_store()

    def fail(self, error: HomemonError) -> None:
        """Report what fails."""
        self.warn(str(error), error.hint)

    def warn(self, text: str, hint: str = "") -> None:
        """Report an error, but none again that was reported."""
        if text not in self._reported and len(self._reported) < MOST_REPORTED:
            self._reported.add(text)
            super().warn(text, hint)

    def version(self) -> Hashable:
        """Return what is another after each commit: which files the store's are, how long, and when they changed."""
        path = str(self.folder / FILE)
        return _look(path), _look(f"{path}-wal")


def _look(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else ()


def files() -> dict[str, tuple[Headers, Callable[[], Body]]]:
    """Return what a page loads: by its path its headers and what makes its body, once. Raise HomemonError."""
    plotly = plotly_script()
    asked, kept = ("Cache-Control", "no-cache"), ("Cache-Control", "private, max-age=86400")
    javascript = ("Content-Type", "text/javascript; charset=utf-8")
    return {
        "/page.css": ((("Content-Type", "text/css; charset=utf-8"), asked), cache(lambda: body(page.style()))),
        "/page.js": ((javascript, asked), cache(lambda: body(page.script()))),
        "/plotly.min.js": ((javascript, kept), cache(lambda: body(plotly.read_bytes(), BEST))),
    }


def names() -> set[str]:
    """Return this machine's names, in lower case."""
    return {name.lower() for name in (socket.gethostname(), socket.getfqdn())} - {""}


def login() -> str:
    """Return how ssh reaches this user here: `pi@raspberrypi`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def addresses(bound: str, port: int) -> list[str]:
    """Return the addresses at which a browser finds what is bound so, those of the LAN first."""
    every = ip_address(bound).is_unspecified
    hosts = [*(each.address for each in lan_interfaces()), socket.gethostname()] if every else [bound]
    return [f"http://{f'[{host}]' if ':' in host else host}:{port}/" for host in hosts]
