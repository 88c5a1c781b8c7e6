"""What a run comes to, as docs/reliability.md."""

from collections import Counter
from collections.abc import Iterable, Mapping

from tests.year.books import Verdict
from tests.year.faults import RECOVERY

PAGE = """# No half-hour is lost: what was run

`make year` lets a simulated house run for a year in virtual time, with the real parsers, dialogues, device tables,
store and delivery, and the real commands' loops over them. Only the lowest layer is exchanged: the serial lines, the
UDP port, the HTTP request, the clock and the disk. Faults fall by a seeded schedule (`tests/year/faults.py`). A power
cut takes with it what SQLite has not synced: of the later writes any part stays, in any order, some torn.
`make test` runs a month of it. This page is written by `make year`.

The last run: {days:g} days from 2027-01-01, seed {seed}.

## What was to be recorded, and what came of it

{readings}

A half-hour is right when it equals the simulated house's own register. The solar monitor is read four times a day,
the EcoCute each ten minutes, the power each minute. Power readings have no time of their own and cannot be asked for
later; they are expected where the Pi and the radio were there to hear them. Up to {recovery:g} minutes to join
again count as away. Minutes without power, by why:

{missing}

{printed:,} lines were printed; {printed_lost} of them are missing in the store. The server held {served:,} points
in the end; {differs} differ from the store. SQLite's integrity check found {faults} faults.

## What went wrong meanwhile

{happened}

The clock at boot, until NTP set it (25 s to 2 h later):

{clocks}

## What it rests on

A test switches each of these off and sees the run fail: the commit before the line is printed and sent, the repair
from the meter's record, the wait for the unit (E1), and, with real processes, the locks
(`tests/test_year.py`, `tests/test_safeguards.py`). `make chaos` kills and unplugs real processes beside the real
InfluxDB.
"""


def page(verdict: Verdict, happened: Mapping[str, int], clocks: Mapping[str, int], days: float, seed: int) -> str:
    """The whole page."""
    rows = ((row.what, row.expected, row.stored, row.lost, row.wrong) for row in verdict.rows)
    return PAGE.format(
        days=days,
        seed=seed,
        recovery=RECOVERY / 60,
        readings=table(("reading", "expected", "stored", "lost", "wrong"), rows),
        missing=table(("why", "minutes"), sorted(verdict.missing.items())),
        printed=verdict.printed,
        printed_lost=verdict.printed_lost,
        served=verdict.served,
        differs=verdict.server_differs,
        faults=len(verdict.faults),
        happened=table(("fault", "times"), happened.items()),
        clocks=table(("the clock showed", "boots"), sorted(clocks.items())),
    )


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table; numbers with separators, to the right."""
    lines = [head, ("---", *("--:" for _ in head[1:]))]
    lines += [tuple(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def in_the_order_of(names: Iterable[str], counted: Counter[str]) -> dict[str, int]:
    """What was counted, in a given order; what is not in it comes last."""
    return {name: counted[name] for name in dict.fromkeys([*names, *counted]) if counted[name]}
