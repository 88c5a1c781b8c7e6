"""What was left out of a replay, so many and why; and what made no sense."""

from collections import Counter

from homemon.core.points import Point
from homemon.replay.values import measured

NO_TIME = "{:,} readings are left out: neither they nor their lines have a time and its date (see --date)"
CLOCK = "{:,} readings are left out: the clock was not known to be right when they came"
NO_UNIT = "{:,} registers are left out: neither the file nor state.toml has their unit (E1, D3)"
NO_DAY = "{:,} half-hours of the meter's record are left out: their day is not known (see --date)"
OTHERS = "{:,} readings are left out: another device reported them than the one that was asked"
OPEN = "{:,} readings are left out: they came unencrypted, from anybody in the neighbourhood"
BROKEN = "{:,} datagrams are broken"
ODD = "{:,} values make no sense"
IMPOSSIBLE = "{:,} readings are left out: their time cannot be"
OLD = "{:,} readings are left out: they are older than [store] keep_days"
UNMEASURED = '{:,} values are left out: they are a device\'s codes for "no data" or an overflow, or cannot be'

MOST_NOTES = 20
LATEST = 4_102_412_400  # 2100-01-01 JST: as late as a meter's clock can be
EARLIEST = 1_262_271_600  # 2010-01-01 JST: before that there were neither these meters nor these scripts


class ReplayReport:
    """Counts of lines and of what was left out.

    `sense` lines are something that homemon knows, `nonsense` are not; of those `first` says where and why.
    A point later than `latest` cannot be, and one before `kept_from` would be dropped again (Unix seconds).
    """

    def __init__(self, latest: float = LATEST, kept_from: float = 0) -> None:
        self.refused: Counter[str] = Counter()
        self.lines = 0
        self.sense = 0
        self.nonsense = 0
        self.first = ""
        self.notes: dict[str, None] = {}
        self._latest = latest
        self._kept_from = kept_from

    def refuse(self, why: str, count: int = 1) -> None:
        """Count readings that are left out."""
        if count:
            self.refused[why] += count

    def note(self, text: str) -> None:
        """Note something that a person should know, once."""
        if len(self.notes) < MOST_NOTES:
            self.notes[text] = None

    def make_no_sense(self, where: str, why: str) -> None:
        """Count a line that could not be read."""
        self.nonsense += 1
        self.first = self.first or f"{where}: {why}"

    def possible(self, points: list[Point]) -> list[Point]:
        """Return the points whose time and values are possible."""
        true = [point for point in points if point.time is not None and EARLIEST <= point.time <= self._latest]
        self.refuse(IMPOSSIBLE, len(points) - len(true))
        kept = [point for point in true if point.time is not None and point.time >= self._kept_from]
        self.refuse(OLD, len(true) - len(kept))
        sound = [measured(point) for point in kept]
        fields = (len(point.fields) - len(good.fields) for point, good in zip(kept, sound, strict=True))
        self.refuse(UNMEASURED, sum(fields))
        return [point for point in sound if point.fields]
