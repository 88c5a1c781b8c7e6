"""A simulated ECHONET Lite node behind real UDP sockets, in real time.

It receives what is for everybody (224.0.23.0) on the interface of its own address and on no other.
`serve` sleeps in `select` until a datagram comes, one of the node's own is due, or `stop` is called.
`truth` lists the values that really went out whole, in whatever frame.
"""

import contextlib
import heapq
import os
import select
import socket
from collections.abc import Callable
from itertools import count

from homemon.sim.bp35c0 import Truth
from homemon.sim.ecocute import DEVICE, HYBRID, OVERFLOW, Ecocute, Reply
from homemon.sim.terminal import LONGEST_SLEEP, READ_SIZE, Clock

GROUP = "224.0.23.0"  # every node of the LAN
LARGEST = 65_535
BURST = 64  # datagrams taken at once
IP_MULTICAST_ALL = 49  # ip(7): without it a socket receives groups that other programs joined on other interfaces
SIZES = {0x84: 2, 0x85: 4, 0xE1: 2}


class Network:
    """`with Network(node, address) as network:` the node on UDP `port` of our address `bind`, once `serve` runs.

    With `informs` it notifies the LAN at once, and then whenever the node is due. `record` receives each truth.
    """

    def __init__(
        self,
        node: Ecocute,
        bind: str,
        port: int = 3610,
        informs: bool = False,
        record: Callable[[Truth], None] | None = None,
    ) -> None:
        self.node = node
        self.truth: list[Truth] = []
        self.bind = bind
        self._port, self._informs, self._record = port, informs, record
        self._clock = Clock()
        self._sockets = {port: self._open(port)}  # by source port
        self._listening = [self._sockets[port], *self._join()]
        self._order = count()
        self._waiting: list[tuple[float, int, Reply, str]] = []  # when, in which order, what, to whom
        self._wakened, self.waker = os.pipe()
        os.set_blocking(self.waker, False)
        self._stopped = False

    def serve(self) -> None:
        """Serve until `stop`."""
        if self._informs:
            self._keep(self.node.inform(self._clock()), GROUP)
        while not self._stopped:
            ready, _, _ = select.select(
                (*map(socket.socket.fileno, self._listening), self._wakened), (), (), self._sleep()
            )
            if self._wakened in ready:
                os.read(self._wakened, READ_SIZE)
            for listening in self._listening:
                self._receive(listening)
            if (due := self.node.due()) is not None and due <= self._clock():
                self._keep(self.node.inform(self._clock()), GROUP)
            while self._waiting and self._waiting[0][0] <= self._clock():
                _, _, reply, host = heapq.heappop(self._waiting)
                self._send(reply, host)

    def stop(self) -> None:
        """Make `serve` return. May be called from another thread or from a signal handler."""
        self._stopped = True
        os.write(self.waker, b"!")

    def close(self) -> None:
        for opened in (*self._sockets.values(), *self._listening[1:]):
            opened.close()
        os.close(self._wakened)
        os.close(self.waker)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- inside --------------------------------------------------------------------

    def _open(self, port: int) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            opened.bind((self.bind, port))
            if self.bind != "0.0.0.0":
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.bind))
        except OSError:
            opened.close()
            raise
        return opened

    def _join(self) -> list[socket.socket]:
        """Return a socket for the group at our own address; empty where the first one has all addresses."""
        if self.bind == "0.0.0.0" or self.node.deaf:
            return []
        group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            group.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
            group.bind((GROUP, self._port))
            membership = socket.inet_aton(GROUP) + socket.inet_aton(self.bind)
            group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        except OSError:
            group.close()
            self._sockets[self._port].close()
            raise
        return [group]

    def _sleep(self) -> float:
        """Return the seconds until something is due."""
        times = [due for due in (self.node.due(), self._waiting[0][0] if self._waiting else None) if due is not None]
        return min(max(0.0, min(times, default=LONGEST_SLEEP + self._clock()) - self._clock()), LONGEST_SLEEP)

    def _receive(self, listening: socket.socket) -> None:
        for _ in range(BURST):
            try:
                data, sender = listening.recvfrom(LARGEST)
            except OSError:  # nothing more
                return
            for reply in self.node.answer(data, sender, self._clock()):
                self._keep(reply, sender[0])

    def _keep(self, reply: Reply, host: str) -> None:
        """Keep a reply until its time comes."""
        heapq.heappush(self._waiting, (self._clock() + reply.delay, next(self._order), reply, host))

    def _send(self, reply: Reply, host: str) -> None:
        """Send a datagram, which is lost where the machine cannot send it."""
        with contextlib.suppress(OSError):
            if reply.from_port not in self._sockets:
                self._sockets[reply.from_port] = self._open(reply.from_port)
            self._sockets[reply.from_port].sendto(reply.data, (host, reply.to_port))
            for epc, value in readings_in(reply.data):
                self.truth.append(Truth(self._clock(), epc, value, pushed=host == GROUP))
                if self._record:
                    self._record(self.truth[-1])


def readings_in(frame: bytes) -> list[tuple[int, int]]:
    """Return EPC and value of each reading in a frame of the device, if it is whole."""
    if len(frame) < 12 or frame[4:7] not in (DEVICE, HYBRID) or frame[10] not in (0x52, 0x53, 0x72, 0x73, 0x74):
        return []
    values, at = [], 12
    for _ in range(frame[11]):
        if at + 2 > len(frame):
            return []
        epc, edt, at = frame[at], frame[at + 2 : at + 2 + frame[at + 1]], at + 2 + frame[at + 1]
        if SIZES.get(epc) == len(edt) and edt != OVERFLOW[epc]:
            values.append((epc, int.from_bytes(edt)))
    return values if at == len(frame) else []
