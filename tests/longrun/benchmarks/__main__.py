"""`make bench`: measures every row, prints the table, and writes docs/performance.md.

Names of themes, or the beginnings of rows, as arguments measure only those, and write nothing.
"""

import gc
import platform
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from homemon.core.points import JST
from tests import ROOT
from tests.longrun.benchmarks import bills, browser, decode, graphs, installed, kyocera, released, start, store, upload
from tests.longrun.benchmarks.measure import BUILD, Benchmark, Unavailable

PAGE = ROOT / "docs" / "performance.md"
THEMES = {
    "Start": start,
    "Decode": decode,
    "Store": store,
    "Upload": upload,
    "Graph": graphs,
    "Page in a browser": browser,
    "Bill": bills,
    "Solar monitor": kyocera,
}
HEAD = """# Performance

What homemon costs, measured against something that can hardly cost less, or that others use. `make bench` writes
this page; `make bench ONLY="start upload"` prints single themes or rows. Each figure is a median, and both sides of a
row are measured in turns in the same run, so that a ratio holds where the figures are the machine's. The ratio is
homemon ÷ the other: of a cost, less is better; of a rate (…/s), more. The reach is what homemon wants to keep. What
got worse since the last release is at the end.

{machine}
"""
TABLE = """
## {}

| what | homemon | measured against | | ratio | reach |
|---|---|---|---|---|---|
"""


def main(only: list[str]) -> int:
    """Measure and report; 0 even where a row misses its reach, for the machine may be busy."""
    BUILD.mkdir(exist_ok=True)
    installed.install()
    gc.freeze()  # as cli.main does with what is imported
    page = HEAD.format(machine=machine())
    for theme, module in THEMES.items():
        wanted = [row for row in module.BENCHMARKS if chosen(theme, row, only)]
        if wanted:
            page += TABLE.format(theme)
            for text in measured(wanted):
                page += text + "\n"
    for text in released.compared(released.ratios(page), *released.newest()):
        page += text + "\n"
    print(page)
    if not only:
        PAGE.write_text(page, "utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}", file=sys.stderr)
    return 0


def chosen(theme: str, row: Benchmark, only: list[str]) -> bool:
    names = (theme.lower(), row.what.replace("`", "").lower())
    return not only or any(name.startswith(wanted.lower()) for wanted in only for name in names)


def measured(rows: list[Benchmark]) -> Iterator[str]:
    """The rows' lines, and behind the table why those that miss do."""
    whys: dict[str, list[str]] = {}
    for row in rows:
        print(f"{row.what} …", file=sys.stderr, flush=True)
        try:
            outcome = row.measure()
        except (Unavailable, pytest.skip.Exception) as error:
            yield f"| {row.what} | – | {row.reference} | – | not measured: {error} | |"
            continue
        reach = "" if row.reach is None else f"{'≥' if row.is_rate else '≤'} {number(row.reach)}"
        missed = row.missed_by(outcome)
        verdict = f", missed by {missed:.1%}" if missed else ""
        ours, reference = map(row.show, outcome)
        ratio = f"{number(row.ratio(outcome))}{verdict}"
        yield f"| {row.what} | {ours} | {row.reference} | {reference} | {ratio} | {reach} |"
        if missed:
            whys.setdefault(row.why, []).append(row.what)
    if whys:
        yield "\nMissed, and why:\n"
    for why, names in whys.items():
        yield f"- {'; '.join(dict.fromkeys(names))}: {why}."


def number(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"


def machine() -> str:
    """Where and when."""
    today = datetime.now(JST)
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()}"
    peers = ", ".join(map(installed.version_of, installed.PEERS))
    return f"{today:%Y-%m-%d}, {model()}. {versions} {platform.release()}. Peers: {peers}."


def model() -> str:
    """A board's own name, else the processor's."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text("utf-8").strip("\0")
    processors = [text for text in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if "model name" in text]
    return f"{len(processors)} × {processors[0].partition(': ')[2]}" if processors else platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
