"""The places that readings go to: what the commands are configured with, what befalls each, and what it holds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol

from tests.longrun.chaos.gate import CUTS, ILLS, Gate
from tests.servers import Database, InfluxServer, Points

SERVERS = ("server", "backup")


class Trouble(NamedTuple):
    """Something that befalls a place: its name, how it begins, and how it ends."""

    name: str
    begin: Callable[[Random], object]
    end: Callable[[], object]


class Place(Protocol):
    """What readings go to by a section of config.ini."""

    @property
    def name(self) -> str:
        """What it is called."""

    def section(self) -> str:
        """What config.ini says of it."""

    def kill(self) -> None:
        """kill -9."""

    def start(self) -> None:
        """Start it again, after it was killed."""

    def troubles(self) -> Iterator[Trouble]:
        """What befalls it, besides that."""


class Influx:
    """An InfluxDB behind a gate, [server] or [server NAME]; `stack` ends both."""

    def __init__(self, name: str, folder: Path, stack: ExitStack) -> None:
        self.name = name
        self._server = InfluxServer(folder / f"influx-{name}")
        stack.callback(self._server.kill)
        self._server.start()
        self._gate = Gate(self._server)
        stack.callback(self._gate.close)
        self._database = Database(self._server, f"{name}-home")
        self._database.renew()
        self.kill, self.start = self._server.kill, self._server.start

    def section(self) -> str:
        heading = " ".join(dict.fromkeys(("server", self.name)))
        return f"[{heading}]\nurl = {self._gate.url}\ndb = {self._database.name}\n"

    def troubles(self) -> Iterator[Trouble]:
        for what, table, name in (("ill", ILLS, f"part of the {self.name} ill"), ("cut", CUTS, f"{self.name} cut off")):
            yield Trouble(
                name,
                lambda rng, what=what, table=table: setattr(self._gate, what, rng.choice(table)),  # type: ignore[misc]
                partial(setattr, self._gate, what, None),
            )

    def points(self) -> Points:
        """What it holds."""
        return self._database.points()
