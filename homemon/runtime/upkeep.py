"""A listener's look at its store, once a day: a thread that takes little of the machine."""

from threading import Event, Thread
from time import perf_counter, sleep

from homemon.core.errors import StoreDamaged, StoreError
from homemon.core.points import DAY
from homemon.runtime.context import App
from homemon.storage.connection import BUSY_SECONDS
from homemon.storage.health import Look
from homemon.storage.store import Store

FIRST_AFTER, AGAIN_AFTER = 900.0, 3600.0  # seconds
RESTS = 9.0  # times as long as a step took


class DailyLook:
    """Looks through the store once a day, whichever listener does so, and says once what it finds."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._wake = Event()  # never set: the process ends with its main thread

    def start(self) -> None:
        """Begin to wait for the first time that a look is due."""
        Thread(target=self._run, name="look", daemon=True).start()

    def _run(self) -> None:
        pause = FIRST_AFTER
        while True:
            self._wake.wait(pause)
            pause = AGAIN_AFTER
            try:
                store = self._app.open_store(BUSY_SECONDS)
            except StoreError:
                continue  # the reader reports the store's trouble
            try:
                look_if_due(self._app, store)
            except StoreError:
                continue
            finally:
                store.close()


def look_if_due(app: App, store: Store) -> None:
    """Look through the store if nobody did within a day; warn where it is damaged, of the same thing once.

    Raise StoreError, where it could not be looked through for another reason.
    """
    now = app.now().wall
    looked = float(store.db.recall("looked_at") or 0)
    if looked <= now < looked + DAY:
        return
    store.db.remember(looked_at=now)
    try:
        faults = whole_look(store)
    except StoreDamaged as error:
        faults = [str(error)]
    reported = store.db.recall("damage") or ""
    found = faults[0] if faults else ""
    if found and found != reported:
        app.warn(f"the store {store.path} is damaged: {found}", "`homemon repair` saves what is whole.")
    if found != reported:
        store.db.remember(damage=found)


def whole_look(store: Store) -> list[str]:
    """Return what is wrong with the store; rows from before there were seals are sealed. Raise StoreError."""
    store.db.execute("PRAGMA cache_size = -256")  # KB: a reader of everything keeps nothing
    look, more = Look(store.db), True
    while more:
        begun = perf_counter()
        more = look.step(seals=True)
        sleep((perf_counter() - begun) * RESTS)
    return [*look.faults, *store.db.faults_of_small_tables()]
