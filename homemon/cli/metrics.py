"""`homemon metrics`: what Prometheus scrapes."""

from pathlib import Path

import click

from homemon.core.errors import HomemonError
from homemon.core.files import EVERYBODY_READS, replace_file
from homemon.runtime import metrics
from homemon.runtime.context import App
from homemon.runtime.output import put


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="In place of stdout; for node_exporter its name ends in .prom.",
)
@click.pass_obj
def command(app: App, output: Path | None) -> int:
    """Print what Prometheus scrapes, or write it into a file.

    The newest reading of each series with its age, kWh and yen of today and of the running billing period, points that
    wait for the server, listeners, the store's size. What is too old to be known now is left out, but its age is there.
    FILE is for the textfile collector of node_exporter: it is replaced as a whole, and a new one is readable by
    everybody. `homemon serve` has the same at /metrics.

    Exit status 1 when readings of a damaged store are left out because they do not fit their checksum, as stderr says.
    """
    text = metrics.exposition(app).encode()
    if output is None:
        put(text)
    else:
        _write(output.absolute(), text)
    return int(app.store.db.left_out is not None)


def _write(path: Path, text: bytes) -> None:
    try:
        replace_file(path, text, EVERYBODY_READS)
    except OSError as error:
        raise HomemonError(
            f"{path} cannot be written: {error.strerror}",
            "Name a file in a folder that you may write, with --output.",
        ) from None
