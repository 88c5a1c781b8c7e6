"""What is said of a place that readings go to, in words of what it gets: points, values, or hours."""

from typing import NamedTuple


class Wording(NamedTuple):
    """Sentences with `{}` in place of numbers.

    `takes`: a place is there and would take it. `kept`: what becomes of readings where it is not. `sent` so much in the
    background, `held` so much that a trouble keeps back. `done` is what a command sent, what waits, and what is parked.
    """

    takes: str
    kept: str
    sent: str
    held: str
    done: str


POINTS = Wording(
    takes="{} takes points",
    kept="Readings are kept, and sent when it works",
    sent="{}: sent {} points",
    held="{} points wait, and are sent when it works again",
    done="{} sent, {} waiting, {} parked",
)
VALUES = Wording(
    takes="{} takes values",
    kept="Readings are kept, and the newest values are sent when it works",
    sent="{}: sent {} values",
    held="the newest values are sent when it works again",
    done="{} values sent, {} waiting",
)
HOURS = Wording(
    takes="{} takes hours",
    kept="Readings are kept, and the hours are written when it works",
    sent="{}: wrote {} hours",
    held="{} hours are to be compared, and are written when it works again",
    done="{} hours written, {} to be compared",
)
WORDINGS = {"mqtt": VALUES, "homeassistant": HOURS}


def wording(name: str) -> Wording:
    """Return what is said of the place of this name; any other than those above is a server's."""
    return WORDINGS.get(name, POINTS)
