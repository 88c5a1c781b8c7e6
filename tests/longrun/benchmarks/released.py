"""What the last release measured: `released/` has docs/performance.md of each release, by its version."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "released"
NOISE = 0.05
"""By which part of itself a ratio may differ from one run to the next."""
ROW = re.compile(r"\| (?P<what>.+) \| (?P<ours>.+) \| (?P<reference>.+) \| .+ \| (?P<ratio>[0-9.]+).* \| .*\|")


class Ratio(NamedTuple):
    """Homemon ÷ the other; of a rate, more is better."""

    value: float
    is_rate: bool

    def worse_than(self, before: "Ratio") -> float:
        """Return by which part of what it was a ratio is worse; below 0 where it is better."""
        change = self.value / before.value - 1
        return -change if self.is_rate else change


Ratios = Mapping[tuple[str, str], Ratio]
"""By what was measured, against what."""


def ratios(page: str) -> Ratios:
    """Return what was measured of a page's rows."""
    rows = filter(None, map(ROW.fullmatch, page.splitlines()))
    return {(row["what"], row["reference"]): Ratio(float(row["ratio"]), row["ours"].endswith("/s")) for row in rows}


def newest(folder: Path = FOLDER) -> tuple[str, Ratios]:
    """Return the last release that has a page: its version, and what it measured."""
    page = max(folder.glob("*.md"), key=lambda path: [int(part) for part in path.stem.split(".")])
    return page.stem, ratios(page.read_text("utf-8"))


def compared(now: Ratios, version: str, before: Ratios) -> Iterator[str]:
    """Yield the lines that say what got worse since a release, beyond what is noise, the worst first."""
    both = [row for row in now if row in before]
    by = {row: now[row].worse_than(before[row]) for row in both}
    worse = sorted((row for row in both if by[row] > NOISE), key=by.__getitem__, reverse=True)
    yield f"\n## Since {version}\n"
    yield f"Of {len(both)} rows that {version} had as well, {len(worse)} got worse by more than {NOISE:.0%}."
    if worse:
        yield f"\n| what | measured against | {version} | now | worse by |\n|---|---|---|---|---|"
    for row in worse:
        yield f"| {row[0]} | {row[1]} | {before[row].value:.3g} | {now[row].value:.3g} | {by[row]:.0%} |"
