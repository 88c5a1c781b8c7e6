"""The join, against transcripts written by hand: what must be sent, and what a module says to it."""

from typing import Any

import pytest

from homemon.core.dialogue import Dialogue, Step, Talk
from homemon.core.errors import DeviceError, NoAnswer
from homemon.runtime.driver import run
from homemon.runtime.virtual import VirtualLine
from homemon.skstack.join import WAKE_TRIES, Credentials, Link, Refused, join, rejoin, wake_module
from homemon.skstack.lines import Dialect, Parser
from tests import virtual
from tests.virtual import TENTHS, Replies, Reported, World

Line = tuple[bytes, bytes]

SECRETS = Credentials("00112233445566778899AABBCCDDEEFF", "0123456789AB")
ADDRESS = "FE80:0000:0000:0000:0200:AA00:0000:000A"
LINK = Link(ADDRESS, "31", "B5FB", "0000AA000000000A", Dialect.C)


class Module(Replies):
    """Plays a transcript in virtual time: to each thing sent it says the bytes beside it, at once."""

    def __init__(self, *transcript: Line) -> None:
        super().__init__()
        self.transcript = list(transcript)
        self.reported: list[str] = []
        self._line = VirtualLine(self, Parser().feed, 0.0)

    @property
    def now(self) -> float:
        return self._line.time

    def reply(self, data: bytes) -> bytes:
        expected, reply = self.transcript.pop(0)
        assert data == expected
        return reply

    def play(self, dialogue: Dialogue[Any]) -> Any:
        """Run the dialogue to its end; time passes only where it waits in vain."""
        result = run(Talk(), dialogue, self._line, Reported(self.reported))
        assert not self.transcript
        return result

    def refuse(self, dialogue: Dialogue[object]) -> DeviceError:
        """Run a dialogue that must fail, to the last line of the transcript."""
        with pytest.raises(DeviceError) as refusal:
            self.play(dialogue)
        assert not self.transcript
        return refusal.value


SKVER = (b"\r\nSKVER\r\n", b"\r\nSKVER\r\nEVER 1.5.2\r\nOK\r\n")
SKINFO = (
    b"SKINFO\r\n",
    b"SKINFO\r\nEINFO FE80:0000:0000:0000:0200:AA00:0000:0001 0000AA0000000001 21 8888 0\r\nOK\r\n",
)
ROPT = (b"ROPT\r", b"ROPT\r\nOK 01\r")
SKSETPWD = (b"SKSETPWD C 0123456789AB\r\n", b"SKSETPWD C 0123456789AB\r\nOK\r\n")
SKSETRBID = (
    b"SKSETRBID 00112233445566778899AABBCCDDEEFF\r\n",
    b"SKSETRBID 00112233445566778899AABBCCDDEEFF\r\nOK\r\n",
)
PREPARE = (SKVER, SKINFO, ROPT, SKSETPWD, SKSETRBID)
SCAN_END = b"EVENT 22 FE80:0000:0000:0000:0200:AA00:0000:0001 0\r\n"
MINE = (
    b"EPANDESC\r\n  Channel:31\r\n  Channel Page:09\r\n  Pan ID:B5FB\r\n"
    b"  Addr:0000AA000000000A\r\n  LQI:DD\r\n  Side:0\r\n  PairID:CCDDEEFF\r\n"
)
SCAN = (
    b"SKSCAN 2 FFFFFFFF 6 0\r\n",
    b"SKSCAN 2 FFFFFFFF 6 0\r\nOK\r\nEVENT 20 FE80:0000:0000:0000:0200:AA00:0000:000A 0\r\n" + MINE + SCAN_END,
)
TUNE = (
    (b"SKSREG S2 31\r\n", b"SKSREG S2 31\r\nOK\r\n"),
    (b"SKSREG S3 B5FB\r\n", b"SKSREG S3 B5FB\r\nOK\r\n"),
)
SKLL64 = (b"SKLL64 0000AA000000000A\r\n", b"SKLL64 0000AA000000000A\r\n" + ADDRESS.encode() + b"\r\n")
SKJOIN = b"SKJOIN FE80:0000:0000:0000:0200:AA00:0000:000A\r\n"
JOINED = (
    SKJOIN,
    SKJOIN + b"OK\r\nEVENT 21 FE80:0000:0000:0000:0200:AA00:0000:000A 0 02\r\n"
    b"EVENT 02 FE80:0000:0000:0000:0200:AA00:0000:000A 0\r\n"
    b"ERXUDP FE80:0000:0000:0000:0200:AA00:0000:000A FE80:0000:0000:0000:0200:AA00:0000:0001 "
    b"02CC 02CC 0000AA000000000A 0 0 0004 00000004\r\n"
    b"EVENT 25 FE80:0000:0000:0000:0200:AA00:0000:000A 0\r\n",
)
FAILED = (SKJOIN, b"OK\r\nEVENT 24 FE80:0000:0000:0000:0200:AA00:0000:000A 0\r\n")
ENTER = (*TUNE, SKLL64, JOINED)


def test_a_bp35c0_is_joined() -> None:
    module = Module(*PREPARE, SCAN, *ENTER)
    assert module.play(join(SECRETS)) == LINK
    assert module.reported == [
        "scanning for the meter, 1 of 5, 17 s ...",
        "found it on channel 31, at -43 dBm",
        "joining the meter's network, 1 of 3 ...",
    ]


def test_a_bp35a1_is_joined_in_its_own_dialect_with_its_echo_off() -> None:
    module = Module(
        (b"\r\nSKVER\r\n", b"\r\nEVER 1.2.10\r\nOK\r\n"),
        (
            b"SKINFO\r\n",
            b"\r\nEINFO FE80:0000:0000:0000:0200:AA00:0000:0006 0000AA0000000006 21 8888 FFFE\r\nOK\r\n",
        ),
        (b"ROPT\r", b"\r\nOK 01\r"),
        (b"SKSETPWD C 0123456789AB\r\n", b"\r\nOK\r\n"),
        (b"SKSETRBID 00112233445566778899AABBCCDDEEFF\r\n", b"\r\nOK\r\n"),
        (
            b"SKSCAN 2 FFFFFFFF 6\r\n",
            b"\r\nOK\r\nEVENT 20 FE80:0000:0000:0000:0200:AA00:0000:0006\r\nEPANDESC\r\n  Channel:33\r\n"
            b"  Channel Page:09\r\n  Pan ID:6393\r\n  Addr:0000AA0000000007\r\n  LQI:4E\r\n  PairID:CCDDEEFF\r\n"
            b"EVENT 22 FE80:0000:0000:0000:0200:AA00:0000:0006\r\n",
        ),
        (b"SKSREG S2 33\r\n", b"\r\nOK\r\n"),
        (b"SKSREG S3 6393\r\n", b"\r\nOK\r\n"),
        (b"SKLL64 0000AA0000000007\r\n", b"\r\nFE80:0000:0000:0000:0200:AA00:0000:0007\r\n"),
        (
            b"SKJOIN FE80:0000:0000:0000:0200:AA00:0000:0007\r\n",
            b"\r\nOK\r\nEVENT 25 FE80:0000:0000:0000:0200:AA00:0000:0007\r\n",
        ),
    )
    link = Link("FE80:0000:0000:0000:0200:AA00:0000:0007", "33", "6393", "0000AA0000000007", Dialect.A1)
    assert module.play(join(SECRETS)) == link


def test_a_rejoin_needs_no_scan() -> None:
    assert Module(*PREPARE, *TUNE, JOINED).play(rejoin(SECRETS, LINK)) == LINK


def test_a_rejoin_that_fails_fails_at_once_so_that_a_scan_can_follow() -> None:
    error = Module(*PREPARE, *TUNE, FAILED).refuse(rejoin(SECRETS, LINK))
    assert "EVENT 24 (1 try)" in str(error)


# --- waking ------------------------------------------------------------------------


def test_a_silent_module_is_given_up_within_15_seconds() -> None:
    module = Module(*[(b"\r\nSKVER\r\n", b"")] * WAKE_TRIES)
    error = module.refuse(wake_module())
    assert isinstance(error, NoAnswer)
    assert "no Wi-SUN module answered" in str(error)
    assert "serial_port" in error.hint
    assert module.now <= 15


def test_an_unreadable_module_is_no_silent_one() -> None:
    module = Module(*[(b"\r\nSKVER\r\n", b"\xf8\x00\x80\r\xf8")] * WAKE_TRIES)
    error = module.refuse(wake_module())
    assert "unreadable" in str(error)
    assert "serial_bps" in error.hint
    assert module.now <= 15


@pytest.mark.parametrize(
    "frame",
    [
        "D0F9EE5D2FFF000405CF01000001",
        "D0F9EE5D60190004036C0000",
        "D0EA83FC006B000403A00000",
        "0D0AD0F9EE5D0D0A2FFF0004",
        "00D0F9EE5D",
    ],
)
def test_a_j11_is_named(frame: str) -> None:
    module = Module(*[(b"\r\nSKVER\r\n", bytes.fromhex(frame) + b"\r\n")] * WAKE_TRIES)
    error = module.refuse(wake_module())
    assert "this is a J11 (BP35C0-J11, RS-WSUHA-J11), which speaks another protocol" in str(error)
    assert "docs/hardware.md" in error.hint


def test_a_module_that_takes_the_first_command_for_payload_is_woken() -> None:
    module = Module((b"\r\nSKVER\r\n", b"EVENT 21 " + ADDRESS.encode() + b" 0 01\r\nOK\r\n"), SKVER)
    assert module.play(wake_module()) == "1.5.2"


def test_a_late_answer_to_an_earlier_try_is_not_taken_for_the_next_commands() -> None:
    twice = b"EVER 1.2.10\r\nOK\r\nEVER 1.2.10\r\nOK\r\n"
    info = b"EINFO FE80:0000:0000:0000:0200:AA00:0000:0006 0000AA0000000006 21 8888 FFFE\r\nOK\r\n"
    module = Module(
        (b"\r\nSKVER\r\n", b""),
        (b"\r\nSKVER\r\n", twice),
        (b"SKINFO\r\n", info),
        *PREPARE[2:],
        *TUNE,
        JOINED,
    )
    assert module.play(rejoin(SECRETS, LINK)).dialect is Dialect.A1


# --- preparing ---------------------------------------------------------------------


def test_raw_output_is_switched_to_hex_once() -> None:
    raw = ((b"ROPT\r", b"ROPT\r\nOK 00\r"), (b"WOPT 01\r", b"WOPT 01\r\nOK\r"))
    module = Module(SKVER, SKINFO, *raw, SKSETPWD, SKSETRBID, *TUNE, JOINED)
    assert module.play(rejoin(SECRETS, LINK)) == LINK


@pytest.mark.parametrize("answer", [b"FAIL ER04\r\n", b""], ids=["refused", "silent"])
@pytest.mark.parametrize("sent", [(b"ROPT\r",), (b"ROPT\r", b"WOPT 01\r")], ids=["ROPT", "WOPT"])
def test_a_module_that_cannot_report_or_change_its_output_is_joined_all_the_same(
    sent: tuple[bytes, ...], answer: bytes
) -> None:
    options = [(command, b"OK 00\r") for command in sent[:-1]] + [(sent[-1], answer)]
    assert Module(SKVER, SKINFO, *options, SKSETPWD, SKSETRBID, *TUNE, JOINED).play(rejoin(SECRETS, LINK)) == LINK


@pytest.mark.parametrize("number", [3, 4])
@pytest.mark.parametrize("answer", [b"FAIL ER06\r\n", b""], ids=["refused", "silent"])
def test_an_error_names_the_command_and_never_the_secret(number: int, answer: bytes) -> None:
    command = PREPARE[number][0]
    error = Module(*PREPARE[:number], (command, answer)).refuse(join(SECRETS))
    assert command.split()[0].decode() in str(error)
    assert ("bid and pwd" in error.hint) == bool(answer)
    for secret in SECRETS:
        assert secret not in str(error) + error.hint + repr(error) + repr(SECRETS)


# --- scanning ----------------------------------------------------------------------


def test_the_dialect_is_switched_where_the_module_counts_its_arguments_differently() -> None:
    module = Module(
        *PREPARE,
        (b"SKSCAN 2 FFFFFFFF 6 0\r\n", b"FAIL ER05\r\n"),
        (b"SKSCAN 2 FFFFFFFF 6\r\n", b"OK\r\n" + SCAN_END),
        (b"SKSCAN 2 FFFFFFFF 6\r\n", b"OK\r\n" + MINE + SCAN_END),
        *ENTER,
    )
    assert module.play(join(SECRETS)) == LINK._replace(dialect=Dialect.A1)


def test_a_module_that_refuses_both_dialects_is_not_asked_for_ever() -> None:
    refusals = [(b"SKSCAN 2 FFFFFFFF 6 0\r\n", b"FAIL ER05\r\n"), (b"SKSCAN 2 FFFFFFFF 6\r\n", b"FAIL ER05\r\n")]
    error = Module(*PREPARE, *refusals).refuse(join(SECRETS))
    assert isinstance(error, Refused)
    assert "SKSCAN: FAIL ER05 (wrong number of arguments)" in str(error)


@pytest.mark.parametrize(
    ("ending", "seconds"),
    [
        (b"OK\r\nEVENT 27 FE80:0000:0000:0000:0200:AA00:0000:000A 0\r\n", 0),
        (b"OK\r\nEVENT 28 FE80:0000:0000:0000:0200:AA00:0000:000A 0\r\n", 0),
        (b"FAIL ER10\r\n", 0),
        (b"OK\r\n", 20),
    ],
    ids=["ended", "ended unanswered", "no session", "silent"],
)
def test_a_session_in_the_way_of_a_scan_is_ended(ending: bytes, seconds: float) -> None:
    module = Module(*PREPARE, (SCAN[0], b"FAIL ER10\r\n"), (b"SKTERM\r\n", ending), SCAN, *ENTER)
    assert module.play(join(SECRETS)) == LINK
    assert module.now == seconds


def test_a_session_is_ended_once_only() -> None:
    scan = (SCAN[0], b"FAIL ER10\r\n")
    error = Module(*PREPARE, scan, (b"SKTERM\r\n", b"FAIL ER10\r\n"), scan).refuse(join(SECRETS))
    assert "SKSCAN: FAIL ER10" in str(error)


EMPTY = [
    (f"SKSCAN 2 FFFFFFFF {duration} 0\r\n".encode(), f"SKSCAN 2 FFFFFFFF {duration} 0 \r\nOK\r\n".encode() + SCAN_END)
    for duration in (6, 6, 7, 7, 8)
]


def test_empty_scans_grow_longer_and_end_with_the_usual_causes() -> None:
    module = Module(*PREPARE, *EMPTY)
    error = module.refuse(join(SECRETS))
    assert "no meter answered in 5 scans" in str(error)
    for cause in ("not yet active", "bid", "antenna"):
        assert cause in error.hint
    assert len(module.reported) == 5


@pytest.mark.parametrize("empty", range(1, 5))
def test_a_meter_found_late_is_found(empty: int) -> None:
    found = (EMPTY[empty][0], b"OK\r\n" + MINE + SCAN_END)
    assert Module(*PREPARE, *EMPTY[:empty], found, *ENTER).play(join(SECRETS)) == LINK


def test_of_several_meters_ours_is_chosen_then_the_strongest() -> None:
    theirs = MINE.replace(b"CCDDEEFF", b"00000000").replace(b"DD\r", b"FF\r").replace(b"B5FB", b"0BAD")
    weak = MINE.replace(b"DD\r", b"10\r").replace(b"B5FB", b"0BAD")
    scan = (SCAN[0], b"OK\r\n" + theirs + MINE + weak + SCAN_END)
    assert Module(*PREPARE, scan, *ENTER).play(join(SECRETS)) == LINK


def test_a_scan_that_never_ends_is_given_up() -> None:
    module = Module(*PREPARE, (SCAN[0], b"OK\r\n" + MINE))
    error = module.refuse(join(SECRETS))
    assert isinstance(error, NoAnswer)
    assert "the scan did not end" in str(error)
    assert 17.5 < module.now < 60


# --- joining -----------------------------------------------------------------------


@pytest.mark.parametrize("no", [FAILED, (SKJOIN, b"OK\r\n"), (SKJOIN, b"FAIL ER10\r\n")], ids=["24", "silent", "ER10"])
def test_a_join_is_tried_three_times(no: Line) -> None:
    assert Module(*PREPARE, SCAN, *TUNE, SKLL64, no, no, JOINED).play(join(SECRETS)) == LINK
    module = Module(*PREPARE, SCAN, *TUNE, SKLL64, no, no, no)
    error = module.refuse(join(SECRETS))
    assert ("EVENT 24" in str(error)) == (no is FAILED)
    assert "(3 tries)" in str(error)
    assert "bid" in error.hint
    assert "pwd" in error.hint
    assert module.now < 200


@pytest.mark.parametrize("answer", [b"FAIL ER06\r\n", b""], ids=["refused", "silent"])
def test_a_mac_without_an_address_is_an_error_that_names_the_command(answer: bytes) -> None:
    error = Module(*PREPARE, SCAN, *TUNE, (SKLL64[0], answer)).refuse(join(SECRETS))
    assert "SKLL64" in str(error)


def test_a_join_lets_nobody_write_in_between_and_its_link_is_to_be_kept() -> None:
    class Learning(World):
        learned = 0

        def report(self, step: Step) -> None:
            self.learned += bool(step.learned)
            super().report(step)

    world = Learning()
    world.run(world.session.join())
    joining = dict(zip((sent[:6] for sent in world.sent), world.joined_alone, strict=True))
    assert all(joining[command] for command in (b"SKSETP", b"SKSCAN", b"SKJOIN"))
    assert not joining[b"SKSEND"]
    moved = Learning(virtual.LINK._replace(channel="3C"), TENTHS)
    moved.module.fault("refuse-joins", 1)
    moved.listen(600)
    assert moved.session.link is not None
    assert moved.session.link.channel == virtual.LINK.channel
    assert moved.learned == 1
