"""What leads out of the Pi: the module's serial line, the LAN and the monitor's line, in virtual time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from homemon.core.dialogue import Step
from homemon.core.errors import HomemonError, PortError, PortVanished
from homemon.core.requests import Request
from homemon.ports.serial_port import ModulePort, SerialLine
from homemon.ports.udp_node import Datagram, UdpNode
from homemon.runtime.context import App
from homemon.runtime.lan import Lan
from homemon.runtime.meter_programs import poll
from homemon.runtime.owner import Owner
from homemon.runtime.radio import Radio
from homemon.runtime.stop import Stop
from homemon.sim.kyocera import BYTE, Monitor

if TYPE_CHECKING:
    from tests.longrun.year.pi import Pi, VirtualApp

TRIP = 0.05  # seconds on the LAN, there and back
US = "192.0.2.1"
TICK = 1e-5  # seconds; less is nothing to a float that counts them since 1970
PIECE = 32 * BYTE  # seconds; the reader is woken for so much of the monitor's line


class ModuleLine(SerialLine):
    """The module's serial line; one that is unplugged vanishes."""

    def __init__(self, pi: "Pi") -> None:
        self._pi = pi

    def close(self) -> None:
        """Nothing to let go of."""

    def write(self, data: bytes) -> None:
        self._pi.check()
        self._there()
        self._pi.world.module.feed(data, self._pi.time.now)

    def read(self, within: float) -> bytes:
        world, time = self._pi.world, self._pi.time
        deadline = time.now + max(within, TICK)
        while not self._pi.asked:
            self._pi.check()
            self._there()
            if said := world.module.speak(time.now):
                return said
            if time.now >= deadline:
                return b""
            time.wait(min(deadline, world.module.due()))
        return b""

    def _there(self) -> None:
        if self._pi.world.unplugged:
            raise PortVanished("the port went away")


class VirtualRadio(Radio):
    """The real loop over the virtual line."""

    def __init__(self, pi: "Pi", app: App) -> None:
        self._pi = pi
        super().__init__(app, history_days=app.smartmeter.history_days)
        self.questions = VirtualOwner(pi, self)

    def open(self) -> ModulePort:
        if self._pi.world.unplugged:
            raise PortError("there is no serial port")
        return ModulePort(ModuleLine(self._pi), clock=self.app.now)


class VirtualOwner(Owner):
    """Cron's `meter-poll E0 E3`, asked through the listener; nobody waits for what it answers."""

    handles: Sequence[int] = ()
    within = float("inf")

    def __init__(self, pi: "Pi", radio: Radio) -> None:
        self._pi = pi
        self._radio = radio

    def requests(self) -> list[Request]:
        session, asked, self._pi.asked = self._radio.session, self._pi.asked, 0
        return [Request(number=0, program=lambda: poll(session, (0xE0, 0xE3))) for _ in range(asked)]

    def take(self, step: Step) -> None:
        """Whatever became of it."""

    def fail_while_away(self, seconds: float, error: HomemonError, stop: Stop) -> None:
        self._pi.asked = 0
        stop.wait(seconds)


class VirtualStop(Stop):
    """Nobody asks the listener to end."""

    def __init__(self, pi: "Pi") -> None:
        self._pi = pi
        self.requested = False

    def wait(self, seconds: float, handles: Sequence[int] = ()) -> None:
        self._pi.time.sleep(seconds)
        self._pi.check()


class Node(UdpNode):
    """Our UDP port, and the EcoCute at the other end of the LAN."""

    def __init__(self, pi: "Pi") -> None:
        self._pi = pi
        self._coming: list[tuple[float, bytes, str]] = []

    @property
    def is_homeless(self) -> bool:
        return False

    @property
    def networks(self) -> list[tuple[int, int]]:
        return []

    def close(self) -> None:
        """Nothing to let go of."""

    def send(self, data: bytes, host: str, port: int) -> None:
        world, now = self._pi.world, self._pi.time.now
        self._pi.check()
        if not world.lan_away:
            for reply in world.unit.answer(data, (US, 3610), now):
                world.books.ecocute_reported(now)
                self._coming.append((now + TRIP + reply.delay, reply.data, host))

    def read(self, within: float) -> list[Datagram]:
        time = self._pi.time
        deadline = time.now + max(within, TICK)
        while True:
            self._pi.check()
            come = [each for each in self._coming if each[0] <= time.now]
            if come or time.now >= deadline:
                self._coming = [each for each in self._coming if each[0] > time.now]
                return [Datagram(data, host, 3610) for _, data, host in come]
            time.wait(min([deadline, *(at for at, _, _ in self._coming)]))


class VirtualLan(Lan):
    """The real loop over the virtual LAN."""

    def __init__(self, pi: "Pi", app: App) -> None:
        self._pi = pi
        super().__init__(app)

    def open(self) -> UdpNode:
        return Node(self._pi)


class MonitorLine:
    """The solar monitor's serial line."""

    def __init__(self, pi: "Pi") -> None:
        self._pi = pi
        self._monitor = Monitor(pi.world.house, pi.world.monitor_faults)

    def write(self, data: bytes) -> None:
        self._pi.check()
        if not self._pi.world.monitor_away:
            self._monitor.feed(data, self._pi.time.now)

    def read(self, within: float) -> bytes:
        time, deadline = self._pi.time, self._pi.time.now + max(within, TICK)
        while True:
            due = self._monitor.due()
            end = deadline if due is None else min(deadline, due + PIECE)
            if time.now < end:
                time.wait(end)
            self._pi.check()
            if (said := self._monitor.speak(time.now)) or time.now >= deadline:
                return said

    def close(self) -> None:
        """Nothing to let go of."""


def open_monitor(app: "VirtualApp") -> MonitorLine:
    """In the place of `dump.open_line`."""
    return MonitorLine(app.pi)
