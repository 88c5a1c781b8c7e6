"""One command as a process. It prints to a file: what was printed stays printed, whatever becomes of the process."""

import os
import subprocess
import sys
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from pathlib import Path
from time import monotonic

from tests import ROOT
from tests.commands import ENVIRONMENT, HOMEMON, catches_sigterm, wait_for

ALTERED = (sys.executable, "-m", "tests.longrun.chaos.altered")
ALTERED_ENVIRONMENT = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
PATIENCE = 180.0  # seconds; a poll may wait a minute for the port, and then half a minute for its answer


class Run:
    """One process. `lasted`: seconds, where somebody waited for its end; `killed`: whether it was ended by force.

    With `unread` its stdout is a pipe that is full and that nobody reads.
    """

    def __init__(
        self, arguments: tuple[str, ...], folder: Path, number: int, altered: str, unread: bool = False
    ) -> None:
        self.name = arguments[0]
        self.killed = False
        self.lasted: float | None = None
        self._began = monotonic()
        self._output, self._errors = folder / f"{number:03}-{self.name}.out", folder / f"{number:03}-{self.name}.err"
        full = full_pipe() if unread else None
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                (*((*ALTERED, altered) if altered else HOMEMON), *arguments),
                cwd=folder,
                stdout=full[1] if full else output,
                stderr=errors,
                env=ALTERED_ENVIRONMENT,
            )

        if full:
            os.close(full[1])

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def errors(self) -> str:
        """What it said on stderr."""
        return self._errors.read_text()

    @property
    def printed(self) -> list[str]:
        """Its points: the whole lines of line protocol."""
        return [line for line in self._output.read_text().split("\n")[:-1] if line.endswith("000000000")]

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end, for so long at most."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.lasted = self.lasted or monotonic() - self._began
        return True

    def wait(self) -> int:
        """Its exit status. Raises AssertionError with what it said where it does not end."""
        assert self.ends_within(PATIENCE), f"{self.name} does not end: {self.errors}"
        return self.process.returncode

    def kill(self) -> bool:
        """kill -9; whether it was alive to see it."""
        alive = self.alive
        self.killed |= alive
        self.process.kill()
        self.process.wait()
        return alive

    def stop(self) -> int:
        """SIGTERM, to a listener that knows it; its exit status."""
        wait_for(lambda: not self.alive or catches_sigterm(self.process.pid), PATIENCE)
        self.process.terminate()
        return self.wait()

    def warning(self) -> str | None:
        """What is wrong with how it ended: every error is reported, in words of ours."""
        status = self.process.returncode
        if "Traceback" in self.errors or "Exception ignored" in self.errors:
            return f"{self.name}: {self.errors}"
        if not self.killed and (status not in (0, 1) or (status and not self.errors)):
            return f"{self.name} ended with {status}: {self.errors}"
        return None


def full_pipe() -> tuple[int, int]:
    """A pipe that takes nothing more; its ends."""
    reader, writer = os.pipe()
    fcntl(writer, F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n" * 4096)
    os.set_blocking(writer, True)
    return reader, writer
