"""Page, served page, `energy`, `bill` and `status` say the same of the same moment: over a simulated year.

The year has lost half-hours, a night that is known as a sum only, another meter, another contract, and prices that are
corrected afterwards.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from homemon.cli.main import run
from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, HOUR, Point
from homemon.energy.periods import STEPS, day_of
from homemon.runtime import context
from homemon.runtime.context import App
from homemon.runtime.page import render
from homemon.sim.house import House
from homemon.storage.meters import Meters
from homemon.storage.store import Store
from tests.commands import write_config
from tests.judge import midnight
from tests.stores import put

BEGIN, EXCHANGED, NIGHT = date(2025, 2, 1), date(2025, 10, 20), date(2025, 6, 20)
CONTRACTS = """[kyocera]
transport = i2c
[contract]
plan = tepco-juryo-b
ampere = 40
reading_day = 12
[contract 2025-09-12]
plan = tepco-smartlife-s
ampere = 50
reading_day = 12
sell = 16"""
MOMENTS = (
    (date(2025, 2, 10), 9 * HOUR),  # in the first billing period
    (date(2025, 6, 21), 13 * HOUR + 300),  # after a night of which only a sum is known
    (date(2025, 9, 12), 120),  # just after midnight, on the first day of another contract
    (date(2025, 10, 20), 18 * HOUR),  # hours after the meter was exchanged
    (date(2026, 1, 2), 22 * HOUR + 1799),
    (date(2026, 3, 8), 7 * HOUR + 1800),  # of whose period there is one a year before
)
PARTS = {"day": "half-hour", "week": "day", "month": "day", "year": "month"}
DIFFERENCE = r'<small class="(more|less|alike)">.*?</small>'
ENERGIES = ("bought", "sold", "generated", "used")
Cells = list[list[str]]


class Year(NamedTuple):
    """A folder with config.ini and a store that ends `now`, and what a command prints then."""

    folder: Path
    now: int
    say: Callable[..., str]

    def energy(self, by: str, since: date, until: date) -> dict[str, dict[str, str]]:
        """The table of `energy`, by period and head."""
        heads, *lines = self.say("energy", "--by", by, "--since", str(since), "--until", str(until)).splitlines()
        if not lines:
            assert heads == "nothing is known of this period"
        titles = re.split(r"\s{2,}", heads.strip())
        rows = (re.split(r"\s{2,}", line) for line in lines if not line.startswith("~ "))
        return {label: dict(zip(titles, cells, strict=True)) for label, *cells in rows}

    def bills(self) -> dict[str, dict[str, str]]:
        """The row of the running billing period."""
        return self.energy("bill", day_of(self.now), day_of(self.now + DAY))

    def bill(self) -> dict[str, Any] | None:
        """What `bill` says of the running period; None where none of it is stored."""
        if not self.bills():
            assert self.say("bill", status=1) == ""
            return None
        said: dict[str, Any] = json.loads(self.say("bill", "--json"))
        return said

    def status(self) -> str:
        """The last lines of `status`: today and the running period."""
        return self.say("status", status=None)

    def page(self, *arguments: str) -> str:
        """The page of `graph`."""
        self.say("-q", "graph", "--lang", "en", "-o", str(self.folder / "page.html"), *arguments)
        return (self.folder / "page.html").read_text("utf-8")

    def served(self, view: str) -> str:
        """The page of `serve`."""
        app = App(str(self.folder / "config.ini"))
        try:
            return render(app, view, "en").decode()
        finally:
            app.close()


@pytest.fixture
def years(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[date, int], Year]:
    """The house at one moment after the other."""
    write_config(tmp_path, CONTRACTS)
    monkeypatch.chdir(tmp_path)
    house, reached = House(midnight(BEGIN)), midnight(BEGIN)

    def say(*arguments: str, status: int | None = 0) -> str:
        capfd.readouterr()
        ended = run(list(arguments))
        said, complaints = capfd.readouterr()
        assert status is None or (ended == status and bool(complaints) == bool(status)), complaints
        return said

    def at(day: date, seconds: int) -> Year:
        nonlocal reached
        now = midnight(day) + seconds
        record(tmp_path, house, reached, now)
        reached = now // HALF_HOUR * HALF_HOUR
        monkeypatch.setattr(context, "instant", lambda: Instant(float(now), 5000.0, "this boot"))
        return Year(tmp_path, now, say)

    return at


def record(folder: Path, house: House, since: int, until: int) -> None:
    """What was received of the house in a time: the later meter begins at 0."""
    rng, exchange = Random(since), midnight(EXCHANGED) + 11 * HOUR
    night = range(midnight(NIGHT) + 40 * HALF_HOUR, midnight(NIGHT) + 60 * HALF_HOUR)
    store = Store(folder / "store")
    meters = Meters(store)
    for which, begin, end in ((1, since, min(until, exchange)), (2, max(since, exchange), until)):
        if begin >= end:
            continue
        meters.note(f"FE80:0000:0000:0000:0200:AA00:0000:000{which}")
        zero = (0, 0) if which == 1 else (house.register_import(exchange), house.register_export(exchange))
        points = []
        for time in range(begin, end + (end == until), HALF_HOUR):
            if time not in night and rng.random() > 0.02:
                points.append(Point("+power", {"value": (house.register_import(time) - zero[0]) / 10}, time))
                points.append(Point("-power", {"value": (house.register_export(time) - zero[1]) / 10}, time))
            if time + HALF_HOUR <= until:
                points.append(Point("hatuden", {"value": house.generation(time) / 10}, time))
                points.append(Point("baiden_diff", {"value": house.bought_minus_sold(time) / 10}, time))
        put(store, *points)
    store.close()


# --- what a page says -----------------------------------------------------------------------


def text_of(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split()).replace("−", "-")


def table(page: str, name: str) -> tuple[dict[str, list[str]], list[str]]:
    """The rows of a view's table by their heads, and that of the whole."""
    (found,) = re.findall(rf'<table id="table-{name}">(.*?)</table>', page, re.DOTALL)
    body, foot = found.split("<tfoot>")
    rows = re.findall(r'<tr><th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', body, re.DOTALL)
    return (
        {text_of(head): [text_of(cell) for cell in re.findall(r"<td>(.*?)</td>", cells)] for head, cells in rows},
        [text_of(cell) for cell in re.findall(r"<td>(.*?)</td>", foot)],
    )


def figures(page: str, element: str) -> dict[str, str]:
    """The numbers of a section by what they are called."""
    (found,) = re.findall(rf'id="{element}".*?<dl class="figures">(.*?)</dl>', page, re.DOTALL)
    pairs = re.findall(r'<dt>(.*?)</dt><dd><span class="value">(.*?)</span>.*?</span>(.*?)</dd>', found)
    return {label: text_of(value + "".join(re.findall(r" <small>\(.*?</small>", more))) for label, value, more in pairs}


def compared(page: str, element: str) -> dict[str, list[str]]:
    """The table of what is so far, by the name of a row."""
    (found,) = re.findall(rf'id="{element}".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    rows = re.findall(r"<th[^>]*>(.*?)</th>(.*?)</tr>", found, re.DOTALL)
    return {
        text_of(head): [text_of(re.sub(DIFFERENCE, "", cell)) for cell in re.findall(r"<td>(.*?)</td>", cells)]
        for head, cells in rows
    }


def of_energy(row: Mapping[str, str]) -> list[str]:
    """What the page shows of a row of `energy`."""
    return ["–" if row[head] == "-" else row[head] for head in (*(f"{name} kWh" for name in ENERGIES), "yen")]


def known(rows: list[list[str]]) -> list[list[str]]:
    """Without those at the beginning and the end of which nothing is known."""
    there = [number for number, cells in enumerate(rows) if set(cells) != {"–"}]
    return rows[there[0] : there[-1] + 1] if there else []


# --- the same -------------------------------------------------------------------------------


def test_page_served_page_energy_bill_and_status_say_the_same(years: Callable[[date, int], Year]) -> None:
    for day, seconds in MOMENTS:
        year = years(day, seconds)
        page = year.page("--days", "366" if day.year == 2026 else "40")
        for kind in PARTS:
            agrees_with_energy(year, page, kind, day)
        agrees_with_bill(year, page)
        agrees_with_status(year, page)


def test_half_hours_of_the_future_count_nowhere(
    years: Callable[[date, int], Year], monkeypatch: pytest.MonkeyPatch
) -> None:
    day, seconds = MOMENTS[1]
    bought = compared(years(day, seconds).page("--days", "40"), "so-far-day")
    later = years(day + timedelta(days=3), seconds)  # by a clock that was ahead, and is right again
    year = later._replace(now=later.now - 3 * DAY)
    monkeypatch.setattr(context, "instant", lambda: Instant(float(year.now), 5000.0, "this boot"))
    page = year.page("--days", "40")
    assert compared(page, "so-far-day") == bought
    agrees_with_bill(year, page)
    agrees_with_status(year, page)
    for kind in PARTS:
        agrees_with_energy(year, page, kind, day)


def test_a_corrected_price_corrects_what_all_of_them_say_of_the_past(years: Callable[[date, int], Year]) -> None:
    day, seconds = MOMENTS[-1]
    year = years(day, seconds)
    before = year.page("--days", "100")
    year.say("-q", "bill", "price", "fuel", "2026-02", "-20.00")
    after = year.page("--days", "100")
    for page in (before, after):
        assert len(table(page, "month-2026-01-01")[0]) == 31
    (old, *_, was), (new, *_, now) = (table(page, "month-2026-01-01")[1] for page in (before, after))
    assert old == new
    assert now != was
    for kind in PARTS:
        agrees_with_energy(year, after, kind, date(2026, 1, 20))
    agrees_with_bill(year, after)
    agrees_with_status(year, after)


def agrees_with_energy(year: Year, page: str, kind: str, day: date) -> None:
    first = STEPS[kind].first(day)
    after = STEPS[kind].following(first)
    name = f"{kind}-{first}"
    served = year.served(f"{kind}/{first}")
    rows, whole = table(served, name)
    parts = [of_energy(row) for row in year.energy(PARTS[kind], first, after).values()]
    assert known(list(rows.values())) == known(parts), name
    of_all = list(year.energy(kind, first, after).values())
    assert whole == (of_energy(of_all[-1]) if of_all else ["–"] * 5)
    shown = figures(served, name)
    assert [shown[label] for label in (*ENERGIES, "cost of energy")] == whole
    if f'id="{name}"' in page:
        assert table(page, name) == (rows, whole)
    for part in ("so-far-day", "so-far-period"):
        assert compared(served, part) == compared(page, part)
    if first == day_of(year.now):
        so_far = compared(page, "so-far-day")
        assert [cells[0] for cells in so_far.values()] == whole


def agrees_with_status(year: Year, page: str) -> None:
    for name, part in (("today", "so-far-day"), ("period", "so-far-period")):
        bought, *_, yen = (cells[0] for cells in compared(page, part).values())
        lines = [line for line in year.status().splitlines() if line.startswith(f"{name} ")]
        kwh, of, hours = bought.partition(" (")
        said = [] if bought == "–" else [f"{kwh} kWh{of}{hours} bought, {yen} yen"]
        assert [line.split(maxsplit=1)[1] for line in lines] == said


def agrees_with_bill(year: Year, page: str) -> None:
    shown = figures(page, "so-far-period")
    of_bills = list(year.bills().values())
    said = year.bill()
    if said is None:
        assert (shown["bought"], shown["bill"], of_bills) == ("–", "–", [])
        return
    assert shown["bill"] == f"~{said['total']:,}" == of_energy(of_bills[-1])[-1]
    assert Decimal(shown["bought"].split()[0]) == Decimal(said["kwh"])
    ahead = said.get("forecast")
    assert shown.get("forecast") == (ahead and f"~{ahead['yen']:,}")
    assert [cells[0] for cells in compared(page, "so-far-period").values()] == of_energy(of_bills[-1])
