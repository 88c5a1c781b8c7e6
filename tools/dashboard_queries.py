"""What the dashboards of docs/server/ ask, in InfluxQL and in PromQL.

A bar or a step stands at the beginning of the time it is for, in Japanese half-hours and days. Four ways of asking
follow from what the points are:

- `mean`: a momentary value. The mean of [T, T+i), i being Grafana's interval.
- `total`: energy of a half-hour that the solar monitor stamped with its start. The sum of [T, T+i).
- `growth`: a register, read at the end of each half-hour. The last reading of (T, T+i] less the first of
  [T, T+i): what it counted within the time of the bar. Where no two readings are there is no bar, nor where a register
  rolls over or is replaced (`>= 0`).
- `summed`: what homemon summed up of a day, a month or a bill (docs/data.md): the last point of the first day of each
  counts, and only where its hours are not 0. So no query guesses what was counted in a gap across midnight.

InfluxQL has buckets [T, T+i) only, and aligned to UTC. So the buckets of a register's last reading begin a second
later, and all begin at 15:00 UTC, which is midnight in Japan: `15h`, not `tz('Asia/Tokyo')`, because tz()
reaches only the outer of two nested queries. The outer one moves the bars back by that second.

PromQL has windows (T-i, T] only, so `offset` with a negative value moves them ahead. `1i` is the step
(MetricsQL). Grafana aligns steps to the dashboard's time zone; VictoriaMetrics would align them to
UTC again where there are more than fifty, unless asked with `nocache=1`, as the data source does.
"""

from typing import NamedTuple


class Queries(NamedTuple):
    """The same question to either server."""

    influxql: str
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


def summed(measurement: str, field: str, sign: str = "", hours: str | None = None) -> Queries:
    """What homemon says of a day, a month or a bill; `hours` is the field with those of which it is known."""
    hours = hours or f"{field}_hours"
    last = (
        f'SELECT last("{field}") AS "sum", last("{hours}") AS "hours" FROM "{measurement}" WHERE {HERE}'
        ' GROUP BY time(1d, 15h), "home" fill(none)'
    )
    known, sure = (f"last_over_time({selector(measurement, name)}[1d] offset -86399s)" for name in (field, hours))
    return Queries(
        f'SELECT {sign}"sum" FROM ({last}) WHERE "hours" > 0 AND $timeFilter GROUP BY "home"',
        f"{sign}sum by (home) ({known} if ({sure} > 0))",
    )
