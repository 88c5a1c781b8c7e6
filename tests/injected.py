"""Time that a test moves."""

from collections.abc import Callable

from homemon.core.clock import Instant
from homemon.core.dialogue import Talk
from homemon.runtime.driver import Context, run
from homemon.runtime.dump import Line, MonitorPort
from homemon.sources.kyocera.protocol import Dump


class InjectedTime:
    """Unix time that passes only while somebody sleeps."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def read_memory(line: Line, clock: Callable[[], float]) -> bytes:
    """The solar monitor's memory, over a line, in the seconds of a clock."""
    dump = Dump()
    port = MonitorPort(line, dump, clock=lambda: Instant(clock(), clock(), ""))
    memory: bytes = run(Talk(), dump.dialogue(), port, Context())
    return memory
