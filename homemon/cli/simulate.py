"""`homemon simulate`: devices without hardware, for trying homemon out and for its tests."""

import contextlib
import json
import math
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple, cast

import click

from homemon.points import JST
from homemon.sim.bp35c0 import BID, PWD, Dialect, Module, Truth
from homemon.sim.faults import FAULTS, read_value
from homemon.sim.house import DAY, House
from homemon.sim.terminal import Clock, Terminal

REMEMBERED = 100 * DAY  # the meter tells of 99 days

FAULT_HELP = "\b\nFaults (VALUE and what happens):\n" + "\n".join(
    f"  {row.name}={row.default}".ljust(27) + row.says + (f" ({row.takes})" if row.act is None else "")
    for row in FAULTS.values()
)


class FaultOption(NamedTuple):
    """A fault as typed: `NAME[=VALUE][@SECONDS after the start]`."""

    name: str
    value: str | None
    after: float | None


def read_fault(text: str) -> FaultOption:
    """Raises click.UsageError where name, value or delay are wrong."""
    what, at, when = text.partition("@")
    name, equals, value = what.partition("=")
    try:
        after = float(when) if at else None
        if after is not None and not 0 <= after < math.inf:
            raise ValueError(when)
    except ValueError:
        raise click.UsageError(f"--fault {text}: after @ stands a number of seconds, not {when!r}") from None
    fault = FaultOption(name, value if equals else None, after)
    try:
        read_value(fault.name, fault.value)
    except ValueError as error:
        raise click.UsageError(f"--fault {text}: {error}") from None
    return fault


def read_time(text: str) -> float:
    """ISO 8601 as Unix time, JST where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--start takes a time such as 2026-01-31T12:29:30, not {text!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=JST)).timestamp()


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


def write_truth(file: IO[str], truth: Truth) -> None:
    """One JSON object a line, flushed before the bytes go out."""
    file.write(json.dumps(truth._asdict() | {"epc": f"{truth.epc:02X}"}) + "\n")
    file.flush()


@click.group()
def simulate() -> None:
    """A device without hardware.

    Prints the port or address to use, then runs until it is stopped.
    """


@simulate.command(epilog=FAULT_HELP)
@click.option("--dialect", type=click.Choice(["c", "a1", "dss"]), default="c", help="BP35C0, BP35A1 or DSS.")
@click.option("--bid", default=BID, help="Route-B ID the meter expects, 32 characters.")
@click.option("--pwd", default=PWD, help="Password the meter expects.")
@click.option("--raw", is_flag=True, help="Payloads in binary until WOPT 01, as the module leaves the factory.")
@click.option("--pace", type=click.FloatRange(min=0), default=1.0, help="Factor for scan, join and reply times.")
@click.option("--push-after", type=click.FloatRange(0, 300), help="Seconds from a half-hour to EA and EB.")
@click.option("--link", type=click.Path(path_type=Path), help="Make a symlink to the pty here.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE][@SECONDS]", help="Misbehave; see below.")
@click.option("--start", metavar="ISO", help="The meter's time at the start, JST by default; default: now.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, help="Its seconds in one of ours.")
@click.option("--truth", "truth_path", type=click.Path(path_type=Path), help="Write what was sent, as JSON lines.")
@click.option("--seed", type=int, default=1, help="Another house, other weather.")
def meter(
    dialect: str,
    bid: str,
    pwd: str,
    raw: bool,
    pace: float,
    push_after: float | None,
    link: Path | None,
    faults: tuple[str, ...],
    start: str | None,
    speed: float,
    truth_path: Path | None,
    seed: int,
) -> None:
    """A Wi-SUN module with a smart meter behind it, on a pty whose path is the first line of stdout."""
    if len(bid) != 32 or not 1 <= len(pwd) <= 32:
        raise click.UsageError("--bid takes 32 characters, --pwd up to 32")
    begin = read_time(start) if start else None
    wanted = [read_fault(text) for text in faults]
    with contextlib.ExitStack() as stack:
        record = None
        if truth_path:
            try:
                file = stack.enter_context(truth_path.open("w", encoding="utf-8"))
            except OSError as error:
                raise click.UsageError(f"--truth {truth_path}: {error.strerror}") from None

            def record(truth: Truth) -> None:
                write_truth(file, truth)

        house = new_house(time.time() if begin is None else begin, seed)
        clock = Clock(begin, speed)
        module = Module(
            house,
            clock.start,
            dialect=cast(Dialect, dialect),
            bid=bid,
            pwd=pwd,
            raw=raw,
            pace=pace,
            push_after=push_after,
            record=record,
            seed=seed,
        )
        for name, value, after in wanted:
            module.fault(name, value, None if after is None else clock.start + after)
        terminal = stack.enter_context(Terminal(module, clock))
        stack.enter_context(linked(link, terminal.path))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: terminal.stop())
        click.echo(terminal.path)
        terminal.serve()


command = simulate
