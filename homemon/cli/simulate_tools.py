"""What the simulated devices' commands share: times, the house, faults as typed, links, the truth as a file."""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from homemon.core.points import JST
from homemon.runtime import output
from homemon.sim.bp35c0 import Truth
from homemon.sim.faults import Fault
from homemon.sim.house import DAY, House

REMEMBERED = 100 * DAY  # the meter tells of 99 days
ON = "1 or 0"
Faults = TypeVar("Faults")
Write = Callable[[Mapping[str, Any]], None]


class Server(Protocol):
    """What serves a device in real time."""

    def serve(self) -> None: ...
    def stop(self) -> None: ...


# --- what is typed ---------------------------------------------------------------------


def read_time(text: str) -> float:
    """ISO 8601 as Unix time, JST where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--start takes a time such as 2026-01-31T12:29:30, not {text!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=JST)).timestamp()


def flag(text: str) -> bool:
    return {"1": True, "0": False}[text] if text in ("0", "1") else _refuse(text)


def count(text: str) -> int:
    number = int(text)
    return number if number >= 0 else _refuse(text)


def seconds(text: str) -> float:
    number = float(text)
    return number if 0 <= number < float("inf") else _refuse(text)


def _refuse(text: str) -> Any:
    raise ValueError(text)


def table(*rows: Fault) -> dict[str, Fault]:
    """Faults by name; each is a field of its simulator's `Faults`, with hyphens."""
    return {row.name: row for row in rows}


def fault_help(faults: Mapping[str, Fault]) -> str:
    """The lines at the end of `--help`."""
    return "\b\nFaults (VALUE and what happens):\n" + "\n".join(
        f"  {row.name}={row.default}".ljust(27) + row.says + (f" ({row.takes})" if row.act is None else "")
        for row in faults.values()
    )


def read_faults(kind: Callable[..., Faults], known: Mapping[str, Fault], texts: Sequence[str]) -> Faults:
    """A `kind` with the faults typed as `NAME[=VALUE]`. Raises click.UsageError."""
    wanted = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in known:
            raise click.UsageError(f"--fault {text}: no fault is called {name!r}; there are {', '.join(known)}")
        row = known[name]
        try:
            wanted[name.replace("-", "_")] = row.read(value if equals else row.default)
        except ValueError:
            raise click.UsageError(f"--fault {text}: {name} takes {row.takes}, not {value!r}") from None
    return kind(**wanted)


# --- what it becomes -------------------------------------------------------------------


def new_house(now: float, seed: int) -> House:
    """The house of all simulators: its registers begin with the year in which the 99 days begin."""
    year = datetime.fromtimestamp(now - REMEMBERED, JST).year
    house = House(int(datetime(year, 1, 1, tzinfo=JST).timestamp()), seed)
    house.imported(now)  # sums up until now, once and before anybody waits for an answer
    return house


@contextlib.contextmanager
def linked(link: Path | None, target: str) -> Iterator[None]:
    """A symlink at `link`, in place of an older one, as long as the context lasts."""
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
    """Writes one JSON object a line, flushed at once; None where no file is wanted."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"--truth {path}: {error.strerror}") from None

    def write(truth: Mapping[str, Any]) -> None:
        file.write(json.dumps(truth) + "\n")
        file.flush()

    with file:
        yield write


def epcs_in_hex(write: Write | None) -> Callable[[Truth], None] | None:
    """Writes the truths of the ECHONET Lite devices."""
    return write and (lambda truth: write(truth._asdict() | {"epc": f"{truth.epc:02X}"}))


def serve(server: Server, address: str) -> None:
    """Print the address, and serve until SIGTERM or Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    output.detach()
    output.put(f"{address}\n".encode())
    server.serve()
