"""Everything that takes bytes from outside, as a table: name → what takes any bytes, and bytes to begin with.

The promise: any input gives a value, an error of ours, or "need more", in bounded memory. A target
raises where it is broken, and nothing else. `make fuzz` runs the table under a coverage-guided
fuzzer, tests/unit/test_fuzz.py under hypothesis; both begin with the captures and the simulators' bytes.
Where time matters it is virtual: a piece of input is received, then time passes to the next waking.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from math import isfinite
from pathlib import Path
from random import Random
from socket import inet_aton
from typing import Any, NamedTuple

from requests import Response
from urllib3 import HTTPResponse

from homemon.config import read as config
from homemon.config.keys import KEYS
from homemon.core.clock import Instant
from homemon.core.dialogue import MOST_RECEIVED, Step, Talk
from homemon.core.errors import ConfigError, HomemonError, NoAnswer, WireError
from homemon.core.points import Point, line
from homemon.core.printable import printable
from homemon.core.transcript import LAN, MODULE, MONITOR, written
from homemon.delivery.influx import Influx
from homemon.echonet import codec as echonet
from homemon.echonet.codec import MULTICAST, Received
from homemon.explain.text import accounts
from homemon.replay.device import Device
from homemon.replay.meter import Known
from homemon.replay.reader import Reader
from homemon.replay.report import EARLIEST, ReplayReport
from homemon.runtime import state
from homemon.runtime.driver import Context, run
from homemon.runtime.stop import Stopped
from homemon.runtime.virtual import VirtualLine
from homemon.sim import kyocera as monitor
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.ecocute import Ecocute
from homemon.skstack import lines as skstack
from homemon.skstack.join import Credentials, Link, join, rejoin
from homemon.skstack.logged import as_text
from homemon.skstack.mask import masked_received, masked_sent
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera import protocol as kyocera
from homemon.sources.kyocera.protocol import Dump, dump_text, parse_dump_text
from homemon.sources.lan.controller import Controller
from homemon.sources.lan.discovery import MOST_NODES, Discovery, choose, decoded
from homemon.sources.lan.reports import joined, report
from homemon.sources.meter import properties as meter
from homemon.sources.meter.reception import MAX_WAITING
from homemon.sources.meter.session import Session
from homemon.sources.registry import ECOCUTE
from tests import ROOT
from tests.servers import settings
from tests.traces import PUSHED
from tests.unit.test_captures import VECTORS, stream
from tests.unit.test_logged import SHAPES
from tests.virtual import HOUSE, LINK, NOON, TENTHS, Scripted
from tests.virtual_lan import HOST, OTHER, UNIT

MOST_LINES = 50  # of a file; more say no more
CUT = b"~~"  # between two pieces of one input
CREDENTIALS = Credentials(BID, PWD)
LONGEST = 4096  # bytes that a port gives at once


class Target(NamedTuple):
    """`run` takes any bytes; `seeds` gives some that make sense to it."""

    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


# --- decoders ---------------------------------------------------------------------------


def echonet_frame(data: bytes) -> None:
    """A frame that is understood is the same when it is written again."""
    for decode in (echonet.decode_property_map, echonet.decode_instance_list):
        with suppress(WireError):
            decode(data)
    with suppress(WireError):
        assert echonet.encode(echonet.decode(data)) == data


def reports(data: bytes) -> None:
    """Whatever a device reports becomes points that a server takes."""
    for epc, prop in meter.PROPS.items():
        for edt in (data, data[: prop.size]):
            with suppress(ValueError):  # of another size
                meter.value_of(echonet.Property(epc, edt))
    with suppress(WireError):
        frame = echonet.decode(data)
        sound(meter.report(frame, TENTHS).points + meter.report(frame, None).points)
        sound(joined(ECOCUTE, [report(ECOCUTE, frame, UNIT), report(ECOCUTE, frame, frame.seoj)]).points)


def solar_memory(data: bytes) -> None:
    """A memory of any content, whole or not, and its dump's text, which says the same."""
    assert parse_dump_text(dump_text(data)) == data
    for now in (None, 1_795_000_000.0):
        sound(solar.report(data, solar.DAYS, now, partial=True).points)
    with suppress(WireError):
        solar.report(data, 1)


def dump_file(data: bytes) -> None:
    """A file that somebody edited."""
    with suppress(WireError):
        parse_dump_text(data.decode("latin-1"))


def explained(data: bytes) -> None:
    """Any text, line by line; what a person sees of it cannot move a terminal's cursor."""
    for account in accounts(as_text(data).splitlines()[:MOST_LINES]):
        json.dumps(account.facts)
        assert account.lines
        assert all(printable(text) == text for text in account.lines)


def replayed(data: bytes) -> None:
    """Any file gives points that a server takes, at times that can be."""
    left = ReplayReport(latest=2e9)
    reader = Reader(Known(LINK.address, TENTHS), [Device()], None, left)
    points = [point for text in data.splitlines()[:MOST_LINES] for point in reader.feed(text, "file")]
    points += reader.close()
    sound(points)
    assert all(point.time is not None and EARLIEST <= point.time <= 2e9 for point in points)
    assert all(
        line(point.measurement, point.tags or "", point.fields, point.time or 0).isprintable() for point in points
    )


def sound(points: Iterable[Point]) -> None:
    for point in points:
        assert point.fields
        assert all(isfinite(value) for value in point.fields.values())
        assert "\n" not in line(point.measurement, "", point.fields, point.time or 0)


# --- streams ----------------------------------------------------------------------------


def skstack_stream(data: bytes) -> None:
    """The module's line, in pieces; whatever it says can be written down."""
    parser = skstack.Parser()
    masked_sent(data)
    for piece in pieces(data):
        for event in parser.feed(piece):
            masked_received(event)
            assert not isinstance(event, skstack.Udp) or len(event.data) <= skstack.MAX_DATA
        assert held(parser) <= skstack.MOST_HELD


def kyocera_stream(data: bytes) -> None:
    """The solar monitor's line, in pieces, while commands and while blocks are expected."""
    for blocks in (False, True):
        parser = kyocera.Parser()
        (parser.expect_block if blocks else parser.expect_command)()
        said = b"".join(event.raw for piece in pieces(data) for event in parser.feed(piece))
        assert len(said) + parser.half_read == parser.fed
        assert parser.half_read <= kyocera.MOST_HELD


def kyocera_dump(data: bytes) -> None:
    """The whole dialogue with any monitor, and silence behind it: it ends, and within an hour."""
    dump = Dump()
    port = Scripted(pieces(data), dump.feed)
    with suppress(HomemonError):
        run(Talk(), dump.dialogue(), port, Context())
    assert len(dump.memory) <= 0xFFFF
    assert port.time < 3600


def held(parser: skstack.Parser) -> int:
    """The bytes that a parser keeps for later."""
    return len(parser._buffer) + sum(map(len, parser._pan or ()))


def pieces(data: bytes) -> Iterator[bytes]:
    """As a port would give them."""
    for piece in data.split(CUT):
        yield from (piece[at : at + LONGEST] for at in range(0, len(piece) or 1, LONGEST))


# --- whole machines ---------------------------------------------------------------------


def joining(data: bytes) -> None:
    """A join with any module ends in a link or an error of ours, within ten minutes, and reports no secret."""
    for dialogue in (join(CREDENTIALS), rejoin(CREDENTIALS, LINK)):
        port, reported = Scripted(pieces(data), skstack.Parser().feed), ""
        try:
            assert isinstance(run(Talk(), dialogue, port, Context()), Link)
        except HomemonError as error:
            reported = str(error) + error.hint
        assert PWD not in reported
        assert BID not in reported
        assert port.time < 600


def listening(data: bytes) -> None:
    """A listener receives any stream, from any start, and goes on; only a module that never wakes ends it."""
    session = new_session(known=not data.startswith(CUT))  # as the seeds: one that must join receives nothing at first
    script = [*pieces(data), *[b""] * 8]
    with suppress(NoAnswer, Stopped):
        port = Scripted(script, skstack.Parser().feed, NOON)
        run(session, session.listen(60.0), port, Bounded(session, 1 + len(script)))


class Bounded(Context):
    """So many steps of a session, each of which is sound and keeps little."""

    def __init__(self, session: Session, steps: int) -> None:
        self._session = session
        self._steps = steps

    def record(self, step: Step, at: Instant) -> None:
        sound(step.points)

    def deadline(self, step: Step, at: Instant) -> float:
        assert all(sent.startswith((b"SK", b"\r\nSK", b"ROPT", b"WOPT")) for sent in step.send)
        assert len(self._session._conversation._received) <= MOST_RECEIVED
        assert len(self._session._reception._waiting) <= MAX_WAITING
        self._steps -= 1
        if not self._steps:
            raise Stopped
        return step.wake


def new_session(known: bool) -> Session:
    """One whose store lacks the last six half-hours; it knows its meter or does not."""

    link, scale = (LINK, TENTHS) if known else (None, None)
    return Session(link, scale, CREDENTIALS, 0, Random(7).uniform, LacksSix(), 7)


class LacksSix:
    """Holds 0.1 kWh at each half-hour but the last six of a period."""

    def values(self, measurement: str, field: str, since: int, until: int) -> dict[int, float]:
        return dict.fromkeys(range(-(-since // 1800) * 1800, until - 6 * 1800, 1800), 0.1)

    def first(self) -> int:
        return 0

    def settled(self) -> bool:
        return True

    def met(self, address: str) -> None:
        """It has met none before."""


def controlling(data: bytes) -> None:
    """Our node on the LAN, with any datagrams from the EcoCute and from others, while it listens and while it asks."""
    for program in (Controller.listen, Controller.poll, Controller.ask_once):
        controller, now = Controller(HOST, UNIT, True, 0), 0.0
        with suppress(NoAnswer):
            step = controller.start(program(controller), now, now)
            for number, datagram in enumerate([*data.split(CUT), b"", b"", b"", b""]):
                now += 0.5
                sound(step.points)
                for sent, _ in step.send:
                    echonet.decode(sent)
                step = controller.step(now, now, [(datagram, OTHER if number % 4 == 3 else HOST)])
                assert len(controller._gathered) <= 65
        sound(controller.take_points())


def searching(data: bytes) -> None:
    """A search of the LAN ends, whoever answers what, in two minutes, with a bounded number of nodes."""

    def received(part: bytes) -> list[Received]:
        return list(decoded([(part[1:], f"192.0.2.{int.from_bytes(part[:1])}")], lambda broken: None))

    port = Scripted(data.split(CUT), received)
    nodes = run(Talk(), Discovery([MULTICAST, HOST], 0).search(), port, Context())
    assert port.time < 120
    assert len(nodes) <= MOST_NODES
    with suppress(HomemonError):
        choose(nodes, UNIT, None)
    for node in nodes:
        assert all(text.isprintable() for text in node.facts if text)


# --- files and servers --------------------------------------------------------------------


def config_file(data: bytes) -> None:
    """Any text is a configuration or a ConfigError; where `join` can write an address into it, only that changes."""
    text = data.decode("utf-8", "replace")
    path = Path("config.ini")
    try:
        read = config.parse(text, path)
    except ConfigError:
        return
    changed = config._with_address(text.encode(), LINK.address.encode())
    if config._differ_by_address(text.encode(), changed, path):
        after = config.parse(changed.decode(), path)
        assert (after.server, after.tags, after.store) == (read.server, read.tags, read.store)


def state_file(data: bytes) -> None:
    """Any state is understood or counts as not there; what is understood can be used."""
    known = state.understood(data)
    if known.link:
        skstack.sendto(known.link.dialect, known.link.address, b"")
        skstack.command(f"SKSREG S2 {known.link.channel} {known.link.pan_id} {known.link.mac}")
    for unit in known.units.values():
        inet_aton(unit.host)
        echonet.encode(echonet.get(1, unit.eoj, ()))
    assert all(searched >= 0 for searched in known.searched.values())
    if known.scale:
        assert isfinite(known.scale.kwh(99_999_999))
        assert isfinite(known.scale.modulus)


def server_answer(data: bytes) -> None:
    """Any answer of a server has a verdict; what is reported of it is short, on one line, and no secret."""
    response = Response()
    status, _, rest = data.partition(b" ")
    response.status_code = int(status) if status.isdigit() and len(status) == 3 else 400
    after, _, body = rest.partition(b"\n")
    response.headers["Retry-After"] = after.decode("latin-1")
    for more in ({"token": PWD, "bucket": "b", "org": "o"}, {"user": "me", "password": PWD}):
        response.raw = HTTPResponse(BytesIO(body), preload_content=False)
        answer = Influx(settings("http://localhost", **more))._judge(response)
        assert PWD not in answer.text
        assert len(answer.text) < 500
        assert answer.text.isprintable()
        assert answer.retry_after >= 0


# --- the table --------------------------------------------------------------------------


STAMP = "2026-11-23T17:14:27.123+09:00"
WORDS = (
    *(CUT, b"\r\n", b"OK\r\n", b"OK 00\r", b"FAIL ER05", b"FAIL ER10", b"EVER 1.5.2", b"ERXUDP ", b"EPANDESC\r\n"),
    *(f"EVENT {number} {LINK.address} 0\r\n".encode() for number in (21, 22, 24, 25, 26, 27, 28, 29, 32, 33)),
    f"ERXUDP {LINK.address} {LINK.address} 0E1A 0E1A 0000AA0000000002 1 0 ".encode(),
    *(b"SKSENDTO 1 ", b"\x10\x81\x00\x01\x02\x88\x01\x05\xff\x01\x72", monitor.ACK, monitor.NAK, monitor.HEADER),
    *(f"{STAMP} {link} < ".encode() for link in (MODULE, LAN, MONITOR)),
    b"power value=523 1795421667000000000\n",
    *(f"[{section}]\n".encode() for section in (*KEYS, "tags")),
)
"""What the fuzzer puts in where it guesses."""


def frames() -> Iterator[bytes]:
    """The meter's, out of the captures, and the EcoCute's."""
    for vector in VECTORS:
        yield from (event.data for event in skstack.Parser().feed(stream(vector)) if isinstance(event, skstack.Udp))
    heater = Ecocute(HOUSE, None)
    request = bytes.fromhex("1081 0001 05FF01 026B01 62 03 8400 8500 E100")
    yield request
    yield from (reply.data for reply in heater.answer(request, (HOST, 3610), float(NOON)))
    yield heater.inform(float(NOON)).data
    yield bytes.fromhex("1081 0001 05FF01 0EF001 62 02 D600 8200")


def announcements() -> Iterator[bytes]:
    """What nodes answer to a search: the first byte selects which of them."""
    objects = bytes.fromhex("1081 0001 0EF001 05FF01 72 01 D604 01 026B01")
    who = bytes.fromhex("1081 0002 0EF001 05FF01 72 02 8204 010E0100 8A03 00000B")
    yield CUT.join([b"\x01" + objects, b"\x02" + objects, b"\x01" + who, b"\x02" + who])
    yield CUT.join(b"\x01" + frame for frame in frames())


def captures() -> Iterator[bytes]:
    """The modules' lines, and what one says in a listener's first minutes."""
    yield from map(stream, VECTORS)
    for wakes in (8, 16, 40):
        yield CUT.join(minutes(known=True, wakes=wakes))
    yield CUT.join([b"", *minutes(known=False)])


def minutes(known: bool, wakes: int = 40) -> Iterator[bytes]:
    """What the simulated module says in a listener's first minutes, a piece each time that the listener wakes."""
    session, parser, said = new_session(known), skstack.Parser(), list[bytes]()

    def received(data: bytes) -> list[skstack.Happening]:
        said.append(data)
        return parser.feed(data)

    module = Module(HOUSE, float(NOON), push_after=20.0)
    module.radio.session = known
    with suppress(Stopped):
        run(session, session.listen(60.0), WakesOnly(module, received, NOON), Bounded(session, 1 + wakes))
    yield from said


class WakesOnly(VirtualLine):
    """A line that nobody looks at before a wait is over."""

    def receive(self, until: float) -> tuple[list[Any], Instant]:
        self.move(until)
        return super().receive(until)


def dialogues() -> Iterator[bytes]:
    """What the solar monitor says, and the beginning of it with a smaller total."""
    yield monitor.HEADER
    blocks = [bytes((3, value, 0xFC - value)) for value in (0, 1, 2, 3)]
    total = kyocera.command("CMD010000000004")
    yield CUT.join([b"", monitor.ACK + total, *blocks, monitor.END])
    yield CUT.join([b"", b"", monitor.NAK, monitor.HEADER_WRONG_SUM, monitor.ACK, total, b"\x03\x00\x00", *blocks])


def memories() -> Iterator[bytes]:
    house = monitor.Monitor(HOUSE)
    house.feed(monitor.REQUEST, float(NOON))
    yield house.memory
    yield house.memory[:300]


def configs() -> Iterator[bytes]:
    example = (ROOT / "config.ini.example").read_bytes()
    yield example
    yield example.replace(b"\n# ", b"\n")
    yield b"[smartmeter]\nbid = 00112233445566778899AABBCCDDEEFF\npwd = 0123456789AB\n[tags]\nhome = tokyo\n"


def states() -> Iterator[bytes]:
    yield (
        b'[smartmeter.link]\naddress = "FE80:0000:0000:0000:0200:AA00:0000:0002"\nchannel = "31"\n'
        b'pan_id = "B5FB"\nmac = "0000AA0000000002"\ndialect = "BP35C0"\n'
        b"[smartmeter.scale]\nexponent = -1\ncoefficient = 1\ndigits = 8\n"
        b'[ecocute]\nsearched = 1795000000\nunit = { host = "192.0.2.20", eoj = "026B01", id = "FE00" }\n'
    )


def answers() -> Iterator[bytes]:
    yield b'400 \n{"error":"partial write: field type conflict dropped=1"}'
    yield b"503 120\nout of service"
    yield b"401 Mon, 23 Nov 2026 10:00:00 GMT\nno such Token " + PWD.encode()


def dumps() -> Iterator[bytes]:
    for memory in memories():
        yield dump_text(memory[:300]).encode()


def files() -> Iterator[bytes]:
    """Traces, logs, dumps and a backup."""
    for vector in VECTORS:
        events = skstack.Parser().feed(stream(vector))
        yield "\n".join(written(STAMP, MODULE, False, masked_received(event)) for event in events).encode()
        yield stream(vector)
    yield "\n".join(written(STAMP, LAN, False, data, f"{HOST}:3610") for data in frames()).encode()
    yield b"\n".join(data.hex().encode() for data in frames())
    dialogue = (monitor.REQUEST, monitor.ACK + monitor.HEADER, monitor.ACK)
    yield "\n".join(written(STAMP, MONITOR, at != 1, data) for at, data in enumerate(dialogue)).encode()
    yield from dumps()
    yield "\n".join(
        f"2025-11-26 17:{at // 60:02}:{at % 60:02} {line}" for at, line in enumerate(SHAPES.values())
    ).encode()
    for shape in SHAPES.values():
        yield f"Nov 26 17:00:01 pi x[1]: {shape}\n2025-11-26 08:01:10 {PUSHED}\n瞬時電力計測値:928[W]".encode()
    yield b"power,home=a\\ b value=523 1795421667000000000\n+power value=0.3 1795420800000000000\n"


TARGETS = {
    "echonet": Target(echonet_frame, frames),
    "reports": Target(reports, frames),
    "solar": Target(solar_memory, memories),
    "dump-file": Target(dump_file, dumps),
    "decode": Target(explained, files),
    "replay": Target(replayed, files),
    "skstack": Target(skstack_stream, captures),
    "kyocera": Target(kyocera_stream, dialogues),
    "kyocera-dump": Target(kyocera_dump, dialogues),
    "join": Target(joining, captures),
    "listen": Target(listening, captures),
    "lan": Target(controlling, lambda: [CUT.join([*frames()] * 2), *frames()]),
    "discover": Target(searching, announcements),
    "config": Target(config_file, configs),
    "state": Target(state_file, states),
    "server": Target(server_answer, answers),
}
