"""What the server failed on, kept from one round of sending to the next: which lines, and when to try them again.

A cron job is a process of its own each time. Without this memory each round would begin with the line that the
server fails on, and never get past it.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from homemon.storage.outbox import Stretch

MOST = 32  # stretches; of more the nearest ones are joined
EVER = 1 << 62


class Held(NamedTuple):
    """Lines with one head from `first` to `last` (Unix seconds) that the server failed on; not sent until `retry_at`.

    `newest`: no newer line with this head got through either, so those that come are held too.
    `failures` counts how often in a row, `text` is what the server said.
    """

    head: str
    first: int
    last: int
    newest: bool
    retry_at: float
    failures: int
    text: str

    @property
    def stretch(self) -> Stretch:
        """The lines that are not sent."""
        return Stretch(self.head, self.first, EVER if self.newest else self.last)


def dumped(held: Sequence[Held]) -> str:
    """Return stretches as text, for the store."""
    return json.dumps(held)


def loaded(text: str) -> list[Held]:
    """Return what `dumped` was given; an empty list where it cannot be read, which only costs some requests."""
    try:
        return [Held(*row) for row in json.loads(text)]
    except (ValueError, TypeError):
        return []


def fewer(held: Sequence[Held], most: int = MOST) -> list[Held]:
    """Return the same in at most `most` stretches, newest first: neighbours with one head are joined."""
    kept = sorted(held, key=lambda one: (one.head, -one.last))
    while len(kept) > most:
        gaps = [
            (newer.first - older.last, i) for i, (newer, older) in enumerate(pairwise(kept)) if newer.head == older.head
        ]
        if not gaps:
            break
        _, i = min(gaps)
        newer, older = kept[i : i + 2]
        kept[i : i + 2] = [newer._replace(first=older.first)]
    return sorted(kept, key=lambda one: -one.last)
