"""The table of scenarios, and where each takes place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from homemon.sim.bp35c0 import Module
from tests.commands import homemon


class Place(NamedTuple):
    """A folder of a scenario's own, and the fixtures of the tests."""

    folder: Path
    request: pytest.FixtureRequest

    def run(self, *arguments: str, unprivileged: bool = False) -> str:
        """What `homemon ARGUMENTS` says, on stdout and stderr."""
        run = homemon(*arguments, cwd=self.folder, unprivileged=unprivileged)
        return run.stdout + run.stderr

    def configure(self, text: str) -> None:
        """A config.ini of these lines, with a store in the folder."""
        path = self.folder / "config.ini"
        path.write_text(f"{text}\n[store]\ndir = {self.folder}/store\n")
        path.chmod(0o600)

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
