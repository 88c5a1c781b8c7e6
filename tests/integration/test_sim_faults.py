"""Each fault of the simulated module does what its row says; the terminal and the command that serve it."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from click.testing import Result

from homemon.echonet import codec as echonet
from homemon.sim.bp35c0 import Module
from homemon.sim.faults import FAULTS
from homemon.sim.house import HALF_HOUR
from homemon.sim.radio import METER
from homemon.sim.terminal import Clock, Terminal
from homemon.skstack.join import join
from homemon.skstack.lines import Event, Fail, Noise, Ok, Parser, Udp
from tests.commands import PATIENCE, called
from tests.desk import HOUSE, NOON, SECRETS, Desk, lines

SENT = "EVENT 21 FE80:0000:0000:0000:0200:AA00:0000:0002 0 00"


def joined(fault: str, value: object = None) -> Desk:
    desk = Desk(joined=True)
    desk.module.fault(fault, value)
    return desk


def answers_to_four(desk: Desk) -> list[int]:
    """How many whole answers come to each of four questions; what came whole is what the truth holds."""
    counts = []
    for tid in range(4):
        desk.get(0xE7, tid=tid)
        got = desk.answers(30)
        assert all(frame.tid == tid for frame in got)
        counts.append(len(got))
    assert len([truth for truth in desk.module.truth if not truth.pushed]) == sum(counts)
    return counts


def pushes_in_two_hours(desk: Desk) -> int:
    return len(desk.answers(4 * HALF_HOUR))


def lose_answers() -> None:
    assert answers_to_four(joined("lose-answers", 2)) == [1, 0, 1, 0]
    assert pushes_in_two_hours(joined("lose-answers", 1)) == 4


def lose_pushes() -> None:
    assert pushes_in_two_hours(joined("lose-pushes", 2)) == 2
    assert answers_to_four(joined("lose-pushes", 1)) == [1, 1, 1, 1]


def late_answers() -> None:
    desk = joined("late-answers", 12)
    assert lines(desk.get(0xE7))[1:] == [SENT, "OK"]  # the module is not late
    assert desk.answers(13.4) == []
    assert len(desk.answers(0.2)) == 1


def double() -> None:
    assert answers_to_four(joined("double")) == [2, 2, 2, 2]
    assert pushes_in_two_hours(joined("double")) == 8


def garble() -> None:
    assert answers_to_four(joined("garble", 2)) == [1, 0, 1, 0]
    whole, torn = Desk(joined=True), joined("garble")
    for desk in (whole, torn):
        desk.get(0xE7)
    assert len(whole.listen(5)) == len(torn.listen(5)) + 1


def noise() -> None:
    desk = joined("noise")
    said = desk.get(0xE7) + desk.listen(5)
    assert any(byte > 0x7F for byte in said)
    events = [event for event in Parser().feed(said) if not isinstance(event, Noise)]
    assert [type(event).__name__ for event in events][-3:] == ["Event", "Ok", "Udp"]


def glue() -> None:
    desk = joined("glue")
    assert desk.get(0xE7) == b"SKSENDTO"
    said = desk.listen(5)
    assert said.startswith(b"ERXUDP ")
    assert lines(said)[1:] == [SENT, "OK"]
    assert [type(event) for event in Parser().feed(b"SKSENDTO" + said)][1:] == [Udp, Event, Ok]


def fail_sends() -> None:
    desk = joined("fail-sends")
    assert lines(desk.get(0xE7))[1:] == [SENT[:-2] + "01", "OK"]
    assert desk.answers() == []


def empty_scans() -> None:
    desk = Desk(faults={"empty-scans": 2})
    desk.converse(join(SECRETS))
    assert sum(isinstance(event, Event) and event.number == 0x22 for event in desk.received) == 3


def refuse_joins() -> None:
    desk = Desk(faults={"refuse-joins": 2})
    desk.converse(join(SECRETS))
    assert sum(isinstance(event, Event) and event.number == 0x24 for event in desk.received) == 2


def refuse_epcs() -> None:
    desk = joined("refuse-epcs", "E3,EB")
    assert desk.ask(0xE7, 0xE3).esv is echonet.Esv.GET_SNA
    desk.module.fault("refuse-epcs", 0)
    assert desk.ask(0xE7, 0xE3).esv is echonet.Esv.GET_RES

    desk.module.fault("refuse-epcs", "97*2,E5*1")
    assert [desk.ask(0x97, 0x98).esv for _ in range(3)] == 2 * [echonet.Esv.GET_SNA] + [echonet.Esv.GET_RES]
    desk.request(bytes.fromhex("1081000105FF010288016101E50102"))
    assert desk.answers()[-1].esv is echonet.Esv.SETC_SNA


def payload(desk: Desk) -> bytes:
    """Of the answer to E7."""
    desk.get(0xE7)
    (udp,) = [event for event in desk.parser.feed(desk.listen(5)) if isinstance(event, Udp)]
    return udp.data


def flip() -> None:
    for raw in (False, True):
        desk = Desk(joined=True, raw=raw, faults={"flip": 1})
        whole = Desk(joined=True, raw=raw)
        for _ in range(40):
            good, bad = (payload(desk) for desk in (whole, desk))
            assert (int.from_bytes(good) ^ int.from_bytes(bad)).bit_count() in (1, 2)  # of a hex digit A, two
        assert desk.module.truth == []


def no_data() -> None:
    desk = joined("no-data", "E7,E8,E0*1,E2,EA,E1")
    said = [prop.edt.hex().upper() for prop in desk.ask(0xE7, 0xE8, 0xE0, 0xE2, 0xEA, 0xE1).properties]
    stamp = "07EA011F0C0000"
    assert said == ["7FFFFFFE", "7FFE7FFE", "FFFFFFFE", "0000" + 48 * "FFFFFFFE", stamp + "FFFFFFFE", "FF"]
    assert desk.ask(0xE0).properties[0].edt != b"\xff\xff\xff\xfe"
    assert desk.module.truth[-1].epc == 0xE0


def wrong_data() -> None:
    desk = joined("wrong-data", "E7:00076EC3*1")
    assert desk.ask(0xE7).properties[0].edt == bytes.fromhex("00076EC3")
    assert desk.module.truth == []
    assert desk.ask(0xE7).properties[0].edt != bytes.fromhex("00076EC3")


def register(desk: Desk) -> int:
    return int.from_bytes(desk.ask(0xE0).properties[0].edt)


def coefficient() -> None:
    desk = Desk(joined=True)
    before = register(desk)
    desk.module.fault("coefficient", 10)
    assert desk.ask(0xD3).properties[0].edt == b"\0\0\0\x0a"
    assert before // 10 <= register(desk) <= before // 10 + 1


def exponent() -> None:
    desk = Desk(joined=True)
    before = register(desk)
    desk.module.fault("exponent", -2)
    assert desk.ask(0xE1).properties[0].edt == b"\x02"
    assert before * 10 <= register(desk) <= before * 10 + 19


def clock() -> None:
    desk = joined("clock", 2400)
    stamp, date, ea = (prop.edt for prop in desk.ask(0x97, 0x98, 0xEA).properties)
    assert (stamp, date) == (bytes((12, 41)), bytes.fromhex("07EA011F"))
    assert ea[:7] == bytes.fromhex("07EA011F0C1E00")
    assert int.from_bytes(ea[7:]) == HOUSE.imported(NOON - 600) // desk.module.radio.meter.unit
    pushed = desk.answers(2 * HALF_HOUR)  # at 12:20 and 12:50 of the true time, the first already planned for 12:30
    assert pushed[-1].properties[0].edt[:7] == bytes.fromhex("07EA011F0D1E00")


def exchange_meter() -> None:
    desk = joined("exchange-meter", 2)
    assert answers_to_four(desk) == [0, 0, 0, 0]
    link = desk.converse(join(SECRETS))
    assert (link.address, link.mac) == (METER[:-1] + "3", "0000AA0000000003")
    frame = bytes.fromhex("1081000105FF010288016202E000E200")
    desk.type(f"SKSENDTO 1 {link.address} 0E1A 1 0 {len(frame):04X} ", frame)
    (answer,) = [frame for frame in desk.answers(5.0) if frame.seoj != 0x0EF001]
    assert int.from_bytes(answer.properties[0].edt) == 20
    assert set(answer.properties[1].edt[2:]) == set(b"\xff\xfe")  # no past


def session_is_over_after(fault: str, number: int) -> Desk:
    desk = joined(fault)
    assert lines(desk.listen(0)) == [f"EVENT {number} {METER} 0"]
    assert lines(desk.get(0xE7))[-1] == "FAIL ER10"
    assert desk.listen(HALF_HOUR) == b""
    return desk


def expire() -> None:
    session_is_over_after("expire", 29)
    desk = joined("expire", 5)
    assert lines(desk.listen(6)) == [f"EVENT {number} {METER} 0" for number in (29, 25)]
    assert len(desk.ask(0xE7).properties) == 1


def end_session() -> None:
    session_is_over_after("end-session", 26)


def lose_session() -> None:
    session_is_over_after("lose-session", 28).converse(join(SECRETS))


def forget_session() -> None:
    desk = joined("forget-session")
    assert answers_to_four(desk) == [0, 0, 0, 0]
    assert pushes_in_two_hours(desk) == 0
    assert lines(desk.get(0xE7))[1:] == [SENT, "OK"]
    desk.converse(join(SECRETS))
    assert len(desk.ask(0xE7).properties) == 1


def limit() -> None:
    desk = joined("limit", 60)
    assert lines(desk.listen(0))[0].startswith("EVENT 32 ")
    assert lines(desk.get(0xE7))[-1] == "FAIL ER10"
    assert lines(desk.listen(61))[0].startswith("EVENT 33 ")
    assert len(desk.ask(0xE7).properties) == 1


def power_cycle() -> None:
    desk = Desk(joined=True)
    desk.get(0xE7)
    desk.module.fault("power-cycle")
    assert desk.listen(HALF_HOUR) == b""
    assert lines(desk.get(0xE7))[-1] == "FAIL ER10"


def dead() -> None:
    desk = joined("dead")
    assert desk.type("SKVER") == b""
    assert desk.listen(2 * HALF_HOUR) == b""
    assert desk.module.truth == []
    desk.module.fault("dead", 0)
    assert lines(desk.type("SKVER"))[-1] == "OK"


def at_most() -> None:
    desk = joined("at-most", 2)
    desk.get(0xE7, 0xE8, 0xE0)
    (answer,) = desk.answers()
    assert [prop.epc for prop in answer.properties] == [0xE7, 0xE8]


def silent_with() -> None:
    desk = joined("silent-with", "E8*2")
    for asked, answered in (((0xE7, 0xE8), 0), ((0xE8,), 1), ((0xE7,), 1), ((0xE7, 0xE8), 0), ((0xE7, 0xE8), 1)):
        desk.get(*asked)
        assert len(desk.answers()) == answered


def tid_0() -> None:
    desk = joined("tid-0")
    desk.get(0xE7, tid=5)
    assert [frame.tid for frame in desk.answers()] == [0]


DEEDS: dict[str, Callable[[], None]] = {name: globals()[name.replace("-", "_")] for name in FAULTS}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_does_what_its_row_says(name: str) -> None:
    DEEDS[name]()


def test_a_fault_can_be_set_for_a_time_to_come_and_survives_a_power_cycle() -> None:
    desk = Desk(joined=True)
    desk.module.fault("dead", 1, at=desk.now + 10)
    desk.module.fault("power-cycle")
    desk.listen(9)
    assert desk.type("SKVER")
    desk.listen(2)
    assert desk.type("SKVER") == b""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rain", 1),
        ("garble", "x"),
        ("limit", -1),
        ("refuse-epcs", "XY"),
        ("wrong-data", "E7"),
        ("no-data", "E7:00"),
        ("exponent", 5),
        ("coefficient", 0),
    ],
)
def test_a_wrong_fault_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Desk().module.fault(name, value)


def test_a_garbled_answer_gives_no_reading_whichever_byte_is_lost() -> None:
    for raw in (False, True):
        desk = Desk(joined=True, raw=raw, faults={"garble": 1})
        for tid in range(300):
            desk.get(0xE7, 0xE8, tid=tid)
            said = desk.listen(5)
            events = desk.parser.feed(said + desk.type("SKVER"))
            assert not any(isinstance(event, Udp | Fail) for event in events), said


# --- the pty and the command -------------------------------------------------------------


def read_until(port: int, text: bytes) -> bytes:
    said = b""
    while text not in said:
        assert select.select([port], [], [], 20)[0], said
        said += os.read(port, 4096)
    return said


def test_clients_come_and_go_on_the_pty() -> None:
    clock = Clock(NOON, speed=100)
    module = Module(HOUSE, clock.start)
    with Terminal(module, clock) as terminal:
        server = Thread(target=terminal.serve)
        server.start()
        for _ in range(2):
            port = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
            os.write(port, b"SKVER\r\n")
            assert read_until(port, b"OK\r\n") == b"SKVER\r\nEVER 1.5.2\r\nOK\r\n"
            os.close(port)
        terminal.call(lambda now: module.fault("limit", 10, at=now))
        port = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        assert b"EVENT 32" in read_until(port, b"EVENT 33")
        os.close(port)
        terminal.stop()
        server.join(20)
    assert not server.is_alive()


def test_the_command_serves_until_it_is_stopped_and_writes_the_truth(tmp_path: Path) -> None:
    link, truth = tmp_path / "meter", tmp_path / "truth.jsonl"
    arguments = ["--link", str(link), "--truth", str(truth), "--start", "2026-01-31T12:29:50", "--speed", "20"]
    code = "from homemon.cli.simulate import command; command()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "meter", "--push-after", "0", *arguments], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().decode().strip() == os.readlink(link)
        port = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(port, b"SKSREG S2 31\r\nSKSREG S3 B5FB\r\nSKSETPWD C 0123456789AB\r\n")
        os.write(port, b"SKSETRBID 00112233445566778899AABBCCDDEEFF\r\nSKJOIN " + METER.encode() + b"\r\n")
        read_until(port, b"EVENT 25")
        os.write(port, f"SKSENDTO 1 {METER} 0E1A 1 0 000E ".encode() + bytes.fromhex("1081000105FF010288016201E700"))
        read_until(port, b"1081000102880105FF017201E704")
        os.close(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert not link.is_symlink()
    reported = [json.loads(line) for line in truth.read_text("utf-8").splitlines()]
    (power,) = [one for one in reported if one["epc"] == "E7"]
    assert power["value"] == HOUSE.power(power["time"])
    assert power["pushed"] is False


def run(*arguments: str) -> Result:
    return called("simulate", "meter", *arguments)


def test_help_lists_every_fault() -> None:
    said = run("--help").output
    assert all(f"{row.name}={row.default}" in said and row.says in said for row in FAULTS.values())


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fault", "rain"],
        ["--fault", "garble=x"],
        ["--fault", "dead@soon"],
        ["--fault", "dead@-1"],
        ["--start", "noon"],
        ["--truth", "/nowhere/truth"],
        ["--link", "/etc/passwd"],
        ["--link", "/nowhere/link"],
        ["--speed", "0"],
        ["--bid", "32"],
    ],
)
def test_wrong_usage_is_reported_and_exits_2(wrong: list[str]) -> None:
    result = run(*wrong)
    assert result.exit_code == 2
    assert wrong[1].split("=")[0] in result.output
