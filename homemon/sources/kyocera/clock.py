"""Whether the solar monitor's clock was right when it wrote its memory: by ours, and by what is stored.

A memory whose dates are wrong holds right values at wrong times. What is stored shows it: where the memory says
something else than the store of the same half-hours, and the same as the store of others, it is shifted. Our own
clock shows it too, where it can be trusted, since the monitor's newest row is today's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from homemon.core.points import DAY, HALF_HOUR, HOUR, JST, Number, Point, midnight, moment_text
from homemon.sources.kyocera import memory as solar

FEW = 8  # half-hours that may be equal by chance
MOSTLY = 0.9
VARIETY = 5  # different values
DAYS_BEHIND = 2  # a row of yesterday may be the newest for a while after midnight
READING = 60  # seconds that one takes, with blocks that come twice
AHEAD = HOUR  # that a monitor may begin a day before ours does, and be right
VOTERS = 400  # half-hours, four days, by which the shift is looked for

Stored = Mapping[tuple[str, int], Number]
"""(measurement, time) → value of the half-hours that are stored."""


class Verdict(NamedTuple):
    """What a memory is good for: its points, newest day first, warnings, and why none may be stored, or nothing."""

    points: list[Point]
    warnings: list[str]
    refusal: str = ""


class _Match(NamedTuple):
    """Half-hours that the memory and the store have in common: how many say the same, and how many not.

    `values` counts the different ones that they say the same of: few are the same by chance, as quiet nights are.
    """

    same: int
    other: int
    values: int = VARIETY

    @property
    def agree(self) -> bool:
        return self.same >= FEW and self.same >= MOSTLY * (self.same + self.other) and self.values >= VARIETY


def judge(memory: bytes, now: float | None, stored: Stored) -> Verdict:
    """Return what of a whole `memory` may be stored; `now` as in `solar.report`. Raise WireError."""
    points, warnings = solar.report(memory, solar.DAYS, now)
    newest = max((point.time for point in solar.report(memory, solar.DAYS).points if point.time is not None), default=0)
    days: dict[datetime, list[Point]] = {}
    for point in points:
        days.setdefault(_midnight(point), []).append(point)
    matches = {day: _match(held, stored, 0) for day, held in days.items()}
    agreeing = [day for day, match in matches.items() if match.agree]
    doubted = [day for day, match in matches.items() if match.other >= FEW and match.other > match.same]
    shift = _shift([point for day in doubted or days for point in days[day]], stored) if doubted or not agreeing else 0
    if shift and agreeing:
        misdated = [day for day in days if day <= max(doubted) and day not in agreeing]
        return _without(misdated, shift, Verdict(points, warnings))
    if shift and not _just_ended(newest, now):
        return Verdict([], warnings, f"its clock is {_off(-shift)}, by what is stored of the same half-hours")
    if shift:
        text = f"what is stored is {_off(-shift)} of what it says, and its clock is right (`--days 35` corrects all)"
        return Verdict(points, [*warnings, text])
    if doubted and not _just_ended(newest, now):
        sure = max(agreeing + doubted) in agreeing
        return _without_doubted(doubted if sure else [day for day in days if day not in agreeing], points, warnings)
    if not agreeing and (off := _off_by_dates(memory, now) or _ahead(newest, now)):
        return Verdict([], [], f"its clock is {_off(off)}, by this machine's clock")
    known = max((time for _, time in stored), default=0)
    if not agreeing and points and known > newest + solar.DAYS * DAY:
        ends, until = (moment_text(time, "%Y-%m-%d") for time in (newest, known))
        return Verdict([], warnings, f"ends on {ends}, and half-hours are stored until {until}")
    return Verdict(points, warnings if agreeing or warnings else _doubts(newest, now))


def changed(points: Iterable[Point], stored: Stored) -> list[Point]:
    """Return those that are stored with another value."""
    return [point for point in points if _at(point, stored) not in (None, point.fields["value"])]


# --- inside ----------------------------------------------------------------------------


def _at(point: Point, stored: Stored, shift: int = 0) -> Number | None:
    assert point.time is not None
    return stored.get((point.measurement, point.time + shift))


def _midnight(point: Point) -> datetime:
    assert point.time is not None
    return datetime.fromtimestamp(point.time, JST).replace(hour=0, minute=0)


def _match(points: Iterable[Point], stored: Stored, shift: int) -> _Match:
    """Return how the points fit what is stored `shift` seconds later; two zeros, as at night, prove nothing."""
    pairs = ((point.fields["value"], _at(point, stored, shift)) for point in points)
    voters = [(value, value == known) for value, known in pairs if known is not None and (value or known)]
    same = [value for value, is_same in voters if is_same]
    return _Match(len(same), len(voters) - len(same), len(set(same)))


def _shift(points: list[Point], stored: Stored) -> int:
    """Return how many seconds later the points are stored; 0 where they are not."""
    times: dict[tuple[str, Number], list[int]] = {}
    for (measurement, time), value in stored.items():
        if value:
            times.setdefault((measurement, value), []).append(time)
    voters = [point for point in points if point.fields["value"]][:VOTERS]
    votes = Counter(
        time - point.time
        for point in voters
        if point.time is not None
        for time in times.get((point.measurement, point.fields["value"]), ())
        if time != point.time
    )
    return next((shift for shift, _ in votes.most_common(3) if _is_shift(points, stored, shift)), 0)


def _is_shift(points: list[Point], stored: Stored, shift: int) -> bool:
    """Return whether the points are what is stored so many seconds later."""
    return _match(points, stored, shift).agree


def _just_ended(newest: int, now: float | None) -> bool:
    """Return whether the newest half-hour in the memory is the one that ended last, or did when its reading began."""
    return now is not None and 0 <= now - (newest + HALF_HOUR) < HALF_HOUR + READING


def _without_doubted(doubted: list[datetime], points: list[Point], warnings: list[str]) -> Verdict:
    """Return the verdict without the days that contradict what is stored: a day that is over does not change."""
    kept = [point for point in points if _midnight(point) not in doubted]
    text = f"{_dates(doubted)} contradict{'' if len(doubted) > 1 else 's'} what is stored of the same half-hours"
    return Verdict(kept, [*warnings, f"{text}: left out"]) if kept else Verdict([], warnings, text)


def _dates(days: list[datetime]) -> str:
    return f"{max(days):%Y-%m-%d}" + (f" and {len(days) - 1} days before" if len(days) > 1 else "")


def _without(misdated: list[datetime], shift: int, verdict: Verdict) -> Verdict:
    """Return the verdict without the days that are shifted against what is stored."""
    dates = f"{_dates(misdated)} hold{'' if len(misdated) > 1 else 's'}"
    later = f"{dates} what is stored {_span(shift)} later: left out"
    text = later if shift > 0 else f"{dates} what is stored {_span(shift)} earlier: left out"
    points = [point for point in verdict.points if _midnight(point) not in misdated]
    return verdict._replace(points=points, warnings=[*verdict.warnings, text])


def _off_by_dates(memory: bytes, now: float | None) -> int:
    """Return by how many seconds the dates are ahead (behind: negative) of the true ones, if by days."""
    rows = solar.believed(memory, now) or solar.believed(memory)
    if now is None or not rows:
        return 0
    row, day = next(iter(rows.items()))
    ahead, behind = (round(day.timestamp() - midnight(int(at)) + row * DAY) for at in (now + AHEAD, now))
    return ahead if ahead >= DAY else behind if behind <= -DAYS_BEHIND * DAY else 0


def _ahead(newest: int, now: float | None) -> int:
    """Return by how many seconds the newest half-hour ends after `now`, if by more than a right monitor's may."""
    after = 0 if now is None else round(newest + HALF_HOUR - now)
    return after if after > AHEAD else 0


def _doubts(newest: int, now: float | None) -> list[str]:
    """Return what is odd about the newest half-hour, where nothing confirms the monitor's clock."""
    if now is None or not newest or (late := round(now - newest - HALF_HOUR)) < 2 * HOUR:
        return []
    return [f"its newest half-hour ended {_span(late)} ago; if the monitor's clock is behind, all times are wrong"]


def _off(seconds: int) -> str:
    return f"{_span(seconds)} ahead" if seconds > 0 else f"{_span(seconds)} behind"


def _span(seconds: int) -> str:
    """Return a time span as `2 days`, `9 h`, `1 day 30 min`."""
    days, rest = divmod(abs(seconds), DAY)
    hours, rest = divmod(rest, HOUR)
    parts = ((days, "day" if days == 1 else "days"), (hours, "h"), (rest // 60, "min"))
    return " ".join(f"{number:,} {unit}" for number, unit in parts if number) or "0 min"
