"""What stands between homemon and its InfluxDB, and lets one part of it be ill."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.error import HTTPError

from tests.servers import Asked, InfluxServer, Reply, ScriptedServer, fetch

Which = Callable[[str], bool]


class Ill(NamedTuple):
    """What is answered to a request with a line that `strikes`, and which of its lines are taken all the same."""

    strikes: Which
    answer: Reply
    takes: Which = lambda line: False


ILLS = (
    Ill(lambda line: line.startswith("power "), Reply(500, '{"error":"timeout"}')),
    Ill(lambda line: line.startswith("energy "), Reply(403, '{"error":"forbidden"}')),
    Ill(lambda line: line.startswith("+power "), Reply(500, '{"error":"[shard 12] file already closed"}')),
    Ill(
        lambda line: line.startswith(("ecocute ", "hatuden ")),
        Reply(400, '{"error":"partial write: max-series-per-database limit exceeded: (1000) dropped=1"}'),
        takes=lambda line: not line.startswith(("ecocute ", "hatuden ")),
    ),
    Ill(lambda line: line.startswith("power ") and line.endswith("1000000000"), Reply(413, "request too large")),
)
CUTS = (
    Ill(lambda line: True, Reply(0)),
    Ill(lambda line: True, Reply(0), takes=lambda line: True),  # and only the answer is lost
)


class Gate(ScriptedServer):
    """Passes on what is written to `server`, but for what is `ill`, or the line `cut`."""

    def __init__(self, server: InfluxServer) -> None:
        super().__init__()
        self.ill: Ill | None = None
        self.cut: Ill | None = None
        self._influx = server
        self.answer = self._pass_on

    def _pass_on(self, asked: Asked) -> Reply:
        self.asked.clear()
        lines, ill = asked.lines, self.cut or self.ill
        if ill is None or not any(map(ill.strikes, lines)):
            return self._write(asked.path, lines)
        if taken := list(filter(ill.takes, lines)):
            self._write(asked.path, taken)
        return ill.answer

    def _write(self, path: str, lines: list[str]) -> Reply:
        try:
            fetch(self._influx.url + path, "\n".join(lines).encode())
        except HTTPError as error:
            with error:
                return Reply(error.code, error.read().decode())
        except OSError:
            return Reply(0)
        return Reply()
