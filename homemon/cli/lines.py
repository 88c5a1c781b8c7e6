"""Files of lines, of any size, one line in memory at a time."""

import os
from collections.abc import Iterator
from typing import IO

from homemon.skstack.logged import as_text

LONGEST = 1 << 18  # bytes of a line: the largest datagram in hex takes half as many


def lines(file: IO[bytes], longest: int = LONGEST) -> Iterator[bytes]:
    """Yield the lines of `file` with their ends; of one that is longer than any can be, in bytes, the beginning."""
    while line := file.readline(longest):
        yield line
        while len(line) == longest and not line.endswith(b"\n"):
            line = file.readline(longest)


def typed(text: str) -> str:
    """Return a word of the command line as text, where the locale could not make one of its UTF-8."""
    escaped = any("\udc80" <= character <= "\udcff" for character in text)
    return as_text(os.fsencode(text)) if escaped else text
