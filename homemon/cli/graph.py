"""`homemon graph`: the page, without a server."""

import os
from pathlib import Path

import click

from homemon.core.errors import HomemonError
from homemon.core.language import LANGUAGES, language
from homemon.page import write
from homemon.page.views import DETAILED_DAYS
from homemon.runtime import page
from homemon.runtime.context import App
from homemon.runtime.output import put


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("homemon.html"),
    show_default=True,
    help="The page; plotly.min.js is put next to it.",
)
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3660),
    default=DETAILED_DAYS,
    show_default=True,
    help="So many days up to now.",
)
@click.option("--lang", type=click.Choice(LANGUAGES), help="Default: the locale's (LC_ALL, LC_MESSAGES, LANG).")
@click.pass_obj
def command(app: App, output: Path, days: int, lang: str | None) -> int:
    """The home's energy as one offline web page.

    What is now; what today and the running billing period, or month without a [contract], come to so far, in kWh and
    yen, beside the same part of earlier ones; days (of the last 30), and where --days reaches so far weeks, months and
    years, each with its sums and a table; and the graphs: power, energy by the half-hour, EcoCute and solar. Of more
    than 30 days these also show each day's sum or range. The page needs no server and no network: open it from the
    disk, or let cron write it where a web server finds it; an open page renews itself. Prints where it is (not with
    --quiet).

    Readings of a damaged store that do not fit their checksum are left out: stderr says so, and the exit status is 1.
    """
    chosen = lang or language(os.environ)
    facts, charts, data = page.page(app, days, chosen)
    if output.is_symlink() and output.lstat().st_uid not in (0, os.geteuid()):
        raise HomemonError(f"{output} is another user's link", "Name another --output.")
    path = output.resolve()  # what a link points at is replaced, not the link
    write.write(path, facts, charts, chosen, data)
    if not app.quiet:
        put(os.fsencode(path) + b"\n")  # the name as a shell finds it again
    return int(app.store.db.left_out is not None)
