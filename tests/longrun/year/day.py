"""A day with some faults, for a test."""

from pathlib import Path

from tests.longrun.year.books import Verdict
from tests.longrun.year.faults import ANSWERS_GONE, SCHEDULED, Fault, Kind
from tests.longrun.year.world import START, World

KIND = {kind.name: kind for kind in (*SCHEDULED, ANSWERS_GONE)}


def live(
    disk: Path, *faults: tuple[str | Kind, float, float], days: float = 1.0, history_days: int = 7, seed: int = 1
) -> Verdict:
    """A day with such faults: (kind, seconds after the start, seconds that it lasts)."""
    happening = [
        Fault(START + after, seconds, KIND[kind] if isinstance(kind, str) else kind) for kind, after, seconds in faults
    ]
    return World(disk, days, seed, happening, history_days).run()
