"""What the simulated devices' commands share: the house, links, the truth as a file."""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import click

from homemon.core.points import JST
from homemon.runtime import output
from homemon.sim.bp35c0 import Truth
from homemon.sim.house import DAY, House

REMEMBERED = 100 * DAY  # the meter remembers 99 days
Write = Callable[[Mapping[str, Any]], Any]


config_option = click.option("--config", "only_config", is_flag=True, help="Print its section of config.ini, and end.")


def print_section(name: str, **keys: str | None) -> None:
    """Print a section of config.ini, without the keys that have no value."""
    lines = [f"{key} = {value}" for key, value in keys.items() if value]
    output.put("\n".join([f"[{name}]", *lines, "", ""]).encode())


def link_for_config(link: Path | None) -> str:
    """Return the serial port that config.ini names. Raise click.UsageError where it is another each time."""
    if link is None:
        raise click.UsageError("--config needs --link PATH: the pty's own name is another one each time")
    return str(link.absolute())


class Server(Protocol):
    """What serves a device in real time. A byte written to the descriptor `waker` ends its wait for a moment."""

    waker: int

    def serve(self) -> None: ...
    def stop(self) -> None: ...


def read_time(text: str) -> float:
    """Return ISO 8601 as Unix time, JST where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--start takes a time such as 2026-01-31T12:29:30, not {text!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=JST)).timestamp()


def new_house(now: float, seed: int) -> House:
    """Return the house of all simulators: its registers begin with the year in which the 99 days begin."""
    year = datetime.fromtimestamp(now - REMEMBERED, JST).year
    house = House(int(datetime(year, 1, 1, tzinfo=JST).timestamp()), seed)
    house.imported(now)  # sums up until now, once and before anybody waits for an answer
    return house


@contextlib.contextmanager
def linked(link: Path | None, target: str) -> Iterator[None]:
    """Keep a symlink at `link`, in place of an older one, as long as the context lasts."""
    if link is None:
        yield
        return
    if link.exists() and not link.is_symlink():
        raise click.UsageError(f"--link {link}: there is a file already. Name a path that is free.")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        fresh.symlink_to(target)
        fresh.replace(link)
    except OSError as error:
        raise click.UsageError(f"--link {link}: {error.strerror}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if os.readlink(link) == target:
                link.unlink()


@contextlib.contextmanager
def truth_file(path: Path | None) -> Iterator[Write | None]:
    """Yield a function that writes one JSON object a line, flushed at once; None where no file is wanted."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", buffering=1, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"--truth {path}: {error.strerror}") from None
    with file:
        yield lambda truth: file.write(f"{json.dumps(truth)}\n")


def epcs_in_hex(write: Write | None) -> Callable[[Truth], None] | None:
    """Return a function that writes the truths of ECHONET Lite devices."""
    return write and (lambda truth: write(truth._asdict() | {"epc": f"{truth.epc:02X}"}))


def serve(server: Server, address: str) -> None:
    """Print the address, and serve until SIGTERM or Ctrl-C."""
    signal.set_wakeup_fd(server.waker)  # a handler of Python's runs after the wait that a signal came just before
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    output.detach()
    output.put(f"{address}\n".encode())
    server.serve()
