"""`homemon discover`, over real multicast on a LAN of the test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from homemon.core.errors import ConfigError
from homemon.echonet.codec import Unit
from homemon.runtime import search, state
from homemon.runtime.context import App
from tests.commands import called, homemon, running
from tests.lan import of_ours, said
from tests.networks import Lan, elsewhere, heater, networks

ID = "FEFFFFFF" + b"homemon-sim-".hex().upper()  # and the unit's digit
DEAF = ("--fault", "deaf")
SENDER = ("--fault", "answer-sender")
HOLDER = """
import socket, sys
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind((sys.argv[1], 3610))
print("held", flush=True)
sys.stdin.read()
"""
LATE = """
import subprocess
from homemon.ports.udp_node import UdpNode
def hears_when(word):
    subprocess.run(("ip", "link", "set", "eth0", word), check=True)
    node.read(0.0)  # what came before, and a look at the interfaces
    print(word, bool(node.read(2.0)), flush=True)
subprocess.run(("ip", "link", "set", "eth0", "down"), check=True)
with UdpNode("0.0.0.0", 3610) as node:
    for word in ("up", "down", "up"):
        hears_when(word)
"""


def configure(folder: Path, lan: Lan, *more: str) -> None:
    """A config.ini that leaves the EcoCute's address out."""
    lines = ["[ecocute]", f"bind = {lan.bind}", *more, "[store]", f"dir = {folder / 'store'}", ""]
    (folder / "config.ini").write_text("\n".join(lines))


def found(folder: Path, lan: Lan, *targets: str) -> dict[str, dict[str, object]]:
    """What `discover --json` finds, by address."""
    run = homemon("discover", "--json", *targets, cwd=folder, before=lan.here)
    nodes = {node["address"]: node for node in json.loads(run.stdout)}
    assert run.returncode == (0 if nodes else 1), run.stderr
    ours = {address for network in lan.networks for address in network.units}
    return {address: node for address, node in nodes.items() if address in ours}


def remembered(folder: Path) -> Unit | None:
    return state.load(folder / "store").units.get("ecocute")


def test_a_unit_is_found_and_the_lines_for_config_ini_are_printed(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    with heater(own_lan, own_lan.units[0], cwd=tmp_path):
        run = homemon("discover", cwd=tmp_path, before=own_lan.here)
    assert (run.returncode, run.stderr) == (0, "")
    who, what, *lines = run.stdout.splitlines()
    assert who.split() == [
        *(own_lan.units[0], "maker", "FFFFFF", "SIM-ECOCUTE", "serial", "000000000001"),
        *("ECHONET", "Lite", "1.14", "ID", ID + "31"),
    ]
    assert what.split() == ["026B01", "EcoCute"]
    assert lines == ["", "[ecocute]", f"host = {own_lan.units[0]}"]


def test_a_hybrid_water_heater_is_named_proposed_and_found_without_an_address(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    with heater(own_lan, own_lan.units[0], "--hybrid", cwd=tmp_path):
        run = homemon("discover", cwd=tmp_path, before=own_lan.here)
        assert (run.returncode, run.stderr) == (0, "")
        what, *lines = run.stdout.splitlines()[1:]
        assert what.split() == ["02A601", "hybrid", "water", "heater"]
        assert lines == ["", "[ecocute]", f"host = {own_lan.units[0]}", "eoj = 02A601"]
        poll = homemon("ecocute-poll", cwd=tmp_path, before=own_lan.here)
        assert poll.returncode == 0, poll.stderr
        assert set(said(poll.stdout)) == {"power", "powerSum", "tank"}
    assert remembered(tmp_path) == Unit(own_lan.units[0], 0x02A601, ID + "31")


LISTS = """
import socket, sys
there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
there.bind((sys.argv[1], 3610))
print("held", flush=True)
while True:
    question, sender = there.recvfrom(1500)
    answer = {0xD6: bytes.fromhex("72 01 D608 03 013001 02A601 05")}.get(question[12], bytes.fromhex("52 00"))
    there.sendto(question[:4] + question[7:10] + question[4:7] + answer, (sender[0], 3610))
"""


def test_a_list_that_contradicts_itself_is_shown_as_far_as_it_goes(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    where = own_lan.units[0]
    words = (*own_lan.networks[0].there, sys.executable, "-c", LISTS, where)
    with subprocess.Popen(words, stdout=subprocess.PIPE) as node:
        try:
            assert node.stdout is not None
            assert node.stdout.readline()
            run = homemon("discover", where, cwd=tmp_path, before=own_lan.here)
        finally:
            node.terminate()
    assert run.returncode == 0
    assert f"{where}: its list promises 3 objects and has 2; shown is what is there" in run.stderr
    assert [line.split()[0] for line in run.stdout.splitlines()[1:3]] == ["013001", "02A601"]


def test_each_of_several_is_found_wherever_its_answers_come_from_and_go_to(tmp_path: Path, lan: Lan) -> None:
    configure(tmp_path, lan)
    with (
        heater(lan, lan.units[0], "--fault", "from-port=49154", cwd=tmp_path),
        heater(lan, lan.units[1], "--number", "2", *SENDER, cwd=tmp_path),
    ):
        nodes = found(tmp_path, lan)
    assert nodes == {
        address: {
            "address": address,
            "version": "1.14",
            "id": f"{ID}3{number}",
            "maker": "FFFFFF",
            "maker_name": None,
            "product": "SIM-ECOCUTE",
            "serial": f"00000000000{number}",
            "objects": [{"eoj": "026B01", "name": "EcoCute"}],
        }
        for number, address in enumerate(lan.units[:2], 1)
    }


def test_of_several_the_first_is_for_config_ini_and_a_person_sees_so(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    first, second = own_lan.units[:2]
    with heater(own_lan, second, cwd=tmp_path), heater(own_lan, first, "--number", "2", cwd=tmp_path):
        run = homemon("discover", cwd=tmp_path, before=own_lan.here)
    assert run.stdout.splitlines()[-3:] == ["[ecocute]", f"host = {first}", f"# host = {second}"]
    assert "several EcoCutes" in run.stderr


def test_one_that_multicast_does_not_reach_is_found_by_its_address_or_network(tmp_path: Path, own_lan: Lan) -> None:
    configure(tmp_path, own_lan)
    with heater(own_lan, own_lan.units[0], *DEAF, cwd=tmp_path):
        run = homemon("discover", cwd=tmp_path, before=own_lan.here)
        by_address = found(tmp_path, own_lan, own_lan.units[0])
        by_network = found(tmp_path, own_lan, f"{own_lan.units[0]}/31")
    assert (run.returncode, run.stdout) == (1, "")
    assert "no ECHONET Lite node answered" in run.stderr
    assert "try `homemon discover 192.168.70.0/24`" in run.stderr
    assert by_address.keys() == by_network.keys() == {own_lan.units[0]}


def test_beside_a_listener_all_are_found_too(tmp_path: Path, lan: Lan) -> None:
    configure(tmp_path, lan, f"host = {lan.units[3]}")
    with (
        running("ecocute-listen", cwd=tmp_path, before=lan.here) as listener,
        heater(lan, lan.units[0], cwd=tmp_path),
        heater(lan, lan.units[1], *SENDER, cwd=tmp_path),
    ):
        lan.wait_for_port()
        nodes = found(tmp_path, lan)
        assert nodes.keys() == set(lan.units[:2])
        assert all(node["serial"] for node in nodes.values())
        assert listener.stop() == 0
        assert of_ours(listener.errors.read_text()) == ""


def test_beside_another_program_those_that_answer_the_asking_port_are_found(tmp_path: Path, lan: Lan) -> None:
    configure(tmp_path, lan)
    with (
        elsewhere(*lan.here, sys.executable, "-c", HOLDER, lan.bind),
        heater(lan, lan.units[0], cwd=tmp_path),
        heater(lan, lan.units[1], *SENDER, cwd=tmp_path),
    ):
        run = homemon("discover", "--json", cwd=tmp_path, before=lan.here)
    asked = {node["address"] for node in json.loads(run.stdout)}
    assert asked & set(lan.units) == {lan.units[1]}
    assert "in use by pid" in run.stderr
    assert "only nodes that answer the asking port are found" in run.stderr


@pytest.mark.usefixtures("own_lan")
def test_each_network_of_a_machine_with_two_is_asked_and_listened_to(tmp_path: Path) -> None:
    with networks(2) as lan:
        configure(tmp_path, lan)
        first, second = (network.units[0] for network in lan.networks)
        with heater(lan, first, cwd=tmp_path), heater(lan, second, "--number", "2", cwd=tmp_path):
            assert found(tmp_path, lan).keys() == {first, second}
        configure(tmp_path, lan, f"host = {first}", "accept = any")
        with running("ecocute-listen", cwd=tmp_path, before=lan.here) as listener:
            lan.wait_for_port()
            for where in (first, second):
                received = len(listener.lines)
                with heater(lan, where, "--inform-every", "0.5", *DEAF, cwd=tmp_path):
                    listener.until(lambda lines, before=received: len(lines) > before)  # type: ignore[misc]


def test_a_network_that_comes_up_later_is_listened_to_as_well(tmp_path: Path, own_lan: Lan) -> None:
    with heater(own_lan, own_lan.units[0], "--inform-every", "0.2", cwd=tmp_path):
        run = subprocess.run((*own_lan.here, sys.executable, "-c", LATE), capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == ["up True", "down False", "up True"], run.stderr


def test_without_a_configuration_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HOMEMON_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    app = App()
    search.with_defaults(app)
    ours = app.device("ecocute")
    assert (ours.host, ours.bind, ours.port) == (None, "0.0.0.0", 3610)
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/elsewhere\n")
    app = App()
    search.with_defaults(app)
    assert (app.device("ecocute").port, app.folder) == (3610, tmp_path / "elsewhere")
    (tmp_path / "config.ini").write_text("[ecocut]\n")
    with pytest.raises(ConfigError, match="no such section"):
        search.with_defaults(App())


@pytest.mark.parametrize(
    ("target", "reported"),
    [
        ("10.0.0.0/21", "at most 1022 addresses"),
        ("fe80::/120", "an IPv4 network"),
        ("192.168.1.0/33", "192.168.1.0/33"),
        ("192.168.1.300", "no IPv4 address"),
        ("water-heater.invalid", "no host that is known"),
        ("10.0.0.0/22 10.0.4.0/30", "these are 1024 addresses"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(target: str, reported: str) -> None:
    run = called("discover", *target.split())
    assert run.exit_code == 2
    assert reported in run.output
