"""A LAN for the real commands: loopback addresses of a test's own, and simulated units on them."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Thread

from homemon.ports.udp_node import holder_of
from homemon.sim.ecocute import Ecocute, Faults
from homemon.sim.house import House
from homemon.sim.network import Network
from homemon.sources.registry import ECOCUTE
from tests.commands import PATIENCE, wait_for, write_config

PORT = 3610
HOUSE = House(int(time.time()) - 2 * 86_400)
_NUMBERS = count()


def address() -> str:
    """One that no other test uses, in whatever process: 127.0.0.0/8 is all ours."""
    pid = os.getpid()
    return f"127.{1 + pid % 250}.{pid // 250 % 250}.{1 + next(_NUMBERS) % 250}"


@contextmanager
def unit(node: Ecocute | Faults | None = None, informs: bool = False) -> Iterator[Network]:
    """A simulated EcoCute for a block, at the address `bind`; whether it notifies the LAN."""
    if not isinstance(node, Ecocute):
        node = Ecocute(HOUSE, node)
    node.deaf = True  # the loopback is everybody's: no search of another test is to find it
    with Network(node, address(), informs=informs) as network:
        thread = Thread(target=network.serve, daemon=True)
        thread.start()
        try:
            yield network
        finally:
            network.stop()
            thread.join(PATIENCE)


def configure(folder: Path, host: str, **more: str) -> str:
    """A config.ini with [ecocute] at `host`; gives our address."""
    keys = {"host": host, "bind": address(), **more}
    write_config(folder, "\n".join(["[ecocute]", *(f"{name} = {value}" for name, value in keys.items())]))
    return keys["bind"]


def wait_for_port(bind: str) -> None:
    """Until somebody holds our port there."""
    wait_for(lambda: bool(holder_of(bind, PORT)))


@contextmanager
def node_at(host: str, port: int = PORT) -> Iterator[socket.socket]:
    """Somebody else on the LAN."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((host, port))
        other.settimeout(PATIENCE)
        yield other


def of_ours(errors: str) -> str:
    """What a command said on stderr, without units of other tests, whose notifications reach the whole loopback."""
    return "".join(line for line in errors.splitlines(True) if "speaks for a 02" not in line)


def said(line: str) -> dict[str, int]:
    """The fields of a printed point."""
    measurement, fields, _ = line.split()
    assert measurement == "ecocute"
    return {name: int(value) for name, value in (field.split("=") for field in fields.split(","))}


def truths(network: Network) -> dict[str, int]:
    """The values that a unit sent, the last of each."""
    return {ECOCUTE.fields[row.epc]: row.value for row in network.truth if isinstance(row.value, int)}
