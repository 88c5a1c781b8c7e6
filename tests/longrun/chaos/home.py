"""A Home Assistant, [homeassistant], whose rows are not durable yet when it says that it took them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.commands import wait_for
from tests.longrun.chaos.places import Trouble
from tests.longrun.home_assistant.small import SmallOne

WRITES_AFTER = 0.5  # seconds after it said that it took hours
TAKES_WITHIN = 2.0  # seconds in which somebody writes, mostly
ILLS = ({"late": 3.0}, {"state": "STARTING"}, {"closes_at": "recorder/import_statistics"}, {"floods": 500})
WELL = {"late": WRITES_AFTER, "state": "RUNNING", "closes_at": "", "floods": 0}


class Home:
    """The small Home Assistant of the tests; `stack` ends it."""

    name = "homeassistant"

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._one = SmallOne(folder)
        stack.callback(self._one.kill)
        self._copy = self._one.back_up()
        self._earlier = self._copy.read_bytes()
        self.start()

    def section(self) -> str:
        return f"[homeassistant]\nurl = {self._one.url}\ntoken = {self._one.token}\n"

    def start(self) -> None:
        if not self._one.home:
            self._one.start()
            self._set(WELL)

    def kill(self) -> None:
        """Kill it just when it has taken hours, which it loses, unless nobody writes any."""
        taken = self._taken()
        with suppress(AssertionError):
            wait_for(lambda: self._taken() > taken, TAKES_WITHIN)
        self._one.kill()

    def troubles(self) -> Iterator[Trouble]:
        yield Trouble("homeassistant ill", self._make_ill, lambda: self._set(WELL))
        yield Trouble("homeassistant put back", lambda _: self.kill(), self._put_back)

    def _put_back(self) -> None:
        """Start it with what it held when this was done before."""
        self._one.kill()
        now = self._one.back_up().read_bytes()
        self._copy.write_bytes(self._earlier)
        self._one.restore(self._copy)
        self._earlier = now
        self.start()

    def _make_ill(self, rng: Random) -> None:
        self._set(rng.choice(ILLS))

    def _set(self, how: Mapping[str, Any]) -> None:
        home = self._one.home
        for name, value in how.items() if home else ():
            setattr(home, name, value)

    def write_after(self, seconds: float) -> None:
        """Write what it takes only after so long, until it is started again."""
        self._set({"late": seconds})

    def has_taken(self) -> bool:
        """Whether it said that it took hours, since it was started."""
        return self._taken() > 0

    def _taken(self) -> int:
        home = self._one.home
        return sum(said["type"] == "recorder/import_statistics" for said in home.asked) if home else 0

    def statistics(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """What it holds."""
        return self._one.statistics()
