"""Who may use a port: a listener for its life, everybody else in turn.

A command that finds the port taken by a listener leaves the work to it. One that finds it taken by
another one-shot command waits: that one will be done in half a minute at most.
"""

from time import monotonic, sleep
from typing import TYPE_CHECKING

from homemon.core.errors import PortError
from homemon.core.files import Lock

if TYPE_CHECKING:
    from homemon.runtime.stop import Stop

WITHIN = 60.0  # seconds; a poll that nobody answers takes 34
LOOK_EVERY = 0.1


def claim(lock: Lock, name: str, listener: str, stop: "Stop | None" = None) -> bool:
    """Get the port's lock for the command `name`; False where the command `listener` holds it.

    Raise PortError when another command holds it for too long, Stopped, StoreError.
    """
    deadline = monotonic() + WITHIN
    while not lock.take(name=name):
        holder = lock.holder()
        if holder and holder.name == listener:
            return False
        if monotonic() > deadline:
            who = f" ({holder.name}, pid {holder.pid})" if holder else ""
            raise PortError(f"another homemon command{who} has held the port for {WITHIN:g} s", "End it first.")
        if stop:
            stop.wait(LOOK_EVERY)
        else:
            sleep(LOOK_EVERY)
    return True
