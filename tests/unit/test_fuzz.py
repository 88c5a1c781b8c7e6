"""Any bytes give a value, an error of ours, or "need more"; and a stream says the same however it is cut."""

import re
from collections.abc import Callable
from contextlib import nullcontext, suppress
from itertools import pairwise
from random import Random
from typing import TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homemon.core.clock import Instant
from homemon.core.dialogue import MOST_RECEIVED, Step, Talk
from homemon.core.errors import HomemonError, WireError
from homemon.echonet import codec as echonet
from homemon.echonet.codec import MULTICAST, Received
from homemon.runtime.driver import Context, run
from homemon.runtime.stop import Stopped
from homemon.runtime.virtual import VirtualLine, VirtualPort
from homemon.skstack import lines as skstack
from homemon.skstack.join import Credentials, Link, join, rejoin
from homemon.skstack.lines import Dialect, Event, Fail, Happening, Noise, Ok, Parser, Udp, Version
from homemon.skstack.mask import masked_received, masked_sent
from homemon.sources.kyocera import protocol as kyocera
from homemon.sources.lan.discovery import MOST_NODES, Discovery
from homemon.sources.meter import properties as meter
from tests.longrun.fuzz.seeds import minutes
from tests.longrun.fuzz.session import CUT, new_session, sound
from tests.longrun.fuzz.targets import TARGETS, held
from tests.virtual import LINK, NOON, Replies, Scripted

T = TypeVar("T")
METER, MODULE = LINK.address.encode(), b"FE80:0000:0000:0000:0200:AA00:0000:0001"
HEAD = b"ERXUDP " + METER + b" " + MODULE + b" 0E1A 0E1A 0000AA000000000A 1 "

properties = st.lists(
    st.builds(
        echonet.Property,
        st.one_of(st.sampled_from(sorted(meter.PROPS)), st.integers(0, 255)),
        st.one_of(st.binary(max_size=12), st.binary(min_size=194, max_size=194)),
    ),
    max_size=3,
).map(tuple)


@st.composite
def any_frame(draw: st.DrawFn) -> echonet.Frame:
    seoj = draw(st.sampled_from([meter.EOJ, echonet.CONTROLLER, echonet.NODE_PROFILE]))
    esv = draw(st.sampled_from(echonet.Esv))
    read = draw(properties) if esv in echonet.TWO_LISTS else ()
    tid, deoj = draw(st.integers(0, 0xFFFF)), draw(st.integers(0, 0xFFFFFF))
    return echonet.Frame(tid, seoj, deoj, esv, draw(properties), read)


frames = any_frame()


def spoilt(data: bytes) -> st.SearchStrategy[bytes]:
    """`data`, or `data` with some bytes of its middle replaced by others."""
    cut = st.tuples(st.integers(0, len(data)), st.integers(0, 4), st.binary(max_size=3))
    return st.one_of(st.just(data), cut.map(lambda c: data[: c[0]] + c[2] + data[c[0] + c[1] :]))


def erxudp(data: bytes) -> st.SearchStrategy[bytes]:
    size = b"0 %04X " % len(data)
    middle = st.sampled_from([size, size[2:], b"0 0012 ", b"0 0500 "])
    payload = st.sampled_from([data, data.hex().upper().encode()])
    return st.builds(lambda m, p: HEAD + m + p + b"\r\n", middle, payload)


lines = [
    b"OK\r\n",
    b"OK 01\r",
    b"FAIL ER10\r\n",
    b"FAIL ER05\r\n",
    b"EVER 1.5.2\r\n",
    b"EINFO " + MODULE + b" 0000AA0000000001 21 8888 FFFE\r\n",
    b"EVENT 22 " + MODULE + b" 0\r\n",
    b"EVENT 25 " + METER + b"\r\n",
    METER + b"\r\n",
    b"SKSENDTO",
    b"EPANDESC\r\n  Channel:31\r\n  Channel Page:09\r\n  Pan ID:B5FB\r\n  Addr:0000AA000000000A\r\n"
    b"  LQI:DD\r\n  Side:0\r\n  PairID:00AA0002\r\n",
    b"\r\n",
]
pieces = st.one_of(
    st.sampled_from(lines).flatmap(spoilt),
    frames.map(echonet.encode).flatmap(erxudp).flatmap(spoilt),
    st.binary(max_size=12),
)
streams = st.lists(pieces, max_size=8).map(b"".join).filter(lambda stream: len(stream) < 4096)


def value_or_offset(decode: Callable[[bytes], T], data: bytes) -> T | int:
    try:
        return decode(data)
    except WireError as error:
        return error.offset


def without_space(data: bytes) -> bytes:
    return re.sub(rb"\s", b"", data)


@given(st.one_of(st.binary(max_size=60), frames.map(echonet.encode).flatmap(spoilt)))
def test_any_bytes_are_a_frame_or_a_wire_error(data: bytes) -> None:
    decoded = value_or_offset(echonet.decode, data)
    if isinstance(decoded, int):
        assert 0 <= decoded <= len(data)
    else:
        assert echonet.encode(decoded) == data


@given(frames, st.one_of(st.none(), st.builds(meter.Scale, st.integers(-4, 4), st.integers(1, 999_999))))
def test_any_frame_gives_a_report(frame: echonet.Frame, scale: meter.Scale | None) -> None:
    report = meter.report(frame, scale)
    assert all(point.fields for point in report.points)
    assert scale is None or not report.unscaled


@given(st.sampled_from(sorted(meter.PROPS)), st.data())
def test_any_edt_of_the_right_length_reads(epc: int, data: st.DataObject) -> None:
    size = meter.PROPS[epc].size
    edt = data.draw(st.binary(min_size=size, max_size=size or 255))
    with nullcontext() if size else suppress(ValueError):
        meter.value_of(echonet.Property(epc, edt))


@given(st.binary(max_size=20))
@example(b"\x10" + b"\xff" * 16)
def test_any_bytes_are_a_list_or_a_wire_error(data: bytes) -> None:
    decoders: tuple[Callable[[bytes], object], ...] = (echonet.decode_property_map, echonet.decode_instance_list)
    for decode in decoders:
        decoded = value_or_offset(decode, data)
        assert not isinstance(decoded, int) or 0 <= decoded <= len(data)


@given(st.sets(st.integers(0x80, 0xFF)))
def test_any_property_map_comes_back(epcs: set[int]) -> None:
    assert echonet.decode_property_map(echonet.encode_property_map(epcs)) == epcs


@settings(deadline=None)
@given(streams, st.lists(st.integers(0, 4096)))
@example(HEAD + b"0 0012 " + bytes.fromhex("10810D0A02880105FF017201E704000D0A0D0A"), [])
@example(b"OK \xff\xfe1\r\nEVER \xff1\r\n", [])
def test_a_stream_says_the_same_however_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    whole = Parser().feed(stream)
    at = sorted({0, *(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    for ends in (at, range(len(stream) + 1)):
        parser, events = Parser(), list[Happening]()
        for begin, end in pairwise(ends):
            events += parser.feed(stream[begin:end])
        assert events == whole


@settings(deadline=None)
@given(streams)
@example(b"EPANDESC\r\n  Channel:31\r\nERXUDP \0FE80\r\n")
def test_a_stream_is_received_in_order_with_nothing_lost_or_invented(stream: bytes) -> None:
    received = without_space(b"".join(event.raw for event in Parser().feed(stream)))
    assert without_space(stream).startswith(received)


@settings(deadline=None)
@given(streams)
def test_any_stream_can_be_written_down_masked(stream: bytes) -> None:
    masked_sent(stream)
    for event in Parser().feed(stream):
        masked_received(event)
        assert not isinstance(event, Udp) or len(event.data) <= 1232


@settings(deadline=None)
@given(st.booleans(), st.lists(st.lists(pieces, max_size=4).map(b"".join), max_size=25))
def test_a_join_with_any_module_ends_in_a_link_or_an_error_of_ours(known: bool, replies: list[bytes]) -> None:
    """Whatever the module says, and silence after it: the dialogue ends, and within ten minutes."""
    secrets = Credentials("00112233445566778899AABBCCDDEEFF", "0123456789AB")
    link = Link(METER.decode(), "31", "B5FB", "0000AA000000000A", Dialect.C)
    line, reported = VirtualLine(Replies(replies), Parser().feed, 0.0), ""
    try:
        assert isinstance(run(Talk(), rejoin(secrets, link) if known else join(secrets), line, Context()), Link)
    except HomemonError as error:
        reported = str(error) + error.hint
    assert "0123456789AB" not in reported
    assert line.time < 600


def reported(epc: int) -> st.SearchStrategy[bytes]:
    """What a meter may report of a property: values that can be, any of the right size, and any at all."""
    dates = st.dates().map(lambda day: day.year.to_bytes(2) + bytes((day.month, day.day)))
    likely = {0x98: dates, 0x97: st.just(b"\x0c\x1e"), 0xE1: st.just(b"\x01"), 0xEA: dates.map(lambda d: d + bytes(7))}
    size = meter.PROPS[epc].size if epc in meter.PROPS else 1
    return st.one_of(likely.get(epc, st.nothing()), st.binary(min_size=size, max_size=size), st.binary(max_size=3))


unasked = st.one_of(
    st.sampled_from([Ok("", b""), Noise(b"x"), Fail("ER05", b""), Fail("ER10", b"")]),
    st.builds(
        Event,
        st.sampled_from([*range(0x20, 0x34)]),
        st.just(METER.decode()),
        st.none(),
        st.sampled_from([0, 1]),
        st.just(b""),
    ),
    frames.map(lambda frame: datagram(echonet.encode(frame))),
)


def datagram(data: bytes) -> Udp:
    return Udp(METER.decode(), MODULE.decode(), 0x0E1A, 0x0E1A, "0000AA000000000A", None, 1, 0, data, b"")


@settings(deadline=None, max_examples=150)
@given(st.data(), st.lists(st.lists(unasked, max_size=2), min_size=12, max_size=24))
def test_a_listener_lives_with_a_meter_that_answers_anything(
    data: st.DataObject, meanwhile: list[list[Happening]]
) -> None:
    session = new_session(known=True)
    with suppress(Stopped):
        run(session, session.listen(60.0), AnsweringMeter(data, meanwhile), Sound())


class AnsweringMeter(VirtualPort):
    """Answers everything, and says something `meanwhile`, each time when a wait is over."""

    def __init__(self, data: st.DataObject, meanwhile: list[list[Happening]]) -> None:
        super().__init__(NOON)
        self._data = data
        self._meanwhile = iter(meanwhile)
        self._answers: list[Happening] = []

    def send(self, message: bytes) -> None:
        if not message.startswith(b"SKSENDTO"):
            self._answers += [Version("1.5.2", b""), Ok("", b"")]
            return
        request = echonet.decode(message[message.index(b"\x10\x81") :])
        answer = tuple(echonet.Property(prop.epc, self._data.draw(reported(prop.epc))) for prop in request.properties)
        esv = echonet.Esv.SET_RES if request.esv is echonet.Esv.SETC else echonet.Esv.GET_RES
        frame = echonet.Frame(request.tid, request.deoj, request.seoj, esv, answer)
        self._answers.append(datagram(echonet.encode(frame)))

    def receive(self, until: float) -> tuple[list[Happening], Instant]:
        self.move(max(self.time + 0.1, until))
        answers, self._answers = self._answers, []
        try:
            return next(self._meanwhile) + answers, self.now()
        except StopIteration:
            raise Stopped from None


class Sound(Context):
    """Whatever is recorded is sound."""

    def record(self, step: Step, at: Instant) -> None:
        sound(step.points)


# --- the table of `make fuzz` ------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_target_begins_with_makes_sense_to_it(name: str) -> None:
    seeds = [*TARGETS[name].seeds()]
    assert seeds
    for seed in seeds:
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_break_a_promise(name: str) -> None:
    target = TARGETS[name]

    @settings(deadline=None, max_examples=60)
    @given(st.one_of(st.binary(max_size=400), st.sampled_from([*target.seeds()]).flatmap(spoilt).flatmap(spoilt)))
    def holds(data: bytes) -> None:
        target.run(data)

    holds()


BROKE = {
    "a date in the year 5 ended the listener": (
        "listen",
        CUT.join(piece.replace(b"980407EA", b"98040005") for piece in minutes(known=True)),
    ),
    "a unit of 10^-7777 took for ever": (
        "state",
        b"[smartmeter.scale]\nexponent = -77777777777777777777\ncoefficient = 8\ndigits = 8",
    ),
    "a number that is none": ("state", b"[smartmeter.scale]\nexponent = inf\ncoefficient = 1\ndigits = 8"),
    "nested without end": ("state", b"smartmeter = " + b"[" * 20_000),
    "an address that is a number": ("state", next(iter(TARGETS["state"].seeds())).replace(b'"31"', b"31")),
    "an address with a command in it": (
        "state",
        next(iter(TARGETS["state"].seeds())).replace(b':0002"', b':0002\\r\\nSKERASE"'),
    ),
    "an EcoCute at no address": ("state", next(iter(TARGETS["state"].seeds())).replace(b"192.0.2.20", b"192.0.2.320")),
    "a server that moves the cursor": ("server", b"400 \n\x1b[2J\x07 \xc2\x9b31m"),
}


@pytest.mark.parametrize("finding", BROKE)
def test_what_was_found_once_stays_repaired(finding: str) -> None:
    name, data = BROKE[finding]
    TARGETS[name].run(data)


# --- memory ------------------------------------------------------------------------------

MEGABYTES = 1 << 20
RANDOM = Random(1)
NOISE = RANDOM.randbytes(5000)
JUNK = {
    "nothing but zeros": b"\0",
    "no line ends": b"x",
    "only line ends": b"\r\n\r",
    "noise": NOISE,
    "heads without end": b"ERXUDP ",
    "heads cut short": HEAD,
    "a length too large": HEAD + b"0 FFFF ",
    "a raw payload that never ends": HEAD + b"0 04D0 " + b"\xff" * 1300,
    "echoes": b"SKSENDTO 1 " + METER + b" 0E1A 1 0 0012 ",
    "echoes with a reply glued behind": b"SKSENDTOERXUDP EVENT 21 ",
    "scan results without end": b"EPANDESC\r\n" + b"  Channel:31" * 300 + b"\r\n",
    "scan results of long lines": b"EPANDESC\r\n" + (b"  " + b"x" * 4000 + b"\n") * 20,
    "commands of the monitor without end": b"\x02CMD",
    "blocks that promise 255 bytes": b"\xff",
}


@pytest.mark.parametrize("kind", JUNK)
def test_a_stream_without_end_never_grows_a_parser(kind: str) -> None:
    """A megabyte of it, in the pieces that a port gives; what is kept is stated in the parsers' modules."""
    junk = (JUNK[kind] * (MEGABYTES // len(JUNK[kind]) + 1))[:MEGABYTES]
    module, commands, blocks = Parser(), kyocera.Parser(), kyocera.Parser()
    blocks.expect_block()
    for size in (4096, 1000):
        for at in range(0, MEGABYTES // 2, size):
            module.feed(junk[at : at + size])
            assert held(module) <= skstack.MOST_HELD
            for monitor in (commands, blocks):
                monitor.feed(junk[at : at + size])
                assert len(monitor._buffer) <= kyocera.MOST_HELD
                assert not monitor._noise
                assert not monitor._out


def test_a_search_under_a_flood_of_forged_nodes_keeps_no_more_than_a_network_has() -> None:
    announcement = echonet.decode(bytes.fromhex("108100010EF0010EF0017301D50401026B01"))
    flood = [Received(announcement, f"10.0.{number >> 8}.{number & 255}") for number in range(5000)]
    port = Scripted([b"flood"], lambda piece: flood if piece else [])
    assert len(run(Talk(), Discovery([MULTICAST], 0).search(), port, Context())[0]) == MOST_NODES


def test_a_listener_on_a_line_that_only_makes_noise_keeps_the_newest_of_it() -> None:
    """Half an hour of a wrong baud rate were a gigabyte of events before it was looked at."""
    session, parser = new_session(known=True), Parser()
    with suppress(Stopped):
        run(session, session.listen(60.0), NoisyLine(minutes(known=True), parser.feed, NOON), Context())
    assert len(session._conversation._received) == MOST_RECEIVED


class NoisyLine(Scripted):
    """Nothing but noise after the pieces, 4,096 bytes at a time at 115,200 bps, until the next question is due."""

    def receive(self, until: float) -> tuple[list[Happening], Instant]:
        piece = next(self._pieces, None)
        if piece is None and until <= self.time + 1:
            raise Stopped
        self.move(until if piece is not None else self.time + 0.36)
        return self._events(b"\xfe\r" * 2048 if piece is None else piece), self.now()
