"""A storm over a real Home Assistant: `python -m tests.longrun.home_assistant FOLDER [--events N] [--seed S]`.

FOLDER is one that was set up for it (`real.py`). Readings of a simulated house are stored with gaps, late, corrected;
prices change; Home Assistant and homemon are killed in the middle, Home Assistant is away, and restored from a backup,
as is the store. After each event every hour there has to equal what was given, by `judge.py`.
"""

import signal
import sys
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from homemon.core.points import HOUR
from tests.longrun.home_assistant.live import Living
from tests.longrun.home_assistant.real import RealHome
from tests.longrun.home_assistant.storm import Storm, storm


def run(folder: Path, events: int, seed: int, weeks: int, live: int) -> int:
    home = RealHome(folder)
    try:
        home.start()
        with ExitStack() as stack:
            name = Path(stack.enter_context(TemporaryDirectory()))
            if not live:
                return passes(home, Storm(home, name, seed, weeks), events, f"seed {seed}")
            one = Living(home, name, seed, weeks, stack)
            begin, end, wrong = one.now, one.until, 0
            for number in range(live):
                one.until = begin + (end - begin) * (number + 1) // live // HOUR * HOUR
                one.random.seed(seed + number)
                wrong += passes(home, one, events, f"seed {seed + number}")
                print(f"killed: {dict(one.killed)}; hours: {one.hours()}")
            return int(wrong > 0)
    finally:
        home.remove()


def passes(home: RealHome, one: Storm, events: int, seed: str) -> int:
    """Let a storm pass; print what happened, and return 1 where anything was wrong."""
    wrong, counts, began = 0, Counter[str](), monotonic()
    for number, (event, said, found) in enumerate(storm(one, events)):
        counts[event] += 1
        wrong += bool(found)
        print(f"{number:3} {event:16} {monotonic() - began:6.1f} s  {said}", *found[:5], sep="\n      ", flush=True)
    print(*home.complaints(), f"{events} events, {seed}, {wrong} wrong: {dict(counts)}", sep="\n", flush=True)
    return int(wrong > 0 or bool(home.complaints()))


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.longrun.home_assistant", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=12)
    parser.add_argument("--live", type=int, default=0, metavar="N", help="a house that is alive; N storms in a row")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that Home Assistant ends too
    return run(options.folder, options.events, options.seed, options.weeks, options.live)


if __name__ == "__main__":
    raise SystemExit(main())
