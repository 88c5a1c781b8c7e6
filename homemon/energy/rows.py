"""A household's energy as a table: a row a period, for people, as CSV, and as JSON."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from homemon.core.columns import left, right, width
from homemon.core.points import HOUR, moment_text
from homemon.energy.household import ENERGIES, Known, Summary
from homemon.energy.periods import Period

PERCENTAGES = {"self_consumption": "self-cons.", "self_sufficiency": "self-suff."}
PEAK = "most in a half-hour"
TOLD = ("", PEAK)
"""The columns in which there are words."""
SPARE = (PEAK, *reversed(PERCENTAGES.values()))
"""The columns that a narrow terminal does without, the first to go first."""
CENT = Decimal("0.01")
UNKNOWN = "-"
YEN = "yen"
LATE = 1  # hour that the newest reading may be away from now


class Row(NamedTuple):
    """A period, its energy, what it costs in yen, None where that is not known, and why it may change.

    `unpriced` says why no yen are known, where a price is missing.
    """

    period: Period
    summary: Summary
    yen: Decimal | None
    doubts: tuple[str, ...] = ()
    unpriced: str = ""


def unpriced(rows: Iterable[Row]) -> list[str]:
    """Return why rows have no yen, each reason once."""
    return list(dict.fromkeys(f"no yen are shown: {row.unpriced}" for row in rows if row.unpriced))


def table(rows: Sequence[Row], now: int, words: Callable[[str], str] = str, room: int | None = None) -> Iterator[str]:
    """Yield a table for people, a line a row below its heads, and what is provisional in it, in the reader's words.

    Columns of which nothing is known are left out, but yen of which a price is missing: why is said below. So are the
    `SPARE` ones that `room`, in signs, is too small for.
    """
    lacking = unpriced(rows)
    columns = {head: [cell(row, now) for row in rows] for head, cell in CELLS.items()}
    left_out = {head for head, cells in columns.items() if set(cells) == {UNKNOWN}} - ({YEN} if lacking else set())
    known = {
        head: [words(head), *(map(words, cells) if head in TOLD else cells)]
        for head, cells in columns.items()
        if head not in left_out
    }
    shown = _fitting(known, room)
    widths = [max(map(width, cells)) for cells in shown.values()]
    for first, *others in zip(*shown.values(), strict=True):
        cells = map(right, others, widths[1:])
        yield "  ".join((left(first, widths[0]), *cells)).rstrip()
    yield from (words(f"~ provisional: {why}") for why in dict.fromkeys(why for row in rows for why in row.doubts))
    yield from map(words, lacking)


def _fitting(columns: Mapping[str, list[str]], room: int | None) -> dict[str, list[str]]:
    """Return the columns without those of `SPARE` that there is no room for."""
    shown = dict(columns)
    for head in SPARE:
        if room is not None and sum(max(map(width, cells)) + 2 for cells in shown.values()) - 2 > room:
            shown.pop(head, None)
    return shown


def _energy(name: str) -> Callable[[Row, int], str]:
    return lambda row, now: kwh_text(getattr(row.summary, name), row.period, now)


def kwh_text(known: Known, period: Period, now: int) -> str:
    """Return the kWh of a period, with the hours of which they are known where those are not all that there were."""
    if known.kwh is None:
        return UNKNOWN
    hours = hours_short(known, period, now)
    return amount_text(known.kwh) + ("" if hours is None else f" ({hours.normalize():f} h)")


def hours_short(known: Known, period: Period, now: int) -> Decimal | None:
    """Return the hours of a period of which its kWh are known; None where those are all that there were at `now`."""
    whole = Decimal(min(period.end, max(now, period.start)) - period.start) / HOUR
    due = whole if period.end <= now else whole - LATE
    return None if known.hours >= due else known.hours


def amount_text(kwh: Decimal) -> str:
    """Return kWh as all tables have them."""
    return f"{kwh:,.2f}"


def percent_text(value: Decimal | None) -> str:
    """Return percents as all tables have them."""
    return UNKNOWN if value is None else f"{value:.0f} %"


def yen_text(yen: Decimal | None, doubts: Collection[str] = ()) -> str:
    """Return yen as all tables have them, marked where there are doubts about them."""
    return UNKNOWN if yen is None else f"{'~' if doubts else ''}{yen:,.0f}"


def _differs(row: Row, now: int) -> str:
    text = kwh_text(row.summary.differs, row.period, now)
    return text if text == UNKNOWN or text.startswith("-") else f"+{text}"


def _percent(name: str) -> Callable[[Row, int], str]:
    return lambda row, now: percent_text(getattr(row.summary, name))


def _peak(row: Row, now: int) -> str:
    peak = row.summary.peak
    return UNKNOWN if peak is None else f"{amount_text(peak.kwh)} at {moment_text(peak.start, '%m-%d %H:%M')}"


CELLS: Mapping[str, Callable[[Row, int], str]] = {
    "": lambda row, now: row.period.label,
    **{f"{name} kWh": _energy(name) for name in ENERGIES},
    **{title: _percent(name) for name, title in PERCENTAGES.items()},
    PEAK: _peak,
    "portal differs": _differs,
    YEN: lambda row, now: yen_text(row.yen, row.doubts),
}
"""The columns of the table for people, by their heads."""


def facts(row: Row) -> dict[str, Any]:
    """Return a row for programs: exact decimals as text, None for what is unknown; times with their zone."""
    found: dict[str, Any] = {"period": row.period.label}
    found |= {name: moment_text(time, ISO) for name, time in (("since", row.period.start), ("until", row.period.end))}
    for name in ENERGIES:
        known: Known = getattr(row.summary, name)
        found[f"{name}_kwh"] = None if known.kwh is None else f"{known.kwh.normalize():f}"
        found[f"{name}_hours"] = f"{known.hours.normalize():f}"
    for name in PERCENTAGES:
        value: Decimal | None = getattr(row.summary, name)
        found[f"{name}_percent"] = None if value is None else str(value.quantize(CENT))
    peak = row.summary.peak
    found["peak_kwh"] = None if peak is None else f"{peak.kwh.normalize():f}"
    differs = row.summary.differs
    found["portal_difference_kwh"] = None if differs.kwh is None else f"{differs.kwh.normalize():f}"
    found["portal_hours"] = f"{differs.hours.normalize():f}"
    found["peak_at"] = None if peak is None else moment_text(peak.start, ISO)
    found["yen"] = None if row.yen is None else str(row.yen.quantize(CENT))
    found["provisional"] = "; ".join(row.doubts) or None
    return found


ISO = "%Y-%m-%dT%H:%M:%S+09:00"
