"""What `homemon status` says below its table, in the reader's language."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homemon.cli.language import said
from homemon.cli.status_table import Line
from homemon.core.columns import left
from homemon.core.points import moment_text
from homemon.energy.rows import Row as Energy
from homemon.energy.rows import kwh_text, yen_text
from homemon.runtime.newest import Row
from homemon.sources.source import Text

AHEAD: Text = (
    "{} {} に未来の時刻 {} の値があります。使いません",
    "{} {} has a reading of the future, {}: it does not count",
)
SILENT: Text = (
    "[{}] は設定済みですが、まだ何も記録されていません",
    "[{}] is configured, and nothing was ever recorded",
)
WAITING: Text = (
    "サーバーへの送信待ちは {} 件、保留は {} 件です",
    "{} points wait for the server, {} are parked",
)
PARKED: Text = ("  保留: {line}: {reason}", "  parked: {line}: {reason}")
SERVER: Text = ("サーバー: {}", "server: {}")
UNDATED: Text = ("時計が合うのを待っている値が {} 個あります", "{} values wait for a clock that is right")
UNDATABLE: Text = (
    "時計が合わないうちに再起動したため、時刻のわからない値が {} 個あります",
    "{} values came before a restart, while the clock was wrong: they have no time",
)
SINK: Text = ("{} への送信待ちは {} 件、保留は {} 件です", "{}: {} points wait, {} are parked")
SINK_FAULT: Text = ("{}: {}", "{}: {}")
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
    parked = facts["parked"]
    yield Line(said(WAITING, language, facts["waiting"], len(parked)), "yellow" if parked else "")
    yield from (Line(said(PARKED, language).format(**each), "yellow") for each in parked[:MOST_PARKED])
    if facts["server"]:
        yield Line(said(SERVER, language, facts["server"]), "red")
    for name, sink in facts["sinks"].items():
        if name != "server":
            text = said(SINK, language, name, sink["waiting"], sink["parked"])
            yield Line(text, "yellow" if sink["parked"] else "")
            if sink["fault"]:
                yield Line(said(SINK_FAULT, language, name, sink["fault"]), "red")
    counted = ((UNDATED, facts["undated"]), (UNDATABLE, facts["undatable"]))
    yield from (Line(said(text, language, number), "yellow") for text, number in counted if number)
    for name, pid in facts["listeners"].items():
        yield Line(said(RUNS, language, name, pid)) if pid else Line(said(RUNS_NOT, language, name), "red")


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
