"""docs/install.md and the files of the Debian package: what they name exists, and the package takes it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests import ROOT
from tests.docs.test_container_files import SERVICES
from tests.documents import DOCS, calls, parse, text_of
from tools import debian_package as package

PAGES = [DOCS / "install.md", DOCS / "ja" / "install.md"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
README = (package.HERE / "README.Debian").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_extra_for_users_is_named_with_what_it_is_for(page: Path) -> None:
    (named,) = re.findall(r"pipx install '\.\[([a-z,]+)\]'", text_of(page))
    assert sorted(named.split(",")) == sorted(package.extras())
    for extra in package.extras():
        assert re.search(rf"(?m)`{extra}`.*?[(（]", text_of(page)), extra


def test_the_other_extras_are_for_developers() -> None:
    assert set(PROJECT["optional-dependencies"]) >= package.FOR_DEVELOPERS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_what_make_is_asked_for_it_knows(page: Path) -> None:
    for target in re.findall(r"\bmake ([a-z-]+)", text_of(page)):
        assert re.search(rf"(?m)^{target}:", MAKEFILE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_services_and_their_commands_are_those_of_the_compose_file(page: Path) -> None:
    for line in re.findall(
        r"(?m)^docker compose (?:up -d|run --rm --entrypoint homemon|exec) (.+?)(?: +#.*)?$", text_of(page)
    ):
        words = line.split()
        assert words[0] in SERVICES
        if "setup" in words:
            parse(words[1:])
        elif "homemon" in words:
            parse(words[2:])
        else:
            assert set(words) <= set(SERVICES)
    for profile in re.findall(r"--profile (\w+)", text_of(page)):
        assert any(profile in service.get("profiles", ()) for service in SERVICES.values())


def test_the_package_says_who_it_is_for_with_commands_that_exist() -> None:
    found = list(calls("\n".join(re.findall(r"(?m)^    (.+)$", README))))
    assert ["setup"] in found
    for call in found:
        parse(call)
    for unit in re.findall(r"homemon-[a-z-]+\.service", README):
        assert (DOCS / "systemd" / unit).exists()


def test_every_unit_starts_the_command_where_the_package_lays_it() -> None:
    before, _ = package.UNIT_PROGRAM
    for unit in (DOCS / "systemd").glob("*.service"):
        assert unit.read_text("utf-8").count(before) == 1, unit.name


@pytest.mark.parametrize("script", ["postinst", "prerm", "rtupdate"])
def test_a_script_of_the_package_is_one(script: str) -> None:
    subprocess.run(("sh", "-n", package.HERE / script), check=True)
    assert re.search(r"(?m)^set -e$", (package.HERE / script).read_text("utf-8"))


def test_the_package_has_the_completion_of_every_shell_that_the_documents_name() -> None:
    named = set(re.findall(r"_HOMEMON_COMPLETE=(\w+)_source", text_of(DOCS / "operations.md")))
    assert set(package.COMPLETIONS) == named


def test_the_metadata_names_the_languages_and_the_oldest_python() -> None:
    classifiers = PROJECT["classifiers"]
    assert {"Natural Language :: English", "Natural Language :: Japanese"} <= set(classifiers)
    pythons = [each.rpartition(" :: ")[2] for each in classifiers if re.fullmatch(r"Programming .* :: 3\.\d+", each)]
    assert pythons[0] == PROJECT["requires-python"].removeprefix(">=")
    assert PROJECT["authors"]
