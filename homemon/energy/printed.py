"""A bill as a company prints it, and as a program reads it."""

from decimal import Decimal

from homemon.energy.bill import Bill, Line
from homemon.energy.plan import ALL, Month, Plan

TITLES = {
    "base charge": "基本料金",
    "minimum charge": "最低料金",
    "fuel": "燃料費調整額",
    "levy": "再エネ発電促進賦課金",
    "capacity": "容量拠出金相当額",
    "up to the least amount": "最低月額料金までの差額",
}
"""Lines of a bill, and what a company calls them."""


def title(line: Line) -> str:
    """Return a line's name as a company prints it."""
    name, _, rest = line.name.partition(", ")
    if line.kwh is None:
        return f"{TITLES.get(name, name)} {rest}".rstrip()
    if line.name in TITLES:
        return TITLES[line.name]
    band = "" if line.name == ALL else f" {line.name}"
    return f"電力量料金{band}{f' 第{line.tier}段階' if line.tier else ''}"


def described(plan: Plan, month: Month, kwh: Decimal | int, bill: Bill) -> list[str]:
    """Return a bill for people."""
    lines = [f"{plan.company} {plan.name}, {month[0]}年{month[1]}月分, {kwh} kWh"]
    for line in bill.lines:
        product = f": {line.kwh} kWh × {line.price}" if line.kwh is not None else ""
        lines.append(f"{line.yen:>14,.2f}  {title(line)}{product}")
    lines.append(f"{bill.total:>11,}     合計 (円、うち消費税等 {bill.tax:,})")
    return lines + [f"provisional: {why}" for why in bill.provisional]


def facts(plan: Plan, month: Month, bill: Bill) -> dict[str, object]:
    """Return a bill as a program reads it."""
    exact = ("yen", "kwh", "price")
    return {
        "plan": plan.key,
        "month": f"{month[0]}-{month[1]:02}",
        "lines": [
            {key: str(value) if key in exact and value is not None else value for key, value in line._asdict().items()}
            for line in bill.lines
        ],
        "total": bill.total,
        "tax": bill.tax,
        "provisional": list(bill.provisional),
    }
