"""Locks: who holds one is known on every file system, and none that cannot be had ends a listener."""

import errno
import fcntl
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from homemon.core.errors import StoreError
from homemon.core.files import LOCK_TEXT, Holder, Lock
from tests.commands import LOADED, homemon, running, simulated, small_disk, write_config
from tests.filesystems import MOUNTS, mounted
from tests.integration.test_meter_commands import ADDRESS

HOLD = """
import sys
from homemon.core.files import Lock
lock = Lock(__import__("pathlib").Path(sys.argv[1]))
assert lock.take(name=sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


HOLD_AS_0_1 = """
import fcntl, os, sys
file = open(sys.argv[1], "w+")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(f"{os.getpid()} {sys.argv[2]}".ljust(64))
file.flush()
print("held", flush=True)
sys.stdin.read()
"""


def held_elsewhere(path: Path, name: str = "meter-listen", script: str = HOLD) -> "subprocess.Popen[str]":
    """Another process that holds the lock until its stdin is closed."""
    process = subprocess.Popen(
        (sys.executable, "-c", script, str(path), name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_has_the_holder_that_took_it_until_it_lets_go(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "a.lock")
    assert lock.holder() is None
    with held_elsewhere(tmp_path / "a.lock") as process:
        assert lock.holder() == Holder(process.pid, "meter-listen")
        assert not lock.take()
        process.communicate()
    assert lock.holder() is None
    assert lock.take(name="meter-poll")
    assert Lock(tmp_path / "a.lock").holder() == Holder(os.getpid(), "meter-poll")


@pytest.mark.parametrize("text", ["1 meter-listen", "999999999 meter-listen", "meter-listen", "", "\0\xff"])
def test_a_text_that_its_writer_left_behind_names_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.lock"
    path.write_text(text.ljust(LOCK_TEXT))
    assert Lock(path).holder() is None


def test_a_text_of_another_process_is_not_taken_for_the_holders_name(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with held_elsewhere(path, "discover") as process:
        path.write_text("1 ecocute-listen".ljust(LOCK_TEXT))
        assert Lock(path).holder() == Holder(process.pid, "")
        process.communicate()


def test_who_has_the_file_open_only_to_look_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with held_elsewhere(path) as process:
        with path.open() as _:
            assert Lock(path).holder() == Holder(process.pid, "meter-listen")
        process.communicate()


def test_a_holder_of_version_0_1_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with held_elsewhere(path, script=HOLD_AS_0_1) as process:
        assert Lock(path).holder() == Holder(process.pid, "meter-listen")
        process.communicate()
    assert Lock(path).holder() is None


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_a_file_system_without_locks_is_named_and_what_to_do(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StoreError, match=f"the file system of {tmp_path} has no locks") as caught:
        Lock(tmp_path / "a.lock").take()
    assert "local disk in [store] dir" in caught.value.hint


@pytest.mark.parametrize("kind", MOUNTS)
def test_everybody_sees_who_holds_the_port_on_every_file_system(tmp_path: Path, kind: str) -> None:
    write_config(tmp_path, address=ADDRESS)
    with mounted(kind, tmp_path) as inside, simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("-v", "meter-listen", cwd=tmp_path, before=inside) as listener:
            listener.until(lambda lines: any(line.startswith("+power") for line in lines))
            begun = monotonic()
            poll = homemon("-v", "meter-poll", cwd=tmp_path, before=inside)
            assert (poll.returncode, poll.stdout.startswith("power ")) == (0, True), poll.stderr
            second = homemon("-v", "meter-listen", cwd=tmp_path, before=inside)
            assert (second.returncode, second.stderr) == (
                0,
                "another meter-listen runs already, and goes on; this one ends\n",
            )
            assert monotonic() - begun < 10.0 + LOADED
            listener.until(lambda lines: any(line.startswith("power") for line in lines))
            pid = listener.process.pid
            assert f"meter-listen: runs, pid {pid}\n" in homemon("status", cwd=tmp_path, before=inside).stdout
            assert listener.stop() == 0
        assert "meter-listen: does not run\n" in homemon("status", cwd=tmp_path, before=inside).stdout


def test_a_listener_joins_again_where_there_are_no_inodes_left(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with small_disk(tmp_path / "store", "8m,nr_inodes=40"), simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
            listener.until(lambda lines: any(line.startswith("power") for line in lines))
            use_up_inodes(tmp_path / "store")
            device.fault("power-cycle")  # the session is lost
            listener.says("joined")
            already = len(listener.lines)
            listener.until(lambda lines: any(line.startswith("power") for line in lines[already:]))
            assert listener.stop() == 0


def test_a_listener_joins_again_where_no_more_files_may_be_opened(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
            listener.until(lambda lines: any(line.startswith("power") for line in lines))
            pid = listener.process.pid
            opened = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()) + 1
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened, opened))
            device.fault("power-cycle")
            listener.says("joined")
            already = len(listener.lines)
            listener.until(lambda lines: any(line.startswith("power") for line in lines[already:]))
            assert listener.stop() == 0


def use_up_inodes(folder: Path) -> None:
    """Make files until no more can be made."""
    for number in range(1000):
        try:
            (folder / f"filler-{number}").touch()
        except OSError:
            return
    raise AssertionError("there are inodes for ever")
