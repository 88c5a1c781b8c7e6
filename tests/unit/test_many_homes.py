"""Homes do not come at once: what the real sender draws for very many of them, in virtual time."""

from random import Random

import pytest

from homemon.delivery.sender import BACKOFF_LAST, pause
from homemon.delivery.sink import LONGEST_PAUSE
from homemon.delivery.verdicts import Answer, Verdict
from tests.many_homes import MINUTE, Homes

COUNT, SPREAD = 20_000, 30
MEAN = COUNT / MINUTE
AWAY = range(2 * MINUTE, 5 * MINUTE)
BACK_BY = AWAY.stop + 11 * MINUTE
KINDS = pytest.mark.parametrize("crons", [False, True], ids=["listeners", "crons"])


@KINDS
def test_in_an_ordinary_minute_the_busiest_second_is_little_above_twice_the_mean(crons: bool) -> None:
    """Nor when a region's power is back: its homes read their meters for the first time in the same second."""
    homes = Homes(COUNT, 5 * MINUTE, SPREAD, crons)
    assert max(homes.calls) < 2.5 * MEAN
    assert sum(homes.calls[: 4 * MINUTE]) == 4 * COUNT, "each home calls once a minute"


@KINDS
def test_when_a_server_is_back_no_second_is_busier_than_in_an_ordinary_minute(crons: bool) -> None:
    homes = Homes(COUNT, BACK_BY, SPREAD, crons, AWAY)
    assert sum(homes.back) == COUNT
    assert max(homes.calls[AWAY.stop :]) < 2.5 * MEAN


@KINDS
def test_a_server_that_can_take_twice_the_mean_has_all_of_them_again(crons: bool) -> None:
    homes = Homes(COUNT, BACK_BY, SPREAD, crons, AWAY, capacity=int(2 * MEAN))
    assert sum(homes.back) >= COUNT
    assert sum(homes.served[-3 * MINUTE :]) > 0.95 * 3 * COUNT


@KINDS
def test_without_spread_all_come_in_one_second(crons: bool) -> None:
    """Which is why the homes of docs/server/fleet.md have it."""
    assert max(Homes(COUNT, MINUTE, 0, crons).calls) == COUNT


def test_homes_that_were_told_the_same_second_come_in_others() -> None:
    """Retry-After of a server that could not take all of them."""
    rng, told = Random(1), Answer(Verdict.LATER, retry_after=2 * BACKOFF_LAST)
    moments = [pause(told, 0, rng) for _ in range(1000)]
    assert min(moments) >= told.retry_after, "none comes sooner"
    assert max(moments) - min(moments) > 0.4 * told.retry_after
    assert pause(told._replace(retry_after=2 * LONGEST_PAUSE), 0, rng) == LONGEST_PAUSE
