"""`homemon energy`: a year of a simulated house, against a judge that knows the house."""

import json
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pytest

from homemon.core.columns import COLUMNS, width
from homemon.core.points import DAY, HALF_HOUR, Point
from homemon.energy.periods import day_of
from homemon.sim.house import House
from homemon.storage.meters import Meters
from homemon.storage.store import Store
from tests import judge
from tests.commands import homemon, write_config
from tests.graphs import page_data
from tests.judge import midnight
from tests.lived import Lived, at, months, points, rows
from tests.person import person
from tests.stores import put

# --- energy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["day", "week", "month", "year"])
def test_what_was_bought_and_sold_is_the_judges_where_the_registers_at_both_ends_are_known(
    lived: Lived, by: str
) -> None:
    known = 0
    for row in rows(lived, "--by", by, "--since", at(lived.first)).values():
        begin, end = (midnight(date.fromisoformat(row[edge][:10])) for edge in ("since", "until"))
        begin, end = max(begin, midnight(lived.first)), min(end, midnight(lived.today))
        if {begin, end} & lived.lost or begin == end:
            continue
        known += 1
        assert Decimal(row["bought_kwh"]) == Decimal(judge.bought(lived.house, begin, end)) / 10
        sold = lived.house.register_export(end) - lived.house.register_export(begin)
        assert Decimal(row["sold_kwh"]) == Decimal(sold) / 10
        made = sum(lived.house.generation(t) for t in range(begin, end, HALF_HOUR))
        assert Decimal(row["generated_kwh"]) == Decimal(made) / 10
        assert Decimal(row["used_kwh"]) == Decimal(row["bought_kwh"]) + Decimal(made - sold) / 10
        assert float(row["bought_hours"]) == (end - begin) / 3600
    assert known >= {"day": 350, "week": 50, "month": 10, "year": 1}[by]


def test_the_energy_of_a_gap_across_midnight_is_of_neither_day_and_of_their_week(lived: Lived) -> None:
    night = lived.night
    found = rows(lived, "--since", at(night - timedelta(days=1)), "--until", at(night + timedelta(days=1)))
    assert [row["bought_hours"] for row in found.values()] == ["19.5", "18.5"]


def test_a_day_of_which_half_an_hour_is_not_known_says_so_in_the_table(lived: Lived, tmp_path: Path) -> None:
    write_config(tmp_path)
    day = lived.today - timedelta(days=2)
    store = Store(tmp_path / "store")
    late = midnight(day) + DAY
    kept = [point for point in points(lived.house, midnight(day), late + DAY, set()) if point.time != late]
    put(store, *(point for point in kept if point.measurement == "+power"))
    store.close()
    first, second = homemon("energy", "--since", at(day), "--until", at(lived.today), cwd=tmp_path).stdout.splitlines()[
        1:
    ]
    assert "(23.5 h)" in first
    assert "(23.5 h)" in second


def test_half_hours_that_were_not_heard_are_unknown_and_not_zero(lived: Lived) -> None:
    missing = max(time for time in lived.lost if time < midnight(lived.today) - 45 * DAY)
    found = rows(lived, "--by", "half-hour", "--since", at(day_of(missing)), "--until", at(day_of(missing + DAY)))
    assert len(found) == 48
    slot = list(found.values())[(missing - midnight(day_of(missing))) // HALF_HOUR]
    assert (slot["bought_kwh"], slot["bought_hours"], slot["yen"]) == ("", "0", "")
    assert slot["generated_kwh"]


def test_days_add_up_to_what_the_energy_of_their_bill_costs(lived: Lived) -> None:
    compared = 0
    for label, begin, end in months(lived)[-6:]:
        days = rows(lived, "--since", at(begin), "--until", at(end)).values()
        if not all(row["bought_hours"] == "24" for row in days):
            continue
        compared += 1
        (line,) = lived.run("bill", "--month", label, "--json").splitlines()
        by_kwh = [Decimal(part["yen"]) for part in json.loads(line)["lines"] if part["kwh"]]
        assert sum(Decimal(row["yen"]) for row in days) == pytest.approx(sum(by_kwh), abs=25), "but for half a kWh"
    assert compared


def test_bills_in_the_table_are_those_of_the_command(lived: Lived) -> None:
    found = rows(lived, "--by", "bill")
    for label, *_ in months(lived)[-3:]:
        (line,) = lived.run("bill", "--month", label, "--json").splitlines()
        assert Decimal(found[label]["yen"]) == json.loads(line)["total"]


def test_the_page_shows_the_same_days(lived: Lived) -> None:
    days = rows(lived, "--since", at(lived.today - timedelta(days=90)))
    lived.run("graph", "--days", "90")
    shown = page_data(lived.folder / "homemon.html")["series"]["day"]
    for name in ("bought", "sold", "generated"):
        steps, kwh, _ = shown[name]
        drawn = {day_of(begun): each for begun, each in zip(accumulate(steps), kwh, strict=True) if each is not None}
        told = {
            date.fromisoformat(label): float(row[f"{name}_kwh"]) for label, row in days.items() if row[f"{name}_kwh"]
        }
        assert len(told) >= 89
        assert told == {day: drawn[day] for day in told}


@pytest.mark.parametrize(("locale", "yen"), [("C.UTF-8", "yen"), ("ja_JP.UTF-8", "円")])
def test_a_terminal_has_the_columns_that_fit_and_the_yen_always(lived: Lived, locale: str, yen: str) -> None:
    with person("energy", "--by", "month", cwd=lived.folder, LANG=locale) as someone:
        assert someone.leaves() == 0
    head, *lines = someone.seen.replace("\r\n", "\n").split("\n")
    assert head.split()[-1] == yen
    assert all(width(line) <= COLUMNS for line in (head, *lines) if not line.startswith("~"))


def test_the_table_has_units_and_only_what_the_house_has(lived: Lived, tmp_path: Path) -> None:
    head, *lines = lived.run("energy").splitlines()
    titles = "bought kWh  sold kWh  generated kWh  used kWh  self-cons.  self-suff.  most in a half-hour  yen"
    assert head.split() == titles.split()
    assert lines[0].startswith(at(lived.today - timedelta(days=13)))
    write_config(tmp_path)
    store = Store(tmp_path / "store")
    start = midnight(lived.today) - DAY
    put(store, *(Point("+power", {"value": n / 10}, start + n * HALF_HOUR) for n in range(49)))
    store.close()
    head, *lines = homemon("energy", cwd=tmp_path).stdout.splitlines()
    assert " ".join(head.split()) == "bought kWh used kWh most in a half-hour"
    assert lines[0].split()[:3] == [at(lived.today - timedelta(days=1)), "4.80", "4.80"]


def test_where_the_portal_differs_from_the_meter_is_told(lived: Lived, tmp_path: Path) -> None:
    day = lived.today - timedelta(days=3)
    write_config(tmp_path)
    store = Store(tmp_path / "store")
    put(store, *points(lived.house, midnight(day), midnight(day) + 2 * DAY, set()))
    store.close()
    hours = [judge.bought(lived.house, t, t + 3600) / 10 for t in range(midnight(day), midnight(day) + DAY, 3600)]
    hours[5] += 0.25
    titles = ",".join(f"{hour}-{hour + 1}時" for hour in range(24))
    period = f"{day:%Y年%-m月%-d日} ～ {day:%Y年%-m月%-d日}"
    (tmp_path / "hours.csv").write_text(
        f"お客さま番号,1\nデータ抽出対象期間：{period}\n,１時間ごとの電力量内訳\n,{titles}\n"
        f"合計,{','.join('0' for _ in hours)}\n {day:%m/%d},{','.join(f'{kwh:.2f}' for kwh in hours)}\n",
        "utf-8-sig",
    )
    run = homemon("import", "hours.csv", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    head, first, second, *_ = homemon("energy", "--since", at(day), cwd=tmp_path).stdout.splitlines()
    assert head.endswith("portal differs")
    assert first.endswith("+0.25")
    assert second.endswith("-")


def test_of_an_empty_store_nothing_is_known(tmp_path: Path) -> None:
    write_config(tmp_path)
    assert homemon("energy", cwd=tmp_path).stdout == "nothing is known of this period\n"
    assert homemon("energy", "--format", "json", cwd=tmp_path).stdout == "[]\n"


# --- another meter --------------------------------------------------------------------------


def test_what_was_bought_between_two_meters_is_missing_and_never_their_difference(tmp_path: Path) -> None:
    write_config(tmp_path, "[contract]\nplan = tepco-juryo-b\nampere = 40")
    day = date.today().replace(day=1) - timedelta(days=20)
    begin = midnight(day)
    store = Store(tmp_path / "store")
    meters = Meters(store)
    meters.note("FE80:0000:0000:0000:0200:AA00:0000:0001")
    put(store, *(Point("+power", {"value": 5000 + n / 2}, begin + n * HALF_HOUR) for n in range(20)))
    meters.note("FE80:0000:0000:0000:0200:AA00:0000:0002")
    put(store, *(Point("+power", {"value": n / 2}, begin + n * HALF_HOUR) for n in range(21, 49)))
    store.close()
    found = rows(
        Lived(tmp_path, House(begin), day, day, set(), day), "--since", at(day), "--until", at(day + timedelta(days=1))
    )
    assert [(row["bought_kwh"], row["bought_hours"]) for row in found.values()] == [("23", "23")]
    run = homemon("bill", "--month", f"{day:%Y-%m}", cwd=tmp_path)
    assert "hours are not known and not counted" in run.stdout
