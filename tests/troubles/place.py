"""The table of scenarios, and where each takes place."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from homemon.core.messages import words
from homemon.sim.bp35c0 import Module
from tests.commands import Running, homemon, wait_for


def is_said(quote: str, said: str) -> bool:
    """Whether it was said, on one line or several; `…` stands for anything."""
    pieces = (r"\s+".join(map(re.escape, piece.split())) for piece in quote.split("…"))
    return re.search(".*?".join(pieces), said, re.DOTALL) is not None


class Place(NamedTuple):
    """A folder of a scenario's own, the fixtures of the tests, and the language of who reads."""

    folder: Path
    request: pytest.FixtureRequest
    language: str

    def run(self, *arguments: str, unprivileged: bool = False) -> str:
        """What `homemon ARGUMENTS` says, on stdout and stderr."""
        run = homemon(*arguments, cwd=self.folder, unprivileged=unprivileged)
        return run.stdout + run.stderr

    def configure(self, text: str) -> None:
        """A config.ini of these lines, with a store in the folder."""
        path = self.folder / "config.ini"
        path.write_text(f"{text}\n[store]\ndir = {self.folder}/store\n")
        path.chmod(0o600)

    def words(self, english: str) -> str:
        """What homemon says here for this in English; `…` stands for a value."""
        return words(self.language)(english)

    def says(self, command: Running, english: str, after: int = 0) -> None:
        """Wait until a command has said this on stderr, behind so many characters, in the language of who reads."""
        words, heard = self.words(english), command.errors.read_text
        wait_for(lambda: is_said(words, heard()[after:]), reported=lambda: f"{words} in vain:\n{heard()}")

    def fixture(self, name: str) -> Any:
        """Something of conftest."""
        return self.request.getfixturevalue(name)


Scenario = Callable[[Place], str]
SCENARIOS: dict[str, Scenario] = {}


def trouble(name: str) -> Callable[[Scenario], Scenario]:
    """Enter a scenario under the row's name in the page; it makes the trouble and gives all that was said."""

    def enter(scenario: Scenario) -> Scenario:
        assert name not in SCENARIOS
        SCENARIOS[name] = scenario
        return scenario

    return enter


def joined(module: Module) -> None:
    """As after a join."""
    module.radio.session = True
