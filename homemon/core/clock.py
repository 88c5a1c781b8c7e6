"""The one place that asks the machine what time it is.

A Pi has no clock of its own: until NTP has set it, it may say 1970 or the hour of the last
shutdown. So an `Instant` carries, in addition to the wall clock, the seconds since boot, which never
jump and never lie, and which boot they count from.
"""

import time
from functools import cache
from os.path import exists
from pathlib import Path
from typing import NamedTuple

RELEASED = 1_793_458_800  # 2026-11-01 00:00 JST: no true clock is earlier
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIME_SERVICES = ("/run/systemd/timesync", "/run/chrony", "/run/ntpd.pid")  # what one that runs leaves there


class Instant(NamedTuple):
    """`wall` in Unix seconds, `ticks` in seconds since the boot named `boot`."""

    wall: float
    ticks: float
    boot: str

    def earlier(self, seconds: float) -> "Instant":
        """Return the instant so many seconds before."""
        return self._replace(wall=self.wall - seconds, ticks=self.ticks - seconds)


def ticks() -> float:
    """Return the seconds since boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@cache
def boot_id() -> str:
    """Return the kernel's random name of this boot (proc(5), random/boot_id)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()


def kept_by_ntp() -> bool:
    """Return whether the kernel says that a time service has set the clock (adjtimex(2)); False where none runs."""
    import ctypes

    return ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) not in (-1, TIME_ERROR)


def has_time_service() -> bool:
    """Return whether a time service runs, which may have set the clock or may do so yet."""
    return any(map(exists, TIME_SERVICES))


def instant() -> Instant:
    """Return the present instant."""
    return Instant(time.time(), ticks(), boot_id())
