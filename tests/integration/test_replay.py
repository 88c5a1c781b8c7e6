"""`homemon replay` as its user runs it: a trace stores what the first run stored, a backup brings every byte back."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from homemon.core.points import Point
from homemon.sim.ecocute import Faults as HeaterFaults
from homemon.sim.kyocera import Faults as MonitorFaults
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, HOMEMON, homemon, running, simulated, write_config
from tests.lan import configure as configure_heater
from tests.lan import unit, wait_for_port
from tests.monitor import configure as configure_monitor
from tests.monitor import dump_over_i2c, on_a_pty
from tests.stores import T, put
from tests.traces import at, erxudp, reported

EVERY_LINE = "every line makes sense"


def export(folder: Path) -> str:
    return homemon("export", cwd=folder).stdout


def replays_to_the_same(folder: Path, *files: str) -> str:
    """Replay into a store that has never been there, twice; gives what the first replay said on stderr."""
    first = export(folder)
    assert first
    (folder / "store").rename(folder / "first")
    again = homemon("replay", *files, cwd=folder)
    assert again.returncode == 0, again.stderr
    assert export(folder) == first
    assert sorted(again.stdout.splitlines()) == sorted(first.splitlines())
    twice = homemon("replay", *files, cwd=folder)
    assert (twice.returncode, twice.stdout) == (0, "")
    assert ", 0 new, " in twice.stderr
    assert export(folder) == first
    assert EVERY_LINE in again.stderr.splitlines()[-1]
    return again.stderr


# --- traces of real runs -----------------------------------------------------------


@pytest.mark.parametrize("module", [{"dialect": "c"}, {"dialect": "a1", "raw": True}, {"dialect": "dss"}])
def test_the_trace_of_join_and_polls_stores_what_they_stored(tmp_path: Path, module: dict[str, Any]) -> None:
    write_config(tmp_path)
    with simulated(tmp_path, **module):
        for command in (("join",), ("meter-poll", "E7", "E8", "E0", "E3", "EA", "EB"), ("meter-poll",)):
            run = homemon(*command, "--trace", "trace.txt", cwd=tmp_path)
            assert run.returncode == 0, run.stderr
    replays_to_the_same(tmp_path, "trace.txt")


def test_the_trace_of_a_listener_with_its_repairs_and_polls_stores_what_they_stored(tmp_path: Path) -> None:
    """The unit comes late in it, records of two days, and noise between the lines."""
    write_config(tmp_path, history_days="1")
    arguments = ("meter-listen", "--poll", "5", "--trace", "trace.txt")
    with simulated(tmp_path, faults={"noise": 3}), running(*arguments, cwd=tmp_path) as listener:
        listener.until(lambda lines: sum(line.startswith("+power") for line in lines) > 50)
        assert homemon("meter-poll", "E8", "E0", "E3", cwd=tmp_path).returncode == 0
        listener.until(lambda lines: any(line.startswith("energy") for line in lines))
        assert listener.stop() == 0
    replays_to_the_same(tmp_path, "trace.txt")
    assert homemon("decode", (tmp_path / "trace.txt").read_text(), cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "faults",
    [
        HeaterFaults(),
        HeaterFaults(one_each=True),
        HeaterFaults(lacking=frozenset({0x84})),
        HeaterFaults(reverse=True, extra=True, from_port=49154),
    ],
)
def test_the_trace_of_the_ecocute_stores_what_was_stored(tmp_path: Path, faults: HeaterFaults) -> None:
    with unit(faults) as network:
        bind = configure_heater(tmp_path, network.bind)
        with running("ecocute-listen", "--trace", "trace.txt", cwd=tmp_path) as listener:
            wait_for_port(bind)
            assert homemon("ecocute-poll", "--trace", "trace.txt", cwd=tmp_path).returncode == 0
            listener.until(bool)
            assert listener.stop() == 0
    replays_to_the_same(tmp_path, "trace.txt")


def test_the_trace_of_the_monitor_stores_what_was_stored(tmp_path: Path) -> None:
    configure_monitor(tmp_path)
    with on_a_pty(tmp_path, MonitorFaults(corrupt_every=90)):
        assert homemon("kyocera-dump", "--trace", "trace.txt", cwd=tmp_path).returncode == 0
    replays_to_the_same(tmp_path, "trace.txt")


def test_the_trace_of_the_monitor_over_i2c_stores_what_was_stored(tmp_path: Path) -> None:
    configure_monitor(tmp_path, "i2c", reads="block")
    assert dump_over_i2c("kyocera-dump", "--trace", "trace.txt", cwd=tmp_path).returncode == 0
    replays_to_the_same(tmp_path, "trace.txt")


def test_a_dump_file_stores_all_half_hours_but_the_one_that_may_have_been_running(tmp_path: Path) -> None:
    configure_monitor(tmp_path)
    with on_a_pty(tmp_path):
        assert homemon("kyocera-dump", cwd=tmp_path).returncode == 0
    first = export(tmp_path).splitlines()
    (dump,) = (tmp_path / "store").glob("kyocera_*.txt")
    dump.rename(tmp_path / dump.name)
    (tmp_path / "store").rename(tmp_path / "first")
    run = homemon("replay", dump.name, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    newest = max(line.split()[2] for line in first)
    midnight = time.strftime("%H:%M:%S", time.gmtime(int(newest) // 10**9 + 1800)) == "15:00:00"
    assert export(tmp_path).splitlines() == [line for line in first if midnight or line.split()[2] != newest]
    assert len(first) > 35 * 90


# --- backups -----------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a config.ini that has tags of its own."""
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n[tags]\nhome = Nara 1\n")
    return tmp_path


def lived(home: Path) -> None:
    """A store with a past: tags that changed, fields that came in another order, numbers of all sizes."""
    before, after = Store(home / "store"), Store(home / "store", ",home=Nara\\ 1,room=a\\=b")
    put(before, Point("ecocute", {"power": 1, "tank": 3}, T + 5), Point("ecocute", {"powerSum": 2}, T + 5))
    put(before, Point("ecocute", {"tank": 4, "powerSum": 3, "power": 2}, T))
    put(before, Point("energy", {"export": 0.3}, T + 9), Point("energy", {"import": 1234.5}, T + 1))
    put(
        after,
        Point("energy", {"export": 0.3, "import": 99_999_999_0000.0}, T + 9),
        Point("power", {"value": -7}, T + 9),
    )
    put(
        before, *(Point("+power", {"value": value}, T - at * 1800) for at, value in enumerate((0.1, 1e-4, 523.0, 7, 0)))
    )
    put(before, Point("odd, name", {"value": 1.5e14, "other": -1e-7}, T))
    before.close()
    after.close()


def test_a_backup_brings_back_every_byte(home: Path) -> None:
    lived(home)
    backup = export(home)
    assert "ecocute power=1,powerSum=2,tank=3 " in backup
    assert ",home=Nara\\ 1,room=a\\=b " in backup
    (home / "backup").write_text(backup)
    (home / "store").rename(home / "lost")
    run = homemon("replay", "backup", cwd=home)
    assert run.returncode == 0, run.stderr
    assert run.stdout == backup
    assert export(home) == backup
    count = len(backup.splitlines())
    assert run.stderr == (
        f"homemon: {count} lines, {count} readings, {count} new, 0 already there, 0 refused; {EVERY_LINE}\n"
    )
    twice = subprocess.run(
        (*HOMEMON, "replay", "-"), cwd=home, input=backup, capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    assert twice.stdout == ""
    assert f"{count} readings, 0 new, {count} already there" in twice.stderr
    assert export(home) == backup


def test_what_a_backup_brings_back_goes_to_the_server_again(home: Path, influx_server: Any, database: Any) -> None:
    (home / "config.ini").write_text(
        f"[store]\ndir = {home}/store\n[server]\nurl = {influx_server.url}\ndb = {database.name}\n"
    )
    (home / "backup").write_text(f"power value=523 {T}000000000\n+power value=0.3 {T}000000000\n")
    assert homemon("replay", "backup", cwd=home).returncode == 0
    assert database.points() == {("power", T): {"value": 523}, ("+power", T): {"value": 0.3}}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('power value="text" 1795421667000000000', "byte 5: fields that are numbers are expected"),
        ("power value=1", "byte 13: a time in nanoseconds"),
        ("power value=1 1795421667", "byte 13: a time in nanoseconds, of a whole second"),
        ("power value=1 1795421667500000000", "byte 13: a time in nanoseconds, of a whole second"),
        ("power value=nan 1795421667000000000", "byte 5: fields that are numbers are expected"),
        ("time,measurement,field,value", "this is CSV"),
        ("what is this", "not understood"),
        ("2026-11-23T17:14:27.123+09:00 kyocera < 0G", "a trace's line that is broken"),
        ("0020: 00", "the dump that begins here: byte 0: line 1 should begin with 0000"),
    ],
)
def test_a_line_that_makes_no_sense_is_reported_with_its_place_and_all_others_are_stored(
    home: Path, line: str, why: str
) -> None:
    good = f"power value=523 {T}000000000"
    (home / "file").write_text(f"{good}\n{line}\n+{good}\n{line}\n")
    run = homemon("-q", "replay", "file", cwd=home)
    assert run.returncode == 1
    assert run.stdout == f"{good}\n+{good}\n"
    assert "4 lines, 2 readings, 2 new, 0 already there, 0 refused; 2 lines make no sense, first file:2: " in run.stderr
    assert why in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_times_that_cannot_be_are_refused(home: Path) -> None:
    times = (1_000_000_000, 1_262_271_599_000_000_000, 4_102_412_401_000_000_000, 253_402_300_799_000_000_000)
    (home / "file").write_text("".join(f"power value=1 {time}\n" for time in times))
    run = homemon("replay", "file", cwd=home)
    assert (run.returncode, run.stdout) == (1, "")
    assert "2 readings are left out: their time cannot be" in run.stderr
    said = "2 refused; 2 lines make no sense, first file:3: byte 13: a time before 2100 is expected"
    assert said in run.stderr.splitlines()[-1]


def test_an_empty_file_is_nothing(home: Path) -> None:
    (home / "file").write_text("")
    run = homemon("replay", "file", cwd=home)
    assert (run.returncode, run.stdout) == (0, "")
    assert "0 lines, 0 readings" in run.stderr


@pytest.mark.parametrize("arguments", [(), ("nowhere",), (".",), ("file", "--date", "yesterday")])
def test_wrong_usage_ends_with_2(home: Path, arguments: tuple[str, ...]) -> None:
    (home / "file").write_text("")
    run = homemon("replay", *arguments, cwd=home)
    assert (run.returncode, run.stdout) == (2, "")


def test_a_big_file_is_stored_in_batches_and_never_held_whole(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n")
    script = (
        "import re, sys; from pathlib import Path; from homemon.cli.main import homemon;"
        "homemon(['replay', '-'], standalone_mode=False);"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1], file=sys.stderr)"
    )
    peaks = []
    for count in (1_000, 60_000):
        text = "".join(f"power value={at % 5000} {T - at}000000000\n" for at in range(count))
        run = subprocess.run(
            (HOMEMON[0], "-c", script),
            cwd=tmp_path,
            input=text,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            check=True,
        )
        *_, said, peak = run.stderr.splitlines()
        assert f"{count:,} lines, {count:,} readings" in said
        peaks.append(int(peak))
    assert peaks[1] < peaks[0] + 8_000  # KB; the file has 2,100, its points would take tens of thousands


# --- keep_days -----------------------------------------------------------------------


def test_what_is_older_than_keep_days_is_not_stored_and_counted(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\nkeep_days = 30\n")
    now = int(time.time()) // 1800 * 1800
    old = [f"+power value=0.{at} {now - 365 * 86_400 + at * 1800}000000000" for at in range(500)]
    new = f"+power value=1.5 {now - 1800}000000000"
    (tmp_path / "backup").write_text("\n".join([*old, new]))
    run = homemon("replay", "backup", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (0, f"{new}\n")
    assert run.stderr.splitlines() == [
        "homemon: 500 of 501 readings are older than keep_days = 30 and were not stored",
        "homemon: 501 lines, 1 readings, 1 new, 0 already there, 500 refused; every line makes sense",
    ]
    assert export(tmp_path) == run.stdout


def test_keep_days_counts_whole_days_of_japan(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\nkeep_days = 2\n")
    midnight = (int(time.time()) + 9 * 3600) // 86_400 * 86_400 - 9 * 3600 - 2 * 86_400
    (tmp_path / "backup").write_text("".join(f"power value=1 {midnight + at}000000000\n" for at in (-1, 0, 1)))
    run = homemon("replay", "backup", cwd=tmp_path)
    assert len(run.stdout.splitlines()) == 2
    assert "1 of 3 readings are older than keep_days = 2 and were not stored" in run.stderr


ONE_SECOND = "1795421667000000000"
REGISTERS = [
    at("17:29:59", erxudp(reported("E1 01 01", "D3 04 00000001"))),
    at("17:30:01", erxudp(reported("EA 0B 07EA 0B 17 11 1E 00 000A6D1E"))),
    at("17:30:02", erxudp(reported("EA 0B 07EA 0B 17 11 1E 00 000A6D1F"))),
]


@pytest.mark.parametrize(
    ("lines", "stays"),
    [
        ([f"power value={watts} {ONE_SECOND}" for watts in (523, 524)], f"power value=523 {ONE_SECOND}"),
        (REGISTERS, "+power value=68329.4 1795422600000000000"),
    ],
    ids=["line protocol", "a trace"],
)
def test_the_first_of_two_values_of_a_second_stays_and_is_all_that_is_printed(
    tmp_path: Path, lines: list[str], stays: str
) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path / 'store'}\n")
    (tmp_path / "first").write_text("\n".join(lines))
    (tmp_path / "later").write_text("\n".join([*lines[:-2], lines[-1]]))
    for file, printed in (("first", [stays]), ("later", [])):
        run = homemon("replay", file, cwd=tmp_path)
        assert (run.returncode, run.stdout.splitlines()) == (0, printed)
        assert "one value differs from the one that is stored for the same second, which stays: first " in run.stderr
        assert f"{len(printed)} new, 1 already there" in run.stderr
    assert homemon("export", cwd=tmp_path).stdout.splitlines() == [stays]
