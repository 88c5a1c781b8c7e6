"""docs/operations.md: its figures are the code's, and its backup is one."""

import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from homemon import deliver, history, session
from homemon.devices import solar
from homemon.points import Point
from homemon.store import FILE, Store
from tests.documents import DOCS, text_of
from tests.stores import T, content, everything, put

PAGE = DOCS / "operations.md"


@pytest.mark.parametrize(
    "told",
    [
        f"half-hours for {history.LONGEST} days\n(the meter) and {solar.DAYS} days",
        f"tried after {deliver.BACKOFF_FIRST:.0f} s to {deliver.BACKOFF_LAST / 60:.0f} min",
        f"tried each {deliver.HOLD_FOR / 60:.0f} minutes",
        f"pauses of {session.BACKOFF_FIRST:.0f} s to {session.BACKOFF_LAST / 60:.0f} min",
        f"up to {deliver.MAX_UNSTORED:,} readings in memory",
    ],
)
def test_the_figures_are_those_of_the_code(told: str) -> None:
    assert told in text_of(PAGE)


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
