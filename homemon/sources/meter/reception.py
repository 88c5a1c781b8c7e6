"""Taking the readings out of what the meter says: the same live, and again out of what was written down."""

from collections.abc import Iterable
from typing import Any

from homemon.core.errors import WireError
from homemon.echonet import codec as echonet
from homemon.echonet.codec import Frame, Property
from homemon.skstack.lines import Udp
from homemon.sources.meter import properties as meter
from homemon.sources.meter.properties import Report, Scale

MAX_WAITING = 10_000  # registers kept for want of the unit: more than a season of half-hours


class NotBelieved(Exception):
    """A datagram that is of another meter, or not encrypted; `frame` is what it says, None where that is broken."""

    def __init__(self, why: str, frame: Frame | None) -> None:
        super().__init__(why)
        self.frame = frame


class Reception:
    """One meter at a time. Registers that come before their unit wait for it, each with `came`, the owner's own."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Property, Any]] = []
        self._dropped = 0

    def frame(self, udp: Udp, address: str | None) -> Frame | None:
        """Return what the meter says, at `address` where that is known; None for what is no ECHONET Lite of a meter.

        Raise NotBelieved, and WireError for a frame of the meter that is broken.
        """
        if echonet.PORT not in (udp.lport, udp.rport):
            return None
        if not is_from(udp, address):
            why = "not our meter" if address not in (None, udp.sender) else "not encrypted"
            raise NotBelieved(why, _sound(udp.data))
        frame = echonet.decode(udp.data)
        return frame if frame.seoj == meter.EOJ else None

    def report(self, frame: Frame, scale: Scale | None, came: Any) -> Report:
        """Return the readings of a frame; those that lack their unit wait."""
        report = meter.report(frame, scale)
        self.wait(report.unscaled, came)
        return report

    def wait(self, registers: Iterable[Property], came: Any) -> None:
        """Keep registers until the unit is known, the newest of them."""
        self._waiting += [(prop, came) for prop in registers]
        self._dropped += max(0, len(self._waiting) - MAX_WAITING)
        del self._waiting[:-MAX_WAITING]

    def waited(self) -> list[tuple[Property, Any]]:
        """Return the registers that waited, for now the unit is known."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def forget(self) -> int:
        """Give up the registers that wait, and return how many never got a unit."""
        count, self._dropped = len(self.waited()) + self._dropped, 0
        return count


def is_from(udp: Udp, address: str | None) -> bool:
    """Return whether a datagram is of the meter: what is not encrypted anybody can send, by whatever address."""
    return address in (None, udp.sender) and udp.secured != 0


def _sound(data: bytes) -> Frame | None:
    try:
        return echonet.decode(data)
    except WireError:
        return None
