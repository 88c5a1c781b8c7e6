"""The folder of a demo: made, or begun anew."""

import shutil
from pathlib import Path

from homemon.core.errors import HomemonError


def made(folder: Path) -> Path:
    """Return `folder` as an absolute path; it is there now. Raise HomemonError."""
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomemonError(f"{folder}: {error.strerror}", "Name another --dir.") from None
    return folder


def begun_anew(folder: Path) -> Path:
    """Return `folder`, empty but for what no demo made. Raise HomemonError."""
    folder = made(folder)
    try:
        for name in ("config.ini", "index.html"):
            (folder / name).unlink(missing_ok=True)
        if (folder / "store").exists():
            shutil.rmtree(folder / "store")
    except OSError as error:
        raise HomemonError(f"{error.filename}: {error.strerror}", "Name another folder with --dir.") from None
    return folder
