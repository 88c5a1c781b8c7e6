"""`make chaos`: a household under stress for a while, and what is found wrong with it at the end.

    python -m tests.chaos [--seconds 180] [--seed N] [--hurried]

Every command is the real one, as it is; with `--hurried` its pauses are shortened, as in the tests. The
same seed gives the same mischief in the same order; when exactly it strikes depends on the machine.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random, randrange
from time import monotonic

import pytest

from tests.chaos.household import household
from tests.chaos.judge import judge
from tests.chaos.mischief import live_through


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(prog="tests.chaos")
    parser.add_argument("--seconds", type=float, default=180.0, help="begin no new round after these")
    parser.add_argument("--seed", type=int, default=randrange(10**6), help="of an earlier run, to repeat it")
    parser.add_argument("--hurried", action="store_true", help="shorten the commands' pauses")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="homemon-chaos-"))
    print(f"seed {options.seed}, in {folder}", flush=True)
    began = monotonic()

    def tell(text: str) -> None:
        print(f"{monotonic() - began:6.1f} s  {text}", flush=True)

    done: Counter[str] = Counter()
    rng = Random(options.seed)
    with household(folder, "hurried" * options.hurried, within=options.seconds + 1800) as house:
        while monotonic() - began < options.seconds:
            done += live_through(house, rng, tell)
        tell("coming to rest")
        house.come_to_rest()
        verdict, complaints = judge(house.evidence()), house.complaints()
    print(f"\n{'mischief':<40}times")
    for name, times in sorted(done.items()):
        print(f"{name:<40}{times:5}")
    print(f"\n{'processes':<40}{len(house.runs):5}")
    for name, value in verdict._asdict().items():
        print(f"{name:<40}{value if isinstance(value, int) else len(value):5}")
    faults = verdict.faults + complaints
    print(*faults, sep="\n")
    print(
        f"seed {options.seed}: {f'{len(faults)} faults; see {folder}' if faults else 'nothing lost, doubled or wrong'}"
    )
    if not faults:
        shutil.rmtree(folder)
    return bool(faults)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        sys.exit(str(reason))
