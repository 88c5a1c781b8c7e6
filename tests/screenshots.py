"""The pictures of the documents: pages of the simulated house in a real browser. `make screenshot`"""

import base64
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import NamedTuple

from homemon.core.points import DAY, HALF_HOUR, Point
from homemon.energy.periods import day_of
from homemon.sim.house import House
from homemon.sources.source import MINUTE
from tests import ROOT
from tests.commands import write_config
from tests.graphs import DESKTOP, PHONE, SOURCES, Browser, fill, graph, keep

CONTRACT = "[contract]\nplan = tepco-smartlife-s\nampere = 50\nreading_day = 12\n"
SOLD = "sell = 16\n"
DAYS, DETAILED = 430, 10
FOLDER = ROOT / "docs" / "pictures"


class Shot(NamedTuple):
    """A picture: of which house, in which view and language, and how it is looked at."""

    name: str
    house: str = "full"
    view: str = "day"
    size: tuple[int, int] = DESKTOP
    scheme: str = "light"


SHOTS = (
    Shot("day"),
    Shot("month", view="month"),
    Shot("year", view="year"),
    Shot("phone", size=PHONE),
    Shot("dark", scheme="dark"),
    Shot("meter-only", house="meter-only"),
    Shot("empty", house="empty"),
)
LANGUAGES = {"en": "", "ja": ".ja"}


def full(folder: Path) -> None:
    """A year of a house with everything."""
    fill(folder, DAYS, HALF_HOUR, (0, 0), DETAILED)
    write_config(folder, f"{SOURCES}\n{CONTRACT}{SOLD}")
    now = int(time())
    watts = House((now - DAYS * DAY) // HALF_HOUR * HALF_HOUR).load(now)
    keep(folder, [Point("current", {"r": round(watts / 190, 1), "t": round(watts / 210, 1)}, now)])


def meter_only(folder: Path) -> None:
    """A year of a flat that only has a smart meter."""
    write_config(folder, CONTRACT)
    now = int(time())
    start = (now - DAYS * DAY) // HALF_HOUR * HALF_HOUR
    house, counted, points = House(start), 0.0, []
    for begin in range(start, now, HALF_HOUR):
        points.append(Point("+power", {"value": round(counted, 1)}, begin))
        times = range(begin, min(begin + HALF_HOUR, now), MINUTE if now - begin < DETAILED * DAY else HALF_HOUR)
        watts = [max(50, house.load(at) - house.ecocute_power(at)) for at in times]
        points += [Point("power", {"value": value}, at) for at, value in zip(times, watts, strict=True)]
        counted += sum(watts) / len(watts) / 2000
    keep(folder, points)


def empty(folder: Path) -> None:
    """Nothing was recorded yet."""
    write_config(folder)
    keep(folder, [])


HOUSES = {"full": full, "meter-only": meter_only, "empty": empty}


def address(view: str, today: date) -> str:
    """The fragment of a view: its kind and first day."""
    first = {"day": today, "month": today.replace(day=1), "year": today.replace(month=1, day=1)}[view]
    return f"#{view}-{first}"


def main() -> int:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as name:
        browser = Browser(Path(name, "chromium"))
        try:
            for house, make in HOUSES.items():
                folder = Path(name, house)
                folder.mkdir()
                make(folder)
                for language, ending in LANGUAGES.items():
                    page = graph(folder, "--lang", language, "--days", "400", name=f"{language}.html")
                    for shot in SHOTS:
                        if shot.house == house:
                            path = FOLDER / f"{shot.name}{ending}.png"
                            path.write_bytes(picture(browser, page, shot))
                            print(path.relative_to(ROOT))
        finally:
            browser.driver.quit()
    return 0


def picture(browser: Browser, page: Path, shot: Shot) -> bytes:
    """The whole page, from its top to its end, as PNG."""
    browser.open(page.as_uri() + address(shot.view, day_of(int(time()))), shot.size, shot.scheme)
    taken = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    return base64.b64decode(taken["data"])


if __name__ == "__main__":
    sys.exit(main())
