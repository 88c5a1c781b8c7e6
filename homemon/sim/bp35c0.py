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

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from homemon.sim.bp35c0_commands import COMMANDS
from homemon.sim.faults import FAULTS, read_value
from homemon.sim.house import HALF_HOUR, House
from homemon.sim.radio import Dialect, Radio
from homemon.sim.smart_meter import Reply, SmartMeter, Value

BID, PWD = "00112233445566778899AABBCCDDEEFF", "0123456789AB"
LARGEST = 0x04D0  # bytes of one datagram
REPLY_AFTER = 1.5  # s; 1.2 to 3.6 in the field
PUSHED_WITHIN = (15.0, 285.0)  # s after the half-hour; 5 minutes at most

_IP = rb"[0-9A-F]{4}(?::[0-9A-F]{4}){7}"
_SENDTO_A1 = re.compile(rb"SKSENDTO [1-6] (" + _IP + rb") ([0-9A-F]{4}) [0-2] ([0-9A-F]{4}) ")
_SENDTO_C = re.compile(rb"SKSENDTO [1-6] (" + _IP + rb") ([0-9A-F]{4}) [0-2] [01] ([0-9A-F]{4}) ")
_SENDTO_LONGEST = 68
_LINE = re.compile(rb"(?s)(?:((?:ROPT|WOPT|RUART|WUART)[^\r]*)\r|(.*?)\r\n)")
"""A command, in one of the groups: the module's own end in CR alone, those of SKSTACK in CR LF."""


class Truth(NamedTuple):
    """A value that went out whole: when, which, and whether the meter sent it of itself. See `Value`."""

    time: float
    epc: int
    value: Value
    pushed: bool


class Module:
    """The module and its meter. `raw`: payloads in binary, as after `WOPT 00`; `push_after`: seconds from a
    half-hour to its notification, a random time within 5 minutes by default; `record` receives each truth."""

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
        self._rng = Random(f"{seed} module")
        self.radio = Radio(
            meter or SmartMeter(house), now, dialect=dialect, bid=bid, pwd=pwd, pace=pace, raw=raw, rng=self._rng
        )
        self.truth: list[Truth] = []
        self._push_after = push_after
        self._record = record
        self._busy_until = now  # the meter answers one request at a time
        for row in FAULTS.values():
            if row.act is None:
                self.radio.stand(row.name, 0.0)
        self._await_half_hour()
        for name, value in (faults or {}).items():
            self.fault(name, value)

    # --- for the owner -------------------------------------------------------------

    def feed(self, data: bytes, now: float) -> None:
        """Receive bytes typed into the module's serial port."""
        self.radio.advance(now)
        if not self.radio.standing["dead"]:
            self.radio.input += data
            while self._take_command():
                pass

    def due(self) -> float:
        """Return when `speak` is to be called next. There is always a next half-hour."""
        return self.radio.due()

    def speak(self, now: float) -> bytes:
        """Return what the module says until `now`."""
        self.radio.advance(now)
        said, self.radio.out = bytes(self.radio.out), bytearray()
        return said

    def fault(self, name: str, value: object = None, at: float | None = None) -> None:
        """Switch a fault of the table on (or off, with 0), now or at a time to come.

        Raise ValueError where name or value are not of the table.
        """
        wanted = read_value(name, value)
        row = FAULTS[name]

        def begin() -> None:
            if row.act is None:
                self.radio.stand(name, wanted)
            else:
                row.act(self.radio, wanted)

        if at is None:
            begin()
        else:
            self.radio.at(at, begin, survives=True)

    def _deliver(self, reply: Reply, pushed: bool) -> None:
        """Send a frame of the meter; record as truth what came out whole."""
        for _ in range(2 if self.radio.standing["double"] else 1):
            if self.radio.datagram(reply.frame):
                for epc, value in reply.readings:
                    self.truth.append(Truth(self.radio.now, epc, value, pushed))
                    if self._record:
                        self._record(self.truth[-1])

    # --- ear -------------------------------------------------------------------------

    def _take_command(self) -> bool:
        """Obey one command of the input, if one is whole."""
        self.radio.input = self.radio.input.removeprefix(b"\n")  # left over where CR LF was sent and CR was the end
        if self.radio.input.startswith(b"SKSENDTO "):
            return self._take_sendto()
        whole = _LINE.match(self.radio.input)
        if whole is None:
            return False
        line = whole[1] or whole[2] or b""
        self.radio.input = self.radio.input[whole.end() :]
        if self.radio.echoing:
            self.radio.put(line + b"\r\n")
        if words := line.decode("latin-1").split():
            self._obey(*words)
        return True

    def _obey(self, name: str, *arguments: str) -> None:
        command = COMMANDS.get(name)
        if command is None or (self.radio.dialect == "dss" and name in ("ROPT", "WOPT")):
            self.radio.say("FAIL ER04")
        elif len(arguments) not in (command.a1 if self.radio.dialect == "a1" else command.c):
            self.radio.say("FAIL ER05")
        else:
            command.do(self.radio, *arguments)

    def _take_sendto(self) -> bool:
        """Take SKSENDTO: a header, then exactly LEN bytes; until they are there, everything is payload."""
        ours, other = (_SENDTO_A1, _SENDTO_C) if self.radio.dialect == "a1" else (_SENDTO_C, _SENDTO_A1)
        head = ours.match(self.radio.input)
        if head is not None:
            return self._take_payload(head)
        miscounted = other.match(self.radio.input) or b"\r\n" in self.radio.input[:_SENDTO_LONGEST]
        if not miscounted and len(self.radio.input) < _SENDTO_LONGEST:
            return False
        self.radio.input = b""
        self.radio.say("FAIL ER05" if miscounted else "FAIL ER06")
        return False

    def _take_payload(self, head: re.Match[bytes]) -> bool:
        end = head.end() + int(head[3], 16)
        if len(self.radio.input) < end:
            return False
        payload, self.radio.input = self.radio.input[head.end() : end], self.radio.input[end:]
        glued = self.radio.echoing and self.radio.standing["glue"] > 0 and self.radio.session
        if glued:
            self.radio.put(b"SKSENDTO")
        else:
            self.radio.put((head[0] if self.radio.echoing else b"") + b"\r\n")
        self._send(head[1].decode(), head[2].decode(), payload, glued)
        return True

    def _send(self, address: str, port: str, payload: bytes, glued: bool) -> None:
        """Send a datagram to the meter; a `glued` one is confirmed only behind the answer."""
        if not 0 < len(payload) <= LARGEST:
            self.radio.say("FAIL ER06")
        elif not self.radio.session or self.radio.now < self.radio.limited_until:
            self.radio.say("FAIL ER10")
        elif address != self.radio.address or self.radio.strikes("fail-sends"):
            self._confirm(address, "01")
        else:
            if not glued:
                self._confirm(address, "00")
            self._busy_until = max(self._busy_until, self.radio.now) + REPLY_AFTER * self.radio.pace
            arrived = self._busy_until + self.radio.standing["late-answers"]
            self.radio.at(arrived, lambda: self._answer(port, payload, glued))

    def _confirm(self, address: str, result: str) -> None:
        self.radio.event("21", address, result)
        self.radio.say("OK")

    def _answer(self, port: str, request: bytes, glued: bool) -> None:
        """Answer a request that has reached the meter, or lose the answer."""
        reply = self.radio.meter.answer(request, self.radio.now) if port == "0E1A" and self.radio.in_touch else None
        if reply and not self.radio.strikes("lose-answers"):
            self._deliver(reply, pushed=False)
        if glued:
            self._confirm(self.radio.address, "00")

    # --- half-hours ------------------------------------------------------------------

    def _await_half_hour(self) -> None:
        """Push after the next half-hour of the meter's clock."""
        clock, delay = self.radio.meter.clock(self.radio.now), self._push_after
        if delay is None:
            delay = self._rng.uniform(*PUSHED_WITHIN) * self.radio.pace
        ahead = HALF_HOUR - clock % HALF_HOUR
        self.radio.at(self.radio.now + ahead + delay, self._push, survives=True)

    def _push(self) -> None:
        """Send EA and EB of a half-hour, if the module is there to receive them."""
        self._await_half_hour()
        reply = self.radio.meter.push(self.radio.now) if self.radio.in_touch else None
        if reply and not self.radio.strikes("lose-pushes"):
            self._deliver(reply, pushed=True)
