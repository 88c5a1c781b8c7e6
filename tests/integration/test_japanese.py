"""Under a Japanese locale every command helps, and complains, in Japanese; what programs read stays as it is."""

import json
import re
import subprocess
from pathlib import Path

import click
import pytest

from homemon.cli.main import homemon as group
from homemon.core.columns import COLUMNS, width
from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, HOMEMON, PATIENCE, homemon, write_config
from tests.stores import T, put

ENGLISH = re.compile(r"(?<![-\w/.`])[a-z']{2,} [a-z']{2,} [a-z']{2,}(?![\w/.`])")
"""Three words after each other."""
TYPED = re.compile(r"`[^`]+`|^使い方: .*")
FAULT = re.compile(r" +[a-z0-9-]+=\S+  ")
NEVER_FIRST = tuple("、。」）)")


def japanese(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*HOMEMON, *arguments),
        cwd=cwd,
        env=ENVIRONMENT | {"LANG": "ja_JP.UTF-8"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def commands(command: click.Command, *words: str) -> list[tuple[str, ...]]:
    """A command and all below it, each by its words."""
    if not isinstance(command, click.Group):
        return [words]
    context = click.Context(command)
    below = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return [words, *(found for name, each in below if each for found in commands(each, *words, name))]


@pytest.mark.parametrize("words", commands(group), ids=" ".join)
def test_each_help_is_japanese_in_eighty_columns(words: tuple[str, ...], tmp_path: Path) -> None:
    run = japanese(*words, "--help", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"使い方: {' '.join(('homemon', *words))}")
    assert ENGLISH.findall(TYPED.sub("", run.stdout)) == []
    lines = [line for line in run.stdout.splitlines() if not FAULT.match(line)]
    assert [line for line in lines if width(line) > COLUMNS or line.strip().startswith(NEVER_FIRST)] == []


SLIPS = {
    "a command": (("meter-pol",), "エラー: 'meter-pol' というコマンドはありません。もしかして meter-poll"),
    "an option": (("status", "--jsn"), "エラー: オプション '--jsn' はありません。'--json' の間違いでは"),
    "a value": (("export", "--since", "soon"), "エラー: '--since' の値が正しくありません: soon は時刻ではありません"),
    "a missing argument": (("backup",), "エラー: 引数 'FILE' を指定してください"),
    "a key of config.ini": (("check",), "config.ini:2: [server] ulr: このキーはありません。使えるキー: url、db"),
}


@pytest.mark.parametrize(("words", "said"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_explained_in_japanese(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[server]\nulr = http://127.0.0.1:1\n")
    (tmp_path / "config.ini").chmod(0o600)
    run = japanese(*words, cwd=tmp_path)
    assert run.returncode == 2
    assert said in run.stdout + run.stderr


def test_what_programs_read_is_the_same_in_every_language(tmp_path: Path) -> None:
    write_config(tmp_path)
    put(Store(tmp_path / "store"), Point("power", {"value": 523}, T))
    exported = japanese("export", cwd=tmp_path)
    assert (exported.returncode, exported.stdout) == (0, f"power value=523 {T}000000000\n")
    status = (japanese("status", "--json", cwd=tmp_path), homemon("status", "--json", cwd=tmp_path))
    (here, *_), (there, *_) = (json.loads(run.stdout)["series"] for run in status)
    assert here.keys() == there.keys()
    assert (here["measurement"], here["value"]) == ("power", 523)


def test_a_disk_that_takes_no_output_is_named_in_japanese(tmp_path: Path) -> None:
    write_config(tmp_path)
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            (*HOMEMON, "status"),
            cwd=tmp_path,
            env=ENVIRONMENT | {"LANG": "ja_JP.UTF-8"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert run.returncode == 1
    assert run.stderr == "homemon: 空きがありません\n  出力先のディスクを確かめてください。\n"
