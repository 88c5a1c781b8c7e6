"""`homemon repair`: what is whole of a damaged store, and what comes back from elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import click

from homemon.core.errors import HomemonError
from homemon.runtime.context import App

SERVER = "server"  # what --from calls the one of config.ini


@click.command()
@click.option(
    "--from",
    "source",
    metavar="FILE|server",
    help="A copy, a store that was set aside, or the server of config.ini: add what ours lacks.",
)
@click.pass_obj
def command(app: App, source: str | None) -> None:
    """Make a damaged store sound, or bring back what it lacks.

    All values whose checksum is right go into a new file, which takes the store's place; the damaged one is set
    aside next to it and never deleted. Prints what is missing, by series and period, and where it comes back from.
    Listeners may go on; they continue with the new file. A sound store is left as it is.

    With --from it adds those values of another store, or of the server, that ours lacks, and changes none. Of the
    server it takes what homemon wrote with the tags of config.ini. (A file named server is ./server.)
    """
    try:
        for line in work(app, source):
            app.show(line)
    except OSError as error:
        raise HomemonError(f"the store cannot be repaired: {error}", "See dmesg and df.") from None


def work(app: App, source: str | None) -> Iterator[str]:
    """Do what the options ask for. Raise HomemonError, OSError, click.UsageError."""
    from homemon.runtime import repairing

    if source is None:
        return repairing.look_through(app)
    if source == SERVER:
        return repairing.bring_from_server(app)
    if not Path(source).is_file():
        raise click.UsageError(f"{source} is no file")
    return repairing.bring_back(app, Path(source))
