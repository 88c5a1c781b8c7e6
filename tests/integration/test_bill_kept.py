"""`homemon bill price` and `homemon bill enter`: what a user knows is kept, used and compared."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from homemon.config.read import load
from homemon.core.points import HALF_HOUR, Point
from homemon.energy.periods import starts
from homemon.energy.prices import Figure
from homemon.runtime import kept
from homemon.storage.store import Store
from tests.commands import homemon, write_config
from tests.judge import midnight
from tests.stores import put

BEGIN, END = date(2026, 8, 12), date(2026, 9, 12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with 374 kWh in the billing period of 2026-09, and a contract."""
    write_config(tmp_path, "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 12")
    store = Store(tmp_path / "store")
    count = (midnight(END) - midnight(BEGIN)) // HALF_HOUR
    readings = ((starts(BEGIN) + n * HALF_HOUR, 100 + round(374 * n / count, 1)) for n in range(count + 1))
    put(store, *(Point("+power", {"value": kwh}, time) for time, kwh in readings))
    store.close()
    return tmp_path


def bill(folder: Path, *arguments: str) -> dict[str, Any]:
    run = homemon("bill", "--month", "2026-09", *arguments, "--json", cwd=folder)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_a_price_that_is_kept_is_used_and_corrects_the_past(folder: Path) -> None:
    assert bill(folder)["provisional"] == ["fuel of 2026-09 is not known yet: that of 2026-08 stands in"]
    run = homemon("bill", "price", "fuel", "2026-09", "-10.27", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert f"fuel of 2026-09 in tokyo is -10.27, kept in {folder}/prices.toml" in run.stderr
    assert (bill(folder)["total"], bill(folder)["provisional"]) == (12_093, [])
    homemon("bill", "price", "fuel", "2026-09", "-7.27", cwd=folder)
    assert bill(folder)["total"] == 12_093 + 3 * 374
    assert bill(folder, "--price", "fuel=-10.27")["total"] == 12_093, "what is typed comes first"


def test_a_kept_price_stands_in_for_later_bills_and_says_so(folder: Path) -> None:
    homemon("bill", "price", "fuel", "2026-08", "-1.00", cwd=folder)
    found = bill(folder)
    assert found["total"] > 15_000
    assert found["provisional"] == ["fuel of 2026-09 is not known yet: that of 2026-08 stands in"]


def test_prices_of_several_kinds_come_back_as_they_were_given(folder: Path) -> None:
    for words in (
        ["fuel", "2026-10", "-143.77+-9.57", "--area", "chugoku"],
        ["capacity", "2026-09", "171/month"],
        ["fuel", "2026-09", "-0.10", "--plan", "energia-smart"],
        ["levy", "2027-05", "4.50"],
    ):
        run = homemon("bill", "price", *words, cwd=folder)
        assert run.returncode == 0, run.stderr
    kept = (folder / "prices.toml").read_text()
    assert '[price.chugoku.fuel]\n2026-09 = "-0.10"\n2026-10 = "-143.77+-9.57"' in kept
    assert '[price.tokyo.capacity]\n2026-09 = "171/month"' in kept
    assert '[price.levy]\n2027-05 = "4.50"' in kept
    assert (folder / "prices.toml").stat().st_mode & 0o777 == 0o600


def test_a_price_is_kept_for_the_plans_of_its_area_and_the_levy_for_all(folder: Path) -> None:
    asked = ("--month", "2026-08", "--plan", "energia-smart", "--kwh", "100")
    before = homemon("bill", *asked, cwd=folder).stdout
    homemon("bill", "price", "fuel", "2026-08", "-1.00", cwd=folder)
    assert homemon("bill", *asked, cwd=folder).stdout == before
    homemon("bill", "price", "levy", "2026-08", "5.00", cwd=folder)
    assert "100 kWh × 5.00" in homemon("bill", *asked, cwd=folder).stdout
    homemon("bill", "price", "fuel", "2026-08", "-1.00", "--plan", "energia-smart", cwd=folder)
    assert "100 kWh × -1.00" in homemon("bill", *asked, cwd=folder).stdout


def test_without_a_contract_a_price_is_of_the_area_that_is_named(tmp_path: Path) -> None:
    write_config(tmp_path)
    price = ("bill", "price", "fuel", "2026-09", "-7.30")
    run = homemon(*price, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert "add --area or --plan" in " ".join(run.stderr.split())
    assert homemon("bill", "price", "levy", "2026-09", "4.18", cwd=tmp_path).returncode == 0
    assert homemon(*price, "--area", "tokyo", cwd=tmp_path).returncode == 0
    asked = "bill --plan tepco-standard-s --ampere 40 --month 2026-09 --kwh 100"
    assert "100 kWh × -7.30" in homemon(*asked.split(), cwd=tmp_path).stdout


def test_a_price_that_the_plan_does_not_have_is_kept_with_a_note(folder: Path) -> None:
    run = homemon("bill", "price", "capacity", "2026-09", "171/month", cwd=folder)
    assert run.returncode == 0
    assert "tepco-juryo-b has no capacity: its bills stay as they are" in run.stderr
    assert "has no" not in homemon("bill", "price", "fuel", "2026-09", "-7.30", cwd=folder).stderr


def test_prices_that_are_kept_at_once_are_all_kept(folder: Path) -> None:
    config = load(folder / "config.ini")

    def keep(month: int) -> None:
        figure = Figure(Decimal(month))
        kept.change(config, lambda before: kept.with_price(before, "tokyo", "fuel", (2026, month), figure))

    with ThreadPoolExecutor(12) as several:
        list(several.map(keep, range(1, 13)))
    assert [label[1] for label in kept.load(config).of("tokyo")["fuel"]] == list(range(1, 13))


def test_a_minus_of_a_web_page_is_one(folder: Path) -> None:
    assert homemon("bill", "price", "fuel", "2026-09", "\N{MINUS SIGN}10.27", cwd=folder).returncode == 0
    assert bill(folder)["total"] == 12_093


def test_what_is_entered_is_computed_before_it_is_kept(folder: Path) -> None:
    write_config(folder, "[contract 2026-08-12]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 12")
    run = homemon("bill", "enter", "2026-06", "12,093", cwd=folder)
    assert (run.returncode, run.stdout) == (2, "")
    assert "no [contract] holds for the bill of 2026-06" in run.stderr
    assert not (folder / "prices.toml").exists()


def test_a_bill_of_which_nothing_is_stored_is_kept_and_compared_with_nothing(folder: Path) -> None:
    run = homemon("bill", "enter", "2026-06", "12,093", cwd=folder)
    assert (run.returncode, run.stdout) == (0, "")
    assert "there is nothing to compare it with" in run.stderr
    assert "yen = 12093" in (folder / "prices.toml").read_text()


def test_a_difference_to_what_may_yet_change_comes_with_why(folder: Path) -> None:
    run = homemon("bill", "enter", "2026-09", "12,093", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert "provisional: fuel of 2026-09 is not known yet: that of 2026-08 stands in" in run.stdout


def test_what_the_bill_really_said_is_kept_and_the_difference_shown(folder: Path) -> None:
    homemon("bill", "price", "fuel", "2026-09", "-10.27", cwd=folder)
    run = homemon("bill", "enter", "2026-09", "12100", "--kwh", "375", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert "12,100     請求額 (円、計算との差 +7)" in run.stdout
    assert "375     請求の使用量 (kWh、計算との差 +1)" in run.stdout
    shown = homemon("bill", "--month", "2026-09", cwd=folder).stdout
    assert all(line in shown for line in run.stdout.splitlines())
    assert bill(folder)["billed"] == {"yen": 12_100, "kwh": 375, "difference": 7}
    assert "billed" not in bill(folder, "--plan", "tepco-standard-s"), "another plan's bill was not said"


def test_given_kwh_are_billed_by_the_contract_and_with_what_is_kept(folder: Path) -> None:
    homemon("bill", "price", "fuel", "2026-10", "-10.27", cwd=folder)
    asked = ("bill", "--month", "2026-10", "--kwh", "374", "--json")
    assert json.loads(homemon(*asked, cwd=folder).stdout)["total"] == 12_093
    other = json.loads(homemon(*asked, "--plan", "tepco-standard-s", cwd=folder).stdout)
    assert (other["plan"], other["total"], other["provisional"]) == ("tepco-standard-s", 12_093, [])
    dearer = json.loads(homemon(*asked, "--ampere", "50", "--price", "fuel=-9.27", cwd=folder).stdout)
    assert dearer["total"] == 12_093 + 311 + 374 + 1, "311.75 and 374 yen more"


def test_a_plan_of_ones_own_lies_where_it_is_named(folder: Path) -> None:
    plan = 'name = "own"\ncompany = "a"\narea = "tokyo"\n[[version]]\nsource = "a"\nchecked = 2026-08-16\nprice = 10\n'
    (folder / "sub").mkdir()
    (folder / "sub" / "mine.toml").write_text(plan + "[version.base]\nflat = 100\n")
    run = homemon("-c", "../config.ini", "bill", "--month", "2026-09", "--plan", "mine.toml", cwd=folder / "sub")
    assert run.returncode == 0, run.stderr
    (folder / "own.toml").write_text(plan + "[version.base]\nflat = 200\n")
    config = (folder / "config.ini").read_text()
    (folder / "config.ini").write_text(config.replace("tepco-juryo-b", "own.toml"))
    run = homemon("-c", "../config.ini", "bill", "--month", "2026-09", cwd=folder / "sub")
    assert "200.00  基本料金" in run.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("price fule 2026-09 -7.30", "no plan has a price 'fule'; there are"),
        ("price fuel 2026-13 -7.30", "is no month of a bill"),
        ("price fuel 2026-09 much", "a price is -7.30"),
        ("price fuel 2026-09 99999999", "is no price"),
        ("price fuel 2026-09 -1027", "is no price of a kWh: 200 yen are the most"),
        ("price fuel 2026-09 -143.77+-9.57", "no minimum charge in tepco-juryo-b: give fuel as one price a kWh"),
        ("price fuel 2026-09 -143.77+-9.57 --area tokyo", "give fuel as one price a kWh"),
        ("price fuel 2026-09 -7.30 --area tokyo --plan tepco-juryo-b", "leave --area out"),
        ("enter 2026-09 -5", "No such option"),
        ("enter 2026-09 many", "'many' is no whole number from 0 to 10,000,000"),
        ("enter 2026-09 12_093", "write 12093 or 12,093"),
        ("enter 2026-09 1,2093", "write 12093 or 12,093"),
        ("enter 2026-09 １２０９３", "write 12093 or 12,093"),
        ("enter 2026-09 12093 --kwh 3_74", "is no whole number"),
        ("entre 2026-09 5", "Did you mean enter"),
    ],
)
def test_what_cannot_be_kept_is_one_clear_error(folder: Path, words: str, why: str) -> None:
    run = homemon("bill", *words.split(), cwd=folder)
    assert (run.returncode, run.stdout) == (2, "")
    assert why in " ".join(run.stderr.split())
    assert not (folder / "prices.toml").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[price.tokyo.fuel]\n2026-9 = '-7.30'", "prices.toml:2: price.tokyo.fuel.2026-9: is not known"),
        ("[price.tokyo.fuel]\n2026-09 = 'x'", "prices.toml:2: price.tokyo.fuel.2026-09: a price is"),
        ("[price.tokyo.fuel]\n2026-09 = -7.30", "prices.toml:2: price.tokyo.fuel.2026-09: is to be text"),
        ("[price.tokyo.fuel]\n2026-09 = '-1027'", "prices.toml:2: price.tokyo.fuel.2026-09: -1027 is no price"),
        ("[price.tokyo.feul]\n2026-09 = '1'", "prices.toml:1: price.tokyo.feul: is a price that no plan has"),
        ("[price.tokyo.levy]\n2026-09 = '1'", "prices.toml:1: price.tokyo.levy: is of no area: [price.levy]"),
        ("[price.feul]\n2026-09 = '1'", "prices.toml:1: price.feul: is neither levy nor one of hokkaido"),
        ("[billed.2026-09]\nyen = 'x'", "prices.toml:2: billed.2026-09.yen: is to be a whole number"),
        ("[billed.2026-09]\nkwh = 1", "prices.toml:1: billed.2026-09.yen: is missing"),
        ("fuel = 1", "prices.toml:1: fuel: is not known"),
        ("nonsense", "prices.toml:1:"),
    ],
)
def test_a_slip_in_what_is_kept_is_reported_with_its_line_and_nothing_is_lost(
    folder: Path, content: str, why: str
) -> None:
    (folder / "prices.toml").write_text(content)
    for words in (["--month", "2026-09"], ["price", "fuel", "2026-10", "-7.30"]):
        run = homemon("bill", *words, cwd=folder)
        assert (run.returncode, run.stdout) == (2, "")
        assert why in " ".join(run.stderr.split())
    assert (folder / "prices.toml").read_text() == content
