"""docs/protocols.md: each frame is decoded by the code, each transcript is held against the real dialogue."""

import re
from datetime import datetime
from itertools import groupby
from typing import Any

import pytest

from homemon.core.points import JST, Point, line
from homemon.core.transcript import escaped
from homemon.echonet import codec as echonet
from homemon.echonet import properties
from homemon.echonet.codec import CONTROLLER, EHD, Esv, Frame, Property
from homemon.sim.bp35c0 import Module
from homemon.skstack.join import FAILURES, JOIN_FAILED, JOINED, SCAN_DONE, join
from homemon.skstack.lines import Dialect, Happening, Parser
from homemon.skstack.mask import masked_received, masked_sent
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera import protocol as kyocera
from homemon.sources.lan import ecocute
from homemon.sources.lan.reports import report as device_report
from homemon.sources.meter import properties as meter
from homemon.sources.meter.exchange import SENT
from homemon.sources.meter.properties import Scale
from homemon.sources.meter.trouble import EXPIRED, LIMITED, SESSION_OVER, UNLIMITED
from homemon.sources.registry import ECOCUTE
from tests.desk import SECRETS, Desk
from tests.documents import DOCS, Block, blocks, section, table, text_of
from tests.virtual import LINK, World

PAGE = DOCS / "protocols.md"
TENTHS = Scale(-1, 1)
DEVICES: dict[int, Any] = {meter.EOJ: meter.PROPS, ECOCUTE.eoj: ecocute.PROPS}
JOIN_C, JOIN_A1, ASK_C, ASK_A1 = blocks("trace", of=PAGE)


# --- frames ------------------------------------------------------------------------------


def rows(block: Block) -> list[tuple[bytes, str]]:
    """The bytes of each row, and what the page says of them."""
    found = re.findall(r"(?m)^((?:[0-9A-F]{2} ?)+)(?:×(\d+))?(?:  +(.*))?$", block.text)
    return [(bytes.fromhex(text) * int(times or 1), said) for text, times, said in found]


def claims(block: Block) -> list[str]:
    return re.findall("(?m)^= (.*)$", block.text)


def reported(data: bytes) -> list[str]:
    """What the code makes of a frame."""
    if data.startswith(EHD):
        return reported_frame(echonet.decode(data))
    parser = kyocera.Parser()
    if data[0] != kyocera.STX:
        parser.expect_block()
    (event,) = parser.feed(data)
    match event:
        case kyocera.Command(text=text):
            return [f"command {text}"]
        case kyocera.Block(data=content):
            return [f"block of {len(content)} bytes"]
        case kyocera.Ack() | kyocera.Nak():
            return [type(event).__name__.upper()]
    raise AssertionError(event)


def reported_frame(frame: Frame) -> list[str]:
    head = f"TID {frame.tid:04X}, {frame.seoj:06X} → {frame.deoj:06X}, {frame.esv.name}"
    if not any(prop.edt for prop in frame.properties):
        return [head, " ".join(f"{prop.epc:02X}" for prop in frame.properties)]
    device = frame.deoj if frame.seoj == CONTROLLER else frame.seoj
    said = [f"{prop.epc:02X} {reported_property(device, prop)}" for prop in frame.properties]
    report = device_report(ECOCUTE, frame) if device == ECOCUTE.eoj else meter.report(frame, TENTHS)
    return [head, *said, *map(reported_point, report.points)]


def reported_property(device: int, prop: Property) -> str:
    if not prop.edt:
        return "refused"
    if prop.epc == 0xD5:
        return "instances: " + " ".join(f"{eoj:06X}" for eoj in echonet.decode_instance_list(prop.edt))
    if prop.epc == 0x9F:
        return "map: " + " ".join(f"{epc:02X}" for epc in sorted(echonet.decode_property_map(prop.edt)))
    known = DEVICES[device][prop.epc]
    return f"{known.name}: {reported_value(properties.value_of(DEVICES[device], prop), known.unit)}".strip()


def reported_value(value: object, unit: str) -> str:
    match value:
        case meter.Dated(time=time, register=register):
            return f"{register} {unit} at {datetime.fromtimestamp(time, JST):%Y-%m-%d %H:%M:%S}"
        case meter.History(day=day, counts=counts):
            each = ["no data" if count is None else f"{count} {unit}" for count in counts]
            grouped = [(text, len(list(same))) for text, same in groupby(each)]
            return ", ".join([f"day {day}", *(f"{n} × {text}" if n > 1 else text for text, n in grouped)])
        case _:
            return f"{value} {unit}".rstrip()


def reported_point(point: Point) -> str:
    return line(point.measurement, "", point.fields, point.time or 0).removesuffix(" 0000000000")


@pytest.mark.parametrize("block", blocks("frame", of=PAGE), ids=str)
def test_the_code_says_of_each_frame_what_the_page_says(block: Block) -> None:
    assert reported(b"".join(data for data, _ in rows(block))) == claims(block)
    assert len(rows(block)) + len(claims(block)) == len(block.text.splitlines())


@pytest.mark.parametrize("block", [block for block in blocks("frame", of=PAGE) if " EHD" in block.text], ids=str)
def test_each_row_of_a_frame_is_the_field_that_the_page_names(block: Block) -> None:
    frame = echonet.decode(b"".join(data for data, _ in rows(block)))
    fields = {
        "EHD": EHD,
        "TID": frame.tid.to_bytes(2),
        "SEOJ": frame.seoj.to_bytes(3),
        "DEOJ": frame.deoj.to_bytes(3),
        "ESV": bytes((frame.esv,)),
        "OPC": bytes((len(frame.properties),)),
    }
    named = [(data, said) for data, said in rows(block) if said.split(":")[0] in fields]
    assert [data for data, said in named] == list(fields.values())
    heads = [
        (data, re.match(r"EPC ([0-9A-F]{2}), PDC (\d+)", said)) for data, said in rows(block) if said.startswith("EPC")
    ]
    assert [data for data, _ in heads] == [bytes((prop.epc, len(prop.edt))) for prop in frame.properties]
    assert all(match and data == bytes((int(match[1], 16), int(match[2]))) for data, match in heads)


def test_the_frames_that_homemon_sends_are_those_that_the_code_makes() -> None:
    shown = {b"".join(data for data, _ in rows(block)) for block in blocks("frame", of=PAGE)}
    sent = [
        echonet.encode(echonet.get(1, meter.EOJ, (0xE7,))),
        echonet.encode(Frame(5, CONTROLLER, meter.EOJ, Esv.SETC, (Property(0xE5, b"\x01"),))),
        echonet.encode(echonet.get(1, ECOCUTE.eoj, ECOCUTE.fields)),
        kyocera.REQUEST,
        kyocera.ACK,
        kyocera.NAK,
    ]
    assert set(sent) <= shown


# --- transcripts -------------------------------------------------------------------------


def lines_of(block: Block) -> list[str]:
    """A transcript without what the page says of its lines."""
    return [text.split("  ← ")[0].rstrip() for text in block.text.splitlines()]


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `--trace` would write of all that goes between us and the simulated module."""
    lines: list[str] = []
    type_in, read = Module.feed, Parser.feed

    def typed(module: Module, data: bytes, now: float) -> None:
        lines.append(f"> {escaped(masked_sent(data))}".rstrip())
        type_in(module, data, now)

    def received(parser: Parser, data: bytes) -> list[Happening]:
        events = read(parser, data)
        lines.extend(f"< {escaped(masked_received(event))}".rstrip() for event in events)
        return events

    monkeypatch.setattr(Module, "feed", typed)
    monkeypatch.setattr(Parser, "feed", received)
    return lines


def test_the_join_of_a_bp35c0_is_the_real_one(received: list[str]) -> None:
    Desk(dialect="c").converse(join(SECRETS))
    assert lines_of(JOIN_C) == received


def test_the_join_of_a_bp35a1_differs_in_the_lines_shown(received: list[str]) -> None:
    Desk(dialect="a1").converse(join(SECRETS))
    assert lines_of(JOIN_A1) == [text for text in dict.fromkeys(received) if text not in lines_of(JOIN_C)]


@pytest.mark.parametrize(("shown", "dialect", "name"), [(ASK_C, Dialect.C, "c"), (ASK_A1, Dialect.A1, "a1")])
def test_a_question_and_its_answer_are_the_real_ones(
    received: list[str], shown: Block, dialect: Dialect, name: str
) -> None:
    world = World(LINK._replace(dialect=dialect), TENTHS, dialect=name)
    world.join_module()
    world.run(world.session.poll((0xE7,)))
    assert lines_of(shown) == received


# --- tables --------------------------------------------------------------------------------


def test_the_events_that_the_code_acts_upon_are_in_the_table() -> None:
    reported = {int(number, 16): deed for number, _, deed in table(section(PAGE, "Events and failures"))}
    assert {*SESSION_OVER, EXPIRED, LIMITED, UNLIMITED, SENT, SCAN_DONE, JOIN_FAILED, JOINED} <= reported.keys()
    assert all("joins again" in reported[number] for number in (*SESSION_OVER, EXPIRED))


def test_the_failures_are_those_that_an_error_explains() -> None:
    _, failures = text_of(PAGE).split("| FAIL | meaning |")
    assert dict(re.findall(r"(?m)^\| (ER\d\d) \| (.*) \|$", failures)) == FAILURES


def test_the_map_of_the_monitors_memory_is_the_codes() -> None:
    offsets = [int(row[0], 16) for row in table(section(PAGE, "The solar monitor"))]
    assert offsets == [solar.DATES, *(series.offset for series in solar.SERIES), solar.MAP_END]
