"""A month of readings, one a minute, into a real InfluxDB: what is sent must be read, and marked as sent."""

import gc
import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from urllib.parse import urlsplit

from homemon.core.clock import RELEASED, Instant
from homemon.core.points import Point, line
from homemon.delivery.influx import Influx
from homemon.delivery.server import FULL_BATCH
from homemon.storage.store import Store
from tests.longrun.benchmarks.installed import peer
from tests.longrun.benchmarks.measure import BUILD, Benchmark, Outcome, in_turns, per_second
from tests.servers import Database, InfluxServer
from tests.stores import sender_of

POINTS = 43_200
READINGS = [(RELEASED + 60 * i, i * 7919 % 4000 - 500) for i in range(POINTS)]  # Unix seconds, W
ROUNDS = 7
Send = Callable[[Database], None]


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    server = InfluxServer(folder / "influx")
    server.start()
    try:
        yield Database(server, "home")
    finally:
        server.kill()


def against(make: Callable[[], Send]) -> Outcome:
    """Seconds for all points, homemon's and another's, into an empty database each time."""
    other = make()
    with TemporaryDirectory(dir=BUILD) as name, database(Path(name)) as home:
        store = Store(Path(name) / "store")
        at = Instant(time(), 0.0, "")
        store.archive.add([(Point("power", {"value": value}, moment), at) for moment, value in READINGS])

        def ours(home: Database) -> None:
            sender = sender_of(store, lambda: Influx(home.settings()), Path(name))
            sending = sender.send(at.wall, 60.0)
            assert sending is not None
            assert sending.sent == POINTS, sending

        def timed(send: Send) -> float:
            home.renew()
            with store.db.explained("written"), store.db.writing():
                store.db.execute("UPDATE point SET sent = 0")
            gc.collect()
            gc.freeze()  # what the other left behind is not ours to look through
            started = perf_counter()
            send(home)
            taken = perf_counter() - started
            (series,) = home.server.query("SELECT count(value) FROM power", home.name)
            assert series["values"][0][1] == POINTS
            return taken / POINTS

        try:
            return in_turns(lambda: timed(ours), lambda: timed(other), ROUNDS)
        finally:
            store.close()


def raw() -> Send:
    """The ready bytes, in the same batches."""
    lines = [line("power", "", {"value": value}, moment) for moment, value in READINGS]
    bodies = ["\n".join(lines[at : at + FULL_BATCH]).encode() for at in range(0, POINTS, FULL_BATCH)]

    def send(home: Database) -> None:
        connection = http.client.HTTPConnection(urlsplit(home.server.url).netloc)
        for body in bodies:
            connection.request("POST", f"/write?db={home.name}", body)
            response = connection.getresponse()
            response.read()
            assert response.status == 204
        connection.close()

    return send


def client_v2() -> Send:
    """influxdb-client, synchronous, in the same batches; it makes the lines, and reads no store."""
    module = peer("influxdb_client", "influxdb-client")
    synchronous = peer("influxdb_client.client.write_api", "influxdb-client").SYNCHRONOUS

    def send(home: Database) -> None:
        # Debian's InfluxDB 1.6 has no /api/v2/write yet: the client's path becomes an argument of the old one
        with module.InfluxDBClient(f"{home.server.url}/write?db={home.name}&v2=", token="", org="-") as client:
            writer = client.write_api(write_options=synchronous)
            for at in range(0, POINTS, FULL_BATCH):
                points = [
                    module.Point("power").field("value", float(value)).time(moment, "s")
                    for moment, value in READINGS[at : at + FULL_BATCH]
                ]
                writer.write(bucket="-", record=points, write_precision="s")

    return send


def client_v1() -> Send:
    """influxdb, in the same batches; it makes the lines, and reads no store."""
    module = peer("influxdb")

    def send(home: Database) -> None:
        client = module.InfluxDBClient("127.0.0.1", home.server.port, database=home.name)
        points = [
            {"measurement": "power", "time": moment, "fields": {"value": float(value)}} for moment, value in READINGS
        ]
        assert client.write_points(points, time_precision="s", batch_size=FULL_BATCH)
        client.close()

    return send


WHAT = f"upload of {POINTS:,} stored points into InfluxDB 1.x"
ACCOUNTS = (
    "the others read no store and keep no account. Of homemon's own CPU time a third goes into reading the rows with "
    "their seals, a fifth into making lines of them, a quarter into marking what was sent, a fifth into gzip and HTTP; "
    "it reads and marks while the server works, which takes a second core. Where none is free, it would take another "
    "schema, without the index of rows that wait, which is more than half of the marking, and lines that are not made "
    "in Python; SQLite makes them no cheaper"
)
BENCHMARKS = (
    Benchmark(WHAT, "POST of the ready bytes, http.client", 0.45, per_second, lambda: against(raw), ACCOUNTS),
    Benchmark(WHAT, "influxdb-client, from a list", 2.0, per_second, lambda: against(client_v2), ACCOUNTS),
    Benchmark(WHAT, "influxdb, from a list", 2.0, per_second, lambda: against(client_v1), ACCOUNTS),
)
