"""Whose readings a store's sets of tags are.

A reading of the house is one reading, whatever [tags] said when it was stored. So each configuration that
writes keeps, among the store's facts, the sets of tags it has had. Three kinds follow for one of them:

    own       those it has had itself
    unclaimed those that nobody claims: of a store from before this was kept, or of a configuration that is gone;
              they are read as our own where our own has no reading of the time
    foreign   those that another configuration claims: another home, another room
"""

import json
from pathlib import Path
from typing import NamedTuple

from homemon.storage.database import Database

FACT = "tags "  # and the configuration's path: the key of a fact
CLAIMS = f"SELECT key, value FROM delivery WHERE key GLOB '{FACT}*'"
OTHERS = "SELECT tags FROM series WHERE tags <> ? GROUP BY tags ORDER BY max(id) DESC"


class TagSets(NamedTuple):
    """The sets of one configuration, each as `points.tags_text` gives it: `own` newest first, the present one ahead."""

    own: tuple[str, ...]
    unclaimed: tuple[str, ...]


def tag_sets(db: Database, tags: str, origin: str) -> TagSets:
    """Return the sets of the configuration at `origin`, the present one being `tags`. To call within `explained`."""
    claims = {key.removeprefix(FACT): list(json.loads(kept)) for key, kept in db.execute(CLAIMS)}
    former = [each for each in reversed(claims.pop(origin, [])) if each != tags]
    foreign = {each for other, sets in claims.items() if _is_there(other) for each in sets}
    others = db.execute(OTHERS, (tags,))
    return TagSets((tags, *former), tuple(each for (each,) in others if each not in former and each not in foreign))


def claim(db: Database, sets: TagSets, origin: str) -> None:
    """Keep that the configuration at `origin` has these sets; nothing without one. Within `writing`."""
    statement = """
        INSERT INTO delivery VALUES (?, ?)
        ON CONFLICT DO UPDATE SET value = excluded.value WHERE value <> excluded.value
    """
    if origin:
        db.execute(statement, (FACT + origin, json.dumps(list(reversed(sets.own)))))


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # in a folder of somebody else's
        return True
