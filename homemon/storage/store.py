"""The store in a folder: one SQLite file that is archive and outbox.

A row is one field of one point: `(series, time)` is unique, so fields of one point merge as in InfluxDB, and a
value that comes again changes nothing. Only a new or changed value waits to be sent (again).
"""

from collections.abc import Callable
from pathlib import Path

from homemon.storage.archive import Archive
from homemon.storage.connection import BUSY_SECONDS
from homemon.storage.database import Database
from homemon.storage.ledger import Changes
from homemon.storage.outbox import Outbox
from homemon.storage.trust import ClockTrust


class Store:
    """The file `db`, and what is done with it: `archive`, `outbox`, `clock`; one connection, for one thread.

    `tags` and `origin` are the archive's. `busy`: seconds to wait for another process that writes. Raises StoreError.
    """

    def __init__(
        self,
        folder: Path,
        tags: str = "",
        busy: float = BUSY_SECONDS,
        origin: str = "",
        database: Callable[[Path, float], Database] = Database,
    ) -> None:
        self.db = database(folder, busy)
        self.clock = ClockTrust(self.db)
        self.archive = Archive(self.db, self.clock, tags, origin)
        self.outbox = Outbox(self.db)

    @property
    def path(self) -> Path:
        """The database's file."""
        return self.db.path

    def outbox_of(self, sink: str) -> Outbox:
        """Return what the server of this sink lacks."""
        return Outbox(self.db, sink)

    def changes(self, sink: str) -> Changes:
        """Return what was added or changed since this sink last settled; it has an account (`keep_accounts`)."""
        return Changes(self.db, sink)

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self.db.close()
