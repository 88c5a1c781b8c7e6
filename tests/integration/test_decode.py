"""`homemon decode`: everything known is explained, whatever is cut off as far as it goes, and no secret is shown."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homemon.core.printable import printable
from homemon.explain.account import Account
from homemon.explain.text import accounts
from tests.commands import ENVIRONMENT, HOMEMON, homemon
from tests.unit.test_captures import VECTORS
from tests.unit.test_layers import loaded_by
from tests.unit.test_mask import BID, JOIN, PAN, PWD, SECRET, TRANSCRIPT

A, B = "FE80:0000:0000:0000:0200:AA00:0000:0002", "FE80:0000:0000:0000:0200:AA00:0000:0001"
POWER = "1081000102880105FF017201E7040000020B"
S = "2026-11-23T17:14"  # a minute in a trace
LINES = [line for vector in VECTORS for line in vector["lines"]]


def reported(text: str) -> list[Account]:
    return list(accounts(text.splitlines()))


def words(text: str) -> str:
    return "\n".join(line for account in reported(text) for line in account.lines)


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
    (whole,) = reported(line) if line[:2] != "  " else [Account({}, [])]
    keyword = line.split(" ")[0]
    for size in range(len(line)):
        for account in reported(line[:size]):
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
    (whole,) = reported(frame)
    assert "error" not in whole.facts
    for size in range(2, len(frame) // 2):
        (account,) = reported(frame[: size * 2])
        assert account.sense
        assert account.facts["error"]["offset"] <= size
        assert account.facts["error"]["text"] in account.lines[-1]
        shown = properties(account.facts)
        assert shown == properties(whole.facts)[: len(shown)]
        (odd,) = reported(frame[: size * 2 + 1])
        assert odd.lines == [*account.lines, f"  half a byte at the end: {frame[size * 2]}"]


# --- secrets -----------------------------------------------------------------------


def shown(text: str) -> bytes:
    """All that a person or a program gets to see of a text."""
    found = reported(text)
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
    for account in reported(start[:kept] + rest):
        assert account.lines
        assert json.dumps(account.facts)
        assert all("\n" not in line for line in account.lines)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_frame_has_an_account(data: bytes) -> None:
    (account,) = reported("1081" + data.hex())
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
    assert not loaded & {"sqlite3", "homemon.storage.store", "serial", "requests", "homemon.sources.meter.session"}


# --- what a terminal could obey -------------------------------------------------------

OBEYED = ["\x00", "\x1b[2J", "\x7f", "\x9b2J", "\u202e", "\u2028", "\ufeff", "\x08", "\U000e0001", "\ud800"]


@pytest.mark.parametrize("sign", OBEYED, ids=ascii)
@pytest.mark.parametrize("at", [0, 9, 10_000], ids=["before", "inside", "behind"])
def test_nothing_that_a_terminal_could_obey_is_shown_of_any_line(at: int, sign: str) -> None:
    for line in [*LINES, "EVER 1.5", "OK 01", "FAIL ER04", f"{S}:27.123+09:00 wisun < OK\\r\\n", "0000: FFFF"]:
        for account in reported(line[:at] + sign + line[at:]):
            assert all(text.isprintable() for text in account.lines)
            assert json.dumps(account.facts).replace("\x7f", "").isprintable()


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["words", "json"])
def test_the_command_prints_nothing_that_a_terminal_could_obey(tmp_path: Path, as_json: tuple[str, ...]) -> None:
    text = "".join(f"{sign}EVER 1.5{sign}\nFAIL ER04\n{sign}?\nEPANDESC\n  Channel:{sign}\n" for sign in OBEYED)
    given = text.encode("utf-8", "surrogatepass")
    words = (*HOMEMON, "decode", *as_json)
    run = subprocess.run(words, input=given, capture_output=True, cwd=tmp_path, env=ENVIRONMENT, check=True)
    said = run.stdout.decode()
    assert "ER04" in said
    assert all(line.isprintable() for line in said.split("\n"))


def test_noise_before_a_word_is_not_part_of_its_value() -> None:
    assert words("\x01\x1bEVER 1.5") == "EVER: the module's software is 1.5"
    assert words("\x01\x1bOK 01") == "OK 01: done"


def test_japanese_text_is_shown_as_it_is() -> None:
    assert printable("瞬時電力　計測値") == "瞬時電力　計測値"
    assert printable("\x1b​\U000e0001\n") == r"\x1B\u200B\U000E0001\x0A"
