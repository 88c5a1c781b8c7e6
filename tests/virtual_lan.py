"""The controller and simulated EcoCutes on a LAN in virtual time: real frames, and no waiting."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Step
from homemon.core.points import Point
from homemon.echonet import codec as echonet
from homemon.echonet.codec import MULTICAST, Esv, Frame
from homemon.runtime.driver import Context, run
from homemon.runtime.stop import Stopped
from homemon.runtime.virtual import VirtualLan
from homemon.sim.ecocute import Ecocute, Faults
from homemon.sources.lan.controller import Controller
from homemon.sources.registry import ECOCUTE

HOST, OTHER, US = "192.0.2.20", "192.0.2.99", "192.0.2.1"
UNIT, NODE, CONTROLLER = 0x026B01, 0x0EF001, 0x05FF01
NOW = 1_800_000_000.0  # Unix time at virtual time 0
TRIP = 0.05  # seconds on the LAN, there and back
MEASURED = (0x84, 0x85, 0xE1)
THREE = ECOCUTE._replace(series=tuple(series for series in ECOCUTE.series if series.epc in MEASURED))
"""An EcoCute of which no more is asked than `Passing` measures, whatever else the registry asks for."""


class Passing:
    """A house whose every second has values of its own."""

    def ecocute_power(self, t: float, /) -> int:
        return 1000 + int(t - NOW)

    def ecocute_energy(self, t: float, /) -> int:
        return 4_000_000 + int(t - NOW)

    def tank(self, t: float, /) -> int:
        return 200 + int(t - NOW)


def truth(at: float) -> dict[str, int]:
    """What the unit says of itself at that time."""
    values = (1000 + int(at), 4_000_000 + int(at), 200 + int(at))
    return {THREE.fields[epc]: value for epc, value in zip(MEASURED, values, strict=True)}


class World(Context):
    """`points`, `notes`, `warnings` and `sent` (time, frame, to whom) are what came out of the controller.

    `late` are the points that it gave with the virtual time of their receipt.
    """

    def __init__(
        self, faults: Faults | None = None, accept_any: bool = False, controller: Controller | None = None
    ) -> None:
        self.controller = controller or Controller(HOST, UNIT, accept_any, 7, source=THREE)
        self.units = {HOST: Ecocute(Passing(), faults)}
        self.lan = VirtualLan(self._answers, 0.0)
        self.points: list[Point] = []
        self.late: list[tuple[Point, float]] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.sent: list[tuple[float, Frame, str]] = []

    @property
    def now(self) -> float:
        return self.lan.time

    def comes(self, data: bytes | Frame, host: str = HOST, after: float = 0.0) -> None:
        """A datagram is on its way to us."""
        self.lan.comes(data if isinstance(data, bytes) else echonet.encode(data), host, after)

    def run(self, program: Dialogue[Any], within: float = 60.0) -> Any:
        """To its end, or for so long."""
        self._end = self.now + within
        with suppress(Stopped):
            return run(self.controller, program, self.lan, self)

    def listen(self, seconds: float = 10.0) -> None:
        self.run(self.controller.listen(), seconds)

    def record(self, step: Step, at: Instant) -> None:
        self.points += step.points
        self.late += [(point, self.now - ago) for point, ago in step.late]

    def report(self, step: Step) -> None:
        self.notes += step.notes
        self.warnings += step.warnings

    def deadline(self, step: Step, at: Instant) -> float:
        if self.now >= self._end:
            raise Stopped
        return min(step.wake, self._end)

    def _answers(self, data: bytes, host: str, now: float) -> Iterator[tuple[float, bytes, str]]:
        self.sent.append((now, echonet.decode(data), host))
        for each, unit in self.units.items():
            if each == host or (host == MULTICAST and not unit.deaf):
                for reply in unit.answer(data, (US, 3610), NOW + now):
                    yield TRIP + reply.delay, reply.data, each

    @property
    def unit(self) -> Ecocute:
        """The one at HOST."""
        return self.units[HOST]

    @property
    def fields(self) -> list[dict[str, Any]]:
        return [dict(point.fields) for point in self.points]

    @property
    def requests(self) -> list[tuple[float, Frame]]:
        return [(at, frame) for at, frame, host in self.sent if host == HOST and frame.esv is Esv.GET]
