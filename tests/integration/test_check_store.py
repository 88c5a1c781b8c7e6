"""`homemon check` on the store and the server."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from homemon.check import delivery
from homemon.check.findings import Aside
from homemon.core.clock import boot_id
from homemon.core.errors import StoreError
from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import homemon
from tests.integration.test_check import config, home, lines_of
from tests.servers import Database, InfluxServer, Reply, ScriptedServer, VictoriaServer
from tests.stores import T, put, waiting_lines

__all__ = ["home"]


def test_the_backlog_is_reported(tmp_path: Path, scripted: ScriptedServer) -> None:
    config(tmp_path, f"[server]\nurl = {scripted.url}")
    store = Store(tmp_path / "store")
    put(store, *(Point("power", {"value": i}, int(time.time()) - i) for i in range(3)))
    store.outbox.park(waiting_lines(store.outbox)[0], "field type conflict")
    store.db.execute("INSERT INTO undated VALUES (?, 1.0, 1, 1), ('another', 1.0, 1, 1)", (boot_id(),))
    store.close()
    reported = "\n".join(lines_of(tmp_path, "store"))
    assert "ok      store: 2 points wait for the server" in reported
    assert "warning store: the server refused 1 points: field type conflict. `homemon status` lists them" in reported
    assert "1 values wait for a clock that is right" in reported
    assert "1 values came before a restart" in reported


def test_a_large_store_is_looked_at_in_its_newest_readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(tmp_path, "")
    store = Store(tmp_path / "store")
    put(store, *(Point("power", {"value": i}, T + i) for i in range(3000)))
    store.close()
    assert lines_of(tmp_path, "store")[0].endswith("is sound")
    monkeypatch.setattr(delivery, "LOOKED_THROUGH", 20_000)
    with closing(Aside(str(tmp_path / "config.ini"))) as aside:
        assert str(next(delivery.store(aside))).endswith("is sound in its newest readings")
    with store.path.open("r+b") as file:
        file.seek(store.path.stat().st_size // 2)
        file.write(b"\xff" * 4096)
    with closing(Aside(str(tmp_path / "config.ini"))) as aside, pytest.raises(StoreError, match="malformed"):
        next(delivery.store(aside))


@pytest.mark.parametrize(("days_ago", "mark"), [(0, "ok"), (9, "warning")])
def test_whether_keep_days_is_kept_is_reported(tmp_path: Path, days_ago: int, mark: str) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\nkeep_days = 30\n")
    store = Store(tmp_path / "store")
    put(store, Point("+power", {"value": 1}, int(time.time()) - days_ago * 86_400))
    store.close()
    (line,) = [line for line in lines_of(tmp_path, "store") if "30 days" in line]
    assert line.startswith(mark)


def test_a_server_that_is_down_is_a_fault_and_keeps_nothing_from_being_kept(tmp_path: Path) -> None:
    config(tmp_path, "[server]\nurl = http://127.0.0.1:1")
    run = homemon("check", cwd=tmp_path)
    assert run.returncode == 1
    assert "nobody listens there" in run.stdout
    assert "Readings are kept, and sent when it works" in run.stdout


def test_an_influxdb_2_that_only_misses_points_takes_them(tmp_path: Path, scripted: ScriptedServer) -> None:
    """InfluxDB 2.x answers an empty batch, after it found the bucket, with 400 `writing requires points`."""
    scripted.answer = lambda asked: Reply(400, '{"code":"invalid","message":"writing requires points"}')
    config(tmp_path, f"[server]\nurl = {scripted.url}\ntoken = t\norg = o\nbucket = b")
    assert lines_of(tmp_path, "server") == [f"ok      server: {scripted.url} takes points"]


@pytest.mark.parametrize("name", ["smartmeter", 'my "home"; DROP', "日本"])
def test_a_database_is_made_on_request_whatever_its_name(
    tmp_path: Path, influx_server: InfluxServer, name: str
) -> None:
    influx_server.query('DROP DATABASE "{}"'.format(name.replace('"', '\\"')))
    config(tmp_path, f"[server]\nurl = {influx_server.url}\ndb = {name}")
    assert "database not found" in lines_of(tmp_path, "server")[0]
    run = homemon("check", "--create-db", cwd=tmp_path)
    assert run.stdout.splitlines()[0] == f"ok      server: {influx_server.url} has the database {name}"
    assert f"ok      server: {influx_server.url} takes points" in run.stdout
    assert run.returncode == 0
    assert homemon("check", "--create-db", cwd=tmp_path).returncode == 0


def test_a_name_that_influxdb_does_not_want_is_reported(tmp_path: Path, influx_server: InfluxServer) -> None:
    config(tmp_path, f"[server]\nurl = {influx_server.url}\ndb = a\\b")
    run = homemon("check", "--create-db", cwd=tmp_path)
    assert run.returncode == 1
    assert "refused: invalid name; check [server] db" in run.stdout


def test_only_an_administrator_makes_a_database(tmp_path: Path, closed_database: Database) -> None:
    server = closed_database.server
    server.query("CREATE USER guest WITH PASSWORD 'guests'")
    text = f"[server]\nurl = {server.url}\ndb = new\nuser = {{}}\npassword = {{}}"
    config(tmp_path, text.format("guest", "guests"))
    reported = homemon("check", "--create-db", cwd=tmp_path).stdout
    assert "the user may not make databases" in reported
    assert "-execute 'CREATE DATABASE \"new\"'" in reported
    config(tmp_path, text.format("guest", "wr0ng-one"))
    reported = homemon("check", "--create-db", cwd=tmp_path).stdout
    assert "check [server] user and password" in reported
    assert "wr0ng-one" not in reported
    config(tmp_path, text.format(server.USER, server.PASSWORD))
    assert homemon("check", "--create-db", cwd=tmp_path).returncode == 0
    server.query("DROP DATABASE new")
    server.query("DROP USER guest")


def test_servers_that_have_no_such_databases_say_what_to_do_instead(
    tmp_path: Path, victoria: VictoriaServer, scripted: ScriptedServer
) -> None:
    config(tmp_path, f"[server]\nurl = {victoria.url}/write")
    assert "nothing needs to be made" in homemon("check", "--create-db", cwd=tmp_path).stdout
    config(tmp_path, f"[server]\nurl = {scripted.url}\ntoken = t\norg = home\nbucket = smart meter")
    assert (
        "influx bucket create --org home --name 'smart meter'" in homemon("check", "--create-db", cwd=tmp_path).stdout
    )
    config(tmp_path, f"[server]\nurl = {scripted.url}")
    assert "cannot be asked to make a database" in homemon("check", "--create-db", cwd=tmp_path).stdout
    scripted.answer = lambda asked: Reply(200, "<html>Grafana</html>")
    assert "that is no database's write address" in homemon("check", "--create-db", cwd=tmp_path).stdout
    config(tmp_path, "")
    assert homemon("check", "--create-db", cwd=tmp_path).returncode == 2
