"""homemon starts itself again: by the command that was typed, which alone may know where its modules are."""

import sys
from pathlib import Path

import pytest

from homemon.runtime.subcommands import itself


def test_a_command_starts_itself_again_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "homemon"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for typed in ("./homemon", f"{command}"):
        monkeypatch.setattr(sys, "argv", [typed, "demo"])
        assert itself() == (f"{command}",)


def test_a_module_starts_itself_again_by_its_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "homemon").mkdir()
    for typed in (f"{tmp_path}/homemon/__main__.py", f"{tmp_path}/nowhere/homemon"):
        monkeypatch.setattr(sys, "argv", [typed])
        assert itself() == (sys.executable, "-m", "homemon")
