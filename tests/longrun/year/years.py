"""A year, in a process of its own."""

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.longrun.year.faults import DAY, SCHEDULED
from tests.longrun.year.report import Year
from tests.longrun.year.world import START, World

IN_MEMORY = Path("/dev/shm")


def one_year(days: float, seed: int) -> Year:
    """One year."""
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        world = World(Path(folder), days, seed)
        for day in range(10, int(days), 10):
            world.time.at(START + day * DAY, partial(print, f"seed {seed}: day {day}", file=sys.stderr, flush=True))
        verdict = world.run()
    happened = {kind.name: world.happened[kind.name] for kind in SCHEDULED if world.happened[kind.name]}
    return Year(seed, verdict, happened, dict(world.clocks), world.longest_life / DAY)
