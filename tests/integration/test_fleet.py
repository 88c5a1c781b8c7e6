"""docs/server/fleet.md as it stands: its files, on the programs of Debian's victoria-metrics, on loopback."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep, time
from typing import NamedTuple

import pytest
import yaml

from homemon.config.read import parse
from homemon.core.points import Point, line
from homemon.delivery.influx import Influx
from homemon.delivery.sender import Sender
from homemon.storage.store import Store
from tests.commands import PATIENCE, homemon, write_config
from tests.fleets import AUTH, DOCUMENT, FENCES, FILES, Documented, Fleet, Kept, running
from tests.servers import InfluxServer, ScriptedServer, settings
from tests.stores import WALL, T, put, send, sender_of

USERS = yaml.safe_load(FILES[AUTH])["users"]
TOKENS = {user["bearer_token"].split("-")[0]: user["bearer_token"] for user in USERS if "bearer_token" in user}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running(tmp_path) as fleet:
        yield fleet


class Home(NamedTuple):
    """A home's store, and the sender to the fleet."""

    store: Store
    sender: Sender

    def send(self, first: int, last: int) -> dict[str, dict[int, float]]:
        """Store and send a reading for each second; what VictoriaMetrics is to hold of them."""
        for i in range(first, last):
            put(self.store, Point("+power", {"value": 4567.1 + i}, T + i), Point("power", {"value": -i}, T + i))
        sending = send(self.sender)
        assert (sending.waiting, sending.parked, sending.fault) == (0, 0, "")
        return {
            "+power_value": {T + i: 4567.1 + i for i in range(first, last)},
            "power_value": {T + i: -i for i in range(first, last)},
        }


@pytest.fixture
def homes(fleet: Fleet, tmp_path: Path) -> Iterator[dict[str, Home]]:
    """A home for each token; they say that they are elsewhere."""
    found = {}
    for name, token in TOKENS.items():
        folder = tmp_path / name
        store = Store(folder, ",home=elsewhere" if name == "tokyo" else "")
        influx = Influx(fleet.server(token))
        found[name] = Home(store, sender_of(store, lambda influx=influx: influx, folder))  # type: ignore[misc]
    yield found
    for home in found.values():
        home.store.close()


def wait_for(server: Documented, expected: Kept) -> None:
    """Until a server holds this; vmagent sends every second."""
    deadline = monotonic() + PATIENCE
    while (found := server.kept()) != expected and monotonic() < deadline:
        sleep(0.05)
    assert found == expected


def test_the_document_holds_the_files_and_a_token_for_the_home_it_shows() -> None:
    assert len(FILES) == 4
    (config,) = [content for language, content in FENCES if language == "ini"]
    server = parse(config, DOCUMENT).server
    assert server is not None
    assert server.token == TOKENS["tokyo"]
    assert server.url.endswith(":8427")


def test_each_home_gets_its_own_label_on_both_servers(fleet: Fleet, homes: dict[str, Home]) -> None:
    expected = {name: home.send(0, 20) for name, home in homes.items()}
    for server in (fleet.first, fleet.second):
        wait_for(server, expected)
    # a token does not help to write under another name, nor to read, nor to delete
    tokyo = f"Bearer {TOKENS['tokyo']}"
    forged = line("power", ",home=osaka", {"value": 999}, T + 100).encode()
    assert fleet.ask("/write?db=smartmeter&extra_label=home=osaka&extra_label=db=x", tokyo, forged)[0] == 204
    expected["tokyo"]["power_value"][T + 100] = 999
    wait_for(fleet.first, expected)
    for path in ("/api/v1/query?query=power_value", "/api/v1/export?match[]=power_value", "/write/../metrics"):
        assert fleet.ask(path, tokyo)[0] == 400, path
    assert fleet.ask("/api/v1/admin/tsdb/delete_series?match[]=power_value", tokyo, b"")[0] == 400
    # readers see all homes, or their own, and write nothing
    for user, seen in (("grafana", {"tokyo", "osaka"}), ("tokyo", {"tokyo"})):
        password = next(entry["password"] for entry in USERS if entry.get("username") == user)
        basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        for path in ("", "&extra_label=home=osaka"):
            status, said = fleet.ask(f"/api/v1/label/home/values?start={T}{path}", basic)
            assert (status, set(json.loads(said)["data"])) == (
                200,
                seen if "extra" not in path or user == "tokyo" else {"osaka"},
            )
        assert fleet.ask("/write", basic, forged)[0] == 400
    wait_for(fleet.first, expected)


def test_a_wrong_token_parks_nothing(fleet: Fleet, homes: dict[str, Home]) -> None:
    store = homes["tokyo"].store
    put(store, *(Point("power", {"value": i}, T + i) for i in range(50)))
    wrong = sender_of(store, lambda: Influx(fleet.server("a-wrong-t0ken")))
    for _ in range(2):
        sending = send(wrong, WALL)
        assert (sending.sent, sending.waiting, sending.parked) == (0, 50, 0)
        assert "check [server] user and password, or token" in sending.fault
        assert "a-wrong-t0ken" not in sending.fault
    sending = send(homes["tokyo"].sender, WALL)
    assert (sending.sent, sending.waiting, sending.parked) == (50, 0, 0)
    wait_for(fleet.first, {"tokyo": {"power_value": {T + i: i for i in range(50)}}})


def test_a_server_that_was_down_catches_up(fleet: Fleet, homes: dict[str, Home]) -> None:
    """Also when vmagent is started anew meanwhile: what waits is on disk."""
    expected = {name: home.send(0, 5) for name, home in homes.items()}
    wait_for(fleet.second, expected)
    fleet.second.stop()
    for name, home in homes.items():
        for series, values in home.send(5, 10).items():
            expected[name][series] |= values
    wait_for(fleet.first, expected)
    fleet.agent.stop()
    put(homes["osaka"].store, Point("power", {"value": 1}, T + 50))
    sending = send(homes["osaka"].sender)
    assert (sending.sent, sending.waiting, sending.parked) == (0, 1, 0)
    assert "answered 502" in sending.fault, "vmauth has nowhere to go: the home waits"
    fleet.agent.start()
    assert send(homes["osaka"].sender).sent == 1
    expected["osaka"]["power_value"][T + 50] = 1
    fleet.second.start()
    for server in (fleet.first, fleet.second):
        wait_for(server, expected)


def test_what_killed_programs_lost_comes_back_when_the_homes_send_the_day_again(fleet: Fleet, tmp_path: Path) -> None:
    """Both have said that they have it, and it is on no disk yet; by the line of cron that the document shows."""
    (cron,) = [content for language, content in FENCES if language == "crontab"]
    *_, command, option, since = cron.split()
    assert (command, option) == ("upload", "--since")
    folder = tmp_path / "home"
    folder.mkdir()
    server = fleet.server(TOKENS["tokyo"])
    write_config(folder, f"[server]\nurl = {server.url}\ntoken = {server.token}\nca = {server.ca}")
    store, now = Store(folder / "store"), int(time())
    values = {now - 60 * ago: float(ago) for ago in range(600)}
    put(store, *(Point("power", {"value": value}, at) for at, value in values.items()))
    store.close()
    assert homemon("upload", cwd=folder).returncode == 0
    for program in (fleet.agent, fleet.first, fleet.second):
        program.kill()
    for program in (fleet.first, fleet.second, fleet.agent):
        program.start()
    assert homemon("-q", command, option, since, cwd=folder).returncode == 0
    for program in (fleet.first, fleet.second):
        wait_for(program, {"tokyo": {"power_value": values}})


@pytest.mark.parametrize("path", ["/insert/0/influx/write", "/v1/influxdb/write"])
def test_other_servers_take_the_same_lines_by_url_alone(scripted: ScriptedServer, store: Store, path: str) -> None:
    """A VictoriaMetrics cluster's vminsert, and GreptimeDB; both urls stand in the document."""
    assert path in DOCUMENT.read_text("utf-8")
    put(store, Point("+power", {"value": 0.3}, T), Point("ecocute", {"power": 800, "tank": 280}, T + 1))
    for url in (scripted.url + path, scripted.url):
        store.outbox.send_again(0)
        server = sender_of(store, lambda url=url: Influx(settings(url)))  # type: ignore[misc]
        assert send(server).sent == 2
    special, plain = scripted.asked
    assert special.path == f"{path}?db=home"
    assert special.lines == plain.lines
    assert special.lines == [f"ecocute power=800,tank=280 {T + 1}000000000", f"+power value=0.3 {T}000000000"]


# --- one server, without Docker --------------------------------------------------------------


def test_the_steps_without_docker_lead_to_a_server_that_takes_points(tmp_path: Path) -> None:
    """As docs/server/README.md has them, from an empty InfluxDB to one that asks for a password."""
    page = (DOCUMENT.parent / "README.md").read_text("utf-8")
    statements = re.findall(r"influx -execute (?:\"(.+)\"|'(.+)')", page.partition("## Without Docker")[2])
    server = InfluxServer(tmp_path / "influx")
    config = tmp_path / "config.ini"
    config.write_text(f"[store]\ndir = {tmp_path}/store\n[server]\nurl = {server.url}\ndb = smartmeter\n")
    server.start()
    try:
        said = homemon("check", "--create-db", cwd=tmp_path).stdout
        assert f"{server.url} has the database smartmeter" in said
        assert len(statements) == 3
        for double, single in statements:
            server.query(double or single)
        server.kill()
        settings_of_it = tmp_path / "influx" / "influxdb.conf"
        settings_of_it.write_text(settings_of_it.read_text().replace("auth-enabled = false", "auth-enabled = true"))
        server.start()
        assert "answered 401" in homemon("check", cwd=tmp_path).stdout
        config.write_text(config.read_text() + "user = homemon\npassword = another\n")
        assert f"{server.url} takes points" in homemon("check", cwd=tmp_path).stdout
    finally:
        server.kill()
