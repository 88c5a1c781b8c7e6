"""docs/container/: its files fit together, and every command in them is one that homemon takes."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from homemon.config.setup.schedule import EVERYBODY, JOBS, PAGES
from tests import ROOT
from tests.documents import calls, parse

CONTAINER = ROOT / "docs" / "container"
DOCKERFILE = (CONTAINER / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((CONTAINER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
IGNORED = (CONTAINER / "Dockerfile.dockerignore").read_text("utf-8")


def started(service: dict[str, Any]) -> list[list[str]]:
    """The arguments of each homemon that a service starts."""
    if "entrypoint" in service:
        return list(calls(service["entrypoint"][-1].replace("do homemon", "do\nhomemon").removeprefix("exec ")))
    return [service["command"]]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_commands_that_exist_and_keep_quiet(name: str) -> None:
    found = started(SERVICES[name])
    assert found
    for call in found:
        parse(call)
        assert call[0] == "-q"


def test_the_services_start_what_setup_would() -> None:
    """With the page, and a backup, which setup leaves to people."""
    wanted = {job.words[0] for jobs in (*JOBS.values(), PAGES[EVERYBODY]) for job in jobs}
    assert {call[1] for service in SERVICES.values() for call in started(service)} == wanted | {"backup"}


def test_every_service_is_kept_running_without_rights_and_writes_nothing_but_the_volume() -> None:
    for name, service in SERVICES.items():
        assert service["restart"] == "unless-stopped", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"], name
        assert "homemon:/data" in service["volumes"], name
    assert COMPOSE["volumes"] == {"homemon": None}


def words(instruction: str) -> Iterator[list[str]]:
    """The words of a Dockerfile's instruction in JSON."""
    for found in re.findall(rf"(?m)^{instruction}[^\[\n]*(\[.*\])$", DOCKERFILE):
        yield json.loads(found)


def test_the_image_looks_at_its_health_and_runs_as_a_user() -> None:
    (health,), (entry,), (default,) = (list(words(each)) for each in ("HEALTHCHECK", "ENTRYPOINT", "CMD"))
    assert health[0] == entry[0] == "homemon"
    assert health[2:3] == ["status"]
    parse(health[1:])
    parse(default)
    assert re.search(r"(?m)^USER homemon$", DOCKERFILE)


def test_what_the_image_is_built_from_is_there() -> None:
    kept = re.findall(r"(?m)^!(.+)$", IGNORED)
    assert all((ROOT / path).exists() for path in kept)
    source = (ROOT / "tools" / "debian_package.py").read_text("utf-8")
    for name in re.findall(r'PROJECT / "([\w.]+)"', source):
        assert name in {path.split("/")[0] for path in kept} | {"dist"}, name
    for name in re.findall(r'DOCS / "(\w+)"', source):
        assert f"docs/{name}" in kept
