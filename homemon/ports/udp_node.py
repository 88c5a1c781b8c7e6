"""Our place on the LAN: UDP 3610, where ECHONET Lite nodes talk.

One program on a machine can hold 3610. SO_REUSEADDR is not set: with it the last one to bind would
silently take the other's datagrams. So a port in use is an error that names who holds it, as far
as /proc shows it.

What is for everybody goes out on each interface of the machine, and is received on each: a Pi with eth0
and wlan0 has two, and the kernel by itself would take the one with the default route. With a `bind`
of its own there is one: the interface that has the address.
"""

import errno
import os
import re
import select
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import NamedTuple

from homemon.core.clock import Instant, instant
from homemon.core.errors import PortError
from homemon.core.transcript import LAN
from homemon.echonet.codec import MULTICAST
from homemon.ports.interfaces import Interface, all_addresses, lan_interfaces, receiving
from homemon.ports.trace import Trace

ANY, LOOPBACK = "0.0.0.0", "lo"
LARGEST = 65535
BUFFER = 1 << 20  # bytes, as far as the kernel allows; by default three large datagrams fill it
BURST = 64  # datagrams taken at once, so that a flood cannot keep us from looking at the clock
LOOK_AGAIN = 3.0  # seconds between two looks for interfaces and addresses that came and went


class Datagram(NamedTuple):
    """What came, and the IPv4 address and port that it came from."""

    data: bytes
    host: str
    port: int


class UdpNode:
    """A bound socket; port 0 is one that only sends. Raise PortError where it cannot be had."""

    _trace: Trace | None = None

    def __init__(self, bind: str, port: int, trace: Trace | None = None, interrupts: Sequence[int] = ()) -> None:
        self._bind, self._port = bind, port
        self._trace = trace
        self._interrupts = interrupts
        self._socket = _new_socket()
        self._listening = [self._socket]
        self._joined: set[str] = set()  # our addresses at which we are in the group
        self._here: list[Interface] = []
        try:
            self._socket.bind((bind, port))
        except OSError as error:
            self._socket.close()
            raise _explained(bind, port, error) from None
        except UnicodeError:
            self._socket.close()
            raise PortError(f"{bind} is no address", "Check [ecocute] bind; 0.0.0.0 is all of them.") from None
        self._join_group()

    def __enter__(self) -> "UdpNode":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the port."""
        for opened in self._listening:
            opened.close()

    @property
    def addresses(self) -> list[str]:
        """Our addresses on the LAN, one for each interface, as they are now."""
        return [self._bind] if self._bind != ANY else [interface.address for interface in lan_interfaces()]

    @property
    def networks(self) -> list[tuple[int, int]]:
        """The networks that this machine is in, as first address and mask."""
        return [
            (number & mask, mask)
            for each in self._here
            for number, mask in [(_number(each.address), _number(each.netmask))]
        ]

    @property
    def is_homeless(self) -> bool:
        """Whether the address that it is bound to has gone, so that nothing reaches it."""
        gone = self._bind not in (ANY, *(each.address for each in self._here))
        return self._port != 0 and gone and not self._bind.startswith("127.")

    def _join_group(self) -> None:
        """Join the multicast group on each interface as it is now.

        The kernel forgets what was joined at an interface that goes, or loses its last address, and the socket
        does not notice: so it is joined again and again.
        """
        if self._port == 0:
            return
        self._here = all_addresses()
        names = {each.address: each.name for each in [*self._here, *lan_interfaces()]}
        members = receiving(MULTICAST)
        ours = set(self.addresses)
        for address in self._joined - ours:
            self._leave(address)
        for address in ours:
            name = LOOPBACK if address.startswith("127.") else names.get(address)
            if address not in self._joined or (members is not None and name not in members):
                self._leave(address)
                self._join(address)

    def _leave(self, address: str) -> None:
        """Leave the group at an interface; not to be a member is no error."""
        self._joined.discard(address)
        with suppress(OSError):
            self._group().setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, _membership(address))

    def _join(self, address: str) -> None:
        """Join the group at an interface; one that is not up yet is joined later."""
        with suppress(OSError):
            self._group().setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _membership(address))
            self._joined.add(address)

    def _group(self) -> socket.socket:
        """Return the socket of the group: one that is bound to an address receives none of it.

        Every socket of a group gets each datagram, so that for this one SO_REUSEADDR takes nothing from
        anybody. Raise OSError.
        """
        if self._bind == ANY:
            return self._socket
        if len(self._listening) == 1:
            group = _new_socket()
            try:
                group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                group.bind((MULTICAST, self._port))
            except OSError:
                group.close()
                raise
            self._listening.append(group)
        return self._listening[1]

    def send(self, data: bytes, host: str, port: int) -> None:
        """Send one datagram; to the group, one on each interface. Raise PortError where none can be sent."""
        if host != MULTICAST:
            self._send(data, host, port)
            return
        faults: list[PortError] = []
        for address in (ours := self.addresses):
            try:
                self._send(data, host, port, through=address)
            except PortError as error:
                faults.append(error)
        if not ours:
            raise PortError("this machine has no IPv4 network to ask in", "Connect it; `ip address` shows what it has.")
        if len(faults) == len(ours):
            raise faults[0]

    def _send(self, data: bytes, host: str, port: int, through: str = "") -> None:
        try:
            if through:
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(through))
            self._socket.sendto(data, (host, port))
        except OSError as error:
            raise PortError(
                f"cannot send to {host}: {error.strerror}", "Check the network and [ecocute] host."
            ) from None
        if self._trace:
            self._trace.write(LAN, True, data, instant(), f"{host}:{port}")

    def read(self, within: float) -> list[Datagram]:
        """Return the datagrams that have come; wait at most `within` seconds, and `LOOK_AGAIN`, for the first."""
        timeout = min(LOOK_AGAIN, max(0.0, within))
        self._join_group()
        select.select([*(opened.fileno() for opened in self._listening), *self._interrupts], [], [], timeout)
        return [datagram for opened in self._listening for datagram in self._read(opened)]

    def _read(self, opened: socket.socket) -> Iterator[Datagram]:
        for _ in range(BURST):
            try:
                data, (host, port) = opened.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error for something sent earlier: its answer will be missing, that is all
                continue
            yield Datagram(data, host, port)

    def note(self, received: Iterable[Datagram], at: Instant) -> None:
        """Record what was received `at`, by which its readings are dated."""
        if self._trace:
            for data, host, port in received:
                self._trace.write(LAN, False, data, at, f"{host}:{port}")


def _new_socket() -> socket.socket:
    new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    return new


def _membership(address: str) -> bytes:
    """Return struct ip_mreq: the group, at the interface that has an address of ours."""
    return struct.pack("4s4s", socket.inet_aton(MULTICAST), socket.inet_aton(address))


def _number(address: str) -> int:
    return int.from_bytes(socket.inet_aton(address))


def resolve(host: str) -> str:
    """Return the IPv4 address of `host`. Raise PortError."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except (OSError, UnicodeError):
        raise PortError(
            f"the host {host} is unknown",
            "Write the EcoCute's IPv4 address into [ecocute] host (see your router's list).",
        ) from None


def _explained(bind: str, port: int, error: OSError) -> PortError:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(bind, port)
        return PortError(
            f"UDP port {port} is in use by {holder or 'another program'}",
            "Only one program on a machine can talk ECHONET Lite: stop it, or give homemon another [ecocute] bind"
            " (127.0.0.1 with `homemon simulate ecocute`).",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return PortError(f"{bind} is no address of this machine", "Check [ecocute] bind; 0.0.0.0 is all of them.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return PortError(f"no permission for UDP port {port}", "Ports below 1024 are root's: check [ecocute] port.")
    return PortError(f"UDP port {port} on {bind} cannot be used: {error.strerror or error}", "Check [ecocute] bind.")


def holder_of(bind: str, port: int) -> str:
    """Return `pid 123 (python3)` for the process whose UDP port is in our way; empty where /proc does not show it."""
    wanted = {f"socket:[{inode}]" for ours, inode in _sockets_on(port) if ANY in (bind, ours) or ours == bind}
    for entry in glob("/proc/[0-9]*/fd/*"):
        with suppress(OSError):  # processes come and go
            if os.readlink(entry) in wanted:
                process = Path(entry).parent.parent
                return f"pid {process.name} ({(process / 'comm').read_text('utf-8', 'replace').strip()})"
    return ""


def _sockets_on(port: int) -> Iterator[tuple[str, str]]:
    """Yield address and inode of each socket on a UDP port; of an IPv6 address the last four bytes, `::` is 0.0.0.0."""
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with suppress(OSError):
            rows = re.findall(
                rf"^ *\d+: [0-9A-F]*([0-9A-F]{{8}}):{port:04X} (?:\S+ +){{7}}(\d+)",
                Path(table).read_text("ascii"),
                re.M,
            )
            for address, inode in rows:
                yield socket.inet_ntoa(int(address, 16).to_bytes(4, sys.byteorder)), inode
