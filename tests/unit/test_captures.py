"""Real lines from the field: every vector, however the stream is cut, dirtied or rewritten.

`captures/broute.json` holds what modules really said, masked where it was recorded, and beside each
what it means. A vector that gives another reading here is a reading lost at home.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import pytest

from homemon.core.errors import WireError
from homemon.core.points import JST
from homemon.echonet import codec as echonet
from homemon.skstack.join import FAILURES
from homemon.skstack.lines import (
    PANA_PORT,
    Echo,
    Event,
    Fail,
    Happening,
    Noise,
    Ok,
    PanDescription,
    Parser,
    Udp,
    Version,
)
from homemon.skstack.mask import masked_received
from homemon.sources.meter import properties as meter
from tests import ROOT

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "captures" / "broute.json").read_text("utf-8"))
ERXUDP = [
    pytest.param(line.encode(), id=f"{vector['id']}-{number}")
    for vector in VECTORS
    for number, line in enumerate(vector["lines"])
    if line.startswith("ERXUDP ")
]
NOT_COMPARED = {"pana", "found_pan", "is_meter_reading"}  # a reader's remarks; their tests are below
JUNK = b"\x00\xfe~?\x1b"


def stream(vector: dict[str, Any]) -> bytes:
    """The vector's bytes as they came down the line."""
    if "raw_hex" in vector:
        return bytes.fromhex(vector["raw_hex"])
    if "chunks" in vector:
        return "".join(vector["chunks"]).encode()
    return "".join(line + "\r\n" for line in vector["lines"]).encode()


def expected(vector: dict[str, Any]) -> list[dict[str, Any]]:
    """What the vector says of each happening, in order."""
    reported = vector["expected"]
    ok = {"type": "OK", "value": ""}
    match vector["id"]:
        case "q01":
            items = [_echo(reported["echo"]), {"type": "EVER", "version": reported["version"]}, ok]
        case "q02":
            items = [_echo("ROPT"), {"type": "OK", "value": f"{reported['mode']:02}"}]
        case "q04":
            items = [ok if line == "OK" else _echo(line) for line in vector["lines"]]
        case "q09":
            items = [_echo(vector["lines"][0]), reported["event"], ok]
        case "t01":
            items = [reported["event20"], reported["pan"], reported["event22"]]
        case _:
            items = reported.get("items", [reported])
    return [{name: item[name] for name in item if name not in NOT_COMPARED} for item in items]


def _echo(text: str) -> dict[str, Any]:
    return {"type": "echo", "text": text}


def described(happening: Happening) -> dict[str, Any]:
    """A happening in the words of the vectors."""
    match happening:
        case Echo(raw=raw):
            return _echo(re.sub(rb"[^ -~]", b"", raw).decode())
        case Ok(value=value):
            return {"type": "OK", "value": value}
        case Version(version=version):
            return {"type": "EVER", "version": version}
        case Fail(code=code):
            return {"type": "FAIL", "code": code, "meaning": FAILURES[code]}
        case Event(number=number, sender=sender, side=side, parameter=parameter):
            return {"type": "EVENT", "num": f"{number:02X}", "sender": sender, "side": side, "param": parameter}
        case PanDescription() as pan:
            return {
                "type": "EPANDESC",
                "channel": pan.channel,
                "channel_no": int(pan.channel, 16),
                "channel_page": pan.channel_page,
                "pan_id": pan.pan_id,
                "addr": pan.mac,
                "lqi": f"{pan.lqi:02X}",
                "rssi_dbm": round(pan.rssi_dbm, 3),
                "side": pan.side,
                "pair_id": pan.pair_id,
            }
        case Udp() as udp:
            frame = {} if udp.lport == PANA_PORT else {"echonet": described_frame(echonet.decode(udp.data))}
            return {"type": "ERXUDP", "tokens": len(udp.raw.split(b" ")), **described_udp(udp), **frame}
    raise AssertionError(f"no vector holds {happening}")


def described_udp(udp: Udp) -> dict[str, Any]:
    return {
        "sender": udp.sender,
        "dest": udp.destination,
        "rport": udp.rport,
        "lport": udp.lport,
        "sender_lla": udp.mac,
        "secured": udp.secured,
        "side": udp.side,
        "rssi": udp.rssi,
        "datalen": len(udp.data),
    }


def described_frame(frame: echonet.Frame) -> dict[str, Any]:
    return {
        "ehd": "1081",
        "tid": f"{frame.tid:04X}",
        "seoj": f"{frame.seoj:06X}",
        "deoj": f"{frame.deoj:06X}",
        "esv": f"{frame.esv:02X}",
        "opc": len(frame.properties),
        "properties": [
            {
                "epc": f"{prop.epc:02X}",
                "pdc": len(prop.edt),
                "edt": prop.edt.hex().upper(),
                "value": described_value(prop),
            }
            for prop in frame.properties
        ],
    }


def described_value(prop: echonet.Property) -> dict[str, Any]:
    if prop.epc == 0x9F:
        epcs = sorted(echonet.decode_property_map(prop.edt))
        return {"property_count": len(epcs), "epcs": [f"{epc:02X}" for epc in epcs]}
    if prop.epc == 0xD5:
        eojs = echonet.decode_instance_list(prop.edt)
        return {"instance_count": len(eojs), "instances": [f"{eoj:06X}" for eoj in eojs]}
    value = meter.value_of(prop)
    if isinstance(value, meter.Dated):
        own = datetime.fromtimestamp(value.time, JST).replace(tzinfo=None)
        return {"timestamp_local": own.isoformat(), "raw_count": value.register}
    if isinstance(value, tuple):
        return dict(zip(("current_r_a", "current_t_a"), value, strict=True))
    names = {0xD3: "coefficient", 0xD7: "effective_digits", 0xE0: "raw_count", 0xE7: "power_w"}
    return {(names | {0x97: "time", 0x98: "date"})[prop.epc]: value}


def received(pieces: Iterable[bytes]) -> list[Happening]:
    """What the parser makes of the pieces, noise apart."""
    parser = Parser()
    return [event for piece in pieces for event in parser.feed(piece) if not isinstance(event, Noise)]


def between_lines(data: bytes) -> bytes:
    """`data` with a line of junk before each line but an EPANDESC's inner ones, and behind the last."""
    lines = re.findall(rb"[^\r\n]+[\r\n]+", data)
    return b"".join((b"" if line[:2] == b"  " else JUNK + b"\r\n") + line for line in lines) + JUNK


WAYS: dict[str, Callable[[bytes], Iterator[list[bytes]]]] = {
    "whole": lambda data: iter([[data]]),
    "byte by byte": lambda data: iter([[data[at : at + 1] for at in range(len(data))]]),
    "split at every point": lambda data: ([data[:at], data[at:]] for at in range(len(data))),
    "junk before and after": lambda data: iter([[JUNK + b"\r\n" + data + JUNK], [b"\xff\x00" + data]]),
    "junk between": lambda data: iter([[between_lines(data)]]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_a_capture_says_what_it_said_however_it_comes(vector: dict[str, Any], way: str) -> None:
    for pieces in WAYS[way](stream(vector)):
        assert [described(event) for event in received(pieces)] == expected(vector)


def test_no_vector_is_skipped() -> None:
    events = [event for vector in VECTORS for event in received([stream(vector)])]
    assert len({vector["id"] for vector in VECTORS}) == len(VECTORS) == 23
    assert len(events) == 43
    assert len(ERXUDP) == sum(isinstance(event, Udp) for event in events) == 16


def test_a_chunk_of_a_serial_read_may_end_anywhere() -> None:
    vector = next(vector for vector in VECTORS if "chunks" in vector)
    events = received(chunk.encode() for chunk in vector["chunks"])
    assert [event.raw.decode() for event in events] == vector["lines"]
    assert len(events) == vector["expected"]["lines_after_reassembly"]


def the_udp(data: bytes) -> Udp:
    (event,) = received([data])
    assert isinstance(event, Udp)
    return event


@pytest.mark.parametrize("line", ERXUDP)
def test_a_payload_in_raw_binary_is_the_same_datagram(line: bytes) -> None:
    head, payload = line.rsplit(b" ", 1)
    in_hex = the_udp(line + b"\r\n")
    for data in (in_hex.data, in_hex.data[:2] + b"\r\n" + in_hex.data[4:], in_hex.data[:-2] + b"\r\n"):
        for pieces in WAYS["split at every point"](head + b" " + data + b"\r\nOK\r\n"):
            udp, ok = received(pieces)
            assert udp == in_hex._replace(data=data, raw=head + b" " + data)
            assert isinstance(ok, Ok)
    assert payload == in_hex.data.hex().upper().encode()


@pytest.mark.parametrize("line", ERXUDP)
def test_a_line_with_side_and_rssi_is_the_same_datagram(line: bytes) -> None:
    *head, secured, length, payload = re.sub(rb" ([01]) 0 (?=.{4} )", rb" \1 ", line).split(b" ")
    eleven = b" ".join((*head, b"C5", secured, b"0", length, payload))
    assert len(eleven.split(b" ")) == 11
    assert the_udp(eleven + b"\r\n") == the_udp(line + b"\r\n")._replace(rssi=0xC5, side=0, raw=eleven)


@pytest.mark.parametrize("line", ERXUDP)
@pytest.mark.parametrize("echo", [b"SKSENDTO", b"SKSENDTO 1 FE80:0000:0000:0000:0200:AA00:0000:0002 0E1A 1 0 000E "])
def test_a_datagram_glued_behind_an_echo_is_read(line: bytes, echo: bytes) -> None:
    for pieces in WAYS["split at every point"](echo + line + b"\r\n"):
        assert received(pieces) == [Echo(echo), the_udp(line + b"\r\n")]


@pytest.mark.parametrize("line", ERXUDP)
def test_the_pana_handshake_is_masked_and_is_no_reading(line: bytes) -> None:
    udp = the_udp(line + b"\r\n")
    if udp.lport != PANA_PORT:
        assert masked_received(udp) == line
        return
    assert masked_received(udp) == b" ".join((*line.split(b" ")[:5], b"****"))
    with pytest.raises(WireError):
        echonet.decode(udp.data)


def test_an_instance_list_is_no_reading() -> None:
    lists = [the_udp(p.values[0] + b"\r\n") for p in ERXUDP if b"D50401028801" in p.values[0]]  # type: ignore[operator]
    assert len(lists) == 2
    for udp in lists:
        report = meter.report(echonet.decode(udp.data), meter.Scale(0, 1))
        assert report == meter.Report([], [], [], [])
