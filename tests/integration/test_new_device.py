"""A device of a class that homemon does not know is one table and one row: the real commands then read and show it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.commands import ENVIRONMENT, PATIENCE, UNCLOSED
from tests.lan import address, node_at
from tests.networks import networks
from tests.new_device import add_device

DEVICE = bytes.fromhex("001B01")
ANSWER = bytes.fromhex("52 02 E0 02 02EE 84 00")  # 750 ppm, and it has no 84


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a homemon that has the device of docs/development.md."""
    folder = tmp_path_factory.mktemp("grown")
    add_device(folder)
    return folder


@pytest.fixture
def sensor() -> Iterator[str]:
    """A CO2 sensor at an address of its own, in literal bytes."""
    host = address()
    with node_at(host) as port:
        port.settimeout(0.1)
        served = True

        def serve() -> None:
            while served:
                try:
                    data, sender = port.recvfrom(2048)
                except TimeoutError:
                    continue
                if data[7:10] == DEVICE and data[10] == 0x62:
                    port.sendto(data[:4] + DEVICE + data[4:7] + ANSWER, sender)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield host
        served = False
        thread.join(PATIENCE)


def homemon(
    grown: Path, *arguments: str, cwd: Path, before: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    """`homemon ARGUMENTS` of the copy, in the folder `cwd`."""
    run = subprocess.run(
        (*before, sys.executable, "-m", "homemon", *arguments),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=ENVIRONMENT | {"PYTHONPATH": os.fspath(grown)},
        check=False,
    )
    assert UNCLOSED not in run.stderr, run.stderr
    return run


def write(folder: Path, text: str) -> None:
    (folder / "config.ini").write_text(f"{text}\n[store]\ndir = {folder}/store\n")


def configure(folder: Path, host: str) -> None:
    write(folder, f"[co2]\nhost = {host}\nbind = {address()}")


def test_it_is_polled_and_every_command_that_shows_readings_shows_it(grown: Path, sensor: str, tmp_path: Path) -> None:
    configure(tmp_path, sensor)
    before = homemon(grown, "status", cwd=tmp_path)
    assert (before.returncode, before.stdout.splitlines()[0]) == (
        1,
        "[co2] is configured, and nothing was ever recorded",
    )

    polled = homemon(grown, "device-poll", "co2", "--trace", "trace.txt", cwd=tmp_path)
    assert (polled.returncode, polled.stderr) == (0, "")
    assert re.fullmatch(r"co2 ppm=750 \d{10}0{9}\n", polled.stdout)

    status = homemon(grown, "status", cwd=tmp_path)
    assert status.returncode == 0
    assert re.search(r"\nCO2 sensor\n  CO2  co2 ppm +750 ppm .* s +1\n", status.stdout)
    assert homemon(grown, "export", "--measurement", "co2", cwd=tmp_path).stdout == polled.stdout
    assert "\nhomemon_co2_ppm 750\n" in homemon(grown, "metrics", cwd=tmp_path).stdout
    found = homemon(grown, "check", cwd=tmp_path).stdout
    assert f"ok      co2: {sensor} answers: ppm" in found
    assert "warning start: nothing starts device-poll co2." in found

    again = tmp_path / "again"
    again.mkdir()
    configure(again, sensor)
    replayed = homemon(grown, "replay", str(tmp_path / "trace.txt"), cwd=again)
    own = [line for line in replayed.stdout.splitlines(True) if line.startswith("co2 ")]  # the loopback is everybody's
    assert own == [polled.stdout]


LISTED = """
import socket, sys
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("0.0.0.0", 3610))
everybody = socket.inet_aton("224.0.23.0") + socket.inet_aton(sys.argv[1])
node.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, everybody)
print("ready", flush=True)
ANSWERS = {0xD6: "72 01 D6 04 01 001B01", 0x82: "52 01 83 11 FE 000077" + "0B" * 13, 0xE0: "52 02 E0 02 02EE 84 00"}
while True:
    asked, sender = node.recvfrom(1500)
    answer = bytes.fromhex(ANSWERS.get(asked[12], "52 00"))
    source = asked[7:10] if asked[7:9] == bytes.fromhex("001B") else bytes.fromhex("0EF001")
    node.sendto(asked[:4] + source + asked[4:7] + answer, (sender[0], 3610))
"""


def test_without_an_address_it_is_found_and_remembered_by_its_own_section(grown: Path, tmp_path: Path) -> None:
    with networks() as lan:
        if not lan.here:
            pytest.skip("network namespaces (unshare -n) cannot be made here, which takes root")
        write(tmp_path, "[co2]")
        where = lan.units[0]
        words = (*lan.networks[0].there, sys.executable, "-c", LISTED, where)
        with subprocess.Popen(words, stdout=subprocess.PIPE) as node:
            try:
                assert node.stdout is not None
                assert node.stdout.readline() == b"ready\n"
                polled = homemon(grown, "device-poll", "co2", cwd=tmp_path, before=lan.here)
            finally:
                node.terminate()
    assert (polled.returncode, polled.stderr) == (0, "")
    assert polled.stdout.startswith("co2 ppm=750 ")
    kept = tomllib.loads((tmp_path / "store/state.toml").read_text())
    assert kept["co2"]["unit"] == {"host": where, "eoj": "001B01", "id": "FE000077" + "0B" * 13}


def test_the_page_draws_it(grown: Path, sensor: str, tmp_path: Path) -> None:
    configure(tmp_path, sensor)
    assert homemon(grown, "device-poll", cwd=tmp_path).returncode == 0
    homemon(grown, "graph", "--lang", "ja", "-o", "page.html", cwd=tmp_path)
    page = (tmp_path / "page.html").read_text()
    assert '<section class="panel" id="co2"><header><h2>CO2センサー' in page
    card = page[page.index('id="card-co2"') :]
    assert "CO2濃度" in card[: card.index("</h2>")]
    assert '<span class="value">750</span> <span class="unit">ppm</span>' in card[: card.index("</div>")]
    data = json.loads(re.search(r'(\{"now".*)</script>', page)[1])  # type: ignore[index]
    assert data["series"]["readings"]["co2"][1] == [750]
    assert [panel["name"] for panel in data["panels"]] == ["co2"]


def test_a_device_that_cannot_be_asked_keeps_no_other_from_it(grown: Path, sensor: str, tmp_path: Path) -> None:
    write(tmp_path, f"[ecocute]\nbind = 192.0.2.1\nhost = {sensor}\n[co2]\nhost = {sensor}\nbind = {address()}")
    polled = homemon(grown, "device-poll", cwd=tmp_path)
    assert polled.returncode == 1
    assert "192.0.2.1 is no address of this machine" in polled.stderr
    assert polled.stdout.startswith("co2 ppm=750 ")


def test_decode_explains_its_frames(grown: Path, tmp_path: Path) -> None:
    answer = "1081 0001 001B01 05FF01 72 03 E0 02 02EE B1 01 42 84 02 FFFE"
    said = homemon(grown, "decode", answer, cwd=tmp_path).stdout
    assert "from CO2 sensor 001B01 to controller 05FF01" in said
    assert [line.strip() for line in said.splitlines()[1:]] == [
        "E0 CO2: 750 ppm",
        "B1 detection: not detected",
        "84 power: underflow (FFFE)",
    ]


def test_one_that_is_not_configured_is_reported(grown: Path, tmp_path: Path) -> None:
    write(tmp_path, "[co2]\nhots = 192.0.2.1")
    faulty = homemon(grown, "device-poll", "co2", cwd=tmp_path)
    assert faulty.returncode == 2
    assert "[co2] hots: no such key; there are host, bind, port, eoj, accept" in faulty.stderr
    write(tmp_path, "[ecocute]")
    missing = homemon(grown, "device-poll", "co2", cwd=tmp_path)
    assert missing.returncode == 2
    assert "there is no [co2], which this command needs" in missing.stderr
