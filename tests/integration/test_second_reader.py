"""The serial port when something else is there: another reader, another protocol, another speed."""

import os
import pty
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from homemon.runtime.context import App
from homemon.runtime.radio import Radio
from homemon.skstack.join import NoModule
from tests.commands import LOADED, homemon, running, simulated, wait_for, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.monitor import configure, on_a_pty

FRAMES = {
    "D0F9EE5D2FFF000405CF01000001": "this is a J11 (BP35C0-J11, RS-WSUHA-J11), which speaks another protocol",
    "0080E0F8FEC31C0080E0F8FEC31C0080E0F8FEC31C0080E0F8FEC31C0080": "the module's answers are unreadable",
    "666666E6E6": "the module's answers are unreadable",  # printable in part, as some rates make it
}


@contextmanager
def another_reader(port: Path, program: str = "cat") -> "Iterator[subprocess.Popen[bytes]]":
    """A program that has the port open without a lock: `cat`, or `sleep`, which leaves the others their bytes."""
    words = {"cat": ("cat", str(port)), "sleep": ("sh", "-c", f"exec sleep 300 <{port}")}[program]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        opened = port.resolve()
        wait_for(lambda: any(entry.resolve() == opened for entry in Path(f"/proc/{process.pid}/fd").iterdir()))
        try:
            yield process
        finally:
            process.kill()


def test_a_reader_whose_files_we_may_not_see_is_known_by_what_it_was_called_with(tmp_path: Path) -> None:
    with port_that_answers(b"") as name:
        write_config(tmp_path, address=ADDRESS, serial_port=name)
        with another_reader(Path(name)) as cat:
            run = homemon("join", cwd=tmp_path, timeout=20 + LOADED, unprivileged=True)
    assert f"{name} is also open in pid {cat.pid} (cat)" in run.stderr


@pytest.mark.parametrize("command", ["join", "meter-poll", "meter-listen"])
def test_another_reader_on_a_port_that_seems_dead_is_named(tmp_path: Path, command: str) -> None:
    with port_that_answers(b"") as name:
        write_config(tmp_path, address=ADDRESS, serial_port=name)
        with another_reader(Path(name)) as cat:
            run = homemon(command, cwd=tmp_path, timeout=20 + LOADED)
    assert run.returncode == 1
    assert f"pid {cat.pid} (cat) reads from {name} too, and takes what is meant for homemon: stop it." in run.stderr


@pytest.mark.parametrize("words", [("join",), ("meter-poll",), ("meter-history", "--days", "1")])
def test_a_command_that_succeeds_names_another_reader_too(tmp_path: Path, words: tuple[str, ...]) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with another_reader(device.path, "sleep") as other:
            run = homemon("-q", *words, cwd=tmp_path)
            warning = f"homemon: {device.path} is also open in pid {other.pid} (sleep)\n  pid {other.pid} (sleep) reads"
            assert (run.returncode, run.stderr.count(warning)) == (0, 1), run.stderr
        run = homemon("-q", *words, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_dump_of_the_solar_monitor_does_so(tmp_path: Path) -> None:
    configure(tmp_path)
    with on_a_pty(tmp_path), another_reader(tmp_path / "port", "sleep") as other:
        run = homemon("-q", "kyocera-dump", cwd=tmp_path)
    assert run.returncode == 0
    assert f"homemon: {tmp_path / 'port'} is also open in pid {other.pid} (sleep)\n" in run.stderr


def test_a_listener_names_who_reads_before_it_and_who_comes_later(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("-q", "meter-listen", cwd=tmp_path) as listener:
            listener.until(lambda lines: any(line.startswith("+power") for line in lines))
            assert listener.errors.read_text() == ""
            with another_reader(device.path, "sleep") as other:
                found = homemon("check", cwd=tmp_path).stdout
                assert f"fault   serial port: {device.path} is also open in pid {other.pid} (sleep). " in found
                device.fault("power-cycle")
                listener.says(f"{device.path} is also open in pid {other.pid} (sleep)")
            assert "ok      serial port:" in homemon("check", cwd=tmp_path).stdout
            assert listener.stop() == 0


def test_who_only_writes_is_no_second_reader(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path) as device:
        words = ("sh", "-c", f"exec 3>{device.path}; echo opened; exec cat >&3")
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"opened\n"
            run = homemon("join", cwd=tmp_path)
            writer.communicate()
    assert (run.returncode, run.stderr) == (0, "")


@contextmanager
def port_that_answers(frame: bytes) -> Iterator[str]:
    """A pty whose device answers each line with the same bytes, and never with a line end."""
    master, slave = pty.openpty()
    tty.setraw(slave)

    def answer() -> None:
        while True:
            try:
                received = os.read(master, 1024)
            except OSError:
                return
            os.write(master, frame * received.count(b"\n"))

    thread = Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        thread.join(5.0)
        os.close(master)


@pytest.mark.parametrize("frame", FRAMES)
def test_answers_without_a_line_end_are_unreadable_and_a_j11_is_named(tmp_path: Path, frame: str) -> None:
    with port_that_answers(bytes.fromhex(frame)) as name:
        write_config(tmp_path, address=ADDRESS, serial_port=name)
        run = homemon("join", cwd=tmp_path, timeout=20 + LOADED)
    assert run.returncode == 1
    assert f"homemon: {name}: {FRAMES[frame]}\n" in run.stderr
    assert ("serial_bps" in run.stderr) == ("unreadable" in run.stderr)


def test_a_silent_port_is_named_and_on_a_pis_ttyama0_bluetooth_too(tmp_path: Path) -> None:
    config = write_config(tmp_path, serial_port="/dev/ttyAMA0")
    error = NoModule("no Wi-SUN module answered SKVER (4 tries)", "Check it.")
    Radio(App(str(config))).explain(error)
    assert str(error) == "/dev/ttyAMA0: no Wi-SUN module answered SKVER (4 tries)"
    assert error.hint.endswith("On a Pi 3, 4 or Zero W, /dev/ttyAMA0 is the Bluetooth chip: take /dev/serial0.")
