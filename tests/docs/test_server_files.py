"""docs/server/: its files fit together, and are what `make dashboards` writes."""

import re
from pathlib import Path
from typing import Any

import pytest

from homemon.config.keys import KEYS
from homemon.config.read import parse
from homemon.delivery import metrics
from homemon.delivery.exposition import PREFIX
from tests.boards import BOARDS, KINDS, SERVER, TARGETS, compose, label, provisioned, text
from tools import dashboards


@pytest.mark.parametrize("path", dashboards.FILES, ids=lambda path: path.parts[-4])
def test_the_files_are_what_the_table_says(path: Path) -> None:
    assert path.read_text("utf-8") == dashboards.text(dashboards.FILES[path]()), "run `make dashboards`"


@pytest.mark.parametrize("kind", KINDS)
def test_a_dashboard_is_whole(kind: str) -> None:
    board = BOARDS[kind]
    panels = board["panels"]
    assert "__inputs" not in board
    assert "id" not in board
    assert board["uid"] == f"homemon-{kind}"
    assert board["timezone"] == "Asia/Tokyo"
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    for panel in panels:
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0
        names = [label(target) for target in panel["targets"]]
        names += [step["options"]["alias"] for step in panel["transformations"]]
        matched = [rule["matcher"]["options"] for rule in panel["fieldConfig"]["overrides"]]
        for name in names:
            assert len([rule for rule in matched if re.search(rule.strip("/"), name)]) == 1, name
        assert len(matched) == len(names)


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
    panels = BOARDS[kind]["panels"]
    assert [panel["fieldConfig"]["defaults"]["unit"] for panel in panels] == [
        "watt",
        "kwatth",
        "watt",
        "kwatth",
        "kwatth",
    ]
    own = {
        rule["matcher"]["options"]: entry["value"]
        for panel in panels
        for rule in panel["fieldConfig"]["overrides"]
        for entry in rule["properties"]
        if entry["id"] == "unit"
    }
    assert own == {"/^残湯量 tank/": "litre"}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_names_the_data_source_that_is_provisioned(kind: str) -> None:
    source = provisioned(kind, "datasources")
    reference = {"type": source["type"], "uid": source["uid"]}
    board = BOARDS[kind]
    assert board["templating"]["list"][0]["datasource"] == reference
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
    assert re.search(r"[+-]power|power|tank|hatuden|baiden_diff", query)
    if kind == "influxdb":
        assert not re.search(r'FROM (?!"|\()', query)
        assert not re.search(r'(?<!")[+-]power', query)
        assert query.count("$timeFilter") == query.count("SELECT")
        assert '"home" =~ /^$home$/' in query
    else:
        assert query.count('{__name__="') == query.count('home=~"$home"') == query.count("_over_time(")
        assert not re.search(r'(?<!__name__=")[+-]power_value', query)


@pytest.mark.parametrize("kind", KINDS)
def test_compose_and_provisioning_fit_together(kind: str) -> None:
    services = compose(kind)["services"]
    grafana, source, provider = services["grafana"], provisioned(kind, "datasources"), provisioned(kind, "dashboards")
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    assert (
        grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        == f"{provider['options']['path']}/homemon.json"
    )
    name, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
    assert services[name]["ports"] == [f"{port}:{port}"]
    for secret in source["secureJsonData"].values():
        assert secret.removeprefix("$") in grafana["environment"]
    if kind == "influxdb":
        environment = services[name]["environment"]
        assert environment["INFLUXDB_DB"] == source["jsonData"]["dbName"] == KEYS["server"]["db"].default
        assert environment["INFLUXDB_READ_USER"] == source["user"]
        assert environment["INFLUXDB_READ_USER_PASSWORD"] == grafana["environment"]["INFLUXDB_READ_PASSWORD"]


@pytest.mark.parametrize("kind", KINDS)
def test_compose_is_small_pinned_and_has_no_password_of_its_own(kind: str) -> None:
    content = (SERVER / kind / "compose.yaml").read_text("utf-8")
    example = (SERVER / kind / ".env.example").read_text("utf-8")
    assert set(re.findall(r"\$\{(\w+)", content)) == set(re.findall(r"(?m)^(\w+)=$", example))
    services = compose(kind)["services"].values()
    assert sum(int(service["mem_limit"].removesuffix("m")) for service in services) <= 450
    for service in services:
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"])
        for key, value in service["environment"].items():
            assert isinstance(value, str), f"{key}: {value} is not text"
            assert "PASSWORD" not in key.upper() or re.fullmatch(r"\$\{\w+:\?is missing in \.env\}", value)


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
