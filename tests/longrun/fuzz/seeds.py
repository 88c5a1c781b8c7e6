"""Bytes for the fuzzer to begin with: what captures, simulators and templates say."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from homemon.config.keys import KEYS
from homemon.core.clock import Instant
from homemon.core.transcript import LAN, MODULE, MONITOR, written
from homemon.runtime.driver import run
from homemon.runtime.stop import Stopped
from homemon.runtime.virtual import VirtualLine
from homemon.sim import kyocera as monitor
from homemon.sim.bp35c0 import PWD, Module
from homemon.sim.ecocute import Ecocute
from homemon.skstack import lines as skstack
from homemon.skstack.mask import masked_received
from homemon.sources.kyocera import protocol as kyocera
from homemon.sources.kyocera.protocol import dump_text
from tests import ROOT
from tests.longrun.fuzz.session import CUT, Bounded, new_session
from tests.traces import PUSHED
from tests.unit.test_captures import VECTORS, stream
from tests.unit.test_logged import SHAPES
from tests.virtual import HOUSE, LINK, NOON
from tests.virtual_lan import HOST

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
