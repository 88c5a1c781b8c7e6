"""`homemon metrics` and `/metrics`, as node_exporter and Prometheus' own parser read them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_IMODE
from time import time
from urllib.parse import quote

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parsed

from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, PATIENCE, called, homemon, running, simulated, wait_for, write_config
from tests.documents import DOCS, blocks
from tests.integration.test_meter_commands import ADDRESS
from tests.servers import NodeExporter, VictoriaServer, fetch
from tests.serving import record, serving
from tests.stores import put, waiting_lines

PAGE = DOCS / "server/README.md"
Samples = dict[str, dict[tuple[str, ...], float]]


def read(text: str) -> Samples:
    """The samples by their names, without the prefix, and the values of their labels."""
    found: Samples = {}
    for family in parsed(text):
        for sample in family.samples:
            assert sample.timestamp is None
            found.setdefault(sample.name.removeprefix("homemon_"), {})[tuple(sample.labels.values())] = sample.value
    return found


def recorded(folder: Path, *points: Point, tags: str = "", origin: Path | None = None) -> Store:
    """A store in the place that `write_config` names; the tags are those of another configuration, its `origin`."""
    store = Store(folder / "store", tags, origin=os.fspath(origin or ""))
    put(store, *points)
    return store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with config.ini and a store with one reading."""
    write_config(tmp_path)
    record(tmp_path, 523, time() - 60)
    return tmp_path


# --- what is in it -----------------------------------------------------------------


def test_it_has_what_is_known_now_and_the_age_of_all_else(tmp_path: Path) -> None:
    write_config(tmp_path, "[ecocute]\nhost = 127.0.0.1\n[contract]\nplan = tepco-juryo-b\nampere = 40")
    now = int(time())
    water = Point("ecocute", {"power": 0, "tank": 65535}, now - 60), Point("ecocute", {"tank": 200}, now - 3600)
    power = Point("power", {"value": 523}, now - 60), Point("power", {"value": 9999}, now + 3600)
    late = Point("current", {"r": 4.2, "t": 0.1}, now + 3600)
    others = Point("spot", {"tokyo": 12.5}, now), Point("odd", {"value": 7}, now)
    recorded(tmp_path, *water, *power, late, *others).close()
    run = homemon("metrics", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    found = read(run.stdout)
    assert found["power_watts"] == {(): 523}
    assert found["ecocute_power_watts"] == {(): 0}
    assert found["contract_amperes"] == {(): 40}
    assert found["listener_up"] == {("meter-listen",): 0, ("ecocute-listen",): 0}
    assert found["store_bytes"][()] > 4096
    assert found["info"] == {(homemon("--version", cwd=tmp_path).stdout.split()[-1],): 1}
    ages = found["reading_age_seconds"]
    assert ages.keys() == {("power",), ("ecocute power",), ("ecocute tank",)}
    assert 60 <= ages[("power",)] < 60 + PATIENCE
    assert 3600 <= ages[("ecocute tank",)] < 3600 + PATIENCE
    absent = {"ecocute_tank_liters", "current_r_amperes", "so_far_kwh", "so_far_yen", "points_waiting", "sink_up"}
    assert absent.isdisjoint(found)


def test_kwh_and_yen_of_today_and_of_the_period_are_those_of_status(tmp_path: Path) -> None:
    write_config(tmp_path, "[contract]\nplan = tepco-juryo-b\nampere = 40")
    newest = int(time()) // 1800 * 1800
    recorded(tmp_path, *(Point("+power", {"value": 1000 - at * 0.5}, newest - at * 1800) for at in range(100))).close()
    found = read(homemon("metrics", cwd=tmp_path).stdout)
    assert found["bought_kwh_total"] == {(): 1000}
    so_far = json.loads(homemon("status", "--json", cwd=tmp_path).stdout)["so_far"]
    for span, facts in so_far.items():
        for name, fact in (("so_far_kwh", "bought_kwh"), ("so_far_known_hours", "bought_hours")):
            labels = (span, "bought")
            assert found.get(name, {}).get(labels, 0) == float(facts[fact] or 0)
        assert found.get("so_far_yen", {}).get((span,), 0) == float(facts["yen"] or 0)
        if facts["yen"]:
            assert found["so_far_yen_provisional"][(span,)] == bool(facts["provisional"])


def test_what_waits_for_the_server_is_counted_and_its_fault_seen(tmp_path: Path) -> None:
    write_config(tmp_path, "[server]\nurl = http://127.0.0.1:1\n")
    store = recorded(tmp_path, *(Point("power", {"value": at}, int(time()) - at) for at in range(3)))
    refused = waiting_lines(store.outbox)[0]
    store.outbox.park(refused, "field type conflict")
    store.close()
    found = read(homemon("metrics", cwd=tmp_path).stdout)
    account = {name: found[name] for name in ("points_waiting", "points_parked", "sink_up")}
    assert account == {
        "points_waiting": {("server",): 2},
        "points_parked": {("server",): 1},
        "sink_up": {("server",): 1},
    }
    assert homemon("upload", cwd=tmp_path).returncode == 1
    assert read(homemon("metrics", cwd=tmp_path).stdout)["sink_up"] == {("server",): 0}


def test_readings_under_other_tags_are_series_of_their_own(home: Path) -> None:
    other = home / "other.ini"
    other.touch()
    recorded(home, Point("power", {"value": 400}, int(time())), tags=',device=a"b\\ c', origin=other).close()
    (family,) = [each for each in parsed(homemon("metrics", cwd=home).stdout) if each.name == "homemon_power_watts"]
    assert {tuple(each.labels.items()): each.value for each in family.samples} == {
        (): 523,
        (("device", 'a"b c'),): 400,
    }


def test_a_listener_that_runs_is_up(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        with running("meter-listen", "--poll", "5", cwd=tmp_path) as listener:
            listener.until(bool)
            assert read(homemon("metrics", cwd=tmp_path).stdout)["listener_up"] == {("meter-listen",): 1}


# --- the file ----------------------------------------------------------------------


def test_a_file_is_whole_for_everybody_to_read_and_the_only_one(home: Path) -> None:
    folder = home / "textfile"
    folder.mkdir()
    file = folder / "homemon.prom"
    before = ("sh", "-c", 'umask 077; exec "$@"', "sh")
    run = homemon("metrics", "-o", "textfile/homemon.prom", cwd=home, before=before)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert S_IMODE(file.stat().st_mode) == 0o644
    assert read(file.read_text())["power_watts"] == {(): 523}
    file.chmod(0o640)
    record(home, 777)
    assert homemon("metrics", "-o", str(file), cwd=home).returncode == 0
    assert (S_IMODE(file.stat().st_mode), list(folder.iterdir())) == (0o640, [file])
    assert read(file.read_text())["power_watts"] == {(): 777}


@pytest.mark.parametrize("where", ["missing/homemon.prom", "config.ini/homemon.prom"])
def test_a_file_that_cannot_be_written_is_an_error_with_a_remedy_and_leaves_nothing(home: Path, where: str) -> None:
    before = sorted(home.iterdir())
    run = homemon("metrics", "-o", where, cwd=home)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"{home / where} cannot be written: " in run.stderr
    assert "Name a file in a folder that you may write, with --output." in run.stderr
    assert sorted(home.iterdir()) == before


def test_a_folder_in_place_of_a_file_is_wrong_usage(home: Path) -> None:
    assert homemon("metrics", "-o", str(home), cwd=home).returncode == 2


KILLED = """
import os, signal, sys
from homemon.cli.main import main
setattr(os, sys.argv.pop(1), lambda *_: os.kill(os.getpid(), signal.SIGKILL))
main(sys.argv[1:])
"""


@pytest.mark.parametrize("at", ["fchmod", "fsync", "replace"])
def test_one_that_is_killed_leaves_the_old_file_and_nothing_that_node_exporter_reads(home: Path, at: str) -> None:
    folder = home / "textfile"
    folder.mkdir()
    file = folder / "homemon.prom"
    file.write_text("old 1\n")
    words = (sys.executable, "-c", KILLED, at, "metrics", "-o", str(file))
    run = subprocess.run(words, cwd=home, env=ENVIRONMENT, capture_output=True, timeout=PATIENCE, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert (file.read_text(), list(folder.glob("**/*.prom"))) == ("old 1\n", [file])


def test_it_replaces_a_link_and_not_what_it_leads_to(home: Path) -> None:
    (home / "victim").write_text("mine")
    (home / "homemon.prom").symlink_to(home / "victim")
    assert called("-c", str(home / "config.ini"), "metrics", "-o", str(home / "homemon.prom")).exit_code == 0
    assert ((home / "victim").read_text(), (home / "homemon.prom").is_symlink()) == ("mine", False)


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[NodeExporter]:
    found = NodeExporter(tmp_path / "textfile")
    found.start()
    yield found
    found.kill()


def test_node_exporter_passes_all_of_it_on(home: Path, exporter: NodeExporter) -> None:
    (home / "other.ini").touch()
    odd = ',room="居間"\\ {x}'
    recorded(home, Point("power", {"value": 1}, int(time())), tags=odd, origin=home / "other.ini").close()
    assert homemon("metrics", "-o", str(exporter.folder / "homemon.prom"), cwd=home).returncode == 0
    written = read((exporter.folder / "homemon.prom").read_text())
    passed = read(fetch(f"{exporter.url}/metrics").decode())
    assert passed["node_textfile_scrape_error"] == {(): 0}
    (when,) = passed["node_textfile_mtime_seconds"].values()
    assert abs(when - time()) < PATIENCE
    assert len(written["power_watts"]) == 2
    values = {name: sorted(samples.values()) for name, samples in written.items()}
    assert values == {name: sorted(samples.values()) for name, samples in passed.items() if name in written}


# --- served ------------------------------------------------------------------------


def test_serve_has_the_same_text_and_new_readings_as_they_come(home: Path) -> None:
    with serving(home) as served:
        reply = served.ask("/metrics")
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert reply.headers["Cache-Control"] == "no-store"
        assert served.ask("/metrics", "HEAD").body == b""
        here, there = read(homemon("metrics", cwd=home).stdout), read(reply.body.decode())
        assert {name: list(each) for name, each in here.items()} == {name: list(each) for name, each in there.items()}
        assert there["power_watts"] == {(): 523}
        record(home, 777)
        assert read(served.ask("/metrics").body.decode())["power_watts"] == {(): 777}
        assert served.ask("/metrics/").status == 404


def test_a_store_that_is_not_there_is_no_scrape_and_none_is_made(tmp_path: Path) -> None:
    write_config(tmp_path)
    with serving(tmp_path) as served:
        assert served.ask("/metrics").status == 503
        assert not (tmp_path / "store").exists()


@pytest.fixture
def scraper(tmp_path: Path) -> Iterator[Callable[..., VictoriaServer]]:
    """Starts a server that scrapes as a configuration of Prometheus says."""
    started: list[VictoriaServer] = []

    def start(configuration: str = "{}") -> VictoriaServer:
        (tmp_path / "prometheus.yml").write_text(configuration)
        server = VictoriaServer(tmp_path / "victoria", f"-promscrape.config={tmp_path / 'prometheus.yml'}")
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.kill()


def test_a_scraper_with_the_password_stores_what_is_served(home: Path, scraper: Callable[..., VictoriaServer]) -> None:
    (home / "config.ini").write_text((home / "config.ini").read_text() + "[serve]\npassword = PasswordOfServe\n")
    configuration, _ = blocks("yaml", of=PAGE)
    with serving(home) as served:
        assert served.ask("/metrics").status == 401
        here = configuration.text.replace("raspberrypi.local:8080", f"127.0.0.1:{served.port}").replace("60s", "1s")
        victoria = scraper(here)
        wait_for(lambda: "homemon_power_watts" in victoria.points('{job="homemon"}'))
        found = victoria.points('{job="homemon"}')
    assert set(found["homemon_power_watts"].values()) == {523}


ILL = """
homemon_reading_age_seconds{series="power"} 1801
homemon_reading_age_seconds{series="+power"} 7201
node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/homemon.prom"} 1700000000
homemon_listener_up{listener="meter-listen"} 0
homemon_sink_up{sink="server"} 0
homemon_current_r_amperes 20.5
homemon_current_t_amperes 16
homemon_contract_amperes 40
"""


def test_the_alerts_of_the_page_fire_in_a_house_that_is_ill_and_in_no_other(
    home: Path, scraper: Callable[..., VictoriaServer]
) -> None:
    config = home / "config.ini"
    config.write_text(config.read_text() + "[contract]\nplan = tepco-juryo-b\nampere = 40\n")
    now = int(time())
    recorded(home, Point("current", {"r": 1.5, "t": 2}, now), Point("+power", {"value": 1}, now // 1800 * 1800)).close()
    well = homemon("metrics", cwd=home).stdout.replace('"meter-listen"} 0', '"meter-listen"} 1')
    victoria = scraper()
    for house, text in (("well", well), ("ill", ILL)):
        fetch(
            f"{victoria.url}/api/v1/import/prometheus?extra_label=house={house}&timestamp={now * 1000}", text.encode()
        )
    fetch(f"{victoria.url}/internal/force_flush")
    _, rules = blocks("yaml", of=PAGE)
    for rule in yaml.safe_load(rules.text)["groups"][0]["rules"]:
        fires = {}
        for house in ("well", "ill"):
            query = f"query={quote(rule['expr'])}&extra_label=house={house}&nocache=1"
            answer = json.loads(fetch(f"{victoria.url}/api/v1/query?{query}"))
            fires[house] = bool(answer["data"]["result"])
        assert fires == {"well": False, "ill": True}, rule
