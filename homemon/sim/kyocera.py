"""The Kyocera solar monitor PMD47A.

The monitor is pure: bytes and the time go in, bytes with their time come out, one each 10/38,400 s.
Its bytes are its own; nothing is shared with the code it is there to test. Its memory is that of
the house, as it stands when it is asked: 35 days, newest first, half-hours not over yet 7530.

`Faults` says how it misbehaves. Blocks are counted from 1; "first" means: not when it is sent again.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Protocol

JST = timezone(timedelta(hours=9))
BYTE = 10 / 38_400  # seconds on the line, start and stop bit included
DAY, HALF_HOUR = 86_400, 1_800
REQUEST = b"\x02CMD1000FFFF50\x03"
HEADER = b"\x02CMD01000000214FCB\x03"  # 214F = 8,527 bytes
HEADER_WRONG_SUM = b"\x02CMD01000000214FCC\x03"
END = b"\x02CMD020000000000E7\x03"  # the article does not show it; its shape is that of the others
ACK, NAK = b"\x02\x06\x03", b"\x02\x15\x03"
SIZE = 8527
JUNK = b"\x00\x41\xfe"


class House(Protocol):
    """What the monitor measures, in tenths of kWh a half-hour. ValueError before there was a house."""

    def generation(self, half_hour_start: int, /) -> int: ...
    def bought_minus_sold(self, half_hour_start: int, /) -> int: ...


@dataclass(frozen=True)
class Faults:
    """How the monitor misbehaves; all off by default."""

    corrupt_every: int = 0  # one bit is wrong in each Nth block, first
    corrupt_block: int = 0  # this block is wrong …
    corrupt_times: int = 1  # … so many times; from 5 on the reader gives up
    stall_block: int = 0  # before this block, first, the monitor is silent …
    stall: float = 0.0  # … for so many seconds
    stall_inside: bool = False  # … or after half of it
    lose_every: int = 0  # one byte of each Nth block, first, does not arrive
    silent: bool = False  # never says anything
    dead_after: int = 0  # says nothing more after this block
    noise_before: bool = False  # junk before its first answer
    noise_every: int = 0  # junk before each Nth block, first
    bad_headers: int = 0  # so many headers have a wrong sum
    no_end: bool = False  # no end command
    ahead: float = 0.0  # its clock is so many seconds ahead
    off: float = 0.0  # the same (negative: behind), and so it was when it measured
    dates: str = ""  # of day 1: "none", "stray" (one of 2000), "double" (that of day 2, too), "order" (swapped with it)


class Monitor:
    """The monitor. `now` is Unix time in all calls; `turnaround` is how long it thinks before it answers."""

    def __init__(self, house: House, faults: Faults | None = None, turnaround: float = 0.0) -> None:
        self.memory = b""  # as sent last
        self._house = house
        self._faults = faults or Faults()
        self._turnaround = turnaround
        self._received = b""
        self._line: deque[tuple[float, int]] = deque()  # when each byte is through
        self._free = 0.0
        self._at = -1  # 0: header, 1 …: that block, last + 1: end command, -1: idle
        self._sendings = 0  # of what `_at` says

    def feed(self, data: bytes, now: float) -> None:
        """Take in what was sent to the monitor and arrived at `now`."""
        self._received = (self._received + data)[-64:]
        while (end := self._received.find(b"\x03")) >= 0:
            frame, self._received = self._received[: end + 1], self._received[end + 1 :]
            frame = frame[max(0, frame.rfind(b"\x02")) :]
            if not self._faults.silent:
                self._answer(frame, now + self._turnaround)

    def due(self) -> float | None:
        """Return when the next byte is through; None while nothing is to be sent."""
        return self._line[0][0] if self._line else None

    def speak(self, now: float) -> bytes:
        """Return the bytes that are through at `now` and were not given before."""
        spoken = bytearray()
        while self._line and self._line[0][0] <= now:
            spoken.append(self._line.popleft()[1])
        return bytes(spoken)

    def _answer(self, frame: bytes, now: float) -> None:
        if frame == REQUEST:
            self.memory = self._make_memory(now + self._faults.ahead + self._faults.off)
            if self._faults.noise_before and self._free == 0.0:
                self._send(JUNK, now)
            self._send(ACK, now)
            self._go_to(0, now)
        elif frame == ACK and self._at >= 0:
            self._go_to(self._at + 1, now)
        elif frame == NAK and self._at >= 0:
            self._say(now)
        elif frame.startswith(b"\x02CMD"):
            self._send(NAK, now)

    def _go_to(self, at: int, now: float) -> None:
        last = -(-len(self.memory) // 32)
        self._at, self._sendings = (at if at <= last + 1 else -1), 0
        if self._at >= 0:
            self._say(now)

    def _say(self, now: float) -> None:
        """Send what `_at` says, for the first time or again."""
        faults, at = self._faults, self._at
        self._sendings += 1
        if at == 0:
            self._send(HEADER_WRONG_SUM if self._sendings <= faults.bad_headers else HEADER, now)
        elif faults.dead_after and at > faults.dead_after:
            return
        elif (at - 1) * 32 >= len(self.memory):
            self._send(b"" if faults.no_end else END, now)
        else:
            self._say_block(now)

    def _say_block(self, now: float) -> None:
        faults, at = self._faults, self._at
        first = self._sendings == 1

        def hits(every: int) -> bool:
            return first and every > 0 and at % every == 0

        data = self.memory[(at - 1) * 32 : at * 32]
        block = bytearray((len(data) + 1, *data))
        block.append(0xFF - sum(block) % 256)
        if hits(faults.corrupt_every) or (at == faults.corrupt_block and self._sendings <= faults.corrupt_times):
            block[len(block) // 2] ^= 0x10
        if hits(faults.lose_every):
            del block[len(block) // 2]
        if hits(faults.noise_every):
            self._send(JUNK, now)
        stall = faults.stall if first and at == faults.stall_block else 0.0
        if stall and faults.stall_inside:
            self._send(block[:16], now)
            self._send(block[16:], self._free + stall)
        else:
            self._send(block, now + stall)

    def _send(self, data: bytes | bytearray, start: float) -> None:
        self._free = max(self._free, start)
        for byte in data:
            self._free += BYTE
            self._line.append((self._free, byte))

    def _make_memory(self, now: float) -> bytes:
        """Return all 8,527 bytes at `now`; those of unknown meaning are a pattern that has every byte value in it."""
        memory = bytearray((at * 7 + at // 256) % 256 for at in range(SIZE))
        today = datetime.fromtimestamp(now, JST).replace(hour=0, minute=0, second=0, microsecond=0)
        for row in range(35):
            day = today - timedelta(days=row)
            memory[0x7C + row * 3 : 0x7F + row * 3] = bytes.fromhex(f"{day:%y%m%d}")
            for slot in range(48):
                start = int(day.timestamp()) + slot * HALF_HOUR
                at = (row * 48 + slot) * 2
                memory[0xE5 + at : 0xE7 + at] = self._tenths(self._house.generation, start, now)
                memory[0xE05 + at : 0xE07 + at] = self._tenths(self._house.bought_minus_sold, start, now)
        if self._faults.dates == "none":
            memory[0x7F:0x82] = b"\x2f\x13\x45"
        elif self._faults.dates == "double":
            memory[0x82:0x85] = memory[0x7F:0x82]
        elif self._faults.dates == "stray":
            memory[0x7F:0x82] = b"\x00\x01\x01"
        elif self._faults.dates == "order":
            memory[0x7F:0x85] = memory[0x82:0x85] + memory[0x7F:0x82]
        return bytes(memory)

    def _tenths(self, measure: Callable[[int], int], start: int, now: float) -> bytes:
        """Return two bytes for the half-hour that begins at `start` by the monitor's clock."""
        if start + HALF_HOUR > now:
            return b"\x75\x30"
        try:
            return measure(start - int(self._faults.off)).to_bytes(2, signed=True)
        except ValueError:
            return b"\x75\x30"
