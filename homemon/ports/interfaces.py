"""The machine's network interfaces, asked of the kernel (netdevice(7)): multicast needs to know which."""

import array
import fcntl
import re
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

GET_ALL, GET_FLAGS, GET_ADDRESS, GET_NETMASK = (
    0x8912,
    0x8913,
    0x8915,
    0x891B,
)  # SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK
UP, MULTICAST = 0x1, 0x1000  # IFF_UP, IFF_MULTICAST, which the loopback is not
_REQUEST = struct.Struct("16s24x")  # struct ifreq: the name, then the answer
_FLAGS = struct.Struct("16xH22x")
_ADDRESS = struct.Struct("20x4s16x")  # struct sockaddr_in
_ROOM = struct.Struct("iP")  # struct ifconf: bytes, and where they are
_ENTRY = 40 if struct.calcsize("P") == 8 else 32  # bytes of a struct ifreq in it
_MOST = 256  # addresses of a machine


class Interface(NamedTuple):
    """Its name, its first IPv4 address, and that address's netmask."""

    name: str
    address: str
    netmask: str


def lan_interfaces() -> list[Interface]:
    """Return the interfaces that are up, can do multicast and have an IPv4 address: eth0 and wlan0 of a Pi, say."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        found = (_interface(asked.fileno(), name) for _, name in socket.if_nameindex())
        return [interface for interface in found if interface is not None]


def _interface(asked: int, name: str) -> Interface | None:
    request = _REQUEST.pack(name.encode())
    try:
        (flags,) = _FLAGS.unpack(fcntl.ioctl(asked, GET_FLAGS, request))
        if flags & UP and flags & MULTICAST:
            address, netmask = (
                socket.inet_ntoa(_ADDRESS.unpack(fcntl.ioctl(asked, code, request))[0])
                for code in (GET_ADDRESS, GET_NETMASK)
            )
            return Interface(name, address, netmask)
    except OSError:  # it has no address, or it has just gone
        pass
    return None


def all_addresses() -> list[Interface]:
    """Return each IPv4 address of the machine with its interface, loopback and second addresses included."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, suppress(OSError):
        return list(_addresses(asked.fileno()))
    return []


def _addresses(asked: int) -> Iterator[Interface]:
    """Yield the IPv4 addresses by interface. Raise OSError."""
    room = array.array("B", bytes(_MOST * _ENTRY))
    answer = fcntl.ioctl(asked, GET_ALL, _ROOM.pack(len(room), room.buffer_info()[0]))
    (used, _) = _ROOM.unpack(answer)
    for at in range(0, used, _ENTRY):
        entry = bytes(room[at : at + _ENTRY]).ljust(_REQUEST.size, b"\0")
        with suppress(OSError):  # it has just gone
            netmask = _ADDRESS.unpack(fcntl.ioctl(asked, GET_NETMASK, entry))[0]  # of this address, which it names
            name = entry[:16].rstrip(b"\0").decode(errors="replace").partition(":")[0]
            yield Interface(name, *(socket.inet_ntoa(each) for each in (_ADDRESS.unpack(entry)[0], netmask)))


def receiving(group: str) -> set[str] | None:
    """Return the interfaces on which the kernel receives a multicast group (/proc/net/igmp); None where unknown."""
    try:
        answer = Path("/proc/net/igmp").read_text("ascii", "replace")
    except OSError:
        return None
    wanted = f"{int.from_bytes(socket.inet_aton(group), sys.byteorder):08X}"
    found: set[str] = set()
    name = ""
    for line in answer.splitlines()[1:]:
        if interface := re.match(r"\d+\s+(\S+?)\s*:", line):
            name = interface[1]
        elif line.split()[:1] == [wanted]:
            found.add(name)
    return found
