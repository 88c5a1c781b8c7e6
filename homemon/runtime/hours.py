"""The months of a house, of which Home Assistant gets the hours: which there are, and what they are computed from."""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

from homemon import __version__
from homemon.core.points import DAY
from homemon.runtime import state
from homemon.runtime.context import App
from homemon.sources.registry import HOURLY
from homemon.storage.meters import Meters

if TYPE_CHECKING:
    from homemon.energy.household import Flows
    from homemon.energy.periods import Period

PRICES = "prices.toml"  # as `kept` has it, which is not loaded here: each poll asks whether something is to be compared
OWN = ".toml"


class Hours:
    """The months of a house. What is asked raises StoreError."""

    def __init__(self, app: App) -> None:
        self._app = app

    def now(self) -> float:
        """Return the present time in Unix seconds."""
        return self._app.now().wall

    def fingerprint(self) -> str:
        """Return a digest of all but readings that hours are computed from: contracts, prices, the meter's facts."""
        config = self._app.config
        folder = config.path.parent
        own = [name for contract in config.contracts for name in (contract.plan, contract.sell or "")]
        files = [PRICES, *(name for name in own if name.endswith(OWN))]
        contents = []
        for name in files:
            with suppress(OSError):
                contents.append((name, (folder / name).read_bytes()))
        scale = state.load(self._app.folder).scale
        facts = (__version__, config.contracts, contents, scale and scale.modulus, Meters(self._app.store).exchanges())
        return blake2b(repr(facts).encode(), digest_size=8).hexdigest()

    def first(self) -> int | None:
        """Return the time of the first reading, Unix seconds; None where there is none."""
        archive, now = self._app.store.archive, int(self.now())
        firsts = (next(archive.values(*series, 0, now), None) for series in HOURLY)
        return min((row[0] for row in firsts if row), default=None)

    def affected(self, time: int) -> int:
        """Return from when on hours may change with a reading at `time`, Unix seconds.

        A reading may show that the one before it was none, and what is paid goes by the whole billing period.
        """
        from homemon.energy.periods import ONE_DAY, STEPS, billed, day_of, starts

        day = day_of(time - DAY)
        firsts = [each.first for _, each in billed(self._app.config.contracts, day, day + ONE_DAY)]
        return starts(STEPS["month"].first(min([day, *firsts])))

    def months(self, since: int) -> "list[Period]":
        """Return the months from that of `since`, Unix seconds, to the present one."""
        from homemon.energy.periods import calendar

        return list(calendar("month", since, int(self.now()) + 1))

    def spans(self, month: "Period", reached: Mapping[str, int]) -> "Flows":
        """Return what is known of a month, as `ha_walk.Book` has it."""
        from homemon.runtime.month import Month

        return Month(self._app, month, int(self.now()), reached).spans()
