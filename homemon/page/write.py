"""The page, as one file next to plotly's JavaScript: it asks no other host for anything.

Of plotly only the JavaScript is used:
to import its Python half takes longer than all the rest, and would write no other JSON.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from homemon.core.errors import HomemonError
from homemon.core.files import EVERYBODY_READS, replace_file
from homemon.page.figures import Json
from homemon.page.html import html
from homemon.page.panels import Charts
from homemon.page.plotly import JAVASCRIPT, javascript
from homemon.page.views import Facts


def write(path: Path, facts: Facts, charts: Charts, language: str, data: Json) -> None:
    """Write the page, and next to it plotly's JavaScript where that is not there yet. Raise HomemonError.

    `data` is what its charts are drawn of.
    """
    script = javascript()
    try:
        put_next_to(script, path.with_name(JAVASCRIPT))
        put(path, html(facts, charts, language, data).encode())
    except OSError as error:
        raise HomemonError(
            f"{path} cannot be written: {error.strerror}",
            "Name a file in a folder that you may write, with --output.",
        ) from None


def put_next_to(source: Path, target: Path) -> None:
    """Copy `source`, unless `target` is a copy of ours by size and time: the page runs what stands there."""
    wanted = source.stat()
    with suppress(FileNotFoundError):
        there = target.lstat()
        ours = stat.S_ISREG(there.st_mode) and there.st_uid in (0, os.geteuid())
        if ours and (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
    put(target, source.read_bytes())
    os.utime(target, ns=(wanted.st_atime_ns, wanted.st_mtime_ns))


def put(path: Path, content: bytes) -> None:
    """Put a file where a web server, which is another user, reads it. Raise OSError."""
    replace_file(path, content, EVERYBODY_READS)
