"""Times as people type them, in JST: `2026-11-23`, `2026-11-23 14:30`, `yesterday`, `3d`, `12h`."""

import re
from datetime import datetime, timedelta
from time import time

import click

from homemon.points import JST

WORDS = {"today": 0, "yesterday": 1}
SPANS = {"d": 86400, "h": 3600, "m": 60}


def parse_time(text: str, now: float) -> int:
    """Unix seconds of `text`; a date is its midnight. An ISO time without zone is JST. Raises ValueError."""
    local = datetime.fromtimestamp(now, JST)
    if text == "now":
        return int(now)
    if text in WORDS:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return int((midnight - timedelta(days=WORDS[text])).timestamp())
    if span := re.fullmatch("([0-9]+)([dhm])", text):
        return int(now) - int(span[1]) * SPANS[span[2]]
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=JST)).timestamp())


class TimeOfDay(click.ParamType[int]):
    """A time on the command line, as Unix seconds."""

    name = "TIME"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_time(value, time())
        except (ValueError, OverflowError):
            self.fail(f"{value} is no time: write 2026-11-23, '2026-11-23 14:30', yesterday, 3d or 12h", param, ctx)
