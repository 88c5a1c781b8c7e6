"""A sum in place of screens of points, for a person at a terminal."""

from homemon.core.points import NANOSECONDS, moment_text


class Sum:
    """Counts points and keeps the first and the last of their times, Unix seconds."""

    def __init__(self) -> None:
        self.number = 0
        self._times: tuple[int, ...] = ()

    def take(self, line: str) -> None:
        """Count the point of a line of line protocol."""
        time = int(line.rpartition(" ")[2].removesuffix(NANOSECONDS))
        self.number += 1
        self._times = (min(time, *self._times), max(time, *self._times)) if self._times else (time, time)

    def __str__(self) -> str:
        """Return `1,680 points from 2026-10-24 to 2026-11-27`, `1 point of 2026-11-27` or `no new points`."""
        if not self.number:
            return "no new points"
        first, last = (moment_text(time, "%Y-%m-%d") for time in self._times)
        if first < last:
            return f"{self.number:,} points from {first} to {last}"
        return f"{self.number:,} points of {first}" if self.number > 1 else f"1 point of {first}"
