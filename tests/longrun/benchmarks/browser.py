"""The served page in a slow browser: how soon a number and all charts are there, and what a hundred open pages cost."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep

from tests.commands import wait_for, write_config
from tests.graphs import SOURCES, Browser, fill, served
from tests.longrun.benchmarks.graphs import PLOTLY_ALONE, write_ready
from tests.longrun.benchmarks.installed import HOMEMON, PYTHON
from tests.longrun.benchmarks.measure import (
    BUILD,
    Benchmark,
    Outcome,
    cpu_of_process,
    in_turns,
    kilobytes,
    milliseconds,
)
from tests.serving import Served, record, serving, stream

ROUNDS, DAYS = 3, 40
CONTRACT = "[contract]\nplan = tepco-smartlife-s\nampere = 50\nreading_day = 12\n"
SLOWER = 6  # times: about a phone of some years
NETWORK = {"offline": False, "latency": 40, "downloadThroughput": 1_500_000, "uploadThroughput": 750_000}
"""Milliseconds and bytes a second: a home's Wi-Fi at its edge."""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
DRAWN = "document.querySelectorAll('.main-svg').length > 0 && document.readyState === 'complete' && performance.now()"
PAGES, SECONDS, EVERY = 100, 60, 5
BARE = "<!doctype html><html lang=en><title>bare</title><p>523 W</p></html>"


@cache
def house() -> Path:
    """A folder with forty days of a house with everything."""
    folder = fill(Path(mkdtemp(dir=BUILD)), DAYS)
    write_config(folder, f"{SOURCES}\n{CONTRACT}")
    return folder


@contextmanager
def slow_browser() -> Iterator[Browser]:
    browser = Browser(Path(mkdtemp(dir=BUILD)))
    try:
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", NETWORK)
        browser.driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        yield browser
    finally:
        browser.driver.quit()


def seconds_until(browser: Browser, url: str, ready: str) -> float:
    """Seconds from the request to when an expression, in milliseconds, is there."""
    browser.driver.get("about:blank")
    browser.driver.get(url)
    wait_for(lambda: browser(ready))
    return float(browser(ready)) / 1000


def in_browser(expression: str, reference: Callable[[Path], None], name: str) -> Outcome:
    """Of the served page, and of a page that `reference` writes as `name`."""
    folder = house()
    reference(folder)
    with serving(folder, program=(HOMEMON,)) as ours, served(folder) as other, slow_browser() as browser:
        page = f"http://127.0.0.1:{ours.port}/"
        return in_turns(
            lambda: seconds_until(browser, page, expression),
            lambda: seconds_until(browser, f"{other}/{name}", expression),
            ROUNDS,
        )


def bare(folder: Path) -> None:
    (folder / "bare.html").write_text(BARE)


def plotly_alone(folder: Path) -> None:
    cpu_of_process((HOMEMON, "-q", "graph", "--days", "1"), folder)
    write_ready(folder)
    cpu_of_process((PYTHON, "-c", PLOTLY_ALONE), folder)


def size() -> Outcome:
    """Bytes that a browser gets before the numbers are there, and before the charts are."""
    with serving(house(), program=(HOMEMON,)) as page:
        paths = ("/", "/page.css", "/page.js", "/plotly.min.js")
        lengths = [len(page.ask(path, Accept_Encoding="gzip").body) for path in paths]
        return Outcome(sum(lengths[:2]), sum(lengths))


def hundred_pages() -> Outcome:
    """CPU seconds of the server with open pages and a reading now and then, and the seconds that it took."""
    folder = house()
    with serving(folder, program=(HOMEMON,)) as page, ExitStack() as stack:
        streams = [stack.enter_context(stream(page)) for _ in range(PAGES)]
        for events in streams:
            next(events)
        before, begun = cpu_of(page), monotonic()
        for number in range(SECONDS // EVERY):
            record(folder, 500 + number)
            for events in streams:
                next(events)
            next_time = begun + (number + 1) * EVERY
            sleep(max(0.0, next_time - monotonic()))
        return Outcome(cpu_of(page) - before, monotonic() - begun)


def cpu_of(page: Served) -> float:
    """CPU seconds, user and system, that a server has had."""
    fields = Path(f"/proc/{page.command.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


BENCHMARKS = (
    Benchmark("page and style, until the numbers are there", "with script and plotly", 0.1, kilobytes, size),
    Benchmark(
        "first number, slow browser",
        "a page of one line",
        2.0,
        milliseconds,
        partial(in_browser, FIRST_PAINT, bare, "bare.html"),
        "the page has a style sheet to ask for, 40 ms in such a network, and the tables of its view to lay out; to "
        "reach it, the style would stand in each page, and the Content-Security-Policy would let that in",
    ),
    Benchmark(
        "all charts drawn, slow browser",
        "plotly alone, the ready columns",
        1.25,
        milliseconds,
        partial(in_browser, DRAWN, plotly_alone, "plotly.html"),
    ),
    Benchmark(f"{PAGES} open pages, a reading each {EVERY} s: CPU", "a whole core", 0.05, milliseconds, hundred_pages),
)
