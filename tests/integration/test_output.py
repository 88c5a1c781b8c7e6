"""stdout and stderr that nobody reads, or that are closed: no reading waits for them."""

import fcntl
import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from homemon.cli.commands import COMMANDS
from homemon.runtime import output
from tests.commands import ENVIRONMENT, HOMEMON, LOADED, catches_sigterm, homemon, simulated, wait_for, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.monitor import on_a_pty
from tests.servers import Database

END_WITHIN = 2.0 + LOADED


@contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """A pipe that takes nothing more: its reading end, and its writing end."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 1024)
    os.set_blocking(writing, True)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


@contextmanager
def stopped_terminal() -> Iterator[tuple[int, int]]:
    """A terminal whose person has typed Ctrl-S."""
    keyboard, screen = pty.openpty()
    os.write(keyboard, b"\x13")
    try:
        yield keyboard, screen
    finally:
        os.close(keyboard)
        os.close(screen)


@contextmanager
def listening(folder: Path, *arguments: str, **streams: Any) -> "Iterator[subprocess.Popen[bytes]]":
    """A command in `folder` with these streams; killed at the end of the block if it still runs."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams}
    with subprocess.Popen((*HOMEMON, *arguments), cwd=folder, env=ENVIRONMENT, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def powers(folder: Path) -> int:
    return homemon("export", "--measurement", "power", cwd=folder).stdout.count("power")


def ended(process: "subprocess.Popen[bytes]") -> int:
    """Its status after SIGTERM."""
    process.terminate()
    return process.wait(END_WITHIN)


def read_until(reading: int, wanted: bytes) -> bytes:
    """What comes through a pipe up to what is `wanted`."""
    text = b""
    while wanted not in text:
        assert select.select([reading], [], [], 10.0)[0], text
        text += os.read(reading, 65536)
    return text


@pytest.mark.parametrize(
    ("place", "streams"),
    [
        (full_pipe, ("stdout",)),
        (full_pipe, ("stderr",)),
        (full_pipe, ("stdout", "stderr")),
        (stopped_terminal, ("stdout", "stderr")),
    ],
)
def test_a_listener_records_and_ends_though_nobody_reads_what_it_says(
    tmp_path: Path, place: Any, streams: tuple[str, ...]
) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device, place() as (_, writing):
        device.call(lambda module: setattr(module.radio, "session", True))
        taken = dict.fromkeys(streams, writing)
        with listening(tmp_path, "-v", "meter-listen", "--poll", "5", **taken) as listener:
            wait_for(lambda: powers(tmp_path) >= 1)
            assert ended(listener) == 0


def test_sending_and_warnings_go_on_while_nobody_reads_stdout(tmp_path: Path, database: Database) -> None:
    config = write_config(tmp_path, address=ADDRESS)
    settings = database.settings()
    config.write_text(f"{config.read_text()}[server]\nurl = {settings.url}\ndb = {settings.db}\n")
    errors = tmp_path / "stderr.txt"
    with simulated(tmp_path) as device, full_pipe() as (_, writing), errors.open("wb") as stderr:
        device.call(lambda module: setattr(module.radio, "session", True))
        with listening(tmp_path, "meter-listen", "--poll", "5", stdout=writing, stderr=stderr) as listener:
            wait_for(lambda: sum(name == "power" for name, *_ in database.points()) >= 1)
            device.fault("power-cycle")
            wait_for(lambda: "joined" in errors.read_text(), reported=errors.read_text)
            assert ended(listener) == 0


def test_what_waited_for_a_reader_comes_when_it_reads_again(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device, full_pipe() as (reading, writing):
        device.call(lambda module: setattr(module.radio, "session", True))
        with listening(tmp_path, "meter-listen", "--poll", "5", stdout=writing) as listener:
            wait_for(lambda: powers(tmp_path) >= 1)
            read_until(reading, b"power value=")
            assert ended(listener) == 0


def test_lines_that_found_no_room_are_counted_and_reported_once_it_flows_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output, "MOST_HELD", 100)
    reports: list[str] = []
    with full_pipe() as (reading, writing):
        outlet = output.Outlet(writing, "stdout", reports.append)
        for number in range(50):
            outlet.write(b"%09d\n" % number)
        assert not outlet.drained(0.05)
        assert reports == []
        text = read_until(reading, b"000000009\n")
        assert [int(line) for line in text.lstrip(b"x").split()] == list(range(10))
        wait_for(lambda: bool(reports), 5.0)
    assert reports == ["40 lines were not written to stdout, which nobody read; readings are stored"]


def test_a_stream_that_nobody_reads_is_reported_once_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "STUCK", 0.0)
    reports: list[str] = []
    report = "nobody reads stdout; readings are stored, and printed when somebody does"
    with full_pipe() as (reading, writing):
        outlet = output.Outlet(writing, "stdout", reports.append)
        for number in range(5):
            outlet.write(b"%d\n" % number)
        assert reports == [report]
        assert read_until(reading, b"4\n").lstrip(b"x") == b"0\n1\n2\n3\n4\n"
        assert outlet.drained(5.0)
    assert reports == [report]


def test_the_same_trouble_is_reported_once_until_it_is_over() -> None:
    reports: list[str] = []
    reading, writing = os.pipe()
    os.close(reading)
    outlet = output.Outlet(writing, "stdout", reports.append)
    outlet.write(b"one\n")
    outlet.write(b"two\n")
    assert outlet.drained(5.0)
    assert reports == ["stdout takes nothing (Broken pipe); readings are stored all the same"]
    os.close(writing)


def test_a_pipe_that_somebody_made_non_blocking_takes_all_in_the_end() -> None:
    with full_pipe() as (reading, writing):
        os.set_blocking(writing, False)
        outlet = output.Outlet(writing, "stdout", print)
        outlet.write(b"late\n")
        assert read_until(reading, b"late\n").lstrip(b"x") == b"late\n"


def test_a_one_shot_command_waits_for_its_reader_and_can_be_ended(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n")
    homemon("status", cwd=tmp_path)
    with full_pipe() as (_, writing), listening(tmp_path, "status", stdout=writing) as command:
        wait_for(lambda: "pipe" in Path(f"/proc/{command.pid}/wchan").read_text() or command.poll() is not None)
        assert command.poll() is None
        assert ended(command) == -signal.SIGTERM


def test_a_simulator_ends_though_nobody_reads_its_address(tmp_path: Path) -> None:
    with full_pipe() as (_, writing):
        link = tmp_path / "port"
        with listening(tmp_path, "simulate", "meter", "--link", str(link), stdout=writing) as simulator:
            wait_for(link.is_symlink)
            wait_for(lambda: catches_sigterm(simulator.pid))
            assert ended(simulator) == 0


# --- closed ------------------------------------------------------------------------------

CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all": "<&- >&- 2>&-"}
ARGUMENTS = {
    "setup": ["--yes", "--only", "server"],
    "join": [],
    "meter-listen": [],
    "meter-poll": [],
    "meter-history": [],
    "ecocute-poll": [],
    "ecocute-listen": [],
    "device-poll": [],
    "kyocera-dump": [],
    "import": ["nothing.txt"],
    "status": [],
    "graph": ["-o", "page.html"],
    "serve": ["--bind", "192.0.2.1"],
    "notify": [],
    "metrics": [],
    "export": [],
    "energy": [],
    "bill": ["--plan", "tepco-juryo-b", "--ampere", "40", "--month", "2026-08", "--kwh", "374"],
    "upload": [],
    "replay": ["nothing.txt"],
    "backup": ["copy.db"],
    "restore": ["nothing.txt"],
    "repair": [],
    "decode": ["1081000102880105FF017201E704000001F8"],
    "discover": ["127.0.0.1/32"],
    "check": [],
    "simulate": ["meter", "--fault", "nonsense"],
    "demo": ["--nonsense"],
}
"""What is quick, touches no device and prints the same twice."""


def closed(folder: Path, which: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command with some of its streams closed by the shell."""
    return homemon(*arguments, cwd=folder, before=("sh", "-c", f'exec "$@" {CLOSED[which]}', "sh"))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_does_the_same_with_closed_streams(tmp_path: Path, command: str) -> None:
    (tmp_path / "nothing.txt").write_text("")
    config = write_config(tmp_path, "[kyocera]\ntransport = serial\nserial_port = /nowhere\n", address=ADDRESS)
    config.write_text(config.read_text() + "[ecocute]\nhost = 127.0.0.1\nbind = 192.0.2.1\n")
    words = (command, *ARGUMENTS[command])
    as_usual = homemon(*words, cwd=tmp_path)
    for which in CLOSED:
        run = closed(tmp_path, which, *words)
        assert run.returncode == as_usual.returncode, (which, run.stderr)
        assert shape(run.stdout) == ([] if which in ("stdout", "all") else shape(as_usual.stdout))
        assert shape(run.stderr) == ([] if which in ("stderr", "all") else shape(as_usual.stderr))


def shape(text: str) -> list[str]:
    """What was said, without the figures in it."""
    return ["".join(letter for letter in line if not letter.isdigit()) for line in text.splitlines()]


@pytest.mark.parametrize("which", CLOSED)
def test_readings_are_stored_though_streams_are_closed(tmp_path: Path, which: str) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        poll = closed(tmp_path, which, "meter-poll")
        assert (poll.returncode, poll.stderr) == (0, "")
        assert powers(tmp_path) == 1
        words = ("sh", "-c", f'exec "$@" {CLOSED[which]}', "sh", *HOMEMON, "meter-listen", "--poll", "5")
        with subprocess.Popen(words, cwd=tmp_path, env=ENVIRONMENT) as listener:
            wait_for(lambda: powers(tmp_path) >= 2)
            assert ended(listener) == 0


@pytest.mark.parametrize("which", CLOSED)
def test_a_dump_is_stored_though_streams_are_closed(tmp_path: Path, which: str) -> None:
    write_config(tmp_path, f"[kyocera]\ntransport = serial\nserial_port = {tmp_path / 'port'}\n")
    with on_a_pty(tmp_path, speed=60.0):
        assert closed(tmp_path, which, "kyocera-dump").returncode == 0
    assert len(homemon("export", "--measurement", "hatuden", cwd=tmp_path).stdout.splitlines()) > 1000


def test_a_stderr_that_takes_nothing_does_not_cost_a_reading(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    begun = monotonic()
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        run = homemon("-v", "meter-poll", cwd=tmp_path, before=("sh", "-c", 'exec "$@" 2>/dev/full', "sh"))
    assert (run.returncode, run.stdout.startswith("power ")) == (0, True)
    assert monotonic() - begun < 30.0 + LOADED


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\x7f", "\u202e"], ids=ascii)
def test_no_message_holds_what_a_terminal_could_obey(tmp_path: Path, sign: str) -> None:
    """Such as the name of a file, or what a device or a server said."""
    name = f"no{sign}such"
    for arguments in (("-c", name, "status"), ("replay", name), ("export", "--measurement", name)):
        (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n")
        run = homemon(*arguments, cwd=tmp_path)
        assert all(line.isprintable() for line in (run.stdout + run.stderr).split("\n")), arguments
        assert "such" in run.stderr, arguments
