"""`homemon bill` of a store: a year of a simulated house, against a judge that knows the house."""

import json
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from homemon.core.points import DAY, HALF_HOUR
from homemon.energy.periods import day_of
from tests import judge
from tests.commands import homemon, write_config
from tests.judge import midnight
from tests.lived import PRICES, Lived, at, bill, known_half_hours, months

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
    night = lived.night
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


def test_what_was_sold_is_paid_by_whole_kwh(lived: Lived) -> None:
    for label, begin, end in months(lived):
        tenths = lived.house.register_export(midnight(end)) - lived.house.register_export(midnight(begin))
        assert bill(lived, "--month", label)["sold"] == {
            "kwh": tenths // 10,
            "yen": tenths // 10 * 16,
            "parts": [{"kwh": tenths // 10, "price": "16", "yen": str(tenths // 10 * 16)}],
        }


def test_what_is_paid_for_what_was_sold_is_shown_in_whole_yen(lived: Lived) -> None:
    label, begin, end = months(lived)[-1]
    kwh = (lived.house.register_export(midnight(end)) - lived.house.register_export(midnight(begin))) // 10
    assert f"{kwh * 16:,}     売電収入 (円): {kwh} kWh × 16" in lived.run("bill", "--month", label)


def test_the_running_period_has_a_forecast_within_its_range_and_is_provisional(lived: Lived) -> None:
    begun = lived.today - timedelta(days=6)
    config = lived.folder / "running.ini"
    usual = (lived.folder / "config.ini").read_text()
    config.write_text(usual.replace("reading_day = 12", f"reading_day = {min(begun.day, 28)}"))
    asked = ("-c", str(config), "bill", *PRICES)
    found = json.loads(lived.run(*asked, "--json"))
    forecast = found["forecast"]
    assert found["total"] <= forecast["low"] <= forecast["yen"] <= forecast["high"]
    assert float(found["kwh"]) <= float(forecast["kwh"])
    assert any("the period goes on until" in why for why in found["provisional"])
    shown = lived.run(*asked)
    assert f"{forecast['yen']:,}     予想" in shown


def test_a_period_that_began_before_the_store_says_how_much_of_it_is_missing(lived: Lived) -> None:
    ends = lived.first if lived.first.day < 12 else lived.first.replace(day=1) + timedelta(days=31)
    found = bill(lived, "--month", f"{ends:%Y-%m}")
    assert any("hours are not known and not counted" in why for why in found["provisional"])
    before = lived.first.replace(day=1) - timedelta(days=40)
    run = homemon("bill", "--month", f"{before:%Y-%m}", cwd=lived.folder)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"no half-hour of the billing period of {before:%Y-%m} is stored" in run.stderr


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
    label = f"{change if change.day < 12 else change + timedelta(days=20):%Y-%m}"
    lines = lived.run("-c", str(other), "bill", "--month", label, "--json").splitlines()
    found = [json.loads(line) for line in lines]
    assert [each["until"] for each in found][:-1] == [each["since"] for each in found][1:] == [str(change)]
    assert all(each["month"] == label for each in found)
    following = json.loads(
        lived.run("-c", str(other), "energy", "--by", "bill", "--since", at(change), "--format", "json")
    )
    assert following[0]["since"].startswith(at(change))


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
    assert "no JEPX price is known of" in run.stderr
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
    assert Fraction(line["yen"]) == pytest.approx(energy, abs=0.001)
