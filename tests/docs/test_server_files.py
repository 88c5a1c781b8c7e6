"""docs/server/: its files fit together, and are what `make dashboards` writes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from homemon.config.keys import KEYS
from homemon.config.read import parse
from homemon.delivery import metrics
from homemon.delivery.exposition import PREFIX
from tests import ROOT
from tests.boards import BOARDS, COMPOSED, KINDS, SERVER, TARGETS, compose, dashboard, label, provisioned, text
from tools import dashboards


@pytest.mark.parametrize("path", dashboards.FILES, ids=lambda path: f"{path.parts[-4]}-{path.name}")
def test_the_files_are_what_the_table_says(path: Path) -> None:
    assert path.read_text("utf-8") == dashboards.text(dashboards.FILES[path]()), "run `make dashboards`"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_dashboard_is_whole(kind: str, language: str) -> None:
    board = dashboard(kind, language)
    panels = board["panels"]
    assert "__inputs" not in board
    assert "id" not in board
    assert board["uid"] == {"en": f"homemon-{kind}", "ja": f"homemon-{kind}-ja"}[language]
    assert board["timezone"] == "Asia/Tokyo"
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    for panel in panels:
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0
        names = [label(target) for target in panel["targets"]]
        matched = [rule["matcher"]["options"] for rule in panel["fieldConfig"]["overrides"]]
        for name in names:
            for shown in (f"{name} nara", f"{name} ", name):
                assert len([rule for rule in matched if re.search(rule.strip("/"), shown)]) == 1, name
        assert len(matched) == len(names)


JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def texts(panel: dict[str, Any]) -> list[str]:
    """What a person reads of a panel."""
    mapped = re.findall(r'"text": "([^"]*)"', json.dumps(panel, ensure_ascii=False))
    return [panel["title"], panel["description"], *(label(target) for target in panel["targets"]), *mapped]


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_show_the_same_and_neither_the_other_language(kind: str) -> None:
    english, japanese = (dashboard(kind, language)["panels"] for language in ("en", "ja"))
    for one, other in zip(english, japanese, strict=True):
        assert [text(target) for target in one["targets"]] == [text(target) for target in other["targets"]]
        assert one["gridPos"] == other["gridPos"]
        assert not any(JAPANESE.search(said) for said in texts(one))
        assert all(JAPANESE.search(said) for said in texts(other)), texts(other)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_row_says_what_matters_now(kind: str) -> None:
    first = [panel for panel in BOARDS[kind]["panels"] if panel["gridPos"]["y"] == 0]
    assert {panel["type"] for panel in first} == {"stat"}
    assert [(panel["title"], panel["timeFrom"], panel["fieldConfig"]["defaults"]["unit"]) for panel in first] == [
        ("Power now", "now-15m", "watt"),
        ("Today", "now/d", "kwatth"),
        ("This month", "now/M", "kwatth"),
        ("This billing period", "now-31d", "kwatth"),
        ("This bill so far", "now-31d", "prefix:¥"),
        ("Current", "now-15m", "amp"),
    ]
    assert all(panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"] for panel in first)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_dashboard_is_one_by_the_types_of_grafana(
    kind: str, language: str, tmp_path: Path, tsc: tuple[str, str]
) -> None:
    """`@grafana/schema` says what there is in a dashboard, a stat and a time series, and what each may be."""
    (tmp_path / "node_modules").symlink_to(GRAFANA / "node_modules")
    for name in ("dashboard.ts", "tsconfig.json"):
        shutil.copy(GRAFANA / name, tmp_path)
    board = json.dumps(dashboard(kind, language), ensure_ascii=False)
    (tmp_path / "board.ts").write_text(
        f'import type {{ Board }} from "./dashboard";\nexport const it: Board = {board};'
    )
    run = subprocess.run((*tsc, "-p", "."), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


GRAFANA = ROOT / "tests" / "grafana"


@pytest.fixture(scope="session")
def tsc() -> tuple[str, str]:
    """TypeScript by node, which npm and PyPI put where they are."""
    found = GRAFANA / "node_modules" / "typescript" / "bin" / "tsc"
    node = shutil.which("node", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if node is None or not found.exists():
        reason = "Grafana's types are not installed: make schema"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return node, str(found)


@pytest.mark.parametrize("kind", KINDS)
def test_panels_lie_in_the_grid_and_not_on_each_other(kind: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[kind]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert {x for x, _ in cells} <= set(range(24))
        taken |= cells


@pytest.mark.parametrize("kind", KINDS)
def test_units(kind: str) -> None:
    panels = [panel for panel in BOARDS[kind]["panels"] if panel["type"] == "timeseries"]
    units = [panel["fieldConfig"]["defaults"]["unit"] for panel in panels]
    assert units == ["watt", "kwatth", "watt", "kwatth", "kwatth", "prefix:¥", "kwatth"]
    own = {
        rule["matcher"]["options"]: entry["value"]
        for panel in BOARDS[kind]["panels"]
        for rule in panel["fieldConfig"]["overrides"]
        for entry in rule["properties"]
        if entry["id"] == "unit"
    }
    assert own == {"/^tank( |$)/": "litre", "/^contract( |$)/": "amp", "/^status( |$)/": "none"}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_asks_the_data_source_that_is_chosen_the_provisioned_one_at_first(kind: str) -> None:
    source = provisioned(kind, "datasources")
    board = BOARDS[kind]
    chosen, homes = board["templating"]["list"]
    assert (chosen["name"], chosen["type"], chosen["query"]) == ("datasource", "datasource", source["type"])
    assert chosen["current"]["value"] == source["uid"]
    reference = {"type": source["type"], "uid": "${datasource}"}
    assert homes["datasource"] == reference
    for panel in board["panels"]:
        assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [reference] * (
            len(panel["targets"]) + 1
        )


@pytest.mark.parametrize(
    ("kind", "panel", "target"),
    TARGETS,
    ids=lambda value: value.get("refId", value.get("id")) if isinstance(value, dict) else value,
)
def test_names_are_quoted_and_the_home_is_asked_for(kind: str, panel: dict[str, Any], target: dict[str, Any]) -> None:
    query = text(target)
    assert re.search(r"power|tank|hatuden|baiden_diff|current|day|month|bill", query)
    if kind == "influxdb":
        assert not re.search(r'FROM (?!"|\()', query)
        assert not re.search(r'(?<!")[+-]power', query)
        assert query.count("$timeFilter") == query.count("SELECT")
        assert '"home" =~ /^$home$/' in query
    else:
        assert query.count('{__name__="') == query.count('home=~"$home"') == query.count("_over_time(")
        assert not re.search(r'(?<!__name__=")[+-]power_value', query)


@pytest.mark.parametrize("kind", COMPOSED)
def test_compose_and_provisioning_fit_together(kind: str) -> None:
    services = compose(kind)["services"]
    grafana, source, provider = services["grafana"], provisioned(kind, "datasources"), provisioned(kind, "dashboards")
    mounts = {inside: (SERVER / kind / outside).resolve() for outside, inside in mounted(grafana) if outside[0] == "."}
    assert mounts["/etc/grafana/provisioning"] == SERVER / kind / "grafana" / "provisioning"
    first = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    names = {path.stem for path in mounts[provider["options"]["path"]].iterdir()}
    assert names == {"homemon", "homemon.ja"}
    assert first == f"{provider['options']['path']}/${{DASHBOARD:-homemon}}.json"
    name, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
    assert services[name]["ports"] == [f"{port}:{port}"]
    for secret in source["secureJsonData"].values():
        assert secret.removeprefix("$") in grafana["environment"]


def mounted(service: dict[str, Any]) -> list[list[str]]:
    """What of this folder a service has, and where."""
    return [volume.split(":")[:2] for volume in service["volumes"]]


def test_the_users_of_an_influxdb_are_those_that_are_written_down() -> None:
    source = provisioned("influxdb", "datasources")
    environment = compose("influxdb")["services"]["influxdb"]["environment"]
    assert environment["INFLUXDB_DB"] == source["jsonData"]["dbName"] == KEYS["server"]["db"].default
    assert environment["INFLUXDB_READ_USER"] == source["user"]
    assert environment["INFLUXDB_READ_USER_PASSWORD"] == "${INFLUXDB_READ_PASSWORD:?is missing in .env}"
    script = (SERVER / "influxdb2" / "init" / "users.sh").read_text("utf-8")
    made = re.findall(r"--username (\w+) --password \"\$(\w+)\" .*\n +--(\w+)-bucket", script)
    assert made == [("homemon", "HOMEMON_PASSWORD", "write"), ("grafana", "INFLUXDB_READ_PASSWORD", "read")]
    assert provisioned("influxdb2", "datasources") == source
    assert compose("influxdb2")["services"]["influxdb"]["environment"]["DOCKER_INFLUXDB_INIT_BUCKET"] == "smartmeter"


@pytest.mark.parametrize("kind", COMPOSED)
def test_compose_is_small_pinned_and_has_no_password_of_its_own(kind: str) -> None:
    content = (SERVER / kind / "compose.yaml").read_text("utf-8")
    example = (SERVER / kind / ".env.example").read_text("utf-8")
    assert set(re.findall(r"\$\{(\w+)", content)) == set(re.findall(r"(?m)^(\w+)=$", example))
    services = compose(kind)["services"].values()
    resident = (service for service in services if "profiles" not in service)
    most = 450 if kind in KINDS else 650
    assert sum(int(service["mem_limit"].removesuffix("m")) for service in resident) <= most
    for service in services:
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"])
        for key, value in service.get("environment", {}).items():
            assert isinstance(value, str), f"{key}: {value} is not text"
            secret = "PASSWORD" in key.upper() or "TOKEN" in key.upper()
            assert not secret or re.fullmatch(r"\$\{\w+:\?is missing in \.env\}", value)


@pytest.mark.parametrize("kind", COMPOSED)
def test_compose_watches_its_services_and_bounds_their_logs(kind: str) -> None:
    services = compose(kind)["services"]
    database = next(iter(services))
    for name, service in services.items():
        assert service["logging"]["options"] == {"max-size": "5m", "max-file": "2"}
        assert ("healthcheck" in service) == (name != "backup")
    assert services["grafana"]["depends_on"] == {database: {"condition": "service_healthy"}}
    assert services["backup"]["profiles"] == ["backup"], "is not started with the others"


@pytest.mark.parametrize("document", sorted(SERVER.glob("*.md")), ids=lambda path: path.name)
def test_the_configurations_in_the_documents_are_valid(document: Path) -> None:
    blocks = re.findall(r"(?ms)^```ini\n(.*?)^```", document.read_text("utf-8"))
    assert blocks
    for block in blocks:
        assert parse(block, document).server is not None


def test_the_flags_without_docker_are_those_of_the_compose_file() -> None:
    """But for where the data is, who may reach it, and the password."""
    own = {"-storageDataPath", "-httpListenAddr", "-envflag.enable", "-httpAuth.username"}
    (line,) = re.findall(r'(?m)^ARGS="(.+)"$', (SERVER / "README.md").read_text("utf-8"))
    docker = compose("victoriametrics")["services"]["victoriametrics"]["command"]
    without, within = ({flag for flag in flags if flag.split("=")[0] not in own} for flags in (line.split(), docker))
    assert without == within


def test_the_metrics_of_the_page_are_those_that_there_are() -> None:
    families = (
        *metrics.readings(()),
        *metrics.so_far({}),
        *metrics.delivery({}),
        *metrics.home("", None, {}, 0),
    )
    named = re.findall(rf"{PREFIX}[a-z_]+", (SERVER / "README.md").read_text("utf-8"))
    assert set(named) == {PREFIX + family.name for family in families}
