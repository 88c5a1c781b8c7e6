"""What `homemon setup` has done outside: ports tried, the LAN searched, other commands run. `ACTS` is the table."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from homemon.config.edit import Change, change_file, close
from homemon.config.keys import KEYS, SECRETS, Server
from homemon.config.setup.schedule import EVERYBODY, HERE, NOBODY, jobs
from homemon.config.setup.steps import I2C
from homemon.core import xdg
from homemon.core.dialogue import Talk
from homemon.core.errors import ConfigError, DeviceError, HomemonError, PortError
from homemon.core.files import port_lock
from homemon.core.language import LOCALES, language
from homemon.echonet.codec import MULTICAST
from homemon.energy import shipped
from homemon.energy.plan import Plan
from homemon.ports.serial_port import ModulePort, SerialLine
from homemon.runtime.context import App
from homemon.runtime.driver import Watched, run
from homemon.runtime.dump import Line, MonitorPort
from homemon.runtime.listeners import listeners
from homemon.runtime.search import addresses, discover, with_defaults
from homemon.runtime.starting import WAYS, Cron, Planned, page_started, program
from homemon.runtime.subcommands import itself
from homemon.runtime.subcommands import program as typed
from homemon.skstack.join import wake_module
from homemon.sources.kyocera.protocol import Dump
from homemon.sources.lan.discovery import Node
from homemon.sources.objects import known_name
from homemon.sources.registry import SOLAR_MONITOR, SOURCES

DEVICES = Path("/dev")
IN_USE = "It works, then. To try it anew, stop that first, and what starts it."
USUAL = "従量電灯"  # as nearly every company calls the plan that a household has had for long
SERVER_WITHIN = 5.0  # seconds
BEGIN_WITHIN = 120.0  # seconds: cron looks once a minute, and a meter is joined first
PORTS = ("serial/by-id/*", "serial0", "ttyAMA*", "ttyUSB*", "ttyACM*")
"""Where a module can be; the first name of a device is taken, so a USB stick's that stays."""


def serial_ports(app: App, folder: Path = DEVICES) -> list[str]:
    """Return the serial ports that there are, the configured one first."""
    meter = app.config.smartmeter
    present = [meter.serial_port] if meter and ("://" in meter.serial_port or Path(meter.serial_port).exists()) else []
    found = [str(path) for pattern in PORTS for path in sorted(folder.glob(pattern))]
    return list({str(Path(name).resolve()): name for name in reversed([*present, *found])}.values())[::-1]


Tried = tuple[str, str, str]


def module(app: App, name: str, bps: int) -> Tried:
    """Return the version of the Wi-SUN module on a port; where there is none, why, and what to do.

    Raise StoreError.
    """
    if holder := port_lock(app.folder, name).holder():
        return "", f"{name} is in use by homemon {holder.name} (pid {holder.pid})", IN_USE
    try:
        with ModulePort(SerialLine(name, bps, "smartmeter")) as port:
            return run(Talk(), wake_module(), port, Watched(app)), "", ""
    except (PortError, DeviceError) as error:
        return "", str(error), error.hint


def join(app: App) -> bool:
    """Join the meter's network; return whether that worked."""
    return command(app, "join") == 0


def command(app: App, *words: str) -> int:
    """Run another homemon command with the same configuration, in the same terminal; return its exit status."""
    app.show(f"$ {typed()} {shlex.join(words)}")
    quiet = ("-q",) if app.quiet else ()
    return subprocess.run((*itself(), "-c", str(app.config.path), *quiet, *words), check=False).returncode


def search(app: App, targets: Sequence[str], bind: str | None) -> tuple[list[Node], list[str]]:
    """Return the nodes on the LAN, or at the targets, and lines that describe them or say why there are none."""
    with_defaults(app, bind)
    try:
        hosts = [host for target in targets for host in addresses(target)]
        found = discover(app, hosts or [MULTICAST], None)
    except (HomemonError, ValueError) as error:
        return [], [str(error)]
    nodes = [each for each in found.nodes if each.host not in found.ours]
    return nodes, [line for each in nodes for line in _shown(each)]


def _shown(node: Node) -> Iterator[str]:
    """Yield who a node is, and what it has, in lines of a terminal."""
    yield "  ".join(filter(None, (node.host, node.facts.maker_name, node.facts.product)))
    yield from (f"  {eoj:06X}  {known_name(eoj)}".rstrip() for eoj in node.objects)


def monitor_lines(app: App, folder: Path = DEVICES) -> list[str]:
    """Return where a solar monitor can be: on the I2C bus, or on a serial port."""
    bus = folder / f"i2c-{app.config.i2c.port}"
    return [*([I2C] if bus.exists() else []), *serial_ports(app, folder)]


def monitor(app: App, name: str) -> tuple[str, str]:
    """Return why no solar monitor announces its memory there, and what to do; empty where one does."""
    dump = Dump()
    try:
        line = _monitor_line(app, name)
        try:
            run(Talk(), dump.begin(), MonitorPort(line, dump), Watched(app))
        finally:
            line.close()
    except (PortError, DeviceError) as error:
        return str(error), error.hint
    return "", ""


def _monitor_line(app: App, name: str) -> Line:
    if name != I2C:
        return SerialLine(name, SOLAR_MONITOR.keys["serial_bps"].default, SOLAR_MONITOR.section)
    from homemon.ports.i2c_bridge import open_bridge

    return open_bridge(app.config.i2c.port, app.config.i2c.reads == "block")


def plans(app: App, area: str) -> list[Plan]:
    """Return the plans of an area: those that most have first, those that need a market's prices last."""
    return sorted(shipped.of_area(area), key=lambda plan: (plan.follows_market, USUAL not in plan.name))


def plan_reader(app: App) -> Callable[[str], str]:
    """Return what reads a plan's name, or its file's as seen from config.ini. It raises ConfigError."""

    def read(name: str) -> str:
        shipped.find(name, app.config.path.parent)
        return name

    return read


def base(app: App, plan: str) -> dict[str, str]:
    """Return what a plan's base charge goes by, and which amounts it has; nothing for a plan that cannot be read."""
    try:
        newest = shipped.find(plan, app.config.path.parent).versions[-1].base
    except HomemonError:
        return {}
    if newest.ampere:
        return {"ampere": ", ".join(map(str, newest.ampere))}
    unit = "kva" if newest.kva is not None else newest.block.unit if newest.block else ""
    return {unit: ""} if unit else {}


def ways(app: App) -> list[str]:
    """Return what can start homemon on this machine."""
    return [name for name, way in WAYS.items() if way.there()]


def page(app: App) -> str | None:
    """Return who may look at the page that is started by now, as `PAGES` has it; None where homemon cannot serve it."""
    if not all(map(find_spec, ("waitress", "plotly"))):
        return None
    started = page_started()
    if started is None:
        return NOBODY
    return HERE if started[0].startswith(("127.", "::1")) else EVERYBODY


def _planned(app: App, page: str) -> Planned:
    spoken = language(os.environ)
    return Planned(jobs(app.config, page), program(app.config.path), LOCALES[spoken] if spoken != "en" else "")


def planned(app: App, way: str, page: str) -> list[str]:
    """Return the lines, or the files, that are there after installing."""
    return WAYS[way].planned(_planned(app, page))


def otherwise(app: App, way: str, page: str) -> list[tuple[str, str]]:
    """Return what of the person's own starts some of it, each with the words that it lacks."""
    return WAYS[way].otherwise(_planned(app, page))


def differing(app: App, way: str, page: str) -> list[str]:
    """Return the files that would be overwritten with something else."""
    return WAYS[way].differing(_planned(app, page))


def install(app: App, way: str, page: str, kept: Sequence[str]) -> str:
    """Install what starts homemon, but the files that are kept; return why that failed, or nothing."""
    try:
        WAYS[way].install(_planned(app, page), kept)
    except HomemonError as error:
        return str(error)
    return ""


def installed(app: App) -> list[str]:
    """Return the lines of cron and the units of ours by which homemon is started."""
    return [name for way in ways(app) for name in WAYS[way].installed()]


def uninstall(app: App) -> str:
    """Take away what is `installed`; return why that failed, or nothing."""
    try:
        for way in ways(app):
            if WAYS[way].installed():
                WAYS[way].remove()
    except HomemonError as error:
        return str(error)
    return ""


def own_folder(app: App) -> str:
    """Return the store's folder where only a variable says it, which cron and systemd do not know; else nothing."""
    own = xdg.state("homemon", os.environ)
    return str(own) if app.folder == own != xdg.state_at_home("homemon") else ""


def server(app: App, keys: Mapping[str, str]) -> Any:
    """Return the `Trial` of a server with these keys of [server]."""
    from homemon.delivery.influx import Influx

    return Influx(_server(app, keys)).trial()


def create_database(app: App, keys: Mapping[str, str]) -> str:
    """Make the database of an InfluxDB 1.x; return why that failed, or nothing."""
    from homemon.delivery.influx import Influx

    return Influx(_server(app, keys)).create_database().text


def _server(app: App, keys: Mapping[str, str]) -> Server:
    """Return [server] with these keys, the defaults, and the CA that is configured; somebody waits for its answers."""
    defaults = {name: key.default for name, key in KEYS["server"].items()}
    known = app.config.server
    return Server(**{**defaults, "timeout": SERVER_WITHIN, "ca": known.ca if known else None, **keys})


def write(app: App, changes: Sequence[Change]) -> str:
    """Write into config.ini what is to be there; return its name where it is closed to others for its secrets.

    Raise ConfigError.
    """
    path = app.config.path
    try:
        closed = any(change.key in SECRETS for change in changes) and close(path)  # before they are in it
        change_file(path, [_anchored(change) for change in changes])
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", "Write it by hand, then go on with `homemon setup`.") from None
    return str(path) if closed else ""


def _anchored(change: Change) -> Change:
    """Return a port that is named from here as cron names it from anywhere; a link, as in by-id, is not followed."""
    here = change.key == "serial_port" and "://" not in change.value and os.path.exists(change.value)
    return change._replace(value=os.path.abspath(change.value)) if here else change


def first(app: App, name: str) -> bool:
    """Take the first reading of a device, by its command; return whether that worked. Programs get none of it."""
    app.show(f"$ {typed()} {name}")
    data = None if sys.stdout.isatty() else subprocess.DEVNULL
    return subprocess.run((*itself(), "-c", str(app.config.path), name), stdout=data, check=False).returncode == 0


def to_begin(app: App) -> list[str]:
    """Return the listeners that cron starts within a minute and that have not begun."""
    lines = [line for line in Cron.started() if not line.startswith("#")] if Cron.there() else []
    return [
        name
        for name in listeners(app)
        if not _has_begun(app, name) and any(re.search(rf"\bhomemon\b.*\b{name}\b", line) for line in lines)
    ]


def begun(app: App, names: Sequence[str]) -> None:
    """Wait until the listeners run and have a reading, but not for long: `check` says what they lack."""
    until = monotonic() + BEGIN_WITHIN
    while not all(_has_begun(app, name) for name in names) and monotonic() < until:
        sleep(0.5)


def _has_begun(app: App, listener: str) -> bool:
    """Return whether a listener runs, and anything of its device is stored."""
    (source,) = (each for each in SOURCES if each.listener == listener)
    own = {series.measurement for series in source.series}
    return bool(listeners(app)[listener]) and any(series.measurement in own for series in app.store.archive.series())


ACTS: dict[str, Callable[..., Any]] = {
    "serial ports": serial_ports,
    "module": module,
    "join": join,
    "first": first,
    "awaited": to_begin,
    "begun": begun,
    "discover": search,
    "monitor lines": monitor_lines,
    "monitor": monitor,
    "plans": plans,
    "plan reader": plan_reader,
    "base": base,
    "ways": ways,
    "planned": planned,
    "otherwise": otherwise,
    "differing": differing,
    "install": install,
    "installed": installed,
    "uninstall": uninstall,
    "own folder": own_folder,
    "page": page,
    "server": server,
    "database": create_database,
    "write": write,
}
