"""The table of formats: each is one row, how it is recognised and how it is read."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from homemon.replay.downloads import jepx, kansai, tepco
from homemon.replay.downloads.items import Item, Lines, Options


class Format(NamedTuple):
    """A format of files: `recognised` by their first lines, `read` into points.

    `priced` where areas are chosen, `undated` where a file does not name its day.
    """

    name: str
    recognised: Callable[[Sequence[str]], bool]
    read: Callable[[Lines, Options], Iterator[Item]]
    priced: bool = False
    undated: bool = False


FORMATS = (
    Format("JEPX spot prices", jepx.recognised, jepx.read, priced=True),
    Format("Kansai hourly CSV", kansai.recognised, kansai.read),
    Format("TEPCO half-hours CSV", tepco.csv_recognised, tepco.read_csv),
    Format("TEPCO billInfos JSON", tepco.bills_recognised, tepco.read_bills, undated=True),
    Format("TEPCO half-hours JSON", tepco.rows_recognised, tepco.read_rows),
)


def recognise(head: Sequence[str]) -> Format | None:
    """Return the format of a file with such first lines; None for one that nobody knows."""
    return next((row for row in FORMATS if row.recognised(head)), None)
