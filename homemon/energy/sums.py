"""The sums of a day, a month or a bill as fields of a point: what `homemon energy` says of it.

Each amount has the hours of which it is known. An amount that was known once and is not any more cannot be taken
back from a server: its hours become 0, which says that what was sent of it before does not count.

Nor does every server replace a point (of two with one time VictoriaMetrics takes either), so a sum that is another one
is a point of its own, some seconds after the begin of its period, of which the last one counts.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal

from homemon.core.points import DAY, HALF_HOUR, Number, Point
from homemon.energy.household import ENERGIES, Known
from homemon.energy.rows import CENT, Row

YEN, SOLD_YEN = "yen", "sold_yen"
AMOUNTS = (*ENERGIES, YEN, SOLD_YEN)
PROVISIONAL = "provisional"
NOT_KNOWN = Decimal(0)
Stored = Mapping[int, Mapping[str, Number]]
"""The fields of the points of a period by their times, Unix seconds."""
LAST = DAY - 1  # seconds after the begin of its period that a point may be


def hours_of(name: str) -> str:
    """Return the field with the hours of which an amount is known."""
    return f"{name}_hours"


def fields(row: Row, sold_yen: int | None = None) -> dict[str, Number]:
    """Return what is known of a period: kWh, yen, and their hours; nothing for what is not.

    `sold_yen` is what is paid for what was sold. `provisional` is 1 where the yen may change.
    """
    amounts: dict[str, Known] = {name: getattr(row.summary, name) for name in ENERGIES}
    amounts[YEN] = _of(row.yen, row.summary.bought)
    amounts[SOLD_YEN] = _of(None if sold_yen is None else Decimal(sold_yen), row.summary.sold)
    found: dict[str, Number] = {}
    for name, (amount, hours) in amounts.items():
        if amount is not None:
            found |= {name: float(amount), hours_of(name): float(hours)}
    if row.yen is not None:
        found[PROVISIONAL] = int(bool(row.doubts))
    return found


def _of(yen: Decimal | None, energy: Known) -> Known:
    """Return yen with the hours of the energy that they are for; nothing where that is not known."""
    known = yen is not None and energy.kwh is not None
    return Known(yen.quantize(CENT), energy.hours) if yen is not None and known else Known(None, NOT_KNOWN)


def with_yen_as_stored(known: Mapping[str, Number], stored: Stored) -> dict[str, Number]:
    """Return what is known of a period with the yen that were stored of it, as `revised` has both.

    So where readings are gone that decide about the tier in which its energy was bought.
    """
    money = {YEN, SOLD_YEN, hours_of(YEN), hours_of(SOLD_YEN), PROVISIONAL}
    energy = {name: value for name, value in known.items() if name not in money}
    return energy | {name: value for name, value in _last(stored).items() if name in money}


def withdrawn(known: Mapping[str, Number], before: Collection[str]) -> dict[str, Number]:
    """Return no hours for each amount that was known, by the fields of `before`, and is not any more."""
    return {hours_of(name): 0 for name in AMOUNTS if name not in known and hours_of(name) in before}


def revised(
    measurement: str, start: int, known: Mapping[str, Number], stored: Stored, now: int, later: int = 0
) -> Point | None:
    """Return the point of what is known of a period; None where that is stored already. Times are in Unix seconds.

    `stored` are the fields of earlier points of it by their times. The time of a point is the period's begin, and a
    second for each half-hour since, `later` at least: it grows also where a store was lost.
    """
    before = _last(stored)
    found = {**known, **withdrawn(known, before)}
    latest, end = max(stored, default=start - 1), start + LAST
    if found == before and latest >= min(start + later, end):
        return None
    time = max(start + (now - start) // HALF_HOUR, start + later, latest + 1)
    return Point(measurement, found, min(time, end)) if found else None


def _last(stored: Stored) -> dict[str, Number]:
    """Return the last value of each field."""
    return {name: value for _, fields in sorted(stored.items()) for name, value in fields.items()}
