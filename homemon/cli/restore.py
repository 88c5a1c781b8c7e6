"""`homemon restore`: a copy of the store in the store's place."""

from pathlib import Path

import click

from homemon.core.errors import HomemonError
from homemon.runtime.context import App


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(app: App, file: Path) -> None:
    """Put a copy that `backup` made in the store's place, while everything runs.

    FILE is verified first and stays as it is. The store that was there is set aside next to it and never deleted;
    `homemon repair --from` that adds what was recorded after the copy. Listeners go on with the restored store.
    Prints where both are (not with --quiet).
    """
    from homemon.storage import repair
    from homemon.storage.database import FILE

    path = app.folder / FILE
    if not file.is_file():
        raise click.UsageError(f"{file} is no file")
    if path.exists() and path.samefile(file):
        raise click.UsageError(f"{file} is the store itself")
    try:
        aside = repair.restore(path, file)
    except OSError as error:
        raise HomemonError(f"the store cannot be replaced: {error}", "Check that disk, and its free space.") from None
    if app.quiet:
        return
    app.show(f"{path} is what {file} was")
    if aside:
        app.show(f"the store that was there is {aside}; `homemon repair --from` it adds what came after the copy")
