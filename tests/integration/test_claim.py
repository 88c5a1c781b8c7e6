"""Two commands for one port: each gets its turn, and only a listener is left to do the work."""

from contextlib import closing
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from threading import Thread

from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import (
    LOADED,
    PATIENCE,
    catches_sigterm,
    fill,
    homemon,
    running,
    simulated,
    small_disk,
    wait_for,
    write_config,
)
from tests.integration.test_meter_commands import ADDRESS, POWER
from tests.stores import put


def test_two_polls_at_once_both_get_their_answers(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path, pace=0.5) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        printed: list[str] = []

        def poll(*epcs: str) -> None:
            printed.extend(homemon("meter-poll", *epcs, cwd=tmp_path).stdout.splitlines())

        polls = [Thread(target=poll, args=epcs) for epcs in (("E7",), ("EA", "EB"), ("E8",))]
        for thread in polls:
            thread.start()
        for thread in polls:
            thread.join(90)
    assert {line.split()[0] for line in printed} == {"power", "+power", "-power", "current"}


def test_a_listener_starts_when_the_poll_before_it_is_done(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path, pace=2.0) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("meter-poll", cwd=tmp_path) as poll:
            wait_for(lambda: "meter-poll" in lock_of(tmp_path))
            with running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
                listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines))
                assert poll.stop() == 0
                assert listener.stop() == 0
        assert len(poll.lines) == 1


def test_a_listener_that_waits_for_its_turn_can_be_ended(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path, faults={"lose-answers": 1}) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("meter-poll", cwd=tmp_path):
            wait_for(lambda: "meter-poll" in lock_of(tmp_path))
            with running("-v", "meter-listen", cwd=tmp_path) as listener:
                wait_for(lambda: catches_sigterm(listener.process.pid))
                assert listener.stop(within=2.0 + LOADED) == 0


def test_a_port_that_comes_back_as_another_device_is_still_the_listeners(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path) as device, running("meter-listen", cwd=tmp_path) as listener:
        listener.until(lambda lines: any(line.startswith("+power") for line in lines))
        before = device.path.resolve()
        listener.process.send_signal(SIGSTOP)  # it holds the old device open, so that its number is not free
        device.unplug()
        device.plug()
        listener.process.send_signal(SIGCONT)
        assert device.path.resolve() != before
        listener.says(f"{tmp_path}/port is back")
        poll = homemon("meter-poll", cwd=tmp_path)
        assert (poll.returncode, poll.stderr) == (0, "")
        assert POWER.fullmatch(poll.stdout.strip())
        second = homemon("-q", "meter-listen", cwd=tmp_path)
        assert (second.returncode, second.stderr) == (0, "")
        assert listener.stop() == 0


def lock_of(folder: Path) -> str:
    """What the owner of the port wrote into its lock."""
    return "".join(path.read_text() for path in folder.glob("store/*.lock"))


def test_a_listener_that_began_on_a_full_disk_is_known_to_the_polls(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with (
        small_disk(tmp_path / "store", "1m"),
        simulated(tmp_path) as device,
        closing(Store(tmp_path / "store")) as store,
    ):
        device.call(lambda module: setattr(module.radio, "session", True))
        put(store, Point("power", {"value": 1}))  # another listener, which holds the store open
        filler = fill(tmp_path / "store")
        with running("meter-listen", cwd=tmp_path) as listener:
            listener.says("wait in memory")
            assert lock_of(tmp_path) == ""  # it could not write who it is
            filler.unlink()
            poll = homemon("meter-poll", cwd=tmp_path)
            assert POWER.fullmatch(poll.stdout.splitlines()[-1])
            listener.until(lambda lines: any(POWER.fullmatch(line) for line in lines))


def test_a_stdout_that_takes_nothing_does_not_end_a_listener(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
        assert listener.process.stdout is not None
        listener.process.stdout.close()
        listener.process.stdout = None
        wait_for(lambda: homemon("export", "--measurement", "power", cwd=tmp_path).stdout.count("power") >= 2)
        assert "stored all the same" in listener.errors.read_text()
        listener.process.terminate()
        assert listener.process.wait(PATIENCE) == 0
