"""The drill: a copy that `backup` made comes back by `restore`, while a listener records."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from homemon.core.points import Point
from homemon.storage.database import FILE
from homemon.storage.store import Store
from tests.commands import homemon, running, simulated, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.integration.test_repair import spoil
from tests.stores import T, everything, put

COUNT = 3000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with config.ini, a store, and a copy of it."""
    write_config(tmp_path, address=ADDRESS)
    with closing(Store(tmp_path / "store")) as store:
        put(store, *(Point("+power", {"value": i / 10}, T + i * 1800) for i in range(COUNT)))
    assert homemon("backup", "copy.db", cwd=tmp_path).returncode == 0
    return tmp_path


def exported(home: Path) -> str:
    return homemon("export", cwd=home).stdout


def test_the_store_is_what_the_copy_was_and_what_came_since_can_be_added(home: Path) -> None:
    copied = exported(home)
    with closing(Store(home / "store")) as store:
        put(store, Point("power", {"value": 523}, T))
        put(store, Point("+power", {"value": 7.0}, T))
    since = exported(home)
    run = homemon("restore", "copy.db", cwd=home)
    assert run.returncode == 0, run.stderr
    (aside,) = re.findall(r"the store that was there is (\S+);", run.stdout)
    assert exported(home) == copied
    assert (home / "store" / FILE).stat().st_mode & 0o777 == 0o600
    assert homemon("repair", "--from", aside, cwd=home).stdout == "power value: 1 values added\n"
    assert set(exported(home).splitlines()) == {*copied.splitlines(), f"power value=523 {T}000000000"}
    assert homemon("restore", aside, cwd=home).returncode == 0
    assert exported(home) == since, "the way back is the same"


def test_on_a_new_machine_there_is_nothing_to_set_aside(home: Path) -> None:
    copied = exported(home)
    config = home / "config.ini"
    config.write_text(config.read_text().replace("/store\n", "/new/deep/store\n"))
    run = homemon("restore", "copy.db", cwd=home)
    assert run.stdout == f"{home}/new/deep/store/{FILE} is what copy.db was\n", run.stderr
    assert exported(home) == copied
    assert (home / "new" / "deep" / "store").stat().st_mode & 0o777 == 0o700


def test_a_listener_goes_on_with_the_restored_store_and_loses_nothing(home: Path) -> None:
    with simulated(home) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("meter-listen", "--poll", "5", cwd=home) as listener:
            listener.until(lambda lines: sum(line.startswith("power ") for line in lines) >= 1)
            assert homemon("restore", "copy.db", cwd=home).returncode == 0
            listener.until(lambda lines: sum(line.startswith("power ") for line in lines) >= 2)
            assert listener.stop() == 0
    printed = {line.replace("\n", "") for line in listener.lines}
    assert printed <= set(exported(home).splitlines()), listener.errors.read_text()
    assert sum(name == "+power" for _, name, _ in everything(home / "store")) >= COUNT


def test_a_copy_that_is_damaged_replaces_nothing(home: Path) -> None:
    before = exported(home)
    (home / "copy").mkdir()
    (home / "copy" / "store").mkdir()
    (home / "copy.db").rename(home / "copy" / "store" / FILE)
    spoil(home / "copy")
    run = homemon("restore", f"copy/store/{FILE}", cwd=home)
    assert (run.returncode, run.stdout) == (1, "")
    assert "is damaged" in run.stderr
    assert "the store is as it was" in run.stderr
    assert exported(home) == before
    assert [path.name for path in (home / "store").glob("*.replaced-*")] == []


def test_a_store_that_is_damaged_is_set_aside_and_the_copy_takes_its_place(home: Path) -> None:
    copied = exported(home)
    spoil(home)
    run = homemon("restore", "copy.db", cwd=home)
    assert run.returncode == 0, run.stderr
    assert exported(home) == copied
    assert homemon("repair", cwd=home).stdout == f"{home}/store/{FILE} is sound\n"
