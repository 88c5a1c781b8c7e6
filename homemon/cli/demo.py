"""`homemon demo`: the real commands, run one after the other against a simulated house."""

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

import click

from homemon.cli.app import App
from homemon.errors import HomemonError

CONFIG = """\
[smartmeter]
bid = 00112233445566778899AABBCCDDEEFF
pwd = 0123456789AB
address =
serial_port = {port}

[store]
dir = {folder}/store
"""
HOMEMON = (sys.executable, "-m", "homemon")
POLLED = 3  # readings of the power to wait for
WITHIN = 90.0  # seconds for each step
PACE = "0.1"  # the simulated radio and meter are ten times as quick as real ones


@click.command()
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Where to keep it; default: a new temporary folder."
)
@click.pass_obj
def command(app: App, folder: Path | None) -> None:
    """The whole way of a reading, with a simulated device.

    Starts a simulated module and meter, joins, listens until some readings have come, and prints
    what is in the store. Needs no hardware, no server and no configuration.
    """
    folder = folder or Path(mkdtemp(prefix="homemon-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    simulator = _start(app, "simulate", "meter", "--pace", PACE)
    try:
        port = _read_until(simulator, lambda line: True)[-1]
        config = folder / "config.ini"
        config.write_text(CONFIG.format(port=port, folder=folder))
        config.chmod(0o600)
        common = ("--config", str(config))
        _run(app, *common, "join")
        listener = _start(app, *common, "meter-listen", "--poll", "5")
        try:
            polled = []

            def enough(line: str) -> bool:
                app.put(line)
                polled.append(line.startswith("power "))
                return sum(polled) >= POLLED

            _read_until(listener, enough)
        finally:
            _stop(listener)
        app.remark("and this is in the store:")
        _run(app, *common, "export")
        app.remark(f"look on with: homemon --config {config} check")
    finally:
        _stop(simulator)


def _tell(app: App, arguments: tuple[str, ...]) -> None:
    app.remark(f"$ homemon {' '.join(arguments)}")


def _start(app: App, *arguments: str) -> "subprocess.Popen[str]":
    _tell(app, arguments)
    return subprocess.Popen((*HOMEMON, *arguments), stdout=subprocess.PIPE, text=True)


def _run(app: App, *arguments: str) -> None:
    _tell(app, arguments)
    status = subprocess.run((*HOMEMON, *arguments), timeout=WITHIN, check=False).returncode
    if status:
        raise HomemonError(f"the demo's `homemon {arguments[-1]}` ended with status {status}")


def _read_until(process: "subprocess.Popen[str]", enough: Callable[[str], bool]) -> list[str]:
    """Lines of a process until one is enough. Raises HomemonError when that takes too long or it ends."""
    assert process.stdout is not None
    lines: list[str] = []
    deadline = monotonic() + WITHIN
    buffer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - monotonic())):
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                raise HomemonError(f"the demo's process ended with status {process.wait()}")
            *whole, buffer = (buffer + data).split(b"\n")
            for line in whole:
                lines.append(line.decode())
                if enough(lines[-1]):
                    return lines
    raise HomemonError(f"the demo waited {WITHIN:g} s in vain")


def _stop(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
