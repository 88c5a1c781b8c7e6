"""The prices of a day as bands behind its curves: few enough to read, each with a name and a price."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from homemon.energy.band_names import named
from homemon.energy.price_bands import PriceBand
from homemon.page.texts import text

LEVELS = 3  # of the colour behind the curves: cheap, between, dear
READABLE = 12  # bands of a day; of more, those of like price are one


class Shade(NamedTuple):
    """A band from `start` to `end`, Unix seconds: its name and price as text, and how dear it is, from 0 to 2."""

    start: int
    end: int
    name: str
    price: str
    level: int


def shades(bands: Sequence[PriceBand], language: str) -> list[Shade]:
    """Return the bands of a day as they are drawn. Each half-hour of a plan that follows the market has its price."""
    levels = [_level(band, bands) for band in bands]
    drawn = list(zip(bands, levels, strict=True))
    alone = [[each] for each in drawn]
    groups = (list(same) for _, same in groupby(drawn, key=lambda each: each[1])) if len(drawn) > READABLE else alone
    return [_shade([band for band, _ in same], same[0][1], language) for same in groups]


def _shade(bands: Sequence[PriceBand], level: int, language: str) -> Shade:
    prices = sorted({band.yen for band in bands if band.yen is not None})
    price = " – ".join(f"{yen.normalize():f}" for yen in dict.fromkeys((*prices[:1], *prices[-1:])))
    said = text(language, "yen a kWh").format(price) if price else ""
    return Shade(bands[0].start, bands[-1].end, named(bands[0].name, language), said, level)


def _level(band: PriceBand, bands: Iterable[PriceBand]) -> int:
    """Return in which third of the day's range of prices one is; those with tiers are told apart by their order."""
    prices = [each.yen for each in bands if each.yen is not None]
    if band.yen is None:
        names = list(dict.fromkeys(each.name for each in bands))
        return names.index(band.name) % LEVELS
    low, high = min(prices), max(prices)
    return min(int((band.yen - low) * LEVELS / (high - low)), LEVELS - 1) if high > low else 1
