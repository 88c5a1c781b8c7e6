"""The documents cannot lag behind the code."""

import re
from pathlib import Path

import click
import pytest
import yaml

from homemon.cli.commands import COMMANDS
from homemon.cli.main import homemon
from homemon.config import read as config
from tests import ROOT
from tests.documents import DOCUMENTS, Block, anchors, blocks, calls, parse, prose_of

README = (ROOT / "README.md").read_text("utf-8")
CRONTAB = (ROOT / "crontab.example").read_text("utf-8")
SYSTEMD = ROOT / "docs" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
LOOKED_AT_HERE = {"", "text", "sh", "crontab", "ini", "python", "yaml"}
LOOKED_AT_BY_THE_PAGES_OWN_TESTS = {"systemd", "toml", "sql", "influxql", "promql", "frame", "trace"}
CALLS = [(str(block), call) for block in blocks("sh", "crontab") for call in calls(block.text)]


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
def test_commands_and_options_in_the_text_exist(document: Path) -> None:
    known = commands()
    shared = {option for parameter in homemon.params for option in parameter.opts} | {"-h", "--help"}
    for call in re.findall(r"`homemon ([^`]+)`", prose_of(document)):
        words = call.split()
        name = next((word for word in words if word in known), None)
        options = shared | {option for parameter in (known[name].params if name else []) for option in parameter.opts}
        assert name is not None or set(words) <= shared, call
        assert {word for word in words if re.match("-+[a-z]", word)} <= options, call


@pytest.mark.parametrize(("where", "call"), CALLS)
def test_click_takes_every_call_in_a_block(where: str, call: list[str]) -> None:
    parse(call)


@pytest.mark.parametrize("wrong", [["exprot"], ["export", "--sinec", "3d"], ["meter-poll", "E"], ["simulate", "car"]])
def test_a_call_that_click_would_refuse_is_found(wrong: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parse(wrong)


def test_calls_are_found_wherever_a_shell_would_run_them() -> None:
    script = "X=1 homemon -q check && sudo /opt/bin/homemon join >log | tee x\n"
    script += "* * * * * homemon graph\necho homemon # homemon"
    assert list(calls(script)) == [["-q", "check"], ["join"], ["graph"]]


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_every_piece_of_configuration_loads(block: Block) -> None:
    config.parse(block.text, Path("config.ini"))


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_every_piece_of_python_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_every_piece_of_yaml_can_be_read(block: Block) -> None:
    assert yaml.safe_load(block.text)


def test_no_block_is_in_a_language_that_nothing_here_looks_at() -> None:
    assert {block.language for block in blocks()} <= LOOKED_AT_HERE | LOOKED_AT_BY_THE_PAGES_OWN_TESTS


def test_the_lines_for_cron_are_commands_that_keep_quiet() -> None:
    found = list(calls(re.sub(r"(?m)^# (?=[*\d])", "", CRONTAB)))
    assert "graph" in {call[1] for call in found}
    for call in found:
        assert call[0] == "-q"
        parse(call)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_the_systemd_units_start_commands_that_exist(unit: Path) -> None:
    (start,) = re.findall(r"(?m)^ExecStart=%h/.local/bin/homemon (.+)$", unit.read_text("utf-8"))
    parse(start.split())


def test_every_timer_has_its_service() -> None:
    assert {path.stem for path in SYSTEMD.glob("*.timer")} < {path.stem for path in UNITS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", prose_of(document)):
        if target.startswith("https://"):
            continue
        led = (document.parent / target).resolve() if target else document
        assert led.exists(), target
        assert not anchor or anchor in anchors(led), f"{target}#{anchor}"


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, left = set[Path](), [ROOT / "README.md"]
    while left:
        document = left.pop()
        reached.add(document)
        targets = [document.parent / target for target in re.findall(r"\]\(([^)#\s]+\.md)", prose_of(document))]
        left += [path.resolve() for path in targets if path.exists() and path.resolve() not in reached]
    assert reached >= set(DOCUMENTS)


def test_every_test_that_a_document_names_exists() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for document in DOCUMENTS:
        for name in re.findall(r"`(test_\w+)`", document.read_text("utf-8")):
            assert f"def {name}(" in tests, f"{document.name}: {name}"


def test_make_knows_the_two_commands_of_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"(?m)^make (\w+)", README):
        assert re.search(rf"(?m)^{target}:", makefile)
