"""`homemon energy` and `homemon bill` of a store: a year of a simulated house, against a judge that knows the house."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random
from time import time
from typing import Any, NamedTuple

import pytest

from homemon.core.points import DAY, HALF_HOUR, Point
from homemon.energy.periods import day_of
from homemon.page import panels
from homemon.sim.house import House
from homemon.storage.meters import Meters
from homemon.storage.store import Store
from tests import judge
from tests.commands import homemon, write_config
from tests.judge import midnight
from tests.stores import put

PRICES = ("--price", "fuel=-7.00", "--price", "levy=4.18")
DAYS = 400


class Lived(NamedTuple):
    """A folder with config.ini and a store of a year; the house, its days, and the half-hours that were not heard."""

    folder: Path
    house: House
    first: date
    today: date
    lost: set[int]

    def run(self, *arguments: str, status: int = 0) -> str:
        run = homemon(*arguments, cwd=self.folder)
        assert run.returncode == status, run.stderr
        assert not run.stderr
        return run.stdout


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Some half-hours of each tenth day are lost, and once a night from 20:00 to 5:30."""
    folder = tmp_path_factory.mktemp("year")
    today = day_of(int(time()))
    first = today - timedelta(days=DAYS)
    house, rng = House(midnight(first)), Random(13)
    lost = {
        midnight(first + timedelta(days=day)) + slot * HALF_HOUR
        for day in range(5, DAYS, 10)
        for slot in rng.sample(range(1, 48), 4)
    }
    lost |= set(
        range(midnight(today) - 40 * DAY - 8 * HALF_HOUR, midnight(today) - 40 * DAY + 11 * HALF_HOUR, HALF_HOUR)
    )
    write_config(folder, "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 12\nsell = 16")
    store = Store(folder / "store")
    put(store, *points(house, midnight(first), midnight(today), lost))
    store.close()
    return Lived(folder, house, first, today, lost)


def points(house: House, begin: int, end: int, lost: set[int]) -> Iterator[Point]:
    for t in range(begin, end + 1, HALF_HOUR):
        if t not in lost:
            yield Point("+power", {"value": house.register_import(t) / 10}, t)
            yield Point("-power", {"value": house.register_export(t) / 10}, t)
        if t < end:
            yield Point("hatuden", {"value": house.generation(t) / 10}, t)
            yield Point("baiden_diff", {"value": house.bought_minus_sold(t) / 10}, t)


def months(lived: Lived) -> list[tuple[str, date, date]]:
    """The bills that are over: their labels, first days and the days after their last."""
    ends = [
        date(lived.first.year + (n // 12), n % 12 + 1, 12) for n in range(lived.first.month, lived.first.month + 15)
    ]
    whole = [(begin, end) for begin, end in pairwise(ends) if begin >= lived.first]
    return [(f"{end:%Y-%m}", begin, end) for begin, end in whole if end <= lived.today]


def bill(lived: Lived, *arguments: str) -> dict[str, Any]:
    (line,) = lived.run("bill", *arguments, *PRICES, "--json").splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def rows(lived: Lived, *arguments: str) -> dict[str, Mapping[str, str]]:
    """The rows of `energy` as CSV, by their period."""
    found = csv.DictReader(lived.run("energy", *arguments, "--format", "csv").splitlines())
    return {row["period"]: row for row in found}


def at(day: date) -> str:
    return f"{day:%Y-%m-%d}"


# --- bills ----------------------------------------------------------------------------------


def test_a_year_of_bills_is_the_judges_to_the_yen_though_half_hours_were_lost(lived: Lived) -> None:
    found = months(lived)
    assert len(found) >= 12
    for label, begin, end in found:
        assert bill(lived, "--month", label)["total"] == judge.juryo_b(lived.house, begin, end), label


def test_bills_by_hours_are_the_judges_where_no_half_hour_between_two_bands_was_lost(lived: Lived) -> None:
    sure = 0
    for label, begin, end in months(lived):
        found = bill(lived, "--month", label, "--plan", "tepco-smartlife-s")
        if not found["provisional"]:
            sure += 1
            assert found["total"] == judge.smartlife_s(lived.house, begin, end), label
        assert abs(found["total"] - judge.smartlife_s(lived.house, begin, end)) < 100
    assert sure >= 3


def test_what_only_a_sum_is_known_of_makes_a_bill_by_hours_provisional_and_one_without_not(lived: Lived) -> None:
    night = day_of(midnight(lived.today) - 40 * DAY)
    label = next(label for label, begin, end in months(lived) if begin < night < end)
    by_hours = bill(lived, "--month", label, "--plan", "tepco-smartlife-s")["provisional"]
    when = f"from {night - timedelta(days=1):%m-%d} 19:30 to {night:%m-%d} 05:30 are known as a sum only"
    assert any(when in why for why in by_hours), by_hours
    assert bill(lived, "--month", label)["provisional"] == []


def test_without_kw_those_of_the_highest_half_hour_of_twelve_bills_are_taken(lived: Lived) -> None:
    label, _, end = months(lived)[-1]
    begin = next(begin for _, begin, _ in months(lived)[-12:])
    highest = max(judge.bought(lived.house, t, t + HALF_HOUR) for t in known_half_hours(lived, begin, end))
    (base, *_), why = (
        bill(lived, "--month", label, "--plan", "kepco-hapie-r")[key] for key in ("lines", "provisional")
    )
    assert base["name"] == f"base charge, {(2 * highest + 5) // 10} kW"
    assert f"{(2 * highest + 5) // 10} kW of real demand are those of the half-hours that are known" not in why
    (given, *_) = bill(lived, "--month", label, "--plan", "kepco-hapie-r", "--kw", "9")["lines"]
    assert given["name"] == "base charge, 9 kW"


def known_half_hours(lived: Lived, begin: date, end: date) -> list[int]:
    """The starts of those of which both registers were heard."""
    times = range(midnight(begin), midnight(end), HALF_HOUR)
    return [t for t in times if not {t, t + HALF_HOUR} & lived.lost]


def test_what_was_sold_is_paid_by_whole_kwh(lived: Lived) -> None:
    for label, begin, end in months(lived):
        tenths = lived.house.register_export(midnight(end)) - lived.house.register_export(midnight(begin))
        assert bill(lived, "--month", label)["sold"] == {"kwh": tenths // 10, "yen": tenths // 10 * 16}


def test_the_running_period_has_a_forecast_within_its_range_and_is_provisional(lived: Lived) -> None:
    found = bill(lived)
    forecast = found["forecast"]
    assert found["total"] <= forecast["low"] <= forecast["yen"] <= forecast["high"]
    assert float(found["kwh"]) <= float(forecast["kwh"])
    assert any("the period goes on until" in why for why in found["provisional"])
    shown = lived.run("bill", *PRICES)
    assert f"{forecast['yen']:,}     予想" in shown


def test_a_period_that_began_before_the_store_says_how_much_of_it_is_missing(lived: Lived) -> None:
    before = lived.first.replace(day=1) - timedelta(days=20)
    found = bill(lived, "--month", f"{before:%Y-%m}")
    assert any("hours are not known and not counted" in why for why in found["provisional"])
    assert found["kwh"] == "0"


@pytest.mark.parametrize(
    ("more", "arguments", "why"),
    [
        ("", (), "there is no [contract], which says by which plan you pay"),
        ("[contract]\nplan = tepco-juryo-x", (), "there is no plan 'tepco-juryo-x'"),
        ("[contract]\nplan = tepco-juryo-b", (), "Give --ampere of 10, 15, 20, 30, 40, 50 or 60"),
        ("[contract]\nplan = tepco-juryo-b\nampere = 45", (), "no base charge for 45 A"),
        ("[contract]\nplan = own.toml", (), "own.toml: No such file"),
        ("[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 32", (), "from 1 to 31"),
        ("[contract 2026-02-30]\nplan = tepco-juryo-b", (), "is to be a day, such as [contract 2024-04-01]"),
        (
            "[contract 2025-01-01]\nplan = a\n[contract  2025-01-01]\nplan = b",
            (),
            "another contract begins on that day",
        ),
        ("[contract 2025-01-01]\nplan = tepco-juryo-b\nampere = 40", ("--month", "2024-11"), "begins on 2025-01-01"),
        ("[contract]\nplan = tepco-juryo-b\nampere = 40", ("--month", "2023-11"), "from the bill of 2024-04 on"),
        ("[contract]\nplan = tepco-juryo-b\nampere = 40", ("--month", "2099-11"), "has not begun"),
        ("[contract]\nplan = tepco-juryo-b\nampere = 40\nsell = much", (), "'much' is no price"),
    ],
)
def test_what_cannot_be_billed_is_one_clear_error(
    tmp_path: Path, more: str, arguments: tuple[str, ...], why: str
) -> None:
    write_config(tmp_path, more)
    run = homemon("bill", *arguments, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, ""), run.stderr
    assert why in " ".join(run.stderr.split())


def test_a_contract_that_ends_within_a_month_has_two_bills(lived: Lived) -> None:
    change = date(lived.today.year, lived.today.month, 1) - timedelta(days=40)
    config = (lived.folder / "config.ini").read_text()
    other = lived.folder / "changed.ini"
    other.write_text(f"{config}\n[contract {change}]\nplan = tepco-smartlife-s\nampere = 40\nreading_day = 12\n")
    label = f"{change - timedelta(days=1):%Y-%m}"
    lines = lived.run("-c", str(other), "bill", "--month", label, "--json").splitlines()
    found = [json.loads(line) for line in lines]
    assert str(change) in {each["until"] for each in found}
    assert all(each["month"] == label for each in found)
    following = json.loads(
        lived.run("-c", str(other), "energy", "--by", "bill", "--since", at(change), "--format", "json")
    )
    assert following[0]["until"].startswith(at(change)) or following[0]["since"].startswith(at(change))


# --- energy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["day", "week", "month", "year"])
def test_what_was_bought_and_sold_is_the_judges_where_the_registers_at_both_ends_are_known(
    lived: Lived, by: str
) -> None:
    known = 0
    for row in rows(lived, "--by", by, "--since", at(lived.first)).values():
        begin, end = (midnight(date.fromisoformat(row[edge][:10])) for edge in ("since", "until"))
        if {begin, end} & lived.lost or begin < midnight(lived.first) or end > midnight(lived.today):
            continue
        known += 1
        assert Decimal(row["bought_kwh"]) == Decimal(judge.bought(lived.house, begin, end)) / 10
        sold = lived.house.register_export(end) - lived.house.register_export(begin)
        assert Decimal(row["sold_kwh"]) == Decimal(sold) / 10
        made = sum(lived.house.generation(t) for t in range(begin, end, HALF_HOUR))
        assert Decimal(row["generated_kwh"]) == Decimal(made) / 10
        assert Decimal(row["used_kwh"]) == Decimal(row["bought_kwh"]) + Decimal(made - sold) / 10
        assert float(row["bought_hours"]) == (end - begin) / 3600
    assert known >= {"day": 350, "week": 50, "month": 10, "year": 0}[by]


def test_the_energy_of_a_gap_across_midnight_is_of_neither_day_and_of_their_week(lived: Lived) -> None:
    night = day_of(midnight(lived.today) - 40 * DAY)
    found = rows(lived, "--since", at(night - timedelta(days=1)), "--until", at(night + timedelta(days=1)))
    assert [row["bought_hours"] for row in found.values()] == ["19.5", "18.5"]


def test_half_hours_that_were_not_heard_are_unknown_and_not_zero(lived: Lived) -> None:
    missing = max(time for time in lived.lost if time < midnight(lived.today) - 45 * DAY)
    found = rows(lived, "--by", "half-hour", "--since", at(day_of(missing)), "--until", at(day_of(missing + DAY)))
    assert len(found) == 48
    slot = list(found.values())[(missing - midnight(day_of(missing))) // HALF_HOUR]
    assert (slot["bought_kwh"], slot["bought_hours"], slot["yen"]) == ("", "0", "")
    assert slot["generated_kwh"]


def test_days_add_up_to_what_the_energy_of_their_bill_costs(lived: Lived) -> None:
    label, begin, end = months(lived)[-1]
    days = rows(lived, "--since", at(begin), "--until", at(end)).values()
    lines = bill(lived, "--month", label)["lines"]
    if all(row["bought_hours"] == "24" for row in days):
        energy = sum(Decimal(line["yen"]) for line in lines if line["name"] == "all")
        kwh = Decimal(judge.bought(lived.house, midnight(begin), midnight(end))) / 10
        items = sum(Decimal(row["yen"]) for row in days) - energy
        assert abs(items - kwh * (Decimal("4.18") + fuel_of(lived, label))) < 50


def fuel_of(lived: Lived, label: str) -> Decimal:
    """The fuel price that is shipped for a bill."""
    (line,) = lived.run("bill", "--month", label, "--json").splitlines()
    return next(Decimal(each["price"]) for each in json.loads(line)["lines"] if each["name"] == "fuel")


def test_bills_in_the_table_are_those_of_the_command(lived: Lived) -> None:
    found = rows(lived, "--by", "bill")
    for label, *_ in months(lived)[-3:]:
        (line,) = lived.run("bill", "--month", label, "--json").splitlines()
        assert Decimal(found[label]["yen"]) == json.loads(line)["total"]


def test_the_page_shows_the_same_days(lived: Lived) -> None:
    days = rows(lived, "--since", at(lived.today - timedelta(days=90)))
    store = Store(lived.folder / "store")
    shown = panels.collect(store.archive, int(time()), 90)
    store.close()
    for name in ("bought", "sold", "generated"):
        drawn = {day_of(begun): kwh for begun, kwh, *_ in zip(*shown.daily[name], strict=True) if kwh is not None}
        told = {
            date.fromisoformat(label): float(row[f"{name}_kwh"]) for label, row in days.items() if row[f"{name}_kwh"]
        }
        assert len(told) >= 89
        assert told == {day: abs(drawn[day]) for day in told}


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


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (
            "plan = tepco-juryo-b\nampere = 40\nsell = fit-2025-10",
            "ok      contract: 東京電力エナジーパートナー 従量電灯B",
        ),
        ("plan = kepco-hapie-r", "ok      contract: 関西電力 はぴeタイムR"),
        ("plan = tepco-juryo-b", "fault   contract: the plan's base charge is by ampere. Give --ampere of 10"),
        ("plan = tepco-juryo-x\nampere = 40", "fault   contract: there is no plan 'tepco-juryo-x'."),
        ("plan = tepco-juryo-b\nampere = 40\nsell = dear", "fault   contract: sell: 'dear' is no price"),
    ],
)
def test_check_says_whether_a_contract_can_be_billed(tmp_path: Path, more: str, found: str) -> None:
    write_config(tmp_path, f"[contract]\n{more}")
    assert found in homemon("check", cwd=tmp_path).stdout


# --- by JEPX --------------------------------------------------------------------------------


def spot(day: date, number: int) -> str:
    """A price of the Tokyo area that anyone can recompute."""
    return f"{(day.toordinal() * 7 + number * 13) % 3000 / 100 + 0.01:.2f}"


def spot_file(lived: Lived, begin: date, end: date, lacking: tuple[date, int]) -> Path:
    path = lived.folder / "spot_summary.csv"
    lines = ["受渡日,時刻コード,エリアプライス東京(円/kWh)"]
    for day in (begin + timedelta(days=n) for n in range((end - begin).days)):
        lines += [
            f"{day:%Y/%m/%d},{number + 1},{spot(day, number)}" for number in range(48) if (day, number) != lacking
        ]
    path.write_text("\n".join(lines) + "\n", "cp932")
    return path


def test_a_plan_that_follows_jepx_is_billed_from_the_imported_prices(lived: Lived) -> None:
    label, begin, end = months(lived)[-3]
    lacking = (begin + timedelta(days=3), 4)
    asked = ("--month", label, "--plan", "looop-smart-time-one-tokyo", "--price", "levy=4.18", "--price", "capacity=0")
    run = homemon("bill", *asked, cwd=lived.folder)
    assert (run.returncode, run.stdout) == (2, "")
    assert "no JEPX price is known of this period" in run.stderr
    path = spot_file(lived, begin, end, lacking)
    assert homemon("import", "--area", "tokyo", str(path), cwd=lived.folder).returncode == 0
    found = json.loads(lived.run("bill", *asked, "--json"))
    assert any("JEPX's price is missing for 1 half-hours" in why for why in found["provisional"])
    energy, known, kwh = (
        Fraction(0),
        Fraction(0),
        {t: Fraction(0) for t in range(midnight(begin), midnight(end), HALF_HOUR)},
    )
    heard = [t for t in range(midnight(begin) - DAY, midnight(end) + DAY, HALF_HOUR) if t not in lived.lost]
    for start, after in pairwise(heard):
        part = Fraction(judge.bought(lived.house, start, after), 10) / ((after - start) // HALF_HOUR)
        kwh |= {t: part for t in range(start, after, HALF_HOUR) if t in kwh}
    for t, part in kwh.items():
        slot = (day_of(t), (t - midnight(day_of(t))) // HALF_HOUR)
        if slot != lacking:
            sen = int(Fraction(spot(*slot)) / (1 - Fraction(69, 1000)) * Fraction(11, 10) * 100) + 1511
            energy += part * sen / 100
            known += part
    energy *= sum(kwh.values()) / known
    line = next(line for line in found["lines"] if line["name"].startswith("energy"))
    assert Fraction(line["yen"]) == pytest.approx(energy, abs=1e-15)


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
        Lived(tmp_path, House(begin), day, day, set()), "--since", at(day), "--until", at(day + timedelta(days=1))
    )
    assert [(row["bought_kwh"], row["bought_hours"]) for row in found.values()] == [("23", "23")]
    run = homemon("bill", "--month", f"{day:%Y-%m}", cwd=tmp_path)
    assert "hours are not known and not counted" in run.stdout
