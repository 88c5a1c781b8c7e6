"""What the tests share: servers for the whole run, and an empty database or store for each test."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from hypothesis import HealthCheck

from homemon.config.keys import Server
from homemon.delivery.influx import Influx
from homemon.delivery.sender import Sender
from homemon.storage.store import Store
from tests.ailing import COUNT, NAMES, STEP, spread
from tests.home_assistants import SmallHome
from tests.lived import Lived, live
from tests.servers import Database, InfluxServer, ScriptedServer, VictoriaServer
from tests.stores import sender_of

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("any machine")

_NUMBERS = count()
IN_MEMORY = Path("/dev/shm")
MakeSender = Callable[[Server], Sender]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in another order")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest begin first, so that nobody waits for them at the end; or any order, where one is asked for."""
    if (seed := config.getoption("--shuffle")) is not None:
        Random(seed).shuffle(items)
    else:
        items[:] = dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return them with the long ones at the head of the stretches that pytest-xdist gives to its workers."""
    long = [item for item in items if item.path.parent.name == "longrun"]
    long.sort(key=lambda item: item.path.name != "test_year.py")
    others = iter([item for item in items if item.path.parent.name != "longrun"])
    found: list[pytest.Item] = []
    for worker in range(workers):
        stretch = long[worker::workers]
        size = (len(items) - len(found)) // (workers - worker)
        found += [*stretch, *islice(others, max(0, size - len(stretch)))]
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why tests were skipped, in one line."""
    reasons = [
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", ())
    ]
    packages = [match[1] for reason in reasons if (match := re.search(r"apt-get install (\S+)", reason))]
    others = [reason for reason in reasons if "apt-get" not in reason and "root" not in reason]
    parts = [
        f"{len(packages)} for want of {' '.join(sorted(set(packages)))}" if packages else "",
        f"{rooted} need root" if (rooted := len(reasons) - len(packages) - len(others)) else "",
        *sorted(set(others)),
    ]
    if reasons:
        terminalreporter.write_line(f"{len(reasons)} skipped: {'; '.join(filter(None, parts))}", yellow=True)


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """InfluxDB without authentication."""
    server = InfluxServer(tmp_path_factory.mktemp("influx"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def closed_influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """InfluxDB that asks for a password."""
    server = InfluxServer(tmp_path_factory.mktemp("closed"), auth=True)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaServer]:
    """VictoriaMetrics; tests keep apart by the measurement's name."""
    server = VictoriaServer(tmp_path_factory.mktemp("victoria"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """A store of a year of the simulated house, with a contract."""
    return live(tmp_path_factory.mktemp("year"))


@pytest.fixture
def database(influx_server: InfluxServer) -> Database:
    """An empty database."""
    found = Database(influx_server, f"home{next(_NUMBERS)}")
    found.renew()
    return found


@pytest.fixture
def closed_database(closed_influx_server: InfluxServer) -> Database:
    """An empty database behind a password."""
    found = Database(closed_influx_server, f"home{next(_NUMBERS)}")
    found.renew()
    return found


@pytest.fixture
def own_influx(tmp_path: Path) -> Iterator[Database]:
    """An empty database on a server that the test may kill."""
    found = Database(InfluxServer(tmp_path / "influx"), "home")
    found.server.start()
    found.renew()
    yield found
    found.server.kill()


@pytest.fixture
def small_home() -> Iterator[SmallHome]:
    """A Home Assistant that does what a test says."""
    found = SmallHome()
    yield found
    found.close()


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that does what the test says."""
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = Store(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def sender_to(store: Store) -> MakeSender:
    """Senders of what waits in `store`."""
    return lambda server: sender_of(store, lambda: Influx(server))


@pytest.fixture
def three_weeks(store: Store) -> set[tuple[str, int]]:
    """What a server is to have of the store: three weeks of four measurements."""
    return set[tuple[str, int]]().union(*(spread(store, name, range(0, COUNT * STEP, STEP)) for name in NAMES))


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk that is quick, where there is one: what is tested is the order of things, not the disk."""
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Path(folder)
