"""Logs and backups that `replay` cannot take as they are."""

from tests.traces import POWER
from tests.troubles.place import Place, trouble
from tests.unit.test_local_times import NOON, half_hour, logged


@trouble("replay-zone")
def replay_zone(place: Place) -> str:
    return replayed(place, logged(NOON, half_hour(NOON), 0), logged(NOON, POWER, 0))


@trouble("replay-clock")
def replay_clock(place: Place) -> str:
    return replayed(place, logged(NOON, half_hour(NOON), 3.8), logged(NOON, POWER, 3.8))


@trouble("replay-no-data")
def replay_no_data(place: Place) -> str:
    return replayed(place, "power value=2147483646 1496199600000000000", "power value=632 1496199660000000000")


@trouble("replay-old")
def replay_old(place: Place) -> str:
    return replayed(place, "power value=632 1496199600000000000", more="keep_days = 30")


def replayed(place: Place, *lines: str, more: str = "") -> str:
    (place.folder / "config.ini").write_text(f"[store]\ndir = {place.folder}/store\n{more}\n")
    (place.folder / "log").write_text("\n".join(lines))
    return place.run("replay", "log")
