"""`homemon check` names what is wrong with each device, and what to do."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homemon.cli import check
from homemon.cli.app import App
from homemon.errors import StoreError
from homemon.points import Point
from homemon.store import Store
from tests.commands import homemon, simulated, write_config
from tests.lan import address
from tests.stores import T, put


def lines_of(folder: Path, what: str) -> list[str]:
    """The lines of `check` about one thing."""
    out = homemon("check", cwd=folder).stdout
    return [line for line in out.splitlines() if line[8:].startswith(f"{what}:")]


def look_at_store(folder: Path) -> Iterator[check.Finding]:
    """The same in this process."""
    return check._store(App(str(folder / "config.ini")))


def config(folder: Path, text: str) -> None:
    (folder / "config.ini").write_text(f"{text}\n[store]\ndir = {folder}/store\n")
    (folder / "config.ini").chmod(0o600)


def test_a_sound_set_up_has_no_fault(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path):
        run = homemon("check", cwd=tmp_path)
    assert run.returncode == 0
    assert not [line for line in run.stdout.splitlines() if line.startswith("fault")]


def test_a_port_that_is_none_is_a_fault(tmp_path: Path) -> None:
    write_config(tmp_path, serial_port="/dev/null")
    run = homemon("check", cwd=tmp_path)
    assert run.returncode == 1
    assert "fault   serial port: /dev/null is no serial port. Check [smartmeter] serial_port." in run.stdout


def test_a_config_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    write_config(tmp_path).chmod(0o644)
    assert any("chmod 600" in line for line in lines_of(tmp_path, "config"))


def test_faults_of_the_configuration_are_told_line_by_line_and_exit_2(tmp_path: Path) -> None:
    write_config(tmp_path, bid="1", pwd="2")
    run = homemon("check", cwd=tmp_path)
    assert run.returncode == 2
    assert [line.startswith("fault   config: config.ini:") for line in run.stdout.splitlines()] == [True, True]


def test_the_monitors_line_is_looked_at(tmp_path: Path) -> None:
    config(tmp_path, "[kyocera]\ntransport = i2c\n[i2c]\nport = 77")
    (line,) = lines_of(tmp_path, "kyocera")
    assert line.startswith("fault")
    assert "raspi-config" in line
    config(tmp_path, "[kyocera]\ntransport = serial\nserial_port = /dev/ttyNONE")
    (line,) = lines_of(tmp_path, "kyocera")
    assert line.startswith("fault")
    assert "Check [kyocera] serial_port" in line


def test_the_ecocutes_host_and_our_port_are_looked_at(tmp_path: Path) -> None:
    config(tmp_path, f"[ecocute]\nhost = no-such-host.invalid\nbind = {address()}")
    assert any(line.startswith("fault") and "is unknown" in line for line in lines_of(tmp_path, "ecocute"))
    config(tmp_path, f"[ecocute]\nhost = 127.0.0.1\nbind = {address()}")
    assert any("no ecocute-listen runs" in line for line in lines_of(tmp_path, "ecocute"))
    assert not any(line.startswith("warning") for line in lines_of(tmp_path, "meter"))
    config(tmp_path, f"[ecocute]\nbind = {address()}")
    assert any("none is remembered" in line and "homemon discover" in line for line in lines_of(tmp_path, "ecocute"))


def test_a_server_that_is_down_is_a_fault_and_keeps_nothing_from_being_kept(tmp_path: Path) -> None:
    config(tmp_path, "[server]\nurl = http://127.0.0.1:1")
    run = homemon("check", cwd=tmp_path)
    assert run.returncode == 1
    assert "Readings are kept, and sent when it works" in run.stdout


def test_a_large_store_is_looked_at_in_its_newest_readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(tmp_path, "")
    store = Store(tmp_path / "store")
    put(store, *(Point("power", {"value": i}, T + i) for i in range(3000)))
    store.close()
    assert "is sound\n" in homemon("check", cwd=tmp_path).stdout
    monkeypatch.setattr(check, "LOOKED_THROUGH", 20_000)
    assert str(next(look_at_store(tmp_path))).endswith("is sound in its newest readings")
    with store.path.open("r+b") as file:
        file.seek(store.path.stat().st_size // 2)
        file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match="malformed"):
        next(look_at_store(tmp_path))


@pytest.mark.parametrize(("days_ago", "mark"), [(0, "ok"), (9, "warning")])
def test_whether_keep_days_is_kept_is_told(tmp_path: Path, days_ago: int, mark: str) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\nkeep_days = 30\n")
    store = Store(tmp_path / "store")
    put(store, Point("+power", {"value": 1}, int(time.time()) - days_ago * 86_400))
    store.close()
    (line,) = [line for line in lines_of(tmp_path, "store") if "30 days" in line]
    assert line.startswith(mark)
