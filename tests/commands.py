"""The real commands as their user runs them, and a simulated module on a real pty for them to talk to."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from homemon.cli.main import homemon as group
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.house import House
from homemon.sim.terminal import Clock, Device, Terminal

HOMEMON = (sys.executable, "-m", "homemon")
UNCLOSED = "ResourceWarning"  # what Python says of a file, a socket or (from 3.13 on) a database left open
PERSONAL = (
    *("HOMEMON_CONFIG", "LC_ALL", "LC_MESSAGES", "NO_COLOR", "COLUMNS", "XDG_CONFIG_HOME", "XDG_STATE_HOME"),
    "PYTHONDONTWRITEBYTECODE",
)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in PERSONAL} | {
    "PYTHONWARNINGS": f"always::{UNCLOSED}",
    "LANG": "C.UTF-8",
    "TERM": "xterm",
}
"""What a command sees: nothing of the taste of who runs the tests."""
PATIENCE = 180.0  # seconds until a test gives up, on a machine that is several times slower than usual
LOADED = 20.0  # seconds that a slow or busy machine may add to what is promised


_AS_ONE = ("setpriv", "--bounding-set=-all,+dac_read_search", "--inh-caps=-all")
UNPRIVILEGED = _AS_ONE if os.geteuid() == 0 else ()
"""Before a command that is to have no rights of root's, but to read: this clone may lie in somebody's own folder."""


def deny(path: Path) -> None:
    """Keep an unprivileged process from changing what is in `path`, or from opening it to write."""
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    path.chmod(0o700 if os.geteuid() == 0 else 0)


@contextmanager
def as_nobody() -> Iterator[None]:
    """With the rights of a user to whom nothing belongs; root's own are laid aside."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def homemon(
    *arguments: str, cwd: Path, timeout: float = PATIENCE, unprivileged: bool = False, before: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    """`homemon ARGUMENTS` in the folder `cwd`, to its end; `before` are words before it, such as nsenter's."""
    run = subprocess.run(
        (*before, *(UNPRIVILEGED if unprivileged else ()), *HOMEMON, *arguments),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=ENVIRONMENT,
        check=False,
    )
    assert UNCLOSED not in run.stderr, run.stderr
    return run


def called(*arguments: str) -> Result:
    """`homemon ARGUMENTS` in this process, through the group: a command that runs without it keeps, for all
    that come after, what click makes of that, such as a help option without -h."""
    return CliRunner().invoke(group, arguments)


class Running:
    """A resident command; its stdout comes line by line, its stderr lies in a file."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        log: str = "stderr.txt",
        before: tuple[str, ...] = (),
        program: tuple[str, ...] = HOMEMON,
    ) -> None:
        self.errors = cwd / log
        self.lines: list[str] = []
        self._rest = b""
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                (*before, *program, *arguments), cwd=cwd, stdout=subprocess.PIPE, stderr=errors, env=ENVIRONMENT
            )

    def until(self, enough: Callable[[list[str]], bool], within: float = PATIENCE) -> list[str]:
        """Read lines until `enough` of all so far; AssertionError with what it said when it takes too long."""
        assert self.process.stdout is not None
        deadline = monotonic() + within
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not enough(self.lines):
                ready = selector.select(max(0.0, deadline - monotonic()))
                data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
                assert data, f"in vain: {self.lines}\n{self.errors.read_text()}"
                *whole, self._rest = (self._rest + data).split(b"\n")
                self.lines += [line.decode() for line in whole]
        return self.lines

    def says(self, text: str, within: float = PATIENCE) -> None:
        """Wait until stderr holds `text`."""
        wait_for(lambda: text in self.errors.read_text(), within, lambda: self.errors.read_text())

    def stop(self, number: int = signal.SIGTERM, within: float = PATIENCE) -> int:
        """Signal it and wait for its end; gives its status. What it printed last is in `lines`."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=within)
        self.lines += [line.decode() for line in (self._rest + rest).split(b"\n") if line]
        self._rest = b""
        errors = self.errors.read_text()
        assert UNCLOSED not in errors, errors
        return self.process.returncode


@contextmanager
def running(
    *arguments: str,
    cwd: Path,
    log: str = "stderr.txt",
    before: tuple[str, ...] = (),
    program: tuple[str, ...] = HOMEMON,
) -> Iterator[Running]:
    """A resident command for a block; killed at its end if it still runs. `program` is what is run in its place."""
    command = Running(*arguments, cwd=cwd, log=log, before=before, program=program)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
        command.process.communicate()


def wait_for(happened: Callable[[], bool], within: float = PATIENCE, reported: Callable[[], str] = str) -> None:
    """Look again and again until it has happened; AssertionError at the deadline."""
    deadline = monotonic() + within
    with selectors.DefaultSelector() as nothing:
        while not happened():
            assert monotonic() < deadline, reported()
            nothing.select(0.02)


def catches_sigterm(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM (proc(5), SigCgt)."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> signal.SIGTERM - 1 & 1)


class Plugged:
    """A device on a pty, served by a thread. `path` is a link that survives `unplug` and `plug`."""

    def __init__(self, device: Device, clock: Clock, path: Path) -> None:
        self.path = path
        self.clock = clock
        self._device = device
        self.plug()

    def plug(self) -> None:
        """Let the port appear."""
        self._terminal = Terminal(self._device, self.clock)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(self._terminal.path)
        self._thread = Thread(target=self._terminal.serve, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Let the port vanish, as a USB stick that is pulled out."""
        self._terminal.stop()
        self._thread.join(PATIENCE)
        self._terminal.close()
        self.path.unlink()


AnyPlugged = TypeVar("AnyPlugged", bound=Plugged)


class Simulated(Plugged):
    """A module and its meter on the pty `folder`/port. A quicker clock starts `behind`, to stay in the past."""

    def __init__(self, folder: Path, *, speed: float = 1.0, behind: float = 36_000.0, **module: Any) -> None:
        clock = Clock(time.time() - (behind if speed > 1 else 0), speed)
        self.house = House(int(clock.start) - 100 * 86400)
        self.module = Module(self.house, clock.start, **{"pace": 0.02, **module})
        super().__init__(self.module, clock, folder / "port")

    def unplug(self) -> None:
        """The same; the module loses its power."""
        super().unplug()
        self.module.fault("power-cycle")

    def fault(self, name: str, value: object = None) -> None:
        """Set a fault in the serving thread; here where it is unplugged, and none serves."""
        if self._thread.is_alive():
            self._terminal.call(lambda _: self.module.fault(name, value))
        else:
            self.module.fault(name, value)

    def call(self, do: Callable[[Module], None]) -> None:
        """Do something to the module in the serving thread."""
        self._terminal.call(lambda _: do(self.module))


@contextmanager
def plugged(device: AnyPlugged) -> Iterator[AnyPlugged]:
    """A device that is unplugged at the end of a block."""
    try:
        yield device
    finally:
        if device.path.is_symlink():
            device.unplug()


def simulated(folder: Path, **module: Any) -> AbstractContextManager[Simulated]:
    """A simulated module for a block."""
    return plugged(Simulated(folder, **module))


def write_config(folder: Path, more: str = "", **smartmeter: str) -> Path:
    """A config.ini in `folder` whose port is the simulated one and whose store is `folder`/store."""
    meter = {"bid": BID, "pwd": PWD, "address": "", "serial_port": str(folder / "port"), **smartmeter}
    path = folder / "config.ini"
    lines = [f"{name} = {value}".rstrip() for name, value in meter.items()]
    path.write_text("\n".join(["[smartmeter]", *lines, "[store]", f"dir = {folder / 'store'}", more, ""]))
    path.chmod(0o600)
    return path


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own at `folder`, as small as `size`, which must be mounted as root."""
    folder.mkdir(mode=0o700)
    mounted = subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)), check=False)
    if mounted.returncode:
        assert not os.environ.get("CI"), "a tmpfs cannot be mounted here"
        pytest.skip("a tmpfs cannot be mounted without root")
    try:
        yield
    finally:
        subprocess.run(("umount", str(folder)), check=True)


def fill(folder: Path) -> Path:
    """Take all the space that is left; gives the file that holds it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 1024)
    return filler
