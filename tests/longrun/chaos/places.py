"""The places that readings go to: what the commands are configured with, and what befalls and is asked of each."""

from contextlib import ExitStack
from pathlib import Path

from tests.longrun.chaos.gate import Gate
from tests.servers import Database, InfluxServer, Points

SERVERS = ("server", "backup")


class Place:
    """An InfluxDB behind a gate, [server] or [server NAME]; `stack` ends both."""

    def __init__(self, name: str, folder: Path, stack: ExitStack) -> None:
        self.name = name
        self._server = InfluxServer(folder / f"influx-{name}")
        stack.callback(self._server.kill)
        self._server.start()
        self.gate = Gate(self._server)
        stack.callback(self.gate.close)
        self._database = Database(self._server, f"{name}-home")
        self._database.renew()

    def section(self) -> str:
        """What config.ini says of it."""
        heading = " ".join(dict.fromkeys(("server", self.name)))
        return f"[{heading}]\nurl = {self.gate.url}\ndb = {self._database.name}\n"

    def kill(self) -> None:
        """kill -9."""
        self._server.kill()

    def start(self) -> None:
        """Start it again, after it was killed."""
        self._server.start()

    def points(self) -> Points:
        """What it holds."""
        return self._database.points()
