"""The Kyocera solar monitor's wire: bytes → events, the dialogue that reads its memory, the dump's text.

Two framings share the line, and nothing in the bytes distinguishes them:

    command   STX text CC ETX      CC, two hex digits, makes the sum from STX on FF (mod 256)
              STX ACK ETX, STX NAK ETX
    block     N, N-1 data, BCC     N counts data and BCC; BCC makes the sum of all bytes FF

Which one comes next is known to whoever asked, so the `Parser` is set to it. Blocks carry no number:
one that came twice would shift all that follows. So each burst of bytes gets one reply, and only
when the line has gone quiet; a late block is waited for rather than asked for again; and a memory
counts as whole only when the total is met exactly and nothing but the end command follows.

Source: kyocera_dump.py, which this replaces.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from homemon.core.dialogue import Ask, Dialogue, nothing, pause
from homemon.core.errors import DeviceError, NoAnswer, WireError

STX, ETX = 0x02, 0x03
ACK, NAK = b"\x02\x06\x03", b"\x02\x15\x03"
REQUEST = b"\x02CMD1000FFFF50\x03"
MAX_FRAME = 64  # the longest command known has 19 bytes
MOST_HELD = 256  # bytes that a parser keeps of an unfinished command or block
ROW = 32  # bytes a line in the dump's text

REQUESTS, ANSWER_WITHIN = 4, 2.5  # seconds; together the 10 s of silence after which we give up
BLOCK_WINDOWS, WINDOW = 10, 1.0  # a block takes 9 ms; a second without a byte in the middle of one is a loss
END_WITHIN = 3.0
TRIES = 5  # for the header, and for each block
QUIET = 0.1  # longer than the longest block, 256 bytes at 38,400 bps, takes
SETTLE = 0.5  # after a NAK: where noise or half a block drew it, the monitor sends the block once more


class Ack(NamedTuple):
    """STX ACK ETX."""

    raw: bytes


class Nak(NamedTuple):
    """STX NAK ETX."""

    raw: bytes


class Command(NamedTuple):
    """A command whose sum is right; `text` is without CC: `CMD01000000214F`."""

    text: str
    raw: bytes


class BadCommand(NamedTuple):
    """What begins like a command, but its sum is wrong."""

    raw: bytes


class Block(NamedTuple):
    """A block whose sum is right; `data` is without N and BCC, 1 to 254 bytes."""

    data: bytes
    raw: bytes


class BadBlock(NamedTuple):
    """As many bytes as a block said it has, with a wrong sum; or a length that no block can have."""

    raw: bytes


class Noise(NamedTuple):
    """Bytes outside any command."""

    raw: bytes


Happening = Ack | Nak | Command | BadCommand | Block | BadBlock | Noise


def command(text: str) -> bytes:
    """Return the frame of a command: `CMD1000FFFF` → STX, the text, its CC `50`, ETX."""
    body = bytes((STX,)) + text.encode("ascii")
    return body + f"{0xFF - sum(body) % 256:02X}".encode() + bytes((ETX,))


class Parser:
    """Bytes in, events out. Begins by expecting commands. Keeps `MOST_HELD` bytes at most.

    `fed` counts all bytes ever taken in, `half_read` those of an unfinished command or block.
    """

    def __init__(self) -> None:
        self.fed = 0
        self._in_blocks = False
        self._buffer = bytearray()
        self._noise = bytearray()
        self._out: list[Happening] = []

    @property
    def half_read(self) -> int:
        return len(self._buffer)

    def expect_command(self) -> None:
        """Expect commands from here on; what was half read is dropped."""
        self._in_blocks = False
        self._buffer.clear()

    def expect_block(self) -> None:
        """Expect blocks from here on; what was half read is dropped."""
        self._in_blocks = True
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Happening]:
        """Take the next `data` (any cut of the stream) and give what became whole by it, in order."""
        self.fed += len(data)
        take = self._take_of_block if self._in_blocks else self._take_of_command
        for byte in data:
            take(byte)
        self._flush_noise()
        happenings, self._out = self._out, []
        return happenings

    def _take_of_block(self, byte: int) -> None:
        self._buffer.append(byte)
        size = self._buffer[0]
        if size >= 2 and len(self._buffer) <= size:
            return
        raw = bytes(self._buffer)
        self._buffer.clear()
        good = size >= 2 and sum(raw) % 256 == 0xFF
        self._out.append(Block(raw[1:-1], raw) if good else BadBlock(raw))

    def _take_of_command(self, byte: int) -> None:
        if byte == STX or len(self._buffer) >= MAX_FRAME:
            self._noise += self._buffer
            self._buffer.clear()
        if byte != STX and not self._buffer:
            self._noise.append(byte)
            return
        self._buffer.append(byte)
        if byte == ETX:
            event = _frame(bytes(self._buffer))
            self._buffer.clear()
            if isinstance(event, Noise):
                self._noise += event.raw
            else:
                self._flush_noise()
                self._out.append(event)

    def _flush_noise(self) -> None:
        if self._noise:
            self._out.append(Noise(bytes(self._noise)))
            self._noise.clear()


def _frame(raw: bytes) -> Ack | Nak | Command | BadCommand | Noise:
    """Return what is between STX and ETX, as an event."""
    if raw == ACK:
        return Ack(raw)
    if raw == NAK:
        return Nak(raw)
    if not raw.startswith(b"\x02CMD"):
        return Noise(raw)
    text = raw[1:-3].decode("ascii", "replace")
    return Command(text, raw) if text.isascii() and command(text) == raw else BadCommand(raw)


_HEADER = re.compile(r"CMD01[0-9A-F]{6}([0-9A-F]{4})")


def announced(text: str) -> int | None:
    """Return the bytes of memory that a command's text announces; None where it is another command."""
    header = _HEADER.fullmatch(text)
    return int(header[1], 16) if header else None


class Dump:
    """One reading of the monitor's whole memory.

    Its owner runs `dialogue()` and passes it the events that `feed` makes of the bytes received.
    `memory` grows block by block and keeps what came when the dialogue fails; `total` is the
    number of bytes that the monitor announced, 0 until it did.
    """

    def __init__(self) -> None:
        self.memory = bytearray()
        self.total = 0
        self._parser = Parser()
        self._shown = 0

    def feed(self, data: bytes) -> list[Happening]:
        """Return the bytes received, as events for the dialogue."""
        return self._parser.feed(data)

    def dialogue(self) -> Dialogue[bytes]:
        """Ask for the memory and give all `total` bytes of it.

        Raise NoAnswer after 10 s of silence, DeviceError when the header or a block came damaged
        five times, or when the blocks do not add up to the total.
        """
        yield from self.begin()
        while len(self.memory) < self.total:
            self.memory += yield from self._next_block()
        yield from self._end()
        return bytes(self.memory)

    def begin(self) -> Dialogue[None]:
        """Ask for the memory and receive its header, which says that there is a monitor. Raise as `dialogue`."""
        for _ in range(TRIES):  # a monitor that was left in the middle of a block ends it first
            if not (yield from pause(QUIET)):
                break
        self._parser.expect_command()
        self.total = yield from self._ask_total()

    def _ask_total(self) -> Dialogue[int]:
        """Send the request; the total of the header."""
        send, silences, refusals, noisy = REQUEST, 0, 0, False
        while silences < REQUESTS and refusals < TRIES:
            saying = f"asking the solar monitor for its memory, {silences + 1} of {REQUESTS} ..."
            try:
                events = yield Ask(send, _is_reply, ANSWER_WITHIN, saying if send == REQUEST else "")
            except NoAnswer as silence:
                silences += 1
                noisy |= any(isinstance(event, Noise) for event in silence.received)
                acknowledged = any(isinstance(event, Ack) for event in silence.received)
                send = b"" if acknowledged else REQUEST
                continue
            reply = events[-1]
            if isinstance(reply, Command) and (total := announced(reply.text)) is not None:
                return total
            refusals += 1
            send = REQUEST if isinstance(reply, Nak) else NAK
        if refusals:
            raise DeviceError(
                f"the solar monitor did not announce its memory, {refusals} unusable answers",
                "Switch the monitor off and on, and check the line's wires.",
            )
        raise NoAnswer(
            f"the solar monitor {'sent only noise' if noisy else 'did not answer'}"
            f" within {REQUESTS * ANSWER_WITHIN:g} s",
            "Check that the monitor is on, that TX and RX are not swapped, and that the line runs at 38400 bps.",
        )

    def _next_block(self) -> Dialogue[bytes]:
        """Acknowledge what came before; the data of the next block."""
        for reply in (ACK, *[NAK] * (TRIES - 1)):
            self._parser.expect_block()
            event = yield from self._await_block(reply)
            if isinstance(event, BadBlock):
                yield from pause(QUIET)
            elif isinstance(event, Block):
                if len(self.memory) + len(event.data) > self.total:
                    raise self._too_much()
                if reply == NAK:
                    yield from pause(SETTLE)
                return event.data
        raise DeviceError(
            f"the solar monitor's block at {len(self.memory):04X} came damaged {TRIES} times",
            "Run it again; if it stays so, check the wires and keep the line away from power cables.",
        )

    def _await_block(self, send: bytes) -> Dialogue[Block | BadBlock | None]:
        """Send, then wait: a block, a bad one, or None where bytes of one were lost."""
        saying = self._progress()
        for _ in range(BLOCK_WINDOWS):
            before = self._parser.fed
            try:
                events = yield Ask(send, lambda event: isinstance(event, Block | BadBlock), WINDOW, saying)
            except NoAnswer:
                if self._parser.half_read and self._parser.fed == before:
                    return None
                send, saying = b"", ""
                continue
            event: Block | BadBlock = events[-1]
            return event
        raise NoAnswer(
            f"the solar monitor fell silent after {len(self.memory):,} of {self.total:,} bytes"
            f" ({BLOCK_WINDOWS * WINDOW:g} s)",
            "Run it again; if it stays so, check the wires and the monitor's power.",
        )

    def _progress(self) -> str:
        """Return how far we are, once a KiB."""
        if len(self.memory) < self._shown + 1024:
            return ""
        self._shown = len(self.memory)
        return f"read {self._shown:,} of {self.total:,} bytes"

    def _end(self) -> Dialogue[None]:
        """Acknowledge the last block, and receive the end command.

        Its sum does not matter, and where none comes the memory is whole all the same: each block's
        sum and the total were right. Anything else means that a block was taken twice.
        """
        self._parser.expect_command()
        try:
            yield Ask(ACK, lambda event: isinstance(event, Command | BadCommand), END_WITHIN)
        except NoAnswer as silence:
            if silence.received or self._parser.half_read:
                raise self._too_much() from None
            yield from pause(0.0, "the monitor sent no end command, but its memory is whole")
            return
        with suppress(NoAnswer):
            yield Ask(ACK, nothing, 0.0)

    def _too_much(self) -> DeviceError:
        return DeviceError(
            f"the solar monitor sent more than the {self.total:,} bytes that it announced",
            "A block was probably sent twice: run it again.",
        )


def _is_reply(event: Happening) -> bool:
    return isinstance(event, Command | BadCommand | Nak)


def dump_text(memory: bytes) -> str:
    """Return the dump file's text, byte for byte that of the original: `XXXX: ` and 32 bytes in hex a line.

    The last line holds what is left, and is there even when it is empty (`0040: ` after 64 bytes).
    """
    return "".join(f"{at:04X}: {memory[at : at + ROW].hex().upper()}\n" for at in range(0, len(memory) + 1, ROW))


_LINE = re.compile(r"([0-9A-Fa-f]{4,}):\s*((?:[0-9A-Fa-f]{2})*)\s*")


def sound_part(lines: Iterable[str]) -> tuple[bytes, WireError | None]:
    """Return the memory of a dump file's lines as far as it goes, and what is wrong behind it."""
    text = "".join(line + "\n" for line in lines)
    try:
        return parse_dump_text(text), None
    except WireError as error:
        return parse_dump_text(text[: error.offset]), error


def parse_dump_text(text: str) -> bytes:
    """Return the memory of a dump file's text, whole or not. Raise WireError with the place in the text."""
    memory = bytearray()
    at = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.strip():
            match = _LINE.fullmatch(line)
            if match is None:
                raise WireError(f"line {number} is no line of a dump (`0000: ` and hex digits)", at)
            if int(match[1], 16) != len(memory):
                raise WireError(f"line {number} should begin with {len(memory):04X}", at)
            memory += bytes.fromhex(match[2])
        at += len(line)
    return bytes(memory)
