"""What today and the running period are compared with, and what they are not compared with."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, HOUR, Point
from homemon.energy.household import Household
from homemon.energy.so_far import SoFar, difference
from homemon.energy.spans import Span
from homemon.runtime import context, ledger, so_far
from homemon.runtime.context import App
from tests.commands import write_config
from tests.graphs import keep
from tests.judge import midnight

TODAY = date(2026, 3, 20)
NOW = midnight(TODAY) + 12 * HOUR
JURYO, SMART = (
    "plan = tepco-juryo-b\nampere = 40\nreading_day = 12",
    "plan = tepco-smartlife-s\nampere = 40\nreading_day = 12",
)


def running(folder: Path, monkeypatch: pytest.MonkeyPatch, contracts: str) -> SoFar:
    """The running period of a house that bought half a kWh in each half-hour for two months."""
    write_config(folder, contracts)
    begin = midnight(TODAY - timedelta(days=80))
    keep(
        folder,
        [Point("+power", {"value": at / 2}, begin + at * HALF_HOUR) for at in range((NOW - begin) // HALF_HOUR + 1)],
    )
    monkeypatch.setattr(context, "instant", lambda: Instant(float(NOW), 5000.0, "this boot"))
    app = App(str(folder / "config.ini"))
    try:
        return so_far.running(app, NOW, ledger.household(app, so_far.begins(app, NOW), NOW))
    finally:
        app.close()


def test_a_period_is_compared_with_the_one_before_in_kwh_and_yen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = running(tmp_path, monkeypatch, f"[contract]\n{JURYO}")
    (before,) = [each for each in found.earlier if each.known["bought"].kwh]
    assert before.known["bought"].kwh == found.row.summary.bought.kwh == Decimal(17 * 12)
    assert before.yen is not None
    assert {"bought", "used"} <= before.whole


def test_the_part_of_a_period_is_compared_with_nothing_and_names_its_other_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = running(tmp_path, monkeypatch, f"[contract]\n{JURYO}\n[contract 2026-03-16]\n{SMART}")
    assert found.earlier == ()
    assert any("until 2026-03-15 another contract held" in doubt for doubt in found.row.doubts)


def test_yen_of_two_plans_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = running(tmp_path, monkeypatch, f"[contract]\n{JURYO}\n[contract 2026-03-12]\n{SMART}")
    (before,) = [each for each in found.earlier if each.known["bought"].kwh]
    assert (before.yen, found.row.yen is None) == (None, False)


@pytest.mark.parametrize(("now", "before", "percent"), [(3, 2, 50), (1, 2, -50), (3, "0.9", None), (None, 2, None)])
def test_a_percentage_of_less_than_a_kwh_says_nothing(now: int | None, before: str | int, percent: int | None) -> None:
    assert difference(None if now is None else Decimal(now), Decimal(before)) == percent


def test_what_would_be_less_than_nothing_is_unknown() -> None:
    def spans(kwh: int) -> list[Span]:
        return [Span(0, DAY, Decimal(kwh))]

    home = Household({"bought": spans(1), "sold": spans(9), "generated": spans(2), "balance": []})
    found = home.summary(0, DAY)
    assert (found.used.kwh, found.self_consumption, found.self_sufficiency) == (None, None, None)
    assert home.balance(0, DAY) is None
