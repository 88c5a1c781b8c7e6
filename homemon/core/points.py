"""A point: one reading at one time, and its one line of InfluxDB line protocol.

Values are `int` or `float`. A float here is always one correctly rounded division or
product of integers (`3 / 10`), so its shortest text is the exact decimal: `0.3`, never
`0.30000000000000004`, for everything of up to 15 digits, and no register has more than 14.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

Number = int | float
HALF_HOUR = 1800  # seconds
HOUR, DAY = 3600, 86_400
JST_AHEAD = 9 * HOUR
JST = timezone(timedelta(hours=9), "JST")  # the devices' clocks, and the people's
NANOSECONDS = "000000000"  # times are whole seconds; line protocol wants nanoseconds


class Point(NamedTuple):
    """`measurement`, `fields` (name → value) and `time` in whole Unix seconds.

    `time` is None for a reading without a time of its own (E7, EcoCute): it gets that of its
    receipt when it is stored. `tags`, as `tags_text` gives them, are None for those of the house, which
    are what every reading has; only a backup states its own. `received` is when a reading without a time came
    that could be understood only later, in seconds of the boot clock; None where that is now.
    """

    measurement: str
    fields: Mapping[str, Number]
    time: int | None = None
    tags: str | None = None
    received: float | None = None


class Received(Point):
    """A point that never replaces another reading of the same second: dated by its receipt, or once written down."""

    __slots__ = ()


EARLIEST, LATEST = 1_262_271_600, 4_102_412_400  # 2010 and 2100 JST: none of these devices reports another time
LARGEST = 1e15  # no register counts so far; larger ones cannot be exact either


def in_range(time: int, value: Number) -> bool:
    """Return whether a device could give a value, and at a time (Unix seconds)."""
    return EARLIEST <= time < LATEST and -LARGEST < value < LARGEST


def midnight(time: int) -> int:
    """Return when the day of `time` began in Japan."""
    return (time + JST_AHEAD) // DAY * DAY - JST_AHEAD


def moment_text(time: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return a time in JST for people; as it is where it cannot be a date, such as what a damaged store has for one."""
    try:
        return datetime.fromtimestamp(time, JST).strftime(form)
    except (TypeError, ValueError, OverflowError, OSError):
        return str(time)


def number_text(value: Number) -> str:
    """Return `value` as a plain decimal without a superfluous `.0`: 523, 1234.5, -0.1."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return repr(value)


def escape(text: str, special: str) -> str:
    """Return `text` with a backslash before each of the `special` characters (line protocol, InfluxDB 1.x manual)."""
    for character in special:
        text = text.replace(character, "\\" + character)
    return text


def tags_text(tags: Mapping[str, str]) -> str:
    """Return `tags` in line protocol, sorted by name as InfluxDB prefers: `,home=tokyo`, or the empty text."""
    return "".join(f",{escape(name, ',= ')}={escape(tags[name], ',= ')}" for name in sorted(tags))


FIELD_ORDER = {name: rank for rank, name in enumerate(("r", "t", "import", "export", "power", "powerSum", "tank"))}


def field_rank(name: str) -> tuple[int, str]:
    """Return the key to sort the fields of a point: phases, registers, the EcoCute's in its order; others by name."""
    return FIELD_ORDER.get(name, len(FIELD_ORDER)), name


def head(measurement: str, tags: str) -> str:
    """Return what all lines of a measurement begin with; `tags` as `tags_text` gives them."""
    return escape(measurement, ", ") + tags


def headed(head: str, fields: Iterable[tuple[str, Number]], time: int) -> str:
    """Return the line with such a head, without a line end."""
    values = ",".join([f"{name}={number_text(value)}" for name, value in fields])
    return f"{head} {values} {time}{NANOSECONDS}"


def line(measurement: str, tags: str, fields: Mapping[str, Number], time: int) -> str:
    """Return one line of line protocol, without a line end."""
    return headed(head(measurement, tags), fields.items(), time)


def age_text(seconds: int) -> str:
    """Return `42 s`, `7 min`, `3 h`, `2 d`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
