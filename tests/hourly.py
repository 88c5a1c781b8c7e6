"""A house whose hours go to Home Assistant: its config.ini, its store and its sink, with a clock that a test sets."""

from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from homemon.core.clock import Instant
from homemon.core.points import HALF_HOUR, HOUR, Point
from homemon.delivery.home_assistant import HomeAssistant, probe
from homemon.delivery.sink import Outcome, Turn
from homemon.delivery.verdicts import Answer
from homemon.runtime import sinks
from homemon.runtime.context import App
from tests.commands import PATIENCE
from tests.home_assistants import TOKEN
from tests.stores import put

NOON = 1_794_366_000  # 2026-11-11 12:00 JST
PLAN = """
name = "flat"
company = "c"
area = "tokyo"
[[version]]
from = "2020-01"
source = "the test"
checked = 2026-11-01
price = {price}
items = []
[version.base]
flat = 0
"""


class Settled(App):
    """A command whose clock stands where the test puts it."""

    at = NOON + 6 * HOUR

    def now(self) -> Instant:
        return Instant(self.at, 5000.0, "this boot")


class House:
    """A folder with config.ini and a store, and its sink."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.tags, self.contract = "", ""
        self.app = self._open()

    def _open(self) -> Settled:
        path = self.folder / "config.ini"
        tags = f"[tags]\n{self.tags}\n" if self.tags else ""
        path.write_text(
            f"[homeassistant]\nurl = {self.url}\ntoken = {TOKEN}\n[store]\ndir = {self.folder}/store\n"
            f"{tags}{self.contract}\n"
        )
        path.chmod(0o600)
        return Settled(str(path))

    def configure(self, contract: str = "", tags: str = "", price: float | str = 30) -> None:
        """Begin anew with another contract, price or tags."""
        self.app.close()
        (self.folder / "own.toml").write_text(PLAN.format(price=price))
        self.contract, self.tags = contract, tags
        self.app = self._open()

    def sink(self) -> HomeAssistant:
        (sender,) = sinks.senders(self.app, self.app.store)
        assert isinstance(sender.sink, HomeAssistant)
        return sender.sink

    def pending(self) -> bool:
        return self.sink().pending(self.app.at)

    def deliver(self, within: float = PATIENCE) -> Outcome:
        return self.sink().deliver(Turn(self.app.at, monotonic() + within))

    def probe(self, **others: str) -> Answer:
        settings = self.app.config.homeassistant
        assert settings
        return probe(settings._replace(**others))

    def put(self, *points: Point) -> None:
        put(self.app.store, *points)

    def bought(self, *values: float | None, since: int = NOON, step: int = HALF_HOUR) -> None:
        """Registers one after the other; None where one is missing."""
        self.put(*registers("+power", values, since, step))


def registers(name: str, values: Iterable[float | None], since: int, step: int = HALF_HOUR) -> list[Point]:
    times = enumerate(values)
    return [Point(name, {"value": value}, since + step * i) for i, value in times if value is not None]


def hours(sums: dict[int, float | None]) -> dict[int, float | None]:
    """Hours counted from noon."""
    return {(start - NOON) // HOUR: total for start, total in sums.items()}
