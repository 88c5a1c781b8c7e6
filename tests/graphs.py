"""Pages of the simulated house, what `homemon export` says of the same, and a real browser to look at them."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from time import gmtime, strftime, time
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.command import Command

from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, HOUR, JST_AHEAD, Point, midnight
from homemon.sim.house import House
from homemon.sources.source import MINUTE
from homemon.storage.store import Store
from tests.commands import homemon, wait_for, write_config
from tests.servers import installed

Values = list[tuple[int, Decimal]]
PHONE, DESKTOP = (390, 844), (1280, 1000)
SOURCES = "[ecocute]\nhost = 192.0.2.1\n[kyocera]\ntransport = i2c"
GAP = (54 * HOUR, 50 * HOUR)  # seconds before now, of which nothing is known: always before yesterday
QUIET = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "hide-scrollbars",
)  # fmt: skip


def fill(folder: Path, days: int, every: int = MINUTE, gap: tuple[int, int] = GAP, minutes: int = 0) -> Path:
    """A folder with config.ini and the last days of the simulated house, but for a gap; power `every` seconds.

    Of the last `minutes` days each minute.
    """
    write_config(folder, SOURCES)
    now = int(time())
    start = (now - days * DAY) // HALF_HOUR * HALF_HOUR
    house = House(start)
    points: list[Point] = []
    for begin in range(start, now, HALF_HOUR):
        if now - gap[0] <= begin < now - gap[1]:
            continue
        end, step = min(begin + HALF_HOUR, now), MINUTE if now - begin < minutes * DAY else every
        points.append(Point("+power", {"value": house.register_import(begin) / 10}, begin))
        points.append(Point("-power", {"value": house.register_export(begin) / 10}, begin))
        points += [Point("power", {"value": house.power(at)}, at) for at in range(begin, end, step)]
        for at in range(begin, end, max(step, 10 * MINUTE)):
            counted = {"powerSum": 100_000 + (at - start) // 10}
            points.append(Point("ecocute", {"power": house.ecocute_power(at), "tank": house.tank(at)} | counted, at))
        if end == begin + HALF_HOUR:
            points.append(Point("hatuden", {"value": house.generation(begin) / 10}, begin))
            points.append(Point("baiden_diff", {"value": house.bought_minus_sold(begin) / 10}, begin))
    keep(folder, points)
    return folder


def keep(folder: Path, points: list[Point]) -> None:
    """Put points into the store of a folder."""
    store = Store(folder / "store")
    store.archive.add([(point, Instant(time(), 0, "")) for point in points])
    store.close()


def graph(folder: Path, *arguments: str, name: str = "homemon.html") -> Path:
    """Write a page of `folder` by the real command."""
    run = homemon("graph", "-o", name, *arguments, cwd=folder)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{folder / name}\n", "")
    return folder / name


def page_data(page: Path) -> dict[str, Any]:
    """What a page's script reads."""
    (found,) = re.findall(r'<script id="page" type="application/json">(.*)</script>', page.read_text())
    return dict(json.loads(found))


@cache
def export(folder: Path) -> list[dict[str, str]]:
    """What `homemon export` says of all that is in a folder's store."""
    run = homemon("export", "--format", "csv", cwd=folder)
    assert (run.returncode, run.stderr) == (0, "")
    return list(csv.DictReader(run.stdout.splitlines()))


def exported(folder: Path, measurement: str, field: str = "value") -> Values:
    """Times and values of one field of that."""
    rows = [row for row in export(folder) if (row["measurement"], row["field"]) == (measurement, field)]
    return [(int(datetime.fromisoformat(row["time"]).timestamp()), Decimal(row["value"])) for row in rows]


def differences(registers: Values) -> Values:
    """kWh of each half-hour of which both ends are known."""
    return [(at, after - before) for (at, before), (end, after) in pairwise(registers) if end - at == HALF_HOUR]


class Browser:
    """A real Chromium. What its console says is a fault of the page."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = installed("chromium", "chromium")
        for switch in (*QUIET, f"user-data-dir={profile}"):
            options.add_argument(f"--{switch}")
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(installed("chromedriver", "chromium-driver")))

    def open(self, page: Path | str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        """Show a file or a URL."""
        phone = size == PHONE
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
        self.set_scheme(scheme)
        self.driver.get("about:blank")
        self.log("performance")
        self.driver.get(page.as_uri() if isinstance(page, Path) else page)
        self.settle()

    def set_scheme(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def settle(self) -> None:
        """Until everything is drawn."""
        drawn = "panels.every(({ plot }) => plot._fullLayout || plot.closest('.panel').hidden)"
        wait_for(lambda: self(f"document.readyState === 'complete' && (hint !== null || !window.Plotly) && {drawn}"))

    def __call__(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page."""
        return self.driver.execute_script(f"return {expression}")

    def plots(self) -> list[Any]:
        return [plot for plot in self.driver.find_elements(By.CSS_SELECTOR, ".plot") if plot.is_displayed()]

    def view(self, kind: str) -> None:
        """Go to the view of a kind that has the day shown."""
        self.driver.execute_script("arguments[0].click()", self.find(f"#kinds a[data-kind={kind}]"))

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What an element says now: in one step, since a served page may put another in its place."""
        return str(self(f"document.querySelector({selector!r}).textContent"))

    def shown(self) -> str:
        """The name of the view that is shown."""
        (view,) = [view for view in self.driver.find_elements(By.CSS_SELECTOR, ".view") if view.is_displayed()]
        return str(view.get_attribute("id"))

    def readout(self) -> str:
        """What is said of the moment that is marked."""
        return str(self("byId('readout').textContent"))

    def place(self, panel: int, time: float) -> tuple[int, int]:
        """Where a time is in a panel, in pixels of the window."""
        plot = f"visible()[{panel}].plot"
        self(f"{plot}.scrollIntoView({{ block: 'center' }})")
        share = f"({time} - period()[0]) / (period()[1] - period()[0])"
        box = f"{plot}.getBoundingClientRect()"
        return (
            round(self(f"{box}.left + {plot}._fullLayout._size.l + {share} * {plot}._fullLayout.xaxis._length")),
            round(self(f"{box}.top + {box}.height / 2")),
        )

    def move(self, x: int, y: int) -> None:
        """The mouse, to a place in the window."""
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def touch(self, kind: str, *points: tuple[int, int]) -> None:
        """Fingers that touch the screen (touchStart), are moved, or leave it (touchEnd)."""
        at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    def traces(self, panel: str) -> list[dict[str, Any]]:
        """What plotly has drawn."""
        columns = "type, name, x: Array.from(x, (at) => at / 1000 - JST), y, customdata"
        drawn = f"plot.data.map(({{ type, name, x, y, customdata }}) => ({{ {columns} }}))"
        return list(self(f"panels.find((panel) => panel.name === '{panel}').{drawn}"))

    def hovers(self) -> list[str]:
        """What each panel reports of the time under the pointer."""
        return list(self("visible().map(({ plot }) => plot.querySelector('.hoverlayer').textContent)"))

    def ranges(self) -> list[list[int]]:
        """From when to when each panel shows, in Unix seconds."""
        shown = "panel.plot._fullLayout.xaxis.range.map((at) => Math.round(fromPlot(at)))"
        return list(self(f"visible().map((panel) => {shown})"))

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What came since the log was read last."""
        return list(self.driver.execute(Command.GET_LOG, {"type": kind})["value"])

    def requests(self) -> list[str]:
        """The URLs that were asked for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def day_of(time: float) -> str:
    """The day of a time in Japan."""
    return strftime("%Y-%m-%d", gmtime(time + JST_AHEAD))


def yesterday(browser: Browser) -> int:
    """When the day before begins that the page is of; the page shows it."""
    start: int = midnight(browser("page.now")) - DAY
    browser(f"show(byId('day-{day_of(start)}'))")
    return start


def energy(folder: Path, by: str, since: str) -> list[dict[str, str]]:
    """What `homemon energy` says of each period."""
    run = homemon("energy", "--by", by, "--since", since, "--format", "csv", cwd=folder)
    assert run.returncode == 0, run.stderr
    return list(csv.DictReader(run.stdout.splitlines()))


def drawn(trace: dict[str, Any], what: str = "customdata") -> Values:
    """Times and values of a trace, without its gaps."""
    pairs = zip(trace["x"], trace[what], strict=True)
    return [(round(at), Decimal(str(value))) for at, value in pairs if value is not None]


def luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2.1."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
