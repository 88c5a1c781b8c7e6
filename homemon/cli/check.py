"""`homemon check`: one line for each thing that can be wrong, with its remedy."""

import os
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import click

from homemon.cli.app import DAY, App
from homemon.clock import kept_by_ntp
from homemon.config import open_to_others
from homemon.errors import ConfigError, HomemonError
from homemon.files import port_locks

LOW_DISK = 100_000_000  # bytes
LATE_DAYS = 3  # that the meter's newest half-hour may lie back
LOOKED_THROUGH = 10_000_000  # bytes of the store, about three quarters of a year; of a larger one, the newest


class Mark(Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(NamedTuple):
    """One line: its mark, what was looked at, what was found, and the remedy."""

    mark: Mark
    what: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"{self.mark.value:8}{self.what}: {self.found}{remedy}"


@click.command()
@click.pass_obj
def command(app: App) -> int:
    """Look over config, ports, clock and server; say what to do.

    One line for each thing: ok, warning or fault. Exit status 1 when there is a fault, 2 when it is in
    the configuration. Sends nothing to a device, and to the server an empty batch.
    """
    worst = 0
    for look in LOOKS:
        try:
            findings = list(look(app))
        except ConfigError as error:
            findings = [Finding(Mark.FAULT, "config", fault, error.hint) for fault in str(error).splitlines()]
            worst = error.exit_code
        except HomemonError as error:
            findings = [Finding(Mark.FAULT, look.__name__.strip("_"), str(error), error.hint)]
        for finding in findings:
            if finding.mark is Mark.FAULT:
                worst = max(worst, 1)
            app.put(str(finding))
        if worst == ConfigError.exit_code:
            break
    return worst


def _config(app: App) -> Iterator[Finding]:
    path = app.config.path
    yield Finding(Mark.OK, "config", f"{path} is complete")
    if told := open_to_others(path):
        yield Finding(Mark.WARNING, "config", told, f"chmod 600 {path}")


def _serial(app: App) -> Iterator[Finding]:
    if app.config.smartmeter is None:
        return
    from homemon.ports.serial_port import explained, in_use_by

    name = app.smartmeter.serial_port
    if "://" in name:
        yield Finding(Mark.OK, "serial port", f"{name} is remote, and was not opened")
        return
    owner, _ = port_locks(app.folder, name)
    if holder := owner.holder():
        yield Finding(Mark.OK, "serial port", f"{name} is owned by {holder.name or 'homemon'} (pid {holder.pid})")
        return
    try:
        handle = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        is_terminal = os.isatty(handle)
        os.close(handle)
    except OSError as error:
        fault = explained(name, error, "smartmeter")
        yield Finding(Mark.FAULT, "serial port", str(fault), fault.hint)
        return
    if not is_terminal:
        yield Finding(Mark.FAULT, "serial port", f"{name} is no serial port", "Check [smartmeter] serial_port.")
        return
    others = in_use_by(name)
    if others:
        yield Finding(Mark.FAULT, "serial port", f"{name} is in use{others}", "Stop the other program.")
    else:
        yield Finding(Mark.OK, "serial port", f"{name} can be opened")
        yield Finding(Mark.WARNING, "listener", "no meter-listen runs", "Start it from cron: see crontab.example")


def _meter(app: App) -> Iterator[Finding]:
    if app.config.smartmeter is None:
        alone = app.config.ecocute is None and app.config.kyocera is None
        mark = Mark.WARNING if alone else Mark.OK
        yield Finding(mark, "meter", "there is no [smartmeter]", "See config.ini.example" if alone else "")
        return
    from homemon import state

    known = state.load(app.folder)
    if known.link is None:
        yield Finding(Mark.WARNING, "meter", "none is remembered", "Run `homemon join` once")
        return
    link = known.link
    yield Finding(
        Mark.OK, "meter", f"{link.address}, channel {link.channel}, PAN ID {link.pan_id}, {link.dialect.value}"
    )
    if known.scale is None:
        yield Finding(Mark.WARNING, "meter", "its energy unit is not known yet", "meter-listen asks for it")
    else:
        yield Finding(Mark.OK, "meter", f"one count is {known.scale.kwh(1)} kWh")


def _ecocute(app: App) -> Iterator[Finding]:
    if app.config.ecocute is None:
        return
    from homemon import state
    from homemon.cli.lan import lan_lock
    from homemon.ports.udp_node import UdpNode, resolve

    settings = app.ecocute
    if settings.host:
        yield Finding(Mark.OK, "ecocute", f"{settings.host} is {resolve(settings.host)}")
    elif (unit := state.load(app.folder).unit) and unit.eoj == settings.eoj:
        yield Finding(Mark.OK, "ecocute", f"{unit.eoj:06X} was found at {unit.host}")
    else:
        yield Finding(Mark.WARNING, "ecocute", "none is remembered", "`homemon discover` shows what is there")
    if holder := lan_lock(app).holder():
        yield Finding(
            Mark.OK, "ecocute", f"UDP {settings.port} is owned by {holder.name or 'homemon'} (pid {holder.pid})"
        )
        return
    with UdpNode(settings.bind, settings.port):
        yield Finding(Mark.OK, "ecocute", f"UDP {settings.port} on {settings.bind} is free")
    yield Finding(Mark.WARNING, "ecocute", "no ecocute-listen runs", "Start it from cron: see crontab.example")


def _kyocera(app: App) -> Iterator[Finding]:
    if app.config.kyocera is None:
        return
    from homemon.cli.kyocera_dump import LOCK, open_line
    from homemon.files import Lock

    if holder := Lock(app.folder / LOCK).holder():
        yield Finding(Mark.OK, "kyocera", f"a dump is being read (pid {holder.pid})")
        return
    open_line(app).close()
    where = f"I2C bus {app.i2c.port}" if app.kyocera.transport == "i2c" else app.kyocera.serial_port
    yield Finding(Mark.OK, "kyocera", f"{where} can be opened")


def _clock(app: App) -> Iterator[Finding]:
    now = app.now()
    if not app.store.trusts(now):
        yield Finding(
            Mark.FAULT, "clock", "it cannot be right", "Wait for NTP, or set it; readings are dated when it is"
        )
    elif not kept_by_ntp():
        yield Finding(Mark.WARNING, "clock", "it is set, but not kept by NTP", "timedatectl set-ntp true")
    else:
        yield Finding(Mark.OK, "clock", "it is set and kept by NTP")


def _store(app: App) -> Iterator[Finding]:
    whole = app.store.path.stat().st_size <= LOOKED_THROUGH
    faults = app.store.integrity_faults() if whole else app.store.newest_faults()
    if faults:
        yield Finding(
            Mark.FAULT, "store", f"{app.store.path} is damaged: {faults[0]}", "Move it away; see sqlite3's .recover"
        )
    else:
        yield Finding(Mark.OK, "store", f"{app.store.path} is sound{'' if whole else ' in its newest readings'}")
    folder = app.folder.stat()
    if folder.st_mode & 0o022 or folder.st_uid not in (0, os.geteuid()):
        yield Finding(Mark.WARNING, "store", f"others may write in {app.folder}", f"chmod 700 {app.folder}")
    if app.config.server is not None:  # else all that was ever read waits, and takes long to count
        backlog = app.store.backlog()
        if backlog.waiting:
            yield Finding(Mark.OK, "store", f"{backlog.waiting} points wait for the server")
        if backlog.parked:
            yield Finding(
                Mark.WARNING, "store", f"the server refused {backlog.parked} points", "See `homemon upload --help`"
            )
    yield from _kept(app)
    yield from _disk(app.folder)


def _kept(app: App) -> Iterator[Finding]:
    days = app.config.store.keep_days
    if not days:
        return
    at = app.now()
    if at.wall - app.kept_from(at) > (days + LATE_DAYS) * DAY:
        remedy = "The newest half-hour of the meter decides what is old, or NTP where there never was one"
        yield Finding(Mark.WARNING, "store", f"more than the last {days} days is kept", remedy)
    else:
        yield Finding(Mark.OK, "store", f"the last {days} days are kept")


def _disk(folder: Path) -> Iterator[Finding]:
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if free < LOW_DISK:
        yield Finding(Mark.FAULT, "disk", f"{free // 1_000_000} MB free for {folder}", "Free some space")
    else:
        yield Finding(Mark.OK, "disk", f"{free // 1_000_000} MB free for {folder}")


def _server(app: App) -> Iterator[Finding]:
    if app.config.server is None:
        yield Finding(Mark.OK, "server", "none is configured; readings stay in the store")
        return
    from homemon.influx import Influx, Verdict

    influx = Influx(app.server)
    answer = influx.write([])
    if answer.verdict is Verdict.TAKEN:
        yield Finding(Mark.OK, "server", f"{app.server.url} takes points")
    else:
        yield Finding(Mark.FAULT, "server", answer.text, "Readings are kept, and sent when it works")


LOOKS: tuple[Callable[[App], Iterator[Finding]], ...] = (
    _config,
    _serial,
    _meter,
    _ecocute,
    _kyocera,
    _clock,
    _store,
    _server,
)
