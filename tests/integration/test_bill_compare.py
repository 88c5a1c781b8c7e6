"""`homemon bill compare`: a year through several plans, against a judge that knows the house, and what if."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from time import time
from typing import Any, NamedTuple

import pytest

from homemon.core.points import HALF_HOUR, Point
from homemon.energy.periods import day_of
from homemon.sim.house import House
from homemon.storage.store import Store
from tests import judge
from tests.commands import homemon, write_config
from tests.judge import midnight
from tests.stores import put

TODAY = day_of(int(time()))
DAYS = 400
CONTRACT = "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 12"
OWN = """
name = "an offer"
company = "a retailer"
area = "tokyo"
[[version]]
from = "2020-01"
source = "a letter"
checked = 2026-11-27
price = 30
items = []
unsure = ["the price"]
[version.base]
flat = 0
"""


def readings(day: date) -> list[date]:
    """The last 13 reading days, the ends of 12 bills."""
    months = [day.year * 12 + day.month - 1 - n for n in range(14)]
    return sorted([found for n in months if (found := date(n // 12, n % 12 + 1, 12)) <= day][:13])


ENDS = readings(TODAY)
BEGIN = midnight(ENDS[0] - timedelta(days=3))


class Home(NamedTuple):
    """A folder with config.ini and a store."""

    folder: Path

    def run(self, *arguments: str, status: int = 0) -> str:
        run = homemon("bill", "compare", *arguments, cwd=self.folder)
        assert run.returncode == status, run.stderr
        return " ".join(run.stderr.split()) if status else run.stdout

    def found(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*arguments, "--json"))
        return found

    def plans(self, *arguments: str) -> dict[str, dict[str, Any]]:
        return {each["plan"]: each for each in self.found(*arguments)["plans"]}


def home(folder: Path, contract: str, *points: Point) -> Home:
    folder.mkdir(exist_ok=True)
    write_config(folder, contract)
    labels = [f"{end:%Y-%m}" for end in ENDS[1:]]
    fuel, levy = ("\n".join(f'{label} = "{yen}"' for label in labels) for yen in ("-7.00", "4.18"))
    (folder / "prices.toml").write_text(f"[price.tokyo.fuel]\n{fuel}\n[price.levy]\n{levy}\n")
    store = Store(folder / "store")
    put(store, *points)
    store.close()
    return Home(folder)


def steady(begin: int = BEGIN) -> Iterator[Point]:
    """Half a kWh is bought in each half-hour; the EcoCute takes 0.3 of it from two to five o'clock."""
    bought = heated = 0
    for t in range(begin, midnight(TODAY) + 1, HALF_HOUR):
        yield Point("+power", {"value": bought / 10}, t)
        yield Point("ecocute", {"powerSum": heated}, t)
        bought += 5
        heated += 300 if 4 <= (t - midnight(day_of(t))) // HALF_HOUR < 10 else 0


def kwh(plan: dict[str, Any], name: str) -> Decimal:
    return sum((Decimal(line["kwh"]) for line in plan["lines"] if line["name"] == name), Decimal(0))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, House]:
    house = House(BEGIN)
    times = range(BEGIN, midnight(TODAY) + 1, HALF_HOUR)
    registers = (Point("+power", {"value": house.register_import(t) / 10}, t) for t in times)
    return home(tmp_path_factory.mktemp("lived"), CONTRACT, *registers), house


@pytest.fixture(scope="module")
def level(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return home(tmp_path_factory.mktemp("level"), CONTRACT, *steady())


# --- a year ---------------------------------------------------------------------------------


def test_a_year_by_two_plans_is_the_judges_to_the_yen(lived: tuple[Home, House]) -> None:
    folder, house = lived
    found = folder.plans()
    for plan, bill in judge.BILLS.items():
        bills = [bill(house, begin, end) for begin, end in pairwise(ENDS)]
        assert (found[plan]["bills"], found[plan]["yen_a_year"]) == (bills, sum(bills))
        assert found[plan]["yen_a_month"] == round(sum(bills) / 12)


def test_the_cheapest_comes_first_with_the_difference_to_the_present_plan(lived: tuple[Home, House]) -> None:
    found = lived[0].found()
    years = [each["yen_a_year"] for each in found["plans"]]
    assert years == sorted(years)
    (present,) = (each for each in found["plans"] if each["plan"] == found["present"])
    assert present["yen_a_year"] == found["today"]["yen_a_year"]
    assert [each["difference_a_year"] for each in found["plans"]] == [yen - present["yen_a_year"] for yen in years]


def test_why_is_what_falls_into_each_band_and_tier(level: Home) -> None:
    found = level.plans()
    whole = [24 * (end - begin).days for begin, end in pairwise(ENDS)]
    tiers = {line["tier"]: int(line["kwh"]) for line in found["tepco-juryo-b"]["lines"] if line["name"] == "all"}
    assert tiers == {1: 120 * 12, 2: 180 * 12, 3: sum(whole) - 300 * 12}
    assert kwh(found["tepco-smartlife-s"], "night") == sum(5 * (end - begin).days for begin, end in pairwise(ENDS))
    shown = level.run()
    assert "tepco-juryo-b  東京電力エナジーパートナー 従量電灯B (present)" in shown
    assert "第1段階 1,440 kWh" in shown
    last = ENDS[-1] - timedelta(days=1)
    assert f"12 months compared: {ENDS[1]:%Y-%m} to {ENDS[-1]:%Y-%m} ({ENDS[0]} - {last}), " in shown


def test_what_is_unsure_of_a_plan_is_marked_and_said_below(level: Home) -> None:
    shown = level.run()
    row = next(line for line in shown.splitlines() if "tepco-yorutoku-8 " in line)
    assert row.strip().startswith("~")
    assert "the base charge, by kW of real demand and left out here, is not confirmed by a source" in shown
    assert not next(line for line in shown.splitlines() if "tepco-juryo-b " in line).strip().startswith("~")


def test_a_plan_by_jepx_is_left_out_without_prices_and_compared_with_them(tmp_path: Path) -> None:
    without = home(tmp_path / "without", CONTRACT, *steady())
    left_out = {each["plan"]: each["why"] for each in without.found()["left_out"]}
    assert "looop-smart-time-one-tokyo" in left_out
    assert left_out["direct-power-tokyo"].startswith(
        f"no JEPX price is known of {ENDS[0]} to {ENDS[1] - timedelta(days=1)}. Get JEPX"
    )
    times = range(midnight(ENDS[0]), midnight(ENDS[-1]), HALF_HOUR)
    spot = (Point("spot", {"tokyo": 10.0}, t) for t in times)
    found = home(tmp_path / "with", CONTRACT, *steady(), *spot).found()
    assert not found["left_out"]
    assert any(each["plan"] == "looop-smart-time-one-tokyo" for each in found["plans"])


def test_a_plan_that_lacks_what_is_agreed_is_named_with_what_it_needs(tmp_path: Path) -> None:
    area = home(tmp_path, "[contract]\nplan = energia-juryo-a\nreading_day = 12", *steady())
    left_out = {each["plan"]: each["why"] for each in area.found()["left_out"]}
    assert left_out["energia-economy-night"] == "the plan's base charge is by kva. Give --kva, or kva in [contract]."
    assert (
        "left out: energia-economy-night: the plan's base charge is by kva. Give --kva, or kva in [contract]."
        in area.run()
    )
    given = area.plans("--kva", "6")
    assert "energia-economy-night" in given
    demand = given["energia-denka-style"]["lines"][0]
    assert demand["name"] == "base charge, 1 kW", "half a kWh in a half-hour is 1 kW of real demand"
    assert area.plans("--kw", "7")["energia-denka-style"]["lines"][0]["name"] == "base charge, 7 kW"


@pytest.mark.parametrize("contracted", [False, True])
def test_a_plan_of_ones_own_is_compared_too(tmp_path: Path, contracted: bool) -> None:
    contract = CONTRACT.replace("tepco-juryo-b", "own.toml") if contracted else CONTRACT
    own = home(tmp_path, contract, *steady())
    (tmp_path / "own.toml").write_text(OWN)
    found = own.found(*(() if contracted else ("--plan", "own.toml")))
    (offer,) = (each for each in found["plans"] if each["plan"] == "own")
    assert offer["yen"] == sum(24 * 30 * (end - begin).days for begin, end in pairwise(ENDS))
    assert offer["provisional"] == ["the price is not confirmed by a source"]
    assert found["present"] == ("own" if contracted else "tepco-juryo-b")


def test_months_before_the_store_begins_are_not_counted(tmp_path: Path) -> None:
    begun = home(tmp_path, CONTRACT, *steady(midnight(ENDS[-4] - timedelta(days=1))))
    found = begun.found()
    assert (found["months"], found["asked"], found["since"]) == (3, 12, str(ENDS[-4]))
    plan = found["plans"][0]
    assert plan["yen_a_year"] == plan["yen"] * 4
    assert "3 months compared of 12, what the store has" in begun.run()
    assert begun.found("--months", "2")["months"] == 2


def test_a_contract_that_began_today_is_compared_for_the_bills_before_it(tmp_path: Path) -> None:
    new = home(tmp_path, CONTRACT.replace("[contract]", f"[contract {TODAY}]"), *steady())
    found = new.found()
    assert (found["months"], found["until"]) == (12, str(ENDS[-1]))


def test_hours_that_are_not_known_make_all_plans_provisional(tmp_path: Path) -> None:
    gap = midnight(ENDS[-2]) + 10 * HALF_HOUR
    lacking = home(tmp_path, CONTRACT, *steady())
    store = Store(tmp_path / "store")
    with store.db.writing():
        store.db.execute("INSERT INTO meter VALUES (0, 'one'), (?, 'another')", (gap,))
    store.close()
    found = lacking.found()
    (why,) = found["provisional"]
    assert why.startswith(f"{ENDS[-1]:%Y-%m}: 0.5 hours are not known and not counted: ")
    assert f"~ provisional, all: {why}" in lacking.run()
    rows = [line for line in lacking.run().splitlines() if "東京電力" in line]
    assert rows
    assert all(row.strip().startswith("~") for row in rows)


# --- what if --------------------------------------------------------------------------------


def test_the_ecocute_in_other_hours_moves_its_kwh_from_band_to_band(level: Home) -> None:
    days = (ENDS[-1] - ENDS[0]).days
    plain, found = level.plans(), level.found("--shift", "ecocute", "10-15")
    shifted = {each["plan"]: each for each in found["plans"]}
    assert Decimal(found["shifted"]["kwh"]) == Decimal("1.8") * days
    assert [kwh(plan["tepco-smartlife-s"], "night") for plan in (plain, shifted)] == [
        5 * days,
        sum(int(Decimal("3.2") * (end - begin).days + Decimal("0.5")) for begin, end in pairwise(ENDS)),
    ]
    assert shifted["tepco-juryo-b"]["bills"] == plain["tepco-juryo-b"]["bills"], "one price at all hours"
    assert found["today"]["yen"] == plain["tepco-juryo-b"]["yen"]
    shown = level.run("--shift", "ecocute", "10-15")
    assert f"shifted: {Decimal('1.8') * days:,.1f} kWh of the EcoCute into 10:00 - 15:00" in shown


def test_another_ampere_is_everybodys_and_the_difference_is_to_the_present_one(level: Home) -> None:
    plain, found = level.plans(), level.found("--ampere", "50")
    for plan in ("tepco-juryo-b", "tepco-smartlife-s"):
        (wider,) = (each for each in found["plans"] if each["plan"] == plan)
        more = {wide - narrow for wide, narrow in zip(wider["bills"], plain[plan]["bills"], strict=True)}
        assert more <= {311, 312}, "311.75 yen, before the sum is cut"
        assert wider["difference_a_year"] == wider["yen"] - plain["tepco-juryo-b"]["yen"]
    assert "difference: to the present plan as it is, " in level.run("--ampere", "50")


# --- amperes --------------------------------------------------------------------------------


def test_recorded_currents_say_which_ampere_would_have_held(tmp_path: Path) -> None:
    start = midnight(ENDS[-1]) - 3600
    currents = [
        (1.0, 2.0),
        (12.5, 12.5),
        (20.1, 8.0),
        (16.0, 17.5),
        (-3.0, 10.0),
        (33.0, 0.5),
        (20.0, 4.0),
        (15.0, 15.0),
    ]
    wires = (Point("current", {"r": r, "t": t}, start + 60 * n) for n, (r, t) in enumerate(currents))
    begin = midnight(ENDS[0]) + 9 * 3600
    most = [Point("current", {"r": 0.5, "t": 0.5}, t) for t in range(begin, start, 3600) if (t - begin) % 10_800]
    found = home(tmp_path, CONTRACT.replace("40", "30"), *steady(), *wires, *most)
    said = found.found()["amperes"]
    assert said.pop("hours_compared") == pytest.approx((time() - midnight(ENDS[0])) / 3600, abs=2)
    assert said == {
        "highest": "33.5",
        "at": start + 180,
        "readings": 8 + len(most),
        "hours": 1 + len(most),
        "above_80_percent": 5,
        "above": 2,
        "least": 40,
        "yen_a_month_less": -312,
    }
    assert "amperes: 40 A is the least of tepco-juryo-b that would have held: 312 yen a month more" in found.run()
    assert found.found("--ampere", "60")["amperes"]["above"] == 0


def test_no_ampere_is_advised_where_the_current_was_recorded_for_a_small_part_of_the_time(tmp_path: Path) -> None:
    start = midnight(ENDS[-1]) + 3600
    found = home(
        tmp_path, CONTRACT, *steady(), *(Point("current", {"r": 1, "t": 1}, start + 60 * n) for n in range(31))
    )
    said = found.found()["amperes"]
    assert (said["readings"], said["hours"], said["least"], said["yen_a_month_less"]) == (31, 1, None, None)
    few = f"amperes: the current is recorded in 1 of {said['hours_compared']:,} hours: too few to say which would have"
    assert few in found.run()
    assert "is the least of" not in found.run()


def test_where_no_current_is_recorded_one_line_says_how_it_is(level: Home) -> None:
    assert level.found()["amperes"] is None
    (line,) = (line for line in level.run().splitlines() if line.startswith("amperes"))
    assert line == "amperes: no current is recorded; `homemon meter-poll E7 E8` each minute, by cron, records it"


# --- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("--months 0", "0 is not in the range"),
        ("--months x", "'x' is not a valid integer"),
        ("--ampere 45", "the plan has no base charge for 45 A It has 10, 15, 20, 30, 40, 50 or 60 A."),
        ("--plan tepco-x", "there is no plan 'tepco-x'"),
        ("--plan nowhere.toml", "nowhere.toml: No such file"),
        ("--shift ecocute 10-10", 'is to be hours such as "22-8"'),
        ("--shift ecocute 10-25", 'is to be hours such as "22-8"'),
        ("--shift aircon 10-15", "'aircon' is not 'ecocute'"),
        ("--shift ecocute", "requires 2 arguments"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(level: Home, arguments: str, why: str) -> None:
    assert why in level.run(*arguments.split(), status=2)


def test_an_ecocute_that_was_never_recorded_cannot_be_shifted(lived: tuple[Home, House]) -> None:
    said = lived[0].run("--shift", "ecocute", "10-15", status=2)
    assert "nothing of the EcoCute is recorded in these billing periods" in said
    assert "`homemon ecocute-poll` each 10 minutes records it" in said


def test_where_the_contract_says_no_ampere_it_is_asked_for(tmp_path: Path) -> None:
    unsaid = home(tmp_path, CONTRACT.replace("ampere = 40\n", ""), *steady())
    found = unsaid.found()
    assert found["today"] is None
    assert {each["plan"]: each["why"] for each in found["left_out"]}["tepco-juryo-b"].startswith(
        "the plan's base charge is by ampere"
    )
    assert not any(each["difference_a_year"] for each in found["plans"])
    given = unsaid.found("--ampere", "40")
    assert given["today"]["yen"] == next(each["yen"] for each in given["plans"] if each["plan"] == "tepco-juryo-b")
    assert "the plan has no base charge for 45 A" in unsaid.run("--ampere", "45", status=2)


def test_a_plan_without_prices_for_all_of_the_months_is_left_out(tmp_path: Path) -> None:
    later = OWN.replace("2020-01", f"{ENDS[-1]:%Y-%m}")
    own = home(tmp_path, CONTRACT, *steady())
    (tmp_path / "own.toml").write_text(later)
    why = f"own has prices from the bill of {ENDS[-1]:%Y-%m} on. Compare fewer --months."
    assert {"plan": "own", "why": why} in own.found("--plan", "own.toml")["left_out"]
    assert "own" in own.plans("--plan", "own.toml", "--months", "1")


def test_without_a_contract_or_a_whole_period_it_says_so(tmp_path: Path) -> None:
    assert "there is no [contract]" in home(tmp_path / "a", "").run(status=2)
    said = home(tmp_path / "b", CONTRACT).run(status=1)
    assert "no billing period is stored from its beginning to its end" in said
