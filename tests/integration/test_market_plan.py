"""A contract that follows JEPX, before and after its prices are imported."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from time import time

import pytest

from homemon.core.points import DAY, HALF_HOUR, Point
from homemon.energy.periods import day_of
from homemon.runtime.context import App
from homemon.runtime.setting_up import plans
from homemon.storage.store import Store
from tests.commands import homemon, write_config
from tests.judge import midnight
from tests.stores import put

NOW = int(time())
TODAY = day_of(NOW)
YESTERDAY = TODAY - timedelta(days=1)
TODO = "Get JEPX's spot_summary of that fiscal year (www.jepx.jp), then `homemon import FILE`."


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Yesterday and the day before, half a kWh each half-hour."""
    write_config(tmp_path, "[contract]\nplan = direct-power-tokyo")
    store, begin = Store(tmp_path / "store"), midnight(YESTERDAY) - DAY
    put(store, *(Point("+power", {"value": 100 + n / 2}, begin + n * HALF_HOUR) for n in range(97)))
    store.close()
    return tmp_path


def prices(folder: Path, *days: date) -> None:
    """JEPX's prices of these days, all the same."""
    lines = [f"{day:%Y/%m/%d},{number},10.00" for day in days for number in range(1, 49)]
    path = folder / "spot_summary.csv"
    path.write_text("\n".join(("受渡日,時刻コード,エリアプライス東京(円/kWh)", *lines)) + "\n", "cp932")
    assert homemon("import", "--area", "tokyo", str(path), cwd=folder).returncode == 0


@pytest.mark.parametrize("by", ["half-hour", "day", "month", "bill"])
def test_without_prices_the_kwh_are_shown_and_once_why_there_are_no_yen(home: Path, by: str) -> None:
    run = homemon("energy", "--by", by, "--since", f"{YESTERDAY}", "--until", f"{TODAY}", cwd=home)
    assert (run.returncode, run.stderr) == (0, "")
    head, *rows, why = run.stdout.splitlines()
    assert head.endswith("yen")
    assert rows
    assert all(" 0.50 " in row or " 24.00 " in row or by in ("month", "bill") for row in rows)
    assert all(row.endswith("-") for row in rows)
    assert why.startswith("no yen are shown: no JEPX price is known of ")
    assert why.endswith(f". {TODO}")


def test_programs_get_the_kwh_and_people_the_reason(home: Path) -> None:
    run = homemon("energy", "--since", f"{YESTERDAY}", "--until", f"{TODAY}", "--format", "json", cwd=home)
    (row,) = json.loads(run.stdout)
    assert (run.returncode, row["bought_kwh"], row["yen"]) == (0, "24", None)
    assert run.stderr.startswith("homemon: no yen are shown: no JEPX price is known of ")


def test_with_prices_there_are_yen(home: Path) -> None:
    prices(home, YESTERDAY - timedelta(days=1), YESTERDAY)
    run = homemon("energy", "--since", f"{YESTERDAY}", "--until", f"{TODAY}", cwd=home)
    assert "no yen" not in run.stdout
    assert not run.stdout.splitlines()[1].endswith("-")


def test_check_warns_of_prices_that_are_missing(home: Path) -> None:
    first = TODAY.replace(day=1)
    found = " ".join(homemon("check", cwd=home).stdout.split())
    lacking = rf"JEPX's prices of tokyo are missing for \d+ half-hours, {first} to {TODAY}"
    todo = re.escape(TODO)
    assert re.search(rf"warning contract: {lacking}; direct-power-tokyo follows them\. {todo}", found)
    prices(home, *(first + timedelta(days=n) for n in range(TODAY.day)))
    assert "ok contract: " in " ".join(homemon("check", cwd=home).stdout.split())


def test_setup_lists_what_needs_a_markets_prices_last() -> None:
    found = [plan.key for plan in plans(App(), "tokyo")]
    assert found[0] == "tepco-juryo-b"
    assert found[-2:] == ["direct-power-tokyo", "looop-smart-time-one-tokyo"]
