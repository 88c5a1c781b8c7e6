"""What plotly is to draw, as plotly's own JSON: the panels, their traces and axes.

A colour such as "--bought" is the style sheet's of that name, light or dark. A trace says of
which series it is, what it takes of its columns (page.js: TAKE), and whether it is a trace of
days, for a long period, or of readings and half-hours. Names are those of series, whose label and unit
are the registry's, and keys of `texts.TEXTS`.
"""

from collections.abc import Collection, Iterator
from itertools import cycle
from typing import Any, NamedTuple

from homemon.core.points import DAY, HALF_HOUR, HOUR
from homemon.page.texts import LOCALE_JA, text, time_format
from homemon.sources.registry import ECOCUTE, NAMED, SHOWN, SMART_METER, SOLAR_MONITOR, SOURCES
from homemon.sources.source import Series, Source, Text

Json = dict[str, Any]
MILLI = 1000  # plotly counts time in milliseconds
LEAST = {"W": 500, "kWh": 0.5, "L": 100}  # an axis reaches at least so far: standby is not to look like heating
COLOURS = ("tank", "heating", "bought", "sold")  # those with an area
FONT = 'system-ui, "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic UI", Meiryo, sans-serif'
MARGIN = {"l": 56, "r": 46, "t": 10, "b": 26}  # the same in all panels, so that their time axes meet


class Trace(NamedTuple):
    """One trace. The hover calls it by `names`, and says nothing of one that has none.

    It gives the numbers `says`, the unit of the series, and what `more` adds.
    """

    of: str
    take: str
    by_day: bool
    plot: Json
    names: tuple[str, ...] = ()
    says: str = "%{customdata:,}"
    more: str = ""


class Panel(NamedTuple):
    """One panel: its title, the source it needs, how it is cut, its legend and traces."""

    name: str
    title: Text
    source: Source
    detailed: str
    by_day: str
    legend: tuple[str, ...]
    traces: tuple[Trace, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """The units of its axes, left and right."""
        return tuple(dict.fromkeys(NAMED[trace.of].unit for trace in self.traces))


def line(of: str, colour: str, axis: str = "y") -> Trace:
    """Return a line of what was measured."""
    return Trace(of, "value", False, curve(colour) | {"yaxis": axis}, (of,))


def area(of: str, colour: str, part: str = "") -> Trace:
    """Return the area between such a line and zero."""
    return Trace(of, f"area{part}", False, curve(colour, 0) | {"fill": "tozeroy", "fillcolor": f"--{colour}-area"})


def extents(of: str, colour: str, part: str = "", axis: str = "y") -> Trace:
    """Return a bar from each day's lowest to its highest value."""
    block = bar(DAY, 0, f"--{colour}-area") | {"yaxis": axis}
    return Trace(of, f"extent{part}", True, block, (of, "extent"), "%{customdata[0]:,} – %{customdata[1]:,}")


def means(of: str, colour: str, axis: str = "y") -> Trace:
    """Return a line through each day's mean."""
    middle = curve(colour) | period(DAY) | {"yaxis": axis}
    return Trace(of, "mean", True, middle, (of, "mean"))


def energies(of: str, take: str = "value") -> Iterator[Trace]:
    """Yield bars for half-hours and for days; a day's gives how many hours its sum covers."""
    for seconds, more in ((HALF_HOUR, ""), (DAY, "%{text}")):
        block = bar(seconds, seconds // 10, f"--{of}")
        yield Trace(of, take, seconds == DAY, block, (of,), more=more)


def balances(of: str) -> Iterator[Trace]:
    """Yield steps for half-hours, a line for days."""
    for seconds, shape, more in ((HALF_HOUR, "hvh", ""), (DAY, "linear", "%{text}")):
        steps = curve(of, shape=shape) | period(seconds)
        yield Trace(of, "value", seconds == DAY, steps, (of,), more=more)


def curve(colour: str, width: float = 1.5, shape: str = "linear") -> Json:
    return {"type": "scatter", "mode": "lines", "line": {"color": f"--{colour}", "width": width, "shape": shape}}


def period(seconds: int) -> Json:
    """Return the style of a trace whose times are where periods begin; it is drawn in their middle."""
    return {"xperiod": seconds * MILLI, "xperiodalignment": "middle"}


def bar(seconds: int, gap: int, colour: str) -> Json:
    """Return a bar over the period that begins at its time."""
    width = (seconds - gap) * MILLI
    return {"type": "bar", "marker": {"color": colour, "line": {"width": 0}}, "width": width} | period(seconds)


PANELS = (
    Panel(
        "power",
        ("瞬時電力", "Power"),
        SMART_METER,
        "",
        "extents",
        ("bought", "sold"),
        (
            area("power", "bought", " above"),
            area("power", "sold", " below"),
            line("power", "bought"),
            Trace("power", "value below", False, curve("sold", 2)),
            extents("power", "bought", " above"),
            extents("power", "sold", " below")._replace(names=()),
            means("power", "bought"),
        ),
    ),
    Panel(
        "energy",
        ("電力量", "Energy"),
        SMART_METER,
        "by half-hour",
        "by day",
        ("bought", "sold"),
        (*energies("bought"), *energies("sold", "value down")),
    ),
    Panel(
        "ecocute",
        ECOCUTE.name,
        ECOCUTE,
        "",
        "by day",
        ("heating", "tank"),
        (
            area("heating", "heating"),
            line("heating", "heating"),
            line("tank", "tank", axis="y2"),
            means("heating", "heating")._replace(plot=bar(DAY, DAY // 10, "--heating")),
            extents("tank", "tank", axis="y2"),
            means("tank", "tank", axis="y2"),
        ),
    ),
    Panel(
        "solar",
        ("太陽光発電", "Solar"),
        SOLAR_MONITOR,
        "by half-hour",
        "by day",
        ("generated", "balance"),
        (*energies("generated"), *balances("balance")),
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
    return Panel(source.section, source.name, source, "", "by day", tuple(s.name for s in shown), tuple(traces))


def curves(series: Series, units: tuple[str, ...]) -> tuple[Trace, ...]:
    """Return traces of a level's readings, and by day of its range and its mean."""
    name, axis = series.name, "y2" if units.index(series.unit) else "y"
    return line(name, name, axis), extents(name, name, axis=axis), means(name, name, axis)


def aliases() -> str:
    """Return the style sheet's rules for the series that it has no colour for: each has the colour of another."""
    known = {key for panel in PANELS for key in panel.legend} | {"power"}
    others = [series.name for series in SHOWN if series.name not in known]
    return "".join(
        f":root {{ --{name}: var(--{colour}); --{name}-area: var(--{colour}-area); }}\n"
        for name, colour in zip(others, cycle(COLOURS))
    )


def figure(panel: Panel, language: str) -> Json:
    """Return a panel as page.js takes it."""
    traces = [
        {
            "of": trace.of,
            "take": trace.take,
            "by_day": trace.by_day,
            "plot": trace.plot
            | {"name": " ".join(text(language, key) for key in trace.names)}
            | ({"hovertemplate": hover(trace)} if trace.names else {"hoverinfo": "skip"}),
        }
        for trace in panel.traces
    ]
    when = time_format(language, f"hover {panel.detailed}".strip())
    least = [LEAST.get(unit, 0) for unit in panel.units]
    return {"name": panel.name, "hover": when, "least": least, "layout": layout(panel, language), "traces": traces}


def hover(trace: Trace) -> str:
    return f"{trace.says} {NAMED[trace.of].unit}{trace.more}"


def layout(panel: Panel, language: str) -> Json:
    """Return all but the ranges, which page.js sets."""
    left, *right = (value_axis(unit) for unit in panel.units)
    second = (
        {"yaxis2": right[0] | {"overlaying": "y", "side": "right", "showgrid": False, "tickmode": "auto"}}
        if right
        else {}
    )
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
        "yaxis": left,
        **second,
    }


def value_axis(unit: str) -> Json:
    return {
        "ticksuffix": f" {unit}",
        "showticksuffix": "last",
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
        "automargin": "height",
        "tickformatstops": [{"dtickrange": span, "value": time_format(language, key)} for span, key in stops],
        "gridcolor": "--grid",
        "spikecolor": "--quiet",
        "spikethickness": 1,
        "spikedash": "solid",
    }


def settings(language: str) -> Json:
    """Return what page.js needs in addition to the panels."""
    return {
        "config": {
            "displayModeBar": False,
            "responsive": True,
            "doubleClick": False,
            "showTips": False,
            "locale": language,
        },
        "locale": LOCALE_JA if language == "ja" else None,
        "hover_day": time_format(language, "hover day"),
    }
