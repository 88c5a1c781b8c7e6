"""A bill as a company prints it, and as a program reads it."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from homemon.energy.band_names import named
from homemon.energy.bill import Bill, Line
from homemon.energy.periods import ONE_DAY, Billed
from homemon.energy.plan import ALL, Month, Plan
from homemon.energy.prices import Entered
from homemon.energy.selling import Income
from homemon.energy.statement import Forecast, Statement

SEN = Decimal("0.01")
TITLES = {
    "base charge": "基本料金",
    "minimum charge": "最低料金",
    "energy by half-hour": "電力量料金 (30分ごと)",
    "fuel": "燃料費調整額",
    "levy": "再エネ発電促進賦課金",
    "capacity": "容量拠出金相当額",
    "fee": "手数料",
    "wheeling": "託送料金相当額",
    "rounding": "端数処理",
    "up to the least amount": "最低月額料金までの差額",
}
"""Lines of a bill, and what a company calls them."""


def title(line: Line, language: str) -> str:
    """Return a line's name as a company prints it, the bands' names in a language."""
    name, _, rest = line.name.partition(", ")
    if line.kwh is None:
        return f"{TITLES.get(name, name)} {rest}".rstrip()
    if line.name in TITLES:
        return TITLES[line.name]
    band = "" if line.name == ALL else f" {named(line.name, language)}"
    return f"電力量料金{band}{f' 第{line.tier}段階' if line.tier else ''}"


class Printed(NamedTuple):
    """A bill to print; of the store with its period, why it may change, and its forecast."""

    plan: Plan
    month: Month
    kwh: Decimal
    bill: Bill
    period: Billed | None = None
    doubts: tuple[str, ...] = ()
    forecast: Forecast | None = None
    income: Income | None = None
    entered: Entered | None = None


def of_store(
    plan: Plan, billed: Billed, found: Statement, income: Income | None, entered: Entered | None = None
) -> Printed:
    """Return a bill of the store to print."""
    doubts = found.doubts + (income.provisional if income else ())
    return Printed(plan, billed.month, found.kwh, found.bill, billed, doubts, found.forecast, income, entered)


def compared(bills: Sequence[Printed], entered: Entered) -> Iterator[str]:
    """Yield what the company said beside what was computed; of several bills of a month their sum."""
    total, kwh = sum(each.bill.total for each in bills), sum((each.kwh for each in bills), Decimal(0))
    yield f"{entered.yen:>11,}     請求額 (円、計算との差 {entered.yen - total:+,})"
    if entered.kwh is not None:
        yield f"{entered.kwh:>11,}     請求の使用量 (kWh、計算との差 {(entered.kwh - kwh).normalize():+f})"


def provisional(bills: Iterable[Printed]) -> list[str]:
    """Return why bills may change, a line each."""
    return [f"provisional: {why}" for why in dict.fromkeys(why for each in bills for why in _doubts(each))]


def _doubts(printed: Printed) -> Sequence[str]:
    return printed.doubts or printed.bill.provisional


def described(printed: Printed, language: str = "en") -> list[str]:
    """Return a bill for people; what is not as a company prints it is in English, but for the names of bands."""
    plan, month, kwh, bill, period, _, forecast, income, entered = printed
    days = f" ({period.first} - {period.after - ONE_DAY}, {period.days}日間)" if period else ""
    lines = [f"{plan.company} {plan.name}, {month[0]}年{month[1]}月分{days}, {kwh.normalize():f} kWh"]
    for line in bill.lines:
        product = f": {line.kwh} kWh × {line.price}" if line.kwh is not None else ""
        lines.append(f"{_shown(line.yen):>14,}  {title(line, language)}{product}")
    lines.append(f"{bill.total:>11,}     合計 (円、うち消費税等 {bill.tax:,})")
    if forecast:
        reach = f"{forecast.low:,} - {forecast.high:,}"
        lines.append(f"{forecast.yen:>11,}     予想 (円、{reach}; {forecast.kwh:.0f} kWh)")
    if income:
        parts = (f"{part.kwh} kWh × {'-' if part.price is None else part.price}" for part in income.lines)
        lines.append(f"{income.total:>11,}     売電収入 (円): {', '.join(parts)}")
    lines += compared([printed], entered) if entered else ()
    return lines + provisional([printed])


def _shown(yen: Decimal) -> Decimal:
    """Return yen to the sen, and never -0.00."""
    return yen.quantize(SEN) + 0


def _text(exact: Decimal | None) -> str | None:
    """Return an exact figure for a program; None stays, and there is no -0."""
    return None if exact is None else str(exact + 0)


def facts(printed: Printed) -> dict[str, object]:
    """Return a bill as a program reads it: what may have decimals as text, exact; whole yen and kWh as numbers."""
    exact = ("yen", "kwh", "price")
    plan, month, kwh, bill, period, _, forecast, income, entered = printed
    found: dict[str, object] = {
        "plan": plan.key,
        "month": f"{month[0]}-{month[1]:02}",
        "lines": [
            {key: _text(value) if key in exact else value for key, value in line._asdict().items()}
            for line in bill.lines
        ],
        "total": bill.total,
        "tax": bill.tax,
        "provisional": list(_doubts(printed)),
    }
    if period:
        found |= {"kwh": str(kwh), "since": str(period.first), "until": str(period.after), "days": period.days}
    if forecast:
        found["forecast"] = forecast._asdict() | {"kwh": str(forecast.kwh)}
    if income:
        found["sold"] = {
            "kwh": sum(part.kwh for part in income.lines),
            "yen": income.total,
            "parts": [{"kwh": each.kwh, "price": _text(each.price), "yen": _text(each.yen)} for each in income.lines],
        }
    if entered:
        found["billed"] = {"yen": entered.yen, "kwh": entered.kwh, "difference": entered.yen - bill.total}
    return found
