"""What the store has of the present meter, as the session wants to know it. A store that fails knows nothing."""

from contextlib import suppress

from homemon.core.errors import StoreError
from homemon.core.points import Number
from homemon.runtime.context import App
from homemon.storage.meters import Meters
from homemon.storage.store import Store


class Archive:
    """`plausible.Archive` over the store; it is opened when it is first asked."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._store: Store | None = None
        self._noted: str | None = None
        self._first: int | None = None

    @property
    def _meters(self) -> Meters:
        """Of the store that is open now: another may have taken its place."""
        if self._store is not self._app.store:
            self._store, self._noted, self._first = self._app.store, None, None
        return Meters(self._app.store)

    def values(self, measurement: str, field: str, since: int, until: int) -> dict[int, Number]:
        """Return time → value of a period, nothing of an earlier meter."""
        with suppress(StoreError):
            return dict(self._app.store.archive.values(measurement, field, max(since, self.first()), until))
        return {}

    def first(self) -> int:
        """Return the time before which another meter counted, 0 for a first meter."""
        meters = self._meters
        if self._first is None:
            self._first = meters.first()
        return self._first

    def settled(self) -> bool:
        """Return whether the store can be read, and no reading waits in memory for a full disk to be freed."""
        with suppress(StoreError):
            self.first()
            return not self._app.recorder.unstored
        return False

    def met(self, address: str) -> None:
        """Keep, before anything of it is stored, which meter answers; tried again where the store cannot be written."""
        with suppress(StoreError):
            meters = self._meters
            if address == self._noted:
                return
            meters.note(address)
            self._noted, self._first = address, None
