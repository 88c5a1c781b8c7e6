"""What is made of the commands' own help: the page, the manual page, and the completion of a shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homemon.cli.commands import COMMANDS
from tests import ROOT
from tests.commands import ENVIRONMENT, PATIENCE
from tests.servers import installed
from tools import commands

PAGE, MANUAL = commands.WRITTEN
SHELLS = {"bash": "complete -o nosort -F", "zsh": "#compdef homemon", "fish": "complete --no-files --command homemon"}
BASH = """
source "$1"
COMP_WORDS=(homemon "${@:2}")
COMP_CWORD=$(($# - 1))
_homemon_completion homemon
printf '%s\\n' "${COMPREPLY[@]}"
"""
IMPORTED = """
import atexit, sys
atexit.register(lambda: print(*[name for name in sys.modules if name.startswith("homemon.")], file=sys.stderr))
from homemon.cli.main import main
main([])
"""


@pytest.mark.parametrize("path", commands.WRITTEN, ids=lambda path: path.name)
def test_what_make_docs_writes_is_what_the_commands_say(path: Path) -> None:
    assert path.read_text("utf-8") == commands.WRITTEN[path](), "run `make docs`"


def test_groff_finds_nothing_wrong_with_the_manual_page() -> None:
    groff = installed("groff", "groff-base")
    run = subprocess.run((groff, "-man", "-Tutf8", "-ww", "-z", MANUAL), capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""


def test_the_manual_page_shows_every_command_and_option_as_typed() -> None:
    groff = installed("groff", "groff-base")
    arguments = (groff, "-man", "-Tutf8", "-P-cbou", "-rLL=200n", MANUAL)
    shown = subprocess.run(arguments, capture_output=True, encoding="utf-8", check=True).stdout
    for context in (commands.TOP, *commands.BELOW):
        assert f"{context.command_path} " in shown
        for option in context.command.params:
            assert all(name in shown for name in option.opts if name.startswith("-"))
    assert "bought − sold" in shown
    assert "homemon.db" in shown


def answer(shell: str, *words: str, code: str = "from homemon.cli.main import main; main([])") -> tuple[str, str]:
    """What homemon answers a shell that completes the last of `words`, and its stderr."""
    current = words[-1] if shell.startswith("fish") else str(len(words))
    asked = {"_HOMEMON_COMPLETE": shell, "COMP_WORDS": " ".join(("homemon", *words)), "COMP_CWORD": current}
    run = subprocess.run(
        (sys.executable, "-c", code), env={**ENVIRONMENT, **asked}, capture_output=True, text=True, timeout=PATIENCE
    )
    return run.stdout, run.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_script(shell: str) -> None:
    assert SHELLS[shell] in answer(f"{shell}_source", "")[0]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_the_commands_that_begin_so(shell: str) -> None:
    said, _ = answer(f"{shell}_complete", "meter-")
    assert all(name in said for name in COMMANDS if name.startswith("meter-"))
    assert "ecocute-poll" not in said


def test_commands_are_completed_without_importing_any() -> None:
    said, modules = answer("bash_complete", "", code=IMPORTED)
    assert [line.removeprefix("plain,") for line in said.splitlines()] == list(COMMANDS)
    assert "homemon.cli.main" in modules
    assert not {f"homemon.cli.{name.replace('-', '_')}" for name in COMMANDS} & set(modules.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["meter-"], ["meter-listen", "meter-poll", "meter-history"]),
        (["export", "--s"], ["--since"]),
        (["export", "--format", ""], ["lp", "csv"]),
        (["-q", "simulate", ""], ["meter", "ecocute", "kyocera"]),
    ],
)
def test_bash_offers_what_can_come_next(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    command = tmp_path / "homemon"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m homemon "$@"\n')
    command.chmod(0o755)
    script = tmp_path / "completion"
    script.write_text(answer("bash_source", "")[0])
    run = subprocess.run(
        (installed("bash", "bash"), "-c", BASH, "bash", script, *words),
        env={**ENVIRONMENT, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert sorted(run.stdout.split()) == sorted(offered), run.stderr


def test_no_test_calls_a_command_without_its_group() -> None:
    """That would change what `--help` says to every test behind it in the same process: use `called`."""
    runners = [path.name for path in (ROOT / "tests").rglob("*.py") if "Cli" + "Runner" in path.read_text("utf-8")]
    assert runners == ["commands.py"]
