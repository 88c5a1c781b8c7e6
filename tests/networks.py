"""A LAN of a test's own, with other machines on it: network namespaces and real multicast between them.

Where namespaces cannot be made (no unshare, or a kernel that forbids it) the machines are addresses of the
loopback: multicast is as real there, but others may be received too. One such test runs at a time. No packet
leaves either.
"""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from homemon.core.files import Lock
from tests.commands import Running, running, wait_for
from tests.lan import PORT, address

HOLD = ("sh", "-c", "ip link set lo up && echo made && exec cat")  # until its stdin is closed
UNITS = 4  # addresses on each network
IN_TURN = 600.0  # seconds that the others may take where all have one loopback


class Network(NamedTuple):
    """One interface of our machine: what is before a command on the other machine, and the addresses there."""

    there: tuple[str, ...]
    units: list[str]
    ours: str


class Lan(NamedTuple):
    """Our machine: what is before a command on it, what [ecocute] bind must be, and its networks."""

    here: tuple[str, ...]
    bind: str
    networks: list[Network]

    @property
    def units(self) -> list[str]:
        """The addresses on the first network."""
        return self.networks[0].units

    def wait_for_port(self) -> None:
        """Until somebody here holds UDP 3610; the kernel shows each process the ports of its own namespace."""
        reported = Path(f"/proc/{self.here[2]}/net/udp" if self.here else "/proc/net/udp")
        ours = f"{int.from_bytes(socket.inet_aton(self.bind), sys.byteorder):08X}:{PORT:04X}"
        wait_for(lambda: ours in reported.read_text("ascii"))


@contextmanager
def networks(count: int = 1) -> Iterator[Lan]:
    """A machine with so many networks; more than one only where namespaces can be made."""
    with ExitStack() as stack:
        here = _namespace(stack)
        if here:
            yield Lan(here, "0.0.0.0", [_network(stack, here, number) for number in range(count)])
        else:
            lock = Lock(Path(tempfile.gettempdir()) / "homemon-tests-loopback.lock")
            assert stack.enter_context(lock.holding(IN_TURN))
            ours = address()
            yield Lan((), ours, [Network((), [address() for _ in range(UNITS)], ours)])


@contextmanager
def heater(lan: Lan, where: str, *options: str, cwd: Path) -> Iterator[Running]:
    """`homemon simulate ecocute` at an address of the LAN, ready for a block."""
    (network,) = [network for network in lan.networks if where in network.units]
    with running(
        "simulate", "ecocute", "--bind", where, *options, cwd=cwd, log="heater.txt", before=network.there
    ) as unit:
        unit.until(bool)
        yield unit


@contextmanager
def elsewhere(*words: str) -> Iterator[None]:
    """Another program for a block, from its first line on; it ends when its stdin is closed."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline()
        yield
        program.communicate()


def _network(stack: ExitStack, here: tuple[str, ...], number: int) -> Network:
    """A cable to another machine with a few addresses."""
    there = _namespace(stack, here)
    name, (ours, *units) = f"eth{number}", [f"192.168.{70 + number}.{host}" for host in (5, *range(20, 20 + UNITS))]
    _ip(here, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", there[2])
    _ip(here, "address", "add", f"{ours}/24", "dev", name)
    _ip(here, "link", "set", name, "up")
    for unit in units:
        _ip(there, "address", "add", f"{unit}/24", "dev", "eth0")
    _ip(there, "link", "set", "eth0", "up")
    return Network(there, units, ours)


def _namespace(stack: ExitStack, within: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What is before a command in a new network namespace, which ends with the stack; empty where none can be made."""
    for new in (("unshare", "-n"),) if within else (("unshare", "-rn"), ("unshare", "-n")):
        try:
            holder = subprocess.Popen(
                (*within, *new, *HOLD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError:
            continue
        stack.callback(holder.wait)
        assert holder.stdin is not None
        stack.callback(holder.stdin.close)
        assert holder.stdout is not None
        stack.callback(holder.stdout.close)
        if holder.stdout.readline() == b"made\n":
            user = ("-U", "--preserve-credentials") if "-rn" in new or "-U" in within else ()
            return ("nsenter", "-t", str(holder.pid), "-n", *user)
    return ()


def _ip(within: tuple[str, ...], *words: str) -> None:
    subprocess.run((*within, "ip", *words), check=True)
