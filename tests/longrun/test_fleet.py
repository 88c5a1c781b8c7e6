"""A million homes in virtual time, and a few at the real programs of docs/server/fleet.md."""

from pathlib import Path

import pytest

from tests.longrun.fleet.__main__ import run
from tests.many_homes import MINUTE, Homes

MILLION, SPREAD = 1_000_000, 30
AWAY = range(2 * MINUTE, 5 * MINUTE)


@pytest.mark.parametrize(("number", "crons"), [(MILLION, False), (MILLION // 20, True)], ids=["listeners", "crons"])
def test_a_million_homes_do_not_come_at_once(number: int, crons: bool) -> None:
    """When a region's power is back, in an ordinary minute, and after a server was away: 2.2 times the mean at most."""
    homes = Homes(number, AWAY.stop + 8 * MINUTE, SPREAD, crons, AWAY)
    mean = number / MINUTE
    assert sum(homes.back) == number
    assert max(homes.calls[: AWAY.start]) < 2.2 * mean
    assert max(homes.calls[AWAY.stop :]) < 2.2 * mean


def test_each_value_of_each_home_is_on_both_servers_whatever_was_killed(tmp_path: Path) -> None:
    assert run(tmp_path, 20, 0.2) == 0
