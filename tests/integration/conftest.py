"""LANs of a test's own, and one browser with pages of one house for all tests of the page."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from homemon.core.points import Point
from homemon.sources.source import MINUTE
from tests.graphs import Browser, fill, graph, keep
from tests.home_assistants import SmallHome
from tests.hourly import House
from tests.networks import Lan, networks
from tests.servers import installed

PLAN = "[contract]\nplan = chuden-smartlife\nampere = 40\nsell = 15.0\n"
"""One whose hours have prices."""


@pytest.fixture
def lan() -> Iterator[Lan]:
    """One network, of namespaces or on the loopback, where others may be received too."""
    with networks() as made:
        yield made


@pytest.fixture
def own_lan(lan: Lan) -> Lan:
    """One network on which nobody else is."""
    if not lan.here:
        installed("ip", "iproute2")
        assert not os.environ.get("CI"), "network namespaces (unshare -n) cannot be made here"
        pytest.skip("network namespaces (unshare -n) cannot be made here, which takes root")
    return lan


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("chromium"))
    yield started
    started.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser, which must not have complained in the end."""
    chromium.log("browser")
    yield chromium
    assert chromium.log("browser") == []


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house of 40 days, with its pages."""
    folder = fill(tmp_path_factory.mktemp("home"), 40, every=10 * MINUTE)
    with (folder / "config.ini").open("a") as config:
        config.write(f"\n{PLAN}")
    keep(folder, [Point("current", {"r": 11.5, "t": 9.0}, int(time()))])
    graph(folder, "--lang", "en", "--days", "40", name="en.html")
    graph(folder, "--lang", "ja", "--days", "40", name="ja.html")
    return folder


@pytest.fixture
def house(tmp_path: Path, small_home: SmallHome) -> Iterator[House]:
    """A house whose hours go to it."""
    found = House(tmp_path, small_home.url)
    yield found
    found.app.close()
