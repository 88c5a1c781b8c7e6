"""What a command costs that runs 1,440 times a day, and a listener that runs for years.

CPU time of whole processes, as installed, against a Python that only imports what they cannot do
without; the module and its meter are simulated in this process, on a real pty.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import clock_gettime

from tests.commands import simulated, write_config
from tests.longrun.benchmarks.installed import HOMEMON, PYTHON
from tests.longrun.benchmarks.measure import (
    BUILD,
    Benchmark,
    Outcome,
    cpu_of_process,
    environment,
    in_turns,
    megabytes,
    milliseconds,
)
from tests.servers import ScriptedServer

IMPORTS = "import click, serial, configparser"
ROUNDS = 30
POLLS = 8  # each 5 seconds apart, the least that --poll takes


@contextmanager
def joined(more: str = "") -> Iterator[Path]:
    """A folder whose config.ini leads to a simulated meter that has been joined."""
    with TemporaryDirectory(dir=BUILD) as name, simulated(Path(name)):
        folder = Path(name)
        write_config(folder, more, history_days="0")
        cpu_of_process((HOMEMON, "join"), folder)
        yield folder


@contextmanager
def listening(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A `meter-listen` that has recorded its first readings."""
    command = (HOMEMON, "meter-listen", *arguments)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment()) as listener:
        try:
            assert listener.stdout is not None
            listener.stdout.readline()
            yield listener
        finally:
            listener.terminate()


def await_polls(listener: "subprocess.Popen[str]", number: int) -> None:
    assert listener.stdout is not None
    while number:
        number -= listener.stdout.readline().startswith("power")


def imports() -> float:
    return cpu_of_process((PYTHON, "-c", IMPORTS), BUILD)


def one_shot() -> Outcome:
    with joined() as folder:
        return in_turns(lambda: cpu_of_process((HOMEMON, "-q", "meter-poll"), folder), imports, ROUNDS)


def through_listener() -> Outcome:
    with joined() as folder, listening(folder):
        return in_turns(lambda: cpu_of_process((HOMEMON, "-q", "meter-poll"), folder), imports, ROUNDS)


def reported(option: str) -> Outcome:
    return in_turns(lambda: cpu_of_process((HOMEMON, option), BUILD), imports, ROUNDS)


def poll_inside() -> Outcome:
    """The CPU clock of a listener from one reading's line to the next; then whole polls."""
    with joined() as folder:
        with listening(folder, "--poll", "5") as listener:
            spent = []
            for _ in range(POLLS + 1):
                await_polls(listener, 1)
                spent.append(cpu_clock(listener.pid))
        inside = median(after - before for before, after in pairwise(spent))
        return Outcome(inside, median(cpu_of_process((HOMEMON, "-q", "meter-poll"), folder) for _ in range(ROUNDS)))


def cpu_clock(pid: int) -> float:
    """CPU seconds that a process has used so far, to the nanosecond (clock_getcpuclockid(3))."""
    return clock_gettime((~pid << 3) | 2)


def resident(with_server: bool) -> Outcome:
    """Memory of a listener that has polled twice, and has sent its readings where there is a server."""
    server = ScriptedServer()
    try:
        more = f"[server]\nurl = {server.url}" if with_server else ""
        with joined(more) as folder, listening(folder, "--poll", "5") as listener:
            await_polls(listener, 2)
            assert bool(server.asked) == with_server
            return Outcome(memory(listener.pid), bare_python())
    finally:
        server.close()


def bare_python() -> float:
    command = (PYTHON, "-c", "import sys; print(); sys.stdin.read()")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = memory(process.pid)
        process.communicate()
    return used


def memory(pid: int) -> float:
    """Bytes of memory that a process holds (VmRSS)."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines())
    return int(status["VmRSS"].split()[0]) * 1024.0


REFERENCE = f"`python -c '{IMPORTS}'`"
ASKING = (
    "of 49 million instructions beyond the reference's 185, pathlib takes 16, the standard library's socket 14, 19 "
    "named tuples 12, and click 3 to find that -q is no long option; with texts for paths and no tuples for the "
    "configuration's sections it would be at 1.11, and to reach it, the socket would be Python's private _socket"
)
IMPORTING = (
    "of 144 million instructions beyond the reference's 185, 66 named tuples, in which the layers hand on what they "
    "know, take 43, pathlib 16, tomllib 11 (`state.toml`) and json 5; written away, all of them, it would be at 1.4, "
    "and to reach it, a third of the code of some seventy modules would have to go as well"
)
POLL_INSIDE = (
    "1.9 million instructions, where 0.1.0 took 0.8: it wakes three times and commits once, in eleven statements of "
    "SQLite, of which some would have to go"
)
RESIDENT = (
    "click takes 5.4 MB and SQLite's library 1.2; to reach it, a listener would have to read its command line without "
    "click"
)
SENDING = (
    "requests takes 13 MB, and TLS is 4 of them; http.client alone would save some 8, and what requests does about "
    "connections, certificates and proxies would be ours to do"
)
BENCHMARKS = (
    Benchmark("`meter-poll`, one shot, CPU", REFERENCE, 1.25, milliseconds, one_shot, IMPORTING),
    Benchmark("`meter-poll`, through a listener, CPU", REFERENCE, 1.10, milliseconds, through_listener, ASKING),
    Benchmark("`--version`, CPU", REFERENCE, 1.05, milliseconds, partial(reported, "--version")),
    Benchmark("`--help`, CPU", REFERENCE, 1.10, milliseconds, partial(reported, "--help")),
    Benchmark(
        "one poll of `meter-listen --poll`, CPU", "one `meter-poll`", 1 / 50, milliseconds, poll_inside, POLL_INSIDE
    ),
    Benchmark(
        "`meter-listen`, memory, no server", "`python -c pass`", 2.2, megabytes, partial(resident, False), RESIDENT
    ),
    Benchmark(
        "`meter-listen`, memory, with a server", "`python -c pass`", 4.0, megabytes, partial(resident, True), SENDING
    ),
)
