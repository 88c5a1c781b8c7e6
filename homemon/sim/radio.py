"""The state of the simulated module, its clock and its serial output: what commands and faults act on.

Times are Unix time of the meter's clock; `pace` scales the durations given to `later`.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Literal, NamedTuple

from homemon.sim.smart_meter import SmartMeter

Dialect = Literal["c", "a1", "dss"]
"""BP35C0 · BP35A1 · RL7023 Stick-D/DSS, which is as a C but knows no ROPT and WOPT."""

OWN_MAC, OWN = "0000AA0000000001", "FE80:0000:0000:0000:0200:AA00:0000:0001"
METER_MAC, METER = "0000AA0000000002", "FE80:0000:0000:0000:0200:AA00:0000:0002"
RSSI = "C8"
NOISES = (b"\x00\xfe", b"\xf8\x00~x\x80\r\n")
_REGISTERS = {"S2": "21", "S3": "FFFF", "SFE": "1", "SA2": "0"}  # after switching on


class _Deed(NamedTuple):
    """Something to be done at a time; `order` keeps those of one time in order."""

    time: float
    order: int
    do: Callable[[], None]
    survives: bool  # a power cycle


class Radio:
    """A module of one dialect, and the meter that it can reach.

    `raw`: payloads in binary, as after `WOPT 00`; `bid` and `pwd`: what the meter accepts.
    """

    def __init__(
        self,
        meter: SmartMeter,
        now: float,
        *,
        dialect: Dialect,
        bid: str,
        pwd: str,
        pace: float,
        raw: bool,
        rng: Random,
    ) -> None:
        self.meter = meter
        self.mac, self.address = METER_MAC, METER  # of the meter
        self.dialect, self.bid, self.pwd, self.pace = dialect, bid, pwd, pace
        self.raw = raw and dialect != "dss"  # in flash, as is the count of its writes (a real module bears 10,000)
        self.flash_writes = 0
        self.now = now
        self.side = "" if dialect == "a1" else " 0"  # the argument that distinguishes the dialects
        self.forgotten = False  # by the meter, while the module believes in the session
        self.standing: dict[str, float] = {}  # faults that last, by name
        self.flips: list[float] = []  # when a bit was flipped
        self.out = bytearray()
        self._seen: Counter[str] = Counter()
        self._rng = rng
        self._deeds: list[_Deed] = []
        self._order = 0
        self.forget()

    def forget(self, switched_off: bool = False) -> None:
        """Lose what is volatile: credentials, registers, the session; without power also what was under way."""
        self.registers = dict(_REGISTERS)
        self.rbid = self.password = ""
        self.session = False
        self.limited_until = self.now  # no sending before, for the ARIB limit
        self.input = b""
        if switched_off:
            self.out.clear()
            self._deeds = [deed for deed in self._deeds if deed.survives]
            heapq.heapify(self._deeds)

    @property
    def echoing(self) -> bool:
        """Whether commands are echoed (register SFE)."""
        return self.registers["SFE"] == "1"

    @property
    def in_touch(self) -> bool:
        """Whether module and meter both believe in the session."""
        return self.session and not self.forgotten

    def exchange_meter(self, first: int) -> None:
        """Put another meter in the old one's place: a new address, a register from `first` joules on, and no past."""
        old = self.meter
        self.mac = f"{int(self.mac, 16) + 1:016X}"
        self.address = link_local(self.mac)
        self.meter = SmartMeter(old.house, old.exponent, old.coefficient, old.digits, (), self.now, first)
        self.forgotten = self.session

    # --- time ------------------------------------------------------------------------

    def at(self, time: float, do: Callable[[], None], survives: bool = False) -> None:
        """Have something done at `time`."""
        self._order += 1
        heapq.heappush(self._deeds, _Deed(time, self._order, do, survives))

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Have something done after `seconds` of the module's pace."""
        self.at(self.now + seconds * self.pace, do)

    def due(self) -> float:
        """Return when something is done or said next. There is always a next half-hour."""
        return self.now if self.out else self._deeds[0].time

    def advance(self, now: float) -> None:
        """Do what is due, each at its own time."""
        while self._deeds and self._deeds[0].time <= now:
            deed = heapq.heappop(self._deeds)
            self.now = max(self.now, deed.time)
            deed.do()
        self.now = max(self.now, now)

    # --- faults ----------------------------------------------------------------------

    def stand(self, name: str, value: float) -> None:
        """Set a fault that lasts, or end it with 0; "each Nth" counts from now on."""
        self.standing[name] = value
        self._seen[name] = 0

    def strikes(self, name: str) -> bool:
        """Return whether it is the turn of a standing fault that strikes each Nth time."""
        self._seen[name] += 1
        return self.standing[name] > 0 and self._seen[name] % self.standing[name] == 0

    def used_up(self, name: str) -> bool:
        """Return whether a standing fault that strikes N times in all does not strike any more."""
        left = self.standing[name]
        self.standing[name] = max(0, left - 1)
        return left <= 0

    # --- output ----------------------------------------------------------------------

    def say(self, *lines: str) -> None:
        """Send lines with their ends."""
        self.put("".join(line + "\r\n" for line in lines).encode())

    def event(self, number: str, address: str, parameter: str = "") -> None:
        """Send an EVENT line of this dialect."""
        self.say(f"EVENT {number} {address}{self.side}" + (f" {parameter}" if parameter else ""))

    def put(self, data: bytes) -> None:
        """Send bytes, maybe with noise before them; a dead module sends nothing."""
        if self.standing["dead"]:
            return
        if self.strikes("noise"):
            self.out += self._rng.choice(NOISES)
        self.out += data

    def datagram(self, payload: bytes, port: str = "0E1A", secured: int = 1, to: str = OWN) -> bool:
        """Send an ERXUDP line; return whether it came out whole."""
        rssi = f" {RSSI}" if self.registers["SA2"] == "1" and self.dialect != "a1" else ""
        head = f"ERXUDP {self.address} {to} {port} {port} {self.mac}{rssi} {secured}{self.side} {len(payload):04X} "
        line = head.encode() + (payload if self.raw else payload.hex().upper().encode())
        garbled = self.strikes("garble")
        if garbled:
            lost = self._rng.randrange(len(line))
            line = line[:lost] + line[lost + 1 :]
        flipped = self.strikes("flip")
        if flipped:
            self.flips.append(self.now)
            line = self._flipped(line, len(head))
        self.put(line + b"\r\n")
        return not garbled and not flipped and not self.standing["dead"]

    def _flipped(self, line: bytes, start: int) -> bytes:
        """Return the line with one bit of its payload flipped; in hex, the result is still hex."""
        while True:
            at, bit = self._rng.randrange(start, len(line)), 1 << self._rng.randrange(8)
            other = bytes((line[at] ^ bit,))
            if self.raw or other in b"0123456789ABCDEF":
                return line[:at] + other + line[at + 1 :]


def link_local(mac: str) -> str:
    """Return the link-local address of a MAC: the second-lowest bit of the first byte inverted (RFC 4291)."""
    low = f"{int(mac, 16) ^ 0x0200000000000000:016X}"
    return f"FE80:0000:0000:0000:{low[:4]}:{low[4:8]}:{low[8:12]}:{low[12:]}"
