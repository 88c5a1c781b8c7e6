"""A comparison of plans for people, a table of them with why; and for programs."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from homemon.core.columns import right
from homemon.core.points import moment_text
from homemon.energy.amperes import NEAR, Advice
from homemon.energy.bill import YEN, Line
from homemon.energy.compare import A_YEAR, LeftOut, Outcome, Past, concerned, kwh, missing
from homemon.energy.periods import ONE_DAY
from homemon.energy.plan import Plan
from homemon.energy.printed import title


class Moved(NamedTuple):
    """What of the EcoCute's energy is shifted into other hours, half-hours from 0, in kWh.

    `unsold` kWh of it would not be sold any more, for which `not_paid` yen are paid now; None where no price is known.
    """

    into: tuple[int, int]
    kwh: Decimal
    unsold: Decimal
    not_paid: Decimal | None


class Compared(NamedTuple):
    """Bills by several plans, the cheapest first; `today` is the present plan's as it is, without what if."""

    months: int  # that were asked for
    present: Plan
    past: Sequence[Past]
    today: Outcome | None
    outcomes: Sequence[Outcome]
    left_out: Sequence[LeftOut]
    moved: Moved | None
    advice: Advice | None


HEADS = {"yen a year": 12, "a month": 10, "difference": 12}
"""The columns of the table for people, and how wide they are."""
PRESENT = "present"
MARGIN = sum(HEADS.values()) + 2


# --- for people -----------------------------------------------------------------------------


def described(compared: Compared, words: Callable[[str], str] = str, language: str = "en") -> Iterator[str]:
    """Yield the comparison, a plan a line with why below it, its heads in the reader's words."""
    yield _head(compared)
    yield "".join(right(words(head), columns) for head, columns in HEADS.items())
    for each in compared.outcomes:
        yield from _row(each, compared, words, language)
    if compared.today and compared.today not in compared.outcomes:
        yield f"difference: to the present plan as it is, {compared.today.a_year:,} yen a year"
    yield from (f"left out: {each.plan.key}: {_why(each)}" for each in compared.left_out)
    yield from _moved(compared.moved) if compared.moved else ()
    yield from _advice(compared.advice, compared.present)
    yield from _provisional(compared)


def _head(compared: Compared) -> str:
    first, last, count = compared.past[0].billed, compared.past[-1].billed, len(compared.past)
    labels = " to ".join(dict.fromkeys((first.period.label, last.period.label)))
    lacking = f" of {compared.months}, what the store has" if count < compared.months else ""
    used = f"{kwh(compared.past):,.0f} kWh"
    text = f"{count} months compared{lacking}: {labels} ({first.first} - {last.after - ONE_DAY}), {used}"
    return text if count == A_YEAR else f"{text}; a year is {A_YEAR}/{count} of them"


def _row(found: Outcome, compared: Compared, words: Callable[[str], str], language: str) -> Iterator[str]:
    plan, year = found.plan, f"{'~' if found.doubts or any(missing(compared.past)) else ''}{found.a_year:,}"
    mark = f" ({words(PRESENT)})" if plan is compared.present else ""
    names = f"{plan.key}  {plan.company} {plan.name}{mark}"
    difference = f"{found.a_year - compared.today.a_year:+,}" if compared.today else "-"
    yield f"{year:>12}{found.a_month:>10,}{difference:>12}  {names}"
    yield f"{'':{MARGIN}}{', '.join(_shares(found, language))}"


def _shares(found: Outcome, language: str) -> Iterator[str]:
    """Yield what falls into which band and tier, and the other lines."""
    used = sum((line.kwh or Decimal(0) for line in found.energy), Decimal(0))
    for line in found.energy:
        name = title(line, language).removeprefix("電力量料金").strip() or "電力量料金"
        share = f" ({line.kwh / used:.0%})" if line.kwh is not None and used and len(found.energy) > 1 else ""
        yield f"{name} {line.kwh:,} kWh{share} {line.yen:,.0f}円"
    yield from (f"{title(line, language)} {line.yen:,.0f}円" for line in found.lines if line not in found.energy)


def _why(left_out: LeftOut) -> str:
    return f"{left_out.error}. {left_out.error.hint}".rstrip()


def _moved(moved: Moved) -> Iterator[str]:
    begin, end = (f"{half_hour // 2}:{half_hour % 2 * 30:02}" for half_hour in moved.into)
    yield f"shifted: {moved.kwh:,.1f} kWh of the EcoCute into {begin} - {end}"
    if moved.unsold:
        yen = f": {moved.not_paid:,.0f} yen that are paid for it now are not in the table" if moved.not_paid else ""
        yield f"shifted: {moved.unsold:,.1f} kWh of that would not be sold any more{yen}"


def _advice(advice: Advice | None, plan: Plan) -> Iterator[str]:
    if advice is None:
        yield "amperes: no current is recorded; `homemon meter-poll E7 E8` each minute, by cron, records it"
        return
    load, ampere = advice.load, advice.ampere
    when = moment_text(load.time, "%Y-%m-%d %H:%M")
    yield f"amperes: at most {load.highest} A on both wires, at {when}, in {load.readings:,} readings"
    if ampere:
        near = (ampere * NEAR).normalize()
        limits = f"{load.near:,} times above {near:f} A (80 % of {ampere} A), {load.over:,} times above {ampere} A"
        yield f"amperes: {limits}"
    if not advice.is_sure:
        hours, of = f"{advice.hours:,}", f"{advice.compared:,}"
        yield f"amperes: the current is recorded in {hours} of {of} hours: too few to say which would have held"
    elif advice.enough:
        yield f"amperes: {advice.enough} A is the least of {plan.key} that would have held{_saved(advice)}"


def _saved(advice: Advice) -> str:
    if not advice.saved:
        return ""
    yen = f"{abs(advice.saved):,}"
    return f": {yen} yen a month less" if advice.saved > 0 else f": {yen} yen a month more"


def _provisional(compared: Compared) -> Iterator[str]:
    yield from (f"~ provisional, all: {why}" for why in missing(compared.past))
    for keys, doubts in concerned(compared.outcomes).items():
        whose = "all" if len(keys) == len(compared.outcomes) else ", ".join(keys)
        yield from (f"~ provisional, {whose}: {doubt}" for doubt in doubts[:1])
        yield from (f"{'':15}{doubt}" for doubt in doubts[1:])


# --- for programs ---------------------------------------------------------------------------


def facts(compared: Compared) -> dict[str, Any]:
    """Return the comparison for programs: exact kWh and yen of lines as text, sums as whole numbers."""
    past, today, moved, advice = compared.past, compared.today, compared.moved, compared.advice
    found: dict[str, Any] = {
        "months": len(past),
        "asked": compared.months,
        "since": str(past[0].billed.first),
        "until": str(past[-1].billed.after),
        "kwh": _text(kwh(past)),
        "present": compared.present.key,
        "today": today and {"yen": today.yen, "yen_a_year": today.a_year, "yen_a_month": today.a_month},
        "plans": [_plan(each, today) for each in compared.outcomes],
        "left_out": [{"plan": each.plan.key, "why": _why(each)} for each in compared.left_out],
        "provisional": list(missing(past)),
    }
    if moved:
        found["shifted"] = {
            "kwh": _text(moved.kwh),
            "unsold_kwh": _text(moved.unsold),
            "unsold_yen": None if moved.not_paid is None else int(moved.not_paid.quantize(YEN)),
        }
    found["amperes"] = advice and {
        "highest": _text(advice.load.highest),
        "at": advice.load.time,
        "readings": advice.load.readings,
        "hours": advice.hours,
        "hours_compared": advice.compared,
        "above_80_percent": advice.load.near if advice.ampere else None,
        "above": advice.load.over if advice.ampere else None,
        "least": advice.enough,
        "yen_a_month_less": advice.saved,
    }
    return found


def _plan(found: Outcome, today: Outcome | None) -> dict[str, Any]:
    return {
        "plan": found.plan.key,
        "company": found.plan.company,
        "name": found.plan.name,
        "yen": found.yen,
        "yen_a_year": found.a_year,
        "yen_a_month": found.a_month,
        "difference_a_year": found.a_year - today.a_year if today else None,
        "bills": list(found.bills),
        "lines": [_line(line) for line in found.lines],
        "provisional": list(found.doubts),
    }


def _line(line: Line) -> dict[str, Any]:
    kwh = None if line.kwh is None else _text(line.kwh)
    return {"name": line.name, "tier": line.tier, "kwh": kwh, "yen": _text(line.yen)}


def _text(value: Decimal) -> str:
    return f"{value:f}"
