"""What is typed wrongly: the command says what may have been meant, and never ends as if all were well."""

import time
from pathlib import Path

import pytest

from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import homemon
from tests.stores import put


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a store that holds power and an old reading."""
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n")
    store = Store(tmp_path / "store")
    put(store, Point("power", {"value": 1}, int(time.time()) - 60), Point("+power", {"value": 1}, 1_511_497_740))
    put(store, Point("current", {"r": 1}, 4_000_000_000))
    store.close()
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["statu"], "status"),
        (["Status"], "status"),
        (["meter_poll"], "meter-poll"),
        (["meterlisten"], "meter-listen"),
        (["exprot"], "export"),
        (["ecocute"], "ecocute-poll"),
        (["history"], "meter-history"),
        (["simulate", "metr"], "meter"),
    ],
)
def test_a_command_that_is_none_is_answered_with_what_may_be_meant(place: Path, typed: list[str], meant: str) -> None:
    run = homemon(*typed, cwd=place)
    assert run.returncode == 2
    assert f"No such command {typed[-1]!r}. Did you mean " in run.stderr
    assert meant in run.stderr.rsplit("mean", 1)[1]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["status", "--jsn"], "--json"),
        (["export", "--measurment", "power"], "--measurement"),
        (["--verbse", "status"], "--verbose"),
        (["simulate", "meter", "--falt", "x"], "--fault"),
    ],
)
def test_an_option_that_is_none_is_answered_with_what_may_be_meant(place: Path, typed: list[str], meant: str) -> None:
    run = homemon(*typed, cwd=place)
    assert run.returncode == 2
    assert meant in run.stderr.rsplit("Did you mean ", 1)[1]


def test_a_command_that_resembles_none_is_an_error_all_the_same(place: Path) -> None:
    run = homemon("xyzzy", cwd=place)
    assert run.returncode == 2
    assert "No such command 'xyzzy'." in run.stderr


@pytest.mark.parametrize(("typed", "meant"), [("powr", "power"), ("+powr", "+power"), ("hatuten", "hatuden")])
@pytest.mark.parametrize("style", ["lp", "csv"])
def test_a_measurement_that_is_none_is_an_error_with_those_that_there_are(
    place: Path, typed: str, meant: str, style: str
) -> None:
    run = homemon("export", "--measurement", typed, "--format", style, cwd=place)
    assert (run.returncode, run.stdout) == (2, "")
    assert (
        f"No measurement '{typed}' in the store. Did you mean {meant}? There are +power, current, power." in run.stderr
    )


@pytest.mark.parametrize("name", ["power", "hatuden"])
def test_a_measurement_that_can_be_gives_no_warning(place: Path, name: str) -> None:
    assert homemon("export", "--measurement", name, cwd=place).returncode == 0


def test_a_reading_of_another_year_is_shown_with_it(place: Path) -> None:
    shown = homemon("status", cwd=place).stdout
    assert " kWh 2017-11-24 " in shown.replace("  ", " ")
    assert "current r has a reading of the future, 2096-10-02 16:06: it does not count" in shown
