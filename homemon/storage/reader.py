"""The store for programs that only read it."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from homemon.core.errors import StoreError
from homemon.core.points import Number, Point
from homemon.storage.archive import Series
from homemon.storage.database import FILE
from homemon.storage.store import Store

EVER = 1 << 62  # Unix seconds


class Reader:
    """The readings of the store at `path`, its folder or its file; homemon may write meanwhile. Raise StoreError.

    Use it in a `with` block, or call `close`. An older store is brought up to this version's schema.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = Path(path).expanduser()
        folder = given.parent if given.name == FILE else given
        if not (folder / FILE).exists():
            raise StoreError(f"there is no store at {given}", "Name the folder of [store] dir, or its homemon.db.")
        self._store = Store(folder)
        self._store.db.report = lambda text, hint: warnings.warn(f"{text}. {hint}", stacklevel=2)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def series(self) -> list[Series]:
        """Return each series that was ever stored: its measurement, field and tags (as text, such as `,home=nara`)."""
        return self._store.archive.series()

    def points(self, since: int = 0, until: int = EVER, measurement: str | None = None) -> Iterator[Point]:
        """Yield points from `since` up to but not including `until` (Unix seconds), oldest first."""
        for time, name, tags, fields in self._store.archive.lines(since, until, measurement):
            yield Point(name, fields, time, tags)

    def values(
        self, measurement: str, field: str = "value", since: int = 0, until: int = EVER, tags: str | None = None
    ) -> Iterator[tuple[int, Number]]:
        """Yield the times (Unix seconds) and values of one series, oldest first; its unit is in docs/data.md."""
        return self._store.archive.values(measurement, field, since, until, tags)

    def latest(
        self, measurement: str, field: str = "value", until: int = EVER, tags: str | None = None
    ) -> tuple[int, Number] | None:
        """Return the newest time (Unix seconds) and value of one series before `until`, None where there is none."""
        return self._store.archive.latest(measurement, field, until, tags)
