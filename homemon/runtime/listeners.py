"""Which listeners run."""

from homemon.core.files import Lock, port_locks
from homemon.runtime.context import App
from homemon.runtime.lan import LISTENER as ECOCUTE
from homemon.runtime.lan import lan_lock
from homemon.runtime.radio import LISTENER as METER


def listeners(app: App) -> dict[str, int | None]:
    """The pid of each configured device's listener; None where none runs."""
    found: dict[str, int | None] = {}
    if app.config.smartmeter:
        found[METER] = pid_of(METER, port_locks(app.folder, app.smartmeter.serial_port)[0])
    if app.config.ecocute:
        found[ECOCUTE] = pid_of(ECOCUTE, lan_lock(app))
    return found


def pid_of(listener: str, lock: Lock) -> int | None:
    """The pid of the listener that holds a port's lock; a poll that holds it for a moment is none."""
    holder = lock.holder()
    return holder.pid if holder and holder.name == listener else None
