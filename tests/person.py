"""A person at a terminal: a real command on a pty of its own, answered question by question."""

import os
import pty
import select
import subprocess
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from homemon.core.columns import COLUMNS
from tests.commands import ENVIRONMENT, HOMEMON, PATIENCE, UNCLOSED


class Person:
    """Reads what the command shows, which is all in `seen`, and types."""

    def __init__(self, *arguments: str, cwd: Path, environment: Mapping[str, str]) -> None:
        self._screen, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, COLUMNS))
        self.seen = ""
        self._read = 0  # of it, what was waited for
        self._rest = b""
        self.process = subprocess.Popen(
            (*HOMEMON, *arguments),
            cwd=cwd,
            env={**ENVIRONMENT, **environment},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)

    def until(self, text: str) -> None:
        """Wait for a text behind what was waited for last."""
        deadline = monotonic() + PATIENCE
        while (found := self.seen.find(text, self._read)) < 0:
            assert monotonic() < deadline, self.seen
            assert self._more(deadline - monotonic()), f"{text!r} never came:\n{self.seen}"
        self._read = found + len(text)

    def is_asked(self) -> None:
        """Wait until the command sleeps, as it does only in reading what is typed once its question is seen."""
        status = Path(f"/proc/{self.process.pid}/status")
        deadline = monotonic() + PATIENCE
        while "State:\tS" not in status.read_text():
            assert monotonic() < deadline, self.seen

    def answers(self, *pairs: tuple[str, str]) -> None:
        """Answer questions in their order, each known by a part of its text."""
        for question, answer in pairs:
            self.until(question)
            self.until(": ")
            os.write(self._screen, f"{answer}\n".encode())

    def leaves(self) -> int:
        """Read what comes to the command's end; gives its exit status."""
        while self._more(PATIENCE):
            pass
        assert UNCLOSED not in self.seen, self.seen
        return self.process.wait(PATIENCE)

    def _more(self, within: float) -> bool:
        """Read once; whether the command still says something."""
        data = b""
        if select.select([self._screen], [], [], within)[0]:
            with suppress(OSError):  # EIO: nobody is at the other end any more
                data = os.read(self._screen, 65536)
        text = (self._rest + data).decode("utf-8", "ignore")
        self._rest = (self._rest + data)[len(text.encode()) :]
        self.seen += text
        return bool(data)

    def screen(self) -> list[str]:
        """Return the lines as they stand on the screen after all that was written over them."""
        lines = []
        for line in self.seen.replace("\r\n", "\n").split("\n"):
            shown = ""
            for text in line.split("\r"):
                shown = text + shown[len(text) :]
            lines.append(shown.rstrip())
        return lines

    def close(self) -> None:
        """End the command if it still runs."""
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self._screen)


@contextmanager
def person(*arguments: str, cwd: Path, **environment: str) -> Iterator[Person]:
    """A person for a block."""
    someone = Person(*arguments, cwd=cwd, environment=environment)
    try:
        yield someone
    finally:
        someone.close()
