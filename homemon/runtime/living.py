"""A simulated house that lives on: listeners and the page keep running, and what cron would start is started."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

from homemon.core.errors import HomemonError
from homemon.runtime.subcommands import WITHIN, itself

AT_ONCE = 1 << 16  # bytes


def live_on(common: Sequence[str], processes: Sequence["subprocess.Popen[str]"], every: Mapping[str, float]) -> None:
    """Run commands again and again, each after its seconds, until a signal comes.

    What the processes print is read, and thrown away: it is in the store. Raise HomemonError where one of them ends.
    """
    due = dict.fromkeys(every, monotonic())
    with DefaultSelector() as selector:
        for process in processes:
            assert process.stdout is not None
            selector.register(process.stdout, EVENT_READ)
        while not any(process.poll() is not None for process in processes):
            for key, _ in selector.select(max(0.0, min(due.values()) - monotonic())):
                if not os.read(key.fd, AT_ONCE):
                    selector.unregister(key.fileobj)
            for command in [command for command, when in due.items() if when <= monotonic()]:
                due[command] += every[command]
                quiet = (*itself(), "-q", *common, *command.split())
                subprocess.run(quiet, stdout=subprocess.DEVNULL, timeout=WITHIN, check=False)
    ended = next(process for process in processes if process.poll() is not None)
    raise HomemonError(f"a process of the demo ended with status {ended.returncode}")
