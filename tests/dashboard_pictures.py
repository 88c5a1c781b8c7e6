"""The dashboards as Grafana's own components draw them, out of a real InfluxDB. `make grafana`

There is no Grafana here: its panel library (`@grafana/ui`, by npm in tests/grafana/draw) draws what a year of the
simulated house answers to the queries.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep, time
from typing import Any
from urllib.parse import urlencode

from homemon.core.points import DAY, JST, Point, midnight
from homemon.sim.house import HALF_HOUR, MINUTE
from tests import ROOT
from tests.boards import dashboard, label, text
from tests.commands import homemon, wait_for
from tests.graphs import Browser, fill, keep
from tests.screenshots import CONTRACT, SOLD
from tests.servers import InfluxServer, fetch

DRAW = ROOT / "tests" / "grafana" / "draw"
FOLDER = ROOT / "docs" / "pictures"
LANGUAGES = {"en": "", "ja": ".ja"}
WIDTH, DAYS, MINUTES = 1280, 400, 3
BUNDLE = ["--bundle", "--minify", "--jsx=automatic", "--loader:.ttf=empty", "--log-level=error"]
SHORTEST = {"1m": MINUTE, "10m": 10 * MINUTE, "30m": HALF_HOUR, "1d": DAY}
PAGE = """<!doctype html><meta charset="utf-8"><style>{style}
body {{ margin: 8px; background: #f4f5f5; font-family: sans-serif; position: relative }}
#board {{ position: relative }}</style>
<div id="board"></div><script>window.homemon = {facts}</script><script>{script}</script>"""


def house(folder: Path, url: str) -> None:
    """A folder with a year of the simulated house, which is sent to a server."""
    fill(folder, DAYS, every=10 * MINUTE, minutes=MINUTES)
    now = int(time())
    times = range(now - DAY, now, MINUTE)
    keep(folder, [Point("current", {"r": 9 + at // MINUTE % 7 / 2, "t": 6 + at // MINUTE % 5 / 2}, at) for at in times])
    with (folder / "config.ini").open("a") as config:
        config.write(f"\n{CONTRACT}{SOLD}[server]\nurl = {url}\n")
    run = homemon("upload", cwd=folder, timeout=600)
    assert run.returncode == 0, run.stderr


def range_of(panel: Mapping[str, Any], now: int) -> tuple[int, int]:
    """The time that a panel shows, in Unix seconds; as Grafana reads `now-30d/d` and the like."""
    said = panel.get("timeFrom", "now-2d").removeprefix("now")
    span, _, unit = said.partition("/")
    moment = datetime.fromtimestamp(now, JST)
    if span.endswith("M"):
        months = moment.year * 12 + moment.month - 1 + int(span[:-1])
        moment = moment.replace(year=months // 12, month=months % 12 + 1, day=1)
    elif span:
        moment += timedelta(**{{"d": "days", "m": "minutes"}[span[-1]]: int(span[:-1])})
    begin = int(moment.timestamp())
    if unit == "M":
        begin = int(moment.replace(day=1).timestamp())
    return (midnight(begin) if unit else begin), now


def answer(url: str, panel: Mapping[str, Any], now: int) -> dict[str, Any]:
    """What a panel's queries answer, each as a series of milliseconds and values."""
    begin, end = range_of(panel, now)
    interval = max(SHORTEST[panel["interval"]], MINUTE)
    series = []
    for target in panel["targets"]:
        query = text(target)
        for macro, value in (
            ("$timeFilter", f"time >= {begin}000ms and time <= {end}000ms"),
            ("$__interval", f"{interval}s"),
            ("$home", ".*"),
        ):
            query = query.replace(macro, value)
        data = urlencode({"q": query, "db": "smartmeter", "epoch": "ms"}).encode()
        (result,) = json.loads(fetch(f"{url}/query", data))["results"]
        assert "error" not in result, (query, result)
        for found in result.get("series", []):
            times, values = zip(*found["values"], strict=True)
            series.append({"name": label(target), "times": times, "values": values})
    return {"from": begin * 1000, "to": end * 1000, "series": series}


def page(language: str, url: str, now: int, bundle: Path) -> str:
    """The HTML of a dashboard."""
    board = dashboard("influxdb", language)
    answers = {panel["id"]: answer(url, panel, now) for panel in board["panels"]}
    facts = json.dumps({"board": board, "answers": answers, "width": WIDTH}, ensure_ascii=False)
    style = bundle.with_suffix(".css")
    return PAGE.format(
        style=style.read_text() if style.exists() else "",
        facts=facts.replace("</", "<\\/"),
        script=bundle.read_text().replace("</script", "<\\/script"),
    )


def picture(browser: Browser, file: Path) -> bytes:
    """The whole page once all is drawn, as PNG."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard("influxdb")["panels"]) * 38 + 16
    metrics = {"width": WIDTH + 16, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.driver.get(file.as_uri())
    lines = sum(panel["type"] == "timeseries" for panel in dashboard("influxdb")["panels"])
    drawn = f"document.querySelectorAll('.uplot canvas').length >= {lines}"
    wait_for(lambda: browser(drawn), reported=lambda: str(browser.log("browser")))
    sleep(1)  # the last of them is still to be painted
    taken = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    return base64.b64decode(taken["data"])


def main() -> int:
    """Draw both dashboards."""
    with TemporaryDirectory() as name:
        bundle = Path(name, "draw.js")
        esbuild = DRAW / "node_modules" / ".bin" / "esbuild"
        subprocess.run((esbuild, DRAW / "draw.jsx", *BUNDLE, f"--outfile={bundle}"), check=True)
        server, browser = InfluxServer(Path(name, "influxdb")), Browser(Path(name, "chromium"))
        server.start()
        try:
            server.query('CREATE DATABASE "smartmeter"')
            (folder := Path(name, "house")).mkdir()
            house(folder, server.url)
            for language, ending in LANGUAGES.items():
                file = Path(name, f"{language}.html")
                file.write_text(page(language, server.url, int(time()), bundle), "utf-8")
                path = FOLDER / f"grafana{ending}.png"
                path.write_bytes(picture(browser, file))
                print(path.relative_to(ROOT), *browser.log("browser"))
        finally:
            browser.driver.quit()
            server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
