"""The Kyocera monitor's wire: frames in any cut of the stream, a dump that is whole or fails, the dump's text."""

import contextlib
from collections.abc import Callable
from itertools import repeat

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homemon.core.dialogue import Talk
from homemon.core.errors import DeviceError, HomemonError, NoAnswer, WireError
from homemon.runtime.driver import Context, run
from homemon.runtime.virtual import Device, VirtualLine
from homemon.sim.kyocera import Faults, Monitor
from homemon.sources.kyocera import protocol as kyocera
from homemon.sources.kyocera.protocol import ACK, Ack, BadBlock, BadCommand, Block, Command, Dump, Nak, Noise, Parser
from tests.virtual import Replies, Reported, Scripted

NOW = 1_790_000_000.0
HEADER = b"\x02CMD01000000214FCB\x03"  # from the field
BLOCK = b"\x04\x10\x20\x30\x9b"  # 04 + 10 + 20 + 30 + 9B = FF

COMMANDS: list[tuple[bytes, list[kyocera.Happening]]] = [
    (b"\x02\x06\x03", [Ack(b"\x02\x06\x03")]),
    (b"\x02\x15\x03", [Nak(b"\x02\x15\x03")]),
    (HEADER, [Command("CMD01000000214F", HEADER)]),
    (b"\x02\x06\x03" + HEADER, [Ack(b"\x02\x06\x03"), Command("CMD01000000214F", HEADER)]),
    (b"\x02CMD01000000214FCC\x03", [BadCommand(b"\x02CMD01000000214FCC\x03")]),
    (b"\x02XY\x03\x02\x06\x03", [Noise(b"\x02XY\x03"), Ack(b"\x02\x06\x03")]),
    (b"\x02CM\x02\x06\x03", [Noise(b"\x02CM"), Ack(b"\x02\x06\x03")]),
]


class Quiet:
    """A house in which nothing happens but one half-hour after the other."""

    def generation(self, half_hour_start: int, /) -> int:
        return half_hour_start // 1800 % 20

    def bought_minus_sold(self, half_hour_start: int, /) -> int:
        return -(half_hour_start // 1800 % 7)


def joined(events: list[kyocera.Happening]) -> list[kyocera.Happening]:
    """Noise in one piece, however the stream was cut."""
    whole: list[kyocera.Happening] = []
    for event in events:
        if isinstance(event, Noise) and whole and isinstance(whole[-1], Noise):
            event = Noise(whole.pop().raw + event.raw)
        whole.append(event)
    return whole


def byte_by_byte(parser: Parser, data: bytes) -> list[kyocera.Happening]:
    return [event for byte in data for event in parser.feed(bytes((byte,)))]


def whole(parser: Parser, data: bytes) -> list[kyocera.Happening]:
    return parser.feed(data)


def dump_from(monitor: Device, start: float = NOW) -> tuple[Dump, Callable[[], bytes], list[str]]:
    """A dump, and what runs it against `monitor` in virtual time."""
    dump, said = Dump(), list[str]()
    line = VirtualLine(monitor, dump.feed, start)
    return dump, lambda: run(Talk(), dump.dialogue(), line, Reported(said)), said


@pytest.mark.parametrize(("text", "frame"), [("CMD1000FFFF", kyocera.REQUEST), ("CMD01000000214F", HEADER)])
def test_commands_carry_the_sum_seen_in_the_field(text: str, frame: bytes) -> None:
    assert kyocera.command(text) == frame


@pytest.mark.parametrize("read", [whole, byte_by_byte])
@pytest.mark.parametrize(("data", "events"), COMMANDS)
@pytest.mark.parametrize("junk", [b"", b"\xff\x00\x03A"])
def test_commands_are_read_in_any_cut_and_amid_junk(
    data: bytes, events: list[kyocera.Happening], junk: bytes, read: Callable[..., list[kyocera.Happening]]
) -> None:
    around: list[kyocera.Happening] = [Noise(junk)] if junk else []
    assert joined(read(Parser(), junk + data + junk)) == joined(around + events + around)


@pytest.mark.parametrize("read", [whole, byte_by_byte])
def test_blocks_are_read_in_any_cut_and_their_sum_is_checked(
    read: Callable[..., list[kyocera.Happening]],
) -> None:
    parser = Parser()
    parser.expect_block()
    bad = b"\x04\x10\x20\x31\x9b"
    assert read(parser, BLOCK + bad + b"\x00" + BLOCK) == [
        Block(b"\x10\x20\x30", BLOCK),
        BadBlock(bad),
        BadBlock(b"\x00"),
        Block(b"\x10\x20\x30", BLOCK),
    ]
    parser.feed(BLOCK[:3])
    parser.expect_block()  # what was half read belongs to nothing any more
    assert read(parser, BLOCK) == [Block(b"\x10\x20\x30", BLOCK)]


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=300))))
def test_no_bytes_break_the_parser_or_make_it_grow(chunks: list[tuple[bool, bytes]]) -> None:
    parser = Parser()
    for blocks, data in chunks:
        (parser.expect_block if blocks else parser.expect_command)()
        raw = b"".join(event.raw for event in parser.feed(data))
        assert data.startswith(raw)
        assert len(data) - len(raw) == parser.half_read <= 256


@given(st.binary(max_size=2000))
def test_a_dump_of_nonsense_ends_with_our_error(data: bytes) -> None:
    dump = Dump()
    try:
        run(Talk(), dump.dialogue(), Scripted(repeat(data), dump.feed), Context())
    except HomemonError:
        assert len(dump.memory) <= dump.total


FAULTS_THAT_HEAL = {
    "none": Faults(),
    "corrupt blocks": Faults(corrupt_every=7),
    "four times": Faults(corrupt_block=30, corrupt_times=4),
    "lost bytes": Faults(lose_every=50),
    "stall": Faults(stall_block=5, stall=9.0),
    "stall in a block": Faults(stall_block=5, stall=1.0, stall_inside=True),
    "noise": Faults(noise_before=True, noise_every=40),
    "wrong header": Faults(bad_headers=2),
    "no end": Faults(no_end=True),
}


@pytest.mark.parametrize("faults", FAULTS_THAT_HEAL.values(), ids=FAULTS_THAT_HEAL)
def test_a_dump_is_whole_after_what_can_be_healed(faults: Faults) -> None:
    monitor = Monitor(Quiet(), faults)
    dump, run, said = dump_from(monitor)
    assert run() == monitor.memory
    assert len(monitor.memory) == dump.total == 8527
    assert "read 8,192 of 8,527 bytes" in said
    assert sum(text.startswith("read ") for text in said) <= 8, "once a KiB"


@pytest.mark.parametrize(
    ("faults", "error", "message", "left"),
    [
        (Faults(silent=True), NoAnswer, "did not answer within 10 s", 0),
        (Faults(bad_headers=9), DeviceError, "5 unusable answers", 0),
        (Faults(corrupt_block=30, corrupt_times=5), DeviceError, "03A0 came damaged 5 times", 29 * 32),
        (Faults(dead_after=100), NoAnswer, "fell silent after 3,200 of 8,527 bytes", 3200),
    ],
)
def test_a_dump_that_fails_says_why_and_keeps_what_came(
    faults: Faults, error: type[DeviceError], message: str, left: int
) -> None:
    monitor = Monitor(Quiet(), faults)
    dump, run, _ = dump_from(monitor)
    with pytest.raises(error, match=message):
        run()
    assert dump.memory == monitor.memory[:left]


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        Faults,
        corrupt_every=st.sampled_from([0, 3, 7]),
        lose_every=st.sampled_from([0, 11, 40]),
        noise_every=st.sampled_from([0, 13]),
        noise_before=st.booleans(),
        stall_block=st.integers(1, 267),
        stall=st.floats(0, 9),
        stall_inside=st.booleans(),
        no_end=st.booleans(),
    ),
    st.floats(0, 0.4),
)
@example(Faults(stall_block=91, stall=2.9, noise_every=13, corrupt_every=3), 0.0)  # noise drew a NAK of its own
@example(Faults(stall_block=9, stall=1.5, stall_inside=True, corrupt_every=7), 0.4)  # so did half a block
def test_faults_together_never_make_a_wrong_memory(faults: Faults, turnaround: float) -> None:
    monitor = Monitor(Quiet(), faults, turnaround)
    _, run, _ = dump_from(monitor)
    with contextlib.suppress(DeviceError):
        assert run() == monitor.memory


@pytest.mark.parametrize("more", [BLOCK, b"\x02CM", BLOCK + b"\x02"], ids=["a block", "half a command", "both"])
def test_a_monitor_that_goes_on_after_its_last_block_has_not_been_read_right(more: bytes) -> None:
    monitor = Monitor(Quiet(), Faults(no_end=True))
    dump, run, _ = dump_from(monitor)
    speak, left = monitor.speak, [more]

    def speaking(now: float) -> bytes:
        at_end = left and dump.total and len(dump.memory) == dump.total
        return speak(now) or (left.pop() if at_end else b"")

    monitor.speak = speaking  # type: ignore[method-assign]
    with pytest.raises(DeviceError, match=r"sent more than the 8,527 bytes"):
        run()


def test_a_block_whose_bytes_still_come_is_waited_for_and_not_asked_for_again() -> None:
    monitor = Monitor(Quiet())
    dump, run, _ = dump_from(monitor)
    speak, feed, fed, late = monitor.speak, monitor.feed, list[bytes](), bytearray()
    begun = 0.0

    def slowly(now: float) -> bytes:
        nonlocal begun
        data = speak(now)
        if len(dump.memory) != 64 or (not data and not late):
            return data
        if not begun:
            begun = now
            return data  # its first byte
        late.extend(data)
        if now < begun + 1.5 * kyocera.WINDOW:
            return b""
        data = bytes(late)
        late.clear()
        return data

    def feeding(data: bytes, now: float) -> None:
        fed.append(data)
        feed(data, now)

    monitor.speak, monitor.feed = slowly, feeding  # type: ignore[method-assign]
    assert run() == monitor.memory
    assert begun
    assert kyocera.NAK not in fed


def test_a_monitor_left_in_the_middle_of_a_dump_is_asked_anew() -> None:
    monitor = Monitor(Quiet())
    for message in (kyocera.REQUEST, kyocera.ACK):
        monitor.feed(message, NOW)
    _, run, _ = dump_from(monitor, NOW + 0.01)
    assert run() == monitor.memory


def test_the_monitor_is_asked_once_it_is_quiet() -> None:
    dump = Dump()
    port = Scripted([BLOCK, BLOCK, BLOCK], dump.feed)
    with pytest.raises(NoAnswer):
        run(Talk(), dump.dialogue(), port, Context())
    assert port.sent == [kyocera.REQUEST] * kyocera.REQUESTS
    assert port.time == pytest.approx(4 * kyocera.QUIET + kyocera.REQUESTS * kyocera.ANSWER_WITHIN)


@pytest.mark.parametrize(
    ("memory", "text"),
    [
        (b"", "0000: \n"),
        (b"\x01\xab", "0000: 01AB\n"),
        (bytes(32), "0000: " + "00" * 32 + "\n0020: \n"),  # the original's odd last line
        (bytes(33), "0000: " + "00" * 32 + "\n0020: 00\n"),
    ],
)
def test_the_dump_file_is_the_originals_byte_for_byte(memory: bytes, text: str) -> None:
    assert kyocera.dump_text(memory) == text
    assert kyocera.parse_dump_text(text) == memory


@given(st.binary(max_size=200))
def test_a_dump_file_reads_back(memory: bytes) -> None:
    text = kyocera.dump_text(memory)
    assert kyocera.parse_dump_text(text) == memory
    assert kyocera.parse_dump_text(text.replace("\n", "\r\n").lower() + "\n") == memory


@pytest.mark.parametrize("text", ["0000: 0", "0000: 00\n0020: 00", "nonsense", "0000: GG"])
def test_a_dump_file_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="line "):
        kyocera.parse_dump_text(text)


@pytest.mark.parametrize(
    ("received", "reported"),
    [
        ([], "did not answer within 10 s"),
        ([b"\x00\x41\xfe"], "sent only noise within 10 s"),
        ([b"\x00\x41", b"", b"", b""], "sent only noise within 10 s"),  # noise to the first request only
        ([b"", b"", b"", b"\x7f"], "sent only noise within 10 s"),
        ([ACK, ACK], "did not answer within 10 s"),
    ],
)
def test_silence_and_noise_are_reported_apart(received: list[bytes], reported: str) -> None:
    with pytest.raises(NoAnswer, match=reported) as caught:
        receiving(received)
    assert "TX and RX" in caught.value.hint


def receiving(received: list[bytes]) -> None:
    """A dump whose requests are answered so, one after the other."""
    dump_from(Replies(received))[1]()


@pytest.mark.parametrize("data", [b"\x10", b"\x10\x20", b"\x00" * 254])
def test_a_block_of_any_length_is_read(data: bytes) -> None:
    raw = bytes((len(data) + 1,)) + data
    raw += bytes((0xFF - sum(raw) % 256,))
    parser = Parser()
    parser.expect_block()
    assert parser.feed(raw) == [Block(data, raw)]
    assert parser.half_read == 0
