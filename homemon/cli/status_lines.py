"""What `homemon status` says below its table, in the reader's language."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homemon.cli.status_table import Line
from homemon.core.columns import left
from homemon.core.language import Text, said
from homemon.core.points import moment_text
from homemon.energy.rows import Row as Energy
from homemon.energy.rows import kwh_text, yen_text
from homemon.runtime.newest import Row

AHEAD: Text = (
    "{} {} に未来の時刻 {} の値があります。使いません",
    "{} {} has a reading of the future, {}: it does not count",
)
SILENT: Text = (
    "[{}] は設定済みですが、まだ何も記録されていません",
    "[{}] is configured, and nothing was ever recorded",
)
PARKED: Text = ("  保留: {}: {}", "  parked: {}: {}")
SERVER: Text = ("サーバーへの送信待ちは {1} 件、保留は {2} 件です", "{1} points wait for the server, {2} are parked")
NAMED: Text = ("{0} への送信待ちは {1} 件、保留は {2} 件です", "{0}: {1} points wait, {2} are parked")
LACKS: dict[str, Text] = {
    "server": SERVER,
    "mqtt": ("{0} への送信待ちの値は {1} 個です", "{0}: {1} values wait"),
    "homeassistant": ("{0} と比べるのは {1} 時間分です", "{0}: {1} hours are to be compared"),
}
"""What a place that readings go to lacks, by its name: points, the newest values, or hours."""
CALLED: dict[str, Text] = {"server": ("サーバー", "server")}
FAULT: Text = ("{}: {}", "{}: {}")
UNDATED: Text = ("時計が合うのを待っている値が {} 個あります", "{} values wait for a clock that is right")
UNDATABLE: Text = (
    "時計が合わないうちに再起動したため、時刻のわからない値が {} 個あります",
    "{} values came before a restart, while the clock was wrong: they have no time",
)
RUNS: Text = ("{}: 動作中、pid {}", "{}: runs, pid {}")
RUNS_NOT: Text = ("{}: 動いていません", "{}: does not run")
SO_FAR: dict[str, Text] = {"today": ("今日", "today"), "period": ("今期", "period")}
BOUGHT: Text = ("{}買電 {}", "{}{} bought")
YEN: Text = ("、{} 円", ", {} yen")
MOST_PARKED = 10


def besides(rows: Sequence[Row], facts: Mapping[str, Any], now: int, language: str) -> Iterator[Line]:
    """Yield what else there is to know, out of the facts that `--json` prints."""
    for row in rows:
        if row.ahead is not None:
            yield Line(said(AHEAD, language, row.measurement, row.field, when_text(row.ahead, now)), "yellow")
    yield from (Line(said(SILENT, language, section), "red") for section in facts["silent"])
    for name, sink in (facts["sinks"] or {"server": _server(facts)}).items():
        yield from _lacks(name, sink, language)
    counted = ((UNDATED, facts["undated"]), (UNDATABLE, facts["undatable"]))
    yield from (Line(said(text, language, number), "yellow") for text, number in counted if number)
    for name, pid in facts["listeners"].items():
        yield Line(said(RUNS, language, name, pid)) if pid else Line(said(RUNS_NOT, language, name), "red")


def _server(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the store keeps of a server where nothing is configured."""
    parked = facts["parked"]
    return {"waiting": facts["waiting"], "parked": len(parked), "fault": facts["server"], "parked_lines": parked}


def _lacks(name: str, sink: Mapping[str, Any], language: str) -> Iterator[Line]:
    """Yield what a place lacks, what it refused, and what keeps it from the rest."""
    parked = sink["parked_lines"]
    text = said(LACKS.get(name, NAMED), language, name, sink["waiting"], sink["parked"])
    yield Line(text, "yellow" if parked else "")
    yield from (Line(said(PARKED, language, *each.values()), "yellow") for each in parked[:MOST_PARKED])
    if sink["fault"]:
        called = said(CALLED.get(name, (name, name)), language)
        yield Line(said(FAULT, language, called, sink["fault"]), "red")


def come_to(running: Mapping[str, Energy], now: int, language: str) -> Iterator[Line]:
    """Yield what is bought so far, and its yen: a line a running period of which anything is known."""
    for name, row in running.items():
        if row.summary.bought.kwh is not None:
            yen = "" if row.yen is None else said(YEN, language, yen_text(row.yen, row.doubts))
            kwh, of, hours = kwh_text(row.summary.bought, row.period, now).partition(" (")
            yield Line(said(BOUGHT, language, left(said(SO_FAR[name], language), 9), f"{kwh} kWh{of}{hours}") + yen)


def when_text(time: int, now: int) -> str:
    """Return `11-24 02:49:00` in JST, `2017-11-24 02:49` in another year than `now`; else Unix time."""
    this_year = moment_text(time, "%Y") == moment_text(now, "%Y")
    return moment_text(time, "%m-%d %H:%M:%S" if this_year else "%Y-%m-%d %H:%M")
