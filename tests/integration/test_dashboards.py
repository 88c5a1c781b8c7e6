"""docs/server/: what the queries of its dashboards answer.

There is no Grafana here. Its part is played: the macros are filled in as it does (grafana/grafana,
pkg/tsdb/influxdb/models/query.go; InfluxQL's `$home` as a regular expression), PromQL is asked with
start, end, step and the data source's own parameters. The servers are real, and run with the settings
of the compose files.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from homemon.core.clock import RELEASED, Instant
from homemon.core.points import Point
from homemon.delivery.influx import Influx
from homemon.energy.periods import calendar
from homemon.energy.spans import differences
from homemon.page.panels import bars
from homemon.sim.house import DAY, HALF_HOUR, MINUTE, House
from homemon.storage.store import Store
from tests.boards import BOARDS, KINDS, TARGETS, compose, label, provisioned, text
from tests.commands import PATIENCE
from tests.servers import InfluxServer, VictoriaServer, fetch, settings
from tests.stores import sender_of

MIDNIGHT = RELEASED + 9 * DAY  # in Japan, as RELEASED is
END = MIDNIGHT + 2 * DAY
HOUSE = House(MIDNIGHT - DAY)
LOST = range(MIDNIGHT + 36 * HALF_HOUR, MIDNIGHT + 40 * HALF_HOUR, HALF_HOUR)  # what "nara" misses: 18:00 to 19:30
PASSWORD = "only-letters-and-digits"


# --- the servers ---------------------------------------------------------------------------

Answer = dict[str, dict[int, float]]
"""home → Unix seconds → value; points without the tag are of home ""."""


class Backend(NamedTuple):
    """A server with three homes in it, and how Grafana asks it."""

    ask: Callable[[str, str, int, int, int], Answer]
    homes: Callable[[str], set[str]]


def points(lost: range = range(0)) -> Iterator[Point]:
    """Two days of the house, as homemon stores them."""
    for t in range(MIDNIGHT, END + 1, HALF_HOUR):
        if t not in lost:
            yield Point("+power", {"value": HOUSE.register_import(t) / 10}, t)
            yield Point("-power", {"value": HOUSE.register_export(t) / 10}, t)
    for t in range(MIDNIGHT, END, HALF_HOUR):
        yield Point("hatuden", {"value": HOUSE.generation(t) / 10}, t)
        yield Point("baiden_diff", {"value": HOUSE.bought_minus_sold(t) / 10}, t)
    for t in range(MIDNIGHT, END, MINUTE):
        yield Point("power", {"value": HOUSE.power(t)}, t)
    for t in range(MIDNIGHT, END, 10 * MINUTE):
        fields = {"power": HOUSE.ecocute_power(t), "powerSum": HOUSE.ecocute_energy(t), "tank": HOUSE.tank(t)}
        yield Point("ecocute", fields, t)


def rollover() -> Iterator[Point]:
    """A register that passes 100,000,000 counts of 0.01 kWh."""
    for slot, reading in enumerate((999999.2, 999999.8, 0.3, 0.7)):
        yield Point("+power", {"value": reading}, MIDNIGHT + slot * HALF_HOUR)


GAPS = {
    "midnight": ({-8: 5384.9, 1: 5387.3, 48: 5401.7}, {0: 14.4}),  # half-hours after MIDNIGHT → register; days → kWh
    "whole": ({0: 100.0, 48: 110.5, 96: 119.0}, {0: 10.5, 1: 8.5}),
    "no-midnight": ({-1: 50.0, 3: 51.5, 40: 60.0, 50: 70.0, 90: 75.5}, {0: 8.5, 1: 5.5}),
    "days": ({-30: 50.0, 0: 51.5, 96: 80.0}, {-1: 1.5}),
}
"""Registers with gaps across midnights: the energy of such a gap is of neither day."""


def gaps(readings: Mapping[int, float]) -> Iterator[Point]:
    return (Point("+power", {"value": value}, MIDNIGHT + at * HALF_HOUR) for at, value in readings.items())


def fill(folder: Path, url: str) -> None:
    """Three homes, the way of every reading: homemon's store, homemon's sender."""
    server = settings(url, db="smartmeter", user="homemon", password=PASSWORD)
    across = [(f",home={name}", gaps(readings)) for name, (readings, _) in GAPS.items()]
    for tags, content in (("", points()), (",home=nara", points(LOST)), (",home=roll,meter=2", rollover()), *across):
        place = folder / f"store{tags}"
        store = Store(place, tags)
        store.archive.add([(point, Instant(END + 60, 1.0, "boot")) for point in content])
        sending = sender_of(store, lambda: Influx(server), place).send(END, PATIENCE)
        assert sending is not None
        assert (sending.waiting, sending.parked, sending.fault) == (0, 0, "")
        store.close()


def authorization(user: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()}


def duration(seconds: int) -> str:
    """As Grafana writes an interval."""
    return next(
        f"{seconds // size}{unit}" for size, unit in ((DAY, "d"), (3600, "h"), (60, "m")) if seconds % size == 0
    )


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """InfluxDB with the compose file's settings, and its users as the image makes them."""
    folder = tmp_path_factory.mktemp("influxdb")
    service = compose("influxdb")["services"]["influxdb"]
    server = InfluxServer(folder / "server", auth=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service["environment"].items():
            patch.setenv(name, value)
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

        yield Backend(ask, lambda statement: {row[1] for series in query(statement) for row in series["values"]})
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
        yield Backend(ask, homes)  # type: ignore[arg-type]
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


def used(t: int, span: int) -> float:
    return bought(t, span) + summed(HOUSE.generation)(t, span) + sold(t, span)


TRUTH: dict[str, Truth] = {
    "電力 power": averaged(HOUSE.power, MINUTE),
    "買電 bought": bought,
    "売電 sold": sold,
    "消費電力 heating": averaged(HOUSE.ecocute_power, 10 * MINUTE),
    "残湯量 tank": averaged(HOUSE.tank, 10 * MINUTE),
    "発電 generated": summed(HOUSE.generation),
    "買電−売電 bought − sold": summed(HOUSE.bought_minus_sold),
    "使用 used": used,
}
SECONDS = {"1m": MINUTE, "10m": 10 * MINUTE, "30m": HALF_HOUR, "1d": DAY}


def expected(truth: Truth, interval: int) -> Any:
    """Exactly this, but for what a float's subtraction leaves of a tenth."""
    return pytest.approx({t: truth(t, interval) for t in range(MIDNIGHT, END, interval)}, abs=1e-6)


ASKED = [
    pytest.param(kind, target, interval, id=f"{kind}-{panel['id']}{target['refId']}-{duration(interval)}")
    for kind, panel, target in TARGETS
    for interval in sorted({SECONDS[panel["interval"]], 3 * 3600, DAY})
    if interval >= SECONDS[panel["interval"]]
]


@pytest.mark.parametrize(("kind", "target", "interval"), ASKED)
def test_each_query_returns_what_the_house_holds(backend: Backend, target: dict[str, Any], interval: int) -> None:
    answer = backend.ask(text(target), ".*", MIDNIGHT, END, interval)
    assert answer[""] == expected(TRUTH[label(target)], interval)
    assert {"nara"} < answer.keys() <= {"", "nara", "roll", *GAPS}
    assert backend.ask(text(target), "nara", MIDNIGHT, END, interval) == {"nara": answer["nara"]}
    assert backend.ask(text(target), "nobody", MIDNIGHT, END, interval) == {}


def targets(kind: str, number: int) -> dict[str, dict[str, Any]]:
    """The targets of a panel, by name."""
    return {label(target): target for target in BOARDS[kind]["panels"][number - 1]["targets"]}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["買電 bought", "売電 sold"])
def test_a_gap_stays_a_gap_and_does_not_change_the_day(backend: Backend, kind: str, name: str) -> None:
    """No bar that begins or ends at a reading that is missing; above all no huge one after them."""
    half_hours = backend.ask(text(targets(kind, 2)[name]), ".*", MIDNIGHT, END, HALF_HOUR)
    unknown = {t for lost in LOST for t in (lost - HALF_HOUR, lost)}
    assert half_hours["nara"] == {t: value for t, value in half_hours[""].items() if t not in unknown}
    assert len(half_hours["nara"]) == 2 * 48 - 5
    days = backend.ask(text(targets(kind, 5)[name]), ".*", MIDNIGHT, END, DAY)
    assert days["nara"] == days[""]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GAPS)
def test_the_energy_of_a_gap_across_midnight_is_of_neither_day(backend: Backend, kind: str, name: str) -> None:
    answer = backend.ask(text(targets(kind, 5)["買電 bought"]), name, MIDNIGHT - DAY, END, DAY)
    days = {MIDNIGHT + day * DAY: kwh for day, kwh in GAPS[name][1].items()}
    assert {t: kwh for t, kwh in answer.get(name, {}).items() if kwh} == pytest.approx(days, abs=1e-6)
    readings = {point.time: point.fields["value"] for point in gaps(GAPS[name][0]) if point.time is not None}
    periods = calendar("day", MIDNIGHT - DAY, END)
    known = {begun: kwh for begun, kwh, _ in bars(list(differences(readings.items())), periods, END)}
    assert known == days  # and on homemon's own page


@pytest.mark.parametrize("kind", KINDS)
def test_a_register_that_rolls_over_gives_no_bar(backend: Backend, kind: str) -> None:
    answer = backend.ask(text(targets(kind, 2)["買電 bought"]), "roll", MIDNIGHT, END, HALF_HOUR)
    assert answer == {"roll": pytest.approx({MIDNIGHT: 0.6, MIDNIGHT + 2 * HALF_HOUR: 0.4}, abs=1e-6)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_begins_at_midnight_in_japan_in_a_long_range_too(backend: Backend, kind: str) -> None:
    """VictoriaMetrics would move it to 09:00 for more than fifty days; see the data source's parameters."""
    for name, target in targets(kind, 5).items():
        answer = backend.ask(text(target), ".*", MIDNIGHT - 99 * DAY, END, DAY)
        assert answer[""] == expected(TRUTH[name], DAY), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_balance_of_the_day_is_that_of_the_house(backend: Backend, kind: str) -> None:
    """What was used: by a query, or by Grafana, which adds the columns (calculateField, reduceRow, sum)."""
    panel = BOARDS[kind]["panels"][4]
    asked = {name: backend.ask(text(target), ".*", MIDNIGHT, END, DAY)[""] for name, target in targets(kind, 5).items()}
    if kind == "influxdb":
        (step,) = panel["transformations"]
        assert (step["id"], step["options"]["mode"]) == ("calculateField", "reduceRow")
        assert step["options"]["reduce"] == {"reducer": "sum"}
        columns = list(asked.values())
        asked[step["options"]["alias"]] = {t: sum(column[t] for column in columns) for t in columns[0]}
    for t in range(MIDNIGHT, END, DAY):
        load = sum(HOUSE.load(minute) for minute in range(t, t + DAY, MINUTE)) / 60_000
        assert asked["使用 used"][t] == pytest.approx(load, abs=0.3), "three registers, each in tenths"


def test_homes_without_panels_use_what_they_buy(victoriametrics: Backend) -> None:
    """No solar monitor and nothing sold: used is what was bought."""
    query = text(targets("victoriametrics", 5)["使用 used"])
    alone = re.sub(r'"(hatuden|-power)_value"', '"nothing_value"', query)
    assert victoriametrics.ask(alone, ".*", MIDNIGHT, END, DAY)[""] == expected(bought, DAY)
    blind = query.replace("hatuden_value", "nothing_value")
    assert "" not in victoriametrics.ask(blind, ".*", MIDNIGHT, END, DAY), "the monitor was silent: nobody knows"


@pytest.mark.parametrize("kind", KINDS)
def test_the_homes_to_choose_from(backend: Backend, kind: str) -> None:
    (variable,) = BOARDS[kind]["templating"]["list"]
    assert backend.homes(variable["query"]) == {"nara", "roll", *GAPS}
    assert (variable["name"], variable["includeAll"], variable["allValue"]) == ("home", True, ".*")
