"""`homemon simulate kyocera`: a solar monitor on a serial line."""

import contextlib
import time
from pathlib import Path

import click

from homemon.cli import simulate_faults as typed
from homemon.cli import simulate_tools as tools
from homemon.sim.faults import Fault, count, seconds, table
from homemon.sim.house import House
from homemon.sim.kyocera import Faults, Monitor
from homemon.sim.terminal import Clock, Terminal

NTH, BLOCK = "N for each Nth", "which one, from 1 on"


def _dates(text: str) -> str:
    if text not in ("none", "double", "order", "stray"):
        raise ValueError(text)
    return text


def _offset(text: str) -> float:
    return -seconds(text[1:]) if text.startswith("-") else seconds(text)


FAULTS = table(
    Fault("corrupt-every", NTH, "10", "a block has one wrong bit, until it is sent again", count),
    Fault("corrupt-block", BLOCK, "1", "this block is wrong …", count),
    Fault("corrupt-times", "times", "5", "… so many times", count),
    Fault("stall-block", BLOCK, "1", "before this block it is silent …", count),
    Fault("stall", "seconds", "5", "… for so long", seconds),
    Fault("stall-inside", typed.ON, "1", "… or after half of it", typed.flag),
    Fault("lose-every", NTH, "10", "one byte of a block does not arrive", count),
    Fault("silent", typed.ON, "1", "it never says anything", typed.flag),
    Fault("dead-after", BLOCK, "100", "it says nothing more after this block", count),
    Fault("noise-before", typed.ON, "1", "junk comes before its first answer", typed.flag),
    Fault("noise-every", NTH, "10", "junk comes before a block", count),
    Fault("bad-headers", "times", "1", "the header has a wrong sum", count),
    Fault("no-end", typed.ON, "1", "it sends no end command", typed.flag),
    Fault("ahead", "seconds", "86400", "its clock is ahead", seconds),
    Fault("off", "seconds", "-172800", "its clock is ahead, or behind (-), and was when it measured", _offset),
    Fault("dates", "none, double, order or stray", "none", "dates of its days are wrong", _dates),
)


class Witnessed(Monitor):
    """A monitor that reports to the truth file each memory it begins to send."""

    def __init__(self, house: House, faults: Faults, write: tools.Write | None) -> None:
        super().__init__(house, faults)
        self._write = write

    def feed(self, data: bytes, now: float) -> None:
        before = self.memory
        super().feed(data, now)
        if self._write and self.memory is not before:
            self._write({"time": now, "memory": self.memory.hex().upper()})


@click.command(epilog=typed.fault_help(FAULTS))
@click.option("--link", type=click.Path(path_type=Path), help="Make a symlink to the pty here.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", help="Misbehave; see below.")
@click.option("--truth", "truth_path", type=click.Path(path_type=Path), help="Write each memory sent, as JSON lines.")
@click.option("--seed", type=int, default=1, help="Another house, other weather.")
@tools.config_option
def kyocera(link: Path | None, faults: tuple[str, ...], truth_path: Path | None, seed: int, only_config: bool) -> None:
    """A solar monitor at 38,400 bps.

    On a pty, whose path is the first line of stdout. Its memory is made when it is asked for: 35 days up to now.
    """
    if only_config:
        tools.print_section("kyocera", transport="serial", serial_port=tools.link_for_config(link))
        return
    wanted = typed.read_faults(Faults, FAULTS, faults)
    with contextlib.ExitStack() as stack:
        write = stack.enter_context(tools.truth_file(truth_path))
        monitor = Witnessed(tools.new_house(time.time(), seed), wanted, write)
        terminal = stack.enter_context(Terminal(monitor, Clock()))
        stack.enter_context(tools.linked(link, terminal.path))
        tools.serve(terminal, terminal.path)
