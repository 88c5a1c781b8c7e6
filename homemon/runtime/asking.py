"""A port for a command: its own where it is free, else through the listener that holds it (see `owner`)."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

from homemon.core.errors import HomemonError, PortError
from homemon.core.files import Holder, Lock
from homemon.runtime.claim import claim
from homemon.runtime.context import App

PROTOCOL = "homemon1"
FIRST_WITHIN = 5.0  # seconds for the owner to take a question: it is only busy for moments
TO_REPORT = 1.0  # seconds in which the owner reports that there was no answer, before it counts as hanging
START_WITHIN = 3.0  # seconds for one that has just taken its lock to serve its socket
LOOK_EVERY = 0.05
LONGEST_NAME = 64  # of a socket: a path of 107 bytes must have room for it


class NotTaken(Exception):
    """Nobody serves the socket, or who did has ended before taking the question."""


def claim_or_ask(
    app: App, lock: Lock, name: str, listener: str, question: str, within: float, traced: str | None = None
) -> list[str] | None:
    """Get the port's lock for the command `name`; where `listener` holds it, ask that. `traced` is its --trace.

    Return None where the port is ours now, else the lines of the answer, after `within` seconds at most. Raise what
    the owner's answer says, PortError where it takes no question, and what `claim` does.
    """
    deadline = monotonic() + START_WITHIN
    while not claim(lock, name, listener):
        if traced:
            app.info(f"--trace {traced}: it is the listener that asks: see its --trace")
        who = _named(lock.holder(), listener)
        try:
            asked = f"{PROTOCOL} {max(within - TO_REPORT, within / 2):g} {question}"
            return list(_ask(app, socket_of(lock), asked, within, who))
        except NotTaken:
            if monotonic() >= deadline:
                raise PortError(
                    f"{who} holds the port, and takes no questions",
                    f"Start `homemon {listener}` again, and see what it says about its socket.",
                ) from None
            sleep(LOOK_EVERY)
    return None


def _named(holder: Holder | None, listener: str) -> str:
    return f"{listener} (pid {holder.pid})" if holder else listener


def _ask(app: App, path: Path, question: str, within: float, who: str) -> Iterator[str]:
    """Pass on what the owner says, and give the lines of the result. Raise what the answer says, and NotTaken."""
    say: dict[str, Callable[[str], None]] = {
        "point": app.put_point,
        "note": app.info,
        "warning": app.warn,
        "saying": app.progress,
    }
    error = hint = ""
    for word, text in _answer(path, question, within, who):
        if word == "result":
            yield text
        elif word == "end":
            if text != "0":
                raise _failure(error, hint, text)
            return
        elif word in say:
            say[word](text)
        error, hint = (text if word == "error" else error), (text if word == "hint" else hint)
    raise PortError(f"{who} ended before it answered", "Run it again.")


def _answer(path: Path, question: str, within: float, who: str) -> Iterator[tuple[str, str]]:
    """Give the words and texts of an answer. Raise PortError where the owner hangs, NotTaken."""
    from homemon.ports.local_socket import converse

    taken = False
    first_within = min(FIRST_WITHIN, within)
    lines = converse(path, question, first_within, within)
    while True:
        try:
            word, _, text = next(lines).partition(" ")
        except TimeoutError:
            silence = (
                f"{who} hangs: it did not answer within {within:g} s"
                if taken
                else f"{who} hangs: it took no question within {first_within:g} s"
            )
            hint = "End it, with SIGKILL if need be, and start it again."
            raise PortError(silence, hint) from None
        except (StopIteration, OSError):
            if not taken:
                raise NotTaken from None
            return
        taken = taken or word in (PROTOCOL, "end")
        yield word, text if word == "point" else _lines_of(text)


def _failure(message: str, hint: str, status: str) -> HomemonError:
    failure = HomemonError(message, hint)
    failure.exit_code = int(status) if status.isdecimal() else 1
    return failure


def socket_of(lock: Lock) -> Path:
    """Return where who holds a lock is asked."""
    name = lock.path.stem
    if len(name) > LONGEST_NAME:
        from hashlib import blake2b

        name = name[: LONGEST_NAME - 17] + "-" + blake2b(name.encode(), digest_size=8).hexdigest()
    return lock.path.with_name(f"{name}.sock")


def _lines_of(text: str) -> str:
    return re.sub(r"\\([\\n])", lambda found: "\n" if found[1] == "n" else "\\", text)
