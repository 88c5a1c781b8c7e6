"""The store behind `homemon serve`: opened for each page and closed again, so that nobody finds it in use.

Between two pages there is no connection: the store can be moved, replaced or deleted meanwhile, and is never written
again by a server that only looks. Whether there are new readings is seen by the files (`version`), which SQLite's log
changes with each commit.
"""

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from threading import Lock
from time import time_ns

from homemon.core.errors import HomemonError
from homemon.core.points import HOUR
from homemon.page.plotly import javascript as plotly_script
from homemon.page.web.answers import ALWAYS
from homemon.page.web.pages import File, NothingYet
from homemon.ports.interfaces import lan_interfaces
from homemon.runtime import kept, metrics, page
from homemon.runtime.context import App
from homemon.storage.database import FILE

MOST_REPORTED = 100  # in an hour
SETTLED = 50_000_000  # nanoseconds; the kernel notes the time of a change in steps of up to 10 ms
ANSWERS_WITHIN = 5.0  # seconds
MDNS = "/run/avahi-daemon"  # where it runs, the LAN knows this machine as NAME.local
BEST = 9  # of gzip: packed once


class Shown(App):
    """An App that opens the store for one page after the other, in any thread, and says each trouble once."""

    def __init__(self, config: str | None, quiet: bool, verbose: bool) -> None:
        super().__init__(config, quiet, verbose)
        self._lock = Lock()
        self._reported: dict[str, float] = {}
        self._place, self._shown_folder = self.config.path, self.folder
        self._config_looks = _look(str(self._place))

    def page(self, view: str, language: str) -> bytes:
        """Return a page. Raise NoSuchView, NothingYet, StoreError."""
        with self._opened():
            return page.render(self, view, language)

    def metrics(self, view: str, language: str) -> bytes:
        """Return the metrics, which have one view and one language. Raise NothingYet, StoreError."""
        with self._opened():
            return metrics.exposition(self).encode()

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
        """Have the store for a block, which alone may use it. Raise NothingYet where there is none: none is made."""
        with self._lock:
            self._read_config_anew()
            path = self.folder / FILE
            if not path.exists():
                raise NothingYet(
                    f"there is no store at {path}", "A command that records makes it; see `homemon check`."
                )
            try:
                yield
            finally:
                self.close_store()

    def _read_config_anew(self) -> None:
        """Read config.ini again where it was changed since. Raise ConfigError."""
        looks = _look(str(self._place))
        if looks != self._config_looks:
            self.__dict__.pop("config", None)
            self._shown_folder, self._config_looks = self.folder, looks

    def fail(self, error: HomemonError) -> None:
        """Report what fails."""
        self.warn(str(error), error.hint)

    def warn(self, text: str, hint: str = "") -> None:
        """Report an error, but not again within an hour: each page finds the same."""
        now = self.now().ticks
        self._reported = {said: when for said, when in self._reported.items() if now - when < HOUR}
        if text not in self._reported and len(self._reported) < MOST_REPORTED:
            self._reported[text] = now
            super().warn(text, hint)

    def version(self) -> tuple[tuple[int, ...], ...]:
        """Return what is another after each commit, and each change of config.ini: which files, how long, and when."""
        path = str(self._shown_folder / FILE)
        prices = self._place.with_name(kept.NAME)
        return tuple(_look(str(each)) for each in (path, f"{path}-wal", self._place, prices))


def _look(path: str) -> tuple[int, ...]:
    """Return the same of one file, and whether it changed just now: then more may come that shows no other time."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    just_now = time_ns() - found.st_mtime_ns < SETTLED
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, just_now) if found.st_size else ()


def files() -> dict[str, File]:
    """Return what a page loads, by its path. Raise HomemonError."""
    plotly = plotly_script()
    asked, kept = ("Cache-Control", "no-cache"), ("Cache-Control", "private, max-age=86400")
    javascript = ("Content-Type", "text/javascript; charset=utf-8")
    return {
        "/page.css": File((("Content-Type", "text/css; charset=utf-8"), asked), page.style),
        "/page.js": File((javascript, asked), page.script),
        "/plotly.min.js": File((javascript, kept), plotly.read_bytes, BEST),
    }


def names() -> set[str]:
    """Return this machine's names, in lower case."""
    whole = socket.gethostname().lower()  # getfqdn() would ask a name server, and wait for it
    return {whole, whole.partition(".")[0]} - {""}


def answers(bound: str, port: int) -> bool:
    """Return whether a homemon serves the page already at each address at which one that is bound so would."""
    every = ip_address(bound).is_unspecified
    hosts = [each.address for each in lan_interfaces()] if every else [bound]
    return bool(hosts) and all(_is_page(host, port) for host in hosts)


def _is_page(host: str, port: int) -> bool:
    """Return whether what answers there has the headers that all our answers have."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(host, port, timeout=ANSWERS_WITHIN)
    try:
        connection.request("HEAD", "/page.css")
        headers = connection.getresponse().headers
        return all(headers.get(name) == value for name, value in ALWAYS)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def login() -> str:
    """Return how ssh reaches this user here: `pi@raspberrypi`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def addresses(bound: str, port: int) -> list[str]:
    """Return the addresses at which a browser finds what is bound so: those of the LAN and a name for all."""
    own = socket.gethostname() + (".local" if os.path.exists(MDNS) else "")
    every = ip_address(bound).is_unspecified
    hosts = [*(each.address for each in lan_interfaces()), own] if every else [bound]
    return [f"http://{f'[{host}]' if ':' in host else host}:{port}/" for host in hosts]
