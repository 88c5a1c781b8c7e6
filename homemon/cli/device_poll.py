"""`homemon device-poll`: asks devices on the LAN once, of any class that the registry has a row for."""

import click

from homemon.cli.options import trace_option
from homemon.core.errors import ConfigError, HomemonError, StoreError
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.runtime.lan_poll import poll
from homemon.sources.registry import DEVICES

NAMES = [source.section for source in DEVICES]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice(NAMES))
@trace_option
@click.pass_obj
def command(app: App, names: tuple[str, ...], trace: str | None) -> int:
    """Ask devices on the LAN once.

    NAME is a device's section of config.ini, such as ecocute; without one, all that are configured are asked, one
    after the other. Exit status 1 when one of them does not answer; the others are asked all the same.
    """
    wanted = [source for source in DEVICES if source.section in (names or app.config.devices)]
    if not wanted:
        raise ConfigError(f"{app.config.path} names no device on the LAN", "See config.ini.example.")
    for source in wanted:
        app.device(source.section)
    status = 0
    for source in wanted:
        try:
            poll(app, source, trace)
        except (ConfigError, StoreError):
            raise
        except HomemonError as error:
            app.warn(str(error), error.hint)
            status = error.exit_code
    send_now(app)
    return status
