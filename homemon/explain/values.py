"""What a property's value says: as JSON, and in words with its unit.

A register is shown in counts, and in kWh where the meter's E1 (and D3) came before.
"""

from collections.abc import Mapping
from datetime import datetime
from textwrap import wrap
from typing import Any, NamedTuple

from homemon.core.points import HALF_HOUR, JST, number_text
from homemon.echonet.properties import Objects, Prop, PropertyMap
from homemon.sources.meter.properties import Dated, History, Recent, ReportedScale, Scale
from homemon.sources.objects import name_of

WIDTH = 100
A_ROW = 6  # half-hours in a row of a day's record
UNIT_OF_REGISTERS = "10^n kWh"


class Said(NamedTuple):
    """A value as JSON, in words, and lines that go on below them; `more` joins the property's facts."""

    value: Any
    text: str
    below: tuple[str, ...] = ()
    more: Mapping[str, Any] = {}


class Unit:
    """What a count is worth, as far as it was reported."""

    def __init__(self, reported: ReportedScale) -> None:
        self._sure = reported.scale is not None
        self._scale = reported.scale or (None if reported.exponent is None else Scale(reported.exponent, 1))

    def kwh(self, count: int | None) -> float | None:
        """Return `count` in kWh; None where there is no count, or no unit yet."""
        return None if count is None or self._scale is None else self._scale.kwh(count)

    def text(self, count: int) -> str:
        """Return ` = 1780.6 kWh` for after a count; a coefficient that was not reported is marked as assumed."""
        kwh = self.kwh(count)
        return "" if kwh is None else f" = {number_text(kwh)} kWh{'' if self._sure else ' if D3 is 1'}"


def said(value: object, row: Prop[object], table: Mapping[int, Prop[object]], unit: Unit) -> Said:
    """Return a value of `row` in words; `table` names what a property map lists."""
    match value:
        case PropertyMap(epcs=epcs):
            names = [f"{epc:02X} {table[epc].name}" if epc in table else f"{epc:02X}" for epc in epcs]
            return Said([f"{epc:02X}" for epc in epcs], f"{len(epcs)} properties", tuple(wrap(", ".join(names), WIDTH)))
        case Objects(eojs=eojs):
            codes = [f"{eoj:06X}" if eoj & 0xFF else f"{eoj >> 8:04X}" for eoj in eojs]  # a class has no instance
            listed = [f"{code} {name_of(eoj)}" for code, eoj in zip(codes, eojs, strict=True)]
            return Said(codes, f"{len(eojs)}: {', '.join(listed)}" if eojs else "none")
        case Dated(time=time, register=count):
            moment = datetime.fromtimestamp(time, JST)
            more = {"kwh": unit.kwh(count)} if unit.kwh(count) is not None else {}
            text = f"{count} counts{unit.text(count)}, at {moment:%Y-%m-%d %H:%M:%S}"
            return Said({"time": moment.isoformat(), "count": count}, text, more=more)
        case History():
            return _day(value, unit)
        case Recent():
            return _recent(value)
        case (_, _):
            r, t = (f"{number_text(each)} A" if isinstance(each, int | float) else "no data" for each in value)
            return Said(list(value), f"R {r}, T {t}")
        case int() if row.unit == UNIT_OF_REGISTERS:
            return Said(value, f"{number_text(Scale(value, 1).kwh(1))} kWh a count")
        case int() if row.unit == "counts":
            more = {"kwh": unit.kwh(value)} if unit.kwh(value) is not None else {}
            return Said(value, f"{value} counts{unit.text(value)}", more=more)
        case int():
            times = " ×" if row.unit[:1].isdigit() else ""
            return Said(value, f"{value}{times} {row.unit}".rstrip())
    return Said(value, str(value))


def _day(history: History, unit: Unit) -> Said:
    """Return a day's 48 half-hours, six in a row; `-` where the meter has no value."""
    counts = history.counts
    shown = [str(count) if count is not None else "-" for count in counts]
    width = max(map(len, shown))
    rows = [
        f"{at // 2:02}:00  " + " ".join(text.rjust(width) for text in shown[at : at + A_ROW])
        for at in range(0, len(shown), A_ROW)
    ]
    days = {0: "today", 1: "yesterday"}.get(history.day, f"{history.day} days ago")
    there = [count for count in counts if count is not None]
    more = {"kwh": [unit.kwh(count) for count in counts]} if there and unit.kwh(there[0]) is not None else {}
    first, last = (f"{there[0]}{unit.text(there[0])}", f"{there[-1]}{unit.text(there[-1])}") if there else ("", "")
    span = f"; first {first}, last {last}" if there else ""
    text = f"{days}, {len(there)} of {len(counts)} half-hours in counts{span}"
    return Said({"day": history.day, "counts": list(counts)}, text, tuple(rows), more)


def _recent(recent: Recent) -> Said:
    """Return the second history: forward and reverse, newest first."""
    moments = [datetime.fromtimestamp(recent.time - HALF_HOUR * number, JST) for number in range(len(recent.counts))]
    rows = [
        f"{moment:%Y-%m-%d %H:%M}  " + " ".join("-" if count is None else str(count) for count in pair)
        for moment, pair in zip(moments, recent.counts, strict=True)
    ]
    newest = datetime.fromtimestamp(recent.time, JST).isoformat()
    counts = [list(pair) for pair in recent.counts]
    return Said({"time": newest, "counts": counts}, f"{len(rows)} half-hours, import and export in counts", tuple(rows))
