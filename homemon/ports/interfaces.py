"""The machine's network interfaces, asked of the kernel (netdevice(7)): multicast wants to be told which."""

import fcntl
import socket
import struct
from typing import NamedTuple

GET_FLAGS, GET_ADDRESS, GET_NETMASK = 0x8913, 0x8915, 0x891B  # SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK
UP, MULTICAST = 0x1, 0x1000  # IFF_UP, IFF_MULTICAST, which the loopback is not
_REQUEST = struct.Struct("16s24x")  # struct ifreq: the name, then what is told
_FLAGS = struct.Struct("16xH22x")
_ADDRESS = struct.Struct("20x4s16x")  # struct sockaddr_in


class Interface(NamedTuple):
    """Its name, its first IPv4 address, and that address's netmask."""

    name: str
    address: str
    netmask: str


def lan_interfaces() -> list[Interface]:
    """Those that are up, can do multicast and have an IPv4 address: eth0 and wlan0 of a Pi, say."""
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
