"""`homemon demo`: the real commands, run one after the other against a simulated house."""

import os
import shlex
import signal
import subprocess
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from time import time

import click

from homemon.core.files import replace_file
from homemon.runtime.context import App
from homemon.runtime.demo_folder import begun_anew, made
from homemon.runtime.lan import lan_lock
from homemon.runtime.subcommands import await_owner, echoing, first_line, program, read_until, run, running
from homemon.sources.registry import ECOCUTE, SOURCES
from homemon.sources.source import Connection

HEATER, OURS = (f"127.{net}.{os.getpid() // 250 % 250}.{1 + os.getpid() % 250}" for net in (57, 58))
"""Two addresses of this machine, which no other demo has."""
PACE = "0.1"  # the simulated radio and meter are ten times as quick as real ones
PAST_DAYS = 2
EPCS = ("E7", "E8", "E0", "E3")
SECTIONS = {
    Connection.WI_SUN: "bid = 00112233445566778899AABBCCDDEEFF\npwd = 0123456789AB\naddress =\nserial_port = {}",
    Connection.LAN: f"host = {HEATER}\nbind = {OURS}",
    Connection.MONITOR: "transport = serial\nserial_port = {}",
}
"""What config.ini says of a simulated source, by its connection, with the address that its simulator prints."""
OPTIONS = {Connection.WI_SUN: ("--pace", PACE), Connection.LAN: ("--bind", HEATER), Connection.MONITOR: ()}
"""Those of the simulators."""
DEFAULT_FOLDER = "~/.local/state/homemon-demo"
WEB_PORT = 8000


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help=f"Where to keep it; default: {DEFAULT_FOLDER}, which each demo begins anew.",
)
@click.pass_obj
def command(app: App, folder: Path | None) -> None:
    """The whole way of a reading, with a simulated house.

    A smart meter, a water heater and a solar monitor are simulated, and every command that collects
    is run against them. Ends with the graphs of the house's last two days, and how to look at them. Needs no
    hardware, no server and no configuration.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end what was started, whoever ends us
    with ExitStack() as stack:

        def start(*arguments: str) -> "subprocess.Popen[str]":
            return stack.enter_context(running(app, *arguments))

        sections = [
            f"[{source.section}]\n{SECTIONS[source.connection]}\n".format(
                first_line(start("simulate", source.simulator, *OPTIONS[source.connection]))
            )
            for source in SOURCES
            if source.simulator
        ]
        folder = made(folder) if folder else begun_anew(Path(DEFAULT_FOLDER).expanduser())
        config = folder / "config.ini"
        replace_file(config, "\n".join([*sections, f"[store]\ndir = {folder}/store\n"]).encode())
        common = ("-c", str(config))
        run(app, *common, "join")
        live_through_days(app, config)
        listener = start(*common, "meter-listen")
        read_until(listener, echoing(app, lambda line: line.startswith("-power ")))
        run(app, *common, "meter-poll", *EPCS)
        read_until(listener, echoing(app, lambda line: line.startswith("energy ")))
        heater = start(*common, ECOCUTE.listener)
        await_owner(lan_lock(App(str(config))))
        run(app, *common, *ECOCUTE.polls)
        read_until(heater, echoing(app, lambda line: line.startswith(f"{ECOCUTE.series[0].measurement} ")))
        run(app, *common, "kyocera-dump", "--days", str(PAST_DAYS + 1), quiet=True)
        run(app, *common, "status")
        page = draw(app, config, folder)
    if page:
        say_how_to_see(app, page)
    app.info("look on with the next line, or with export in place of status:")
    app.put(f"{program()} -c {shlex.quote(str(config))} status")


def live_through_days(app: App, config: Path) -> None:
    """Fill the store with the house's last days, read by the code that reads a real house."""
    from homemon.cli.demo_days import lived_through
    from homemon.cli.simulate_tools import new_house

    now = int(time())
    app.info(f"(the house's last {PAST_DAYS} days, lived through in virtual time)")
    store = App(str(config)).store
    store.archive.add(lived_through(new_house(now, seed=1), now - PAST_DAYS * 86_400, now))
    store.close()


def draw(app: App, config: Path, folder: Path) -> Path | None:
    """Draw the page and return its path; None where plotly is not installed."""
    if find_spec("plotly") is None:
        app.info("the graphs need plotly: pip install plotly")
        return None
    page = folder / "index.html"
    run(app, "-c", str(config), "graph", "-o", str(page))
    return page


def say_how_to_see(app: App, page: Path) -> None:
    """Say where the page is, and how to look at it from another machine where this one has no screen."""
    from homemon.ports.interfaces import lan_interfaces

    host = next((interface.address for interface in lan_interfaces()), "127.0.0.1")
    app.info(f"the graphs are in {page}: open it in a browser,")
    app.info(f"or, without a screen here, http://{host}:{WEB_PORT} in another machine's, while this runs:")
    app.put(f"python3 -m http.server --directory {shlex.quote(str(page.parent))} {WEB_PORT}")
