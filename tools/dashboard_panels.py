"""The table of the dashboards of docs/server/: a row a panel. Texts for people are pairs, Japanese and English."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tools.dashboard_queries import Queries, growth, mean, summed, total

Json = dict[str, Any]
Text = tuple[str, str]


class Series(NamedTuple):
    """One line, set of bars, or number. `own` is what it has in place of the panel's properties."""

    label: Text
    queries: Queries
    color: str
    own: Mapping[str, Any] = {}


class Panel(NamedTuple):
    """One panel. `interval` is the shortest one that makes sense, `drawing` how its series look.

    `time_from` is the time that it shows, where that is not the dashboard's; `own` are its options.
    """

    title: Text
    description: Text
    unit: str
    interval: str
    drawing: Mapping[str, Any]
    series: Sequence[Series]
    time_from: str | None = None
    own: Mapping[str, Any] = {}
    kind: str = "timeseries"
    width: int = 24


GREEN, YELLOW, ORANGE, BLUE, RED, GREY = "green", "yellow", "orange", "blue", "red", "text"
FILLED = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 25, "showPoints": "auto"}
STEPS = {"drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 1, "fillOpacity": 0, "showPoints": "never"}
BARS = {"drawStyle": "bars", "barAlignment": 1, "lineWidth": 0, "fillOpacity": 80, "showPoints": "never"}
STACKED = BARS | {"stacking": {"mode": "normal", "group": "A"}}
DOTS = {
    "custom.drawStyle": "points",
    "custom.pointSize": 9,
    "custom.showPoints": "always",
    "custom.stacking": {"mode": "none", "group": "B"},
}
BY_SIGN = {
    "color": {"mode": "thresholds"},
    "thresholds": {"mode": "absolute", "steps": [{"color": YELLOW, "value": None}, {"color": GREEN, "value": 0}]},
}
"""Green while buying, yellow while feeding in."""
WITH_SUMS = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["sum"]}}
"""A table would show three rows of four at this height."""
YEN = "prefix:¥"
"""Grafana's own unit for yen writes 7,660 as 7.66K."""
PROVISIONAL = [
    {
        "type": "value",
        "options": {
            "0": {"text": ("確定", "final"), "index": 0},
            "1": {"text": ("暫定", "provisional"), "index": 1},
        },
    }
]


def joined(minutes: int) -> Json:
    """Connect points that are up to so many minutes apart: one lost answer is no gap, an outage is."""
    return {"spanNulls": minutes * 60_000}


BOUGHT, SOLD, GENERATED, USED = ("買電", "bought"), ("売電", "sold"), ("発電", "generated"), ("使用", "used")


def balance(measurement: str) -> tuple[Series, ...]:
    """The energies of days or months; sold is drawn downwards."""
    return (
        Series(BOUGHT, summed(measurement, "bought"), GREEN),
        Series(GENERATED, summed(measurement, "generated"), ORANGE),
        Series(SOLD, summed(measurement, "sold", "-1 * "), YELLOW),
        Series(USED, summed(measurement, "used"), GREY, DOTS),
    )


def stat(
    title: Text, description: Text, unit: str, time_from: str, *series: Series, interval: str = "1d", width: int = 4
) -> Panel:
    """A panel of the first row: the last value of each series of a time."""
    return Panel(title, description, unit, interval, {}, series, time_from, kind="stat", width=width)


def energies(measurement: str) -> tuple[Series, ...]:
    """What is used and bought of a running day or month."""
    return Series(USED, summed(measurement, "used"), GREY), Series(BOUGHT, summed(measurement, "bought"), GREEN)


SUMMED = (
    "homemon が計算した値で、homemon energy と同じ。欠測があればその分は含みません。",
    "As `homemon energy` says; half-hours that were not received are not in it.",
)
OF_BILL = (
    "検針日からの分で、homemon bill と同じ。config.ini の [contract] が必要です。",
    "From the reading day on, as `homemon bill` says; needs a [contract] in config.ini.",
)
STATS = (
    stat(
        ("今の電力", "Power now"),
        (
            "正は買電、負は売電。15分より古い値は出しません。",
            "Above zero it is bought; nothing that is older than 15 minutes.",
        ),
        "watt",
        "now-15m",
        Series(("電力", "power"), mean("power"), GREEN, BY_SIGN),
        interval="1m",
        width=3,
    ),
    stat(("今日", "Today"), SUMMED, "kwatth", "now/d", *energies("day")),
    stat(("今月", "This month"), SUMMED, "kwatth", "now/M", *energies("month")),
    stat(
        ("今回の請求期間", "This billing period"),
        OF_BILL,
        "kwatth",
        "now-31d",
        Series(BOUGHT, summed("bill", "bought"), GREEN),
        Series(("契約", "contract"), summed("bill", "ampere", hours="ampere"), GREY, {"unit": "amp"}),
    ),
    stat(
        ("今回の電気料金", "This bill so far"),
        OF_BILL,
        YEN,
        "now-31d",
        Series(("料金", "to pay"), summed("bill", "yen"), GREEN),
        Series(("売電収入", "earned"), summed("bill", "sold_yen"), YELLOW),
        Series(
            ("状態", "status"),
            summed("bill", "provisional", hours="yen_hours"),
            GREY,
            {"mappings": PROVISIONAL, "unit": "none"},
        ),
        width=6,
    ),
    stat(
        ("電流", "Current"),
        (
            "meter-poll で読んだ値。15分より古い値は出しません。",
            "As `meter-poll` reads it; nothing that is older than 15 minutes.",
        ),
        "amp",
        "now-15m",
        Series(("R相", "phase R"), mean("current", "r"), RED),
        Series(("T相", "phase T"), mean("current", "t"), BLUE),
        interval="1m",
        width=3,
    ),
)
PANELS = (
    Panel(
        ("瞬時電力", "Power"),
        ("正は買電、負は売電。", "Above zero it is bought, below it is fed in."),
        "watt",
        "1m",
        FILLED | joined(15),
        (Series(("電力", "power"), mean("power"), GREEN, BY_SIGN | {"custom.gradientMode": "scheme"}),),
    ),
    Panel(
        ("30分ごとの電力量", "Energy per half-hour"),
        ("メーターの積算値の差。欠測は隙間のまま。", "From the meter's registers. A missing reading leaves a gap."),
        "kwatth",
        "30m",
        BARS,
        (Series(BOUGHT, growth("+power"), GREEN), Series(SOLD, growth("-power", "-1 * "), YELLOW)),
    ),
    Panel(
        ("エコキュート", "EcoCute"),
        ("左は消費電力、右は残湯量。", "Power on the left, hot water left in the tank on the right."),
        "watt",
        "10m",
        FILLED | joined(45),
        (
            Series(("消費電力", "heating"), mean("ecocute", "power"), RED),
            Series(
                ("残湯量", "tank"),
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
        ("太陽光", "Solar"),
        ("モニタの30分値。", "From the solar monitor, half-hours from their start."),
        "kwatth",
        "30m",
        STEPS,
        (
            Series(GENERATED, total("hatuden", "null"), ORANGE, {"custom.fillOpacity": 30}),
            Series(("買電−売電", "bought − sold"), total("baiden_diff", "null"), BLUE),
        ),
    ),
    Panel(("一日の収支", "Energy of the day"), SUMMED, "kwatth", "1d", STACKED, balance("day"), "now-30d/d", WITH_SUMS),
    Panel(
        ("一日の電気代", "Cost of the day"),
        (
            "基本料金を含まない電力量の料金。[contract] が必要です。",
            "Of the energy, without the base charge; needs a [contract].",
        ),
        YEN,
        "1d",
        BARS,
        (Series(("電気代", "cost"), summed("day", "yen"), GREEN, {"min": 0}),),
        "now-30d/d",
        WITH_SUMS,
    ),
    Panel(
        ("月ごとの収支", "Energy of the month"),
        SUMMED,
        "kwatth",
        "1d",
        STACKED,
        balance("month"),
        "now-12M/M",
        WITH_SUMS,
    ),
)
