"""The Home Assistant add-on: its options become config.ini, and what they name is kept running."""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from homemon.config.read import load
from tests.addon import ADDON
from tests.commands import wait_for

BID, PWD, PASSWORD = "00112233445566778899AABBCCDDEEFF", "0123456789AB", "ひみつ ; # %s $x = [y] 'z\""
OPTIONS: dict[str, Any] = {
    "language": "en",
    "smartmeter": {"enabled": True, "bid": BID, "pwd": PWD, "serial_port": "/dev/serial/by-id/usb-1"},
    "ecocute": {"enabled": True},
    "kyocera": {"enabled": False, "transport": "i2c"},
    "contract": [
        {"since": "2024-04-01", "plan": "tepco-juryo-b", "ampere": 40, "reading_day": 12, "sell": ""},
        {"since": "2026-10-01", "plan": "tepco-juryo-b", "ampere": 50},
    ],
    "server": {"url": "http://192.168.1.10", "user": "homemon", "password": PASSWORD},
    "mqtt": {"host": "127.0.0.1", "port": 1883, "user": "homemon", "password": PASSWORD},
    "homeassistant": {},
    "notify": {},
    "serve": {"password": ""},
}


def converted(folder: Path, options: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    (folder / "options.json").write_text(json.dumps(options))
    words = (sys.executable, "-B", ADDON / "options.py", folder / "options.json", folder / "homemon" / "config.ini")
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_options_become_the_sections_that_are_enabled_or_filled(tmp_path: Path) -> None:
    assert converted(tmp_path, OPTIONS).returncode == 0
    config = load(tmp_path / "homemon" / "config.ini")
    assert config.smartmeter is not None
    assert (config.smartmeter.bid, config.smartmeter.pwd) == (BID, PWD)
    assert config.smartmeter.serial_port == "/dev/serial/by-id/usb-1"
    assert list(config.devices) == ["ecocute"]
    assert config.kyocera is None
    assert config.notify is None
    assert [(each.since, each.ampere, each.sell) for each in config.contracts] == [
        (date(2024, 4, 1), 40, None),
        (date(2026, 10, 1), 50, None),
    ]
    assert config.server is not None
    assert config.server.password == PASSWORD
    assert config.mqtt is not None
    assert (config.mqtt.port, config.mqtt.password) == (1883, PASSWORD)
    assert config.homeassistant is None


def test_what_is_secret_is_in_a_file_of_ones_own_and_in_no_output(tmp_path: Path) -> None:
    (tmp_path / "homemon").mkdir()
    (tmp_path / "homemon" / "config.ini").touch(mode=0o644)
    run = converted(tmp_path, OPTIONS)
    assert (tmp_path / "homemon" / "config.ini").stat().st_mode & 0o777 == 0o600
    for secret in (BID, PWD, PASSWORD):
        assert secret not in run.stdout + run.stderr


def test_a_value_of_several_lines_is_refused_by_its_name_alone(tmp_path: Path) -> None:
    """It would be a key or a section of its own."""
    run = converted(tmp_path, OPTIONS | {"serve": {"password": "secret\n[server]\nurl = http://elsewhere"}})
    assert run.returncode == 1
    assert run.stderr == "the add-on's options: serve: password: must be a single line\n"
    assert not (tmp_path / "homemon" / "config.ini").exists()


def test_nothing_is_left_of_the_options_before(tmp_path: Path) -> None:
    converted(tmp_path, OPTIONS)
    converted(tmp_path, {"language": "ja", "ecocute": {"enabled": True}})
    assert load(tmp_path / "homemon" / "config.ini").smartmeter is None


FAKE = '#!/bin/sh\necho "$LANG $*" >>"$DATA/started"\n[ "$2" = ecocute-listen ] && exec sleep 1000\necho a reading\n'


@pytest.fixture
def running(tmp_path: Path) -> "Any":
    """run.sh in a group of its own, with a homemon that notes how it is started and ends at once, or never."""
    (tmp_path / "options.json").write_text(json.dumps({"language": "ja", "ecocute": {"enabled": True}}))
    (tmp_path / "homemon-command").mkdir()
    command = tmp_path / "homemon-command" / "homemon"
    command.write_text(FAKE)
    command.chmod(0o755)
    path = f"{command.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"DATA": f"{tmp_path}", "PAUSE": "0.1", "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        ("sh", ADDON / "run.sh"), env=environment, stdout=subprocess.DEVNULL, text=True, process_group=0
    ) as process:
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def started(folder: Path) -> list[str]:
    file = folder / "started"
    return file.read_text().splitlines() if file.exists() else []


def test_what_the_options_name_is_started_and_what_ends_again(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    page = "ja_JP.UTF-8 -q serve --bind 0.0.0.0"
    wait_for(lambda: started(tmp_path).count(page) >= 3)
    wait_for(lambda: "ja_JP.UTF-8 -q ecocute-poll" in started(tmp_path))
    assert started(tmp_path).count("ja_JP.UTF-8 -q ecocute-listen") == 1
    assert started(tmp_path).count("ja_JP.UTF-8 -q ecocute-poll") == 1


def test_all_of_it_ends_with_the_add_on(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    wait_for(lambda: "ja_JP.UTF-8 -q ecocute-listen" in started(tmp_path))
    running.terminate()
    assert running.wait(10) == 0
    wait_for(lambda: not any(group_of(path) == running.pid for path in Path("/proc").glob("[0-9]*")))


def group_of(process: Path) -> int:
    """The process group by proc(5); 0 of one that has ended."""
    try:
        state, _, group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return 0
    return 0 if state == "Z" else int(group)
