"""A desk with the simulated module on it, in time that is passed by hand: no test sleeps."""

from typing import Any

from homemon.core.dialogue import Dialogue, Talk
from homemon.echonet import codec as echonet
from homemon.runtime.driver import Context, run
from homemon.runtime.virtual import VirtualLine
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.house import DAY, House
from homemon.sim.radio import METER
from homemon.skstack.join import Credentials
from homemon.skstack.lines import Happening, Parser, Udp
from homemon.sources.meter import properties as meter

NOON = 1_769_828_400  # 2026-01-31 12:00 JST
HOUSE = House(NOON - 100 * DAY)
SECRETS = Credentials(BID, PWD)


class Desk:
    """Somebody who types at a module and reads what it says, in time that is passed by hand."""

    def __init__(self, joined: bool = False, at: float = NOON + 60.0, **settings: Any) -> None:
        self.now = at
        self.module = Module(HOUSE, at, **{"push_after": 10.0, **settings})
        self.module.radio.session = joined
        self.parser = Parser()
        self.received: list[Happening] = []

    def type(self, text: str, payload: bytes = b"", end: str = "\r\n") -> bytes:
        """What is said at once to a command."""
        self.module.feed(text.encode() + (payload or end.encode()), self.now)
        return self.listen(0.0)

    def listen(self, seconds: float) -> bytes:
        """What is said in so many seconds."""
        end, said = self.now + seconds, b""
        while (due := self.module.due()) <= end:
            self.now = max(self.now, due)
            said += self.module.speak(self.now)
        self.now = end
        return said

    def get(self, *epcs: int, tid: int = 1) -> bytes:
        """Ask the meter; what the module says at once."""
        return self.request(echonet.encode(echonet.get(tid, meter.EOJ, epcs)))

    def request(self, frame: bytes) -> bytes:
        side = "" if self.module.radio.dialect == "a1" else " 0"
        return self.type(f"SKSENDTO 1 {METER} 0E1A 1{side} {len(frame):04X} ", frame)

    def answers(self, seconds: float = 30.0) -> list[echonet.Frame]:
        """The frames that come in so many seconds, through the real parser."""
        events = self.parser.feed(self.listen(seconds))
        return [echonet.decode(event.data) for event in events if isinstance(event, Udp)]

    def ask(self, *epcs: int) -> echonet.Frame:
        """Ask the meter and give its one answer."""
        self.get(*epcs)
        (answer,) = [frame for frame in self.answers(5.0) if frame.seoj == meter.EOJ]
        return answer

    def converse(self, dialogue: Dialogue[Any]) -> Any:
        """A real dialogue with the module, to its end."""
        line = VirtualLine(self.module, self._read, self.now)
        try:
            return run(Talk(), dialogue, line, Context())
        finally:
            self.now = line.time

    def _read(self, said: bytes) -> list[Happening]:
        events = self.parser.feed(said)
        self.received += events
        return events


def lines(said: bytes) -> list[str]:
    return said.decode().split("\r\n")[:-1]
