"""Write the Grafana dashboards of docs/server/ in Japanese and English from one table: `make dashboards`.

`dashboard_panels` is the table, `dashboard_queries` says what it asks of either server.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from tools.dashboard_panels import PANELS, STATS, YEN, Json, Panel, Series

SERVER = Path(__file__).parent.parent / "docs" / "server"
ZONE = "Asia/Tokyo"
LANGUAGES = ("ja", "en")
"""In the order of the table's pairs."""
STAT_HEIGHT, HEIGHT = 4, 8


class Kind(NamedTuple):
    """What the data source is: Grafana's name of it, the uid that is provisioned, and how a target is made."""

    type: str
    uid: str
    homes: str | Json
    target: Callable[[Series, Panel, int], Json]


def influxql(series: Series, panel: Panel, language: int) -> Json:
    """A target for InfluxDB."""
    return {
        "rawQuery": True,
        "query": series.queries.influxql,
        "resultFormat": "time_series",
        "alias": f"{series.label[language]} $tag_home",
    }


def promql(series: Series, panel: Panel, language: int) -> Json:
    """A target for VictoriaMetrics, which Grafana asks as a Prometheus."""
    return {
        "editorMode": "code",
        "expr": series.queries.promql,
        "format": "time_series",
        "range": True,
        "instant": False,
        "interval": panel.interval,
        "legendFormat": f"{series.label[language]} {{{{home}}}}",
    }


KINDS = {
    "influxdb": Kind("influxdb", "homemon-influxdb", 'SHOW TAG VALUES WITH KEY = "home"', influxql),
    "victoriametrics": Kind(
        "prometheus", "homemon-victoriametrics", {"query": "label_values(home)", "refId": "home"}, promql
    ),
}


def dashboard(kind: Kind, language: str) -> Json:
    """The whole: a row of numbers, and below it one panel below the other, on one time axis, readable on a phone."""
    at = LANGUAGES.index(language)
    return {
        "uid": kind.uid if language == "en" else f"{kind.uid}-{language}",
        "title": ("自宅の電力 homemon", "homemon")[at],
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
        "templating": {"list": [source_variable(kind, at), home_variable(kind, at)]},
        "panels": [
            {"id": number, "gridPos": place, **drawn(panel, kind, at)}
            for number, (panel, place) in enumerate(placed(STATS, PANELS), 1)
        ],
    }


def placed(stats: Sequence[Panel], panels: Sequence[Panel]) -> Iterable[tuple[Panel, Json]]:
    """Each panel with its place in the grid."""
    for panel, after in zip(stats, accumulate(panel.width for panel in stats), strict=True):
        yield panel, {"x": after - panel.width, "y": 0, "w": panel.width, "h": STAT_HEIGHT}
    for row, panel in enumerate(panels):
        yield panel, {"x": 0, "y": STAT_HEIGHT + row * HEIGHT, "w": panel.width, "h": HEIGHT}


def source(kind: Kind) -> Json:
    """The data source that is chosen above the panels."""
    return {"type": kind.type, "uid": "${datasource}"}


def source_variable(kind: Kind, language: int) -> Json:
    """The choice of the data source; the provisioned one at first."""
    return {
        "name": "datasource",
        "label": ("データソース", "data source")[language],
        "type": "datasource",
        "query": kind.type,
        "regex": "",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "options": [],
        "current": {"selected": True, "text": kind.uid, "value": kind.uid},
    }


def home_variable(kind: Kind, language: int) -> Json:
    """The choice of a home, for points with such a tag."""
    return {
        "name": "home",
        "label": ("家", "home")[language],
        "type": "query",
        "datasource": source(kind),
        "query": kind.homes,
        "refresh": 1,
        "sort": 1,
        "multi": False,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": "All", "value": "$__all"},
    }


def drawn(panel: Panel, kind: Kind, language: int) -> Json:
    """A panel without its id and place."""
    found: Json = {
        "type": panel.kind,
        "title": panel.title[language],
        "description": panel.description[language],
        "datasource": source(kind),
        "interval": panel.interval,
        "maxDataPoints": 1000,
        "targets": [
            {"refId": ref, "datasource": source(kind), **kind.target(series, panel, language)}
            for ref, series in zip("ABCDEFGH", panel.series, strict=False)
        ],
        "transformations": [],
        "fieldConfig": {
            "defaults": defaults(panel),
            "overrides": [override(series, language) for series in panel.series],
        },
        "options": OPTIONS[panel.kind] | dict(panel.own),
    }
    return found | ({"timeFrom": panel.time_from} if panel.time_from else {})


def defaults(panel: Panel) -> Json:
    """What all series of a panel have in common."""
    drawing = {"custom": dict(panel.drawing)} if panel.drawing else {"noValue": "–"}
    return {"unit": panel.unit, **({"decimals": 0} if panel.unit == YEN else {}), **drawing}


OPTIONS: dict[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "none"},
    },
    "stat": {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        "orientation": "auto",
        "textMode": "value_and_name",
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    },
}


def override(series: Series, language: int) -> Json:
    """A series' own properties, by its name, which the home's name follows."""
    properties = {"color": {"mode": "fixed", "fixedColor": series.color}} | dict(series.own)
    return {
        "matcher": {"id": "byRegexp", "options": f"/^{series.label[language]}( |$)/"},
        "properties": [{"id": name, "value": spoken(value, language)} for name, value in properties.items()],
    }


def spoken(value: Any, language: int) -> Any:
    """A property with the texts of one language in place of pairs."""
    if isinstance(value, tuple):
        return value[language]
    if isinstance(value, dict):
        return {name: spoken(each, language) for name, each in value.items()}
    return [spoken(each, language) for each in value] if isinstance(value, list) else value


def path_of(kind: str, language: str) -> Path:
    """Where a dashboard stands."""
    name = "homemon.json" if language == "en" else f"homemon.{language}.json"
    return SERVER / kind / "grafana" / "dashboards" / name


FILES = {
    path_of(name, language): partial(dashboard, kind, language)
    for name, kind in KINDS.items()
    for language in LANGUAGES
}


def text(content: Json) -> str:
    """A dashboard as its file holds it."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path, make in FILES.items():
        path.write_text(text(make()), "utf-8")
