"""docs/operations.md: its figures are the code's, and its backup is one."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from homemon.core.points import Point
from homemon.delivery import recorder, sender
from homemon.sources.kyocera import memory as solar
from homemon.sources.meter import history, session
from homemon.storage.database import FILE
from homemon.storage.store import Store
from tests import ROOT
from tests.commands import ENVIRONMENT, PATIENCE
from tests.documents import DOCS, blocks, text_of
from tests.lan import address
from tests.stores import T, content, everything, put

PAGE = DOCS / "operations.md"


@pytest.mark.parametrize(
    "reported",
    [
        f"half-hours for {history.LONGEST} days\n(the meter) and {solar.DAYS} days",
        f"tried after {sender.BACKOFF_FIRST:.0f} s to {sender.BACKOFF_LAST / 60:.0f} min",
        f"tried each {sender.HOLD_FOR / 60:.0f} minutes",
        f"pauses of {session.BACKOFF_FIRST:.0f} s to {session.BACKOFF_LAST / 60:.0f} min",
        f"up to {recorder.MAX_UNSTORED:,} readings in memory",
    ],
)
def test_the_figures_are_those_of_the_code(reported: str) -> None:
    assert reported in text_of(PAGE)


def backup(store: Store, copy: Path) -> None:
    """What `sqlite3 -readonly homemon.db ".backup copy"` does."""
    reading, into = sqlite3.connect(f"file:{quote(str(store.path))}?mode=ro", uri=True), sqlite3.connect(copy)
    reading.backup(into)
    reading.close()
    into.close()


def test_a_backup_of_a_store_that_is_open_has_all_of_it_and_can_be_put_back(store: Store, tmp_path: Path) -> None:
    put(store, *(Point("power", {"value": watts}, T + watts) for watts in range(100)))
    restored = tmp_path / "restored"
    restored.mkdir()
    backup(store, restored / FILE)
    put(store, Point("power", {"value": 1}, T + 1000))  # the one that is in use goes on
    assert len(everything(restored)) == 100
    assert everything(restored) == content(store)[:100]


def test_each_shell_has_its_line_for_completion() -> None:
    assert set(re.findall(r"`_HOMEMON_COMPLETE=(\w+)_source homemon > ~/", text_of(PAGE))) == {"bash", "zsh", "fish"}


@pytest.mark.parametrize("page", ["README.md", "README.ja.md"])
def test_the_trial_without_a_device_works_as_it_is_written(tmp_path: Path, page: str) -> None:
    (commands,) = (block for block in blocks("sh", of=ROOT / page) if "simulate meter" in block.text)
    unit, ours = address(), address()

    def here(text: str) -> str:
        """With addresses that no other test has."""
        return re.sub(r"(simulate ecocute)( --config)?", rf"\1 --bind {unit}\2", text).replace(
            "chmod 600", f"sed -i 's/bind = 127.0.0.1/bind = {ours}/' config.ini; chmod 600"
        )

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "homemon").write_text(f'#!/bin/sh\nexec {sys.executable} -m homemon "$@"\n')
    (tmp_path / "bin" / "homemon").chmod(0o755)
    environment = ENVIRONMENT | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    # the block ends them itself: at the end some are still listed and already gone
    end = "trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT"
    words = ("bash", "-c", f"set -em\n{end}\n{here(commands.text)}")
    with (tmp_path / "out.txt").open("w") as out:
        run = subprocess.run(
            words, cwd=tmp_path, env=environment, stdout=out, stderr=out, timeout=2 * PATIENCE, check=False
        )
    said = (tmp_path / "out.txt").read_text()
    assert run.returncode == 0, said
    names = {line.split()[0] for line in said.splitlines() if " value=" in line or "tank=" in line}
    assert names >= {"power", "ecocute", "hatuden", "baiden_diff"}
