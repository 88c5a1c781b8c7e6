"""`homemon bill`: the bills of real households and the companies' own examples, through the command."""

import json
from pathlib import Path

import pytest

from homemon.energy import shipped
from tests.commands import homemon

OWN = """
name = "a plan of the Chubu area"
company = "a retailer"
area = "chubu"
[[version]]
from = "2025-01"
source = "the contract"
checked = 2026-08-16
price = [[400, 27.00], 26.00]
items = ["fuel", "capacity", "levy"]
[version.base]
flat = 0
"""
BILLS = [
    ("--plan tepco-juryo-b --ampere 40 --month 2026-08 --kwh 374", 12_093),
    ("--plan tepco-juryo-b --ampere 30 --month 2024-05 --kwh 260", 8_137),
    ("--plan tepco-juryo-b --ampere 30 --month 2025-01 --kwh 260", 8_821),
    ("--plan tepco-juryo-b --ampere 30 --month 2026-02 --kwh 260", 7_464),
    ("--plan energia-juryo-a --month 2026-04 --kwh 348", 10_711),
    ("--plan energia-smart --month 2026-04 --kwh 348", 10_543),
    (
        "--plan energia-family-time-2 --kva 6 --month 2026-01 --band day=23 --band family=152 --band night=376",
        15_876,
    ),
    ("--plan energia-economy-night --kva 6 --month 2026-08 --band day=100 --band night=1000", 26_578),
    ("--plan energia-economy-night --kva 6 --month 2026-08 --band day=0 --band night=0", 789),
    ("--plan energia-economy-night --kva 6 --month 2026-08 --kwh 0", 789),
    ("--plan energia-juryo-b --kva 6 --month 2026-07 --kwh 0", 1_343),
]
TEPCO = [name for name in shipped.names() if name.startswith("tepco")]
FAULTS = [
    ("--plan tepco-juryo-x --month 2026-08 --kwh 1", "Similar: tepco-juryo-b"),
    ("--plan tepco --month 2026-08 --kwh 1", f"Similar: {', '.join(TEPCO)}; or name a .toml file."),
    ("--plan nix --month 2026-08 --kwh 1", f"There are {', '.join(shipped.names())}; or name a .toml file."),
    ("--plan /nowhere/own.toml --month 2026-08 --kwh 1", "/nowhere/own.toml: No such file"),
    ("--plan looop-smart-time-one-tokyo --month 2026-08 --kwh 100", "follows JEPX each half-hour"),
    ("--plan tepco-juryo-b --month 2026-08 --kwh 1", "Give --ampere of 10, 15, 20, 30, 40, 50 or 60"),
    ("--plan tepco-juryo-b --ampere 45 --month 2026-08 --kwh 1", "no base charge for 45 A"),
    ("--plan energia-juryo-b --month 2026-08 --kwh 1", "Give --kva"),
    ("--plan tepco-juryo-b --ampere 30 --month 2023-01 --kwh 1", "has prices from the bill of 2024-04 on"),
    ("--plan tepco-juryo-b --ampere 30 --month 2026-13 --kwh 1", "is no month of a bill"),
    ("--kwh 100", "--kwh and --band need --month"),
    ("--month 2026-08 --kwh 374", "no configuration found"),
    ("--plan tepco-juryo-b --ampere 30 --month 2026-08 --kwh -1", "--kwh takes a number"),
    *(
        (f"--plan tepco-juryo-b --ampere 30 --month 2026-08 --kwh {kwh}", "--kwh takes a number such as 374")
        for kwh in ("NaN", "1_000", "1e3", "３７４", "1.2.3", "1,000", "1000001")
    ),
    ("--plan tepco-juryo-b --ampere 30 --month 2026-08", "no configuration found"),
    ("--plan tepco-juryo-b --ampere 30 --month 2026-08 --band day=1", "give --kwh KWH"),
    ("--plan energia-economy-night --kva 6 --month 2026-08 --kwh 1", "--band 'night=KWH'"),
    ("--plan energia-economy-night --kva 6 --month 2026-08 --band noon=1", "--band 'night=KWH'"),
    ("--plan energia-economy-night --kva 6 --month 2026-08 --band day=100", "--band 'night=KWH'"),
    (
        "--plan tepco-juryo-b --ampere 30 --month 2026-08 --kwh 1 --price fule=-7",
        "no price fule It has fuel, levy",
    ),
    ("--plan tepco-juryo-b --ampere 30 --month 2026-08 --kwh 1 --price fuel", "takes NAME=VALUE"),
    ("--plan tepco-juryo-b --ampere 30 --month 2026-08 --kwh 1 --price fuel=x", "a price is -7.30"),
]


@pytest.mark.parametrize(("arguments", "total"), BILLS)
def test_the_bill_is_the_companys_to_the_yen(tmp_path: Path, arguments: str, total: int) -> None:
    run = homemon("bill", *arguments.split(), "--json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["total"] == total


@pytest.mark.parametrize(
    ("month", "kwh", "fuel", "capacity", "total"),
    [
        ("2025-08", "73", "1.80", "171", 2_563),
        ("2026-01", "428", "2.20", "237", 14_409),
        ("2026-05", "9", "5.83", "141", 473),
        ("2026-06", "3", "13.95", "327", 461),
    ],
)
def test_a_plan_and_prices_of_ones_own_give_the_bill(
    tmp_path: Path, month: str, kwh: str, fuel: str, capacity: str, total: int
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    prices = ("--price", f"fuel={fuel}", "--price", f"capacity={capacity}/month")
    run = homemon("bill", "--plan", str(own), "--month", month, "--kwh", kwh, *prices, "--json", cwd=tmp_path)
    found = json.loads(run.stdout)
    assert (found["total"], found["provisional"]) == (total, [])


def test_it_prints_the_lines_of_the_bill_and_needs_no_configuration(tmp_path: Path) -> None:
    run = homemon("bill", *BILLS[0][0].split(), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "東京電力エナジーパートナー 従量電灯B, 2026年8月分, 374 kWh",
        "      1,247.00  基本料金 40 A",
        "      3,576.00  電力量料金 第1段階: 120 kWh × 29.80",
        "      6,552.00  電力量料金 第2段階: 180 kWh × 36.40",
        "      2,996.26  電力量料金 第3段階: 74 kWh × 40.49",
        "     -3,840.98  燃料費調整額: 374 kWh × -10.27",
        "      1,563.00  再エネ発電促進賦課金: 374 kWh × 4.18",
        "     12,093     合計 (円、うち消費税等 1,099)",
    ]


def test_a_price_that_stands_in_makes_the_bill_provisional(tmp_path: Path) -> None:
    asked = ["bill", "--plan", "tepco-juryo-b", "--ampere", "30", "--month", "2026-10", "--kwh", "100"]
    run = homemon(*asked, cwd=tmp_path)
    assert "provisional: fuel of 2026-10 is not known yet: that of 2026-08 stands in" in run.stdout
    assert "provisional" not in homemon(*asked, "--price", "fuel=-7.30", cwd=tmp_path).stdout


def test_a_price_that_nobody_knows_is_left_out_and_named(tmp_path: Path) -> None:
    run = homemon(*["bill", "--plan", "kepco-juryo-a", "--month", "2026-08", "--kwh", "300"], cwd=tmp_path)
    assert "provisional: no price is known for fuel of 2026-08, which is left out" in run.stdout


def test_a_price_without_the_minimum_charges_lump_makes_the_bill_provisional(tmp_path: Path) -> None:
    asked = "bill --plan energia-juryo-a --month 2026-10 --kwh 100 --price fuel=-12.00"
    run = homemon(*asked.split(), cwd=tmp_path)
    assert "provisional: fuel is counted for each kWh, and not as the minimum charge has it" in run.stdout


def test_a_band_is_asked_for_in_its_months_only_and_named_as_the_plan_names_it(tmp_path: Path) -> None:
    asked = ("bill", "--plan", "kepco-hapie-r", "--kw", "10", "--month")
    run = homemon(*asked, "2026-02", "--kwh", "30", cwd=tmp_path)
    winter = [word.strip().strip("'").removesuffix("=KWH") for word in run.stderr.split("--band ")[1:]]
    assert len(winter) == 3, run.stderr
    bands = [word for name in winter for word in ("--band", f"{name}=10")]
    run = homemon(*asked, "2026-02", *bands, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert all(f"電力量料金 {name}: 10 kWh" in run.stdout for name in winter)


def test_a_product_of_nothing_is_no_negative_zero(tmp_path: Path) -> None:
    asked = ("bill", "--plan", "tepco-juryo-b", "--ampere", "30", "--month", "2026-08", "--kwh", "0")
    assert "          0.00  燃料費調整額: 0 kWh × -10.27" in homemon(*asked, cwd=tmp_path).stdout
    lines = json.loads(homemon(*asked, "--json", cwd=tmp_path).stdout)["lines"]
    assert [line["yen"] for line in lines if line["name"] == "fuel"] == ["0.00"]


@pytest.mark.parametrize(("arguments", "why"), FAULTS)
def test_what_cannot_be_billed_is_one_clear_error(tmp_path: Path, arguments: str, why: str) -> None:
    run = homemon("bill", *arguments.split(), cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert why in " ".join(run.stderr.split())
