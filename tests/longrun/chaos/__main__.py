"""`make chaos`: the system under test, under stress for a while, and what is found wrong with it at the end.

    python -m tests.longrun.chaos [--seconds 180] [--seed N] [--hurried]
    python -m tests.longrun.chaos --kills 1000

Every command is the real one, as it is; with `--hurried` its pauses are shortened, as in the tests. The
same seed gives the same faults in the same order; when exactly it strikes depends on the machine.

With `--kills` so many processes are killed, shared out evenly between the file systems (`--on` names others),
each mounted for the occasion in a mount namespace of its own. The table goes into docs/reliability.md.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random, randrange
from time import monotonic

import pytest

from tests.filesystems import MOUNTS
from tests.longrun.chaos.faults import live_through
from tests.longrun.chaos.judge import judge
from tests.longrun.chaos.kills import Result, kill_everywhere
from tests.longrun.chaos.storm import storm
from tests.longrun.chaos.system import System, running_system

Strike = Callable[[System, Random, Callable[[str], None]], "Counter[str]"]


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(prog="tests.longrun.chaos")
    parser.add_argument("--seconds", type=float, default=180.0, help="begin no new round after these")
    parser.add_argument("--seed", type=int, default=randrange(10**6), help="of an earlier run, to repeat it")
    parser.add_argument("--hurried", action="store_true", help="shorten the commands' pauses")
    parser.add_argument("--kills", type=int, default=0, help="only kill, so many in all")
    parser.add_argument("--on", default=",".join(sorted(MOUNTS)), help="the file systems for --kills")
    parser.add_argument("--here", action="store_true", help="this process is in a mount namespace of its own")
    options = parser.parse_args()
    if options.here:
        return killed(options.on, options.kills, options.seed)
    if options.kills:
        return kill_everywhere(options.on.split(","), options.kills, options.seed)
    return stressed(options.seconds, options.seed, options.hurried)


def stressed(seconds: float, seed: int, hurried: bool) -> int:
    """Make rounds of faults for so long; return whether anything was lost, doubled or wrong."""
    began = monotonic()

    def strike(system: System, rng: Random, report: Callable[[str], None]) -> Counter[str]:
        done: Counter[str] = Counter()
        while monotonic() - began < seconds:
            done += live_through(system, rng, report)
        return done

    return run(seed, strike, "hurried" * hurried, within=seconds + 400).faults > 0


def killed(on: str, kills: int, seed: int) -> int:
    """A storm of kills on one file system, whose result goes to stdout."""
    result = run(seed, lambda system, rng, report: storm(system, rng, kills, report), "hurried", within=800, on=on)
    print(result.line())
    return result.faults > 0


def run(seed: int, strike: Strike, altered: str, within: float, on: str = "") -> Result:
    """Run a system, strike it, and return the judgement."""
    folder = Path(tempfile.mkdtemp(prefix="homemon-chaos-"))
    print(f"seed {seed}, in {folder}", flush=True)
    began = monotonic()

    def report(text: str) -> None:
        print(f"{monotonic() - began:6.1f} s  {text}", flush=True)

    with running_system(folder, altered, within=within, on=on) as system:
        done = strike(system, Random(seed), report)
        report("coming to rest")
        system.come_to_rest()
        verdict, warnings = judge(system.evidence()), system.warnings()
    print(f"\n{'fault':<40}times")
    for name, times in sorted(done.items()):
        print(f"{name:<40}{times:5}")
    print(f"\n{'processes':<40}{len(system.runs):5}")
    for name, value in verdict._asdict().items():
        print(f"{name:<40}{value if isinstance(value, int) else len(value):5}")
    faults = verdict.faults + warnings
    print(*faults, sep="\n")
    print(f"seed {seed}: {f'{len(faults)} faults; see {folder}' if faults else 'nothing lost, doubled or wrong'}")
    if not faults:
        shutil.rmtree(folder)
    lost, doubled, wrong = len(verdict.lost), len(verdict.doubled), len(verdict.wrong)
    kills = sum(run.killed for run in system.runs)
    return Result(on, kills, verdict.printed, lost, doubled, wrong, len(warnings), round(monotonic() - began))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (pytest.skip.Exception, pytest.fail.Exception, OSError) as reason:
        sys.exit(str(reason))
