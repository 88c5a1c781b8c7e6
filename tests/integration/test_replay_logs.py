"""`homemon replay` of logs and traces: which of them is older, and where units and times come from."""

import json
import subprocess
from pathlib import Path

import pytest

from homemon.cli import replay
from tests.commands import ENVIRONMENT, HOMEMON, homemon
from tests.unit.test_logged import SHAPES

ADDRESS = "FE80:0000:0000:0000:0200:AA00:0000:0002"
MODULE = "FE80:0000:0000:0000:0200:AA00:0000:0001"
EVERY_LINE = "every line makes sense"


def export(folder: Path) -> str:
    return homemon("export", cwd=folder).stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a config.ini that has tags of its own."""
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n[tags]\nhome = Nara 1\n")
    return tmp_path


# --- order -------------------------------------------------------------------------


def test_the_older_half_of_a_trace_is_read_first() -> None:
    assert replay.in_order(["b", "a", "a.1", "b"]) == [["b"], ["a.1", "a"]]
    assert replay.in_order(["a.1"]) == [["a.1"]]


def head(second: int) -> str:
    return f"2026-11-23T17:14:{second:02}.000+09:00 wisun <"


def erxudp(frame: str) -> str:
    size = len(bytes.fromhex(frame))
    return f"ERXUDP {ADDRESS} {MODULE} 0E1A 0E1A 0000AA0000000002 1 0 {size:04X} {frame.replace(' ', '')}"


GET_RES = "1081 0001 028801 05FF01 72 "


def test_the_unit_of_a_traces_older_half_counts_for_the_newer_one(home: Path) -> None:
    unit, register = erxudp(GET_RES + "02 E10101 D30400000001"), erxudp(GET_RES + "01 E0040000FE73")
    (home / "t.1").write_text(f"{head(1)} {unit}\n")
    (home / "t").write_text(f"{head(2)} {register}\n")
    assert homemon("replay", "t", cwd=home).stdout == ""
    run = homemon("replay", "t", "t.1", cwd=home)
    assert run.stdout == "energy,home=Nara\\ 1 import=6513.9 1795421642000000000\n"


def remember(home: Path, address: str = ADDRESS, exponent: int = -1) -> None:
    """A state.toml with the unit of a meter."""
    (home / "store").mkdir(exist_ok=True)
    link = {"address": address, "channel": "31", "pan_id": "B5FB", "mac": "0000AA0000000002", "dialect": "BP35C0"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in link.items()]
    scale = f"exponent = {exponent}\ncoefficient = 1\ndigits = 8\n"
    text = "\n".join(["[smartmeter.link]", *lines, "[smartmeter.scale]", scale])
    (home / "store" / "state.toml").write_text(text)


HALF_HOUR = erxudp("1081 0007 028801 05FF01 73 02 EA0B07E70C13001E000000458E EB0B07E70C13001E0000000015")


def test_the_remembered_unit_counts_where_a_log_has_no_unit_and_the_meter_is_the_same(home: Path) -> None:
    (home / "log").write_text(f"{HALF_HOUR}\r\n")
    run = homemon("replay", "log", cwd=home)
    assert (run.returncode, run.stdout) == (0, "")
    assert "2 registers are left out: neither the file nor state.toml has their unit (E1, D3)" in run.stderr
    remember(home, address=MODULE)
    assert homemon("replay", "log", cwd=home).stdout == ""
    remember(home)
    lines = homemon("replay", "log", cwd=home).stdout.splitlines()
    assert lines == [
        "+power,home=Nara\\ 1 value=1780.6 1702913400000000000",
        "-power,home=Nara\\ 1 value=2.1 1702913400000000000",
    ]


def test_what_the_original_scripts_left_behind_is_read(home: Path) -> None:
    """The files in which they kept what they sent, and what bp35c0_rcv2.py printed, through `ts %H:%M:%S`."""
    (home / "power20170531.txt").write_text(
        "power value=632 1496199600000000000\n+power value=6512.8 1496199600000000000\n"
    )
    (home / "ec20170531.txt").write_text("ecocute power=800,powerSum=123456,tank=280 1496199600000000000\n")
    power = erxudp(GET_RES + "01 E7040000020B")
    (home / "log").write_text(f"23:59:59 {power}\n23:59:59 瞬時電力計測値:523[W]\n00:00:59 {power}\n")
    run = homemon("replay", "power20170531.txt", "ec20170531.txt", "log", "--date", "2017-05-31", cwd=home)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "power value=632 1496199600000000000",
        "+power value=6512.8 1496199600000000000",
        "ecocute power=800,powerSum=123456,tank=280 1496199600000000000",
        "power,home=Nara\\ 1 value=523 1496242799000000000",
        "power,home=Nara\\ 1 value=523 1496242859000000000",
    ]
    assert EVERY_LINE in run.stderr


def test_the_codes_for_no_data_that_the_original_scripts_kept_are_not_stored(home: Path) -> None:
    """`bp35c0_rcv2.py` took E7's 7FFFFFFE, 7FFFFFFF and 80000000, and a register's FFFFFFFE, for numbers."""
    codes = "".join(
        f"power value={code} 149619960{at}000000000\n" for at, code in enumerate((2**31 - 2, 2**31 - 1, 2**31))
    )
    (home / "power20170531.txt").write_text(f"{codes}power value=632 1496199603000000000\n")
    (home / "power20170601.txt").write_text(f"+power value={float(0xFFFFFFFE) * 0.1} 1496286000000000000\n")
    (home / "ec20170531.txt").write_text("ecocute power=65534,powerSum=4294967294,tank=280 1496199600000000000\n")
    run = homemon("replay", "power20170531.txt", "power20170601.txt", "ec20170531.txt", cwd=home)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["power value=632 1496199603000000000", "ecocute tank=280 1496199600000000000"]
    assert run.stderr.splitlines() == [
        'homemon: 6 values are left out: they are a device\'s codes for "no data" or an overflow, or cannot be',
        "homemon: 6 lines, 2 readings, 2 new, 0 already there, 6 refused; every line makes sense",
    ]


def test_a_log_may_hold_the_lines_in_all_the_ways_that_programs_write_them(home: Path) -> None:
    remember(home)
    lines = [f"2025-11-26 17:{at // 60:02}:{at % 60:02} {line}" for at, line in enumerate(SHAPES.values())]
    (home / "log").write_text("\n".join(lines))
    run = homemon("replay", "log", cwd=home)
    assert run.returncode == 0, run.stderr
    expected = [f"power,home=Nara\\ 1 value=504 {1764144000 + at}000000000" for at in range(len(lines))]
    assert run.stdout.splitlines() == expected
    assert "taken for JST" in run.stderr
    reported = homemon("decode", "\n".join(lines), cwd=home)
    assert reported.stdout.count("E7 power: 504 W") == len(lines)
    assert "not understood" not in reported.stdout


# --- where the lines' times come from ------------------------------------------------

CONTAINER = f"""\
2025-11-26 08:01:10,101 DEBUG {erxudp("1081 7001 028801 05FF01 73 01 EA 0B 07E9 0B 1A 11 00 00 00000A95")}
2025-11-26 08:01:12,101 DEBUG {erxudp(GET_RES + "01 E7 04 000003A0")}
"""
EIGHT_UTC = 1764144072


def replayed(home: Path, text: str, zone: str | None = None) -> "subprocess.CompletedProcess[str]":
    """What replay makes of a log, with TZ set or not."""
    (home / "log").write_text(text)
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "TZ"} | ({"TZ": zone} if zone else {})
    command = (*HOMEMON, "replay", "log")
    return subprocess.run(command, cwd=home, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo", "America/New_York"])
def test_a_container_that_logs_in_utc_without_saying_so_is_noticed(home: Path, zone: str | None) -> None:
    run = replayed(home, CONTAINER, zone)
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"power,home=Nara\\ 1 value=928 {EIGHT_UTC}000000000\n"
    assert ("by the meter's own clock they are UTC" in run.stderr) == (zone != "UTC")


@pytest.mark.parametrize(("zone", "hours"), [(None, 9), ("UTC", 0), ("JST-9", 9), ("Asia/Singapore", 8)])
def test_without_a_time_of_the_meters_the_zone_is_japans_or_that_of_tz(
    home: Path, zone: str | None, hours: int
) -> None:
    run = replayed(home, CONTAINER.splitlines()[1], zone)
    assert run.stdout == f"power,home=Nara\\ 1 value=928 {EIGHT_UTC - hours * 3600}000000000\n"
