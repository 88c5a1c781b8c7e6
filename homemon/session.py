"""The mind of whoever talks to the meter: a pure state machine over events and time.

A `Session` knows the link and the scale, hears every event of the module (`exchange`), and runs one
program at a time: `listen` (resident), `poll` (one shot), `fill_history` or `join`. Programs are
dialogues.

When the session is lost (EVENT 24, 26, 27, 28, 29 without a 25, ER10, three unanswered
requests) `listen` rejoins without a scan, then with one, with growing pauses. EVENT 32 (ARIB
limit) holds all sending until EVENT 33.
"""

from collections.abc import Mapping
from datetime import date
from random import Random

from homemon import history
from homemon.devices import meter
from homemon.errors import DeviceError, HomemonError, NoAnswer
from homemon.exchange import Exchange, is_trouble
from homemon.points import HALF_HOUR
from homemon.wire import echonet, join
from homemon.wire.dialogue import Ask, Dialogue, pause
from homemon.wire.join import Credentials, Link

PUSHED_WITHIN = 300  # EA and EB come within 5 minutes of :00 and :30
BACKOFF_FIRST, BACKOFF_LAST, DOUBLINGS = 5.0, 300.0, 6  # seconds; the radio can be away for months
REPAIR_EVERY = 86_400.0  # seconds; and after each join


class Session(Exchange):
    """One module, one meter, and staying joined.

    `lacking` tells which half-hours of the last `history_days` the store lacks; without it nothing is repaired.
    """

    def __init__(
        self,
        link: Link | None,
        scale: meter.Scale | None,
        credentials: Credentials | None,
        first_tid: int,
        rng: Random,
        lacking: history.Lacking | None = None,
        history_days: int = 0,
    ) -> None:
        super().__init__(link, scale, first_tid)
        self._credentials = credentials
        self._rng = rng
        self._lacking = lacking
        self._history_days = history_days
        self._checked: dict[int, int] = {}  # EA, EB → the newest half-hour heard at the last check
        self._refused: set[int] = set()

    def join(self) -> Dialogue[Link]:
        """Scan, join, and learn the scale as far as the meter tells it now."""
        assert self._credentials is not None
        self._joining = True
        try:
            self.link = yield from join.join(self._credentials)
        finally:
            self._joining = False
        self._learned = True
        try:
            yield from self.learn_scale()
        except DeviceError as error:
            self._notes.append(f"joined, but the meter has not told its energy unit yet: {error}")
        return self.link

    def poll(self, epcs: tuple[int, ...]) -> Dialogue[echonet.Frame]:
        """Ask once; the scale first, where one of `epcs` needs it and nobody has learned it yet."""
        if self.scale is None and meter.SCALED.intersection(epcs):
            yield from self.learn_scale()
        return (yield from self.ask(epcs))

    def listen(self, every: float | None) -> Dialogue[None]:
        """Stay joined for ever; ask E7 each `every` seconds, and EA and EB where the meter did not push them.

        Raises NoAnswer when no module answers at the very start: then the port or the wiring is wrong.
        """
        yield from join.wake_module()
        joined, failures, failed_joins = self.link is not None, 0, 0
        while True:
            try:
                if not joined:
                    yield from self._join_again(scan=failed_joins % 2 == 1)
                    joined = True
                yield from self.learn_scale()
                failures = failed_joins = 0
                yield from self._stay(every)
            except HomemonError as error:
                self._joining = False
                text = str(error) + (f" ({error.hint})" if error.hint else "")
                (self._notes if joined else self._complaints).append(text)
                if failures:
                    yield from pause(self._backoff(failures - 1))
                failures += 1
                failed_joins += not joined
                joined = False

    def _backoff(self, failures: int) -> float:
        return min(BACKOFF_LAST, BACKOFF_FIRST * 2.0 ** min(failures, DOUBLINGS)) * self._rng.uniform(0.5, 1.5)

    def _join_again(self, scan: bool) -> Dialogue[None]:
        """By the remembered link, or with a scan where there is none or it did not help."""
        assert self._credentials is not None
        self._joining = True
        if self.link is None or not self.link.channel or scan:
            link = yield from join.join(self._credentials)
        else:
            link = yield from join.rejoin(self._credentials, self.link)
        self._joining = False
        self._learned |= link != self.link
        if self.link is not None and link.mac != self.link.mac:
            self.scale = None  # another meter: its unit is its own
        self.link = link
        self._notes.append("joined")

    def _stay(self, every: float | None) -> Dialogue[None]:
        """The joined life: wait, poll, fill in the half-hours that were not heard. Ends by SessionLost only."""
        yield from self._ask_half_hours()
        next_poll = self._now if every else float("inf")
        next_check = self._now + self._until_pushed()
        next_plan = self._now
        repairs: history.Plan = []
        while True:
            next_repair = self._now if repairs else next_plan
            try:
                heard = yield Ask(b"", is_trouble, max(0.0, min(next_poll, next_check, next_repair) - self._now))
            except NoAnswer:
                pass
            else:
                yield from self._trouble(heard[-1])
                continue
            if every and self._now >= next_poll:
                next_poll = max(next_poll + every, self._now)
                yield from self.ask((0xE7,))
            if self._now >= next_check:
                if self.scale is None:
                    yield from self.learn_scale()
                yield from self._ask_half_hours()
                next_check = self._now + self._until_pushed()
            if repairs:  # a day takes a quarter of a minute; a poll that is due comes first
                yield from self._repair(*repairs.pop(0))
                repairs = repairs if self._lacking else []
            elif self._now >= next_plan:
                next_plan = self._now + REPAIR_EVERY
                repairs = yield from self._plan_repairs()

    def _plan_repairs(self) -> Dialogue[history.Plan]:
        """The days of which the store lacks half-hours; none where it is not asked, or cannot be."""
        if self._lacking is None or self.scale is None:
            return []
        without = frozenset({"-power"} if 0xEB in self._refused else ())
        try:
            return (yield from history.plan(self, self._lacking, self._history_days, without))
        except history.NoHistory as error:
            return self._give_up_history(error)

    def _repair(self, day: date, wanted: Mapping[str, frozenset[int]]) -> Dialogue[int]:
        """Ask the meter for one day's half-hours, and give how many it has; the others are told of."""
        try:
            points = yield from history.read_day(self, day, wanted)
        except history.NoHistory as error:
            self._give_up_history(error)
            return 0
        self._points += points
        missing = sum(map(len, wanted.values())) - len(points)
        if missing:
            self._notes.append(f"the meter has no record of {missing} of the half-hours missing on {day}")
        return len(points)

    def _give_up_history(self, error: history.NoHistory) -> history.Plan:
        self._notes.append(str(error))
        self._lacking = None
        return []

    def fill_history(self) -> Dialogue[tuple[int, int]]:
        """Fill what the store lacks, all days at once: how many registers were lacking, and how many were found.

        Raises DeviceError where the meter does not tell its unit or its date.
        """
        if self.scale is None:
            yield from self.learn_scale()
        if self.scale is None or self._lacking is None:
            raise DeviceError("the meter does not tell its energy unit (E1)", "Try again later.")
        plan = yield from history.plan(self, self._lacking, self._history_days, frozenset())
        found = 0
        for number, (day, wanted) in enumerate(plan, 1):
            yield from pause(0.0, f"asking for {day}, {number} of {len(plan)} ...")
            found += yield from self._repair(day, wanted)
            if self._lacking is None:
                break
        return sum(len(times) for _, wanted in plan for times in wanted.values()), found

    def _until_pushed(self) -> float:
        """Seconds until the next half-hour's EA and EB must have come, and a little more."""
        return (PUSHED_WITHIN - self._wall) % HALF_HOUR + self._rng.uniform(5, 30)

    def _ask_half_hours(self) -> Dialogue[None]:
        """Ask for EA and EB where no new half-hour was heard since the last check; EB may be refused for good.

        The meter's times are compared with each other, not with our clock, which may be wrong.
        """
        stale = [epc for epc in (0xEA, 0xEB) if self._half_hours.get(epc, 0) == self._checked.get(epc, 0)]
        lacking = [epc for epc in stale if epc not in self._refused]
        if lacking:
            answer = yield from self.ask(lacking)
            given = {prop.epc for prop in answer.reported if prop.edt}
            if given:  # a meter that gives one and not the other does not have the other
                self._refused |= set(lacking) - given
        self._checked = dict(self._half_hours)
