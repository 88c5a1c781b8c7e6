"""`python -m tests.year`: a year of faults; writes docs/reliability.md and exits 1 when anything was lost or wrong."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.year.faults import KINDS, LONG_OUTAGE
from tests.year.report import in_the_order_of, page
from tests.year.world import World

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
IN_MEMORY = Path("/dev/shm")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=365.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print", action="store_true", help="print the page, and leave docs/reliability.md alone")
    options = parser.parse_args()
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        world = World(Path(folder), options.days, options.seed)
        verdict = world.run()
    happened = in_the_order_of([kind.name for kind in (*KINDS, LONG_OUTAGE)], world.happened)
    text = page(verdict, happened, world.clocks, options.days, options.seed)
    print(text)
    if not options.print:
        PAGE.write_text(text, "utf-8")
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
