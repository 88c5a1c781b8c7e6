"""The controller and simulated EcoCutes on a LAN in virtual time: real frames, and no waiting."""

from typing import Any

from homemon.core.dialogue import Dialogue
from homemon.core.points import Point
from homemon.echonet import codec as echonet
from homemon.echonet.codec import MULTICAST, Esv, Frame
from homemon.sim.ecocute import Ecocute, Faults
from homemon.sources.lan.controller import Controller, Step

HOST, OTHER, US = "192.0.2.20", "192.0.2.99", "192.0.2.1"
UNIT, NODE, CONTROLLER = 0x026B01, 0x0EF001, 0x05FF01
NOW = 1_800_000_000.0  # Unix time at virtual time 0
TRIP = 0.05  # seconds on the LAN, there and back


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
    return {"power": 1000 + int(at), "powerSum": 4_000_000 + int(at), "tank": 200 + int(at)}


class World:
    """`points`, `notes`, `complaints` and `sent` (time, frame, to whom) are what came out of the controller.

    `late` are the points that it gave with the virtual time of their receipt.
    """

    def __init__(
        self, faults: Faults | None = None, accept_any: bool = False, controller: Controller | None = None
    ) -> None:
        self.controller = controller or Controller(HOST, UNIT, accept_any, 7)
        self.units = {HOST: Ecocute(Passing(), faults)}
        self.now = 0.0
        self.points: list[Point] = []
        self.late: list[tuple[Point, float]] = []
        self.notes: list[str] = []
        self.complaints: list[str] = []
        self.sent: list[tuple[float, Frame, str]] = []
        self._arriving: list[tuple[float, bytes, str]] = []

    def comes(self, data: bytes | Frame, host: str = HOST, after: float = 0.0) -> None:
        """A datagram is on its way to us."""
        raw = data if isinstance(data, bytes) else echonet.encode(data)
        self._arriving.append((self.now + after, raw, host))

    def run(self, program: Dialogue[Any], within: float = 60.0) -> Any:
        """To its end, or for so long."""
        end = self.now + within
        try:
            step = self._take(self.controller.start(program, self.now))
            while not step.done and self.now < end:
                self.now = max(self.now, min(end, step.wake, *(at for at, _, _ in self._arriving)))
                come = [(data, host) for at, data, host in self._arriving if at <= self.now]
                self._arriving = [each for each in self._arriving if each[0] > self.now]
                step = self._take(self.controller.step(self.now, come))
        finally:
            self.points += self.controller.take_points()
        return step.result

    def listen(self, seconds: float = 10.0) -> None:
        self.run(self.controller.listen(), seconds)

    def _take(self, step: Step) -> Step:
        self.points += step.points
        self.late += [(point, self.now - ago) for point, ago in step.late]
        self.notes += step.notes
        self.complaints += step.complaints
        for data, host in step.send:
            self.sent.append((self.now, echonet.decode(data), host))
            for each, unit in self.units.items():
                if each == host or (host == MULTICAST and not unit.deaf):
                    for reply in unit.answer(data, (US, 3610), NOW + self.now):
                        self.comes(reply.data, each, TRIP + reply.delay)
        return step

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
