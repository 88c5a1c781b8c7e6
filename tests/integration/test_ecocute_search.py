"""An EcoCute whose address nobody wrote down, over real multicast on a LAN of the test."""

import json
import subprocess
from pathlib import Path

import pytest

from homemon.core.errors import DeviceError, NoAnswer
from homemon.echonet.codec import Unit
from homemon.ports.udp_node import UdpNode
from homemon.runtime import search, state
from homemon.runtime.context import App
from homemon.runtime.lan import Lan as OurLan
from tests.commands import homemon, running
from tests.integration.test_discover_commands import ID, configure, remembered
from tests.lan import said
from tests.networks import Lan, heater


def test_a_poll_finds_the_unit_remembers_it_and_asks_it_alone_the_next_time(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    with heater(own_lan, own_lan.units[0], cwd=tmp_path):
        first = homemon("ecocute-poll", cwd=tmp_path, before=own_lan.here)
        second = homemon("ecocute-poll", "--trace", "trace.txt", cwd=tmp_path, before=own_lan.here)
        check = homemon("check", cwd=tmp_path, before=own_lan.here)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert said(first.stdout).keys() == {"power", "powerSum", "tank"}
    assert remembered(tmp_path) == Unit(own_lan.units[0], 0x026B01, ID + "31")
    assert len((tmp_path / "trace.txt").read_text().splitlines()) == 2
    assert f"ok      ecocute: 026B01 at {own_lan.units[0]} answers" in check.stdout


def test_one_that_moved_is_found_by_its_id_and_no_other_is_taken(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    old, other, new = own_lan.units[:3]
    state.change(tmp_path / "store", lambda kept: kept._replace(units={"ecocute": Unit(old, 0x026B01, ID + "31")}))
    with (
        heater(own_lan, other, "--number", "2", cwd=tmp_path),
        heater(own_lan, new, "--truth", "truth.jsonl", cwd=tmp_path),
    ):
        run = homemon("ecocute-poll", cwd=tmp_path, before=own_lan.here)
    assert run.returncode == 0, run.stderr
    reported = [json.loads(line)["value"] for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert list(said(run.stdout).values()) == reported
    assert remembered(tmp_path) == Unit(new, 0x026B01, ID + "31")


def test_between_two_units_a_poll_asks_a_person_to_choose(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    with (
        heater(own_lan, own_lan.units[0], cwd=tmp_path),
        heater(own_lan, own_lan.units[1], "--number", "2", cwd=tmp_path),
    ):
        run = homemon("-q", "ecocute-poll", cwd=tmp_path, before=own_lan.here)
    assert (run.returncode, run.stdout) == (1, "")
    assert "several EcoCutes" in run.stderr
    assert all(f"{address} (ID {ID}3" in run.stderr for address in own_lan.units[:2])
    assert "[ecocute] host" in run.stderr
    assert remembered(tmp_path) is None


def test_where_none_answers_a_poll_says_what_to_do(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    run = homemon("-q", "ecocute-poll", cwd=tmp_path, before=own_lan.here)
    assert (run.returncode, run.stdout) == (1, "")
    assert "no EcoCute answered on the LAN" in run.stderr
    assert "homemon discover" in run.stderr


def test_a_listener_finds_the_unit_when_it_comes_and_loses_no_notification(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    unit = ("--inform-every", "3600", "--truth", "truth.jsonl")
    with running("ecocute-listen", cwd=tmp_path, before=own_lan.here) as listener:
        listener.says("no EcoCute answered on the LAN")
        with heater(own_lan, own_lan.units[0], *unit, cwd=tmp_path):
            listener.until(bool)
            listener.says(f"the EcoCute is at {own_lan.units[0]}")
            poll = homemon("-v", "ecocute-poll", cwd=tmp_path, before=own_lan.here)
            assert poll.returncode == 0, poll.stderr
            listener.until(lambda lines: len(lines) > 1)
        assert listener.stop() == 0
    reported = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [row["pushed"] for row in reported] == [True] * 3 + [False] * 3
    assert [value for line in listener.lines for value in said(line).values()] == [row["value"] for row in reported]
    received = int(listener.lines[0].split()[2]) // 1_000_000_000
    assert 0 <= received - int(reported[0]["time"]) <= 2  # when it came; the search ended more than four seconds later
    assert remembered(tmp_path) == Unit(own_lan.units[0], 0x026B01, ID + "31")


def test_a_listener_goes_on_with_a_unit_that_moved(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    with running("ecocute-listen", cwd=tmp_path, before=own_lan.here) as listener:
        for address in own_lan.units[:2]:
            received = len(listener.lines)
            with heater(own_lan, address, "--inform-every", "1", cwd=tmp_path):
                listener.until(lambda lines, before=received: len(lines) > before)  # type: ignore[misc]
                listener.says(f"the EcoCute is at {address}")
        assert listener.stop() == 0
    assert remembered(tmp_path) == Unit(own_lan.units[1], 0x026B01, ID + "31")


def test_a_poll_during_a_listener_finds_one_that_moved_and_the_listener_receives_it(
    tmp_path: Path, own_lan: Lan
) -> None:
    configure(tmp_path, own_lan)
    state.change(
        tmp_path / "store", lambda kept: kept._replace(units={"ecocute": Unit(own_lan.units[0], 0x026B01, ID + "31")})
    )
    with (
        running("ecocute-listen", cwd=tmp_path, before=own_lan.here) as listener,
        heater(own_lan, own_lan.units[1], cwd=tmp_path),
    ):
        own_lan.wait_for_port()
        poll = homemon("ecocute-poll", cwd=tmp_path, before=own_lan.here)
        assert poll.returncode == 0, poll.stderr
        listener.until(bool)
        assert listener.stop() == 0
    assert listener.lines == poll.stdout.splitlines()
    assert len(listener.lines) == 1


def test_one_that_does_not_answer_is_searched_for_only_now_and_then(
    tmp_path: Path, lan: Lan, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, lan)
    unit, silence = Unit(lan.units[0], 0x026B01, ID + "31"), NoAnswer("it did not answer")
    app = App(str(tmp_path / "config.ini"))
    state.change(app.folder, lambda kept: kept._replace(units={"ecocute": unit}))
    ours, searches = OurLan(app), []
    nowhere = UdpNode("127.0.0.1", 0)

    def find(lan: OurLan, node: object) -> None:
        searches.append(lan)
        raise DeviceError("another one is there", "Choose.")

    monkeypatch.setattr(search, "find", find)
    with pytest.raises(NoAnswer, match="it did not answer; another one is there") as caught:
        search.find_again(ours, nowhere, silence)
    assert caught.value.hint == "Choose."
    assert not search.find_again(ours, nowhere, silence)
    assert len(searches) == 1
    state.change(app.folder, lambda kept: kept._replace(units={"ecocute": unit._replace(host=lan.units[1])}))
    assert search.find_again(ours, nowhere, silence)  # another command found it meanwhile
    assert (ours.host, len(searches)) == (lan.units[1], 1)
    nowhere.close()


@pytest.mark.parametrize("bound", [False, True], ids=["0.0.0.0", "own address"])
def test_a_listener_receives_again_whatever_happened_to_its_interface(
    tmp_path: Path, own_lan: Lan, bound: bool
) -> None:
    there, ours = own_lan.networks[0].there, own_lan.networks[0].ours
    bind = f"bind = {ours if bound else '0.0.0.0'}"
    lines = ["[ecocute]", bind, f"host = {own_lan.units[0]}", "[store]", f"dir = {tmp_path / 'store'}", ""]
    (tmp_path / "config.ini").write_text("\n".join(lines))
    own = f"address {{}} {ours}/24 dev eth0"
    other = f"address {{}} {ours.rpartition('.')[0]}.77/24 dev eth0"
    cable = f"link add eth0 type veth peer name eth0 netns {there[2]}"
    up, informing = "link set eth0 up", ("--inform-every", "0.3")

    def ip(*commands: str, where: tuple[str, ...] = own_lan.here) -> None:
        for words in commands:
            subprocess.run((*where, "ip", *words.split()), check=True)

    with running("ecocute-listen", cwd=tmp_path, before=own_lan.here) as listener:

        def receives() -> None:
            listener.lines.clear()
            listener.until(lambda lines: len(lines) > 2)

        with heater(own_lan, own_lan.units[0], *informing, cwd=tmp_path):
            receives()
            for commands in (("link set eth0 down", up), (own.format("del"), own.format("add"))):
                ip(*commands)
                receives()
            ip(own.format("del"), other.format("add"))
            if bound:
                listener.says(f"{ours} ([ecocute] bind) is no address of this machine any more")
            else:
                receives()
            ip(other.format("del"), own.format("add"))
            receives()
        ip("link delete eth0", cable, own.format("add"), up)
        ip(f"address add {own_lan.units[0]}/24 dev eth0", up, where=there)
        with heater(own_lan, own_lan.units[0], *informing, cwd=tmp_path):
            receives()
        assert listener.stop() == 0
