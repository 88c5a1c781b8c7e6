"""What stands between homemon and its InfluxDB, and lets one part of it be ill."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.error import HTTPError

from tests.servers import Asked, InfluxServer, Reply, ScriptedServer, fetch


class Ill(NamedTuple):
    """What is answered to a request with a line that `strikes`; of a partial write the other lines are taken."""

    strikes: Callable[[str], bool]
    answer: Reply

    @property
    def partial(self) -> bool:
        return "partial write" in self.answer.body


ILLS = (
    Ill(lambda line: line.startswith("power "), Reply(500, '{"error":"timeout"}')),
    Ill(lambda line: line.startswith("energy "), Reply(403, '{"error":"forbidden"}')),
    Ill(lambda line: line.startswith("+power "), Reply(500, '{"error":"[shard 12] file already closed"}')),
    Ill(
        lambda line: line.startswith(("ecocute ", "hatuden ")),
        Reply(400, '{"error":"partial write: max-series-per-database limit exceeded: (1000) dropped=1"}'),
    ),
    Ill(lambda line: line.startswith("power ") and line.endswith("1000000000"), Reply(413, "request too large")),
)


class Gate(ScriptedServer):
    """Passes on what is written to `server`, but for what is `ill`."""

    def __init__(self, server: InfluxServer) -> None:
        super().__init__()
        self.ill: Ill | None = None
        self._influx = server
        self.answer = self._pass_on

    def _pass_on(self, asked: Asked) -> Reply:
        self.asked.clear()
        lines, ill = asked.lines, self.ill
        if ill is None or not any(map(ill.strikes, lines)):
            return self._write(asked.path, lines)
        if ill.partial:
            self._write(asked.path, [line for line in lines if not ill.strikes(line)])
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
