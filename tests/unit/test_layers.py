"""The architecture's rules, held by reading the imports: docs/development.md draws them."""

import ast
import select
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from sysconfig import get_path

import pytest

from homemon.core.files import port_lock
from homemon.ports.local_socket import LocalSocket
from homemon.runtime.asking import PROTOCOL, socket_of
from tests import ROOT
from tests.commands import ENVIRONMENT, PATIENCE
from tests.lan import address

HOMEMON = ROOT / "homemon"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in HOMEMON.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
}
SHARED = {"core", "config"}
MAY_IMPORT = {
    "core.errors": set[str](),
    "core.clock": set[str](),
    "core.printable": set[str](),
    "core.columns": set[str](),
    "core.language": set[str](),
    "core.messages": {"core.language"},
    "core.xdg": set[str](),
    "core.points": {"core.errors"},
    "core.files": {"core.errors"},
    "core.dialogue": {"core.errors", "core.points"},
    "core.requests": {"core.dialogue", "core.errors"},
    "core.transcript": {"core.errors"},
    "config.values": set[str](),
    "config.keys": {"config.values", "core.xdg", "sources.registry", "sources.source"},
    "config.place": {"core.errors", "core.files", "core.xdg"},
    "config.edit": {"config.read", "config.values", "core.errors", "core.files"},
    "config.read": {"config", "core.errors", "sources.registry", "sources.source"},
    "echonet": {"core.errors", "core.points"},
    "skstack": {"core.errors", "core.dialogue", "echonet"},
    "sources.lines": {"core.transcript"},
    "sources.meter.properties": {"core.points", "echonet"},
    "sources.meter.plausible": {"core.points", "sources.meter.properties"},
    "sources.meter.unit": {"core.dialogue", "echonet", "sources.meter.properties"},
    "sources.meter.history": {
        *("core.dialogue", "core.errors", "core.points", "echonet"),
        *("sources.meter.properties", "sources.meter.plausible"),
    },
    "sources.meter.reception": {"core.errors", "echonet", "skstack", "sources.meter.properties"},
    "sources.meter.trouble": {"core.dialogue", "core.errors", "skstack"},
    "sources.meter.repair": {"core.dialogue", "core.points", "sources.meter.history", "sources.meter.plausible"},
    "sources.meter.exchange": {
        *("core.dialogue", "core.requests", "core.errors", "core.points", "echonet", "skstack"),
        *(
            "sources.meter.properties",
            "sources.meter.plausible",
            "sources.meter.unit",
            "sources.meter.history",
            "sources.meter.reception",
            "sources.meter.trouble",
        ),
    },
    "sources.meter.session": {"core.dialogue", "core.errors", "core.points", "echonet", "skstack", "sources.meter"},
    "sources.source": {"core.language", "core.points", "echonet"},
    "sources.registry": {"core.language", "sources.source"},
    "sources.lan.ecocute": {"core.points", "echonet"},
    "sources.lan.reports": {"core.points", "echonet", "sources.source"},
    "sources.lan.presence": {"echonet"},
    "sources.lan.controller": {
        *(
            "sources.lan.presence",
            "sources.lan.searching",
            "core.dialogue",
            "core.requests",
            "core.errors",
            "core.points",
            "echonet",
            "sources.lan.reports",
        ),
        *("sources.registry", "sources.source"),
    },
    "sources.lan.discovery": {
        *("core.dialogue", "core.errors", "echonet", "sources.lan.reports", "sources.registry", "sources.source"),
    },
    "sources.lan.searching": {
        *("core.dialogue", "core.errors", "core.points", "echonet"),
        *("sources.lan.discovery", "sources.lan.reports", "sources.registry", "sources.source"),
    },
    "sources.kyocera": {"core.dialogue", "core.errors", "core.points"},
    "sources.objects": {"echonet", "sources.meter.properties", "sources.registry"},
    "ports": {"echonet", "skstack"} | SHARED,
    "explain": {
        *("core.errors", "core.points", "core.printable", "core.transcript", "echonet", "skstack"),
        *("sources.meter.properties", "sources.kyocera", "sources.objects", "sources.lines"),
        *("sources.lan.discovery", "sources.lan.reports", "sources.registry"),
    },
    "replay.downloads": {"core.points", "core.printable", "sources.registry"},
    "replay": {"echonet", "skstack", "sources"} | SHARED,
    "runtime.state": {"core", "echonet", "skstack", "sources.meter.properties"},
    "storage.schema": set(),
    "storage.openfile": {"core.files"},
    "storage.connection": {"storage.schema", "storage.openfile", "core.errors", "core.files"},
    "storage.database": {"storage.connection", "storage.openfile", "storage.salvage"} | SHARED,
    "storage.salvage": {"core.points", "storage.schema"},
    "storage.health": {"storage.database", "core.points", "storage.schema"},
    "storage.repair": {
        "storage.database",
        "storage.health",
        "storage.salvage",
        "core.points",
        "core.errors",
        "core.files",
    },
    "storage.trust": {"storage.database", "storage.schema", "core.clock"},
    "storage.ledger": {"storage.database", "storage.schema"} | SHARED,
    "storage.counted": {"storage.database", "storage.schema"} | SHARED,
    "storage.outbox": {"storage.counted", "storage.database", "storage.ledger", "storage.schema"} | SHARED,
    "storage.tagsets": {"storage.database"} | SHARED,
    "storage.undated": {"storage.database"} | SHARED,
    "storage.archive": {"storage.database", "storage.schema", "storage.trust", "storage.tagsets", "storage.undated"}
    | SHARED,
    "storage.store": {
        "storage.connection",
        "storage.database",
        "storage.archive",
        "storage.outbox",
        "storage.trust",
        "storage.ledger",
    },
    "storage.reader": {"storage.store", "storage.archive", "storage.database"} | SHARED,
    "storage.retention": {"storage.store", "storage.ledger"} | SHARED,
    "storage.imported": {"storage.archive"},
    "storage.meters": {"storage.store", "storage.schema", "storage.trust"},
    "delivery.verdicts": set(),
    "delivery.deadline": set(),
    "delivery.watched": {"delivery.deadline"},
    "delivery.masking": set(),
    "delivery.influx": {"delivery.verdicts", "delivery.deadline", "delivery.watched", "delivery.masking"} | SHARED,
    "delivery.fetch": {"delivery.influx", "replay", "core.points", "config.keys", "sources.registry"},
    "delivery.held": {"storage.outbox"},
    "delivery.walk": {"storage.outbox", "delivery.verdicts"},
    "delivery.sending": {"storage.outbox", "delivery.verdicts", "delivery.held", "delivery.walk"},
    "delivery.sink": {"delivery.verdicts", "storage.database", "storage.ledger", "storage.outbox"},
    "delivery.sender": {"delivery.sink", "delivery.verdicts", "storage.ledger"} | SHARED,
    "delivery.recorder": {"storage.store"} | SHARED,
    "delivery.server": {
        *("storage.outbox", "delivery.influx", "delivery.verdicts", "delivery.held", "delivery.sending"),
        *("delivery.sender", "delivery.sink"),
    },
    "delivery.live": {"core.points", "sources.registry", "sources.source"},
    "delivery.discovery": {"delivery.live", "core.language", "sources.source"},
    "delivery.broker": {"delivery.live", "delivery.verdicts", "config.keys"},
    "delivery.published": {"delivery.live", "storage.database", "core.points", "sources.source"},
    "delivery.mqtt": {
        *("delivery.sink", "delivery.broker", "delivery.discovery", "delivery.live", "delivery.published"),
        *("delivery.verdicts", "storage.outbox", "storage.store", "replay", "sources.source"),
    }
    | SHARED,
    "delivery.ha_statistics": {"core.points", "energy"},
    "delivery.ha_client": {"delivery.deadline", "delivery.masking", "delivery.verdicts", "config.keys"},
    "delivery.ha_walk": {"delivery.ha_client", "delivery.ha_statistics", "delivery.verdicts", "core.points", "energy"},
    "delivery.home_assistant": {
        *("delivery.ha_client", "delivery.ha_statistics", "delivery.ha_walk", "delivery.sink", "delivery.verdicts"),
        *("storage.ledger", "storage.outbox", "core.clock", "core.points", "config.keys", "energy"),
    },
    "delivery.services": {"config.keys"},
    "delivery.exposition": {"core.points"},
    "delivery.metrics": {"delivery.exposition", "core.points", "energy", "sources.registry", "sources.source"},
    "delivery.notices": {"delivery.services"} | SHARED,
    "sim": set[str](),
    "energy": {"core.columns", "core.errors", "core.language", "core.points", "sources.registry", "sources.source"},
    "energy.calendar": {"core.errors", "energy"},
    "energy.spans": {"core.points"},
    "config.setup.dialogue": {"config.edit", "config.read", "config.setup.texts", "core.language"},
    "config.setup.letter": {"config.keys", "config.values", "config.setup.steps"},
    "config.setup.texts": {"core.language"},
    "config.setup.schedule": {"config.read", "sources.registry"},
    "config.setup.questions": {"config.setup.dialogue", "config.setup.texts", "config.edit", "config.keys"},
    "config.setup.server": {"config", "sources.registry"},
    "config.setup.start": {"config"},
    "config.setup.steps": {
        *("config", "energy", "sources.lan.discovery", "sources.lan.reports", "sources.registry", "sources.source"),
    },
    "page.texts": {"core.language", "sources.registry", "sources.source"},
    "page": {
        *(
            "energy",
            "core.language",
            "core.messages",
            "core.points",
            "core.files",
            "core.errors",
            "sources.registry",
            "sources.source",
        ),
    },
    "page.web": {"core.errors", "core.language", "page", "sources.source"},
    "runtime": {
        *("echonet", "skstack", "sources", "ports", "storage", "delivery", "explain", "replay", "energy"),
        *("config", "page"),
    }
    | SHARED,
    "check": {"echonet", "skstack", "sources", "ports", "storage", "delivery", "runtime", "energy"} | SHARED,
    "cli": {
        *("echonet", "skstack", "sources", "ports", "storage", "delivery", "explain", "replay", "page", "runtime"),
        *("check", "energy", "config", "sim"),
    }
    | SHARED,
}
"""What each layer may import of homemon, itself excepted."""
ONLY_IN = {
    "requests": {"delivery.influx", "delivery.watched"},
    "urllib3": {"delivery.influx", "delivery.watched"},
    "websockets": {"delivery.ha_client"},
    "click": {"cli"},
    "smbus2": {"ports"},
    "serial": {"ports"},
    "sqlite3": {"storage.connection", "storage.database", "storage.openfile", "storage.salvage", "storage.repair"},
    "plotly": {"page"},
    "waitress": {"page.web"},
    "apprise": {"delivery.services"},
    "paho": {"delivery.broker"},
    "jpholiday": {"energy.calendar"},
}
PURE = (
    *("core.dialogue", "core.requests", "core.points", "core.printable", "core.transcript"),
    *("echonet", "skstack", "sources", "explain", "replay", "page.panels", "page.views", "config.setup"),
    *("check.rules", "check.summaries"),
    *("delivery.discovery", "delivery.exposition", "delivery.live", "delivery.metrics"),
    "delivery.ha_statistics",
    *("energy.amperes", "energy.bill", "energy.calendar", "energy.compare", "energy.cost", "energy.forecast"),
    *("energy.hours", "energy.household", "energy.load", "energy.market", "energy.shift"),
    *("energy.periods", "energy.plan", "energy.prices", "energy.printed", "energy.pro_rata", "energy.rows"),
    *(
        "energy.selling",
        "energy.so_far",
        "energy.spans",
        "energy.statement",
        "energy.sums",
        "energy.toml_file",
        "energy.usage",
    ),
)
IMPURE = {"time", "socket", "threading", "os", "pathlib", "subprocess", "select", "random", "asyncio", "io"}


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports anywhere, also inside functions."""
    return tuple(imported(path))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> str:
    """The row of the rules that a module, or what is imported of one, falls under: the longest name that fits."""
    parts = module.split(".")[1:]
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in MAY_IMPORT), "")


def allowed(used: str, own: str) -> bool:
    """Whether `own` may import `used`: a rule that names a folder allows all that is in it."""
    return any(used == name or used.startswith(f"{name}.") for name in (own, *MAY_IMPORT[own]))


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    own = layer(module)
    assert own, f"add {module} to MAY_IMPORT, and to the table of docs/development.md"
    used = {layer(name) for name in imports(MODULES[module]) if name.startswith("homemon.")} - {""}
    upward = sorted(name for name in used if not allowed(name, own))
    assert not upward, (
        f"{module} may not import {upward}: pass it in from above, or change MAY_IMPORT and docs/development.md"
    )


def test_no_module_needs_itself() -> None:
    needed = {module: {name for name in imports(path) if name in MODULES} for module, path in MODULES.items()}
    assert list(TopologicalSorter(needed).static_order())


@pytest.mark.parametrize("module", MODULES)
def test_each_outside_library_has_one_place(module: str) -> None:
    used = {name.split(".")[0] for name in imports(MODULES[module])}
    misplaced = {name for name in used & ONLY_IN.keys() if layer(module) not in ONLY_IN[name]}
    assert not misplaced, f"{module} imports {sorted(misplaced)}: that is for {[ONLY_IN[name] for name in misplaced]}"


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name.startswith(tuple(f"homemon.{room}" for room in PURE))]
)
def test_what_is_pure_knows_no_clock_file_socket_or_thread(module: str) -> None:
    used = {name.split(".")[0] for name in imports(MODULES[module])} & IMPURE
    assert not used, (
        f"{module} is pure and imports {sorted(used)}: take what it needs as an argument, or do it in runtime/"
    )


@pytest.mark.parametrize(
    "module", [name for name, path in MODULES.items() if "core.dialogue" in path.read_text("utf-8")]
)
def test_a_step_and_a_reply_are_made_with_keywords_only(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Step", "Reply"):
            assert not node.args, f"{module}, line {node.lineno}: name the fields"


def test_every_layer_of_the_rules_exists() -> None:
    gone = MAY_IMPORT.keys() - {layer(module) for module in MODULES}
    assert not gone, f"take {sorted(gone)} out of MAY_IMPORT"


def loaded_by(*arguments: str, folder: Path) -> set[str]:
    """The modules in memory at the end of `homemon ARGUMENTS`, without what an editable install loads at each start."""
    return loaded_in("from homemon.cli.main import main; main(sys.argv[1:])", *arguments, folder=folder)


def loaded_in(script: str, *arguments: str, folder: Path) -> set[str]:
    """The same at the end of a script."""
    at_end = "import sys, atexit; atexit.register(lambda: print('\\nLOADED', *sys.modules, file=sys.stderr));"
    run = subprocess.run(
        (sys.executable, "-S", "-c", at_end + script, *arguments),
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPATH": f"{ROOT}:{get_path('purelib')}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return set(run.stderr.rpartition("LOADED")[2].split())


ASKING = {"homemon.ports.local_socket", "homemon.runtime.owner"}
HEAVY = {"requests", "asyncio", "importlib.metadata", "urllib3", "ssl", "paho"}


METER_CONFIG = (
    f"[smartmeter]\nbid = {'0' * 32}\npwd = {'0' * 12}\nserial_port = {{folder}}/port\n"
    "address = FE80:0000:0000:0000:0200:AA00:0000:0002\n[store]\ndir = {folder}/store\n"
)


def test_a_poll_with_nothing_to_send_loads_no_http_and_no_mqtt(tmp_path: Path) -> None:
    more = "[server]\nurl = http://127.0.0.1:1\n[mqtt]\nhost = 127.0.0.1\n"
    (tmp_path / "config.ini").write_text(METER_CONFIG.format(folder=tmp_path) + more)
    loaded = loaded_by("meter-poll", folder=tmp_path)
    assert "homemon.sources.meter.session" in loaded
    assert not loaded & (HEAVY | {"socket", "dataclasses", "difflib", "random", *ASKING})


def answer_a_poll(served: LocalSocket) -> None:
    """Answer one question, as a listener does."""
    asked: list[tuple[int, str]] = []
    while not asked:
        select.select([served.fileno()], [], [], PATIENCE)
        asked = served.questions()
    for said in (PROTOCOL, "point power value=523i 1795745663000000000", "end 0"):
        served.send(asked[0][0], said)
    served.end(asked[0][0])


def test_a_poll_through_the_listener_loads_nothing_of_the_meter_its_port_and_the_store(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(METER_CONFIG.format(folder=tmp_path))
    lock = port_lock(tmp_path / "store", str(tmp_path / "port"))
    assert lock.take(name="meter-listen")
    with closing(LocalSocket(socket_of(lock))) as served, ThreadPoolExecutor() as pool:
        answered = pool.submit(answer_a_poll, served)
        loaded = loaded_by("meter-poll", folder=tmp_path)
        answered.result(PATIENCE)
    lock.drop()
    assert "homemon.ports.local_socket" in loaded
    rooms = ("echonet", "skstack", "sources.meter", "storage", "delivery", "ports.serial_port", "core.messages")
    assert not [name for name in loaded if name.startswith(tuple(f"homemon.{room}" for room in rooms))]
    assert not loaded & (HEAVY | {"serial", "sqlite3", "json", "random", "tomllib", "difflib", "copy"})


def test_a_listener_whose_readings_stay_here_loads_nothing_that_sends(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(METER_CONFIG.format(folder=tmp_path))
    script = (
        "from homemon.cli import meter_listen; from homemon.runtime import context, owner;"
        "meter_listen.BackgroundSender(context.App('config.ini')).nudge()"
    )
    loaded = loaded_in(script, folder=tmp_path)
    assert "homemon.runtime.background" in loaded
    sending = {"homemon.runtime.sinks", "homemon.delivery.sender", "homemon.runtime.sums"}
    assert not loaded & (HEAVY | sending | {"hashlib", "random"})


def test_a_poll_of_an_ecocute_whose_host_is_written_down_loads_nothing_that_searches(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(
        f"[ecocute]\nhost = {address()}\nbind = 192.0.2.1\n[store]\ndir = {tmp_path}/store\n"
    )
    loaded = loaded_by("ecocute-poll", folder=tmp_path)
    assert "homemon.sources.lan.controller" in loaded
    searching = {
        "homemon.sources.lan.discovery",
        "homemon.sources.lan.searching",
        "homemon.runtime.search",
        "homemon.runtime.state",
    }
    assert not loaded & (HEAVY | searching | {"homemon.echonet.node", "tomllib", "tomli_w"})


def test_the_version_loads_no_command(tmp_path: Path) -> None:
    loaded = loaded_by("--version", folder=tmp_path)
    assert "homemon.cli.main" in loaded
    own = {"homemon.sources.meter.session", "homemon.storage.store", "homemon.core.messages"}
    assert not loaded & (HEAVY | own | {"serial", "sqlite3", "pathlib", "difflib"})
