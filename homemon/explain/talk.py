"""Words of a log that are not the module's: a script's talk, or noise; legible, and without a secret."""

import re

from homemon.skstack.lines import Noise
from homemon.skstack.logged import readable
from homemon.skstack.mask import MASK, masked_received

_HARMLESS = re.compile(
    rb"(?<![0-9A-Za-z])([0-9]{4}[-/][0-9]{2}[-/][0-9]{2}"
    rb"(?:[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,6})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    rb"|-?[0-9]{1,6}(?:\.[0-9]{1,4})?\[?(?:W|kWh|A|V)\]?)(?![0-9A-Za-z])"
)
"""Times, and readings with their unit: no piece of an ID or a password looks like these."""
_BYTES_IN_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}[ :,-]){7,}[0-9A-Fa-f]{2}")  # they may spell a secret


def legible(raw: bytes) -> str:
    """Return what stands on a line that was not understood, with what may be a secret masked."""
    words = (word if at % 2 else _masked(word) for at, word in enumerate(_HARMLESS.split(raw)))
    return readable(b"".join(words))


def _masked(raw: bytes) -> bytes:
    return _BYTES_IN_HEX.sub(MASK, masked_received(Noise(raw)))
