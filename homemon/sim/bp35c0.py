"""A Wi-SUN module with a smart meter behind it, byte for byte, over time that is passed in.

    module.feed(data, now)     what somebody types into the module's serial port
    module.due()               when it next has something to say
    module.speak(now)          everything it has said by then
    module.fault(name, value)  from now on it misbehaves: see `faults.FAULTS`

`now` is Unix time of the meter's clock; the half-hours follow it. `pace` scales every duration of the
module and the meter, so that a scan or a join need not take a test its real time. Everything is spelled
in literal bytes: nothing is shared with the code that reads them. `truth` lists the values that really
went out whole.

Sources: BP35A1 command reference 1.3.0; captures q01 … q09, xD5, t01, t04 for the looks of the lines.
"""

import heapq
import re
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Literal, NamedTuple

from homemon.sim.bp35c0_commands import COMMANDS, METER, METER_MAC, OWN, link_local
from homemon.sim.faults import FAULTS, read_value
from homemon.sim.house import HALF_HOUR, House
from homemon.sim.smart_meter import Reply, SmartMeter, Value

Dialect = Literal["c", "a1", "dss"]
"""BP35C0 · BP35A1 · RL7023 Stick-D/DSS, which is as a C but knows no ROPT and WOPT."""

BID, PWD = "00112233445566778899AABBCCDDEEFF", "0123456789AB"
RSSI = "C8"
LARGEST = 0x04D0  # bytes of one datagram
REPLY_AFTER = 1.5  # s; 1.2 to 3.6 in the field
PUSHED_WITHIN = (15.0, 285.0)  # s after the half-hour; 5 minutes at most
NOISES = (b"\x00\xfe", b"\xf8\x00~x\x80\r\n")

_IP = rb"[0-9A-F]{4}(?::[0-9A-F]{4}){7}"
_SENDTO_A1 = re.compile(rb"SKSENDTO [1-6] (" + _IP + rb") ([0-9A-F]{4}) [0-2] ([0-9A-F]{4}) ")
_SENDTO_C = re.compile(rb"SKSENDTO [1-6] (" + _IP + rb") ([0-9A-F]{4}) [0-2] [01] ([0-9A-F]{4}) ")
_SENDTO_LONGEST = 68
_LINE = re.compile(rb"(?s)(?:((?:ROPT|WOPT|RUART|WUART)[^\r]*)\r|(.*?)\r\n)")
"""A command, in one of the groups: the module's own end in CR alone, those of SKSTACK in CR LF."""
_REGISTERS = {"S2": "21", "S3": "FFFF", "SFE": "1", "SA2": "0"}  # after switching on


class Truth(NamedTuple):
    """A value that went out whole: when, which, and whether the meter sent it of itself. See `Value`."""

    time: float
    epc: int
    value: Value
    pushed: bool


class _Deed(NamedTuple):
    """Something to be done at a time; `order` keeps those of one time in order."""

    time: float
    order: int
    do: Callable[[], None]
    survives: bool  # a power cycle


class Module:
    """The module and its meter. `raw`: payloads in binary, as after `WOPT 00`; `push_after`: seconds from a
    half-hour to its notification, a random time within 5 minutes by default; `record` hears each truth."""

    def __init__(
        self,
        house: House,
        now: float,
        *,
        dialect: Dialect = "c",
        bid: str = BID,
        pwd: str = PWD,
        pace: float = 1.0,
        raw: bool = False,
        push_after: float | None = None,
        meter: SmartMeter | None = None,
        faults: Mapping[str, object] | None = None,
        record: Callable[[Truth], None] | None = None,
        seed: int = 1,
    ) -> None:
        self.meter = meter or SmartMeter(house)
        self.mac, self.address = METER_MAC, METER  # of the meter
        self.truth: list[Truth] = []
        self.dialect, self.bid, self.pwd, self.pace = dialect, bid, pwd, pace
        self.raw = raw and dialect != "dss"  # in flash, as is the count of its writes (a real module bears 10,000)
        self.flash_writes = 0
        self.now = now
        self.side = "" if dialect == "a1" else " 0"  # the argument that tells the dialects apart
        self.forgotten = False  # by the meter, while the module believes in the session
        self.standing = {row.name: 0.0 for row in FAULTS.values() if row.act is None}
        self._seen: Counter[str] = Counter()
        self._push_after = push_after
        self._record = record
        self._rng = Random(f"{seed} module")
        self._out = bytearray()
        self._deeds: list[_Deed] = []
        self._order = 0
        self._busy_until = now  # the meter answers one request at a time
        self.forget()
        self._await_half_hour()
        for name, value in (faults or {}).items():
            self.fault(name, value)

    # --- for the owner -------------------------------------------------------------

    def feed(self, data: bytes, now: float) -> None:
        """Bytes typed into the module."""
        self._pass(now)
        if not self.standing["dead"]:
            self._input += data
            while self._take_command():
                pass

    def due(self) -> float:
        """When `speak` is to be called next. There is always a next half-hour."""
        return self.now if self._out else self._deeds[0].time

    def speak(self, now: float) -> bytes:
        """What the module says until `now`."""
        self._pass(now)
        said, self._out = bytes(self._out), bytearray()
        return said

    def fault(self, name: str, value: object = None, at: float | None = None) -> None:
        """Switch a fault of the table on (or off, with 0), now or at a time to come.

        Raises ValueError where name or value are not of the table.
        """
        wanted = read_value(name, value)
        row = FAULTS[name]

        def begin() -> None:
            if row.act is None:
                self.standing[name] = wanted
                self._seen[name] = 0
            else:
                row.act(self, wanted)

        if at is None:
            begin()
        else:
            self.at(at, begin, survives=True)

    def forget(self, switched_off: bool = False) -> None:
        """Lose what is volatile: credentials, registers, the session; without power also what was under way."""
        self.registers = dict(_REGISTERS)
        self.rbid = self.password = ""
        self.session = False
        self.limited_until = self.now  # no sending before, for the ARIB limit
        self._input = b""
        if switched_off:
            self._out.clear()
            self._deeds = [deed for deed in self._deeds if deed.survives]
            heapq.heapify(self._deeds)

    # --- time ------------------------------------------------------------------------

    def at(self, time: float, do: Callable[[], None], survives: bool = False) -> None:
        """Have something done at `time`."""
        self._order += 1
        heapq.heappush(self._deeds, _Deed(time, self._order, do, survives))

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Have something done after `seconds` of the module's pace."""
        self.at(self.now + seconds * self.pace, do)

    def _pass(self, now: float) -> None:
        """Do what is due, each at its own time."""
        while self._deeds and self._deeds[0].time <= now:
            deed = heapq.heappop(self._deeds)
            self.now = max(self.now, deed.time)
            deed.do()
        self.now = max(self.now, now)

    def strikes(self, name: str) -> bool:
        """Whether it is the turn of a standing fault that strikes each Nth time."""
        self._seen[name] += 1
        return self.standing[name] > 0 and self._seen[name] % self.standing[name] == 0

    def used_up(self, name: str) -> bool:
        """Whether a standing fault that strikes N times in all does not strike any more."""
        left = self.standing[name]
        self.standing[name] = max(0, left - 1)
        return left <= 0

    # --- mouth -----------------------------------------------------------------------

    def say(self, *lines: str) -> None:
        """Lines with their ends."""
        self.put("".join(line + "\r\n" for line in lines).encode())

    def event(self, number: str, address: str, parameter: str = "") -> None:
        """An EVENT line of this dialect."""
        self.say(f"EVENT {number} {address}{self.side}" + (f" {parameter}" if parameter else ""))

    def put(self, data: bytes) -> None:
        """Bytes onto the wire, maybe with noise before them; a dead module's go nowhere."""
        if self.standing["dead"]:
            return
        if self.strikes("noise"):
            self._out += self._rng.choice(NOISES)
        self._out += data

    def datagram(self, payload: bytes, port: str = "0E1A", secured: int = 1, to: str = OWN) -> bool:
        """An ERXUDP line; whether it came out whole."""
        rssi = f" {RSSI}" if self.registers["SA2"] == "1" and self.dialect != "a1" else ""
        head = f"ERXUDP {self.address} {to} {port} {port} {self.mac}{rssi} {secured}{self.side} {len(payload):04X} "
        line = head.encode() + (payload if self.raw else payload.hex().upper().encode())
        garbled = self.strikes("garble")
        if garbled:
            lost = self._rng.randrange(len(line))
            line = line[:lost] + line[lost + 1 :]
        flipped = self.strikes("flip")
        if flipped:
            line = self._flipped(line, len(head))
        self.put(line + b"\r\n")
        return not garbled and not flipped and not self.standing["dead"]

    def _flipped(self, line: bytes, start: int) -> bytes:
        """The line with another bit somewhere in its payload; in hex one that still reads as hex."""
        while True:
            at, bit = self._rng.randrange(start, len(line)), 1 << self._rng.randrange(8)
            other = bytes((line[at] ^ bit,))
            if self.raw or other in b"0123456789ABCDEF":
                return line[:at] + other + line[at + 1 :]

    def exchange_meter(self, first: int) -> None:
        """Another meter in the old one's place: an address, a register from `first` joules on, and no past."""
        old = self.meter
        self.mac = f"{int(self.mac, 16) + 1:016X}"
        self.address = link_local(self.mac)
        self.meter = SmartMeter(self.meter.house, old.exponent, old.coefficient, old.digits, (), self.now, first)
        self.forgotten = self.session

    def _deliver(self, reply: Reply, pushed: bool) -> None:
        """A frame of the meter comes out; what came out whole is the truth."""
        for _ in range(2 if self.standing["double"] else 1):
            if self.datagram(reply.frame):
                for epc, value in reply.readings:
                    self.truth.append(Truth(self.now, epc, value, pushed))
                    if self._record:
                        self._record(self.truth[-1])

    # --- ear -------------------------------------------------------------------------

    @property
    def echoing(self) -> bool:
        return self.registers["SFE"] == "1"

    def _take_command(self) -> bool:
        """Obey one command of the input, if one is whole."""
        self._input = self._input.removeprefix(b"\n")  # left over where CR LF was sent and CR was the end
        if self._input.startswith(b"SKSENDTO "):
            return self._take_sendto()
        whole = _LINE.match(self._input)
        if whole is None:
            return False
        line = whole[1] or whole[2] or b""
        self._input = self._input[whole.end() :]
        if self.echoing:
            self.put(line + b"\r\n")
        if words := line.decode("latin-1").split():
            self._obey(*words)
        return True

    def _obey(self, name: str, *arguments: str) -> None:
        command = COMMANDS.get(name)
        if command is None or (self.dialect == "dss" and name in ("ROPT", "WOPT")):
            self.say("FAIL ER04")
        elif len(arguments) not in (command.a1 if self.dialect == "a1" else command.c):
            self.say("FAIL ER05")
        else:
            command.do(self, *arguments)

    def _take_sendto(self) -> bool:
        """SKSENDTO: a header, then exactly LEN bytes; until they are there, everything is payload."""
        ours, other = (_SENDTO_A1, _SENDTO_C) if self.dialect == "a1" else (_SENDTO_C, _SENDTO_A1)
        head = ours.match(self._input)
        if head is not None:
            return self._take_payload(head)
        miscounted = other.match(self._input) or b"\r\n" in self._input[:_SENDTO_LONGEST]
        if not miscounted and len(self._input) < _SENDTO_LONGEST:
            return False
        self._input = b""
        self.say("FAIL ER05" if miscounted else "FAIL ER06")
        return False

    def _take_payload(self, head: re.Match[bytes]) -> bool:
        end = head.end() + int(head[3], 16)
        if len(self._input) < end:
            return False
        payload, self._input = self._input[head.end() : end], self._input[end:]
        glued = self.echoing and self.standing["glue"] > 0 and self.session
        if glued:
            self.put(b"SKSENDTO")
        else:
            self.put((head[0] if self.echoing else b"") + b"\r\n")
        self._send(head[1].decode(), head[2].decode(), payload, glued)
        return True

    def _send(self, address: str, port: str, payload: bytes, glued: bool) -> None:
        """Send a datagram to the meter; a `glued` one is confirmed only behind the answer."""
        if not 0 < len(payload) <= LARGEST:
            self.say("FAIL ER06")
        elif not self.session or self.now < self.limited_until:
            self.say("FAIL ER10")
        elif address != self.address or self.strikes("fail-sends"):
            self._confirm(address, "01")
        else:
            if not glued:
                self._confirm(address, "00")
            self._busy_until = max(self._busy_until, self.now) + REPLY_AFTER * self.pace
            heard = self._busy_until + self.standing["late-answers"]
            self.at(heard, lambda: self._answer(port, payload, glued))

    def _confirm(self, address: str, result: str) -> None:
        self.event("21", address, result)
        self.say("OK")

    def _answer(self, port: str, request: bytes, glued: bool) -> None:
        """The meter has heard a request; its answer comes, or does not."""
        reply = self.meter.answer(request, self.now) if port == "0E1A" and self._in_touch else None
        if reply and not self.strikes("lose-answers"):
            self._deliver(reply, pushed=False)
        if glued:
            self._confirm(self.address, "00")

    @property
    def _in_touch(self) -> bool:
        """Whether module and meter both believe in the session."""
        return self.session and not self.forgotten

    # --- half-hours ------------------------------------------------------------------

    def _await_half_hour(self) -> None:
        """Push after the next half-hour of the meter's clock."""
        clock, delay = self.meter.clock(self.now), self._push_after
        if delay is None:
            delay = self._rng.uniform(*PUSHED_WITHIN) * self.pace
        ahead = HALF_HOUR - clock % HALF_HOUR
        self.at(self.now + ahead + delay, self._push, survives=True)

    def _push(self) -> None:
        """Send EA and EB of a half-hour, if somebody is there to hear."""
        self._await_half_hour()
        reply = self.meter.push(self.now) if self._in_touch else None
        if reply and not self.strikes("lose-pushes"):
            self._deliver(reply, pushed=True)
