"""`join`, `meter-poll` and `meter-listen` as their user runs them, against the simulated module on a real pty."""

import os
import pty
import re
import signal
import tty
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from homemon.sim.bp35c0 import BID, PWD, Module
from tests.commands import LOADED, deny, fill, homemon, running, simulated, small_disk, wait_for, write_config
from tests.person import person

ADDRESS = "FE80:0000:0000:0000:0200:AA00:0000:0002"
POWER = re.compile(r"power value=-?\d+ \d{10}000000000")


def written(folder: Path) -> str:
    """All that is in the folder, except config.ini, where the secrets belong."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and path.name != "config.ini" and not path.is_symlink()
    ]
    return "\n".join(path.read_bytes().decode("latin-1") for path in files)


def no_secret_in(*texts: str) -> None:
    """Neither secret, nor the bytes by which the handshake spells the ID, nor half of them."""
    spelled = BID.encode().hex().upper()
    for text in texts:
        for secret in (BID, PWD, BID[:16], BID[16:], spelled, spelled[:32], spelled[32:]):
            assert secret not in text


@pytest.mark.parametrize("module", [{"dialect": "c"}, {"dialect": "a1", "raw": True}, {"dialect": "dss"}])
def test_join_prints_the_address_last_and_changes_one_line(tmp_path: Path, module: dict[str, Any]) -> None:
    config = write_config(tmp_path)
    config.write_bytes(b"# the letter came in May; 100 % done\r\n" + config.read_bytes().replace(b"\n", b"\r\n"))
    config.chmod(0o640)
    before = config.read_bytes()
    with simulated(tmp_path, **module):
        run = homemon("-v", "join", "--trace", "trace.txt", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == ADDRESS
    assert config.read_bytes() == before.replace(b"address =", f"address ={ADDRESS}".encode())
    assert config.stat().st_mode & 0o777 == 0o640
    assert "scanning" in run.stderr
    no_secret_in(run.stdout, run.stderr, written(tmp_path))
    assert "SKJOIN" in (tmp_path / "trace.txt").read_text()
    assert "02CC 02CC ****" in (tmp_path / "trace.txt").read_text()


def test_join_says_when_config_cannot_be_changed_and_remembers_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    with simulated(tmp_path):
        write_config(tmp_path).rename(folder / "config.ini")
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        folder.chmod(0o555)
        run = homemon("-c", "etc/config.ini", "join", cwd=tmp_path, unprivileged=True)
        assert run.returncode == 0, run.stderr
        assert "cannot be changed" in run.stderr
        assert ADDRESS not in (folder / "config.ini").read_text()
        run = homemon("-c", "etc/config.ini", "meter-poll", cwd=tmp_path)
        assert POWER.fullmatch(run.stdout.strip()), run.stderr


def test_on_a_terminal_what_takes_long_stands_on_one_line_and_is_gone_at_the_end(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), person("join", cwd=tmp_path) as someone:
        assert someone.leaves() == 0
    assert "scanning for the meter, 1 of " in someone.seen
    assert "joining the meter's network" in someone.seen
    assert someone.screen() == [ADDRESS, ""]


@pytest.mark.parametrize("wrong", [{"bid": "F" * 24 + BID[-8:]}, {"pwd": "wrongwrong12"}])
def test_wrong_credentials_are_reported_after_three_tries_and_never_shown(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    write_config(tmp_path, **wrong)
    with simulated(tmp_path):
        run = homemon("-v", "join", "--trace", "trace.txt", cwd=tmp_path)
    assert run.returncode == 1
    assert "EVENT 24" in run.stderr
    assert "3 tries" in run.stderr
    assert "bid or the pwd is wrong" in run.stderr
    for secret in wrong.values():
        assert secret not in run.stdout + run.stderr + written(tmp_path)


def test_a_scan_that_finds_nothing_gets_longer_up_to_8_and_names_the_causes(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path, pace=0.002, faults={"empty-scans": 100}):
        run = homemon("join", "--trace", "trace.txt", cwd=tmp_path)
    assert run.returncode == 1
    scans = re.findall(r"> SKSCAN 2 FFFFFFFF (\d)", (tmp_path / "trace.txt").read_text())
    assert scans == ["6", "6", "7", "7", "8"]
    assert "no meter answered" in run.stderr
    assert "B route" in run.stderr


def test_a_poll_prints_what_it_stored_and_it_is_the_truth(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        run = homemon("meter-poll", "E7", "E8", "E0", "E3", "EA", "EB", cwd=tmp_path)
        truth = {row.epc: row.value for row in device.module.truth}
    assert run.returncode == 0, run.stderr
    fields = {name: values for name, values, _ in map(str.split, run.stdout.splitlines())}
    energy = [f"{count / 10:.1f}".removesuffix(".0") for count in (truth[0xE0], truth[0xE3])]  # type: ignore[operator]
    assert fields["power"] == f"value={truth[0xE7]}"
    assert fields["energy"] == f"import={energy[0]},export={energy[1]}"
    assert {"+power", "-power", "current"} <= fields.keys()
    assert homemon("export", cwd=tmp_path).stdout.splitlines() == sorted(
        run.stdout.splitlines(), key=lambda line: (line.split()[2], line)
    )


def test_a_poll_with_no_session_says_what_to_do(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path):
        run = homemon("meter-poll", cwd=tmp_path)
    assert run.returncode == 1
    assert "ER10" in run.stderr
    assert "homemon join" in run.stderr


def test_a_poll_before_any_join_is_a_matter_of_configuration(tmp_path: Path) -> None:
    write_config(tmp_path)
    run = homemon("meter-poll", cwd=tmp_path)
    assert run.returncode == 2
    assert "Run `homemon join` once" in run.stderr


@pytest.mark.parametrize("epc", ["7F", "XX", "E", "E77"])
def test_an_epc_that_is_none_is_wrong_usage(tmp_path: Path, epc: str) -> None:
    write_config(tmp_path, address=ADDRESS)
    run = homemon("meter-poll", epc, cwd=tmp_path)
    assert run.returncode == 2
    assert "is no EPC" in run.stderr


def test_a_poll_through_a_listener_prints_what_the_listener_recorded(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("-v", "meter-listen", cwd=tmp_path) as listener:
        listener.until(lambda lines: any(line.startswith("+power") for line in lines))
        poll = homemon("-v", "meter-poll", cwd=tmp_path)
        assert (poll.returncode, poll.stderr) == (0, "")
        listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines))
        assert poll.stdout.splitlines() == [line for line in listener.lines if POWER.fullmatch(line)]
        assert homemon("-q", "meter-listen", cwd=tmp_path).returncode == 0  # a second one goes at once
        assert listener.stop() == 0
    assert homemon("export", cwd=tmp_path).stdout.splitlines() == listener.lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_listener_ends_within_two_seconds(tmp_path: Path, number: int) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
        listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines))
        assert listener.stop(number, within=2.0 + LOADED) == 0


def test_a_port_that_vanishes_is_opened_again_when_it_is_back(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path) as device, running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
        listener.until(lambda lines: sum(bool(POWER.fullmatch(line)) for line in lines) >= 1)
        device.unplug()
        listener.says("went away")
        device.plug()
        seen = len(listener.lines)
        listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines[seen:]))
        assert listener.stop() == 0


def babble(master: int) -> None:
    """Answer whatever is said as a UART at the wrong speed would; ends with the pty."""
    try:
        while os.read(master, 1000):
            os.write(master, b"\xf3\x9c\x07\xe1\x80\r")
    except OSError:
        return


@pytest.mark.parametrize("command", ["join", "meter-poll", "meter-listen"])
@pytest.mark.parametrize("trouble", ["missing", "silent", "unreadable", "busy", "forbidden", "no port"])
def test_a_port_that_cannot_be_used_is_one_clear_error_within_15_seconds(
    tmp_path: Path, command: str, trouble: str
) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    remedy = {
        "missing": "raspi-config",
        "silent": "TX/RX",
        "unreadable": "serial_bps",
        "busy": "Stop the other program",
        "forbidden": "usermod -aG",
        "no port": "Check [smartmeter] serial_port",
    }[trouble]
    if trouble == "missing":
        name = "/dev/ttyNONE"
    elif trouble == "no port":
        name = str(tmp_path / "file")
        Path(name).write_text("")
    elif trouble == "busy":
        import serial

        other = serial.Serial(name, exclusive=True)
    elif trouble == "forbidden":
        deny(Path(name))
    write_config(tmp_path, address=ADDRESS, serial_port=name)
    try:
        if trouble == "unreadable":
            Thread(target=babble, args=(master,), daemon=True).start()
        run = homemon(command, cwd=tmp_path, timeout=15 + LOADED, unprivileged=trouble == "forbidden")
    finally:
        os.close(master)
        os.close(slave)
        if trouble == "busy":
            other.close()
    assert run.returncode == 1, run.stderr
    assert run.stdout == ""
    assert remedy in run.stderr
    assert len(run.stderr.splitlines()) == 2


def test_two_at_once_do_not_share_the_port(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path) as listener:
        listener.until(lambda lines: bool(lines))
        run = homemon("join", cwd=tmp_path)
        assert run.returncode == 1
        assert "is in use by meter-listen" in run.stderr
        assert str(listener.process.pid) in run.stderr


@pytest.mark.parametrize("fault", ["power-cycle", "end-session", "forget-session"])
def test_a_running_listener_heals_itself(tmp_path: Path, fault: str) -> None:
    write_config(tmp_path)
    with simulated(tmp_path) as device, running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
        listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines))
        device.fault(fault)
        wait_for(lambda: not device.module.radio.session or device.module.radio.forgotten)
        wait_for(
            lambda: device.module.radio.session and not device.module.radio.forgotten, 120, lambda: str(listener.lines)
        )
        seen = len(listener.lines)
        listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines[seen:]))


def test_a_store_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, not a folder")
    write_config(tmp_path, address=ADDRESS)
    for command in ("join", "meter-poll", "meter-listen"):
        run = homemon(command, cwd=tmp_path)
        assert run.returncode == 1
        assert "[store] dir" in run.stderr


def test_faults_in_config_are_reported_all_at_once_and_nothing_is_opened(tmp_path: Path) -> None:
    config = write_config(tmp_path, "[server]\nurl = htp://localhost\n", bid="0011", serial_bps="fast", pasword="x")
    line = {text.split(" ")[0]: number for number, text in enumerate(config.read_text().splitlines(), 1)}
    for command in ("join", "meter-poll", "meter-listen", "export", "upload"):
        run = homemon(command, cwd=tmp_path)
        assert run.returncode == 2
        assert f"config.ini:{line['bid']}: [smartmeter] bid: must be 32 hexadecimal digits" in run.stderr
        assert f"config.ini:{line['serial_bps']}: [smartmeter] serial_bps:" in run.stderr
        assert f"config.ini:{line['pasword']}: [smartmeter] pasword: no such key" in run.stderr
        assert f"config.ini:{line['url']}: [server] url:" in run.stderr
        assert not (tmp_path / "store").exists()


def test_a_full_disk_is_reported_and_no_reading_is_lost_by_it(tmp_path: Path) -> None:
    write_config(tmp_path)
    with (
        small_disk(tmp_path / "store", "200k"),
        simulated(tmp_path) as device,
        running("meter-listen", "--poll", "5", cwd=tmp_path) as listener,
    ):
        listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines))
        filler = fill(tmp_path / "store")
        listener.says("wait in memory")
        listener.says("The disk is full")
        polled = len([row for row in device.module.truth if row.epc == 0xE7])
        filler.unlink()
        listener.until(lambda lines: sum(bool(POWER.fullmatch(line)) for line in lines) > polled)
        assert listener.stop() == 0
        truth = [row.value for row in device.module.truth if row.epc == 0xE7]
        printed = [line for line in listener.lines if POWER.fullmatch(line)]
        assert [line.split()[1] for line in printed] == [f"value={value}" for value in truth]
        assert listener.errors.read_text().count("The disk is full") == 1
        export = homemon("export", "--measurement", "power", cwd=tmp_path)
        assert export.stdout.splitlines() == printed


def test_a_poll_into_a_full_disk_fails_and_says_so(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with small_disk(tmp_path / "store", "64k"), simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        fill(tmp_path / "store")
        run = homemon("meter-poll", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert "The disk is full" in run.stderr


def test_a_poll_reports_what_is_no_point(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path, faults={"refuse-epcs": "E8"}) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        reported = homemon("meter-poll", "88", "97", "E1", "E7", "E8", cwd=tmp_path)
        refused = homemon("meter-poll", "E8", cwd=tmp_path)
    assert reported.returncode == 0
    assert POWER.fullmatch(reported.stdout.strip())
    assert "88 fault: no fault" in reported.stderr
    assert "E1 unit: 0.1 kWh a count" in reported.stderr
    assert "the meter refused E8" in reported.stderr
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "the meter refused E8" in refused.stderr


def test_a_module_that_writes_hex_in_lower_case_is_understood(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path) as device:
        device.call(speak_lower_case)
        joined = homemon("join", cwd=tmp_path)
        assert (joined.returncode, joined.stdout) == (0, f"{ADDRESS}\n"), joined.stderr
        poll = homemon("meter-poll", "E7", "E0", cwd=tmp_path)
        assert (poll.returncode, len(poll.stdout.splitlines())) == (0, 2), poll.stderr


def speak_lower_case(module: Module) -> None:
    """Let all that it says be spelled with small hex digits."""
    put = module.radio.put

    def small(data: bytes) -> None:
        put(re.sub(rb"(?<![A-Za-z0-9])[0-9A-F]{2,}(?![A-Za-z])", lambda match: match[0].lower(), data))

    setattr(module.radio, "put", small)  # noqa: B010
