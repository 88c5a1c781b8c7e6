"""A line of InfluxDB line protocol as a point: the other way round of `points.line`."""

import re

from homemon.core.errors import WireError
from homemon.core.points import LARGEST, LATEST, NANOSECONDS, Number, Point, in_range, tags_text

_NAME = r"(?:[^,= \\]|\\[,= ]|\\(?![,= ]))+"
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?i?"
_MEASUREMENT = re.compile(r"(?:[^, \\]|\\[, ]|\\(?![, ]))+")
_TAGS = re.compile(rf"(?:,{_NAME}={_NAME})*")
_TAG = re.compile(rf",({_NAME})=({_NAME})")
_FIELDS = re.compile(rf' ((?:[^,= \\"]+={_NUMBER},)*[^,= \\"]+={_NUMBER})(?= |$)')
_TIME = re.compile(rf" (-?[0-9]{{1,12}}){NANOSECONDS}\s*$")
LARGEST_INTEGER = (1 << 63) - 1  # of SQLite


def parse_line(text: str) -> Point:
    """Return the point of one line, with its tags; `points.line` writes it again byte for byte.

    Raise WireError for anything that homemon does not store: fields other than numbers, a time that is
    missing or no whole second.
    """
    measurement = _MEASUREMENT.match(text)
    if measurement is None:
        raise WireError("a measurement's name is expected", 0)
    tags = _TAGS.match(text, measurement.end())
    assert tags is not None
    fields = _FIELDS.match(text, tags.end())
    if fields is None:
        raise WireError("fields that are numbers are expected (name=1.5,other=2)", tags.end())
    time = _TIME.match(text, fields.end())
    if time is None:
        raise WireError("a time in nanoseconds, of a whole second, is expected", fields.end())
    values = {
        name: _number(value, fields.start(1)) for name, value in (each.split("=") for each in fields[1].split(","))
    }
    if not all(in_range(LATEST - 1, value) for value in values.values()):
        raise WireError(f"a number below {LARGEST:.0e} is expected: no device reports a larger one", fields.start(1))
    if int(time[1]) >= LATEST:
        raise WireError("a time before 2100 is expected", fields.end())
    return Point(_unescaped(measurement[0], ", "), values, int(time[1]), tags_text(parse_tags(tags[0])))


def parse_tags(text: str) -> dict[str, str]:
    """Return the tags that `points.tags_text` made `text` of."""
    return {_unescaped(name): _unescaped(value) for name, value in _TAG.findall(text)}


def _number(text: str, at: int) -> Number:
    if text.isdecimal() and len(text) < len(str(LARGEST_INTEGER)):
        return int(text)
    value = float(text.rstrip("i"))
    if abs(value) == float("inf"):
        raise WireError(f"{text[:20]} is too large a number", at)
    return int(text.rstrip("i")) if set(text).isdisjoint(".eE") and abs(value) < LARGEST_INTEGER else value


def _unescaped(text: str, special: str = ",= ") -> str:
    """Return the text that `escape` was given."""
    return re.sub(rf"\\([{special}])", r"\1", text) if "\\" in text else text
