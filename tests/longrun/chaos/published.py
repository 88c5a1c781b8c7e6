"""What is held against homemon of all that it published to a broker, and of what that keeps in the end."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from homemon.delivery.live import live, topic
from homemon.sources.registry import SOURCES

PREFIX = "homemon"
COUNTS_STILL = 30.0  # seconds, which may go by until the broker is asked
TOPICS = {topic(PREFIX, series): series.measurement for source in SOURCES for series in source.series}
OFFLINE = {f"{PREFIX}/{listener}/status": "offline" for listener in ("meter-listen", "ecocute-listen")}

Reading = tuple[str, str, int]
"""Measurement, field and Unix time."""


class Message(NamedTuple):
    """What was said at a topic: the values of some fields, and the time of the newest."""

    topic: str
    values: Mapping[str, float]
    time: int


class Publication(NamedTuple):
    """All that was heard, in order; what the broker retains in the end; and when that was, Unix seconds."""

    heard: Sequence[Message] = ()
    kept: Mapping[str, str] = {}
    now: float = 0.0


class Judged(NamedTuple):
    """Each fault as a sentence."""

    lost: list[str]
    wrong: list[str]


def judge_published(
    found: Publication, received: Iterable[tuple[Reading, float]], stored: Mapping[Reading, float]
) -> Judged:
    """`received` is all that was ever printed or stored, `stored` what is stored in the end."""
    known: dict[tuple[str, str, float], int] = {}
    for (measurement, field, time), value in received:
        key = measurement, field, value
        known[key] = min(time, known.get(key, time))
    lost = [f"{name} is not {text} in the end" for name, text in OFFLINE.items() if found.kept.get(name, text) != text]
    return Judged([*lost, *_not_kept(found, stored)], [*_invented(found.heard, known), *_outdated(found.heard)])


def _invented(heard: Iterable[Message], known: Mapping[tuple[str, str, float], int]) -> Iterable[str]:
    for message in heard:
        for field, value in message.values.items():
            since = known.get((TOPICS[message.topic], field, value))
            if since is None or since > message.time:
                yield f"{message} was published, and its {field} never read"


def _outdated(heard: Iterable[Message]) -> Iterable[str]:
    newest: dict[str, int] = {}
    for message in heard:
        if message.time < newest.setdefault(message.topic, message.time):
            yield f"{message} was published after one of {newest[message.topic]}"
        newest[message.topic] = message.time


def _not_kept(found: Publication, stored: Mapping[Reading, float]) -> Iterable[str]:
    newest: dict[tuple[str, str], tuple[int, float]] = {}
    for (measurement, field, time), value in stored.items():
        newest[measurement, field] = max((time, value), newest.get((measurement, field), (time, value)))
    wanted: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    for source in SOURCES:
        for series in source.series:
            there = newest.get((series.measurement, series.field))
            if there and live(source, series, *there, found.now).lasts > COUNTS_STILL:
                wanted[topic(PREFIX, series)][series.field] = there
    for name, fields in wanted.items():
        kept = json.loads(found.kept.get(name, "{}"))
        time = max(time for time, _ in fields.values())
        if {field: kept.get(field) for field in fields} != {field: value for field, (_, value) in fields.items()}:
            yield f"{name} is {kept} in the end, {fields} is stored"
        elif datetime.fromisoformat(kept["time"]).timestamp() != time:
            yield f"{name} is of {kept['time']} in the end, {fields} is stored"
