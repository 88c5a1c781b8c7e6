"""Many faults, and a table of what became of them."""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.longrun.rot.faults import Outcome, make, one


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.longrun.rot", description=__doc__)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=14)
    options = parser.parse_args()
    random = Random(options.seed)
    counts: Counter[Outcome] = Counter()
    with TemporaryDirectory() as name:
        truth = make(Path(name) / "sound", options.days)
        for number in range(options.faults):
            kind, outcome, said = one(Path(name) / "sound", Path(name) / "rotten", truth, random)
            counts[outcome] += 1
            if outcome not in (Outcome.HARMLESS, Outcome.REPORTED):
                print(f"{number}: {kind}: {outcome.value}: {said}")
    print(f"{options.faults} faults, seed {options.seed}, {len(truth)} points:")
    for outcome in Outcome:
        print(f"  {counts[outcome]:4} {outcome.name.lower():9} {outcome.value}")
    return int(counts[Outcome.HARMLESS] + counts[Outcome.REPORTED] < options.faults)


if __name__ == "__main__":
    raise SystemExit(main())
