"""Which meter counted when: a fact of the store, as a register of another meter goes on from nowhere."""

from homemon.storage.schema import SOUND
from homemon.storage.store import Store
from homemon.storage.trust import METERED


class Meters:
    """The meters whose half-hours a store holds, each known by its link-local address."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def exchanges(self) -> list[int]:
        """Return the Unix times from which each later meter counted; the energy across one is not known.

        Raise StoreError.
        """
        return [since for since, _ in self._rows() if since]

    def first(self) -> int:
        """Return since when the present meter counts, 0 where there was no other. Raise StoreError."""
        return max((since for since, _ in self._rows()), default=0)

    def note(self, address: str) -> None:
        """Note that the meter at `address` is the present one; what is stored until now is of the one before.

        Raise StoreError.
        """
        store = self._store
        if self._present() == address:  # without a writer's lock, as nearly always
            return
        with store.db.explained("written"), store.db.writing():
            if self._present() == address:
                return
            rows = self._rows()
            since = max(self._newest() + 1, rows[-1][0] + 1) if rows else 0
            store.db.execute("INSERT INTO meter VALUES (?, ?)", (since, address))

    def _present(self) -> str | None:
        rows = self._rows()
        return rows[-1][1] if rows else None

    def _newest(self) -> int:
        """Return the time of the newest half-hour, 0 for an empty store."""
        marks = ",".join("?" * len(METERED))
        metered = f"SELECT id FROM series WHERE measurement IN ({marks})"
        query = f"SELECT max(time) FROM point WHERE series IN ({metered}) AND {SOUND}"
        newest: int | None = self._store.db.execute(query, METERED).fetchone()[0]
        return newest or 0

    def _rows(self) -> list[tuple[int, str]]:
        with self._store.db.explained("read"):
            return self._store.db.execute("SELECT since, address FROM meter ORDER BY since").fetchall()
