"""docs/homeassistant-addon/: what the Supervisor documents of these files, and what homemon's schema says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from homemon import __version__
from homemon.config.keys import DATED, KEYS
from homemon.config.setup.schedule import EVERYBODY, JOBS, PAGES
from tests import ROOT
from tests.addon import ADDON, options
from tests.documents import parse

CONFIG: dict[str, Any] = yaml.safe_load((ADDON / "config.yaml").read_text("utf-8"))
SCHEMA: dict[str, Any] = CONFIG["schema"]
TRANSLATIONS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (ADDON / "translations").glob("*.yaml")}
KEYS_OF_AN_ADDON = {
    "name": str, "version": str, "slug": str, "description": str, "arch": list, "startup": str, "init": bool,
    "host_network": bool, "uart": bool, "devices": list, "backup": str, "webui": str, "watchdog": str,
    "options": dict, "schema": dict,
}  # fmt: skip
"""Those that are used here, with their types: developers.home-assistant.io, Add-on configuration."""
LIMITS = r"(?:\(\d*,\d*\))?"
TYPE = re.compile(
    rf"(?:bool|email|url|port|device(?:\(subsystem=[a-z]+\))?|(?:str|password|int|float){LIMITS}|match\(.+\)|list\(.+\))\??"
)
"""What an option's type may be, by the same page."""
OWN = {"language", "enabled", "since"}  # which are no keys of config.ini


def elements(schema: Any, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each option's type, with where it stands."""
    if isinstance(schema, dict):
        for key, below in schema.items():
            yield from elements(below, *path, key)
    elif isinstance(schema, list):
        yield from elements(schema[0], *path)
    else:
        yield path, schema


ELEMENTS = dict(elements(SCHEMA))


def test_the_supervisor_knows_every_key() -> None:
    assert {key: type(value) for key, value in CONFIG.items()} == KEYS_OF_AN_ADDON
    assert set(CONFIG["arch"]) <= {"aarch64", "amd64"}
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
    assert CONFIG["slug"] == ADDON.name


def test_the_version_is_homemons() -> None:
    assert CONFIG["version"] == __version__


@pytest.mark.parametrize("path", ELEMENTS, ids=".".join)
def test_an_option_has_a_type_and_is_a_key_of_config_ini(path: tuple[str, ...]) -> None:
    assert TYPE.fullmatch(ELEMENTS[path])
    assert path[-1] in OWN or path[-1] in KEYS[path[0]]


def test_what_must_be_there_is_there_before_anybody_answers() -> None:
    """Else the add-on cannot be started: the Supervisor asks each group of the schema, and each option without `?`."""
    defaults = CONFIG["options"]
    assert set(defaults) == set(SCHEMA)
    for path, kind in ELEMENTS.items():
        if len(path) == 2 and path[0] != DATED and not kind.endswith("?"):
            assert path[1] in defaults[path[0]], path


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_group_and_option_has_a_name_in_both_languages(language: str) -> None:
    named = TRANSLATIONS[language]["configuration"]
    assert set(named) == set(SCHEMA)
    for group, schema in SCHEMA.items():
        assert named[group]["name"]
        if isinstance(schema, dict):
            assert set(named[group]["fields"]) == set(schema), group
        for texts in (named[group], *named[group].get("fields", {}).values()):
            assert set(texts) <= {"name", "description", "fields"}, texts  # a comma in {} without quotes makes a key


def test_secrets_are_shown_to_nobody_who_looks_over_a_shoulder() -> None:
    assert {path[-1] for path, kind in ELEMENTS.items() if kind.startswith("password")} >= {
        "bid",
        "pwd",
        "password",
        "token",
    }


def test_it_runs_what_setup_would() -> None:
    assert set(options.JOBS) == set(JOBS)
    for section, jobs in JOBS.items():
        ours = [line.split()[2 if line.startswith("every") else 1 :] for line in options.JOBS[section]]
        assert ours == [list(job.words) for job in jobs]
    assert options.ALWAYS.split()[1:] == list(PAGES[EVERYBODY][0].words)
    for line in options.jobs({"smartmeter": {"enabled": True}, "notify": {"to": "json://host"}}):
        parse(line.split(" homemon ")[1].split())


def test_the_folder_around_it_is_a_repository() -> None:
    repository = yaml.safe_load((ADDON.parent / "repository.yaml").read_text("utf-8"))
    assert repository["name"] == "homemon"


def test_the_image_takes_what_make_addon_lays_beside_it() -> None:
    dockerfile = (ADDON / "Dockerfile").read_text("utf-8")
    copied = {word for line in re.findall(r"(?m)^COPY (.+) \S+$", dockerfile) for word in line.split()}
    assert copied == {"homemon.deb", "run.sh", "options.py"}
    assert all((ADDON / name).exists() for name in copied - {"homemon.deb"})
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "homemon.deb" in makefile
