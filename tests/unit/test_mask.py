"""No secret is ever written down: not from a command, an echo, a handshake, nor from torn pieces of any of them."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homemon.skstack.lines import Noise, Parser, Udp, command
from homemon.skstack.mask import masked_received, masked_sent

BID, PWD = "9F8E7D6C5B4A3928A7061F5E4D3C2B1A", "Qx7Zk2Lw9TbV"
METER, MODULE = "FE80:0000:0000:0000:0200:AA00:0000:0002", "FE80:0000:0000:0000:0200:AA00:0000:0001"
SHORTEST = 7  # characters: the fewest that give anything away


def identity(port: str = "02CC", raw: bool = False) -> bytes:
    """The PANA line whose payload carries the Route-B ID."""
    payload = bytes.fromhex("0000003C 80000002 0123456789ABCDEF 0002 0000 00000020 00000000") + BID.encode()
    head = f"ERXUDP {METER} {MODULE} {port} {port} 0000AA000000000A 0 0 {len(payload):04X} ".encode()
    return head + (payload if raw else payload.hex().upper().encode())


READING = f"ERXUDP {METER} {MODULE} 0E1A 0E1A 0000AA000000000A 1 0 0012 1081000102880105FF017201E7040000020B".encode()
JOIN = [
    b"SKVER",
    b"EVER 1.5.2",
    b"OK",
    b"SKINFO",
    f"EINFO {MODULE} 0000AA0000000001 21 8888 0".encode(),
    b"OK",
    b"ROPT",
    b"OK 01",
    f"SKSETPWD C {PWD}".encode(),
    b"OK",
    f"SKSETRBID {BID}".encode(),
    b"OK",
    b"SKSCAN 2 FFFFFFFF 6 0 ",
    b"OK",
    b"EPANDESC",
    b"  Channel:31",
    b"  Channel Page:09",
    b"  Pan ID:B5FB",
    b"  Addr:0000AA000000000A",
    b"  LQI:DD",
    b"  Side:0",
    f"  PairID:{BID[-8:]}".encode(),
    f"EVENT 22 {MODULE} 0".encode(),
    b"SKREG S2 31",
    b"OK",
    f"SKJOIN {METER}".encode(),
    b"OK",
    identity(),
    identity(raw=True),
    f"EVENT 25 {METER} 0".encode(),
    f"SKSENDTO 1 {METER} 0E1A 1 0 000E ".encode(),
    READING,
]
TRANSCRIPT = b"".join(line + b"\r\n" for line in JOIN)


PAN = "EPANDESC\r\n  Channel:31\r\n  Pan ID:B5FB\r\n  Addr:0000AA000000000A\r\n  LQI:DD\r\n"


def pieces(secret: str) -> set[bytes]:
    """Every piece of a secret that is long enough to recognise, as ASCII and as the hex of ASCII."""
    cut = {secret[at : at + SHORTEST] for at in range(len(secret) - SHORTEST + 1)}
    return {piece.encode() for piece in cut} | {piece.encode().hex().upper().encode() for piece in cut}


SECRET = re.compile(b"|".join(sorted(pieces(BID) | pieces(PWD))))


def trace(data: bytes, size: int = 4096) -> bytes:
    """All that may be written down of what is received in reads of `size` bytes, the unfinished end included."""
    parser = Parser()
    reads = [data[at : at + size] for at in range(0, len(data), size)]
    return b"\n".join(masked_received(event) for read in (*reads, b"\r\n", b"x" * 5000) for event in parser.feed(read))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (f"SKSETPWD C {PWD}", b"SKSETPWD ****\r\n"),
        (f"SKSETRBID {BID}", b"SKSETRBID ****\r\n"),
        ("SKSCAN 2 FFFFFFFF 6 0", b"SKSCAN 2 FFFFFFFF 6 0\r\n"),
        (f"SKJOIN {METER}", f"SKJOIN {METER}\r\n".encode()),
    ],
)
def test_of_a_command_only_the_secret_is_masked(text: str, written: bytes) -> None:
    assert masked_sent(command(text)) == written
    assert masked_sent(b"\r\n" + command("SKVER") + command(text)) == b"\r\nSKVER\r\n" + written


def test_a_whole_join_is_legible_but_for_its_secrets() -> None:
    written = trace(TRANSCRIPT)
    assert not SECRET.search(written)
    for line in JOIN:
        if SECRET.search(line) is None and line not in {b"SKSCAN 2 FFFFFFFF 6 0 "}:
            assert line in written
    for line in (b"SKSETPWD ****", b"SKSETRBID ****", b"  PairID:****", b" 02CC 02CC ****", b"SKSCAN 2 "):
        assert line in written


@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
@pytest.mark.parametrize("port", ["02CC", "02CD", "06CC", "0000", "C2CC"])
def test_a_handshake_stays_masked_where_its_port_is_garbled(port: str, raw: bool) -> None:
    """A flipped bit in the port leaves a datagram that is whole."""
    (udp,) = Parser().feed(identity(port, raw) + b"\r\n")
    assert isinstance(udp, Udp)
    assert masked_received(udp).endswith(f" {port} {port} ****".encode())


@pytest.mark.parametrize(
    "line",
    [
        f"SETRBID {BID}",
        f"SKSTRBID {BID}",
        f"SKSETPWD{PWD}",
        f"SKSREG S2 31SKSETPWD C {PWD}",  # a lost line end
        f"ROPT SKSETRBID {BID}",
        f"WOPT {PWD}",
        f"OK {BID[5:]}",
        f"EVER {PWD}",
        f"EVER 1.{BID}",
        f"{PAN}  PaiID:{BID[-8:]}",
        f"{PAN}  P{BID[-8:]}",
        f"{PAN}  Addr:0000AA000000000A\r\n  PairID:{BID[-8:]}",
        f"{PAN}  Channel Page:09{BID[-8:]}",
        f"EPANDESC\r\n  Channel:31  PairID:{BID[-8:]}",
        f" PairID:{BID[-8:]}",
        f"\xff{PWD}\xff",
    ],
)
def test_a_torn_line_gives_nothing_away(line: str) -> None:
    assert not SECRET.search(trace(line.encode("latin-1") + b"\r\nOK\r\n"))


@pytest.mark.parametrize("pwd", ["a!b#c%d;e=f@", "0123-5678_AB", "(7Zk2Lw9Tb)"])
def test_a_password_of_signs_is_masked_in_noise_as_well(pwd: str) -> None:
    assert masked_received(Noise(b"\xff" + pwd.encode())) == b"\xff****"


def test_noise_keeps_what_helps_to_find_the_fault() -> None:
    assert masked_received(Noise(READING[:60])) == READING[:60]


tears = st.lists(st.tuples(st.integers(0, len(TRANSCRIPT)), st.integers(0, 90), st.binary(max_size=3)), max_size=4)
start = TRANSCRIPT.index(PWD.encode())


@settings(deadline=None, max_examples=150)
@given(tears, st.integers(1, 4096))
@example([(TRANSCRIPT.index(b"PWD C"), 4, b"")], 1)
@example([(start - 13, 15, b"")], 7)  # "OK 01" runs into the password
@example([(0, start + 3, b"")], 4096)
def test_no_tear_of_a_join_lets_seven_characters_through(tears: list[tuple[int, int, bytes]], size: int) -> None:
    """Bytes lost and noise put in at any place of a whole join, read in pieces of any size."""
    data = TRANSCRIPT
    for at, lost, noise in tears:
        data = data[:at] + noise + data[at + lost :]
    assert not SECRET.search(trace(data, size))


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(JOIN[:-1]), st.integers(0, 120), st.sampled_from([BID, PWD]), st.integers(0, 25), st.integers(7, 32)
)
def test_a_piece_of_a_secret_behind_any_start_of_a_line_is_masked(
    line: bytes, kept: int, secret: str, at: int, size: int
) -> None:
    assert not SECRET.search(trace(line[:kept] + secret[at : at + size].encode() + b"\r\n" + TRANSCRIPT))
