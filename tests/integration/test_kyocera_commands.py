"""`kyocera-dump` as its user runs it: over a pty, and over a stand-in for the I2C bus."""

import errno
import json
import os
import pty
import re
import sqlite3
import subprocess
import time
import tty
from contextlib import ExitStack, closing
from dataclasses import fields
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from homemon.cli.simulate_kyocera import FAULTS
from homemon.core.points import JST
from homemon.sim.kyocera import Faults
from tests.commands import LOADED, PATIENCE, called, deny, fill, homemon, running, small_disk, write_config
from tests.monitor import all_are_there, configure, dump_over_i2c, dumps, half_hours, on_a_pty, stored, text_of
from tests.person import person


def test_a_dump_is_the_monitors_memory_and_its_points_are_the_truth(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path) as (monitor, _):
        began = time.time()
        run = homemon("kyocera-dump", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert run.stderr == ""
        assert dumps(tmp_path / "store") == [(".txt", text_of(monitor.memory))]
        all_are_there(run.stdout.splitlines(), 35, began)
        assert stored(tmp_path) == sorted(run.stdout.splitlines())
        again = homemon("kyocera-dump", cwd=tmp_path)
    assert again.returncode == 0
    assert not [at for _, at in half_hours(again.stdout.splitlines()) if at + 1800 <= began]  # nothing twice


def test_on_a_terminal_a_dump_says_how_many_points_and_its_progress_is_gone(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path):
        with person("kyocera-dump", cwd=tmp_path) as someone:
            assert someone.leaves() == 0
        stored = len(homemon("export", cwd=tmp_path).stdout.splitlines())
        with person("kyocera-dump", cwd=tmp_path) as again:
            assert again.leaves() == 0
    assert "asking the solar monitor for its memory" in someone.seen
    assert re.fullmatch(rf"{stored:,} points from \d{{4}}-\d\d-\d\d to \d{{4}}-\d\d-\d\d", someone.screen()[0])
    assert re.fullmatch(r"no new points|\d points? of .*", again.screen()[0])  # a half-hour may have ended
    assert someone.screen()[1:] == again.screen()[1:] == [""]


@pytest.mark.parametrize(("arguments", "afresh"), [((), 2), (("--days", "1"), 1), (("--days", "35"), 35)])
def test_old_days_are_stored_where_they_are_lacking_and_the_newest_days_afresh(
    tmp_path: Path, arguments: tuple[str, ...], afresh: int
) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path) as _:
        first = half_hours(homemon("kyocera-dump", cwd=tmp_path).stdout.splitlines())
        today = datetime.now(JST).replace(hour=0, minute=0, second=0, microsecond=0)
        lost = {(today - timedelta(days=days, hours=-hour)).timestamp() for days in (9, 34) for hour in (0, 23.5)}
        with closing(sqlite3.connect(tmp_path / "store" / "homemon.db")) as db, db:
            db.execute("UPDATE point SET value = 3.25")
            db.executemany("DELETE FROM point WHERE time = ?", [(int(at),) for at in lost])
        again = half_hours(homemon("kyocera-dump", *arguments, cwd=tmp_path).stdout.splitlines())
    renewed = (today - timedelta(days=afresh - 1)).timestamp()
    assert again.keys() >= {(name, at) for name, at in first if at in lost or at >= renewed}
    assert all(at in lost or at >= renewed for _, at in again)


HEALING = [
    Faults(corrupt_every=90),
    Faults(corrupt_block=7, corrupt_times=4),
    Faults(corrupt_block=267),
    Faults(lose_every=90),
    Faults(noise_before=True),
    Faults(noise_every=90),
    Faults(stall_block=5, stall=40.0),
    Faults(stall_block=5, stall=5.0, stall_inside=True),
    Faults(bad_headers=2),
    Faults(no_end=True),
]


@pytest.mark.parametrize("faults", HEALING)
def test_a_dump_heals_and_is_whole_in_the_end(tmp_path: Path, faults: Faults) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path, faults) as (monitor, _):
        began = time.time()
        run = homemon("kyocera-dump", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert dumps(tmp_path / "store") == [(".txt", text_of(monitor.memory))]
    all_are_there(run.stdout.splitlines(), 35, began)


@pytest.mark.parametrize(
    ("faults", "whole", "reported"),
    [
        (Faults(dead_after=100), 100, "fell silent after 3,200 of 8,527 bytes"),
        (Faults(corrupt_block=8, corrupt_times=5), 7, "block at 00E0 came damaged 5 times"),
    ],
)
def test_a_dump_that_breaks_off_keeps_what_it_read_beside_and_stores_nothing(
    tmp_path: Path, faults: Faults, whole: int, reported: str
) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path, faults) as (monitor, _):
        run = homemon("-q", "kyocera-dump", cwd=tmp_path, timeout=40 + LOADED)
        assert dumps(tmp_path / "store") == [(".txt.partial", text_of(monitor.memory[: whole * 32]))]
    assert (run.returncode, run.stdout) == (1, "")
    assert reported in run.stderr
    assert ".txt.partial" in run.stderr
    assert len(run.stderr.splitlines()) == 2
    assert stored(tmp_path) == []


def test_a_line_that_is_pulled_out_keeps_what_came(tmp_path: Path) -> None:
    configure(tmp_path)
    with ExitStack() as plugged:
        monitor, _ = plugged.enter_context(on_a_pty(tmp_path, speed=1.0))
        with running("-v", "kyocera-dump", cwd=tmp_path) as dump:
            dump.says("read 1,")
            plugged.close()
            assert dump.process.wait(20 + LOADED) == 1
    ((suffix, text),) = dumps(tmp_path / "store")
    assert suffix == ".txt.partial"
    assert text_of(monitor.memory).startswith(text.rpartition(b"\n")[0].rpartition(b"\n")[0])
    assert "went away" in dump.errors.read_text()
    assert stored(tmp_path) == []


def test_silence_is_an_error_within_fifteen_seconds(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path, Faults(silent=True)):
        run = homemon("-q", "kyocera-dump", cwd=tmp_path, timeout=30 + LOADED)
    assert (run.returncode, run.stdout) == (1, "")
    assert "did not answer within 10 s" in run.stderr
    assert "TX and RX" in run.stderr
    assert dumps(tmp_path / "store") == []


@pytest.mark.parametrize(
    ("faults", "reported", "lost"),
    [
        (Faults(dates="none"), "day 1: 2F1345 is no date, 96 values are left out", [1]),
        (Faults(dates="double"), "day 2: {:%Y-%m-%d} does not come before", [2]),
        (Faults(dates="stray"), "day 1: 2000-01-01 does not fit among the other days, 96 values are left out", [1]),
    ],
)
def test_what_cannot_be_true_is_reported_and_the_rest_is_kept(
    tmp_path: Path, faults: Faults, reported: str, lost: list[int]
) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path, faults) as (monitor, _):
        run = homemon("kyocera-dump", cwd=tmp_path)
        assert dumps(tmp_path / "store") == [(".txt", text_of(monitor.memory))]
    assert run.returncode == 0, run.stderr
    newest = date.fromisoformat(f"20{monitor.memory[0x7C:0x7F].hex()}")
    assert f"the solar monitor's memory: {reported.format(newest - timedelta(days=bool(lost)))}" in run.stderr
    points = half_hours(run.stdout.splitlines())
    assert all(at + 1800 <= time.time() for _, at in points)
    days = {(newest - datetime.fromtimestamp(at, JST).date()).days for _, at in points}
    assert days - {0} == {*range(1, 35)} - {*lost}  # today there may be none yet


def test_a_first_dump_of_a_monitor_that_is_a_day_ahead_is_refused(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path, Faults(off=86_400.0)):
        run = homemon("kyocera-dump", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    ahead = r"its clock is (1 day|23 h \d+ min) ahead, by this machine's clock; nothing was stored"
    assert re.search(ahead, run.stderr)


def run_after(folder: Path, faults: Faults, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A dump of a monitor with faults, after one of the same monitor without."""
    configure(folder)
    with on_a_pty(folder):
        assert homemon("kyocera-dump", cwd=folder).returncode == 0
    (folder / "port").unlink()
    with on_a_pty(folder, faults):
        return homemon("kyocera-dump", *arguments, cwd=folder)


@pytest.mark.parametrize(("days", "reported"), [(-365, "365 days behind"), (-2, "2 days behind"), (2, "2 days ahead")])
def test_a_monitor_whose_clock_is_wrong_changes_nothing_that_is_stored(
    tmp_path: Path, days: int, reported: str
) -> None:
    run = run_after(tmp_path, Faults(off=days * 86_400.0), "--days", "35")
    assert (run.returncode, run.stdout) == (1, "")
    assert f"the solar monitor's memory: its clock is {reported}" in run.stderr
    assert "nothing was stored\n  Set the monitor's date and clock" in run.stderr
    half_hours(stored(tmp_path))
    assert len(dumps(tmp_path / "store")) == 1


def test_a_correction_is_stored_when_a_second_reading_says_the_same(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path):
        before = stored_after_dump(tmp_path)
        with closing(sqlite3.connect(tmp_path / "store" / "homemon.db")) as db, db:
            db.execute(
                "UPDATE point SET value = 3.25 WHERE time IN (SELECT time FROM point ORDER BY time DESC LIMIT 6)"
            )
        run = homemon("kyocera-dump", cwd=tmp_path)
        assert run.returncode == 0
        assert "stored half-hours corrected, as a second reading confirms" in run.stderr
        assert set(before) <= set(stored(tmp_path))


def stored_after_dump(folder: Path) -> list[str]:
    assert homemon("kyocera-dump", cwd=folder).returncode == 0
    return stored(folder)


def test_two_at_once_do_not_share_the_monitor(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path, speed=1.0), running("-v", "kyocera-dump", cwd=tmp_path) as first:
        first.says("asking")
        second = homemon("-q", "kyocera-dump", cwd=tmp_path)
        assert (second.returncode, second.stdout) == (1, "")
        assert "another kyocera-dump is reading the monitor" in second.stderr
        first.process.communicate(timeout=PATIENCE)
        assert first.process.returncode == 0


def test_the_dump_goes_where_the_user_wants_it(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path) as (monitor, _):
        run = homemon("kyocera-dump", "--output", "dumps/solar", "--trace", "trace.txt", cwd=tmp_path)
        assert dumps(tmp_path / "dumps" / "solar") == [(".txt", text_of(monitor.memory))]
    assert run.returncode == 0
    assert dumps(tmp_path / "store") == []
    trace = [line.split(" ", 1)[1] for line in (tmp_path / "trace.txt").read_text().splitlines()]
    assert trace[0] == "kyocera > 02434D44313030304646464635300" + "3"
    assert trace[-1] == "kyocera > 020603"


@pytest.mark.parametrize("folder", ["/proc/dumps", "config.ini"])
def test_a_folder_that_cannot_be_made_costs_no_reading(tmp_path: Path, folder: str) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path):
        run = homemon("kyocera-dump", "--output", folder, cwd=tmp_path)
    assert run.returncode == 1
    assert len(run.stdout.splitlines()) > 1000
    assert f"{folder} cannot be made" in run.stderr
    assert "the readings are stored all the same" in run.stderr
    assert "--output" in run.stderr
    assert sorted(homemon("export", cwd=tmp_path).stdout.splitlines()) == sorted(run.stdout.splitlines())


def test_a_text_file_that_cannot_be_written_costs_no_reading(tmp_path: Path) -> None:
    configure(tmp_path)
    with small_disk(tmp_path / "dumps", "4k"):
        fill(tmp_path / "dumps")
        with on_a_pty(tmp_path):
            run = homemon("kyocera-dump", "--output", "dumps", cwd=tmp_path)
    assert run.returncode == 1
    assert len(run.stdout.splitlines()) > 1000
    assert "cannot be written: No space left on device; the readings are stored all the same" in run.stderr
    assert sorted(homemon("export", cwd=tmp_path).stdout.splitlines()) == sorted(run.stdout.splitlines())


def test_a_reading_that_breaks_off_is_named_though_what_came_cannot_be_kept(tmp_path: Path) -> None:
    configure(tmp_path)
    with small_disk(tmp_path / "dumps", "4k"):
        fill(tmp_path / "dumps")
        with on_a_pty(tmp_path, Faults(dead_after=20), speed=60.0):
            run = homemon("kyocera-dump", "--output", "dumps", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert "What was read is lost: dumps/kyocera_" in run.stderr
    assert len(run.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("trouble", "reported", "remedy"),
    [
        ("missing", "there is no serial port", "raspi-config"),
        ("forbidden", "no permission", "usermod -aG"),
        ("busy", "is in use", "Stop the other program"),
        ("a file", "is no serial port", "[kyocera] serial_port"),
    ],
)
def test_a_serial_port_that_cannot_be_used_is_one_clear_error(
    tmp_path: Path, trouble: str, reported: str, remedy: str
) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    other = None
    if trouble == "missing":
        name = "/dev/ttyNONE"
    elif trouble == "a file":
        name = str(tmp_path / "config.ini")
    elif trouble == "forbidden":
        deny(Path(name))
    else:
        import serial

        other = serial.Serial(name, exclusive=True)
    configure(tmp_path, serial_port=name)
    (tmp_path / "config.ini").chmod(0o644)
    try:
        run = homemon("-q", "kyocera-dump", cwd=tmp_path, timeout=30 + LOADED, unprivileged=trouble == "forbidden")
    finally:
        os.close(master)
        os.close(slave)
        if other:
            other.close()
    assert (run.returncode, run.stdout) == (1, "")
    assert reported in run.stderr
    assert remedy in run.stderr
    assert len(run.stderr.splitlines()) == 2


# --- over I2C --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reads", "setting"),
    [("block", {}), ("byte", {}), ("block", {"fail_every": 97}), ("block", {"faults": {"corrupt_every": 90}})],
)
def test_over_i2c_a_dump_is_the_same(tmp_path: Path, reads: str, setting: dict[str, object]) -> None:
    configure(tmp_path, "i2c", reads=reads)
    began = time.time()
    run = dump_over_i2c("kyocera-dump", cwd=tmp_path, **setting)
    assert run.returncode == 0, run.stderr
    all_are_there(run.stdout.splitlines(), 35, began)
    assert dumps(tmp_path / "store") == [(".txt", text_of((tmp_path / "memory").read_bytes()))]
    assert stored(tmp_path) == sorted(run.stdout.splitlines())


@pytest.mark.parametrize(
    ("setting", "reported", "remedy"),
    [
        ({"refused": errno.EACCES}, "no permission to use /dev/i2c-213", "usermod -aG i2c"),
        ({"absent": errno.EREMOTEIO}, "no device answers at 0x40 on I2C bus 213", "i2cdetect -y 213"),
        ({"absent": errno.ETIMEDOUT}, "no device answers at 0x40 on I2C bus 213", "i2cdetect -y 213"),
        ({"faults": {"silent": True}}, "did not answer within 10 s", "TX and RX"),
    ],
)
def test_an_i2c_bus_that_cannot_be_used_is_one_clear_error(
    tmp_path: Path, setting: dict[str, object], reported: str, remedy: str
) -> None:
    configure(tmp_path, "i2c", port="213")
    run = dump_over_i2c("-q", "kyocera-dump", cwd=tmp_path, **setting)
    assert (run.returncode, run.stdout) == (1, "")
    assert reported in run.stderr
    assert remedy in run.stderr
    assert len(run.stderr.splitlines()) == 2


def test_without_an_i2c_bus_the_command_says_how_to_turn_it_on(tmp_path: Path) -> None:
    configure(tmp_path, "i2c", port="213")
    run = homemon("-q", "kyocera-dump", cwd=tmp_path)
    assert run.returncode == 1
    assert "there is no I2C bus /dev/i2c-213" in run.stderr
    assert "raspi-config" in run.stderr


@pytest.mark.parametrize("setting", [{}, {"absent": errno.EREMOTEIO}])
def test_where_a_serial_port_is_named_and_no_bridge_answers_the_transport_is_proposed(
    tmp_path: Path, setting: dict[str, object]
) -> None:
    write_config(tmp_path, "[i2c]\nport = 213\n[kyocera]\nserial_port = /dev/ttyS1\nserial_bps = 38400\n")
    run = dump_over_i2c("kyocera-dump", cwd=tmp_path, **setting) if setting else homemon("kyocera-dump", cwd=tmp_path)
    assert run.returncode == 1
    assert "If the monitor is on /dev/ttyS1: `transport = serial` in [kyocera]." in run.stderr
    assert "transport" not in homemon("kyocera-dump", cwd=without_serial(tmp_path)).stderr


def test_check_proposes_the_transport_where_a_serial_port_is_named_and_there_is_no_bridge(tmp_path: Path) -> None:
    write_config(tmp_path, "[i2c]\nport = 213\n[kyocera]\nserial_port = /dev/ttyS1\nserial_bps = 38400\n")
    (line,) = (line for line in homemon("check", cwd=tmp_path).stdout.splitlines() if "I2C" in line)
    assert line.endswith("If the monitor is on /dev/ttyS1: `transport = serial` in [kyocera].")
    assert "transport" not in homemon("check", cwd=without_serial(tmp_path)).stdout


def without_serial(folder: Path) -> Path:
    write_config(folder, "[i2c]\nport = 213\n[kyocera]\ntransport = i2c\n")
    return folder


# --- the simulator ---------------------------------------------------------------------


def test_the_simulated_monitor_is_read_and_writes_the_truth(tmp_path: Path) -> None:
    configure(tmp_path)
    options = ("--link", "port", "--truth", "truth.jsonl", "--fault", "corrupt-every=90", "--seed", "3")
    with running("simulate", "kyocera", *options, cwd=tmp_path) as monitor:
        assert monitor.until(bool) == [os.readlink(tmp_path / "port")]
        run = homemon("kyocera-dump", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert monitor.stop() == 0
    assert not (tmp_path / "port").is_symlink()
    (truth,) = map(json.loads, (tmp_path / "truth.jsonl").read_text().splitlines())
    assert dumps(tmp_path / "store") == [(".txt", text_of(bytes.fromhex(truth["memory"])))]
    assert len(run.stdout.splitlines()) > 90


def test_the_simulators_help_lists_every_fault() -> None:
    assert {name.replace("-", "_") for name in FAULTS} == {field.name for field in fields(Faults)}
    help_text = called("simulate", "kyocera", "--help").output
    assert all(f"{row.name}={row.default}" in help_text and row.says in help_text for row in FAULTS.values())


@pytest.mark.parametrize("wrong", [["--fault", "rain"], ["--fault", "dates=odd"], ["--link", "/etc/passwd"]])
def test_wrong_usage_of_the_simulator_is_reported_and_exits_2(wrong: list[str]) -> None:
    run = called("simulate", "kyocera", *wrong)
    assert run.exit_code == 2
    assert wrong[1].split("=")[0] in run.output
