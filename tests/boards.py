"""What docs/server/ holds: the compose files, what Grafana is given, and its dashboards."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from tests import ROOT
from tools.dashboards import path_of

SERVER = ROOT / "docs" / "server"
KINDS = ("influxdb", "victoriametrics")
COMPOSED = (*KINDS, "influxdb2")


def compose(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SERVER / kind / "compose.yaml").read_text("utf-8"))
    return found


def provisioned(kind: str, what: str) -> dict[str, Any]:
    path = SERVER / kind / "grafana" / "provisioning" / what / "homemon.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    assert content["apiVersion"] == 1
    (found,) = content["providers" if what == "dashboards" else what]
    assert isinstance(found, dict)
    return found


def dashboard(kind: str, language: str = "en") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path_of(kind, language).read_text("utf-8"))
    return found


BOARDS = {kind: dashboard(kind) for kind in KINDS}
TARGETS = [(kind, panel, target) for kind in KINDS for panel in BOARDS[kind]["panels"] for target in panel["targets"]]


def label(target: Mapping[str, Any]) -> str:
    """The series' name without the home."""
    text: str = target["alias"].removesuffix(" $tag_home") if "alias" in target else target["legendFormat"]
    return text.removesuffix(" {{home}}")


def text(target: Mapping[str, Any]) -> str:
    query: str = target["query"] if "query" in target else target["expr"]
    return query
