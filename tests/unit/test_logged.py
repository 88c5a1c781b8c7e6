"""What programs write around the module's lines: replay takes the readings out of it, decode explains the lines.

The shapes are those of logs that people published: Python's readline() printed as it is, Home Assistant, ESPHome, Node,
Go, Rust, Ruby, Elixir, .NET, syslog, Docker. Addresses and IDs are made up.
"""

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homemon.core.points import Point
from homemon.core.printable import printable
from homemon.explain.text import accounts
from homemon.replay import report
from homemon.replay.device import Device
from homemon.replay.reader import Reader
from homemon.replay.report import ReplayReport
from homemon.skstack.logged import as_bytes, as_text, readable, unescaped, unwrapped
from tests.traces import KNOWN, METER, OURS, read, unix
from tests.unit.test_mask import BID, PWD, SECRET

HEAD = f"ERXUDP {METER} {OURS} 0E1A 0E1A 0000AA0000000002 1 0 0012 "
HEX = "1081000102880105FF017201E704000001F8"
RAW = bytes.fromhex(HEX)
LINE = HEAD + HEX
WIRE = f"{LINE}\r\n".encode()
BINARY = HEAD.encode() + RAW + b"\r\n"
BYTES = [HEX[at : at + 2] for at in range(0, 36, 2)]
EVENT = f"EVENT 21 {METER} 0 00"
RUST = r"\x10\x81\0\x01\x02\x88\x01\x05\xff\x01r\x01\xe7\x04\0\0\x01\xf8\r\n"
RUBY = r"\x10\x81\x00\x01\x02\x88\x01\x05\xFF\x01r\x01\xE7\x04\x00\x00\x01\xF8\r\n"
OCTAL = r"\020\201\000\001\002\210\001\005\377\001r\001\347\004\000\000\001\370\r\n"
HIDDEN = ":".join(["XXXX"] * 8)
NAMES = ("type", "sender", "dest", "rport", "lport", "lla", "secured", "side", "length", "data")

SHAPES = {
    "print(readline())": repr(WIRE),
    "print(readline()), binary": repr(BINARY),
    "repr with double quotes": f'b"{LINE}"',
    "repr of a str": repr(LINE + "\r\n"),
    "repr of a str, binary": repr(BINARY.decode("latin-1")),
    "no quotes": rf"{LINE}\r\n",
    "open quote only": f"b'{LINE}",
    "close quote only": f"{LINE}'",
    "list of words": str(LINE.split(" ")),
    "list of bytes": str([word.encode() for word in LINE.split(" ")]),
    "tuple of words": str(tuple(LINE.split(" "))),
    "JSON list": json.dumps(LINE.split(" ")),
    "JSON": json.dumps({"level": "debug", "msg": LINE + "\r\n"}),
    "JSON, binary": json.dumps({"msg": BINARY.decode("latin-1"), "n": 1}),
    "JSON, binary, not escaped": json.dumps({"msg": BINARY.decode("latin-1")}, ensure_ascii=False),
    "JSON of a repr": json.dumps({"msg": f"recv: {WIRE!r}"}),
    "JSON of a repr, binary": json.dumps({"msg": f"recv: {BINARY!r}"}),
    "JSON of JSON of a repr, binary": json.dumps({"log": json.dumps({"msg": repr(BINARY)}) + "\n"}),
    "Ruby, binary": f'"{HEAD}{RUBY}"',
    "Rust, binary": f'b"{HEAD}{RUST}"',
    "octal": f'"{HEAD}{OCTAL}"',
    "payload as numbers": f"{HEAD}{list(RAW)}",
    "Elixir": f'{{:ok, "{EVENT}\\r\\n{LINE}\\r\\n"}}',
    "several lines on one": f'"OK\\r\\n{EVENT}\\r\\n{LINE}\\r\\n"',
    "ANSI colours": f"\x1b[0;36m[D][b_route:123]: << {LINE}\x1b[0m",
    "ANSI colours as text": rf"\x1b[32m<< {LINE}\x1b[0m",
    "ESPHome UART debug": '<<< "' + LINE + '\\r\\n"',
    "ESPHome UART debug, hex": "[D][uart_debug:114]: <<< " + ":".join(f"{byte:02X}" for byte in WIRE),
    "Node Buffer": "<Buffer " + " ".join(f"{byte:02x}" for byte in WIRE) + ">",
    "JSON Buffer": '{"type":"Buffer","data":' + json.dumps(list(WIRE)).replace(" ", "") + "}",
    "Python list of numbers": str(list(WIRE)),
    "Go, %v": "[" + " ".join(str(byte) for byte in WIRE) + "]",
    "the line in hex": f"rx={WIRE.hex()}",
    ".NET": f"trce: SkstackIpDotNet.SKDeviceBP35C0[0] <<{LINE}",
    "Home Assistant": f"DEBUG (SyncWorker_1) [custom_components.b_route_meter.adapters.bp35a1] response: {WIRE!r}",
    "journalctl": f"raspberrypi python3[612]: {LINE}",
    "Docker Compose": f"hems  | DEBUG:root:{LINE}",
    "comma": f"{LINE},",
    "bracket": f"[{LINE}]",
    "words behind": f"{LINE} (18 bytes)",
    "Markdown": f"`{LINE}`",
    "tabs": LINE.replace(" ", "\t"),
    "tabs as text": LINE.replace(" ", r"\t"),
    "commas": LINE.replace(" ", ","),
    "pipes": LINE.replace(" ", " | "),
    "names": "ERXUDP " + " ".join(map("=".join, zip(NAMES[1:], LINE.split(" ")[1:], strict=True))),
    "JSON with names": json.dumps(dict(zip(NAMES, LINE.split(" "), strict=True))),
    "CR and LF by name": f"{LINE}<CR><LF>",
    "CR as rsyslog writes it": f"{LINE}#015",
    "CR as cat -v writes it": f"{LINE}^M",
    "HTML": f"&lt;&lt; {LINE}<br>",
    "two blanks": LINE.replace(" ", "  "),
    "hex with blanks": HEAD + " ".join(BYTES),
    "hex with colons": HEAD + ":".join(BYTES),
    "hex with 0x": HEAD + " ".join(f"0x{byte}" for byte in BYTES),
    "hex with one 0x": f"{HEAD}0x{HEX}",
    "hex as a list": f"{HEAD}{BYTES}",
    "hex in groups": f"{HEAD}1081 0001 028801 05FF01 72 01 E7 04 000001F8",
    "lower case": LINE.lower().replace("erxudp", "ERXUDP"),
    "short addresses": f"ERXUDP FE80::200:AA00:0:2 FE80::200:AA00:0:1 0E1A 0E1A 0000AA0000000002 1 0 0012 {HEX}",
    "addresses made illegible": f"<< ERXUDP {HIDDEN} {HIDDEN} 0E1A 0E1A {'X' * 18} 1 0012 {HEX}",
    "addresses left out": f"ERXUDP <meter> <module> 0E1A 0E1A <MAC omitted> 1 0 0012 {HEX}",
    "without SIDE": LINE.replace(" 1 0 0012 ", " 1 0012 ") + "'",
    "with RSSI": LINE.replace(" 1 0 0012 ", " 8A 1 0 0012 ") + "'",
    "behind a torn one": f"{LINE[:150]}{LINE}'",
    "UTF-16": f"\ufeff{LINE}'",
}


def test_of_binary_with_a_quote_in_it_nothing_is_lost() -> None:
    """Byte 27 is an apostrophe: then Python's repr takes double quotes."""
    wire = HEAD.encode() + RAW[:-2] + b"'\xf8\r\n"
    assert repr(wire).startswith('b"')
    assert read(f"2025-11-26 17:00:01 {wire!r}")[0][0].fields == {"value": 0x27F8}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_datagram_that_is_whole_by_its_own_length_is_a_reading(shape: str) -> None:
    reported = ReplayReport(2e9)
    reader = Reader(KNOWN, [Device()], None, reported)
    line = f"2025-11-26 17:00:01 {SHAPES[shape]}\r\n"
    points = reader.feed(line.encode("utf-16" if shape == "UTF-16" else "utf-8"), "file:1") + reader.close()
    assert points == [Point("power", {"value": 504}, unix("2025-11-26T17:00:01"))]
    assert reported.nonsense == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_and_is_explained_without_a_contradiction(shape: str) -> None:
    text = f"2025-11-26 17:00:01 {SHAPES[shape]}"
    (whole,) = (account for account in accounts([text]) if account.facts.get("size") == 18)
    assert whole.sense
    assert "error" not in whole.facts
    assert whole.lines[-1] == "    E7 power: 504 W"
    assert not any("makes sense up to" in line for line in whole.lines)


@pytest.mark.parametrize(
    "line",
    [
        LINE + "00",
        LINE + "0",
        LINE[:-1],
        LINE[:-2] + r"\r\n'",
        f"{LINE[:-2]} 17",
        f"{LINE[:-4]}, {HEX[:4]}",
        repr(BINARY[:-3]),
        f"{BINARY[:-3]!r} (17 bytes)",
        json.dumps({"m": repr(BINARY[:-4]), "n": 12}),
        json.dumps({"m": BINARY[:-4].decode("latin-1"), "n": 12}),
        f"{HEAD}{[16, 129, 300] + [0] * 15}",
        f"{HEAD}{[16, 129] + [0] * 15}",
    ],
)
def test_one_that_is_longer_or_shorter_than_its_length_is_no_reading(line: str) -> None:
    points, left = read(f"2025-11-26 17:00:01 {line}")
    assert points == []
    assert left.nonsense + left.refused[report.BROKEN] == 1
    (account,) = accounts([line])
    promised, there = account.lines[-1].split(" bytes of payload are promised, ")
    assert promised.endswith("18")
    assert there != "18 are there"


@pytest.mark.parametrize(
    ("text", "headline"),
    [
        (rf"b'{EVENT}\r\n'", "EVENT 21: sent, and acknowledged"),
        (f"trce: X[0] <<{EVENT}", "EVENT 21: sent, and acknowledged"),
        ("'EVENT 21 FE80::200:AA00:0:2 0 00'", f"EVENT 21: sent, and acknowledged (from {METER}, side 0"),
        (r"b'OK\r\n'", "OK: done"),
        (r"17:00:01 DEBUG b'OK 01\r\n'", "OK 01: done"),
        ("trce: X[0] <<OK", "OK: done"),
        (r'"FAIL ER10\r\n"', "FAIL ER10: "),
        (r"b'EVER 1.5.2\r\n'", "EVER: the module's software is 1.5.2"),
        (rf"b'EINFO {METER} 0000AA0000000002 21 FFFF 0\r\n'", f"EINFO: the module is {METER}"),
        (r"trce: X[0] <<ECHO:SKSCAN 2 FFFFFFFF 4 0 ", "echo of a command: SKSCAN 2 "),
        (rf"b'{METER}\r\n'", f"address {METER}"),
        (f"recv: ({HEX})", "ECHONET Lite, TID 0001, from smart meter"),
        (r"25: ['\x10\x81\x00\x01\x02k\x01\x05\xff\x01r\x01\x84\x02\x03 ']", "ECHONET Lite, TID 0001, from EcoCute"),
    ],
)
def test_other_lines_of_the_module_are_explained_too(text: str, headline: str) -> None:
    (account,) = accounts([text])
    assert account.sense
    assert account.lines[0].startswith(headline)


FIELDS = (
    "Channel:33",
    "Channel Page:09",
    "Pan ID:12A4",
    "Addr:0000AA0000000002",
    "LQI:BC",
    "Side:0",
    "PairID:00AA0002",
)


@pytest.mark.parametrize(
    "lines",
    [
        [r"b'EPANDESC\r\n'", *(rf"b'  {field}\r\n'" for field in FIELDS)],
        ["12:00:00 trce: X[0] <<EPANDESC", *(f"12:00:00 trce: X[0] <<  {field}" for field in FIELDS)],
        ["\x1b[32mEPANDESC\x1b[0m", *(f"\x1b[32m  {field}\x1b[0m" for field in FIELDS)],
        ['"EPANDESC\\r\\n' + "".join(rf"  {field}\r\n" for field in FIELDS) + '"'],
        [json.dumps({"msg": "EPANDESC\r\n" + "".join(f"  {field}\r\n" for field in FIELDS)})],
    ],
)
def test_a_scans_result_is_read_and_its_pairing_id_masked(lines: list[str]) -> None:
    (account,) = accounts(lines)
    assert (account.facts["channel"], account.facts["pan_id"], account.facts["lqi"]) == ("33", "12A4", 0xBC)
    assert account.facts["pair_id"] == "****"
    assert "00AA0002" not in "".join(account.lines)
    assert read(*lines)[1].nonsense == 0


@pytest.mark.parametrize(
    "line",
    [
        rf"b'SKSETPWD C {PWD}\r\n'",
        f"trce: X[0] >>SKSETRBID {BID}",
        json.dumps({"msg": repr(f"SKSETRBID {BID}\r\n".encode())}),
        str(["SKSETRBID", BID]),
        ">>> " + ":".join(f"{byte:02X}" for byte in f"SKSETRBID {BID}\r\n".encode()),
        ">>> " + " ".join(f"{byte:02x}" for byte in BID.encode()),
        rf"b'  PairID:{BID[-8:]}\r\n'",
        f"パスワード: {PWD}",
        f"# {PWD}",
        f"瞬時電力計測値:{PWD}",
        f"2025-11-26 17:00:01 {BID} 1780.6[kWh]",
        rf"b'ERXUDP {METER} {OURS} 02CC 02CC 0000AA0000000002 0 0 0020 {BID.encode().hex()}\r\n'",
    ],
)
def test_no_secret_is_shown_whatever_stands_around_it(line: str) -> None:
    shown = "\n".join(text for account in accounts([line]) for text in [*account.lines, json.dumps(account.facts)])
    assert not SECRET.search(shown.encode())
    assert BID.encode().hex()[:16] not in shown.lower().replace(" ", "").replace(":", "")


# --- text that is not ASCII --------------------------------------------------------


TALK = ("瞬時電力計測値:928[W]", "正方向定時積算電力量: 2023/12/19 00:30:00 1780.6[kWh]")


@pytest.mark.parametrize("charset", ["utf-8", "euc_jp", "cp932"])
def test_japanese_text_is_shown_as_it_is(charset: str) -> None:
    lines = [as_text(text.encode(charset)) for text in ("瞬時電力計測値:928[W]", "接続に失敗しました")]
    talk, other = accounts(lines)
    assert (talk.lines, talk.sense) == (["a script's own words: 瞬時電力計測値:928[W]"], True)
    assert (other.lines, other.sense) == (["not understood: 接続に失敗しました"], False)
    points, left = read(lines[0])
    assert (points, left.nonsense) == ([], 0)


@pytest.mark.parametrize("charset", ["utf-8", "euc_jp", "cp932"])
def test_japanese_text_before_a_datagram_costs_no_reading(charset: str) -> None:
    reported = ReplayReport(2e9)
    reader = Reader(KNOWN, [Device()], None, reported)
    points = reader.feed("2025年11月26日 17時00分01秒 受信: ".encode(charset) + repr(BINARY).encode(), "")
    points += reader.close()
    assert [point.fields for point in points] == [{"value": 504}]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("電力\x1b[2J\x9b".encode(), r"電力\x1B[2J\x9B"),
        ("電力計".encode()[:-1], r"電力\xE8\xA8"),
        (b"\xff\xfe\xfd", r"\xFF\xFE\xFD"),
        ("a\u2028\u202eb".encode(), r"a\u2028\u202Eb"),
    ],
)
def test_what_a_terminal_might_obey_is_escaped(data: bytes, text: str) -> None:
    assert printable(readable(data)) == text
    (account,) = accounts([as_text(data)])
    assert account.lines == [f"not understood: {text}"]


@pytest.mark.parametrize("behind", [b"'", b'" ', b" (18)", b"\x1b[0m'"])
def test_a_payload_in_bytes_ends_by_its_length_too(behind: bytes) -> None:
    """As a program leaves them that writes what it reads between two marks."""
    (line,) = unwrapped(as_text(b"rx '" + BINARY[:-2] + behind))
    assert line == LINE
    cut = as_text(b"rx '" + BINARY[:-3] + behind)
    assert unwrapped(cut) == [cut]


def test_of_several_datagrams_on_a_line_each_is_read_and_the_torn_one_reported() -> None:
    assert unwrapped(as_text(b"rx '" + BINARY[:-2] + b"' '" + BINARY[:-2] + b"'")) == [LINE, LINE]
    assert unwrapped(repr(BINARY + BINARY)) == [LINE, LINE]
    assert unwrapped(f"{LINE}, {LINE[:-4]}.") == [LINE, f"{LINE[:-4]}."]
    assert read(f"2025-11-26 17:00:01 {LINE}, {LINE[:-4]}.")[0] == [
        Point("power", {"value": 504}, unix("2025-11-26T17:00:01"))
    ]


def test_of_two_quotations_the_torn_one_hides_nothing() -> None:
    assert unwrapped(rf"'{LINE[:-4]}\r\n', 'OK\r\n'")[-1] == "OK"


def test_bytes_in_the_place_of_an_address_are_no_address() -> None:
    (account,) = accounts([as_text(b"ERXUDP FE80:0000:0000:000\xff " + OURS.encode() + b" 02CC 02CC ****")])
    assert account.facts["error"]["text"] == "the sender is broken"


# --- anything ----------------------------------------------------------------------


@settings(deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.integers(0, 300), st.integers(0, 20), st.binary(max_size=8))
@example("print(readline())", 0, 0, b"\\")
@example("ANSI colours", 189, 0, b"A")
def test_no_line_of_a_log_is_too_odd(shape: str, at: int, lost: int, noise: bytes) -> None:
    """Whatever is torn out of a line: no error, nothing that a terminal obeys, and no contradiction."""
    data = SHAPES[shape].encode()
    text = as_text(data[:at] + noise + data[at + lost :])
    for account in accounts(text.split("\n")):
        assert json.dumps(account.facts)
        assert all(printable(line) == line for line in account.lines)
        assert not any("18 bytes of payload are promised, 18 are there" in line for line in account.lines)
    read(text.replace("\n", " "))


@given(st.binary(max_size=60))
def test_bytes_survive_being_text(data: bytes) -> None:
    assert data.count(0) * 3 > len(data) or data.startswith(b"\xef\xbb\xbf") or as_bytes(as_text(data)) == data


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=40))
@example(b"\n")
@example(b"\"'")
@example(b"\\")
@example(b"'\\\"")
def test_a_payload_of_any_bytes_is_found_in_a_repr(rest: bytes) -> None:
    payload = b"\x10\x81" + rest
    wire = HEAD.replace("0012", f"{len(payload):04X}").encode() + payload + b"\r\n"
    quoted = (repr(wire), json.dumps({"m": wire.decode("latin-1")}), json.dumps({"m": repr(wire)}))
    for text in (*quoted, f"that's {wire!r} again", json.dumps({"log": quoted[2]})):
        (line,) = unwrapped(text)
        assert line.endswith(f" {payload.hex().upper()}")


CUT = ("{!r}", "{!r} (cut)", "that's {!r}", "{!r},", "['{!r}']", "[{!r}, b'" + "x " * 10 + "']")


@settings(deadline=None)
@given(st.binary(max_size=12), st.sampled_from(CUT), st.booleans())
@example(bytes(11), CUT[-1], False)
@example(b"\\", CUT[-1], False)
def test_no_byte_of_a_datagram_that_was_cut_off_is_made_up(rest: bytes, form: str, nested: bool) -> None:
    """Neither a quotation mark nor what stands behind it becomes a part of the payload."""
    wire = HEAD.replace("0012", "0010").encode() + b"\x10\x81" + rest
    text = form.format(wire)
    for line in unwrapped(json.dumps({"m": text}) if nested else text):
        payload = line.partition(" 1 0 0010 ")[2]
        assert len(payload) != 32 or not re.fullmatch("[0-9A-F]*", payload), line


@pytest.mark.parametrize("escape", [r"\ud800", r"\udfff", r"\U{d83d}", r"\u{110000}"])
def test_half_a_character_in_a_quotation_can_be_written(escape: str) -> None:
    text = unescaped(f"before {escape} behind")
    assert text.encode()
    assert text.startswith("before ")
    assert text.endswith(" behind")
