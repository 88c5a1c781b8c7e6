"""docs/data.md: its codes give no point, its queries and its schema are tried."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from homemon.core.clock import Instant
from homemon.core.points import HALF_HOUR, Point, line
from homemon.echonet.codec import CONTROLLER, Esv, Frame, Property
from homemon.sources.kyocera import memory as solar
from homemon.sources.lan import ecocute
from homemon.sources.lan.reports import report
from homemon.sources.meter import properties as meter
from homemon.sources.registry import ECOCUTE, IMPORTED, SERIES, SUMS
from homemon.storage import ledger
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, PATIENCE
from tests.documents import DOCS, blocks, section, table, text_of
from tests.servers import Database, VictoriaServer, fetch
from tests.stores import T, put

PAGE = DOCS / "data.md"
SCALE = meter.Scale(-1, 1)
LAST = int(time.time()) // HALF_HOUR * HALF_HOUR - HALF_HOUR
LOST = 7 if (LAST - 7 * HALF_HOUR + 9 * 3600) % 86_400 else 8  # half-hours ago; no midnight, which begins a day's sum
REGISTER = {LAST - back * HALF_HOUR: round(1234.5 + (100 - back) * 0.3, 1) for back in range(150) if back != LOST}
"""Half-hour → kWh bought so far; one was not received."""
KWH = {t: round(value - REGISTER[t - HALF_HOUR], 1) for t, value in REGISTER.items() if t - HALF_HOUR in REGISTER}
NO_POINT = [
    (source, code)
    for source, codes, *_ in table(section(PAGE, "What gives no point"))
    for code in re.findall("`([0-9A-F]+)`", codes)
]


def query(language: str, number: int) -> str:
    return blocks(language, of=PAGE)[number].text.strip()


def test_what_the_devices_give_are_the_series_of_the_registry() -> None:
    stored = {(series.measurement, field) for series in meter.SERIES.values() for field in series.fields}
    stored |= {(series.measurement, "value") for series in solar.SERIES}
    assert stored == {key for key, series in SERIES.items() if not (series.epc or series in (*IMPORTED, *SUMS))}


def test_each_series_names_the_properties_that_it_comes_from() -> None:
    sources = {row[0].strip("`"): row[4] for row in table(text_of(PAGE))}
    for epc, series in meter.SERIES.items():
        assert f"{epc:02X}" in sources[series.measurement]
    assert re.findall(r"\b[0-9A-F]{2}\b", sources["ecocute"]) == [f"{epc:02X}" for epc in ECOCUTE.fields]
    for series_ in solar.SERIES:
        assert f"{series_.offset:04X}" in sources[series_.measurement]


@pytest.mark.parametrize(("source", "code"), NO_POINT)
def test_a_code_that_means_no_data_gives_no_point(source: str, code: str) -> None:
    edt = bytes.fromhex(code)
    if source == "monitor":
        memory = bytearray(bytes.fromhex("261120") * (solar.MAP_END // 3 + 1))
        memory[solar.SERIES[0].offset : solar.MAP_END] = edt * ((solar.MAP_END - solar.SERIES[0].offset) // 2)
        assert solar.report(bytes(memory)).points == []
        return
    epc = int(source[:2], 16)
    of_the_lan = epc in (0x84, 0x85) or "EcoCute" in source
    properties, eoj = (ecocute.PROPS, ECOCUTE.eoj) if of_the_lan else (meter.PROPS, meter.EOJ)
    assert len(edt) == properties[epc].size
    frame = Frame(1, eoj, CONTROLLER, Esv.INF, (Property(epc, edt),))
    assert (report(ECOCUTE, frame) if of_the_lan else meter.report(frame, SCALE)).points == []


def test_every_property_that_is_stored_has_its_codes_on_the_page() -> None:
    epcs = {f"{epc:02X}" for epc in (*meter.SERIES, *ECOCUTE.fields)}
    assert {source[:2] for source, _ in NO_POINT} == epcs | {"mo"}


# --- the servers -----------------------------------------------------------------------


@pytest.fixture
def filled(store: Store) -> list[str]:
    """The last two days in a store; gives their lines."""
    points = [Point("+power", {"value": value}, t) for t, value in REGISTER.items()]
    points += [Point("power", {"value": 500 + at}, LAST - 60 * at) for at in range(60)]
    store.archive.add([(point, Instant(LAST, 0.0, "a boot")) for point in points])
    return [line(p.measurement, "", p.fields, p.time or 0) for p in points]


def test_influxdb_takes_the_queries_and_they_give_the_energy(database: Database, filled: list[str]) -> None:
    database.server.write(database.name, "\n".join(filled))
    (power,) = database.server.query(query("influxql", 0), database.name)
    assert all(500 <= mean < 560 for _, mean in power["values"])
    (halves,) = database.server.query(query("influxql", 1), database.name)
    whole = {t: round(kwh, 4) for t, kwh, seconds in halves["values"] if seconds == HALF_HOUR}
    assert whole == {t: kwh for t, kwh in KWH.items() if t in whole}
    assert len(whole) >= 90
    (days,) = database.server.query(query("influxql", 2), database.name)
    midnights = [t for t in REGISTER if (t + 9 * 3600) % 86_400 == 0 and t - 86_400 in REGISTER]
    for midnight in midnights:
        assert dict(days["values"])[midnight] == pytest.approx(REGISTER[midnight] - REGISTER[midnight - 86_400])
    assert midnights


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[VictoriaServer]:
    """One of its own: the page's queries name no database."""
    server = VictoriaServer(tmp_path / "victoria")
    server.start()
    yield server
    server.kill()


def test_victoriametrics_takes_the_queries_and_they_give_the_energy(
    victoria: VictoriaServer, filled: list[str]
) -> None:
    fetch(f"{victoria.url}/write?db=page", "\n".join(filled).encode())
    assert victoria.points(query("promql", 0))["+power_value"] == REGISTER
    since = LAST - 10 * HALF_HOUR
    asked = urlencode({"query": query("promql", 1), "start": since, "end": LAST, "step": HALF_HOUR, "nocache": 1})
    (answer,) = json.loads(fetch(f"{victoria.url}/api/v1/query_range?{asked}"))["data"]["result"]
    found = {t: round(float(kwh), 4) for t, kwh in answer["values"]}
    assert found == {t: kwh for t, kwh in KWH.items() if t >= since}


# --- the store -------------------------------------------------------------------------


@pytest.fixture
def reading(store: Store, filled: list[str]) -> Iterator[sqlite3.Connection]:
    """The store, opened as the page says while homemon has it open."""
    opened = sqlite3.connect(f"file:{quote(str(store.path))}?mode=ro", uri=True)
    yield opened
    opened.close()


def test_the_schema_is_the_stores(reading: sqlite3.Connection) -> None:
    found = reading.execute("SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL")
    assert query("sql", 0) == "".join(f"{statement};\n" for (statement,) in found).strip()


def test_every_table_of_the_store_is_explained(reading: sqlite3.Connection) -> None:
    reported = [row[0].strip("`") for row in table(section(PAGE, "The store"))]
    assert reported == [name for (name,) in reading.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def test_what_sent_means_is_what_the_store_means() -> None:
    assert f"`sent` is {ledger.WAITING} waiting, {ledger.SENT} sent, {ledger.PARKED} parked" in text_of(PAGE)


def test_the_query_for_half_hours_gives_them_and_no_gap(reading: sqlite3.Connection) -> None:
    found = reading.execute(query("sql", 1)).fetchall()
    wanted = {
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(t + 9 * 3600)): kwh
        for t, kwh in KWH.items()
        if t > time.time() - 172_800
    }
    assert dict(found) == wanted


def test_a_reader_cannot_write(reading: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading.execute("DELETE FROM point")


# --- from Python -------------------------------------------------------------------------


def test_the_program_prints_what_a_store_has_of_each_series_that_it_names(tmp_path: Path) -> None:
    folder = tmp_path / ".local/state/homemon"
    folder.mkdir(parents=True)
    with closing(Store(folder)) as store:
        put(store, Point("power", {"value": 523}, T), Point("current", {"r": 2, "t": 3}, T))
        put(store, Point("ecocute", {field: 10 + at for at, field in enumerate(ECOCUTE.fields.values())}, T))
    (since,) = re.findall(r"since=(\d+)", query("python", 0))
    assert int(since) > 0
    program = query("python", 0).replace(f"since={since}", f"since={T}")
    run = subprocess.run(
        (sys.executable, "-W", "error", "-c", program),
        env={**ENVIRONMENT, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert run.returncode == 0, run.stderr
    power, ecocute_power, series, current, value = run.stdout.splitlines()
    assert (power, ecocute_power, value) == (f"{T} 523", str((T, 10)), "523")  # never None: the series exists
    assert all(name in series for name in ("power", "ecocute", "current"))
    assert current == f"{T} {{'r': 2, 't': 3}} "
