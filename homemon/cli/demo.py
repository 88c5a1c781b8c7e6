"""`homemon demo`: the real commands, run one after the other against a simulated house."""

import os
import shlex
import signal
import subprocess
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path

import click

from homemon.cli.demo_days import lived_through
from homemon.core import xdg
from homemon.core.files import replace_file
from homemon.runtime.context import App
from homemon.runtime.demo_folder import begun_anew, made, simulated
from homemon.runtime.lan import lan_lock
from homemon.runtime.living import live_on
from homemon.runtime.subcommands import await_owner, echoing, program, read_until, run, running
from homemon.sources.registry import ECOCUTE

PAST_DAYS = 2
DEFAULT_FOLDER = "~/.local/state/homemon-demo"
CRON = {"meter-poll E7 E8": 10.0, "ecocute-poll": 60.0, "kyocera-dump --days 1": 600.0}  # seconds


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help=f"Where to keep it; default: {DEFAULT_FOLDER}, which each demo begins anew.",
)
@click.option("--live", is_flag=True, help="Then let the house live on, and serve its page, until Ctrl-C.")
@click.option("--bind", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Of --live, as of serve.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Of --live, as of serve.",
)
@click.pass_obj
def command(app: App, folder: Path | None, live: bool, bind: str, port: int) -> None:
    """The whole way of a reading, with a simulated house.

    A smart meter, a water heater and a solar monitor are simulated, and every command that collects
    is run against them. Ends with its bill and the page of the house's last two days, and how to look at it; or
    with --live not at all: the house lives on, and its page is served. Needs no hardware, no server, no configuration.
    """
    for ending in (signal.SIGTERM, signal.SIGHUP):  # end what was started, whoever ends us
        signal.signal(ending, signal.default_int_handler)
    with ExitStack() as stack:

        def start(*arguments: str) -> "subprocess.Popen[str]":
            return stack.enter_context(running(app, *arguments))

        sections = simulated(start)
        folder = made(folder) if folder else begun_anew(xdg.state("homemon-demo", os.environ))
        config = folder / "config.ini"
        replace_file(config, f"{sections}[store]\ndir = {folder}/store\n".encode())
        common, ours = ("-c", str(config)), App(str(config))
        run(app, *common, "join")
        app.info(f"(the house's last {PAST_DAYS} days, lived through in virtual time)")
        ours.store.archive.add(lived_through(PAST_DAYS))
        ours.close_store()
        listener = start(*common, "meter-listen")
        read_until(listener, echoing(app, lambda line: line.startswith("-power ")))
        run(app, *common, "meter-poll", "E7", "E8", "E0", "E3")
        read_until(listener, echoing(app, lambda line: line.startswith("energy ")))
        heater = start(*common, ECOCUTE.listener)
        await_owner(lan_lock(ours))
        run(app, *common, *ECOCUTE.polls)
        read_until(heater, echoing(app, lambda line: line.startswith(f"{ECOCUTE.series[0].measurement} ")))
        run(app, *common, "kyocera-dump", "--days", str(PAST_DAYS + 1), quiet=True)
        run(app, *common, "status")
        run(app, *common, "bill")
        if live:
            served = start(*common, "serve", "--bind", bind, "--port", str(port))
            with suppress(KeyboardInterrupt):
                live_on(common, (listener, heater, served), CRON)
            return
        draw(app, common, folder / "index.html")
    app.info("look on with the next line, or with export in place of status:")
    app.put(f"{program()} -c {shlex.quote(str(config))} status")


def draw(app: App, common: tuple[str, ...], page: Path) -> None:
    """Draw the page; say where it is, and how to look at it from another machine where this one has no screen."""
    if find_spec("plotly") is None:
        app.info("the graphs need plotly: pip install plotly")
        return
    run(app, *common, "graph", "-o", str(page))
    app.info(f"the page is in {page}: open it in a browser,")
    app.info("or, without a screen here, have it served to the other machines of the home:")
    app.put(f"{program()} {shlex.join(common)} serve --bind 0.0.0.0")
