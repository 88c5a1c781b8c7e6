"""`homemon backup`: a copy of the store."""

from pathlib import Path

import click

from homemon.core.errors import HomemonError
from homemon.runtime.context import App


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(app: App, file: Path) -> None:
    """Copy the store into one file, while everything runs.

    FILE is replaced once the copy is verified; it is readable by its owner only. `homemon repair --from FILE`
    brings back what the store lacks. Prints where the copy is (not with --quiet).
    """
    from homemon.storage import repair

    target = file.absolute()
    if not target.parent.is_dir():
        raise click.UsageError(f"there is no folder {target.parent}")
    if target.exists() and target.samefile(app.store.path):
        raise click.UsageError(f"{file} is the store itself")
    try:
        repair.copy(app.store.db, target)
    except OSError as error:
        raise HomemonError(
            f"{target} cannot be written: {error.strerror}", "Check that disk, and its free space."
        ) from None
    if not app.quiet:
        app.put(f"{target} ({target.stat().st_size / 1e6:.1f} MB)")
