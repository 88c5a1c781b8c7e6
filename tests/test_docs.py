"""The documents cannot lag behind the code."""

import re
from pathlib import Path

import click
import pytest

from homemon.cli.main import COMMANDS, homemon

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CRONTAB = (ROOT / "crontab.example").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SYSTEMD = ROOT / "docs" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))


def commands() -> dict[str, click.Command]:
    context = click.Context(homemon)
    found = {name: homemon.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_says_in_the_list_what_its_help_says() -> None:
    assert {name: (command.help or "").split("\n")[0] for name, command in commands().items()} == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_names_every_command(name: str) -> None:
    assert re.search(rf"(?m)^\| `{name}\b", README)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_in_the_documents_exist(document: Path) -> None:
    known = commands()
    shared = {option for parameter in homemon.params for option in parameter.opts}
    for call in re.findall(r"`homemon ([^`]+)`", document.read_text("utf-8")):
        words = call.split()
        name = next((word for word in words if word in known), None)
        assert name is not None, call
        options = shared | {option for parameter in known[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, call


@pytest.mark.parametrize("line", [text for text in CRONTAB.splitlines() if " homemon " in text and text[0] != "#"])
def test_the_lines_for_cron_are_commands(line: str) -> None:
    arguments = line.split(" homemon ")[1].split()
    assert arguments[0] == "-q"
    assert arguments[1] in commands()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_the_systemd_units_start_commands_that_exist(unit: Path) -> None:
    (start,) = re.findall(r"(?m)^ExecStart=%h/.local/bin/homemon (.+)$", unit.read_text("utf-8"))
    name, *options = [word for word in start.split() if word not in ("-q", "60")]
    assert set(options) <= {option for parameter in commands()[name].params for option in parameter.opts}


def test_every_timer_has_its_service() -> None:
    assert {path.stem for path in SYSTEMD.glob("*.timer")} < {path.stem for path in UNITS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", document.read_text("utf-8")):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def test_make_knows_the_two_commands_of_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"(?m)^make (\w+)", README):
        assert re.search(rf"(?m)^{target}:", makefile)
