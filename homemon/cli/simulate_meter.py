"""`homemon simulate meter`: a Wi-SUN module with a smart meter behind it."""

import contextlib
import math
import time
from pathlib import Path
from typing import NamedTuple, cast

import click

from homemon.cli.simulate_faults import fault_help
from homemon.cli.simulate_tools import (
    config_option,
    epcs_in_hex,
    link_for_config,
    linked,
    new_house,
    print_section,
    read_time,
    serve,
    truth_file,
)
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.faults import FAULTS, read_value
from homemon.sim.radio import Dialect
from homemon.sim.terminal import Clock, Terminal


class FaultOption(NamedTuple):
    """A fault as typed: `NAME[=VALUE][@SECONDS after the start]`."""

    name: str
    value: str | None
    after: float | None


def read_fault(text: str) -> FaultOption:
    """Return a fault as it was typed. Raise click.UsageError where name, value or delay are wrong."""
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


@click.command(epilog=fault_help(FAULTS))
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
@config_option
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
    only_config: bool,
) -> None:
    """A Wi-SUN module with a smart meter behind it.

    On a pty, whose path is the first line of stdout.
    """
    if len(bid) != 32 or not 1 <= len(pwd) <= 32:
        raise click.UsageError("--bid takes 32 characters, --pwd up to 32")
    if only_config:
        print_section("smartmeter", bid=bid, pwd=pwd, serial_port=link_for_config(link))
        return
    begin = read_time(start) if start else None
    wanted = [read_fault(text) for text in faults]
    with contextlib.ExitStack() as stack:
        write = stack.enter_context(truth_file(truth_path))
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
            record=epcs_in_hex(write),
            seed=seed,
        )
        for name, value, after in wanted:
            module.fault(name, value, None if after is None else clock.start + after)
        terminal = stack.enter_context(Terminal(module, clock))
        stack.enter_context(linked(link, terminal.path))
        serve(terminal, terminal.path)
