"""Files of lines, of any size, one line in memory at a time."""

from collections.abc import Iterator
from typing import IO

LONGEST = 1 << 18  # bytes of a line: the largest datagram in hex takes half as many


def lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of `file` with their ends; of one that is longer than any can be, the beginning."""
    while line := file.readline(LONGEST):
        yield line
        while len(line) == LONGEST and not line.endswith(b"\n"):
            line = file.readline(LONGEST)
