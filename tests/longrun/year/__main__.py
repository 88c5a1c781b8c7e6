"""`python -m tests.longrun.year`: years of faults; writes docs/reliability.md, and exits 1 on a loss or a fault."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from tests.longrun.year.report import page
from tests.longrun.year.years import one_year
from tests.reliability import OTHERS, PAGE, section


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=365.0)
    parser.add_argument("--seeds", default="1,2", help="one year each, at the same time")
    parser.add_argument("--print", action="store_true", help="print the page, and leave docs/reliability.md alone")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    with ProcessPoolExecutor(len(seeds), get_context("spawn")) as pool:
        years = list(pool.map(partial(one_year, options.days), seeds))
    text = page(years, options.days, "".join(map(section, OTHERS)))
    print(text)
    for year in years:
        print(
            *year.verdict.faults,
            *(f"no power from {gap[0]:.0f} to {gap[1]:.0f}" for gap in year.verdict.gaps),
            sep="\n",
        )
    if not options.print:
        PAGE.write_text(text, "utf-8")
    return 0 if all(year.verdict.good for year in years) else 1


if __name__ == "__main__":
    sys.exit(main())
