"""docs/plans.md: its bill is what the command prints, and its plan of one's own can be billed."""

import re
import shlex
from datetime import date
from pathlib import Path

import pytest

from homemon.energy import shipped
from homemon.energy.selling import price_of
from tests.commands import ENVIRONMENT, homemon
from tests.documents import DOCS, blocks

PAGE = DOCS / "plans.md"


@pytest.mark.parametrize(("page", "locale"), [(PAGE, "C.UTF-8"), (DOCS / "ja" / "plans.md", "ja_JP.UTF-8")])
def test_the_bill_on_the_page_is_what_the_command_prints(
    page: Path, locale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "LANG", locale)
    (command, _), (printed, _) = blocks("sh", of=page), blocks("text", of=page)
    run = homemon(*shlex.split(command.text)[1:], cwd=tmp_path)
    assert run.stdout == printed.text


def test_the_plan_on_the_page_can_be_billed(tmp_path: Path) -> None:
    plan, _ = blocks("toml", of=PAGE)
    (tmp_path / "own.toml").write_text(plan.text)
    prices = ("--price", "fuel=-1.50", "--price", "capacity=100/month")
    run = homemon("bill", "--plan", "own.toml", "--month", "2026-08", "--kwh", "130", *prices, cwd=tmp_path)
    assert run.stdout.splitlines()[1:] == [
        "          0.00  基本料金",
        "      2,544.00  電力量料金 第1段階: 120 kWh × 21.20",
        "        256.70  電力量料金 第2段階: 10 kWh × 25.67",
        "       -195.00  燃料費調整額: 130 kWh × -1.50",
        "        100.00  容量拠出金相当額",
        "        543.00  再エネ発電促進賦課金: 130 kWh × 4.18",
        "      3,248     合計 (円、うち消費税等 295)",
    ]


def test_the_prices_of_sold_energy_on_the_page_are_those_of_each_way_of_selling(tmp_path: Path) -> None:
    _, own = blocks("toml", of=PAGE)
    (tmp_path / "own.toml").write_text(own.text)
    assert price_of(shipped.selling(str(tmp_path / "own.toml")), date(2026, 4, 1)).value == 7
    ways = dict(re.findall(r"(?m)^\| `((?:fit|post)[^`]*)` \| (.*) \|$", PAGE.read_text("utf-8")))
    assert len(ways) == 3
    for way, said in ways.items():
        value = price_of(shipped.selling(way), date(2026, 1, 1)).value
        assert way == "post-fit-kepco" or f"{value}" in said
    others = re.findall(r"`(\w+)`", ways["post-fit-kepco"])
    assert all(shipped.selling(f"post-fit-{company}") for company in others)
