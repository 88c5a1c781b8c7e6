"""A command beside a listener, on real sockets and a real pty: it says what it would say alone, in its own time."""

import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import monotonic, time

import pytest

from homemon.core.dialogue import pause
from homemon.core.errors import PortError
from homemon.core.files import Lock, port_lock
from homemon.core.requests import Program
from homemon.ports.local_socket import LONGEST, LocalSocket
from homemon.runtime.asking import PROTOCOL, claim_or_ask, socket_of
from homemon.runtime.context import METERED, App
from homemon.runtime.owner import Owner
from tests.commands import LOADED, Running, Simulated, homemon, running, simulated, wait_for, write_config

ADDRESS = "FE80:0000:0000:0000:0200:AA00:0000:0002"


@contextmanager
def listening(folder: Path, *arguments: str) -> Iterator[tuple[Simulated, Running]]:
    """A listener that is joined and has nothing to do."""
    write_config(folder, history_days="0")
    with simulated(folder) as device, running("meter-listen", *arguments, cwd=folder) as listener:
        listener.until(lambda lines: any(line.startswith("+power") for line in lines))
        yield device, listener


def socket_in(folder: Path) -> Path:
    [found] = (folder / "store").glob("*.sock")
    return found


def plain(run: "subprocess.CompletedProcess[str]") -> tuple[int, list[str], str]:
    """What a command said, without values and times."""
    return run.returncode, [line.split(" ")[0] for line in run.stdout.splitlines()], run.stderr


@pytest.mark.parametrize(
    ("epcs", "faults"),
    [
        (("E7",), {}),
        (("E8", "E7"), {}),
        (("E0", "E3"), {}),
        (("E7", "E1"), {}),
        (("D3",), {}),
        (("9A",), {}),
        (("E7", "E8"), {"refuse-epcs": "E8"}),
        (("E7", "E8"), {"refuse-epcs": "E7,E8"}),
        (("E7",), {"no-data": "E7"}),
    ],
)
def test_a_poll_says_through_a_listener_what_it_says_alone(
    tmp_path: Path, epcs: tuple[str, ...], faults: dict[str, str]
) -> None:
    with listening(tmp_path) as (device, listener):
        for name, value in faults.items():
            device.fault(name, value)
        through, second = homemon("meter-poll", *epcs, cwd=tmp_path), int(time())
        assert listener.stop() == 0
        wait_for(lambda: int(time()) > second)  # a reading of the same second would be no new one
        alone = homemon("meter-poll", *epcs, cwd=tmp_path)
    assert plain(through) == plain(alone)
    stored = homemon("export", cwd=tmp_path).stdout.splitlines()
    assert set(through.stdout.splitlines()) <= set(stored)


def test_polls_at_once_get_one_answer_each(tmp_path: Path) -> None:
    with listening(tmp_path), ThreadPoolExecutor() as pool:
        polls = [pool.submit(homemon, "meter-poll", epc, cwd=tmp_path) for epc in ("E7", "E8", "E7", "E8")]
        runs = [poll.result() for poll in polls]
    assert [(run.returncode, run.stderr) for run in runs] == [(0, "")] * 4
    printed = [[line.partition(" ")[0] for line in run.stdout.splitlines()] for run in runs]
    asked = [[name for name in names if name not in METERED] for names in printed]  # on the half-hour the meter pushes
    assert asked == [["power"], ["current"]] * 2


def test_a_history_is_filled_through_a_listener(tmp_path: Path) -> None:
    with listening(tmp_path) as (_, listener):
        run = homemon("meter-history", "--days", "1", cwd=tmp_path)
        assert run.returncode == 0
        assert "registers at half-hours were missing" in run.stderr
        assert len(run.stdout.splitlines()) > 48
        assert listener.stop() == 0
    assert set(run.stdout.splitlines()) <= set(homemon("export", cwd=tmp_path).stdout.splitlines())


def test_an_error_of_a_lost_session_is_the_polls_too_and_the_listener_joins_again(tmp_path: Path) -> None:
    with listening(tmp_path) as (device, listener):
        device.call(lambda module: setattr(module.radio, "session", False))
        run = homemon("meter-poll", cwd=tmp_path)
        assert (run.returncode, run.stdout) == (1, "")
        assert "homemon: the module has no session (FAIL ER10)\n  Run `homemon join`" in run.stderr
        listener.says("homemon: joined")
        assert homemon("meter-poll", cwd=tmp_path).returncode == 0


def test_a_port_that_went_away_is_the_polls_error_too(tmp_path: Path) -> None:
    with listening(tmp_path) as (device, listener):
        device.unplug()
        listener.says("went away")
        run = homemon("meter-poll", cwd=tmp_path)
        assert (run.returncode, run.stdout) == (1, "")
        assert "went away" in run.stderr
        device.plug()
        listener.says(f"{tmp_path}/port is back")
        assert homemon("meter-poll", cwd=tmp_path, timeout=90).returncode == 0


def test_a_listener_that_hangs_is_reported_in_time(tmp_path: Path) -> None:
    with listening(tmp_path) as (_, listener):
        listener.process.send_signal(signal.SIGSTOP)
        begun = monotonic()
        run = homemon("meter-poll", cwd=tmp_path)
        assert monotonic() - begun < 5.0 + LOADED
        listener.process.send_signal(signal.SIGCONT)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"meter-listen (pid {listener.process.pid}) hangs: it took no question within 5 s" in run.stderr


def test_an_owner_that_hangs_in_the_middle_is_reported_within_the_deadline(tmp_path: Path) -> None:
    write_config(tmp_path)
    lock = port_lock(tmp_path / "store", str(tmp_path / "port"))
    with closing(App(str(tmp_path / "config.ini"))) as app, closing(LocalSocket(socket_of(lock))) as served:
        assert lock.take(name="meter-listen")
        with ThreadPoolExecutor() as pool:
            asking = pool.submit(claim_or_ask, app, lock_again(lock), "meter-poll", "meter-listen", "poll E7", 2.0)
            select.select([served.fileno()], [], [], LOADED)
            served.questions()
            select.select([served.fileno()], [], [], LOADED)
            [(number, _)] = served.questions()
            served.send(number, PROTOCOL)
            with pytest.raises(PortError, match=r"hangs: it did not answer within 2 s"):
                asking.result(2.0 + LOADED)
        lock.drop()


def lock_again(lock: Lock) -> Lock:
    """The same lock for somebody else."""
    return Lock(lock.path)


def test_the_socket_of_a_killed_listener_is_in_nobodys_way(tmp_path: Path) -> None:
    with listening(tmp_path) as (_, listener):
        listener.process.kill()
        listener.process.wait()
        left = socket_in(tmp_path)
        assert homemon("meter-poll", cwd=tmp_path).returncode == 0  # alone
        with running("meter-listen", cwd=tmp_path) as second:
            wait_for(lambda: answers(left))
            assert homemon("meter-poll", cwd=tmp_path).returncode == 0
            assert second.stop() == 0
        assert not list((tmp_path / "store").glob("*.sock"))


def test_a_poll_whose_listener_ends_before_its_answer_says_so(tmp_path: Path) -> None:
    with listening(tmp_path, "--trace", "trace.txt") as (device, listener), ThreadPoolExecutor() as pool:
        device.fault("late-answers", 60)
        asked = (tmp_path / "trace.txt").read_text().count("> SKSENDTO")
        poll = pool.submit(homemon, "meter-poll", cwd=tmp_path)
        wait_for(lambda: (tmp_path / "trace.txt").read_text().count("> SKSENDTO") > asked)
        listener.process.kill()
        listener.process.wait()
        run = poll.result()
    assert (run.returncode, run.stdout) == (1, "")
    assert f"meter-listen (pid {listener.process.pid}) ended before it answered\n  Run it again." in run.stderr


def test_who_asks_and_goes_away_disturbs_nothing(tmp_path: Path) -> None:
    with listening(tmp_path) as (_, listener):
        for _ in range(5):
            with connected(socket_in(tmp_path)) as ours:
                ours.sendall(b"homemon1 60 poll E7\n")
                assert ours.recv(9) == b"homemon1\n"
        assert homemon("meter-poll", cwd=tmp_path).returncode == 0
        assert listener.stop() == 0
        assert "Traceback" not in listener.errors.read_text()


def answers(path: Path) -> bool:
    """Whether somebody serves a socket."""
    try:
        connected(path).close()
    except OSError:
        return False
    return True


def connected(path: Path) -> socket.socket:
    """A connection to a socket, by whatever long a path."""
    ours = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH)
    try:
        ours.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        ours.close()
        raise
    finally:
        os.close(folder)
    ours.settimeout(LOADED)
    return ours


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\n",
        b"\xff\xfe\x00\n",
        b"homemon1 60 poll ZZ\n",
        b"homemon1 60 poll\n",
        b"homemon1 nan poll E7\n",
        b"homemon1 -1 poll E7\n",
        b"homemon1 60 history 1000\n",
        b"homemon1 60 rm -rf\n",
        b"homemon9 60 poll E7\n",
        b"SKRESET\r\n",
    ],
)
def test_what_is_no_question_is_refused_and_disturbs_nothing(tmp_path: Path, rubbish: bytes) -> None:
    write_config(tmp_path, address=ADDRESS, history_days="0")
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path) as listener:
        wait_for(lambda: any(map(answers, (tmp_path / "store").glob("*.sock"))))  # it is bound before it listens
        with connected(socket_in(tmp_path)) as ours, ours.makefile() as said:
            ours.sendall(rubbish)
            answer = said.read().splitlines()
        assert answer == ["error this is no question that this version of homemon knows", "hint ", "end 1"]
        assert listener.stop() == 0
        assert "Traceback" not in listener.errors.read_text()


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_question_that_is_too_long_is_refused_at_once_by_a_line_that_says_so(tmp_path: Path, end: bytes) -> None:
    owner = Owner(App(quiet=True), Lock(tmp_path / "port.lock"), {"poll": Program(lambda *words: pause(0.0))})
    with connected(tmp_path / "port.sock") as ours, ours.makefile() as said:
        ours.sendall(b"homemon1 60 poll " + b"x" * LONGEST + end)
        wait_for(lambda: not owner.requests() and bool(select.select([ours], [], [], 0)[0]))
        assert said.read().splitlines() == [f"error the question is longer than {LONGEST} bytes", "hint ", "end 1"]
    owner.close()


def test_a_flood_on_the_socket_costs_the_listener_no_poll(tmp_path: Path) -> None:
    with listening(tmp_path, "--poll", "5") as (_, listener), ExitStack() as stack:
        idle = [stack.enter_context(connected(socket_in(tmp_path))) for _ in range(30)]
        for each in idle[:10]:
            try:
                each.sendall(b"x" * 100_000)
            except OSError:
                continue
        already = sum(line.startswith("power") for line in listener.lines)
        listener.until(lambda lines: sum(line.startswith("power") for line in lines) >= already + 2)
        for each in idle:
            each.close()
        assert homemon("meter-poll", cwd=tmp_path).returncode == 0


def test_where_there_can_be_no_socket_the_listener_says_so_and_listens_and_a_poll_says_why_not(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS, history_days="0")
    socket_of(port_lock(tmp_path / "store", str(tmp_path / "port"))).mkdir()
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path) as listener:
        listener.says("there can be no socket")
        listener.until(lambda lines: any(line.startswith("+power") for line in lines))
        run = homemon("meter-poll", cwd=tmp_path)
        assert (run.returncode, run.stdout) == (1, "")
        assert f"meter-listen (pid {listener.process.pid}) holds the port, and takes no questions" in run.stderr
        assert listener.stop() == 0


def test_a_store_in_a_folder_of_a_long_name_can_be_asked_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80) / ("e" * 80)
    deep.mkdir(parents=True)
    with listening(deep):
        assert homemon("meter-poll", cwd=deep).returncode == 0


def test_nobody_else_may_connect(tmp_path: Path) -> None:
    with listening(tmp_path):
        assert os.stat(socket_in(tmp_path)).st_mode & 0o777 == 0o600
        assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
