"""`homemon import` as its user runs it: files of a market and of portals, again, corrected, and in part unreadable."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from homemon.core.points import HALF_HOUR, JST, Point
from homemon.runtime import importing
from homemon.storage.archive import Archive
from homemon.storage.imported import Bought, portal, spot_prices
from homemon.storage.store import Store
from tests.commands import called, homemon, write_config
from tests.stores import NOW, T, put
from tests.unit.test_imports import HOURS, KANSAI, ROW, SLOTS, TITLES, at, day_of

NOON = "2026-04-01 12:00"
PRICES = {"25": "10.01", "26": "10.02", "27": "10.03"}


def spot_file(folder: Path, prices: dict[str, str], name: str = "spot_summary_2026.csv") -> str:
    rows = [
        ROW.replace("2026/08/26,35", f"2026/04/01,{code}").replace("55.23", price) for code, price in prices.items()
    ]
    (folder / name).write_bytes("\r\n".join((TITLES, *rows, "")).encode("cp932"))
    return name


def archive(folder: Path) -> Archive:
    return Store(folder / "store").archive


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_config(tmp_path)
    return tmp_path


def test_prices_are_new_then_the_same_and_a_corrected_file_replaces_them(home: Path) -> None:
    first = homemon("import", "--area", "tokyo", spot_file(home, PRICES), cwd=home)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[0] == f"spot tokyo=10.01 {at(NOON)}000000000"
    assert "spot tokyo: half-hours 2026-04-01 12:00 to 2026-04-01 13:00: 3 new, 0 the same, 0 changed" in first.stderr
    again = homemon("import", spot_file(home, {**PRICES, "26": "7.77", "28": "9"}), cwd=home)
    assert again.stdout.splitlines() == [
        f"spot tokyo=7.77 {at(NOON) + HALF_HOUR}000000000",
        f"spot tokyo=9 {at(NOON) + 3 * HALF_HOUR}000000000",
    ]
    assert "1 new, 2 the same, 1 changed" in again.stderr
    assert spot_prices(archive(home), "tokyo", at(NOON), at(NOON) + HALF_HOUR * 2) == {
        at(NOON): Decimal("10.01"),
        at(NOON) + HALF_HOUR: Decimal("7.77"),
    }


def test_a_half_hour_without_a_price_is_unknown_and_counted(home: Path) -> None:
    run = homemon("import", "--area", "tokyo", spot_file(home, {"25": "10.01", "26": "", "29": "3"}), cwd=home)
    assert run.returncode == 0
    assert "spot tokyo: half-hours skipped: 1, no price in the file" in run.stderr
    assert "spot tokyo: half-hours between the first and the last without a value: 3" in run.stderr
    assert list(spot_prices(archive(home), "tokyo", 0, 1 << 40)) == [at(NOON), at(NOON) + 4 * HALF_HOUR]
    assert spot_prices(archive(home), "okinawa", 0, 1 << 40) == {}


def test_a_dry_run_says_the_same_and_stores_nothing(home: Path) -> None:
    run = homemon("import", "--dry-run", "--area", "tokyo", spot_file(home, PRICES), cwd=home)
    assert (run.returncode, run.stdout) == (0, "")
    assert "3 new, 0 the same, 0 changed" in run.stderr
    assert "nothing was stored" in run.stderr
    assert homemon("export", cwd=home).stdout == ""


def test_an_area_must_be_named_once(home: Path) -> None:
    run = homemon("import", spot_file(home, PRICES), cwd=home)
    assert (run.returncode, run.stdout) == (2, "")
    assert "--area" in run.stderr
    assert homemon("import", "--area", "okinawa", spot_file(home, PRICES), cwd=home).returncode == 2


def test_a_line_that_cannot_be_read_is_named_and_all_others_are_stored(home: Path) -> None:
    run = homemon("import", "--area", "tokyo", spot_file(home, {**PRICES, "49": "1"}), cwd=home)
    assert run.returncode == 1
    assert "spot_summary_2026.csv:5: '49' is no code of a half-hour, 1 to 48" in run.stderr
    assert len(run.stdout.splitlines()) == 3


def test_before_a_file_of_no_known_format_nothing_is_stored(home: Path) -> None:
    (home / "other.csv").write_text("a,b\n1,2\n")
    run = homemon("import", "--area", "tokyo", spot_file(home, PRICES), "other.csv", cwd=home)
    assert (run.returncode, run.stdout) == (2, "")
    assert "other.csv is of no format that is known" in run.stderr
    assert homemon("import", "missing.csv", cwd=home).returncode == 2


def test_a_portals_half_hours_and_hours_are_series_apart_from_the_meters(home: Path) -> None:
    text = KANSAI.format(hours=HOURS, totals=",".join(["9.9"] * 24), days=day_of("01/01", first=""))
    (home / "kansai.csv").write_bytes(text.encode("cp932"))
    rows = [{"usedTime": label, "usedInfo": {"power": 0.2}} for label in SLOTS]
    (home / "tepco.json").write_text(json.dumps({"billInfos": rows}))
    run = homemon("import", "kansai.csv", "tepco.json", "--date", "2026-01-01", cwd=home)
    assert run.returncode == 0, run.stderr
    assert "portal_hour bought: hours skipped: 1, no value in the file" in run.stderr
    assert {line.split(" ")[0] for line in run.stdout.splitlines()} == {"portal", "portal_hour"}
    found = list(portal(archive(home), 0, 1 << 40))
    assert found[0] == Bought(at("2026-01-01 00:00"), 1800, Decimal("0.2"))
    assert found[48] == Bought(at("2026-01-01 01:00"), 3600, Decimal("0.5"))
    assert len(found) == 48 + 23
    assert "01-23" not in run.stderr


def test_the_day_of_one_file_is_not_taken_for_that_of_another(home: Path) -> None:
    for name in ("a.json", "b.json"):
        (home / name).write_text(json.dumps({"billInfos": [{"usedTime": label} for label in SLOTS]}))
    run = homemon("import", "a.json", "b.json", "--date", "2026-01-01", cwd=home)
    assert (run.returncode, run.stdout) == (2, "")
    assert "one at a time" in run.stderr


@pytest.mark.parametrize(("days", "said"), [(1, ": 3 new"), (3, "half-hours skipped: 3, their time is in the future")])
def test_prices_of_tomorrow_are_taken_and_no_later_ones(
    home: Path, monkeypatch: pytest.MonkeyPatch, days: int, said: str
) -> None:
    monkeypatch.setattr(importing, "kept_by_ntp", lambda: True)
    monkeypatch.chdir(home)
    name, day = spot_file(home, PRICES), datetime.now(JST) + timedelta(days)
    (home / name).write_bytes((home / name).read_bytes().replace(b"2026/04/01", f"{day:%Y/%m/%d}".encode()))
    assert said in called("import", "--dry-run", "--area", "tokyo", name).stderr


def test_what_is_older_than_keep_days_is_left_out(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace("[store]", "[store]\nkeep_days = 30"))
    old = spot_file(tmp_path, PRICES)
    (tmp_path / old).write_bytes((tmp_path / old).read_bytes().replace(b"2026/04/01", b"2020/04/01"))
    run = homemon("import", "--area", "tokyo", old, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (0, "")
    assert "spot tokyo: half-hours skipped: 3, older than [store] keep_days" in run.stderr


def test_status_waits_for_nothing_that_was_imported(home: Path) -> None:
    homemon("import", "--area", "tokyo", spot_file(home, PRICES), cwd=home)
    run = homemon("status", "--json", cwd=home)
    assert json.loads(run.stdout)["series"] == []


def test_tomorrows_prices_make_no_clock_distrusted(store: Store) -> None:
    put(store, Point("spot", {"tokyo": 9.0}, T + 86_400))
    assert store.clock.trusts(NOW)
    assert put(store, Point("power", {"value": 500})) == [Point("power", {"value": 500}, T)]
