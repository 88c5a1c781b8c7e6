"""The table of `homemon status`: a row a series, below its device, in the reader's language and in 80 columns."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from homemon.core.columns import COLUMNS, left, right, width
from homemon.core.language import Text, said
from homemon.core.points import age_text, moment_text, number_text
from homemon.runtime import output
from homemon.runtime.newest import Row
from homemon.sources.registry import SERIES, SOURCES

HEADS: tuple[Text, ...] = (("最新の値", "newest"), ("時刻", "at"), ("経過", "age"), ("今日", "today"), ("", ""))
STALE: Text = ("古い", "STALE")
OTHERS: Text = ("その他", "others")
UNITS = {"0.001 kWh": "Wh"}
"""Units that people call otherwise."""


class Line(NamedTuple):
    """A line for people, and the colour that it has where there are colours; "bold" is one of them."""

    text: str
    colour: str = ""


class Entry(NamedTuple):
    """A line of the table: a name, and a figure for each of HEADS, or none below a device's name."""

    name: str
    figures: Sequence[str]
    colour: str = ""


def table(rows: Sequence[Row], now: int, language: str) -> Iterator[Line]:
    """Yield the table's lines at a time, Unix seconds: its heads, then each device with its series, then others."""
    if not rows:
        return
    entries = [Entry(f"{moment_text(now)} JST", [said(head, language) for head in HEADS], "bold")]
    labels = max(width(_label(row, language)) for row in rows)
    for title, group in grouped(rows, language):
        entries.append(Entry(title, (), "bold"))
        entries += [_entry(row, now, language, labels) for row in group]
    columns = zip(*(entry.figures for entry in entries if entry.figures), strict=True)
    widths = [max(map(width, column)) for column in columns]
    names = [width(entry.name) for entry in entries]
    gap = "  " if max(names) + sum(widths) + 2 * len(widths) <= COLUMNS else " "
    most = COLUMNS - sum(widths) - len(gap) * (len(widths) - 1) - 2
    room = max(names[0], *(name for name in names if name <= most))
    for entry in entries:
        figures = gap.join(map(right, entry.figures, widths))
        yield Line(_joined(entry.name, figures, room).rstrip(), entry.colour)


def grouped(rows: Sequence[Row], language: str) -> Iterator[tuple[str, list[Row]]]:
    """Yield each device's name with its rows in the registry's order, then the other rows in theirs."""
    others = list(rows)
    for source in SOURCES:
        order = [(series.measurement, series.field) for series in source.series]
        own = [row for row in others if (row.measurement, row.field) in order]
        others = [row for row in others if row not in own]
        if own:
            yield said(source.name, language), sorted(own, key=lambda row: order.index((row.measurement, row.field)))
    if others:
        yield said(OTHERS, language), others


def _label(row: Row, language: str) -> str:
    series = SERIES.get((row.measurement, row.field))
    return said(series.label, language) if series else ""


def _entry(row: Row, now: int, language: str, labels: int) -> Entry:
    series = SERIES.get((row.measurement, row.field))
    unit = UNITS.get(series.unit, series.unit) if series else ""
    stored = f"{row.measurement}{row.tags or ''} {row.field}".removesuffix(" value")
    label = _label(row, language)
    figures = (
        f"{number_text(row.value)} {unit}".rstrip(),
        near_text(row.time, now),
        output.said(age_text(row.age)),
        str(row.today),
        said(STALE, language) if row.stale else "",
    )
    return Entry(f"  {left(label, labels)}  {stored}" if label else f"  {stored}", figures, "red" if row.stale else "")


def _joined(name: str, figures: str, room: int) -> str:
    """Return a row; a name that has no room stands on a line of its own."""
    between = f"\n{' ' * room}" if figures and width(name) > room else " " * (room - width(name))
    return f"{name}{between}  {figures}"


def near_text(time: int, now: int) -> str:
    """Return `02:49:00` in JST, `11-24 02:49` on another day than `now`, `2017-11-24` in another year."""
    day, today = (moment_text(each, "%Y-%m-%d") for each in (time, now))
    if day == today:
        return moment_text(time, "%H:%M:%S")
    return moment_text(time, "%m-%d %H:%M" if day[:4] == today[:4] else "%Y-%m-%d")
