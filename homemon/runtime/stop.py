"""How a resident command is asked to end, and how it shows that it does not hang."""

import atexit
import os
import select
from collections.abc import Sequence
from types import FrameType

from homemon.runtime.watchdog import Watchdog


class Stop:
    """SIGTERM and SIGINT as a flag, and as a file descriptor that ends a wait.

    Who looks here whether to go on also tells systemd's watchdog that it does.
    """

    def __init__(self) -> None:
        import signal  # which a poll, that nobody asks to end, does without

        self.requested = False
        self.watchdog = Watchdog(os.environ, os.getpid())
        self.handle, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._write)  # a handler of Python's runs after the wait that a signal came just before
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
            atexit.register(signal.signal, number, signal.SIG_IGN)  # while Python ends there are no handlers any more
        self.watchdog.ready()

    def wait(self, seconds: float, handles: Sequence[int] = ()) -> None:
        """Let time pass, until one of `handles` is readable.

        Raise Stopped, at once, where the process is asked to end meanwhile.
        """
        self.watchdog.alive()
        select.select([self.handle, *handles], [], [], min(seconds, self.watchdog.every))
        if self.requested:
            raise Stopped

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
        os.write(self._write, b"\0")


class Stopped(Exception):
    """The process was asked to stop; everything received is stored."""
