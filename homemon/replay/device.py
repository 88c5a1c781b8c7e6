"""What devices on the LAN said, out of a trace: the datagrams go through the `Controller` that received them then."""

from typing import NamedTuple

from homemon.core.errors import WireError
from homemon.core.points import Point, Received
from homemon.echonet import codec as echonet
from homemon.echonet.codec import NOTIFIED, Esv
from homemon.replay.moment import Moment
from homemon.replay.report import BROKEN, CLOCK, ODD, OTHERS, ReplayReport
from homemon.sources.lan.controller import Controller
from homemon.sources.lan.reports import found_among
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source


class Device(NamedTuple):
    """What config.ini says of it: its object, whose notifications count, and its address, empty where none is known."""

    eoj: int = ECOCUTE.eoj
    accept_any: bool = False
    host: str = ""
    source: Source = ECOCUTE


class RecordedDevice:
    """One device: the one that was asked in the trace, else the configured one, else the first that reports."""

    def __init__(self, device: Device, report: ReplayReport) -> None:
        self._device = device
        self._report = report
        self._host = ""
        self._controller: Controller | None = None
        self._wake = float("inf")
        self._use(device.host)

    def sent(self, data: bytes, host: str) -> None:
        """Take a datagram that was sent: it may be a request to the device."""
        try:
            frame = echonet.decode(data)
        except WireError:
            return
        if frame.esv is Esv.GET and frame.deoj == self._device.eoj:
            self._use(host)

    def received(self, data: bytes, host: str, came: Moment) -> list[Point]:
        """Return the points of a datagram, and of earlier answers whose other parts did not come in time."""
        assert came.at is not None
        points: list[Point] = []
        while self._wake < came.at:
            points += self._step(self._wake)
        if not self._counts(data, host):
            return points
        if not came.believed:
            self._report.refuse(CLOCK)
            return points
        return points + self._step(came.at, (data, host))

    def close(self) -> list[Point]:
        """Return the points of answers whose other parts are missing, at the end of the record."""
        points: list[Point] = []
        while self._wake != float("inf"):
            points += self._step(self._wake)
        return points

    def _step(self, now: float, *datagrams: tuple[bytes, str]) -> list[Point]:
        assert self._controller is not None
        step = self._controller.step(now, now, datagrams)
        self._wake = step.wake
        self._report.refuse(ODD, len(step.notes))
        return [Received(*point)._replace(time=int(now)) for point in step.points]

    def _use(self, host: str) -> None:
        if host and host != self._host:
            self._host = host
            self._controller = Controller(
                host, self._device.eoj, self._device.accept_any, 0, source=self._device.source
            )
            self._wake = self._controller.start(self._controller.listen(), 0.0, 0.0).wake

    def _counts(self, data: bytes, host: str) -> bool:
        """Return whether a datagram reports readings of our device; note those of others, and broken ones."""
        try:
            frame = echonet.decode(data)
        except WireError:
            self._report.refuse(BROKEN, host == self._host)
            return False
        read = [prop for prop in frame.reported if prop.epc in self._device.source.fields]
        if found_among(self._device.source, (frame.seoj,), self._device.eoj) is None or not read:
            return False
        if not self._host:
            self._use(host)
        ours = host == self._host or (self._device.accept_any and frame.esv in NOTIFIED)
        self._report.refuse(OTHERS, 0 if ours else len(read))
        return ours
