"""That the safeguards matter: the same fate with and without each of them, and what the judge finds.

The commands are real processes. `tests.longrun.chaos.altered` takes a safeguard away from one of them, and lets
fate strike at the very moment for which the safeguard is there.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from signal import SIGCONT, SIGKILL

import pytest

from homemon.ports.udp_node import LOOK_AGAIN
from tests.commands import running, simulated, wait_for, write_config
from tests.filesystems import mounted
from tests.integration.test_meter_commands import ADDRESS
from tests.longrun.chaos.judge import judge
from tests.longrun.chaos.places import SERVERS
from tests.longrun.chaos.run import ALTERED, ALTERED_ENVIRONMENT, Run
from tests.longrun.chaos.system import System, running_system
from tests.networks import heater, networks


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A system that has joined the meter's network, in which no half-hour comes in between."""
    with running_system(tmp_path, "hurried", speed=2.0) as found:
        yield found


@pytest.mark.parametrize(("without", "lost"), [("", 0), ("prints_first,", 1)])
def test_what_is_printed_is_stored_because_the_commit_comes_first(system: System, without: str, lost: int) -> None:
    run = system.start("meter-poll", altered=without + "dies_at_commit")
    assert run.wait() == -SIGKILL
    assert 0xE7 in [row.epc for row in system.meter.module.truth]
    verdict = judge(system.evidence())
    assert len(verdict.lost) == lost
    assert verdict.faults == verdict.lost


@pytest.mark.parametrize(
    ("without", "wrong"), [("", []), ("sends_first,", ["server"]), ("sends_first=backup,", ["backup"])]
)
def test_what_a_server_holds_is_stored_because_the_commit_comes_first(
    system: System, without: str, wrong: list[str]
) -> None:
    run = system.start("meter-poll", altered=without + "dies_at_commit")
    assert run.wait() == -SIGKILL
    verdict = judge(system.evidence())
    assert named(verdict.faults, "is in the {}, None is stored") == wrong


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("without", "lost"), [("", False), ("marks_first={},", True)])
def test_what_was_not_sent_is_sent_later_because_only_the_servers_word_counts(
    system: System, server: str, without: str, lost: bool
) -> None:
    run = system.start("meter-poll", altered=without.format(server) + f"dies_at_send={server}")
    assert run.wait() == -SIGKILL
    system.run("upload")
    verdict = judge(system.evidence())
    assert verdict.stored == 1
    assert named(verdict.faults, "is stored, and not in the {}") == [server] * lost


@pytest.mark.parametrize(("without", "lost"), [("", False), ("marks_first=mqtt,", True)])
def test_what_was_not_published_is_published_later_because_only_the_brokers_word_counts(
    system: System, without: str, lost: bool
) -> None:
    system.run("meter-poll")
    let_a_second_pass()
    run = system.start("meter-poll", altered=f"{without}dies_at_send=mqtt")
    assert run.wait() == -SIGKILL
    assert system.start("upload", altered=without.strip(",")).wait() == 0
    verdict = judge(system.evidence())
    assert ["homemon/power is" in fault for fault in verdict.faults] == [True] * lost


@pytest.mark.parametrize(("without", "outdated"), [("", False), ("sends_together", True)])
def test_nothing_old_is_published_after_what_is_new_because_one_process_publishes_at_a_time(
    system: System, without: str, outdated: bool
) -> None:
    first = system.start("meter-poll", altered="stops_at_send=mqtt")
    wait_until_stopped(first)
    let_a_second_pass()
    assert system.start("meter-poll", altered=without).wait() == 0
    first.process.send_signal(SIGCONT)
    assert first.wait() == 0
    system.run("upload")
    verdict = judge(system.evidence())
    assert ["was published after one of" in fault for fault in verdict.faults] == [True] * outdated


@pytest.mark.parametrize(("without", "lost"), [("", False), ("trusts_success", True)])
def test_home_assistant_has_the_hours_that_it_lost_because_they_are_read_back(
    system: System, without: str, lost: bool
) -> None:
    system.home.write_after(10.0)
    run = system.start("kyocera-dump", altered=without)
    wait_for(lambda: system.home.has_taken() and (not without or not run.alive), reported=lambda: run.errors)
    system.home.kill()
    system.home.start()
    assert run.wait() == 0
    assert system.start("upload", altered=without).wait() == 0
    verdict = judge(system.evidence())
    assert any("homemon:solar: the hour of" in fault for fault in verdict.faults) == lost
    assert bool(verdict.faults) == lost


@pytest.mark.parametrize(("without", "lost"), [("", []), (",accounts_later", ["backup"])])
def test_what_was_not_sent_is_sent_later_because_one_commit_writes_a_reading_and_who_lacks_it(
    system: System, without: str, lost: list[str]
) -> None:
    system.run("meter-poll", "E8")
    run = system.start("meter-poll", altered="dies_after_commit" + without)
    assert run.wait() == -SIGKILL
    system.run("upload")
    verdict = judge(system.evidence())
    assert verdict.stored == 2
    assert named(verdict.faults, "is stored, and not in the {}") == lost


@pytest.mark.parametrize(("without", "lost"), [("", []), ("begins_empty", ["backup"])])
def test_a_server_that_is_new_gets_what_was_stored_before_because_its_account_begins_with_that(
    system: System, without: str, lost: list[str]
) -> None:
    config = system.folder / "config.ini"
    both = config.read_text()
    config.write_text(both[: both.index("[server backup]")])
    system.run("meter-poll")
    config.write_text(both)
    assert system.start("upload", altered=without).wait() == 0
    assert named(judge(system.evidence()).faults, "is stored, and not in the {}") == lost


@pytest.mark.parametrize(("without", "stolen"), [("", 0), ("shares_port", 1)])
def test_an_answer_reaches_the_one_who_waits_for_it_because_the_port_has_one_owner(
    system: System, without: str, stolen: int
) -> None:
    first = system.start("meter-poll", "E7", altered="stops_when_asked")
    wait_until_stopped(first)
    wait_for(lambda: 0xE7 in [row.epc for row in system.meter.module.truth])  # its answer waits in the port
    second = system.start("meter-poll", "E8", altered=without)
    assert second.wait() == (0 if without else 1)
    assert has(second, "current") == bool(without)
    assert ("another homemon command (meter-poll, pid" in second.errors) == (not without), second.errors
    first.process.send_signal(SIGCONT)
    assert first.wait() == 0, first.errors
    verdict = judge(system.evidence())
    assert sum(text.startswith("power ") for text in verdict.unheard) == stolen
    assert verdict.faults == []


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("without", "outdated"), [("", False), ("sends_together", True)])
def test_a_server_ends_with_the_last_value_because_one_process_sends_at_a_time(
    system: System, server: str, without: str, outdated: bool
) -> None:
    first = system.start("kyocera-dump", altered=f"stops_at_send={server}")
    wait_until_stopped(first)
    system.solar.correction = 1
    second = system.start("kyocera-dump", altered=without)
    assert second.wait() == 0
    first.process.send_signal(SIGCONT)
    assert first.wait() == 0
    system.run("upload")
    verdict = judge(system.evidence())
    assert (server in named(verdict.wrong, "is in the {}, ")) == outdated
    assert verdict.lost == []


@pytest.mark.parametrize(("without", "goes_on"), [("", True), ("waits_for_readers", False)])
def test_a_listener_goes_on_while_nobody_reads_because_it_does_not_write_itself(
    system: System, without: str, goes_on: bool
) -> None:
    listener = system.start("meter-listen", altered=without, unread=True)
    wait_for(lambda: "-power" in stored(system), reported=lambda: listener.errors)
    poll = system.start("meter-poll", "E0")
    assert poll.wait() == (0 if goes_on else 1), poll.errors
    assert has(poll, "energy") == ("energy" in stored(system)) == goes_on
    if goes_on:
        assert listener.stop() == 0
    else:
        assert f"meter-listen (pid {listener.process.pid}) hangs" in poll.errors
        listener.process.terminate()
        assert not listener.ends_within(2.0)
        assert "energy" not in stored(system)


@pytest.mark.parametrize(("without", "status"), [("", 0), (",reads_proc_locks", 1)])
def test_a_poll_leaves_its_question_to_the_listener_because_the_kernel_says_who_holds_the_port(
    tmp_path: Path, without: str, status: int
) -> None:
    write_config(tmp_path, address=ADDRESS)
    with mounted("btrfs", tmp_path) as inside, simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("meter-listen", cwd=tmp_path, before=inside) as listener:
            listener.until(lambda lines: any(line.startswith("+power") for line in lines))
            poll = subprocess.run((*inside, *ALTERED, f"hurried{without}", "meter-poll"), env=ALTERED_ENVIRONMENT)
            assert poll.returncode == status
            assert listener.stop() == 0


@pytest.mark.parametrize(("without", "receives_again"), [("", True), (",joins_once", False)])
def test_a_listener_receives_everybody_again_because_it_joins_their_group_again(
    tmp_path: Path, without: str, receives_again: bool
) -> None:
    altered = ("env", f"PYTHONPATH={ALTERED_ENVIRONMENT['PYTHONPATH']}", *ALTERED, f"hurried{without}")
    with networks() as lan:
        if not lan.here:
            assert not os.environ.get("CI"), "network namespaces (unshare -n) cannot be made here"
            pytest.skip("network namespaces (unshare -n) cannot be made here, which takes root")
        unit, (network,), store = lan.units[0], lan.networks, tmp_path / "store"
        (tmp_path / "config.ini").write_text(f"[ecocute]\nhost = {unit}\n[store]\ndir = {store}\n")
        with running("ecocute-listen", cwd=tmp_path, before=lan.here, program=altered) as listener:
            with heater(lan, unit, "--inform-every", "0.3", cwd=tmp_path):
                listener.until(lambda lines: len(lines) > 2)
            for where, words in (
                (lan.here, "link delete eth0"),
                (lan.here, f"link add eth0 type veth peer name eth0 netns {network.there[2]}"),
                (lan.here, f"address add {network.ours}/24 dev eth0"),
                (lan.here, "link set eth0 up"),
                (network.there, f"address add {unit}/24 dev eth0"),
                (network.there, "link set eth0 up"),
            ):
                subprocess.run((*where, "ip", *words.split()), check=True)
            again, within = time.time() + 1, 30.0 if receives_again else 2 * LOOK_AGAIN
            with (
                heater(lan, unit, "--inform-every", "0.3", cwd=tmp_path),
                nullcontext() if receives_again else pytest.raises(AssertionError),
            ):
                listener.until(lambda lines: int(lines[-1].split(" ")[-1]) > again * 1e9, within)


def named(faults: list[str], text: str) -> list[str]:
    """The servers that the faults with such a text are about."""
    return [server for fault in faults for server in SERVERS if text.format(server) in fault]


def let_a_second_pass() -> None:
    """Readings are dated by the second."""
    until = time.time() + 1
    wait_for(lambda: time.time() >= until)


def wait_until_stopped(run: Run) -> None:
    """Wait until a fate has stopped it."""
    wait_for(lambda: os.waitpid(run.process.pid, os.WUNTRACED | os.WNOHANG) != (0, 0), reported=lambda: run.errors)


def stored(system: System) -> set[str]:
    """The measurements of which the store holds something."""
    return {line.split(" ")[0] for line in system.evidence().stored}


def has(run: Run, measurement: str) -> bool:
    """Whether it has printed a point of a series."""
    return any(line.startswith(f"{measurement} ") for line in run.printed)
