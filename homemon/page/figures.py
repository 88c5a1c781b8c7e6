"""What plotly is to draw, as plotly's own JSON: the panels, their traces and axes.

A colour such as "--bought" is the style sheet's of that name, light or dark. A trace says of which series and cut it
is (`panels.CUTS` says which cuts a kind of view shows), and what it takes of its columns (page.js: TAKE). Names are
those of series, whose label and unit are the registry's, and keys of `texts.TEXTS`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import cycle, pairwise
from typing import Any, NamedTuple

from homemon.core.language import Text
from homemon.core.points import DAY, HALF_HOUR, HOUR
from homemon.page.panels import COUNTED, CUTS, DETAILED, Charts, Columns
from homemon.page.prices import Shade
from homemon.page.texts import LOCALE_JA, text, time_format
from homemon.sources.registry import ECOCUTE, NAMED, SHOWN, SMART_METER, SOLAR_MONITOR, SOURCES
from homemon.sources.source import Series, Source

Json = dict[str, Any]
MILLI = 1000  # plotly counts time in milliseconds
LEAST = {"W": 500, "kWh": 0.5, "L": 100}  # an axis reaches at least so far: standby is not to look like heating
COLOURS = ("tank", "heating", "bought", "sold")  # those with an area
KWH = "kWh"
BOTH = "%{customdata[0]:,} – %{customdata[1]:,}"
PERIODS: Mapping[str, tuple[int | str, int]] = {
    "half-hour": (HALF_HOUR * MILLI, HALF_HOUR * MILLI),
    "day": (DAY * MILLI, DAY * MILLI),
    "month": ("M1", 28 * DAY * MILLI),
    "extents": (DAY * MILLI, DAY * MILLI),
}
"""The period that a trace of a cut has a bar or a step for, as plotly has it, and how much of it a bar may cover."""
ENERGY_CUTS = tuple(dict.fromkeys(cuts.energies for cuts in CUTS.values()))
FONT = 'system-ui, "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic UI", Meiryo, sans-serif'
MARGIN = {"l": 56, "r": 46, "t": 10, "b": 26}  # the same in all panels, so that their time axes meet


class Trace(NamedTuple):
    """One trace. The hover calls it by `names`, and says nothing of one that has none.

    It gives the numbers `says`, the unit of the series, and what `more` adds. It is drawn on the left axis, or on the
    right one (y2).
    """

    of: str
    take: str
    cut: str
    plot: Json
    names: tuple[str, ...] = ()
    says: str = "%{customdata:,}"
    more: str = ""
    axis: str = "y"


class Panel(NamedTuple):
    """One panel: its title, the source it needs, its legend and traces."""

    name: str
    title: Text
    source: Source
    legend: tuple[str, ...]
    traces: tuple[Trace, ...]


def line(of: str, colour: str, axis: str = "y") -> Trace:
    """Return a line of what was measured."""
    return Trace(of, "value", "readings", curve(colour), (of,), axis=axis)


def area(of: str, colour: str, part: str = "") -> Trace:
    """Return the area between such a line and zero."""
    filled = curve(colour, 0) | {"fill": "tozeroy", "fillcolor": f"--{colour}-area"}
    return Trace(of, f"area{part}", "readings", filled)


def extents(of: str, colour: str, part: str = "", axis: str = "y") -> Trace:
    """Return a bar from each day's lowest to its highest value."""
    return Trace(of, f"extent{part}", "extents", bar("extents", 1, f"--{colour}-area"), (of, "extent"), BOTH, axis=axis)


def lowest(of: str, colour: str, axis: str = "y") -> Trace:
    """Return a line through each day's lowest value, which says its highest as well."""
    return Trace(of, "lowest", "extents", curve(colour) | middle("extents"), (of, "extent"), BOTH, axis=axis)


def means(of: str, colour: str, axis: str = "y") -> Trace:
    """Return a line through each day's mean."""
    return Trace(of, "mean", "extents", curve(colour) | middle("extents"), (of, "mean"), axis=axis)


def energies(of: str, take: str = "value", cuts: Sequence[str] = ENERGY_CUTS) -> Iterator[Trace]:
    """Yield bars of kWh for each cut; where not all hours of one are known, it says how many are."""
    for cut in cuts:
        yield Trace(of, take, cut, bar(cut, 0.9, f"--{of}") | {"textposition": "none"}, (of,), more="%{text}")


def steps(of: str) -> Iterator[Trace]:
    """Yield steps over half-hours, a line through days and months."""
    for cut in ENERGY_CUTS:
        shape = "hvh" if cut in DETAILED else "linear"
        yield from outlined(Trace(of, "value", cut, curve(of, shape=shape) | middle(cut), (of,), more="%{text}"))


def outlined(trace: Trace) -> Iterator[Trace]:
    """Yield a line that crosses bars, and below it an edge in the colour of the ground, so that it is seen on them."""
    edge = trace.plot | {"line": trace.plot["line"] | {"color": "--panel", "width": 5}}
    yield trace._replace(plot=edge, names=(), more="")
    yield trace


def curve(colour: str, width: float = 1.5, shape: str = "linear") -> Json:
    return {"type": "scatter", "mode": "lines", "line": {"color": f"--{colour}", "width": width, "shape": shape}}


def middle(cut: str) -> Json:
    """Return the style of a trace whose times are where periods begin; it is drawn in their middle."""
    return {"xperiod": PERIODS[cut][0], "xperiodalignment": "middle"}


def bar(cut: str, share: float, colour: str) -> Json:
    """Return a bar over a share of the period that begins at its time."""
    width = round(PERIODS[cut][1] * share)
    return {"type": "bar", "marker": {"color": colour, "line": {"width": 0}}, "width": width} | middle(cut)


PANELS = (
    Panel(
        "power",
        ("瞬時電力", "Power"),
        SMART_METER,
        ("bought", "sold"),
        (
            area("power", "bought", " above"),
            area("power", "sold", " below"),
            line("power", "bought"),
            Trace("power", "value below", "readings", curve("sold", 2)),
            extents("power", "bought", " above"),
            extents("power", "sold", " below")._replace(names=()),
            means("power", "bought"),
        ),
    ),
    Panel(
        "energy",
        ("電力量", "Energy"),
        SMART_METER,
        ("bought", "sold"),
        (*energies("bought"), *energies("sold", "value down")),
    ),
    Panel(
        "ecocute",
        ECOCUTE.name,
        ECOCUTE,
        ("heating", "heated", "tank"),
        (
            area("heating", "heating"),
            line("heating", "heating"),
            line("tank", "tank", axis="y2"),
            *energies("heated", cuts=["extents"]),
            *outlined(lowest("tank", "tank", axis="y2")),
        ),
    ),
    Panel(
        "solar",
        ("太陽光発電", "Solar"),
        SOLAR_MONITOR,
        ("generated", "used"),
        (*energies("generated"), *steps("used")),
    ),
)


def panels_of(sections: Collection[str]) -> list[Panel]:
    """Return the panels of the page: those of the table, and one for each other device that config.ini has."""
    drawn = {panel.source.section for panel in PANELS}
    others = [source for source in SOURCES if source.section in sections and source.section not in drawn]
    return [*PANELS, *map(device_panel, others)]


def device_panel(source: Source) -> Panel:
    """Return a panel with a line for each series of a source that has no panel of its own, on two axes at most."""
    shown = [series for series in source.series if series.name]
    units = tuple(dict.fromkeys(series.unit for series in shown))[:2]
    traces = [trace for series in shown if series.unit in units for trace in curves(series, units)]
    return Panel(source.section, source.name, source, tuple(s.name for s in shown), tuple(traces))


def curves(series: Series, units: tuple[str, ...]) -> tuple[Trace, ...]:
    """Return traces of a level's readings, and by day of its range and its mean."""
    name, axis = series.name, "y2" if units.index(series.unit) else "y"
    return line(name, name, axis), extents(name, name, axis=axis), means(name, name, axis)


def has_readings(panel: Panel, charts: Charts) -> bool:
    """Return whether a panel has anything to draw. What is used without a monitor is no matter of the sun."""
    return any(charts.has(trace.of) for trace in panel.traces if trace.of != "used")


def legend(panel: Panel, charts: Charts) -> list[str]:
    """Return the names in a panel's legend: of what there ever was."""
    return [name for name in panel.legend if charts.ever(name)]


def aliases() -> str:
    """Return the style sheet's rules for the series that it has no colour for: each has the colour of another."""
    known = {key for panel in PANELS for key in panel.legend} | {"power"}
    others = [series.name for series in SHOWN if series.name not in known]
    return "".join(
        f":root {{ --{name}: var(--{colour}); --{name}-area: var(--{colour}-area); }}\n"
        for name, colour in zip(others, cycle(COLOURS))
    )


def unit_of(name: str) -> str:
    """Return the unit of a series, or of an energy that is computed."""
    return KWH if name in COUNTED or name not in NAMED else NAMED[name].unit


# --- what page.js reads -------------------------------------------------------------


def data(charts: Charts, panels: Sequence[Panel], shades: Mapping[str, Sequence[Shade]], language: str) -> Json:
    """Return what page.js reads: the panels that have something, their columns, and the prices by day."""
    return {
        "now": charts.now,
        "detailed": charts.drawn.detailed,
        "kinds": CUTS,
        "series": {cut: packed_all(found) for cut, found in charts.cuts.items()},
        "panels": [figure(panel, charts, language) for panel in panels if has_readings(panel, charts)],
        "prices": shades,
        **settings(language),
    }


def packed_all(columns: Mapping[str, Columns]) -> Json:
    return {name: packed(found) for name, found in columns.items() if found}


def packed(columns: Columns) -> Columns:
    """Return the times as steps from one to the next, which are short."""
    times, *values = columns
    return [[after - before for before, after in pairwise([0, *times])], *values]  # type: ignore[operator]


def figure(panel: Panel, charts: Charts, language: str) -> Json:
    """Return a panel as page.js takes it."""
    return {
        "name": panel.name,
        "traces": [drawn(trace, language) for trace in panel.traces if charts.cuts.get(trace.cut, {}).get(trace.of)],
    }


def drawn(trace: Trace, language: str) -> Json:
    """Return a trace as page.js takes it."""
    label, unit = " ".join(text(language, key) for key in trace.names), unit_of(trace.of)
    said = {"hovertemplate": f"{trace.says} {unit}{trace.more}"} if trace.names else {"hoverinfo": "skip"}
    plot = trace.plot | {"name": label, "yaxis": trace.axis} | said
    return {"of": trace.of, "take": trace.take, "cut": trace.cut, "unit": unit, "plot": plot}


def settings(language: str) -> Json:
    """Return what page.js needs in addition to the panels."""
    return {
        "layout": layout(language),
        "axis": value_axis(),
        "least": LEAST,
        "hover": {cut: time_format(language, f"hover {cut}") for cut in (*PERIODS, "readings")},
        "texts": {key: text(language, key) for key in SAID_BY_SCRIPT},
        "cuts": {cut: text(language, f"by {cut}") for cut in PERIODS},
        "config": {
            "displayModeBar": False,
            "responsive": True,
            "doubleClick": False,
            "showTips": False,
            "locale": language,
        },
        "locale": LOCALE_JA if language == "ja" else None,
    }


SAID_BY_SCRIPT = ("zoom in", "zoom out", "zoom reset", "key earlier", "key later", "half-hour from")
"""The texts that page.js needs."""


def layout(language: str) -> Json:
    """Return all but the value axes and the ranges, which page.js sets."""
    return {
        "margin": MARGIN,
        "font": {"family": FONT, "size": 12, "color": "--quiet"},
        "paper_bgcolor": "--panel",
        "plot_bgcolor": "--panel",
        "showlegend": False,
        "barmode": "overlay",
        "hovermode": "x unified",
        "hoverdistance": 40,
        "hoverlabel": {"bgcolor": "--panel", "bordercolor": "--edge", "font": {"size": 13, "color": "--text"}},
        "xaxis": time_axis(language),
    }


def value_axis() -> Json:
    """Return an axis of values, whose unit page.js adds."""
    return {
        "showticksuffix": "last",
        "tickmode": "auto",
        "separatethousands": True,
        "nticks": 5,
        "fixedrange": True,
        "gridcolor": "--grid",
        "zerolinecolor": "--edge",
        "zerolinewidth": 1,
    }


def time_axis(language: str) -> Json:
    """Return a time axis of hours with the day below, then days, then months, as the zoom allows."""
    stops: list[tuple[list[int | str | None], str]] = [
        ([None, 12 * HOUR * MILLI], "tick"),
        ([12 * HOUR * MILLI + 1, 27 * DAY * MILLI], "tick day"),
        (["M1", None], "tick month"),
    ]
    return {
        "type": "date",
        "tickangle": 0,
        "ticks": "outside",  # room between the lowest value and the times
        "tickcolor": "--panel",
        "automargin": "height",
        "tickformatstops": [{"dtickrange": span, "value": time_format(language, key)} for span, key in stops],
        "gridcolor": "--grid",
        "spikecolor": "--quiet",
        "spikethickness": 1,
        "spikedash": "solid",
        "spikemode": "across",
    }
