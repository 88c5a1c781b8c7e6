"""What the years come to, as docs/reliability.md."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tests.longrun.year.books import Verdict
from tests.longrun.year.faults import DAY, HOUR, MINUTE, REJOIN, SCHEDULED, SEARCH, Kind

PAGE = """# No half-hour is lost: what was run

`make year` lets a simulated house run for a year in virtual time, with the real parsers, dialogues, device tables,
store and delivery, and the real commands' loops over them. Only the lowest layer is exchanged: the serial lines, the
UDP port, the HTTP request, the clock and the disk. Faults fall by a seeded schedule (`tests/longrun/year/faults.py`).
A power cut takes with it what SQLite has not synced: of the later writes any part stays, in any order, some torn.
Power is cut in some months only; in the others one listener lives on through all the rest,
the longest for {life:.0f} days.
`make test` runs a month of it. This page is written by `make year`, for {days:g} days from 2027-01-01 each.

## What was to be recorded, and what came of it

{years}

A half-hour is right when it equals the register of the meter that was there then: the meter is exchanged {exchanged}
times, each time for one with another unit, coefficient and number of digits, whose registers begin anew soon after.
The solar monitor is read four times a day, the EcoCute each ten minutes, the power each minute, the running
registers each hour.

Power readings have no time of their own and cannot be asked for later; they are expected where the Pi and the radio
were there to receive them. Up to {rejoin:g} minutes to join again count as away, {search:g} after the radio was.
Of a flipped bit nothing reports where it makes of a power reading, or of a running register, another that can be:
these are counted apart. Half-hours are compared with the meter's own record, and are right in the end.

Minutes without power, by why:

{missing}

## What went wrong meanwhile

{happened}

The clock at boot, until NTP set it (25 s to 2 h later):

{clocks}

## What it rests on

A test switches each of these off and sees the run fail. In virtual time (`tests/longrun/test_year.py`,
`tests/longrun/test_year_safeguards.py`): the commit before the line is printed and sent, and that it is synced; the
repair from the meter's record, and that a refusal does not end it; the wait for the unit (E1), and that a refusal does
not replace it; that a doubtful half-hour is confirmed; that a server's words are judged before its status, and that no
series waits behind another; that the store's path is looked at. With real processes
(`tests/longrun/test_safeguards.py`): the locks, by whom they are held on every file system, that a reading and the
account of who lacks it are one commit, that only the answer of a server or broker counts as sent, that Home Assistant's
hours are read back, and that a listener does not wait for who reads its output. `make chaos` kills
and unplugs real processes, real InfluxDBs and a real broker.

{others}"""
UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"))
YEAR = """\
### Seed {seed}

{readings}

{printed:,} lines were printed; {printed_lost} of them are missing in the store. The server held {served:,} points
in the end; {differs} differ from the store. While a part of the server was ill, {starved} points of the others
waited for it longer than two hours. SQLite's integrity check found {faults} faults.
"""


class Year(NamedTuple):
    """One run. `happened`: fault → times; `clocks`: what the clock showed → boots; `life`: days of one listener."""

    seed: int
    verdict: Verdict
    happened: Mapping[str, int]
    clocks: Mapping[str, int]
    life: float


def page(years: Sequence[Year], days: float, others: str) -> str:
    """The whole page; `others` are the sections that others write."""
    excuses = sorted({why for year in years for why in year.verdict.missing})
    clocks = sorted({clock for year in years for clock in year.clocks})
    seeds = [f"seed {year.seed}" for year in years]
    minutes = [sum(year.verdict.missing.values()) for year in years]
    text = PAGE.format(
        life=max(year.life for year in years),
        days=days,
        years="\n".join(map(_year, years)).rstrip(),
        exchanged=max(year.happened.get("meter exchanged", 0) for year in years),
        rejoin=REJOIN / 60,
        search=SEARCH / 60,
        missing=table(
            ("why", *seeds),
            [
                *((why, *(year.verdict.missing.get(why, 0) for year in years)) for why in excuses),
                ("in all", *minutes),
                ("of the whole", *(f"{found / days / 14.4:.1f} %" for found in minutes)),
            ],
        ),
        happened=table(
            ("fault", "how long", *seeds),
            ((kind.name, _span(kind), *(year.happened.get(kind.name, 0) for year in years)) for kind in SCHEDULED),
        ),
        clocks=table(
            ("the clock showed", *seeds), ((clock, *(year.clocks.get(clock, 0) for year in years)) for clock in clocks)
        ),
        others=others,
    )
    return text.rstrip() + "\n"


def _year(year: Year) -> str:
    verdict = year.verdict
    rows = ((row.what, row.expected, row.stored, row.lost, row.wrong, row.flipped) for row in verdict.rows)
    return YEAR.format(
        seed=year.seed,
        readings=table(("reading", "expected", "stored", "lost", "wrong", "bit flipped"), rows),
        printed=verdict.printed,
        printed_lost=verdict.printed_lost,
        served=verdict.served,
        differs=verdict.server_differs,
        starved=verdict.starved,
        faults=len(verdict.faults),
    )


def _span(kind: Kind) -> str:
    """How long a fault lasts, for people."""
    return " to ".join(dict.fromkeys(map(_long, (kind.shortest, kind.longest)))) if kind.longest else "at once"


def _long(seconds: float) -> str:
    unit, name = next(
        ((unit, name) for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")) if seconds >= unit), (1.0, "s")
    )
    return f"{seconds / unit:g} {name}"


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table; numbers with separators, to the right."""
    lines = [head, ("---", *("--:" for _ in head[1:]))]
    lines += [tuple(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
