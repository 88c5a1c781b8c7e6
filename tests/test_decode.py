"""`homemon decode`: everything known is explained, whatever is cut off as far as it goes, and no secret is shown."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homemon.explain.account import Account
from homemon.explain.text import accounts
from homemon.sim.house import House
from homemon.sim.kyocera import Monitor
from homemon.wire import kyocera
from homemon.wire.dialogue import Conversation
from tests.commands import ENVIRONMENT, HOMEMON, homemon
from tests.test_captures import VECTORS
from tests.test_layers import loaded_by
from tests.test_mask import BID, JOIN, PAN, PWD, SECRET, TRANSCRIPT
from tests.test_solar import memory

A, B = "FE80:0000:0000:0000:0200:AA00:0000:0002", "FE80:0000:0000:0000:0200:AA00:0000:0001"
POWER = "1081000102880105FF017201E7040000020B"
LINES = [line for vector in VECTORS for line in vector["lines"]]


def told(text: str) -> list[Account]:
    return list(accounts(text.splitlines()))


def words(text: str) -> str:
    return "\n".join(line for account in told(text) for line in account.lines)


# --- captures ----------------------------------------------------------------------


def value_in(prop: dict[str, Any]) -> dict[str, Any]:
    """A property's value in the words of the captures."""
    value = prop["value"]
    match prop["epc"]:
        case "E8":
            return {"current_r_a": value[0], "current_t_a": value[1]}
        case "EA" | "EB":
            return {"timestamp_local": value["time"].removesuffix("+09:00"), "raw_count": value["count"]}
        case "9F":
            return {"property_count": len(value), "epcs": value}
        case "D5":
            return {"instance_count": len(value), "instances": value}
    names = {"D3": "coefficient", "D7": "effective_digits", "E0": "raw_count", "E7": "power_w"}
    return {(names | {"97": "time", "98": "date"})[prop["epc"]]: value}


def agrees(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    """That an account says what the capture's expectation says."""
    match expected.get("type"):
        case "EVENT":
            assert facts["number"] == expected["num"]
            assert facts["sender"] == expected["sender"]
            assert (facts.get("side"), facts.get("parameter")) == (expected["side"], expected["param"])
        case "EPANDESC":
            for name in ("channel", "channel_page", "pan_id"):
                assert facts[name] == expected[name]
            assert facts["channel_number"] == expected["channel_no"]
            assert facts["mac"] == expected["addr"]
            assert facts["lqi"] == int(expected["lqi"], 16)
            assert facts["rssi_dbm"] == round(expected["rssi_dbm"], 1)
            assert facts["pair_id"] == "****"
        case "FAIL":
            assert (facts["code"], facts["meaning"]) == (expected["code"], expected["meaning"])
        case "ERXUDP":
            assert (facts["sender"], facts["destination"]) == (expected["sender"], expected["dest"])
            assert (facts["rport"], facts["lport"], facts["size"]) == (
                expected["rport"],
                expected["lport"],
                expected["datalen"],
            )
            if "echonet" in expected:
                agrees_frame(facts["frame"], expected["echonet"])
            else:
                assert facts["payload"] == "PANA"
                assert "frame" not in facts


def agrees_frame(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    assert (facts["tid"], facts["esv"]) == (expected["tid"], expected["esv"])
    assert (facts["from"]["eoj"], facts["to"]["eoj"]) == (expected["seoj"], expected["deoj"])
    for prop, wanted in zip(facts["properties"], expected["properties"], strict=True):
        assert (prop["epc"], prop["edt"]) == (wanted["epc"], wanted["edt"])
        assert value_in(prop) == wanted["value"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_a_capture_is_explained_as_its_recorder_understood_it(vector: dict[str, Any]) -> None:
    found = list(accounts(vector["lines"]))
    assert all(account.sense for account in found)
    expected = vector["expected"]
    items = expected.get("items", [expected])
    if vector["id"] == "t01":
        items = [expected["event20"], expected["pan"], expected["event22"]]
    if any("type" in item for item in items):
        for account, item in zip(found, items, strict=True):
            assert account.facts["type"] == item["type"]
            agrees(account.facts, item)


def properties(facts: dict[str, Any]) -> list[Any]:
    return list(facts.get("frame", facts).get("properties", []))


@pytest.mark.parametrize("line", LINES)
def test_a_line_cut_off_anywhere_is_explained_up_to_there(line: str) -> None:
    """What is shown of a part is shown of the whole; and the part says where it ends."""
    (whole,) = told(line) if line[:2] != "  " else [Account({}, [])]
    keyword = line.split(" ")[0]
    for size in range(len(line)):
        for account in told(line[:size]):
            shown = properties(account.facts)
            assert shown == properties(whole.facts)[: len(shown)]
            if keyword in ("ERXUDP", "EVENT") and size >= len(keyword):
                assert account.sense
                whole_event = keyword == "EVENT" and size >= len(f"EVENT 21 {A}")
                assert whole_event or account.facts["error"]["offset"] <= size
                for name in ("sender", "destination"):
                    assert account.facts.get(name, whole.facts.get(name)) == whole.facts.get(name)


HISTORY = f"1081000102880105FF017201E2C20001{'0000458E' * 47}FFFFFFFE"


@pytest.mark.parametrize(
    "frame",
    [
        POWER,
        HISTORY,
        "1081000102880105FF017302EA0B07E70C13001E000000458EEB0B07E70C13001E0000000015",
        "1081000102880105FF017E01E5000298040 7EA051497020E1A".replace(" ", ""),
    ],
)
def test_a_frame_cut_off_at_any_byte_says_at_which_and_shows_the_whole_properties(frame: str) -> None:
    (whole,) = told(frame)
    assert "error" not in whole.facts
    for size in range(2, len(frame) // 2):
        (account,) = told(frame[: size * 2])
        assert account.sense
        assert account.facts["error"]["offset"] <= size
        assert account.facts["error"]["text"] in account.lines[-1]
        shown = properties(account.facts)
        assert shown == properties(whole.facts)[: len(shown)]
        (odd,) = told(frame[: size * 2 + 1])
        assert odd.lines == [*account.lines, f"  half a byte at the end: {frame[size * 2]}"]


# --- in words ----------------------------------------------------------------------

TEXTS = {
    "10 81 00 01 02 88 01 05 ff 01 72 02 e7 04 ff ff ff 38 e8 04 00 2a 7f fe": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  E7 power: -200 W
  E8 current: R 4.2 A, T no data""",
    "1081000102880105FF017204E7047FFFFFFEE0 04FFFFFFFEE7047FFFFFFFE70480000000": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  E7 power: no data (7FFFFFFE)
  E0 energy import: no data (FFFFFFFE)
  E7 power: overflow (7FFFFFFF)
  E7 power: underflow (80000000)""",
    "1081000102880105FF017201EA0B07E70C13001EFFFFFFFFFE": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  EA energy import at the half-hour: no data (07E70C13001EFFFFFFFFFE)""",
    "1081000102880105FF015203E100D304000000 14E70100": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_SNA (52): answers, but not all
  E1 unit: refused
  D3 coefficient: 20
  E7 power: 00 (EPC E7 (power) takes 4 bytes, 1 came)""",
    "1081000105FF010288016101E50101": """\
ECHONET Lite, TID 0001, from controller 05FF01 to smart meter 028801, SetC (61): sets
  E5 history day: 1 days ago""",
    "1081000102880105FF017101E500": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Set_Res (71): has set
  E5 history day: set""",
    "1081000102880105FF015101E50164": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, SetC_SNA (51): does not set all of
  E5 history day: not set, 100 days ago""",
    "1081000105FF01028801620398009700F000": """\
ECHONET Lite, TID 0001, from controller 05FF01 to smart meter 028801, Get (62): asks for
  98 date
  97 clock
  F0""",
    "1081000102880105FF017202F0020102EC0F07E70C13001E01 0000458E FFFFFFFE": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  F0: 2 bytes, not known to homemon: 0102
  EC second history: 1 half-hours, import and export in counts
    2023-12-19 00:30  17806 -""",
    "1081 0001 026B01 05FF01 72 08 8402FFFE 850400012345 E1020172 B30 137 B301FD EA0143 C20400000000 C30142": """\
ECHONET Lite, TID 0001, from EcoCute 026B01 to controller 05FF01, Get_Res (72): answers
  84 power: underflow (FFFE)
  85 energy: 74565 × 0.001 kWh
  E1 hot water left: 370 L
  B3 heating temperature set: 55 °C
  B3 heating temperature set: undefined (FD)
  EA bath: keeping warm
  C2 alarms: 00000000
  C3 hot water: not drawn""",
    "1081 0001 0EF001 05FF01 72 04 8204010E0100 D303000002 D60702026B01013001 D70502026B0130": """\
ECHONET Lite, TID 0001, from node profile 0EF001 to controller 05FF01, Get_Res (72): answers
  82 version: ECHONET Lite 1.14
  D3 number of objects: 2
  D6 objects: 2: 026B01 EcoCute, 013001 air conditioner
  D7 classes: 2: 026B EcoCute, 0130 air conditioner""",
    "1081000102880105FF017201E2C20001" + "0000458E" * 47 + "FFFFFFFE": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  E2 import history: yesterday, 47 of 48 half-hours in counts; first 17806, last 17806
    00:00  17806 17806 17806 17806 17806 17806
    03:00  17806 17806 17806 17806 17806 17806
    06:00  17806 17806 17806 17806 17806 17806
    09:00  17806 17806 17806 17806 17806 17806
    12:00  17806 17806 17806 17806 17806 17806
    15:00  17806 17806 17806 17806 17806 17806
    18:00  17806 17806 17806 17806 17806 17806
    21:00  17806 17806 17806 17806 17806     -""",
    "1081000102880105FF0172029D05048088EAEB9E0202E5": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  9D map of what it announces: 4 properties
    80 operation, 88 fault, EA energy import at the half-hour, EB energy export at the half-hour
  9E map of what can be set: 02E5 (byte 2: the property map promises 2 EPCs, 1 are there)""",
    "1081000202880105FF017401D70106": """\
ECHONET Lite, TID 0002, from smart meter 028801 to controller 05FF01, INFC (74): announces, and wants it confirmed
  D7 digits: 6""",
    "1081000205FF010288017A01D700": """\
ECHONET Lite, TID 0002, from controller 05FF01 to smart meter 028801, INFC_Res (7A): confirms
  D7 digits: confirmed""",
    "1081000102880105FF017E01E50001E7040000020B": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, SetGet_Res (7E): has set, and answers
  E5 history day: set
  E7 power: 523 W""",
    f"ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A C5 1 0 0012 {POWER}": f"""\
ERXUDP: a datagram of 18 bytes, encrypted
  from {A} port 3610 (0E1A), MAC 0000AA000000000A
  to   {B} port 3610 (0E1A)
  RSSI -50.1 dBm (LQI C5)
  ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
    E7 power: 523 W""",
    f"ERXUDP {A} {B} 02CC 02CC 0000AA000000000A 0 0004 01020304": f"""\
ERXUDP: a datagram of 4 bytes, not encrypted
  from {A} port 716 (02CC)
  to   {B} port 716 (02CC)
  PANA, the handshake of the join: not shown, for it carries the Route-B ID""",
    f"[2017-05-31 12:00:00] EVENT 29 {A} 0": f"""\
EVENT 29: the session's lifetime expired (from {A}, side 0)""",
    f"EVENT 21 {A} 01": f"EVENT 21: not sent: it failed (from {A}, parameter 1)",
    "FAIL ER10": "FAIL ER10: accepted, but it failed",
    f"EINFO {B} 0000AA0000000001 21 8888 FFFE": f"""\
EINFO: the module is {B}, MAC 0000AA0000000001, channel 21, PAN ID 8888, dialect of the BP35A1""",
    "EPANDESC\n  Channel:33\n  Channel Page:09\n  Pan ID:6393\n  Addr:0000AA0000000007\n  LQI:4E\n  PairID:0": """\
EPANDESC: a meter was found
  channel 33 (number 51)
  channel page 09
  PAN ID 6393
  MAC 0000AA0000000007
  RSSI -82.8 dBm (LQI 4E)
  pairing ID not shown: it is the end of the Route-B ID""",
    "EPANDESC Channel:33 Channel Page:09 Pan ID:6393 Addr:0000AA00": """\
EPANDESC: a meter was found
  channel 33 (number 51)
  channel page 09
  PAN ID 6393
  makes sense up to byte 48: the Addr is broken""",
    f"ERXUDP {A} FE80:0000": f"""\
ERXUDP: sender {A}
  makes sense up to byte 56: the destination is cut off or broken""",
    "SKSETPWD C Qx7Zk2Lw9TbV": "echo of a command: SKSETPWD ****",
    "020603 ": "ACK",
    "02434D44303130303030303032313446434203": "command CMD01000000214F: announces 8527 bytes of memory",
}


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:40])
def test_what_a_person_reads(text: str) -> None:
    assert words(text) == TEXTS[text]


S = "2026-11-23T17:14"
TRACE = f"""\
{S}:27.001+09:00 wisun > SKSENDTO 1 {A} 0E1A 1 0 000E \\x10\\x81\\x00\\x01\\x05\\xFF\\x01\\x02\\x88\\x01b\\x01\\xE1\\x00
{S}:27.100+09:00 wisun < EVENT 21 {A} 0 00
{S}:28.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 0012 1081000102880105FF017201E0040000FE73
{S}:29.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 000F 1081000102880105FF017201E10101
{S}:30.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 0012 1081000102880105FF017201E0040000FE73
{S}:31.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 000E 1081000102880105FF015201D300
{S}:32.000+09:00? wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 0012 1081000102880105FF017201E0040000FE73
{S}:33.000+09:00 wisun < ERXUDP {A} {B} 02CC 02CC ****
{S}:34.000+09:00 udp > 192.168.1.20:3610 1081000105FF01026B0162018400
{S}:35.000+09:00 kyocera > 02434D4431303030464646463530 03
{S}:36.000+09:00 kyocera < 20FF
"""
ASKED = "from controller 05FF01 to EcoCute 026B01, Get (62): asks for"
SAID = f"""\
2026-11-23 17:14:27.001 wisun > command SKSENDTO 1 {A} 0E1A 1 0 000E
  ECHONET Lite, TID 0001, from controller 05FF01 to smart meter 028801, Get (62): asks for
    E1 unit
2026-11-23 17:14:27.100 wisun < EVENT 21: sent, and acknowledged (from {A}, side 0, parameter 0)
... E0 energy import: 65139 counts
... E1 unit: 0.1 kWh a count
... E0 energy import: 65139 counts = 6513.9 kWh if D3 is 1
... D3 coefficient: refused
2026-11-23 17:14:32.000? wisun < ERXUDP: a datagram of 18 bytes, encrypted
... E0 energy import: 65139 counts = 6513.9 kWh
2026-11-23 17:14:33.000 wisun < ERXUDP: PANA, the handshake of the join: not shown, for it carries the Route-B ID
  from {A} port 716 (02CC)
  to   {B} port 716 (02CC)
2026-11-23 17:14:34.000 udp > 192.168.1.20:3610 ECHONET Lite, TID 0001, {ASKED}
  84 power
2026-11-23 17:14:35.000 kyocera > asks for the whole memory
2026-11-23 17:14:36.000 kyocera < 2 bytes: 20FF"""


def test_a_trace_is_told_line_by_line_and_kwh_follow_the_unit_that_was_told_before() -> None:
    said = iter(words(TRACE).splitlines())
    for wanted in SAID.splitlines():
        if wanted.startswith("... "):
            assert any(line.strip() == wanted[4:] for line in said), wanted
        else:
            assert wanted in said
    facts = [account.facts for account in told(TRACE)]
    assert [fact["line"] for fact in facts] == list(range(1, 12))
    registers = [prop for fact in facts for prop in properties(fact) if prop["epc"] == "E0"]
    assert [prop.get("kwh") for prop in registers] == [None, 6513.9, 6513.9]


def test_a_dump_of_the_monitor_is_told_day_by_day() -> None:
    data = memory({("hatuden", 0, 23): 17, ("baiden_diff", 0, 23): -3, ("hatuden", 1, 0): 5, ("hatuden", 1, 1): 6})
    text = kyocera.dump_text(data)
    assert (
        words(text)
        == """\
memory of the solar monitor: 8527 bytes, 2 days with data
  2017-05-31: generation 1.7 in 1 half-hours, bought − sold -0.3 in 1 half-hours
  2017-05-30: generation 1.1 in 2 half-hours
  1578 bytes from 1B25 on are not understood"""
    )
    (account,) = told(text)
    assert account.facts["days"][1]["hatuden"][:3] == [0.5, 0.6, None]
    for size in (5, 7, 100, 1000, 18_000):
        for cut in told(text[:size]):
            assert "error" in cut.facts
    (half,) = told(text[:3000])  # 42 lines of 71 characters, and 6 bytes of the next
    assert half.lines[-1] == "  makes sense up to byte 1350: a whole memory has 6949 bytes at least"
    (torn,) = told(text[:3001])
    assert torn.lines[-1] == "  makes sense up to byte 2982: line 43 is no line of a dump (`0000: ` and hex digits)"


def test_a_dump_in_a_trace_ends_with_the_memory() -> None:
    now = 1_795_421_667.0
    monitor = Monitor(House(int(now) - 40 * 86400))
    lines = []

    def trace(direction: str, data: bytes) -> None:
        lines.append(f"{S}:27.001+09:00 kyocera {direction} {data.hex().upper()}")

    dump = kyocera.Dump()
    talk = Conversation(dump.dialogue(), now)
    while not talk.done:
        for data in talk.outgoing:
            trace(">", data)
            monitor.feed(data, now)
        talk.outgoing.clear()
        due = monitor.due()
        now = min(talk.wake, due) if due is not None else talk.wake
        if heard := monitor.speak(now):
            trace("<", heard)
        for event in dump.feed(heard):
            talk.hear(event, now)
        talk.tick(now)
    for data in talk.outgoing:
        trace(">", data)
    said = words("\n".join(lines))
    assert "kyocera > ACK: 8527 of 8527 bytes are read\n  memory of the solar monitor: 8527 bytes, 35 days" in said
    assert told("\n".join(lines))[-1].facts["memory"]["days"] == told(kyocera.dump_text(talk.result))[0].facts["days"]


# --- secrets -----------------------------------------------------------------------


def shown(text: str) -> bytes:
    """All that a person or a program gets to see of a text."""
    found = told(text)
    facts = json.dumps([account.facts for account in found])
    return ("\n".join(line for account in found for line in account.lines) + facts).encode()


def test_a_whole_join_shows_no_secret() -> None:
    text = b"\n".join(line for line in JOIN if b"\n" not in line).decode("latin-1")
    assert BID in text
    assert PWD in text
    assert not SECRET.search(shown(text))
    assert b"PANA" in shown(text)


@pytest.mark.parametrize(
    "line",
    [
        f"SETRBID {BID}",
        f"SKSETPWD{PWD}",
        f"SKSREG S2 31SKSETPWD C {PWD}",
        f"OK {BID[5:]}",
        f"EVER {PWD}",
        f"{PAN}  Channel Page:09{BID[-8:]}",
        f"{PAN}  PaiID:{BID[-8:]}",
        f"{PAN}  PairID:{BID[-8:]}",
        f"EVENT 25 {BID}",
        f"ERXUDP {A} {B} 02CC 02CC {BID[:16]}",
        f"ERXUDP {A} {B} 02CC 02CC 0000AA000000000A 0 0020 {BID.encode().hex().upper()}FF",
        f"{S}:27.001+09:00 wisun > SKSETPWD C {PWD}\\r\\n",
        f"{S}:27.001+09:00 wisun < SKSETRBID {BID}",
    ],
)
def test_a_torn_line_shows_no_secret(line: str) -> None:
    assert not SECRET.search(shown(line))


tears = st.lists(st.tuples(st.integers(0, len(TRANSCRIPT)), st.integers(0, 90), st.binary(max_size=3)), max_size=4)


@settings(deadline=None, max_examples=100)
@given(tears)
def test_no_tear_of_a_join_shows_seven_characters_of_a_secret(tears: list[tuple[int, int, bytes]]) -> None:
    data = TRANSCRIPT
    for at, lost, noise in tears:
        data = data[:at] + noise + data[at + lost :]
    assert not SECRET.search(shown(data.decode("latin-1")))


# --- anything ----------------------------------------------------------------------

STARTS = ["", "1081", "ERXUDP ", "EVENT ", "EPANDESC\n  ", "0000: ", f"{S}:27.001+09:00 wisun < ", "02", "SKSENDTO 1 "]


@settings(deadline=None)
@given(st.sampled_from([*STARTS, *LINES]), st.integers(0, 200), st.text(max_size=40))
def test_any_text_has_an_account(start: str, kept: int, rest: str) -> None:
    for account in told(start[:kept] + rest):
        assert account.lines
        assert json.dumps(account.facts)
        assert all("\n" not in line for line in account.lines)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_frame_has_an_account(data: bytes) -> None:
    (account,) = told("1081" + data.hex())
    assert account.sense


# --- the command -------------------------------------------------------------------


def test_the_command_takes_words_or_stdin_and_needs_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[nonsense\n")
    typed = homemon("decode", POWER[:8], POWER[8:].lower(), cwd=tmp_path)
    piped = subprocess.run(
        (*HOMEMON, "decode"),
        cwd=tmp_path,
        input=f"{POWER}\r\n",
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=True,
    )
    assert (typed.returncode, typed.stderr) == (0, "")
    assert typed.stdout == piped.stdout
    assert typed.stdout.splitlines()[1] == "  E7 power: 523 W"
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.ini"]


def test_with_json_each_piece_is_one_object_on_a_line(tmp_path: Path) -> None:
    run = homemon("decode", "--json", f"{POWER}\nhello\nEVENT 25 {A}", cwd=tmp_path)
    assert run.returncode == 0
    objects = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(each["type"], each["line"]) for each in objects] == [("frame", 1), ("noise", 2), ("EVENT", 3)]
    assert objects[0]["properties"] == [{"epc": "E7", "name": "power", "edt": "0000020B", "value": 523, "unit": "W"}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1082000102880105FF017201E7040000020B", "byte 1: not an ECHONET Lite frame (1081 expected, 1082 came)"),
        ("hello", "not understood: hello"),
        (f"{S}:27.001+09:00 kyocera < 0206O3", "byte 40: a trace's line that is broken"),
        ("", "there is nothing to explain"),
    ],
)
def test_what_makes_no_sense_at_all_is_an_error_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    run = homemon("decode", text, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert why in run.stderr
    assert len(run.stderr.splitlines()) == 2


def test_the_command_loads_neither_store_nor_ports(tmp_path: Path) -> None:
    loaded = loaded_by("decode", POWER, folder=tmp_path)
    assert "homemon.explain.text" in loaded
    assert not loaded & {"sqlite3", "homemon.store", "serial", "requests", "homemon.session"}
