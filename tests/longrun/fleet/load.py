"""So many homes as one process: what each sends, by homemon's own client, and what it costs the programs."""

import json
import os
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import NamedTuple
from urllib.parse import quote

from homemon.delivery.influx import Influx
from homemon.delivery.server import FULL_BATCH
from homemon.delivery.verdicts import Verdict
from tests.commands import wait_for
from tests.fleets import AUTH, FILES, Documented, Fleet
from tests.longrun.fleet.lines import MIDNIGHT, Request, samples
from tests.longrun.fleet.wire import Wire
from tests.servers import fetch

TICK = os.sysconf("SC_CLK_TCK")
PER_HOME = 'sum by (home) (count_over_time({home!=""}[12d]))'  # the sums of a month bear its first day
QUEUE, ROWS = "vmagent_remotewrite_pending_data_bytes", "vm_rows_inserted_total"
LOOK_EVERY = 2.0  # seconds
TOKEN, TOKYO = "tokyo-e3b0c44298fc1c149afbf4c8996fb924", "home=tokyo"


def users(count: int) -> str:
    """Return auth.yml with so many homes in place of the document's first one."""
    header, entry = FILES[AUTH].split("  - bearer_token:")[:2]
    return str(header) + "".join(
        f"  - bearer_token:{entry.replace(TOKEN, token(number)).replace(TOKYO, f'home=h{number}')}"
        for number in range(count)
    )


def token(number: int) -> str:
    return f"h{number}-{number:032x}"


class Home:
    """A home of this number, which sends a day's `requests`; what the fleet does not take waits."""

    def __init__(self, number: int, fleet: Fleet, context: ssl.SSLContext, requests: Sequence[Request]) -> None:
        self.name = f"h{number}"
        self._server = fleet.server(token(number))
        self._requests = requests
        self._influx = Influx(self._server)
        self.wire = Wire(fleet.auth.port, context, token(number))
        self.waiting: list[str] = []
        self.sent: list[str] = []

    def read(self, minutes: range) -> None:
        """Store what these minutes bring."""
        for minute in minutes:
            self.waiting += self._requests[minute]

    def request(self, minutes: range) -> tuple[str, ...]:
        """Return the lines of these minutes as they go by the wire."""
        lines = [text for minute in minutes for text in self._requests[minute]]
        assert len(lines) <= FULL_BATCH
        self.sent += lines
        return tuple(lines)

    def send(self) -> None:
        """Send what waits."""
        while batch := self.waiting[-FULL_BATCH:]:
            if self._influx.write(batch).verdict is not Verdict.TAKEN:
                break
            del self.waiting[-FULL_BATCH:]
            self.sent += batch

    def upload(self) -> None:
        """Have all of it wait again, as `homemon upload --since` does."""
        self.waiting, self.sent = self.sent + self.waiting, []


class Cost(NamedTuple):
    """What was sent in a phase, and the CPU seconds that each program took for it."""

    requests: int
    lines: int
    values: int
    cpu: dict[str, float]


def programs(fleet: Fleet) -> dict[str, Documented]:
    """By the names that the document has for them; both servers do the same."""
    return {"vmauth": fleet.auth, "vmagent": fleet.agent, "VictoriaMetrics": fleet.first, "second": fleet.second}


def cpu(program: Documented) -> float:
    """Return the CPU seconds that a program took since it was started."""
    fields = Path(f"/proc/{program.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident(program: Documented) -> float:
    """Return what it has in memory that is its own, in MB; pages of files can be dropped."""
    (found,) = [text for text in Path(f"/proc/{program.pid}/status").read_text().splitlines() if "RssAnon" in text]
    return int(found.split()[1]) / 1000


def disk(program: Documented) -> int:
    """Return the bytes of a server's data after its parts were merged."""
    fetch(f"{program.url}/internal/force_flush")
    fetch(f"{program.url}/internal/force_merge")
    wait_for(lambda: not counted(program, "vm_active_force_merges"))
    total = 0
    for path in (program.folder / "data").rglob("*"):
        with suppress(FileNotFoundError):  # parts that were merged go at any time
            total += path.stat().st_size
    return total


def held(program: Documented) -> dict[str, int]:
    """Return how many values of each home a server holds."""
    fetch(f"{program.url}/internal/force_flush")
    until = MIDNIGHT + 2 * 86400
    answer = json.loads(fetch(f"{program.url}/api/v1/query?time={until}&nocache=1&query={quote(PER_HOME)}"))
    return {one["metric"]["home"]: int(one["value"][1]) for one in answer["data"]["result"]}


def lacking(program: Documented, homes: Sequence[Home]) -> int:
    """Return how many values a server lacks that it was sent; fail where it has one that nobody sent."""
    found, lacks = held(program), 0
    for home in homes:
        missing = len(samples(home.sent)) - found.get(home.name, 0)
        assert missing >= 0, f"{home.name} has {-missing} values too many"
        lacks += missing
    return lacks


def at_rest(fleet: Fleet) -> None:
    """Wait until vmagent has passed on all that it has; nobody is asked what costs more than a look."""
    looks: list[list[float]] = []

    def quiet() -> bool:
        """Whether neither server got anything in the last looks, which are further apart than vmagent waits."""
        sleep(LOOK_EVERY)
        looks.append([counted(server, ROWS) for server in (fleet.first, fleet.second)])
        return looks[-3:] == [looks[-1]] * 3 and not counted(fleet.agent, QUEUE)

    wait_for(quiet)


def counted(program: Documented, metric: str) -> float:
    """Return the sum of what a program says of itself by this name."""
    said = fetch(f"{program.url}/metrics").decode().splitlines()
    return sum(float(text.split()[-1]) for text in said if text.startswith(metric))
