"""stdout and stderr: the one way by which what a command says leaves the process.

A one-shot command writes as any program does: a reader that is slow makes it wait. A resident command must
not wait, since nothing is read from its port meanwhile. After `detach` each stream is written by a thread of
its own from a queue of a size; what finds no room there is counted, and reported when the stream flows again.
"""

import os
import select
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from time import monotonic
from typing import TextIO

from homemon.core.columns import COLUMNS, clipped, width, wrapped
from homemon.core.language import Words, in_english
from homemon.core.printable import printable

Paint = Callable[[str], str]

AT_ONCE = 1 << 16  # bytes that are worth a system call
MOST_HELD = 1 << 18  # bytes that wait for a reader: some thousand lines
STUCK = 60.0  # seconds after which it is reported that a line waits
END_WITHIN = 0.5  # seconds for each stream at the end


class Outlet:
    """Writes lines to the descriptor `handle` without ever making its caller wait.

    `report` is called, in the outlet's thread, with what could not be written.
    """

    def __init__(self, handle: int, name: str, report: Callable[[str], None]) -> None:
        from collections import deque
        from threading import Condition, Thread

        self._handle = handle
        self._name = name
        self._report = report
        self._lines: deque[bytes] = deque()
        self._held = 0
        self._lost = 0
        self._since: float | None = None  # when the first line began to wait, until that is reported
        self._fault = ""
        self._changed = Condition()
        Thread(target=self._run, name=name, daemon=True).start()

    def write(self, line: bytes) -> None:
        """Take a line, or count it as lost where too much waits already."""
        if self._stuck():
            self._report(f"nobody reads {self._name}; readings are stored, and printed when somebody does")
        with self._changed:
            if self._held + len(line) > MOST_HELD:
                self._lost += 1
                return
            if not self._lines:
                self._since = monotonic()
            self._lines.append(line)
            self._held += len(line)
            self._changed.notify_all()

    def _stuck(self) -> bool:
        """Return whether the first line waits for long, once."""
        with self._changed:
            stuck = bool(self._lines) and self._since is not None and monotonic() - self._since > STUCK
            if stuck:
                self._since = None
        return stuck

    def drained(self, within: float) -> bool:
        """Return whether all is written, after at most `within` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines, within)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                line = self._lines[0]
            self._try(line)
            with self._changed:
                self._lines.popleft()
                self._held -= len(line)
                lost, self._lost = (self._lost, 0) if not self._lines else (0, self._lost)
                self._changed.notify_all()
            if lost:
                self._report(f"{lost} lines were not written to {self._name}, which nobody read; readings are stored")

    def _try(self, line: bytes) -> None:
        try:
            write_all(self._handle, line)
            self._fault = ""
        except OSError as error:
            if self._fault != str(error):
                self._fault = str(error)
                self._report(f"{self._name} takes nothing ({error.strerror}); readings are stored all the same")


def write_all(handle: int, data: bytes) -> None:
    """Write all of `data`, however long that takes. Raise OSError."""
    while data:
        try:
            data = data[os.write(handle, data) :]
        except BlockingIOError:  # who shares the stream with us made it non-blocking
            select.select([], [handle], [])


_stdout: Outlet | None = None
_stderr: Outlet | None = None
_words: Words = in_english
_standing = 0
"""The columns of the line about what takes long that stands on the terminal; 0 where none does."""


def put(data: bytes) -> None:
    """Print data, at once. Raise OSError where stdout takes none, until `detach`."""
    if _standing and sys.stdout.isatty():
        clear()
    if _stdout:
        _stdout.write(data)
    else:
        write_all(sys.stdout.fileno(), data)


def put_all(lines: Iterable[str]) -> None:
    """Print lines of data, many at once. Raise OSError where stdout takes none."""
    held = bytearray()
    for line in lines:
        held += encoded(line)
        if len(held) >= AT_ONCE:
            put(bytes(held))
            held.clear()
    put(bytes(held))


def encoded(line: str) -> bytes:
    """Return a line of data: UTF-8 in every locale; a file's name in it as the file system has it."""
    return f"{line}\n".encode("utf-8", "surrogateescape")


def speak(words: Words) -> None:
    """Say everything that is for a person in these words from now on."""
    global _words
    _words = words


def said(text: str, context: str = "") -> str:
    """Return what homemon says in the reader's words; `context` is of words that mean something else elsewhere."""
    return _words(text, context)


def show(text: str, paint: Paint = str) -> None:
    """Print a line for a person, in the reader's words. Raise OSError as `put`.

    `paint` gives it its colours, after what a terminal could obey was taken out, and where there may be any.
    """
    tell(said(text), paint)


def tell(text: str, paint: Paint = str) -> None:
    """Print a line as it is, in the terminal's encoding, as far as that has its signs. Raise OSError as `put`."""
    shown = lines_of(text)
    put(f"{paint(shown) if coloured(os.environ) else shown}\n".encode(sys.stdout.encoding or "utf-8", "replace"))


def coloured(environment: Mapping[str, str]) -> bool:
    """Return whether stdout may have colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def columns(stream: TextIO) -> int | None:
    """Return how many columns the terminal has that a stream is; None where it is none."""
    return (os.get_terminal_size(stream.fileno()).columns or COLUMNS) if stream.isatty() else None


def fitted(text: str, room: int | None, indent: int = 2) -> str:
    """Return lines parted at words where they have more columns than there are, None for any number of them."""
    return text if room is None else "\n".join(wrapped(line, room, indent) for line in text.split("\n"))


def lines_of(text: str) -> str:
    """Return `text` with nothing in its lines that a terminal could obey, wherever it came from."""
    return "\n".join(map(printable, text.split("\n")))


def say(text: str) -> None:
    """Print a line for a person on stderr; it is no failure if that is not possible."""
    text = lines_of(said(text))
    clear()
    if _stderr:
        _stderr.write(f"{text}\n".encode(sys.stderr.encoding or "utf-8", "backslashreplace"))
    else:
        with suppress(OSError):
            print(fitted(text, columns(sys.stderr)), file=sys.stderr, flush=True)


def progress(text: str) -> None:
    """Let a line stand on the terminal that stderr is until anything else is printed; else print it, as `say` does."""
    global _standing
    room = None if _stderr else columns(sys.stderr)
    if room is None:
        say(text)
        return
    clear()
    shown = clipped(printable(said(text)), room - 1)  # a full line would move the cursor on
    _standing = width(shown)
    with suppress(OSError):
        print(shown, end="", file=sys.stderr, flush=True)


def clear() -> None:
    """Take the line away that `progress` printed, if it still stands."""
    global _standing
    if not _standing:
        return
    blank, _standing = f"\r{' ' * _standing}\r", 0
    if _stderr:
        _stderr.write(blank.encode())
        return
    with suppress(OSError):
        print(blank, end="", file=sys.stderr, flush=True)


def detach() -> None:
    """Let neither stream make this process wait from now on."""
    global _stdout, _stderr
    _stderr = Outlet(sys.stderr.fileno(), "stderr", lambda text: say(f"homemon: {text}"))
    _stdout = Outlet(sys.stdout.fileno(), "stdout", lambda text: say(f"homemon: {text}"))


def finish() -> None:
    """Give what is still to be written a moment, at the end of the process."""
    clear()
    for outlet in (_stdout, _stderr):
        if outlet:
            outlet.drained(END_WITHIN)
