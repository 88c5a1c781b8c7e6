"""What every place has in common that readings are delivered to."""

from typing import NamedTuple

from homemon.delivery.verdicts import Answer


class Outcome(NamedTuple):
    """What one round did."""

    sent: int
    trouble: Answer | None = None
