"""Pages of the simulated house, what `homemon export` says of the same, and a real browser to look at them."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from time import time
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.command import Command

from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, HOUR, Point, midnight
from homemon.sim.house import House
from homemon.sources.source import MINUTE
from homemon.storage.store import Store
from tests.commands import homemon, wait_for, write_config
from tests.servers import installed

Values = list[tuple[int, Decimal]]
PHONE, DESKTOP = (390, 844), (1280, 1000)
SOURCES = "[ecocute]\nhost = 192.0.2.1\n[kyocera]\ntransport = i2c"
GAP = (30 * HOUR, 26 * HOUR)  # seconds before now, of which nothing is known
QUIET = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "hide-scrollbars",
)  # fmt: skip


def fill(folder: Path, days: int, every: int = MINUTE) -> Path:
    """A folder with config.ini and the last days of the simulated house, but for a gap; power `every` seconds."""
    write_config(folder, SOURCES)
    now = int(time())
    start = (now - days * DAY) // HALF_HOUR * HALF_HOUR
    house = House(start)
    points: list[Point] = []
    for begin in range(start, now, HALF_HOUR):
        if now - GAP[0] <= begin < now - GAP[1]:
            continue
        end = min(begin + HALF_HOUR, now)
        points.append(Point("+power", {"value": house.register_import(begin) / 10}, begin))
        points.append(Point("-power", {"value": house.register_export(begin) / 10}, begin))
        points += [Point("power", {"value": house.power(at)}, at) for at in range(begin, end, every)]
        for at in range(begin, end, max(every, 10 * MINUTE)):
            points.append(Point("ecocute", {"power": house.ecocute_power(at), "tank": house.tank(at)}, at))
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


def of_today(values: Values, now: float) -> Decimal:
    return sum((value for at, value in values if at >= midnight(int(now))), Decimal())


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
        wait_for(lambda: self("document.readyState === 'complete' && panels.every((panel) => panel.plot._fullLayout)"))

    def __call__(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page."""
        return self.driver.execute_script(f"return {expression}")

    def plots(self) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, ".plot")

    def traces(self, panel: str) -> list[dict[str, Any]]:
        """What plotly has drawn."""
        columns = "type, name, x: Array.from(x, (at) => at / 1000 - JST), y, customdata"
        drawn = f"plot.data.map(({{ type, name, x, y, customdata }}) => ({{ {columns} }}))"
        return list(self(f"panels.find((panel) => panel.name === '{panel}').{drawn}"))

    def hovers(self) -> list[str]:
        """What each panel reports of the time under the pointer."""
        return list(self("panels.map((panel) => panel.plot.querySelector('.hoverlayer').textContent)"))

    def ranges(self) -> list[list[int]]:
        """From when to when each panel shows, in Unix seconds."""
        shown = "panel.plot._fullLayout.xaxis.range.map((at) => Math.round(fromPlot(at)))"
        return list(self(f"panels.map((panel) => {shown})"))

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What came since the log was read last."""
        return list(self.driver.execute(Command.GET_LOG, {"type": kind})["value"])

    def requests(self) -> list[str]:
        """The URLs that were asked for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def press(self, label: str) -> None:
        self(f"[...document.querySelectorAll('nav button')].find((button) => button.textContent === '{label}').click()")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


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
