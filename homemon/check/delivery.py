"""`homemon check` on the way of a reading after it was taken: the store, and the server."""

from collections.abc import Iterator
from contextlib import suppress

from homemon.check.findings import Aside, Finding, fault, ok, warning
from homemon.config.keys import Server
from homemon.core.errors import StoreError
from homemon.core.points import DAY
from homemon.delivery.verdicts import Verdict
from homemon.runtime import sinks
from homemon.runtime.wording import wording
from homemon.storage.health import newest_faults, whole_faults
from homemon.storage.store import Store

LOOKED_THROUGH = 10_000_000  # bytes of the store, about three quarters of a year; of a larger one, the newest
LATE_DAYS = 3  # that the meter's newest half-hour may lie back


def store(app: Aside) -> Iterator[Finding]:
    """Yield whether the store is sound, and its backlog. Raise StoreError."""
    opened = app.store
    size = f"{opened.path.stat().st_size / 1e6:.1f} MB"
    whole = opened.path.stat().st_size <= LOOKED_THROUGH
    faults = whole_faults(opened.db) if whole else newest_faults(opened.db) or seen_before(opened)
    if faults:
        yield fault(
            "store",
            f"{opened.path} is damaged: {faults[0]}",
            "`homemon repair` saves what is whole",
        )
        return
    yield ok("store", f"{opened.path} ({size}) is sound{'' if whole else ' in its newest readings'}")
    for place in sinks.places(app.config):  # without one all that was ever read waits, and takes long to count
        yield from _undelivered(app, place)
    yield from _kept(app)
    waiting, lost = opened.archive.undated(app.now().boot)
    if waiting:
        yield ok("store", f"{waiting} values wait for a clock that is right")
    if lost:
        yield warning(
            "store",
            f"{lost} values came before a restart, while the clock was wrong, and have no time",
            "A clock module (RTC) keeps the time over a power cut",
        )


def seen_before(opened: Store) -> list[str]:
    """Return what a listener's daily look through all of the store found last."""
    damage = opened.db.recall("damage")
    return [str(damage)] if damage else []


def _undelivered(app: Aside, place: sinks.Place) -> Iterator[Finding]:
    """Yield what a place does not have."""
    (sender,) = sinks.senders(app, app.store, [place])
    backlog = sender.sink.backlog()
    if backlog.waiting:
        yield ok("store", place.waits.format(backlog.waiting))
    if backlog.parked:
        why = app.store.outbox_of(place.name).parked()[0][1]
        yield warning(
            "store",
            place.refused.format(backlog.parked, why),
            "`homemon status` lists them; once the cause is gone, `homemon upload --since TIME` tries them again",
        )


def _kept(app: Aside) -> Iterator[Finding]:
    """Yield whether what is older than keep_days is dropped."""
    days = app.config.store.keep_days
    if not days:
        return
    at = app.now()
    if at.wall - app.kept_from(at) > (days + LATE_DAYS) * DAY:
        remedy = "The newest half-hour of the meter decides what is old, or NTP where there never was one"
        yield warning("store", f"more than the last {days} days is kept", remedy)
    else:
        yield ok("store", f"the last {days} days are kept")


def nowhere(app: Aside) -> Iterator[Finding]:
    """Yield that no place is configured."""
    yield ok("server", "none is configured; readings stay in the store")


def place(app: Aside, place: sinks.Place) -> Iterator[Finding]:
    """Yield whether a place is there and would take readings from us."""
    answer, said = place.probe(), wording(place.name)
    if answer.verdict is Verdict.TAKEN:
        with suppress(StoreError):  # the store has a finding of its own
            sinks.senders(app, app.store, [place])[0].lift()
        yield ok(place.name, said.takes.format(place.where))
    else:
        yield fault(place.name, answer.text, said.kept)


def create_db(app: Aside) -> Iterator[Finding]:
    """Make the database of each server that lacks it, on request; of several those that take points have theirs."""
    there = app.config.servers.values()
    for place, settings in zip(sinks.servers(app.config), there, strict=True):
        if len(there) == 1 or place.probe().verdict is not Verdict.TAKEN:
            yield _created(place.name, settings)


def _created(name: str, settings: Server) -> Finding:
    """Make the database of a server."""
    from homemon.delivery.influx import Influx

    answer = Influx(sinks.quick(settings)).create_database()
    if answer.verdict is Verdict.TAKEN:
        return ok(name, f"{settings.url} has the database {settings.db}")
    return fault(name, answer.text, "No database was made")
