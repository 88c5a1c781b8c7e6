"""Whether sums of days, months and bills are to be computed again for the servers, at little cost where they are not.

They are series of their own, because a query would have to guess them: `runtime/summing.py` computes them.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from homemon import __version__
from homemon.core.files import Lock
from homemon.core.points import Point, moment_text
from homemon.runtime import state
from homemon.runtime.context import App

if TYPE_CHECKING:
    from homemon.storage.store import Store

KEY = "=sums"
"""Under which the store has an account (`ledger`) of what is not summed up yet; no section is called so."""
READ = ("+power", "-power", "hatuden", "baiden_diff", "spot")
"""The measurements that they are computed from, which are those of the account."""
PRICES = "prices.toml"
WITHIN = 3.0  # seconds; one month is computed in any case, and what is left at the next time


class Memory(NamedTuple):
    """By which contracts and prices all was computed, on which day, and the months that are yet to be (2026-11)."""

    terms: str = ""
    day: str = ""
    months: tuple[str, ...] = ()

    @classmethod
    def of(cls, store: "Store") -> "Memory":
        """Return what a store keeps; nothing where that is not to be understood: all is computed again then."""
        with suppress(ValueError, TypeError):
            terms, day, months = json.loads(str(store.db.recall("sums") or "[]"))
            return cls(terms, day, tuple(months))
        return cls()

    def keep(self, store: "Store") -> None:
        """Keep it in a store. Raise StoreError."""
        store.db.remember(sums=json.dumps(self))


def compute_again(store: "Store", later: int) -> None:
    """Have all sums computed again, each dated so many seconds after the begin of its period, or later.

    So where a server got sums of another store, of which none may be the last. Raise StoreError.
    """
    store.db.remember(sums="[]", sums_later=max(later, earliest(store)))


def earliest(store: "Store") -> int:
    """Return how many seconds after the begin of its period a sum is dated at the earliest. Raise StoreError."""
    return int(store.db.recall("sums_later") or 0)


def update(app: App, store: "Store", within: float = WITHIN) -> None:
    """Store the sums that new, late and corrected readings or other prices change, for about so many seconds.

    The latest months come first. Nothing is done while another process does it. The store has the account. Raise
    StoreError.
    """
    present = Memory(terms(app), moment_text(int(app.now().wall), "%Y-%m-%d"))
    if Memory.of(store) == present and not store.changes(KEY).any():
        return
    with Lock(app.folder / "sums.lock").holding(0) as got:
        if got:
            _compute(app.with_store(store), present, monotonic() + within)


def _compute(app: App, present: Memory, deadline: float) -> None:
    """Compute what is to be by the terms and on the day of `present`, and remember what is left at the deadline."""
    from homemon.runtime import summing

    store, now = app.store, int(app.now().wall)
    before, changes = Memory.of(store), store.changes(KEY)
    if changes.are_all() or present.terms != before.terms:
        before = Memory(present.terms, before.day, tuple(summing.recorded(store, now)))
        before.keep(store)
        changes.settle_all()
    times, mark = changes.times()
    months = {*before.months, *summing.touched(store, times, now)}
    if present.day != before.day:
        months |= summing.running(now)
    points = partial(summing.points, later=earliest(store))
    after = present._replace(months=_computed(app, sorted(months, reverse=True), points, deadline))
    if after != before:
        after.keep(store)
    if times:
        changes.settle(mark)


def _computed(
    app: App, months: list[str], points: Callable[[App, str], list[Point]], deadline: float
) -> tuple[str, ...]:
    """Store the points of months, of one at least; return the months that are left."""
    kept = app.kept_from(app.now())
    for done, month in enumerate(months, 1):
        _store(app, [point for point in points(app, month) if (point.time or 0) >= kept])
        if monotonic() > deadline:
            return tuple(months[done:])
    return ()


def _store(app: App, points: list[Point]) -> None:
    from homemon.storage.retention import drop_replaced

    if points:
        app.store.archive.add([(point, app.now()) for point in points])
        drop_replaced(app.store, points)


def terms(app: App) -> str:
    """Return a digest of all that decides how energy is counted and what it costs."""
    from hashlib import blake2b  # as in `delivery.sink`

    folder = app.config.path.parent
    own = (name for each in app.config.contracts for name in (each.plan, each.sell) if name)
    said = [repr((__version__, state.load(app.folder).scale, app.config.contracts))]
    for name in (PRICES, *own):
        with suppress(OSError, ValueError):
            said.append((folder / name).read_text("utf-8"))
    return blake2b("\0".join(said).encode(), digest_size=8).hexdigest()
