"""What goes wrong with the server; each gives what ends it, if it does not end by itself."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.longrun.year.server import Ill

if TYPE_CHECKING:
    from tests.longrun.year.world import World

End = Callable[[], object] | None
Begin = Callable[["World", float], End]
DAY, HALF_HOUR, WEEK = 86_400, 1_800, 7 * 86_400
LOST_FOR = 15 * DAY
SERIES = ("power", "energy", "+power", "-power", "ecocute", "hatuden")
CONFLICT = (
    '{"error":"partial write: field type conflict: input field \\"value\\" is type float, already exists as type string'
    ' dropped=N"}'
)
LIMIT = '{"error":"partial write: max-series-per-database limit exceeded: (1000) dropped=N"}'


def down(world: "World", seconds: float) -> End:
    """Nobody listens there."""
    world.server.down += 1

    def end() -> None:
        world.server.down -= 1

    return end


def mutters(how: str) -> Begin:
    """It answers, but not as it should."""

    def begin(world: "World", seconds: float) -> End:
        world.server.mutters = how
        return lambda: setattr(world.server, "mutters", "")

    return begin


def loses(world: "World", seconds: float) -> End:
    """It comes back from an old backup; then somebody runs `upload --since`."""
    _lose(world, world.time.now - seconds)
    return None


def _lose(world: "World", since: float) -> None:
    world.server.lose_since(since)
    world.send_again(since)


def week_fails(world: "World", seconds: float) -> End:
    """What it holds of a week cannot be written any more, just when much of the past is sent again."""
    _lose(world, world.time.now - LOST_FOR)
    week = int(world.time.now - world.rng.uniform(3, 12) * DAY) // WEEK
    return _ill(world, Ill(lambda line: _time(line) // WEEK == week, 500, '{"error":"[shard 12] no such file"}'))


def half_hours_fail(world: "World", seconds: float) -> End:
    """Some single lines in the middle make it fail, whatever comes with them."""
    _lose(world, world.time.now - 5 * DAY)
    first = int(world.time.now - 2 * DAY) // HALF_HOUR * HALF_HOUR
    times = range(first, first + 10 * HALF_HOUR, HALF_HOUR)
    return _ill(
        world, Ill(lambda line: line.startswith("+power ") and _time(line) in times, 500, '{"error":"timeout"}')
    )


def series_fails(status: int, says: str) -> Begin:
    """One series is refused, and with it all that comes in the same request; most often the one that comes most."""

    def begin(world: "World", seconds: float) -> End:
        series = world.rng.choice(("power", "power", *SERIES))
        return _ill(world, Ill(lambda line: line.startswith(f"{series} "), status, says))

    return begin


def series_conflicts(world: "World", seconds: float) -> End:
    """A series has another type there; when that is corrected, somebody runs `upload --since`."""
    series, since = world.rng.choice(SERIES), world.time.now
    ill = Ill(lambda line: line.startswith(f"{series} "), 400, CONFLICT, takes_the_rest=True)
    end = _ill(world, ill)

    def correct() -> None:
        end()
        world.send_again(since - DAY)

    return correct


def at_its_limit(world: "World", seconds: float) -> End:
    """It takes no series that it does not know yet; two are new to it."""
    new = world.rng.sample(SERIES, 2)
    ill = Ill(lambda line: line.split(" ")[0] in new, 400, LIMIT, takes_the_rest=True)
    return _ill(world, ill)


def line_is_too_long(world: "World", seconds: float) -> End:
    """413 where one certain line is in a request: the first of the power in each half-hour."""
    return _ill(
        world,
        Ill(
            lambda line: line.startswith("power ") and _time(line) % HALF_HOUR < 60,
            413,
            "request body too large",
        ),
    )


def _ill(world: "World", ill: Ill) -> Callable[[], None]:
    world.server.ills.append(ill)

    def end() -> None:
        world.count_starved(world.time.now - LOST_FOR)
        world.server.ills.remove(ill)

    return end


def _time(line: str) -> int:
    return int(line.rpartition(" ")[2].removesuffix("000000000"))
