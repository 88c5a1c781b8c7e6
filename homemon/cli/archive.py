"""What the store has of the present meter, as the session wants to know it. A store that fails knows nothing."""

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from homemon.cli.app import App
from homemon.errors import StoreError
from homemon.points import Number

if TYPE_CHECKING:
    from homemon.meters import Meters


class Archive:
    """`plausible.Archive` over the store; it is opened when it is first asked."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._noted: str | None = None
        self._first: int | None = None

    @cached_property
    def _meters(self) -> "Meters":
        from homemon.meters import Meters

        return Meters(self._app.store)

    def values(self, measurement: str, field: str, since: int, until: int) -> dict[int, Number]:
        """Time → value of a period, nothing of an earlier meter."""
        with suppress(StoreError):
            return dict(self._app.store.values(measurement, field, max(since, self.first()), until))
        return {}

    def first(self) -> int:
        """The time before which another meter counted, 0 where none did."""
        if self._first is None:
            self._first = self._meters.first()
        return self._first

    def settled(self) -> bool:
        """Whether the store can be read, and no reading waits in memory for a full disk to be freed."""
        with suppress(StoreError):
            self.first()
            return not self._app.recorder.unstored
        return False

    def met(self, address: str) -> None:
        """Keep, before anything of it is stored, which meter answers; tried again where the store cannot be written."""
        if address == self._noted:
            return
        with suppress(StoreError):
            self._meters.note(address)
            self._noted, self._first = address, None
