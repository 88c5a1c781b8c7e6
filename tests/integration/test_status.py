"""`homemon status` and `meter-history`, as their user runs them."""

import json
import re
import time
from pathlib import Path

import pytest

from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import homemon, running, simulated, wait_for, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.person import person
from tests.stores import put, waiting_lines


def filled(folder: Path, *points: Point) -> Store:
    """A store in the place that `write_config` names."""
    store = Store(folder / "store")
    put(store, *points)
    return store


def test_each_series_has_its_value_age_and_count_of_today(tmp_path: Path) -> None:
    write_config(tmp_path)
    now = int(time.time())
    filled(tmp_path, *(Point("power", {"value": 500 + i}, now - i) for i in range(3))).close()
    run = homemon("status", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    (power,) = [line for line in run.stdout.splitlines() if line.startswith("  power ")]
    assert power.split()[1:4] == ["power", "500", "W"]
    assert "STALE" not in power
    assert "meter-listen: does not run" in run.stdout


def test_a_code_for_no_data_that_an_earlier_version_stored_is_no_newest_value(tmp_path: Path) -> None:
    write_config(tmp_path, "[ecocute]\nhost = 127.0.0.1")
    now = int(time.time())
    codes = {"power": 0x7FFFFFFE, "+power": 429496729.4, "-power": 0xFFFFFFFF}
    points = [Point(name, {"value": code}, now - at) for name, code in codes.items() for at in range(3)]
    water = [Point("ecocute", {"tank": 65535}, now), Point("ecocute", {"tank": 200}, now - 3600)]
    register = Point("+power", {"value": 1234.5}, now - 60)
    filled(tmp_path, *points, *water, register, Point("power", {"value": 512}, now - 60)).close()
    run = homemon("status", "--json", cwd=tmp_path)
    rows = {
        row["measurement"]: (row["value"], row["age"] >= 60, row["stale"]) for row in json.loads(run.stdout)["series"]
    }
    assert rows == {"power": (512, True, False), "+power": (1234.5, True, False), "ecocute": (200, True, True)}


def test_on_a_terminal_what_is_stale_is_red_unless_no_color_is_set(tmp_path: Path) -> None:
    write_config(tmp_path)
    filled(tmp_path, Point("power", {"value": 500}, int(time.time()) - 86_400)).close()
    for environment, red in ({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False):
        with person("status", cwd=tmp_path, **environment) as someone:
            assert someone.leaves() == 1
        assert ("\x1b[31m  power" in someone.seen, "\x1b" in someone.seen) == (red, red)
        assert " STALE" in someone.seen
    assert "\x1b" not in homemon("status", cwd=tmp_path).stdout


def test_under_a_japanese_locale_it_is_japanese_and_json_is_the_same(tmp_path: Path) -> None:
    write_config(tmp_path)
    filled(tmp_path, Point("power", {"value": 500}, int(time.time()) - 86_400)).close()
    with person("status", cwd=tmp_path, LANG="ja_JP.UTF-8", PYTHONUTF8="1", NO_COLOR="1") as someone:
        assert someone.leaves() == 1
    _, device, power, *_ = someone.seen.splitlines()
    assert (device, power.split()[:4], power.split()[-1]) == ("スマートメーター", ["電力", "power", "500", "W"], "古い")
    assert "meter-listen: 動いていません" in someone.seen
    with person("status", "--json", cwd=tmp_path, LANG="ja_JP.UTF-8", PYTHONUTF8="1") as program:
        assert program.leaves() == 1
    (row,) = json.loads(program.seen)["series"]
    assert (row["measurement"], row["field"], row["value"], row["stale"]) == ("power", "value", 500, True)


def test_a_stale_series_of_a_configured_device_is_exit_1_and_no_other_is(tmp_path: Path) -> None:
    write_config(tmp_path)
    now = int(time.time())
    points = Point("power", {"value": 500}, now - 60), Point("hatuden", {"value": 0.1}, now - 86_400)
    filled(tmp_path, *points).close()
    assert homemon("status", cwd=tmp_path).returncode == 0  # [kyocera] is not configured
    old = homemon("status", "--max-age", "30s", cwd=tmp_path)
    assert old.returncode == 1
    assert "STALE" in old.stdout
    assert homemon("status", "--max-age", "2m", cwd=tmp_path).returncode == 0
    assert homemon("status", "--max-age", "soon", cwd=tmp_path).returncode == 2


def test_a_configured_device_that_never_said_anything_is_exit_1(tmp_path: Path) -> None:
    write_config(tmp_path)
    run = homemon("status", cwd=tmp_path)
    assert run.returncode == 1
    assert "[smartmeter] is configured, and nothing was ever recorded" in run.stdout


def test_json_holds_the_backlog_and_the_parked_lines(tmp_path: Path) -> None:
    write_config(tmp_path, "[server]\nurl = http://127.0.0.1:1\n")
    now = int(time.time())
    store = filled(tmp_path, Point("power", {"value": 1}, now), Point("current", {"r": 2, "t": 3}, now))
    refused = next(entry for entry in waiting_lines(store.outbox) if entry.text.startswith("power"))
    store.outbox.park(refused, "field type conflict")
    store.close()
    reported = json.loads(homemon("status", "--json", cwd=tmp_path).stdout)
    assert reported["waiting"] == 1
    assert reported["parked"] == [{"line": f"power value=1 {now}000000000", "reason": "field type conflict"}]
    assert {row["measurement"]: row["value"] for row in reported["series"]} == {"power": 1, "current": 3}
    assert reported["listeners"] == {"meter-listen": None}


@pytest.mark.parametrize(
    ("locale", "count", "line"),
    [("C", "0 points wait for the server, 1 are parked", "parked"), ("ja_JP.UTF-8", "保留は 1 件です", "保留")],
)
def test_a_parked_line_stands_below_the_count(tmp_path: Path, locale: str, count: str, line: str) -> None:
    write_config(tmp_path, "[server]\nurl = http://127.0.0.1:1\n")
    now = int(time.time())
    store = filled(tmp_path, Point("power", {"value": 1}, now))
    store.outbox.park(waiting_lines(store.outbox)[0], "field {type} conflict")
    store.close()
    said = homemon("status", cwd=tmp_path, before=("env", f"LC_ALL={locale}"))
    assert not said.stderr
    assert count in said.stdout
    assert f"  {line}: power value=1 {now}000000000: field {{type}} conflict\n" in said.stdout


def test_a_listener_that_runs_is_named_by_its_pid(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path) as listener:
        listener.until(lambda lines: bool(lines))
        reported = json.loads(homemon("status", "--json", cwd=tmp_path).stdout)
        assert reported["listeners"] == {"meter-listen": listener.process.pid}
        wait_for(lambda: "owned by meter-listen" in homemon("check", cwd=tmp_path).stdout)


def test_meter_history_fills_what_the_store_lacks_and_asks_no_more(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        first = homemon("meter-history", "--days", "1", cwd=tmp_path)
        for trace in ("trace.txt", "another.txt"):  # between the two a half-hour can have ended
            second = homemon("meter-history", "--days", "1", "--trace", trace, cwd=tmp_path)
            if not second.stdout:
                break
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert len(lines) >= 96
    for line in lines:
        name, value, moment = line.split()
        register = device.house.register_import if name == "+power" else device.house.register_export
        assert float(value.removeprefix("value=")) == register(int(moment) // 10**9) / 10
    assert (second.returncode, second.stdout) == (0, "")
    assert "0 registers at half-hours were missing" in second.stderr
    assert (tmp_path / trace).read_text().count("> SKSENDTO") == 2, "the time, twice"


def test_on_a_terminal_meter_history_says_how_many_points_and_its_progress_is_gone(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with person("meter-history", "--days", "1", cwd=tmp_path) as someone:
            assert someone.leaves() == 0
    stored = len(homemon("export", cwd=tmp_path).stdout.splitlines())
    assert "asking for " in someone.seen
    first, second, last = someone.screen()
    assert re.fullmatch(rf"{stored} points from \d{{4}}-\d\d-\d\d to \d{{4}}-\d\d-\d\d", first)
    assert "registers at half-hours were missing" in second
    assert last == ""
