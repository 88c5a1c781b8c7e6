"""What goes wrong between the Pi and the meter; each gives what ends it, if it does not end by itself."""

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from homemon.sim.smart_meter import Instead

if TYPE_CHECKING:
    from tests.longrun.year.world import World

End = Callable[[], object] | None
Begin = Callable[["World", float], End]
FOR_EVER = 10**6  # times
GROUPS = {
    name: tuple(int(epc, 16) for epc in name.split("/"))
    for name in ("E7", "EA", "EB", "E0", "E1", "D3", "D7", "E5", "E2/E4", "97/98")
}
"""What is refused together: name → EPCs."""
UNITS = ((-1, 1, 8), (-2, 5, 6), (0, 1, 6), (-4, 7, 8), (-3, 20, 7))
"""Of the meters, one after the other: exponent (E1), coefficient (D3) and digits (D7)."""


def radio_away(world: "World", seconds: float) -> End:
    """The meter receives nobody, and nobody receives it."""
    world.radio_away += 1
    world.fault("forget-session")
    world.fault("refuse-joins", FOR_EVER)
    world.fault("empty-scans", FOR_EVER)

    def end() -> None:
        world.radio_away -= 1
        if not world.radio_away:
            world.fault("refuse-joins", 0)
            world.fault("empty-scans", 0)

    return end


def module(name: str, value: object = None, lasting: bool = False) -> Begin:
    """A fault of the simulated module and meter."""

    def begin(world: "World", seconds: float) -> End:
        world.fault(name, seconds if value == "seconds" else value)
        return (lambda: world.fault(name, 0)) if lasting else None

    return begin


def hung(world: "World", seconds: float) -> End:
    """The module receives and says nothing until it is switched off and on."""
    world.fault("dead")

    def end() -> None:
        world.fault("dead", 0)
        world.fault("power-cycle")

    return end


def unplugged(world: "World", seconds: float) -> End:
    """The port vanishes, and the module loses its power."""
    world.unplugged += 1
    world.fault("power-cycle")
    return lambda: world.plug_in()


def refuses(name: str) -> Begin:
    """The meter refuses some properties (52) for a while."""
    return _answers(name, "refused")


def has_no_data(name: str) -> Begin:
    """The meter answers with the code for no data for a while."""
    return _answers(name, "without_data")


def _answers(name: str, table: str) -> Begin:
    def begin(world: "World", seconds: float) -> End:
        epcs = GROUPS[name]
        getattr(world.module.radio.meter, table).update(dict.fromkeys(epcs, Instead(inf)))

        def end() -> None:
            for epc in epcs:
                getattr(world.module.radio.meter, table).pop(epc, None)

        return end

    return begin


def refuses_once(name: str) -> Begin:
    """The meter refuses some properties once, after a new join."""

    def begin(world: "World", seconds: float) -> End:
        for epc in GROUPS[name]:
            world.module.radio.meter.refused.setdefault(epc, Instead(1))
        world.fault("lose-session")
        return None

    return begin


def exchanged(world: "World", seconds: float) -> End:
    """The meter is taken away; the new one has another address, other registers and another unit."""
    end = radio_away(world, seconds)
    assert end is not None

    def put_there() -> None:
        world.exchange_meter()
        end()

    return put_there
