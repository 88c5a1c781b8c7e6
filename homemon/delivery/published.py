"""What was published, kept in the store for the next process: cron's polls and the listeners share it."""

import json
from collections.abc import Iterable
from secrets import token_hex

from homemon.core.points import DAY
from homemon.delivery.live import Live
from homemon.sources.source import Series
from homemon.storage.database import Database

FACT, HOUSE, LANGUAGE = "mqtt", "house", "mqtt_language"


class Published:
    """The account of publishing to one place `where`; nothing is known of another's. Raise StoreError."""

    def __init__(self, db: Database, where: str) -> None:
        self._db = db
        self._where = where
        found = json.loads(str(db.recall(FACT) or "{}"))
        here = found.get("where") == where
        self._newest: dict[str, int] = found["newest"] if here else {}
        self._listeners: dict[str, int] = found["listeners"] if here else {}

    def lacks(self, value: Live) -> bool:
        """Return whether nothing as new was published of a value's series."""
        return value.time > self._newest.get(_key(value.series), 0)

    def note(self, values: Iterable[Live]) -> None:
        """Note that values were published."""
        self._newest.update({_key(each.series): each.time for each in values})
        self._keep()

    def forget(self, since: int) -> None:
        """Forget what was published of values that are dated from `since` on, Unix seconds."""
        self._newest = {key: time for key, time in self._newest.items() if time < since}
        self._keep()

    def note_listener(self, listener: str, now: int) -> None:
        """Note that a listener says `now` (Unix seconds) whether it runs."""
        self._listeners[listener] = now

    def listeners(self, now: int) -> list[str]:
        """Return which listeners said so within a day."""
        return sorted(name for name, seen in self._listeners.items() if seen > now - DAY)

    def _keep(self) -> None:
        account = {"where": self._where, "newest": self._newest, "listeners": self._listeners}
        self._db.remember(**{FACT: json.dumps(account)})


def house(db: Database) -> str:
    """Return a name that no other store has, the same as long as this one is there. Raise StoreError."""
    return str(db.recall(HOUSE) or _remembered(db, HOUSE, token_hex(4)))


def language(db: Database, wanted: str | None, ours: str) -> str:
    """Return the language that things have: the wanted one, else that of who first came by. Raise StoreError."""
    return wanted or str(db.recall(LANGUAGE) or _remembered(db, LANGUAGE, ours))


def _remembered(db: Database, key: str, value: str) -> str:
    db.remember(**{key: value})
    return value


def _key(series: Series) -> str:
    return f"{series.measurement} {series.field}"
