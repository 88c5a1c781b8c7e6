"""Other homemon commands, started from one of them: run to the end, or watched while they run."""

import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from homemon.core.errors import HomemonError
from homemon.core.files import Lock
from homemon.runtime.context import App

WITHIN = 90.0  # seconds for each step


def itself() -> tuple[str, ...]:
    """Return the words that start this very homemon: the command that was typed, which may alone know its modules."""
    typed = sys.argv[0]
    is_command = Path(typed).name == "homemon" and os.access(typed, os.X_OK)
    return (os.path.abspath(typed),) if is_command else (sys.executable, "-m", "homemon")


def program() -> str:
    """Return the words that start this homemon again, as they were typed."""
    typed = sys.argv[0]
    if Path(typed).name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m homemon"
    found = shutil.which(Path(typed).name)
    return Path(typed).name if found and Path(found).samefile(typed) else shlex.quote(typed)


@contextmanager
def running(app: App, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a resident command; end it by SIGTERM when the block ends."""
    show(app, arguments)
    words = (*itself(), *arguments)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, process_group=0)  # Ctrl-C is for us to pass on
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def run(app: App, *arguments: str, quiet: bool = False) -> None:
    """Run a command to its end; `quiet` keeps its many lines to itself. Raise HomemonError where it failed."""
    show(app, arguments)
    output = subprocess.PIPE if quiet else None
    done = subprocess.run((*itself(), *arguments), stdout=output, text=True, timeout=WITHIN, check=False)
    if done.returncode:
        raise HomemonError(f"the demo's `homemon {arguments[-1]}` ended with status {done.returncode}")
    if quiet:
        app.show(f"({len(done.stdout.splitlines())} points)")


def show(app: App, arguments: tuple[str, ...]) -> None:
    app.info(f"$ {program()} {shlex.join(arguments)}")


def echoing(app: App, enough: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return `enough`, printing each line that it is called with."""

    def printed(line: str) -> bool:
        app.show(line)
        return enough(line)

    return printed


def await_owner(lock: Lock) -> None:
    """Wait until a listener holds its port. Raise HomemonError when that takes too long."""
    deadline = monotonic() + WITHIN
    while lock.holder() is None:
        if monotonic() > deadline:
            raise HomemonError("the demo's listener did not start")
        sleep(0.05)


def read_until(process: "subprocess.Popen[str]", enough: Callable[[str], bool] = lambda line: True) -> str:
    """Return the first line that is enough, by default the first one.

    Raise HomemonError when that takes too long or the process ends.
    """
    assert process.stdout is not None
    handle = process.stdout.fileno()
    deadline = monotonic() + WITHIN
    buffer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - monotonic())):
            data = os.read(handle, 65536)
            if not data:
                raise HomemonError(f"a process of the demo ended with status {process.wait()}")
            *whole, buffer = (buffer + data).split(b"\n")
            for line in map(bytes.decode, whole):
                if enough(line):
                    return line
    raise HomemonError(f"the demo waited {WITHIN:g} s in vain")
