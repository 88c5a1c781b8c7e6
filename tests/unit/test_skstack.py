"""The stream of a Wi-SUN module: two dialects, echo or none, glue, noise and loss, and never a wrong reading."""

import re
from collections.abc import Iterator

import pytest

from homemon.core.errors import WireError
from homemon.echonet import codec as echonet
from homemon.skstack.lines import (
    MAX_LINE,
    Address,
    Dialect,
    Echo,
    Event,
    Fail,
    Happening,
    Info,
    Noise,
    Ok,
    PanDescription,
    Parser,
    Udp,
    Version,
    scan,
    scan_seconds,
    sendto,
)

METER, MODULE = "FE80:0000:0000:0000:0200:AA00:0000:0002", "FE80:0000:0000:0000:0200:AA00:0000:0001"
GET_E7 = b"\x10\x81\x00\x01\x05\xff\x01\x02\x88\x01\x62\x01\xe7\x00"
POWER = bytes.fromhex("1081 0001 028801 05FF01 72 01 E7040000020B")
AWKWARD = bytes.fromhex("1081 0D0A 028801 05FF01 72 02 E7040D0A020B E80400280D0A")  # 0D0A inside and at the end
HALF_HOUR = bytes.fromhex("1081 0002 028801 05FF01 73 01 EA0B07E70C13001E000000458E")
NEXT = bytes.fromhex("1081 0003 028801 05FF01 72 01 E70400000BB8")
EVENT_25 = f"EVENT 25 {METER} 0".encode()


def erxudp(data: bytes, raw: bool = False, middle: str = "1 0", size: int | None = None) -> bytes:
    """One line as a module writes it; `middle` is what stands between MAC and LEN."""
    length = len(data) if size is None else size
    head = f"ERXUDP {METER} {MODULE} 0E1A 0E1A 0000AA000000000A {middle} {length:04X} ".encode()
    return head + (data if raw else data.hex().upper().encode())


def received(data: bytes) -> list[Happening]:
    return Parser().feed(data)


def readings(data: bytes) -> list[echonet.Frame]:
    """The frames that anybody would take a reading from."""
    frames = []
    for event in received(data):
        if isinstance(event, Udp):
            try:
                frames.append(echonet.decode(event.data))
            except WireError:
                continue
    return frames


@pytest.mark.parametrize(
    ("dialect", "sending", "scanning"),
    [
        (Dialect.A1, f"SKSENDTO 1 {METER} 0E1A 1 000E ", b"SKSCAN 2 FFFFFFFF 6\r\n"),
        (Dialect.C, f"SKSENDTO 1 {METER} 0E1A 1 0 000E ", b"SKSCAN 2 FFFFFFFF 6 0\r\n"),
    ],
)
def test_each_dialect_counts_its_own_arguments(dialect: Dialect, sending: str, scanning: bytes) -> None:
    assert sendto(dialect, METER, GET_E7) == sending.encode() + GET_E7
    assert scan(dialect, 6) == scanning


@pytest.mark.parametrize(("duration", "seconds"), [(6, 17.5), (7, 35), (8, 69)])
def test_a_scan_takes_the_manuals_time(duration: int, seconds: float) -> None:
    assert scan_seconds(duration) == pytest.approx(seconds, abs=0.5)


@pytest.mark.parametrize("refused", Dialect)
def test_after_a_dialect_that_is_refused_each_other_one_is_tried(refused: Dialect) -> None:
    tried = [refused]
    while (following := tried[-1].next) not in tried:
        tried.append(following)
    assert set(tried) == set(Dialect)
    assert following is refused


@pytest.mark.parametrize(
    ("last", "dialect"), [("FFFE", Dialect.A1), ("0", Dialect.C), ("1", Dialect.C), ("0 ", Dialect.C)]
)
def test_skinfo_shows_the_dialect(last: str, dialect: Dialect) -> None:
    line = f"EINFO {MODULE} 0000AA0000000001 21 8888 {last}".encode()
    assert received(line + b"\r\n") == [Info(MODULE, "0000AA0000000001", "21", "8888", dialect, line)]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b"OK", Ok("", b"OK")),
        (b"OK 00", Ok("00", b"OK 00")),
        (b"FAIL ER10", Fail("ER10", b"FAIL ER10")),
        (b"EVER 1.2.10", Version("1.2.10", b"EVER 1.2.10")),
        (METER.encode(), Address(METER, METER.encode())),
        (EVENT_25, Event(0x25, METER, 0, None, EVENT_25)),
        (EVENT_25[:-2], Event(0x25, METER, None, None, EVENT_25[:-2])),
        (EVENT_25 + b" 02", Event(0x25, METER, 0, 2, EVENT_25 + b" 02")),
        (b"SKVER", Echo(b"SKVER")),
        (b"WOPT 01", Echo(b"WOPT 01")),
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n", b" \r\n"])
def test_a_line_is_named_whatever_ends_it(line: bytes, event: Happening, end: bytes) -> None:
    events = received(end + line + end + b"OK\r")
    assert [e._replace(raw=e.raw.rstrip()) for e in events] == [event, Ok("", b"OK")]


@pytest.mark.parametrize(
    "line",
    [
        METER.encode(),
        EVENT_25,
        erxudp(POWER),
        f"EINFO {METER} 0000AA0000000001 2A 12AB FFFE".encode(),
        b"EPANDESC\r\n  Channel:2A\r\n  Pan ID:12AB\r\n  Addr:0000AA0000000002\r\n  LQI:EC\r\n  PairID:000000AB",
    ],
)
def test_hex_digits_of_either_case_say_the_same(line: bytes) -> None:
    def lower(match: re.Match[bytes]) -> bytes:
        return match[0].lower()

    (event,) = received(line + b"\r\n")
    (same,) = received(re.sub(rb"(?<![A-Za-z0-9])[0-9A-F]{2,}(?![A-Za-z])", lower, line) + b"\r\n")
    assert same.raw != event.raw
    assert same._replace(raw=b"") == event._replace(raw=b"") or isinstance(event, PanDescription)
    if isinstance(event, PanDescription):
        assert isinstance(same, PanDescription)
        assert (same.channel, same.pan_id, same.mac, same.lqi) == ("2A", "12AB", "0000AA0000000002", 0xEC)


@pytest.mark.parametrize("echo", [b"SKSENDTO 1 " + METER.encode() + b" 0E1A 1 0 000E \r\n", b"\r\n"])
def test_a_send_is_confirmed_with_echo_on_and_off(echo: bytes) -> None:
    events = received(echo + f"EVENT 21 {METER} 0 00\r\nOK\r\n".encode())
    assert [type(event) for event in events if not isinstance(event, Echo)] == [Event, Ok]


@pytest.mark.parametrize(
    ("middle", "secured", "side", "rssi"),
    [("1", 1, None, None), ("0 1", 0, 1, None), ("C5 1 0", 1, 0, 0xC5), ("3A 1", 1, None, 0x3A)],
)
@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
def test_an_erxudp_is_recognised_by_the_widths_of_its_fields(
    middle: str, secured: int, side: int | None, rssi: int | None, raw: bool
) -> None:
    (udp,) = received(erxudp(POWER, raw, middle) + b"\r\n")
    assert isinstance(udp, Udp)
    assert (udp.secured, udp.side, udp.rssi, udp.data) == (secured, side, rssi, POWER)


@pytest.mark.parametrize("before", [b"", b"\x00\xff", b"\x80junk", b"SKSENDTO", b"OK", b"\xff\r\n", b"  \r\n"])
@pytest.mark.parametrize("line", [EVENT_25, erxudp(POWER), erxudp(AWKWARD, raw=True)])
def test_event_and_erxudp_are_found_anywhere_in_a_line(before: bytes, line: bytes) -> None:
    (alone,) = received(line + b"\r\n")
    found = received(before + line + b"\r\n")[-1]
    assert found._replace(raw=line) == alone


@pytest.mark.parametrize(
    "line", [b"OK \xff1\xff1", b"EVER 1.\x805.2", b"FAIL ER\xb10", b"OK1", b"\x00", b"xOK", b"OOK"]
)
def test_noise_within_a_line_is_no_answer(line: bytes) -> None:
    assert received(line + b"\r\nOK\r\n") == [Noise(line), Ok("", b"OK")]


def broken(line: bytes) -> Iterator[bytes]:
    """`line` with up to six bytes lost, or one too many, at every place."""
    for at in range(len(line)):
        for lost in range(1, 7):
            yield line[:at] + line[at + lost :]
        for extra in (b"\x00", b"0", b"\r", b"\n"):
            yield line[:at] + extra + line[at:]


@pytest.mark.parametrize(
    "between", [b"", b"OK\r\n", b"FAIL ER10\r\n", EVENT_25 + b"\r\n"], ids=["-", "OK", "FAIL", "EVENT"]
)
@pytest.mark.parametrize("data", [POWER, AWKWARD, HALF_HOUR], ids=["power", "awkward", "half-hour"])
@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
def test_a_datagram_with_bytes_lost_or_added_gives_no_wrong_reading(raw: bool, data: bytes, between: bytes) -> None:
    true, following = echonet.decode(data), echonet.decode(NEXT)
    for line in broken(erxudp(data, raw)):
        got = readings(line + b"\r\n" + between + erxudp(NEXT, raw) + b"\r\n")
        assert got in ([following], [true, following]), line


@pytest.mark.parametrize("data", [POWER, AWKWARD], ids=["power", "awkward"])
@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
def test_a_datagram_of_a_wrong_length_gives_no_reading(raw: bool, data: bytes) -> None:
    for size in {*range(300), *range(0, 0x10000, 251), 0xFFFF} - {len(data)}:
        lines = erxudp(data, raw, size=size) + b"\r\n" + erxudp(NEXT, raw) + b"\r\n"
        assert readings(lines) == [echonet.decode(NEXT)], size


PAN = [
    b"EPANDESC",
    b"  Channel:31",
    b"  Channel Page:09",
    b"  Pan ID:B5FB",
    b"  Addr:0000AA000000000A",
    b"  LQI:DD",
    b"  Side:0",
    b"  PairID:00AA0002",
]


@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
def test_an_empty_datagram_is_one_and_ends_with_its_line(raw: bool) -> None:
    empty, ok = received(erxudp(b"", raw) + b"\r\nOK\r\n")
    assert isinstance(empty, Udp)
    assert (empty.data, type(ok)) == (b"", Ok)


@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
def test_a_datagram_is_as_long_as_a_module_can_send_and_no_longer(raw: bool) -> None:
    (longest,) = received(erxudp(b"\x10" * 0x04D0, raw) + b"\r\n")
    assert isinstance(longest, Udp)
    assert longest.data == b"\x10" * 0x04D0
    assert not any(isinstance(event, Udp) for event in received(erxudp(b"\x10" * 0x04D1, raw) + b"\r\n"))


@pytest.mark.parametrize("size", [18, 0x04D0], ids=["true length", "longest"])
@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
@pytest.mark.parametrize(
    "line",
    [
        b"OK",
        b"FAIL ER10",
        b"EVER 1.5.2",
        b"SKVER",
        b"ROPT",
        METER.encode(),
        EVENT_25,
        f"EINFO {MODULE} 0000AA0000000001 21 8888 0".encode(),
        erxudp(NEXT),
        b"\r\n".join(PAN),
    ],
    ids=lambda line: line[:8].decode() if isinstance(line, bytes) else None,
)
def test_the_line_behind_a_datagram_cut_short_is_read_at_once(line: bytes, raw: bool, size: int) -> None:
    """A module that lost power in the middle of a datagram, and speaks again."""
    (alone,) = received(line + b"\r\n")
    for cut in range(18):
        assert received(erxudp(POWER[:cut], raw, size=size) + b"\r\n" + line + b"\r\n")[-1] == alone


@pytest.mark.parametrize("lines", range(1, len(PAN)))
def test_a_scan_result_cut_short_is_whole_enough_or_noise(lines: int) -> None:
    pan, event = received(b"\r\n".join((*PAN[:lines], EVENT_25, b"")))
    if lines > PAN.index(b"  LQI:DD"):
        assert isinstance(pan, PanDescription)
        assert (pan.channel, pan.pan_id, pan.mac, pan.lqi) == ("31", "B5FB", "0000AA000000000A", 0xDD)
    else:
        assert pan == Noise(b"\r\n".join(PAN[:lines]))
    assert isinstance(event, Event)


@pytest.mark.parametrize("number", range(1, len(PAN)))
def test_a_scan_result_with_a_torn_line_never_misleads(number: int) -> None:
    for torn in {PAN[number][:-cut] for cut in range(1, len(PAN[number]))} | {PAN[number][1:], PAN[number] + b"\xff"}:
        pans = [
            e
            for e in received(b"\r\n".join((*PAN[:number], torn, *PAN[number + 1 :], b"OK\r\n")))
            if isinstance(e, PanDescription)
        ]
        for pan in pans:
            assert (pan.channel, pan.pan_id, pan.mac, pan.lqi) == ("31", "B5FB", "0000AA000000000A", 0xDD), torn


@pytest.mark.parametrize("piece", [b"x", b"\x00\xff", b"ERXUDP ", b"  x\r\n", erxudp(bytes(1232))[:200]])
def test_junk_without_end_is_bounded_in_memory_and_then_forgotten(piece: bytes) -> None:
    parser = Parser()
    parser.feed(b"EPANDESC\r\n")
    for _ in range(20):
        parser.feed(piece * 100)
        assert len(repr(vars(parser))) < 5 * MAX_LINE  # a byte may print as \x00
    parser.feed(b"\r\n")
    assert parser.feed(EVENT_25 + b"\r\n")[-1] == received(EVENT_25 + b"\r\n")[0]


@pytest.mark.parametrize("begun", [bytes.fromhex("D0F9EE5D2FFF0004"), b"\x00\x80\xe0\xf8", b"EVER 1.", b"ERXUDP FE80"])
def test_a_line_without_an_end_is_noise_once_and_read_if_its_end_comes_after_all(begun: bytes) -> None:
    parser = Parser()
    assert parser.feed(begun) == []
    assert parser.waits
    assert parser.unfinished() == [Noise(begun)]
    assert not parser.waits
    assert parser.unfinished() == []
    late = parser.feed(b"5.2\r\n")
    assert late == [Version("1.5.2", b"EVER 1.5.2")] if begun == b"EVER 1." else isinstance(late[0], Noise)


def test_blanks_and_whole_lines_are_nothing_unfinished() -> None:
    parser = Parser()
    parser.feed(b"OK\r\n  ")
    assert parser.unfinished() == []


@pytest.mark.parametrize(
    "damaged",
    [
        (b"Channel:31", b"Channel:G1"),
        (b"Channel:31", b"Channel:"),
        (b"Channel:31", b"Channel:311"),
        (b"Pan ID:B5FB", b"Pan ID:B5-B"),
        (b"Addr:0000AA000000000A", b"Addr:0000AA00000000OA"),
        (b"LQI:DD", b"LQI:D "),
    ],
)
def test_a_damaged_scan_result_is_no_meter_to_join(damaged: tuple[bytes, bytes]) -> None:
    lines = b"\r\n".join(PAN).replace(*damaged) + b"\r\n"
    (event,) = received(lines)
    assert isinstance(event, Noise)


def test_a_datagram_within_a_scan_result_closes_it() -> None:
    events = received(b"\r\n".join(PAN[:3]) + b"\r\n" + erxudp(POWER) + b"\r\n" + b"\r\n".join(PAN[3:]) + b"\r\n")
    assert [type(event) for event in events][:2] == [Noise, Udp]
    assert not any(isinstance(event, PanDescription) for event in events)
