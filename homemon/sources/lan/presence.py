"""Our own node on the LAN: whom it answers, how much, what it announces, and where it is installed."""

from collections.abc import Callable, Sequence
from functools import cached_property

from homemon.echonet import codec as echonet
from homemon.echonet.codec import CONTROLLER, MULTICAST, NODE_PROFILE, Frame
from homemon.echonet.own_node import PLACE, Allowance, Network, OwnNode, is_asked, is_near

KEEP_PLACE_AFTER = 60.0  # seconds between two that are kept, on a card that wears out

Message = tuple[bytes, str]
"""A datagram and the address that it is for."""


class Presence:
    """What our node says of itself. `load` gives it, and is called when somebody asks it.

    It answers addresses of `networks` only, which its owner sets; all where that is None. `next_tid` gives the TID of
    an announcement.
    """

    def __init__(self, load: Callable[[], OwnNode], next_tid: Callable[[], int]) -> None:
        self.networks: Sequence[Network] | None = None
        self._load = load
        self._next_tid = next_tid
        self._send: list[Message] = []
        self._kept_place = self._place = b""
        self._allowance = Allowance()
        self._keep_place_at = float("-inf")

    @cached_property
    def _own(self) -> OwnNode:
        own = self._load()
        self._kept_place = self._place = own.place
        return own

    def step(self, now: float, wake: float) -> tuple[list[Message], bytes | None, float]:
        """Return what is to be sent, our place where it is to be kept, and `wake`, or earlier where that is due."""
        send, self._send = self._send, []
        place = None
        if self._place != self._kept_place:
            if now >= self._keep_place_at:
                self._kept_place, self._keep_place_at = self._place, now + KEEP_PLACE_AFTER
                place = self._kept_place
            else:
                wake = min(wake, self._keep_place_at)
        return send, place, wake

    def announce(self) -> None:
        """Let everybody know of our objects, as a node does that starts."""
        self._announce(NODE_PROFILE, 0xD5)

    def answer(self, frame: Frame, host: str, size: int, now: float) -> None:
        """Answer a frame of `size` bytes, if it asks us, as far as that is allowed; announce what it changed."""
        if not (is_asked(frame) and is_near(host, self.networks) and self._allowance.grants(host, size, now)):
            return
        reply = self._own.answer(frame)
        data = echonet.encode(reply) if reply else b""
        if data and self._allowance.grants(host, len(data), now):
            self._send.append((data, host))
        if self._own.place != self._place:
            self._place = self._own.place
            self._announce(CONTROLLER, PLACE)

    def _announce(self, eoj: int, epc: int) -> None:
        self._send.append((echonet.encode(self._own.announcement(self._next_tid(), eoj, epc)), MULTICAST))
