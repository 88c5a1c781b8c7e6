"""Which listeners run."""

from homemon.core.files import Lock, port_lock
from homemon.runtime.context import App
from homemon.runtime.lan import lan_lock
from homemon.sources.registry import SOURCES
from homemon.sources.source import Connection, Source


def listeners(app: App) -> dict[str, int | None]:
    """Return the pid of each configured source's listener; None where it does not run."""
    configured = [source for source in SOURCES if source.listener and app.config.of(source.section)]
    return {source.listener: pid_of(source.listener, _lock(app, source)) for source in configured}


def _lock(app: App, source: Source) -> Lock:
    """Return the lock of a source's port."""
    if source.connection is Connection.LAN:
        return lan_lock(app, source)
    return port_lock(app.folder, app.smartmeter.serial_port)


def pid_of(listener: str, lock: Lock) -> int | None:
    """Return the pid of the listener that holds a port's lock; a poll that holds it for a moment does not count."""
    holder = lock.holder()
    return holder.pid if holder and holder.name == listener else None
