"""How a resident command is asked to end."""

import os
import select
from types import FrameType


class Stop:
    """SIGTERM and SIGINT as a flag, and as a file descriptor that ends a wait."""

    def __init__(self) -> None:
        import signal  # which a poll, that nobody asks to end, does without

        self.requested = False
        self.handle, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises Stopped, at once, where the process is asked to end meanwhile."""
        select.select([self.handle], [], [], seconds)
        if self.requested:
            raise Stopped

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
        os.write(self._write, b"\0")


class Stopped(Exception):
    """The process was asked to stop; everything heard is stored."""
