"""A storm over a real Home Assistant: `python -m tests.longrun.home_assistant FOLDER [--events N] [--seed S]`.

FOLDER is one that was set up for it (`real.py`). Readings of a simulated house are stored with gaps, late, corrected;
prices change; Home Assistant and homemon are killed in the middle, Home Assistant is away, and restored from a backup,
as is the store. After each event every hour there has to equal what was given, by `judge.py`.
"""

import signal
import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.longrun.home_assistant.real import RealHome
from tests.longrun.home_assistant.storm import storm


def run(folder: Path, events: int, seed: int, weeks: int) -> int:
    home = RealHome(folder)
    wrong, counts, began = 0, Counter[str](), monotonic()
    try:
        home.start()
        with TemporaryDirectory() as name:
            for number, (event, said, found) in enumerate(storm(home, Path(name), events, seed, weeks)):
                counts[event] += 1
                wrong += bool(found)
                print(f"{number:3} {event:16} {monotonic() - began:6.1f} s  {said}", *found[:5], sep="\n      ")
        print(*home.complaints(), f"{events} events, seed {seed}, {wrong} wrong: {dict(counts)}", sep="\n")
        return int(wrong > 0 or bool(home.complaints()))
    finally:
        home.remove()


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.longrun.home_assistant", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=12)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that Home Assistant ends too
    return run(options.folder, options.events, options.seed, options.weeks)


if __name__ == "__main__":
    raise SystemExit(main())
