"""What every benchmark is made of: a row, what came out of it, and how two things are timed side by side.

The two are measured in turns (ABAB …), so that whatever else the machine does hits both; what is
shown are medians, and their ratio is what the row promises. Nothing here is a test: figures that
depend on the machine fail nothing.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import NamedTuple

from tests import ROOT

BUILD = ROOT / "build"


class Unavailable(Exception):
    """A row cannot be measured here; the text says why."""


class Outcome(NamedTuple):
    """Medians of ours and of the reference, in seconds, bytes, …; the smaller, the better."""

    ours: float
    reference: float


Show = Callable[[float], str]


def milliseconds(value: float) -> str:
    return f"{value * 1000:,.1f} ms" if value < 10 else f"{value:,.1f} s"


def seconds(value: float) -> str:
    return f"{value:.2f} s"


def microseconds(value: float) -> str:
    return f"{value * 1e6:,.0f} µs"


def per_second(value: float) -> str:
    """A rate, of a time that one takes."""
    rate = 1 / value
    return f"{rate:,.0f}/s" if rate < 1e5 else f"{rate / 1000:,.0f}k/s"


def kilobytes(value: float) -> str:
    return f"{value / 1e3:,.0f} kB"


def megabytes(value: float) -> str:
    return f"{value / 1e6:.1f} MB"


def one_byte(value: float) -> str:
    return f"{value:.1f} bytes"


class Benchmark(NamedTuple):
    """One row. `reach` bounds ours ÷ reference: from above a cost, from below a rate; None promises nothing.

    `why` is printed where the row misses: what the difference is made of.
    """

    what: str
    reference: str
    reach: float | None
    show: Show
    measure: Callable[[], Outcome]
    why: str = ""

    @property
    def is_rate(self) -> bool:
        """Whether more is better: the outcome is still a time, and turned over to be shown."""
        return self.show is per_second

    def ratio(self, outcome: Outcome) -> float:
        """As it is shown."""
        return outcome.reference / outcome.ours if self.is_rate else outcome.ours / outcome.reference

    def missed_by(self, outcome: Outcome) -> float:
        """By which part of the reach it is missed; 0 where it is kept."""
        if self.reach is None:
            return 0.0
        ratio = self.ratio(outcome)
        return max(0.0, 1 - ratio / self.reach if self.is_rate else ratio / self.reach - 1)


def in_turns(ours: Callable[[], float], reference: Callable[[], float], rounds: int) -> Outcome:
    """Medians of what both give, called in turns; the first turn only warms up."""
    turns = [(ours(), reference()) for _ in range(rounds + 1)][1:]
    return Outcome(median(own for own, _ in turns), median(other for _, other in turns))


def cpu_of_calls(call: Callable[[], object], number: int) -> float:
    """CPU seconds of one of `number` calls."""
    started = process_time()
    for _ in range(number):
        call()
    return (process_time() - started) / number


def cpu_of_process(command: Sequence[str], folder: Path, status: int = 0) -> float:
    """CPU seconds, user and system, of a process from its start to its end, as the kernel counted them."""
    log = folder / "stderr.txt"
    with log.open("wb") as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors, env=environment())
    _, ended, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    assert process.returncode == status, f"{' '.join(command)}: {log.read_text()}"
    return usage.ru_utime + usage.ru_stime


def environment() -> dict[str, str]:
    """Ours, without what would change which code or configuration a command takes."""
    return {name: value for name, value in os.environ.items() if name not in ("HOMEMON_CONFIG", "PYTHONPATH")}
