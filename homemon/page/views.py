"""Which views a page has, each of a day, week, month or year, and what one shows. Nothing here draws or reads.

A view is called by its kind and first day, "day-2026-11-25": so is its section on the page, and its path where the page
is served is "day/2026-11-25".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from homemon.core.points import DAY, HALF_HOUR, LATEST, Number
from homemon.energy.household import Balance, Known
from homemon.energy.periods import ONE_DAY, STEPS, Period, calendar, day_of, starts
from homemon.energy.rows import Row
from homemon.energy.so_far import SoFar

PARTS = {"day": "half-hour", "week": "day", "month": "day", "year": "month"}
"""The kinds of views, and the periods that each has a row and a bar of."""
LONG_ENOUGH = {"day": 1, "week": 7, "month": 28, "year": 365}
"""The days that a page reaches back at least where it has views of a kind."""
DETAILED_DAYS = 30  # days with a view of their own
LENGTHS = {"half-hour": HALF_HOUR, "day": DAY}
FIRST = date(2010, 1, 1)  # before that there were no such meters


class NoSuchView(LookupError):
    """Nothing is called so."""


class Place(NamedTuple):
    """Which view: its kind and its first day."""

    kind: str
    first: date

    @property
    def name(self) -> str:
        """What its section is called."""
        return f"{self.kind}-{self.first}"

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"{self.kind}/{self.first}"

    @property
    def period(self) -> Period:
        """From when to when it is."""
        return Period("", starts(self.first), starts(STEPS[self.kind].following(self.first)))

    @property
    def earlier(self) -> "Place":
        """The view before it."""
        return place(self.kind, self.first - ONE_DAY)

    @property
    def later(self) -> "Place":
        """The view after it."""
        return Place(self.kind, STEPS[self.kind].following(self.first))

    def parts(self, until: int) -> Iterator[Period]:
        """Yield the periods of its rows that begin before `until`, Unix seconds."""
        return calendar(PARTS[self.kind], self.period.start, min(self.period.end, until))


def place(kind: str, day: date) -> Place:
    """Return the view of a kind that has a day."""
    return Place(kind, STEPS[kind].first(day))


def place_of(path: str, now: int) -> Place:
    """Return the view that a path means, such as "week/2026-11-25" for the week of that day; "" is the day of `now`.

    Raise NoSuchView.
    """
    if not path:
        return place("day", day_of(now))
    kind, _, day = path.partition("/")
    try:
        first = date.fromisoformat(day)
    except ValueError:
        raise NoSuchView(path) from None
    if kind not in PARTS or str(first) != day or not FIRST <= first < day_of(LATEST):
        raise NoSuchView(path)
    return place(kind, first)


def places(now: int, days: int) -> list[Place]:
    """Return the views of a page of the last `days`, by kind and ascending, today's among them."""
    today = day_of(now)
    found = []
    for kind, least in LONG_ENOUGH.items():
        back = min(days, DETAILED_DAYS) if kind == "day" else days
        if days >= least:
            found += _up_to(place(kind, today), today - (back - 1) * ONE_DAY)
    return found


def _up_to(last: Place, first: date) -> list[Place]:
    found = [last]
    while found[-1].first > first:
        found.append(found[-1].earlier)
    return found[::-1]


class Extent(NamedTuple):
    """The lowest and the highest of a time's values, their sum, and how many there are: one at least."""

    low: Number
    high: Number
    total: float
    number: int

    @property
    def mean(self) -> float:
        """Their mean."""
        return self.total / self.number

    @classmethod
    def of(cls, parts: Iterable["Extent"]) -> "Extent":
        """Return the extent of a time out of those of its parts."""
        lows, highs, totals, numbers = zip(*parts, strict=True)
        return cls(min(lows), max(highs), sum(totals), sum(numbers))


Levels = Mapping[str, Mapping[int, Extent]]
"""The extents of each level by its name, by when their part begins, Unix seconds."""


Counted = Mapping[str, Mapping[int, Known]]
"""What devices counted by themselves, by the names of `panels.COUNTED`, by when a part begins, Unix seconds."""


class View(NamedTuple):
    """What a view shows: its energy and yen, those of its parts, where energy came from and went to, and of devices."""

    kind: str
    first: date
    period: Period
    row: Row
    parts: Sequence[Row]
    balance: Balance | None = None
    levels: Levels = MappingProxyType({})
    counted: Counted = MappingProxyType({})

    @property
    def place(self) -> Place:
        """Which view it is."""
        return Place(self.kind, self.first)


class Newest(NamedTuple):
    """The newest value of a level, its time in Unix seconds, and after how many seconds it is stale."""

    value: Number
    time: int
    stale: int


class Load(NamedTuple):
    """The newest sum of the currents of both wires in A, and the amperes of the contract."""

    current: Newest
    ampere: int


class Now(NamedTuple):
    """What is now: the newest of each level that is configured, None where there is none."""

    levels: Mapping[str, Newest | None]
    load: Load | None


class Facts(NamedTuple):
    """All numbers of a page of the time `now`, Unix seconds.

    `energies` are those of which anything is known; what was sold only where anything ever was. `sections` are those of
    config.ini. `reaches` are the days that have a view; None where all of them have one. `silent` are the sections of
    which nothing came for so long that something is wrong; nothing has `begun` where nothing ever came of any.
    `unpriced` is why yen cannot be computed; the first contract `begins` on a day to come.
    `first` is the time of the first reading, Unix seconds: before that there is nothing to walk to.
    """

    now: int
    moment: Now
    today: SoFar
    running: SoFar
    views: Sequence[View]
    energies: Sequence[str]
    sections: Sequence[str]
    reaches: tuple[date, date] | None = None
    silent: Sequence[str] = ()
    begun: bool = True
    unpriced: str = ""
    begins: date | None = None
    first: int = 0
