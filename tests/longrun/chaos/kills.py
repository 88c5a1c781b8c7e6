"""The kills, file system by file system, and their table in docs/reliability.md."""

import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from tests.longrun.year.report import table
from tests.reliability import KILLED, put_section

SIGN = "RESULT "
IN_A_NAMESPACE = (
    "unshare",
    "--mount",
    "--propagation",
    "private",
    sys.executable,
    "-m",
    "tests.longrun.chaos",
    "--here",
)
TEXT = """\
`make chaos CHAOS="--kills 1000"` starts the real commands, the listeners and those of cron, beside the simulated
devices, two real InfluxDBs, a real mosquitto, and a small Home Assistant that speaks its API, and ends them by
`kill -9` at random moments, on each file system; now and then one of the places that readings go to is ended so as
well, and loses what it had not written. Then they come to rest, and what was printed, stored, sent to each server,
published and booked by the hour is held against what the devices said. The last run, seed {seed}:

{table}
"""


class Result(NamedTuple):
    """What came of a file system's part: kills, lines, faults of each sort, seconds."""

    on: str
    kills: int
    printed: int
    lost: int
    doubled: int
    wrong: int
    warnings: int
    seconds: int

    @property
    def faults(self) -> int:
        return self.lost + self.doubled + self.wrong + self.warnings

    def line(self) -> str:
        """As it is passed on from one process to another."""
        return SIGN + " ".join(map(str, self))


def kill_everywhere(kinds: Sequence[str], kills: int, seed: int) -> int:
    """So many kills in all; what came of them goes into the page. The exit status."""
    results = []
    for number, kind in enumerate(kinds):
        share = kills * (number + 1) // len(kinds) - kills * number // len(kinds)
        lines = _on(kind, share, seed + number)
        results += [Result(words[0], *map(int, words[1:])) for words in map(str.split, lines)]
        if not lines:
            print(f"{kind}: not run to its end, see above; to mount it takes root")
    rows: list[tuple[object, ...]] = [tuple(result[:7]) for result in results]
    sums = ("in all", *(sum(column) for column in zip(*(result[1:7] for result in results), strict=True)))
    head = ("file system", "killed", "printed", "lost", "doubled", "wrong", "other faults")
    print(text := TEXT.format(seed=seed, table=table(head, [*rows, sums])))
    print(f"{sum(result.seconds for result in results)} s")
    if len(results) < len(kinds):
        return 1
    put_section(KILLED, text)
    return int(any(result.faults for result in results))


def _on(kind: str, kills: int, seed: int) -> list[str]:
    """The result line, if there is one, of a run on one file system; all that it says is passed on."""
    command = (*IN_A_NAMESPACE, "--on", kind, "--kills", str(kills), "--seed", str(seed))
    found = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(SIGN):
                found.append(line.removeprefix(SIGN))
            else:
                print(f"{kind:8} {line}", end="", flush=True)
    return found
