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
from socket import inet_aton
from typing import NamedTuple

from requests import Response
from urllib3 import HTTPResponse

from homemon.config import edit
from homemon.config import read as config
from homemon.core.dialogue import Talk
from homemon.core.errors import ConfigError, HomemonError, NoAnswer, WireError
from homemon.core.points import line
from homemon.core.printable import printable
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
from homemon.sim.bp35c0 import BID, PWD
from homemon.skstack import lines as skstack
from homemon.skstack.join import Link, join, rejoin
from homemon.skstack.logged import as_text
from homemon.skstack.mask import masked_received, masked_sent
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera import protocol as kyocera
from homemon.sources.kyocera.protocol import Dump, dump_text, parse_dump_text
from homemon.sources.lan.controller import Controller
from homemon.sources.lan.discovery import MOST_NODES, Discovery, choose, decoded
from homemon.sources.lan.reports import joined, report
from homemon.sources.meter import properties as meter
from homemon.sources.registry import ECOCUTE
from tests.longrun.fuzz.seeds import (
    announcements,
    answers,
    captures,
    configs,
    dialogues,
    dumps,
    files,
    frames,
    memories,
    states,
)
from tests.longrun.fuzz.session import CREDENTIALS, CUT, Bounded, new_session, sound
from tests.servers import settings
from tests.virtual import LINK, NOON, TENTHS, Scripted
from tests.virtual_lan import HOST, OTHER, UNIT

MOST_LINES = 50  # of a file; more say no more
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
        sound(joined(ECOCUTE, [report(ECOCUTE, frame, UNIT), report(ECOCUTE, frame, frame.seoj)]))


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
    nodes, _ = run(Talk(), Discovery([MULTICAST, HOST], 0).search(), port, Context())
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
    if read.smartmeter:
        wanted = [edit.Change("smartmeter", "address", LINK.address)]
        try:
            changed = edit.edited(text.encode(), wanted, path)
        except (OSError, ConfigError):
            return
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
