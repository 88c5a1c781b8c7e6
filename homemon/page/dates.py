"""Days, weeks, months and years as each language writes them; months and weekdays are not the locale's."""

from collections.abc import Callable, Mapping
from datetime import date

from homemon.core.points import moment_text
from homemon.energy.periods import ONE_DAY, Period, day_of

WEEKDAYS = {"ja": "月火水木金土日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


def _day_ja(day: date) -> str:
    return f"{day.month}月{day.day}日({WEEKDAYS['ja'][day.weekday()]})"


def _day_en(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def _week_ja(first: date) -> str:
    return f"{first.year}年{_day_ja(first)}〜{_day_ja(first + 6 * ONE_DAY)}"


def _week_en(first: date) -> str:
    last = first + 6 * ONE_DAY
    begin = str(first.day) if first.month == last.month else _day_en(first)
    return f"{begin} – {_day_en(last)} {last.year}"


HEADINGS: Mapping[str, Mapping[str, Callable[[date], str]]] = {
    "ja": {
        "day": lambda day: f"{day.year}年{_day_ja(day)}",
        "week": _week_ja,
        "month": lambda day: f"{day.year}年{day.month}月",
        "year": lambda day: f"{day.year}年",
    },
    "en": {
        "day": lambda day: f"{WEEKDAYS['en'][day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}",
        "week": _week_en,
        "month": lambda day: f"{MONTHS[day.month - 1]} {day.year}",
        "year": lambda day: f"{day.year}",
    },
}
"""What a view is headed, by its kind and first day."""
PARTS: Mapping[str, Mapping[str, Callable[[Period], str]]] = {
    "ja": {
        "half-hour": lambda part: moment_text(part.start, "%H:%M"),
        "day": lambda part: _day_ja(day_of(part.start)),
        "month": lambda part: f"{day_of(part.start).month}月",
    },
    "en": {
        "half-hour": lambda part: moment_text(part.start, "%H:%M"),
        "day": lambda part: f"{WEEKDAYS['en'][day_of(part.start).weekday()]} {_day_en(day_of(part.start))}",
        "month": lambda part: MONTHS[day_of(part.start).month - 1][:3],
    },
}
"""What a row of a view is called."""


def heading(language: str, kind: str, first: date) -> str:
    """Return what a view is headed."""
    return HEADINGS[language][kind](first)


def part(language: str, kind: str, period: Period) -> str:
    """Return what a row is called that is a half-hour, day or month."""
    return PARTS[language][kind](period)


def days(language: str, period: Period) -> str:
    """Return the first and the last day of a billing period."""
    write = _day_ja if language == "ja" else _day_en
    return f"{write(day_of(period.start))} – {write(day_of(period.end - 1))}"


def bill(language: str, label: str) -> str:
    """Return what a bill is called that has such a label, "2026-12"."""
    month = int(label[-2:])
    return f"{month}月分" if language == "ja" else f"{MONTHS[month - 1]} bill"


def moment(language: str, time: int, now: int) -> str:
    """Return the time of day, and the day where that is another one than that of `now`; Unix seconds."""
    day, clock = day_of(time), moment_text(time, "%H:%M")
    if day == day_of(now):
        return clock
    year = "" if day.year == day_of(now).year else f"{day.year}年" if language == "ja" else f" {day.year}"
    return f"{year}{_day_ja(day)} {clock}" if language == "ja" else f"{_day_en(day)}{year}, {clock}"
