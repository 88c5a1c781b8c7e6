"""`homemon serve`: the page, live, for browsers of the home."""

from ipaddress import IPv4Address, ip_address
from time import monotonic, time

import click

from homemon.core.language import LANGUAGES
from homemon.page.web import server
from homemon.page.web.access import Password
from homemon.page.web.live import Live
from homemon.page.web.pages import Pages
from homemon.page.web.site import Site
from homemon.runtime import output, serving
from homemon.runtime.context import App
from homemon.runtime.stop import Stop
from homemon.storage.database import FILE

BROADCAST = IPv4Address("255.255.255.255")
SCRAPED = 5  # seconds for which metrics are kept: ages and listeners change though no reading comes


def _address(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        address = ip_address(value)
    except ValueError:
        address = None
    if address is None or address.is_multicast or address == BROADCAST:
        raise click.BadParameter("must be an IP address of this machine; 0.0.0.0 stands for all of them")
    return str(getattr(address, "ipv4_mapped", None) or address)


@click.command()
@click.option(
    "--bind",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    callback=_address,
    help="Where to listen; 0.0.0.0 for the whole LAN.",
)
@click.option("--port", metavar="N", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--lang", type=click.Choice(LANGUAGES), help="Default: the browser's.")
@click.pass_obj
def command(app: App, bind: str, port: int, lang: str | None) -> int:
    """Show the page, live, to browsers.

    Says at which address to open it. It only reads the store, and loads nothing from any other host. Who may look:
    this machine alone, or with --bind all on the LAN, who need a password where `[serve]` of config.ini has one.
    /metrics is for Prometheus. A second one at the same port ends at once. SIGTERM or Ctrl-C ends it. Needs waitress
    and plotly.
    """
    server.require()
    files, password = serving.files(), app.config.serve.password
    output.detach()
    pages, numbers, metrics = (serving.Shown(str(app.config.path), app.quiet, app.verbose) for _ in range(3))
    stop = Stop()
    try:
        listening = server.listen(bind, port)
    except server.PortInUse:
        if not serving.answers(bind, port):
            raise
        app.info(f"it is served already: {' or '.join(serving.addresses(bind, port))}")
        return 0
    with listening:
        live = Live(numbers.live, numbers.version)
        site = Site(
            Pages(pages.page, pages.version, time),
            live,
            files,
            Pages(metrics.metrics, metrics.version, time, SCRAPED),
            serving.names(),
            Password(password, monotonic) if password else None,
            lang,
            pages.fail,
        )
        announce(app, bind, listening.getsockname()[1], password is not None)
        server.serve(site, listening, stop.handle, live.close)
    return 0


def announce(app: App, bind: str, port: int, locked: bool) -> None:
    """Say where to open the page, and who may."""
    app.info(f"open {' or '.join(serving.addresses(bind, port))}")
    if not (app.folder / FILE).exists():
        app.info("nothing was recorded yet: the page shows the first reading when it comes")
    if ip_address(bind).is_loopback:
        app.info(
            f"only this machine can; from another: `ssh -L {port}:localhost:{port} {serving.login()}`, "
            "or start it with --bind 0.0.0.0"
        )
    elif not locked:
        app.warn("everyone on the network can look; a password in [serve] of config.ini keeps others out")
