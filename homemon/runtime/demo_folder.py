"""The folder of a demo: made, or begun anew; and what its config.ini says of the simulated devices."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from homemon.core.errors import HomemonError
from homemon.runtime.subcommands import read_until
from homemon.sources.registry import SOURCES
from homemon.sources.source import Connection

HEATER, OURS = (f"127.{net}.{os.getpid() // 250 % 250}.{1 + os.getpid() % 250}" for net in (57, 58))
"""Two addresses of this machine, which no other demo has."""
SIMULATED = {  # by connection: a simulator's options, and what config.ini says of it with the address that it prints
    Connection.WI_SUN: (
        ("--pace", "0.1"),  # radio and meter are ten times as quick as real ones
        "bid = 00112233445566778899AABBCCDDEEFF\npwd = 0123456789AB\naddress =\nserial_port = {}",
    ),
    Connection.LAN: (("--bind", HEATER), f"host = {HEATER}\nbind = {OURS}"),
    Connection.MONITOR: ((), "transport = serial\nserial_port = {}"),
}
CONTRACT = "[contract]\nplan = tepco-juryo-b\nampere = 40\n"


def made(folder: Path) -> Path:
    """Return `folder` as an absolute path; it is there now. Raise HomemonError."""
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomemonError(f"{folder}: {error.strerror}", "Name another --dir.") from None
    return folder


def begun_anew(folder: Path) -> Path:
    """Return `folder`, empty but for what no demo made. Raise HomemonError."""
    folder = made(folder)
    try:
        for name in ("config.ini", "index.html"):
            (folder / name).unlink(missing_ok=True)
        if (folder / "store").exists():
            shutil.rmtree(folder / "store")
    except OSError as error:
        raise HomemonError(f"{error.filename}: {error.strerror}", "Name another folder with --dir.") from None
    return folder


def simulated(start: "Callable[..., subprocess.Popen[str]]") -> str:
    """Start a simulator for each source that has one; return their sections of config.ini. Raise HomemonError."""
    sections = [
        f"[{source.section}]\n{text}\n".format(read_until(start("simulate", source.simulator, *options)))
        for source in SOURCES
        if source.simulator
        for options, text in [SIMULATED[source.connection]]
    ]
    return "\n".join([*sections, CONTRACT, ""])
