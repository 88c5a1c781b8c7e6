"""Imported files on their way into the store: compared with what is there, stored in batches, and counted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from homemon.core.clock import kept_by_ntp
from homemon.core.points import DAY, HOUR, LATEST, Number, Point, moment_text
from homemon.replay.downloads.items import Bad, Item, Missing
from homemon.runtime.context import App
from homemon.runtime.replaying import kept_from
from homemon.sources.registry import ENDS_LATER, SPOT

BATCH = 2000  # points a transaction
MOST_NAMED = 20  # lines that cannot be read
AHEAD = 2 * DAY  # seconds; tomorrow's prices are known
FUTURE = "their time is in the future"
OLD = "older than [store] keep_days"
Key = tuple[str, str]
"""Measurement and field."""


class Counts:
    """What became of the half-hours of one series."""

    def __init__(self) -> None:
        self.new = self.same = self.changed = 0
        self.skipped: Counter[str] = Counter()
        self.times: set[int] = set()


class Importing:
    """Points of files on their way into the store; with `dry_run` they are only compared with it."""

    def __init__(self, app: App, dry_run: bool) -> None:
        self.unread = 0
        self._app = app
        self._dry_run = dry_run
        self._counts: defaultdict[Key, Counts] = defaultdict(Counts)
        self._batch: list[Point] = []
        at = app.now()
        self._now = at.wall if kept_by_ntp() else float(LATEST)
        self._kept_from = kept_from(app, at)

    def take(self, items: Iterable[Item], name: str) -> None:
        """Take what a file gives; `name` is for the report. Raise StoreError."""
        for item in items:
            if isinstance(item, Point):
                self._add(item)
            elif isinstance(item, Missing):
                self._counts[item.measurement, item.field].skipped[item.why] += 1
            else:
                self._report_unread(item, name)

    def close(self) -> Iterator[str]:
        """Store the rest, and yield what was found, a line each. Raise StoreError."""
        self._store()
        for key, counts in sorted(self._counts.items()):
            yield from described(key, counts)

    def _report_unread(self, bad: Bad, name: str) -> None:
        self.unread += 1
        if self.unread <= MOST_NAMED:
            self._app.info(f"{name}:{bad.line}: {bad.why}")

    def _add(self, point: Point) -> None:
        if why := self._refused(point):
            for field in point.fields:
                self._counts[point.measurement, field].skipped[why] += 1
            return
        self._batch.append(point)
        if len(self._batch) >= BATCH:
            self._store()

    def _refused(self, point: Point) -> str:
        """Return why a point is not stored; the empty text where it is."""
        assert point.time is not None
        priced = point.measurement == SPOT[0].measurement
        latest = self._now + (AHEAD if priced else -ENDS_LATER[point.measurement])
        if point.time > latest:
            return FUTURE
        return OLD if point.time < self._kept_from else ""

    def _store(self) -> None:
        """Store what is new or changed of the batch, and count all of it. Raise StoreError."""
        batch, self._batch = self._batch, []
        stored = self._stored(batch)
        changes = [point for one in batch if (point := self._compared(one, stored)).fields]
        if changes and not self._dry_run:
            self._app.recorder.record(changes, self._app.now())

    def _stored(self, batch: list[Point]) -> dict[Key, dict[int, Number]]:
        """Return what the store has of each series in the period of a batch."""
        times = [point.time for point in batch if point.time is not None]
        keys = dict.fromkeys((point.measurement, field) for point in batch for field in point.fields)
        archive = self._app.store.archive
        return {key: dict(archive.values(*key, min(times), max(times) + 1)) for key in keys}

    def _compared(self, point: Point, stored: dict[Key, dict[int, Number]]) -> Point:
        """Return what of a point the store lacks or has otherwise."""
        time, fields = point.time, {}
        assert time is not None
        for field, value in point.fields.items():
            counts, there = self._counts[point.measurement, field], stored[point.measurement, field]
            counts.times.add(time)
            if time not in there:
                counts.new += 1
            elif there[time] == value:
                counts.same += 1
                continue
            else:
                counts.changed += 1
            there[time] = fields[field] = value
        return point._replace(fields=fields)


def described(key: Key, counts: Counts) -> Iterator[str]:
    """Yield what became of one series."""
    name, length = " ".join(key), ENDS_LATER[key[0]]
    unit = "hours" if length == HOUR else "half-hours"
    if counts.times:
        first, last = min(counts.times), max(counts.times)
        form = "%Y-%m-%d %H:%M"
        yield (
            f"{name}: {unit} {moment_text(first, form)} to {moment_text(last, form)}: "
            f"{counts.new:,} new, {counts.same:,} the same, {counts.changed:,} changed"
        )
        lacking = (last - first) // length + 1 - len(counts.times)
        if lacking:
            yield f"{name}: {unit} between the first and the last without a value: {lacking:,}"
    for why, count in counts.skipped.items():
        yield f"{name}: {unit} skipped: {count:,}, {why}"
