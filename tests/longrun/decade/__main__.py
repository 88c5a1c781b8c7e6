"""`make decade`: ten years of a house; prints how files and memory grew, and draws it for docs/operations.md."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

from homemon.core.points import DAY, midnight
from tests import ROOT
from tests.longrun.decade.drawing import draw
from tests.longrun.decade.house import COMMANDS, Growth, Years
from tests.servers import Asked, Reply, ScriptedServer

IN_MEMORY = Path("/dev/shm")
KEPT = (0, 730)
"""keep_days of the houses."""
QUARTER = 91
"""Days from one look at the files to the next."""


def decade(folder: Path, years: int, kept: int) -> list[Growth]:
    """Return how a house grew, each quarter; memory once a year."""
    server = ScriptedServer()

    def forget(_: Asked) -> Reply:
        server.asked.clear()
        return Reply()

    server.answer = forget
    try:
        house, grown = Years(folder, midnight(int(time())) + DAY, server.url, kept), list[Growth]()
        for days in range(0, int(years * 365.25), QUARTER):
            house.live(days, days + QUARTER)
            whole = len(grown) % 4 == 3
            grown.append(house.grown(days + QUARTER, tuple(COMMANDS) if whole else ("upload",)))
            print(f"keep_days = {kept}: {grown[-1]}", file=sys.stderr, flush=True)
        return grown
    finally:
        server.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=10)
    options = parser.parse_args()
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as name:
        houses = {kept: decade(Path(name, str(kept)), options.years, kept) for kept in KEPT}
    for kept, grown in houses.items():
        print(f"\nkeep_days = {kept}\n\n| days | files, MB | {' | '.join(f'{name}, MB' for name in COMMANDS)} |")
        print("|--:" * (2 + len(COMMANDS)) + "|")
        for each in grown:
            if len(each.memory) > 1:
                memory = " | ".join(f"{each.memory[name]:.0f}" for name in COMMANDS)
                print(f"| {each.days} | {each.files:.0f} | {memory} |")
    for path in draw(houses, ROOT / "docs" / "pictures"):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
