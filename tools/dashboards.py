"""Write the two Grafana dashboards of docs/server/ from one table: `make dashboards`.

`PANELS` is the table. A row of it names what is drawn; `mean`, `total` and `growth` say it in InfluxQL
and in PromQL; `influxdb` and `victoriametrics` make a dashboard of it all.

A bar or a step stands at the beginning of the time it is for, in Japanese half-hours and days. Three
ways of asking follow from what the points are:

- `mean`: a momentary value. The mean of [T, T+i), i being Grafana's interval.
- `total`: energy of a half-hour that the solar monitor stamped with its start. The sum of [T, T+i).
- `growth`: a register, read at the end of each half-hour. The last reading of (T, T+i] less the first of
  [T, T+i): what it counted within the time of the bar. So energy of a gap that lies within a day belongs to the
  day, that of one across midnight to neither, as on homemon's own page; where no two readings are there is no bar,
  nor where a register rolls over or is replaced (`>= 0`).

InfluxQL has buckets [T, T+i) only, and aligned to UTC. So the buckets of a register's last reading begin a second
later, and all begin at 15:00 UTC, which is midnight in Japan: `15h`, not `tz('Asia/Tokyo')`, because tz()
reaches only the outer of two nested queries. The outer one moves the bars back by that second.

PromQL has windows (T-i, T] only, so `offset` with a negative value moves them ahead. `1i` is the step
(MetricsQL). Grafana aligns steps to the dashboard's time zone; VictoriaMetrics would align them to
UTC again where there are more than fifty, unless asked with `nocache=1`, as the data source does.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SERVER = Path(__file__).parent.parent / "docs" / "server"
ZONE = "Asia/Tokyo"
Json = dict[str, Any]

# --- queries -------------------------------------------------------------------------


class Queries(NamedTuple):
    """The same question to either server; None where it cannot be asked."""

    influxql: str | None
    promql: str


HERE = '"home" =~ /^$home$/ AND $timeFilter'
"""The homes chosen above the panels. All of them is `.*`, which also matches points without the tag."""


def selector(measurement: str, field: str) -> str:
    """VictoriaMetrics' name of a field. As a bare word, +power_value would be read as power_value."""
    return f'{{__name__="{measurement}_{field}",home=~"$home"}}'


def mean(measurement: str, field: str = "value") -> Queries:
    """A momentary value."""
    return Queries(
        f'SELECT mean("{field}") FROM "{measurement}" WHERE {HERE} GROUP BY time($__interval, 15h), "home" fill(null)',
        f"avg by (home) (avg_over_time({selector(measurement, field)}[1i] offset -0.9999i))",
    )


def total(measurement: str, fill: str = "none") -> Queries:
    """Energy of half-hours that are stamped with their start."""
    return Queries(
        f'SELECT sum("value") FROM "{measurement}" WHERE {HERE} GROUP BY time($__interval, 15h), "home" fill({fill})',
        f"sum by (home) (sum_over_time({selector(measurement, 'value')}[1i] offset -0.9999i))",
    )


def growth(measurement: str, sign: str = "") -> Queries:
    """Energy from the readings of a register at the ends of half-hours; `sign` "-1 * " draws it downwards."""
    last, first = (
        f'SELECT {pick}("value") AS "{pick}" FROM "{measurement}" WHERE {HERE}'
        f" GROUP BY time($__interval, {begin}), * fill(none)"
        for pick, begin in (("last", "15h1s"), ("first", "15h"))
    )
    counted = (
        f'SELECT sum("last") - sum("first") AS "d" FROM ({last}), ({first}) WHERE $timeFilter'
        " GROUP BY time($__interval, 15h), * fill(none)"
    )
    name = selector(measurement, "value")
    return Queries(
        f'SELECT {sign}sum("d") FROM ({counted}) WHERE "d" >= 0 AND $timeFilter'
        ' GROUP BY time($__interval, 15h), "home" fill(none)',
        f"{sign}sum by (home) ((last_over_time({name}[1i] offset -1i) - first_over_time({name}[1i] offset -0.9999i))"
        " >= 0)",
    )


BOUGHT, SOLD, GENERATED = growth("+power"), growth("-power"), total("hatuden")
USED = Queries(
    None,  # InfluxQL cannot add what stands in different measurements: Grafana adds the columns
    f"WITH (bought = {BOUGHT.promql}, sold = {SOLD.promql}, generated = {GENERATED.promql})"
    " (bought + generated - sold) or (bought unless sold > 0)",
)

# --- the table -----------------------------------------------------------------------


class Series(NamedTuple):
    """One line or set of bars. `own` is what it has in place of the panel's properties."""

    label: str
    queries: Queries
    color: str
    own: Mapping[str, Any] = {}


class Panel(NamedTuple):
    """One panel. `interval` is the shortest one that makes sense, `drawing` how its series look."""

    title: str
    description: str
    unit: str
    interval: str
    drawing: Mapping[str, Any]
    series: Sequence[Series]
    own: Mapping[str, Any] = {}
    time_from: str | None = None


FILLED = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 25, "showPoints": "auto"}
STEPS = {"drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 1, "fillOpacity": 0, "showPoints": "never"}
BARS = {"drawStyle": "bars", "barAlignment": 1, "lineWidth": 0, "fillOpacity": 80, "showPoints": "never"}
STACKED = BARS | {"stacking": {"mode": "normal", "group": "A"}}
GREEN, YELLOW, ORANGE, BLUE, RED, GREY = "green", "yellow", "orange", "blue", "red", "text"
BY_SIGN = {
    "color": {"mode": "thresholds"},
    "thresholds": {"mode": "absolute", "steps": [{"color": YELLOW, "value": None}, {"color": GREEN, "value": 0}]},
    "custom.gradientMode": "scheme",
}
"""Green while buying, yellow while feeding in."""


def joined(minutes: int) -> Json:
    """Connect points that are up to so many minutes apart: one lost answer is no gap, an outage is."""
    return {"spanNulls": minutes * 60_000}


PANELS = (
    Panel(
        "瞬時電力 / Power now",
        "Above zero it is bought, below it is fed in. 正は買電、負は売電。",
        "watt",
        "1m",
        FILLED | joined(15),
        (Series("電力 power", mean("power"), GREEN, BY_SIGN),),
    ),
    Panel(
        "積算電力 / Energy per half-hour",
        "From the meter's registers. A missing reading leaves a gap. 欠測は隙間のまま。",
        "kwatth",
        "30m",
        BARS,
        (
            Series("買電 bought", BOUGHT, GREEN),
            Series("売電 sold", growth("-power", "-1 * "), YELLOW),
        ),
    ),
    Panel(
        "エコキュート / EcoCute",
        "Power on the left, hot water left in the tank on the right. 左は消費電力、右は残湯量。",
        "watt",
        "10m",
        FILLED | joined(45),
        (
            Series("消費電力 heating", mean("ecocute", "power"), RED),
            Series(
                "残湯量 tank",
                mean("ecocute", "tank"),
                BLUE,
                {
                    "unit": "litre",
                    "min": 0,
                    "custom.axisPlacement": "right",
                    "custom.fillOpacity": 0,
                    "custom.lineWidth": 2,
                },
            ),
        ),
    ),
    Panel(
        "太陽光 / Solar",
        "From the solar monitor, half-hours from their start. モニタの30分値。",
        "kwatth",
        "30m",
        STEPS,
        (
            Series("発電 generated", total("hatuden", "null"), ORANGE, {"custom.fillOpacity": 30}),
            Series("買電−売電 bought − sold", total("baiden_diff", "null"), BLUE),
        ),
    ),
    Panel(
        "一日の収支 / Energy balance of the day",
        "Bought and generated upwards, sold downwards; used = bought + generated − sold. 使用＝買電＋発電−売電。",
        "kwatth",
        "1d",
        STACKED,
        (
            Series("買電 bought", BOUGHT, GREEN),
            Series("発電 generated", GENERATED, ORANGE),
            Series("売電 sold", growth("-power", "-1 * "), YELLOW),
            Series(
                "使用 used",
                USED,
                GREY,
                {
                    "custom.drawStyle": "points",
                    "custom.pointSize": 9,
                    "custom.showPoints": "always",
                    "custom.stacking": {"mode": "none", "group": "B"},
                },
            ),
        ),
        {"legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["last", "sum"]}},
        "now-30d/d",
    ),
)

# --- one function a data source --------------------------------------------------------


def influxdb() -> Json:
    """The dashboard for InfluxDB 1.x."""
    source = {"type": "influxdb", "uid": "homemon-influxdb"}

    def target(ref: str, series: Series) -> Json:
        return {
            "refId": ref,
            "datasource": source,
            "rawQuery": True,
            "query": series.queries.influxql,
            "resultFormat": "time_series",
            "alias": f"{series.label} $tag_home",
        }

    return dashboard(
        "homemon-influxdb",
        source,
        'SHOW TAG VALUES WITH KEY = "home"',
        [
            drawn(
                panel,
                source,
                [target(ref, series) for ref, series in lettered(panel.series) if series.queries.influxql is not None],
                [added_up(series.label) for series in panel.series if series.queries.influxql is None],
            )
            for panel in PANELS
        ],
    )


def victoriametrics() -> Json:
    """The dashboard for VictoriaMetrics, which Grafana asks as a Prometheus."""
    source = {"type": "prometheus", "uid": "homemon-victoriametrics"}

    def target(ref: str, series: Series, panel: Panel) -> Json:
        return {
            "refId": ref,
            "datasource": source,
            "editorMode": "code",
            "expr": series.queries.promql,
            "format": "time_series",
            "range": True,
            "instant": False,
            "interval": panel.interval,
            "legendFormat": f"{series.label} {{{{home}}}}",
        }

    return dashboard(
        "homemon-victoriametrics",
        source,
        {"query": "label_values(home)", "refId": "home"},
        [
            drawn(panel, source, [target(ref, series, panel) for ref, series in lettered(panel.series)], [])
            for panel in PANELS
        ],
    )


# --- what both have in common -----------------------------------------------------------


def lettered(series: Iterable[Series]) -> Iterable[tuple[str, Series]]:
    """Each with its refId: A, B, …"""
    return zip("ABCDEFGH", series, strict=False)


def added_up(label: str) -> Json:
    """A column that is the sum of the others: sold is negative there."""
    return {
        "id": "calculateField",
        "options": {"mode": "reduceRow", "alias": label, "reduce": {"reducer": "sum"}, "replaceFields": False},
    }


def drawn(panel: Panel, source: Json, targets: list[Json], transformations: list[Json]) -> Json:
    """A panel without its id and place."""
    found: Json = {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": source,
        "interval": panel.interval,
        "targets": targets,
        "transformations": transformations,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": dict(panel.drawing)},
            "overrides": [override(series) for series in panel.series],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "none"},
        }
        | dict(panel.own),
    }
    if panel.time_from:
        found["timeFrom"] = panel.time_from
    return found


def override(series: Series) -> Json:
    """A series' own properties, by its name; the home's name follows it."""
    properties = {"color": {"mode": "fixed", "fixedColor": series.color}} | dict(series.own)
    return {
        "matcher": {"id": "byRegexp", "options": f"/^{series.label}/"},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }


def dashboard(uid: str, source: Json, homes: str | Json, panels: list[Json]) -> Json:
    """The whole, one panel below the other: one time axis, and readable on a phone."""
    height = 8
    return {
        "uid": uid,
        "title": "自宅状況 / homemon",
        "tags": ["homemon"],
        "timezone": ZONE,
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-2d", "to": "now"},
        "annotations": {"list": []},
        "links": [],
        "templating": {
            "list": [
                {
                    "name": "home",
                    "label": "家 / home",
                    "type": "query",
                    "datasource": source,
                    "query": homes,
                    "refresh": 1,
                    "sort": 1,
                    "multi": False,
                    "includeAll": True,
                    "allValue": ".*",
                    "current": {"selected": True, "text": "All", "value": "$__all"},
                }
            ]
        },
        "panels": [
            {"id": number, "gridPos": {"x": 0, "y": (number - 1) * height, "w": 24, "h": height}, **panel}
            for number, panel in enumerate(panels, 1)
        ],
    }


FILES = {
    SERVER / "influxdb" / "grafana" / "dashboards" / "homemon.json": influxdb,
    SERVER / "victoriametrics" / "grafana" / "dashboards" / "homemon.json": victoriametrics,
}


def text(content: Json) -> str:
    """A dashboard as its file holds it."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path, make in FILES.items():
        path.write_text(text(make()), "utf-8")
