"""Which meter counted when: a fact of the store, as a register of another meter goes on from nowhere."""

from homemon.storage.schema import SOUND
from homemon.storage.store import Store
from homemon.storage.trust import METERED


class Meters:
    """The meters whose half-hours a store holds, each known by its link-local address."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def exchanges(self) -> list[int]:
        """From which Unix time on each later meter counted; what is between two readings across it is not known.

        Raises StoreError.
        """
        return [since for since, _ in self._rows() if since]

    def first(self) -> int:
        """Since when the present meter counts, 0 where there was no other. Raises StoreError."""
        return max((since for since, _ in self._rows()), default=0)

    def note(self, address: str) -> None:
        """The meter at `address` is the present one; what is stored until now is of the one before.

        Raises StoreError.
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
        """The time of the newest half-hour, 0 where there is none."""
        marks = ",".join("?" * len(METERED))
        metered = f"SELECT id FROM series WHERE measurement IN ({marks})"
        query = f"SELECT max(time) FROM point WHERE series IN ({metered}) AND {SOUND}"
        newest: int | None = self._store.db.execute(query, METERED).fetchone()[0]
        return newest or 0

    def _rows(self) -> list[tuple[int, str]]:
        with self._store.db.explained("read"):
            return self._store.db.execute("SELECT since, address FROM meter ORDER BY since").fetchall()
