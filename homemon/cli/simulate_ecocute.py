"""`homemon simulate ecocute`: a water heater on the LAN."""

import contextlib
import errno
import time
from pathlib import Path

import click

from homemon.cli import simulate_faults as typed
from homemon.cli import simulate_tools as tools
from homemon.config.setup.steps import own_address
from homemon.ports.udp_node import holder_of
from homemon.runtime import output
from homemon.sim.ecocute import DEVICE, HYBRID, Ecocute, Faults
from homemon.sim.faults import Fault, count, seconds, table
from homemon.sim.network import Network


def _epcs(text: str) -> frozenset[int]:
    return frozenset(int(epc, 16) for epc in text.split(",") if epc not in ("", "0"))


def _port(text: str) -> int:
    if not 1 <= int(text) <= 65535:
        raise ValueError(text)
    return int(text)


FAULTS = table(
    Fault("lacking", "EPCs in hex with commas", "84", "it has no such properties", _epcs),
    Fault("at-most", "properties", "1", "only so many of a question are answered", count),
    Fault("refuse-with", "EPCs in hex with commas", "E1", "a question for one of these and others is refused", _epcs),
    Fault("silent-with", "EPCs in hex with commas", "E1", "… or gets no answer", _epcs),
    Fault("tid-0", typed.ON, "1", "answers have the TID 0000", typed.flag),
    Fault("one-each", typed.ON, "1", "each property comes in an answer of its own", typed.flag),
    Fault("reverse", typed.ON, "1", "properties come in the other order", typed.flag),
    Fault("extra", typed.ON, "1", "80 and 88 come in addition to what was asked", typed.flag),
    Fault("opc-0", typed.ON, "1", "answers hold nothing: 72 with OPC 0", typed.flag),
    Fault("overflow", typed.ON, "1", "overflow and underflow codes for values", typed.flag),
    Fault("infc", typed.ON, "1", "notifications want an answer: 74 in place of 73", typed.flag),
    Fault("to-node", typed.ON, "1", "notifications go to 0EF001 in place of 05FF01", typed.flag),
    Fault("answer-sender", typed.ON, "1", "answers go to the port that asked, not to 3610", typed.flag),
    Fault("from-port", "a UDP port", "49154", "answers come from this port", _port),
    Fault("late", "seconds", "6", "answers come so much later", seconds),
    Fault("lost-every", "N for each Nth", "2", "a question is not answered", count),
    Fault("doubled", typed.ON, "1", "answers come twice", typed.flag),
    Fault("truncated", "bytes", "1", "so many are missing at the end of an answer", count),
    Fault("wrong-pdc", typed.ON, "1", "the last property promises a byte too many", typed.flag),
    Fault("short-edt", typed.ON, "1", "values are one byte short, the frame is right", typed.flag),
    Fault("garbage", typed.ON, "1", "random bytes in place of an answer", typed.flag),
    Fault("deaf", typed.ON, "1", "what is for everybody (224.0.23.0) does not reach it", typed.flag),
)


@click.command(epilog=typed.fault_help(FAULTS))
@click.option("--bind", default="127.0.0.2", show_default=True, metavar="ADDRESS", help="The unit's address.")
@click.option("--port", type=click.IntRange(1, 65535), default=3610, show_default=True, help="Its UDP port.")
@click.option("--inform-every", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="Notify the LAN.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", help="Misbehave; see below.")
@click.option("--truth", "truth_path", type=click.Path(path_type=Path), help="Write what was sent, as JSON lines.")
@click.option("--seed", type=int, default=1, help="Another house, other weather.")
@click.option("--number", type=click.IntRange(1, 9), default=1, help="Another unit, with an ID of its own.")
@click.option("--hybrid", is_flag=True, help="A hybrid water heater, 02A601.")
@tools.config_option
def ecocute(
    bind: str,
    port: int,
    inform_every: float,
    faults: tuple[str, ...],
    truth_path: Path | None,
    seed: int,
    number: int,
    hybrid: bool,
    only_config: bool,
) -> None:
    """An EcoCute on UDP.

    Its ADDRESS:PORT is the first line of stdout. Any address that begins with 127 is this machine: the unit has one,
    so in the [ecocute] of a trial write host = 127.0.0.2 and bind = 127.0.0.1. With bind = 0.0.0.0, the default,
    homemon would take the unit's address too.
    """
    ours = own_address([bind])
    if only_config:
        tools.print_section("ecocute", host=bind, bind=ours, eoj="02A601" if hybrid else None)
        return
    wanted = typed.read_faults(Faults, FAULTS, faults)
    with contextlib.ExitStack() as stack:
        record = tools.epcs_in_hex(stack.enter_context(tools.truth_file(truth_path)))
        device = HYBRID if hybrid else DEVICE
        unit = Ecocute(tools.new_house(time.time(), seed), wanted, port, inform_every, number, device)
        try:
            network = stack.enter_context(Network(unit, bind, port, inform_every > 0, record))
        except OSError as error:
            raise click.UsageError(f"--bind {bind} --port {port}: {explained(error, bind, port)}") from None
        if ours:
            output.say(f"homemon: to read it, write into [ecocute]: host = {bind} and bind = {ours}")
        tools.serve(network, f"{bind}:{port}")


def explained(error: OSError, bind: str, port: int) -> str:
    """Return the error of an address where no unit can be, and what to do."""
    if error.errno != errno.EADDRINUSE:
        return error.strerror or str(error)
    holder = holder_of(bind, port)
    remedy = "Give homemon an address of its own, such as [ecocute] bind = 127.0.0.1, or the unit another --bind."
    return f"{error.strerror}{f' by {holder}' if holder else ''}. {remedy}"
