"""docs/server/: what the queries of its dashboards answer.

There is no Grafana here. Its part is played: the macros are filled in as it does (grafana/grafana,
pkg/tsdb/influxdb/models/query.go; InfluxQL's `$home` as a regular expression), PromQL is asked with
start, end, step and the data source's own parameters. The servers are real, and run with the settings
of the compose files.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from homemon.energy.periods import calendar
from homemon.energy.spans import differences
from homemon.page.panels import bars
from homemon.sim.house import DAY, HALF_HOUR, MINUTE
from tests.boards import BOARDS, KINDS, TARGETS, compose, label, provisioned, text
from tests.commands import homemon
from tests.homes import (
    END,
    GAPS,
    HOMES,
    HOUSE,
    LOST,
    MIDNIGHT,
    PASSWORD,
    Answer,
    Backend,
    authorization,
    duration,
    fill,
    gaps,
)
from tests.servers import InfluxServer, VictoriaServer, fetch, installed, reserve_port


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """InfluxDB with the compose file's settings, and its users as the image makes them."""
    folder = tmp_path_factory.mktemp("influxdb")
    service = compose("influxdb")["services"]["influxdb"]
    server = InfluxServer(folder / "server", auth=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service["environment"].items():
            patch.setenv(name, value)
        patch.setenv("INFLUXDB_BIND_ADDRESS", copies := f"127.0.0.1:{reserve_port()}")
        server.start()
    try:
        database = service["environment"]["INFLUXDB_DB"]
        for statement in (
            f'CREATE DATABASE "{database}"',
            f"CREATE USER homemon WITH PASSWORD '{PASSWORD}'",
            f'GRANT WRITE ON "{database}" TO homemon',
            f"CREATE USER grafana WITH PASSWORD '{PASSWORD}'",
            f'GRANT READ ON "{database}" TO grafana',
        ):
            server.query(statement)
        fill(folder, server.url)
        assert [row for series in server.query("SHOW DATABASES") for row in series["values"]] == [[database]]
        assert list((folder / "server" / "data" / database).glob("*/*/index")), "the index is tsi1, on disk"

        def query(statement: str) -> list[dict[str, Any]]:
            data = urlencode({"q": statement, "db": database, "epoch": "ms"}).encode()
            (result,) = json.loads(fetch(f"{server.url}/query", data, authorization("grafana")))["results"]
            assert "error" not in result, (statement, result)
            series: list[dict[str, Any]] = result.get("series", [])
            return series

        def ask(statement: str, home: str, start: int, end: int, interval: int) -> Answer:
            for macro, value in (
                ("$timeFilter", f"time >= {start}000ms and time <= {end}000ms"),
                ("$__interval_ms", f"{interval}000"),
                ("$__interval", duration(interval)),
                ("$home", home),
            ):
                statement = statement.replace(macro, value)
            found: Answer = {}
            for series in query(statement):
                assert len(series["columns"]) == 2
                values = {ms // 1000: value for ms, value in series["values"] if value is not None}
                assert series["tags"]["home"] not in found
                found[series["tags"]["home"]] = values
            return {home: values for home, values in found.items() if values}

        def homes(statement: str) -> set[str]:
            return {row[1] for series in query(statement) for row in series["values"]}

        yield Backend(ask, homes, folder, {"influxdb:8088": copies})
    finally:
        server.kill()


class ComposedVictoria(VictoriaServer):
    """VictoriaMetrics with the flags of the compose file."""

    def arguments(self) -> list[str]:
        own = {"-storageDataPath": f"{self.folder}/data", "-httpListenAddr": f"127.0.0.1:{self.port}"}
        flags = [flag.partition("=") for flag in compose("victoriametrics")["services"]["victoriametrics"]["command"]]
        assert own.keys() <= {name for name, _, _ in flags}
        return [f"{name}{sign}{own.get(name, value)}" for name, sign, value in flags]


@pytest.fixture(scope="module")
def victoriametrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """VictoriaMetrics as the compose file starts it."""
    folder = tmp_path_factory.mktemp("victoriametrics")
    server = ComposedVictoria(folder / "server")
    with pytest.MonkeyPatch.context() as patch:
        for name in compose("victoriametrics")["services"]["victoriametrics"]["environment"]:
            patch.setenv(name, PASSWORD)
        server.start()
    try:
        fill(folder, server.url)
        source = provisioned("victoriametrics", "datasources")
        more = dict([source["jsonData"]["customQueryParameters"].split("=")])

        def get(path: str, **parameters: Any) -> Any:
            data = urlencode({**parameters, **more}).encode()
            answer = json.loads(fetch(f"{server.url}{path}", data, authorization(source["basicAuthUser"])))
            assert answer["status"] == "success"
            return answer["data"]

        def ask(query: str, home: str, start: int, end: int, interval: int) -> Answer:
            assert "$__" not in query
            query = query.replace("$home", home)
            data = get("/api/v1/query_range", query=query, start=start, end=end, step=interval)
            return {
                series["metric"].get("home", ""): {int(time): float(value) for time, value in series["values"]}
                for series in data["result"]
            }

        def homes(query: dict[str, str]) -> set[str]:
            found = re.fullmatch(r"label_values\((\w+)\)", query["query"])
            assert found is not None
            return set(get(f"/api/v1/label/{found[1]}/values", start=MIDNIGHT))  # Grafana names the time it shows

        fetch(f"{server.url}/internal/force_flush", headers=authorization("homemon"))
        yield Backend(ask, homes, folder, {"http://victoriametrics:8428": server.url})  # type: ignore[arg-type]
    finally:
        server.kill()


@pytest.fixture
def backend(kind: str, request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.getfixturevalue(kind)
    return found


# --- what the house holds --------------------------------------------------------------------

Truth = Callable[[int, int], float]
"""What is to be drawn at a time, for so many seconds from then on."""


def averaged(value: Callable[[float], int], every: int) -> Truth:
    def truth(t: int, span: int) -> float:
        values = [value(u) for u in range(t, t + span, every)]
        return sum(values) / len(values)

    return truth


def summed(value: Callable[[int], int]) -> Truth:
    return lambda t, span: sum(value(u) for u in range(t, t + span, HALF_HOUR)) / 10


def bought(t: int, span: int) -> float:
    return (HOUSE.register_import(t + span) - HOUSE.register_import(t)) / 10


def sold(t: int, span: int) -> float:
    return -(HOUSE.register_export(t + span) - HOUSE.register_export(t)) / 10


TRUTH: dict[str, Truth] = {
    "power": averaged(HOUSE.power, MINUTE),
    "bought": bought,
    "sold": sold,
    "heating": averaged(HOUSE.ecocute_power, 10 * MINUTE),
    "tank": averaged(HOUSE.tank, 10 * MINUTE),
    "generated": summed(HOUSE.generation),
    "bought − sold": summed(HOUSE.bought_minus_sold),
    "phase R": averaged(lambda t: HOUSE.power(t) // 100, MINUTE),
    "phase T": averaged(lambda t: HOUSE.power(t) // 200, MINUTE),
}
SECONDS = {"1m": MINUTE, "10m": 10 * MINUTE, "30m": HALF_HOUR, "1d": DAY}


def expected(truth: Truth, interval: int) -> Any:
    """Exactly this, but for what a float's subtraction leaves of a tenth."""
    return pytest.approx({t: truth(t, interval) for t in range(MIDNIGHT, END, interval)}, abs=1e-6)


def sum_of(target: dict[str, Any]) -> str | None:
    """Of which of homemon's sums a query is: day, month, bill; None where it is of readings."""
    found = re.search(r'FROM "(day|month|bill)"|"(day|month|bill)_', text(target))
    return found and (found[1] or found[2])


READINGS = [each for each in TARGETS if not sum_of(each[2])]
SUMS = [each for each in TARGETS if sum_of(each[2])]
ASKED = [
    pytest.param(kind, target, interval, id=f"{kind}-{panel['id']}{target['refId']}-{duration(interval)}")
    for kind, panel, target in READINGS
    for interval in sorted({SECONDS[panel["interval"]], 3 * 3600, DAY})
    if interval >= SECONDS[panel["interval"]]
]


@pytest.mark.parametrize(("kind", "target", "interval"), ASKED)
def test_each_query_returns_what_the_house_holds(backend: Backend, target: dict[str, Any], interval: int) -> None:
    answer = backend.ask(text(target), ".*", MIDNIGHT, END, interval)
    assert answer[""] == expected(TRUTH[label(target)], interval)
    assert {"nara"} < answer.keys() <= HOMES.keys()
    assert backend.ask(text(target), "nara", MIDNIGHT, END, interval) == {"nara": answer["nara"]}
    assert backend.ask(text(target), "nobody", MIDNIGHT, END, interval) == {}


FIELDS = {
    "bought": "bought_kwh",
    "sold": "sold_kwh",
    "generated": "generated_kwh",
    "used": "used_kwh",
    "cost": "yen",
    "to pay": "yen",
}
"""What the series of homemon's sums are in `homemon energy --format json`."""
MONTHS_BEGIN = MIDNIGHT - 40 * DAY


@cache
def told(folder: Path, home: str, by: str) -> list[dict[str, Any]]:
    """What `homemon energy` says of each period of a home."""
    run = homemon("energy", "--by", by, "--since", "2026-09-25", "--format", "json", cwd=folder / f"of-{home}")
    assert run.returncode == 0, run.stderr
    rows: list[dict[str, Any]] = json.loads(run.stdout)
    return [{**row, "begin": int(datetime.fromisoformat(row["since"]).timestamp())} for row in rows]


@pytest.mark.parametrize(
    ("kind", "panel", "target"),
    SUMS,
    ids=lambda value: value if isinstance(value, str) else str(value.get("refId", value.get("id"))),
)
def test_sums_are_those_of_energy(backend: Backend, panel: dict[str, Any], target: dict[str, Any]) -> None:
    """Whatever gaps there are, and however late a half-hour came."""
    answer = backend.ask(text(target), ".*", MONTHS_BEGIN, END, DAY)
    by, name = sum_of(target), label(target)
    assert by is not None
    if name not in FIELDS:
        assert (by, answer[""]) == ("bill", {BILL: {"contract": 40, "earned": EARNED, "status": 1}[name]})
        return
    sign = -1 if name == "sold" and panel["type"] != "stat" else 1
    for home in ["", "nara"] if by == "bill" or FIELDS[name] == "yen" else HOMES:
        known = [row for row in told(backend.folder, home, by) if row[FIELDS[name]] is not None]
        wanted = {row["begin"]: sign * float(row[FIELDS[name]]) for row in known}
        assert answer.get(home, {}) == pytest.approx(wanted, abs=1e-9), home
    assert answer[""]
    assert answer.keys() <= HOMES.keys()
    assert backend.ask(text(target), "nara", MONTHS_BEGIN, END, DAY) == {"nara": answer["nara"]}


BILL = MIDNIGHT - 5 * DAY
EARNED = (HOUSE.register_export(END) - HOUSE.register_export(MIDNIGHT)) // 10 * 16


def targets(kind: str, title: str) -> dict[str, dict[str, Any]]:
    """The targets of a panel, by name."""
    (panel,) = (panel for panel in BOARDS[kind]["panels"] if panel["title"] == title)
    return {label(target): target for target in panel["targets"]}


HALF_HOURS, DAYS = "Energy per half-hour", "Energy of the day"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["bought", "sold"])
def test_a_gap_stays_a_gap_and_does_not_change_the_day(backend: Backend, kind: str, name: str) -> None:
    """No bar that begins or ends at a reading that is missing; above all no huge one after them."""
    half_hours = backend.ask(text(targets(kind, HALF_HOURS)[name]), ".*", MIDNIGHT, END, HALF_HOUR)
    unknown = {t for lost in LOST for t in (lost - HALF_HOUR, lost)}
    assert half_hours["nara"] == {t: value for t, value in half_hours[""].items() if t not in unknown}
    assert len(half_hours["nara"]) == 2 * 48 - 5
    days = backend.ask(text(targets(kind, DAYS)[name]), ".*", MIDNIGHT, END, DAY)
    assert days["nara"] == days[""]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GAPS)
def test_the_energy_of_a_gap_across_midnight_is_of_neither_day(backend: Backend, kind: str, name: str) -> None:
    answer = backend.ask(text(targets(kind, DAYS)["bought"]), name, MIDNIGHT - DAY, END, DAY)
    assert answer.get(name, {}) == {MIDNIGHT + day * DAY: kwh for day, kwh in GAPS[name][1].items()}
    readings = {point.time: point.fields["value"] for point in gaps(GAPS[name][0]) if point.time is not None}
    periods = calendar("day", MIDNIGHT - DAY, END)
    known = {begun: kwh for begun, kwh, _ in bars(list(differences(readings.items())), periods, END)}
    assert known == answer[name]  # and on homemon's own page


@pytest.mark.parametrize("kind", KINDS)
def test_a_register_that_rolls_over_gives_no_bar(backend: Backend, kind: str) -> None:
    answer = backend.ask(text(targets(kind, HALF_HOURS)["bought"]), "roll", MIDNIGHT, END, HALF_HOUR)
    assert answer == {"roll": pytest.approx({MIDNIGHT: 0.6, MIDNIGHT + 2 * HALF_HOUR: 0.4}, abs=1e-6)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_begins_at_midnight_in_japan_in_a_long_range_too(backend: Backend, kind: str) -> None:
    """VictoriaMetrics would move it to 09:00 for more than fifty days; see the data source's parameters."""
    for name, target in targets(kind, HALF_HOURS).items():
        answer = backend.ask(text(target), ".*", MIDNIGHT - 99 * DAY, END, DAY)
        assert answer[""] == expected(TRUTH[name], DAY), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_balance_of_the_day_is_that_of_the_house(backend: Backend, kind: str) -> None:
    used = backend.ask(text(targets(kind, DAYS)["used"]), ".*", MIDNIGHT, END, DAY)[""]
    for t in range(MIDNIGHT, END, DAY):
        load = sum(HOUSE.load(minute) for minute in range(t, t + DAY, MINUTE)) / 60_000
        assert used[t] == pytest.approx(load, abs=0.3), "three registers, each in tenths"


@pytest.mark.parametrize("kind", KINDS)
def test_the_homes_to_choose_from(backend: Backend, kind: str) -> None:
    _, variable = BOARDS[kind]["templating"]["list"]
    assert backend.homes(variable["query"]) == HOMES.keys() - {""}
    assert (variable["name"], variable["includeAll"], variable["allValue"]) == ("home", True, ".*")


@pytest.mark.parametrize("kind", KINDS)
def test_the_backup_job_copies_what_the_server_has(backend: Backend, kind: str, tmp_path: Path) -> None:
    (script,) = compose(kind)["services"]["backup"]["command"]
    for name, here in {"$$": "$", "/backup": str(tmp_path / "copies"), **backend.inside}.items():
        assert name in script
        script = script.replace(name, here)
    (tmp_path / "copies").mkdir()
    environment = {**os.environ, "HOMEMON_PASSWORD": PASSWORD}
    run = subprocess.run(("sh", "-euc", script), capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    (copy,) = (tmp_path / "copies").iterdir()
    assert RESTORED[kind](copy, tmp_path) == HOMES.keys() - {""}


def influxdb_of(copy: Path, folder: Path) -> set[str]:
    """The homes in an InfluxDB that a copy was restored to."""
    server = InfluxServer(folder / "restored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFLUXDB_BIND_ADDRESS", host := f"127.0.0.1:{reserve_port()}")
        server.start()
    try:
        subprocess.run((installed("influxd", "influxdb"), "restore", "-portable", "-host", host, copy), check=True)
        server.kill()
        server.start()  # the shards that were restored are not opened at once
        found = server.query('SHOW TAG VALUES WITH KEY = "home"', "smartmeter")
        return {row[1] for series in found for row in series["values"]}
    finally:
        server.kill()


def victoriametrics_of(copy: Path, folder: Path) -> set[str]:
    """The same in a VictoriaMetrics."""
    server = VictoriaServer(folder / "restored")
    server.start()
    try:
        fetch(f"{server.url}/api/v1/import/native", copy.read_bytes())
        fetch(f"{server.url}/internal/force_flush")
        return set(json.loads(fetch(f"{server.url}/api/v1/label/home/values?start={MIDNIGHT}"))["data"])
    finally:
        server.kill()


RESTORED = {"influxdb": influxdb_of, "victoriametrics": victoriametrics_of}
