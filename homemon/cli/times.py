"""Times as people type them, in JST: `2026-11-23`, `2026-11-23 14:30`, `yesterday`, `3d`, `12h`."""

import re
from datetime import datetime, timedelta
from time import time

import click

from homemon.core.points import JST

WORDS = {"today": 0, "yesterday": 1}
FOREVER = 1 << 62
SPANS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_time(text: str, now: float) -> int:
    """Return `text` in Unix seconds; a date is its midnight. An ISO time without zone is JST. Raise ValueError."""
    local = datetime.fromtimestamp(now, JST)
    if text == "now":
        return int(now)
    if text in WORDS:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return int((midnight - timedelta(days=WORDS[text])).timestamp())
    if span := re.fullmatch("([0-9]{1,9})([dhms])", text):
        return int(now) - int(span[1]) * SPANS[span[2]]
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=JST)).timestamp())


class Span(click.ParamType[int]):
    """A length of time on the command line, in seconds: `90s`, `15m`, `2h`, `3d`."""

    name = "SPAN"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if not (span := re.fullmatch("([0-9]{1,9})([dhms])", value)):
            self.fail(f"{value} is no length of time: write 90s, 15m, 2h or 3d", param, ctx)
        return int(span[1]) * SPANS[span[2]]


class TimeOfDay(click.ParamType[int]):
    """A time on the command line, as Unix seconds."""

    name = "TIME"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return min(max(0, parse_time(value, time())), FOREVER)
        except (ValueError, OverflowError):
            self.fail(f"{value} is no time: write 2026-11-23, '2026-11-23 14:30', yesterday, 3d or 12h", param, ctx)
