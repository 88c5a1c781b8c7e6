"""The mind of whoever talks to the meter: a pure state machine over events and time.

A `Session` knows the link and the scale, receives every event of the module (`exchange`), and runs one
program at a time: `listen` (resident), `poll` (one shot), `fill_history` or `join`. Programs are
dialogues.

When the session is lost (EVENT 24, 26, 27, 28, 29 without a 25, ER10, three unanswered
requests) `listen` rejoins without a scan, then with one, with growing pauses. EVENT 32 (ARIB
limit) holds all sending until EVENT 33.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from homemon.core.dialogue import Dialogue, nothing, pause
from homemon.core.errors import DeviceError, HomemonError, NoAnswer, SessionLost
from homemon.core.points import HALF_HOUR
from homemon.echonet import codec as echonet
from homemon.skstack import join
from homemon.skstack.join import Credentials, Link
from homemon.skstack.lines import Happening
from homemon.sources.meter import history
from homemon.sources.meter import properties as meter
from homemon.sources.meter.exchange import Exchange
from homemon.sources.meter.plausible import Archive
from homemon.sources.meter.repair import Again, Repair
from homemon.sources.meter.trouble import is_trouble, live_through

PUSHED_WITHIN = 300  # EA and EB come within 5 minutes of :00 and :30
BACKOFF_FIRST, BACKOFF_LAST, DOUBLINGS = 5.0, 300.0, 6  # seconds; the radio can be away for months
UNIT_AGAIN, WITHOUT_AGAIN = 60.0, 60.0  # seconds until the unit, or EB, is asked for again; then at growing pauses
UNIT_EVERY = 86_400.0  # seconds; and after each join
REFUSED_POLLS, REFUSED_FOR = 10, 300.0  # polls and seconds of refusals, which a new session may end
POWER, CURRENT, FORWARD, REVERSE = 0xE7, 0xE8, 0xEA, 0xEB
REFUSES = "the meter refuses {}; it is asked again"
NO_DATA = "the meter has no data for {}; it is asked again"


class Session(Exchange):
    """One module, one meter, and staying joined.

    `draw` gives a random number between two, by which pauses differ from house to house. `archive` is what is stored
    of the meter; the half-hours of the last `history_days` are kept complete.
    """

    def __init__(
        self,
        link: Link | None,
        scale: meter.Scale | None,
        credentials: Credentials | None,
        first_tid: int,
        draw: Callable[[float, float], float],
        archive: Archive | None = None,
        history_days: int = 0,
        recheck: bool = False,
        at_once: int | None = None,
    ) -> None:
        super().__init__(link, scale, first_tid, archive, recheck, at_once)
        self._credentials = credentials
        self._draw = draw
        self._history_days = history_days
        self._checked: dict[int, int] = {}  # EA, EB → the newest half-hour received at the last check
        self._repair = Repair(self, archive, history_days)
        self._unit_again = Again(UNIT_AGAIN)
        self._without: dict[int, tuple[float, Again]] = {}  # EA, EB while they are refused → when to ask again
        self._silent: dict[int, str] = {}  # EPCs that give no value now → why
        self._every = self._next_poll = float("inf")  # seconds between two polls, and when the next one is due
        self._refused_polls = 0  # in a row
        self._has_current = True  # E8 is asked too, until it is refused; again once a day

    def join(self) -> Dialogue[Link]:
        """Scan, join, and learn the scale as far as the meter reports it now."""
        assert self._credentials is not None
        self._joining = True
        try:
            self._set_link((yield from join.join(self._credentials)))
        finally:
            self._joining = False
        self._learned = True
        assert self.link is not None
        try:
            yield from self.learn_scale()
        except DeviceError as error:
            self._notes.append(f"joined, but the meter has not reported its energy unit yet: {error}")
        return self.link

    def poll(self, epcs: tuple[int, ...]) -> Dialogue[echonet.Frame]:
        """Ask once; the scale first, where one of `epcs` needs it and nobody has learned it yet."""
        self.unconfirmed = ()
        if self.scale is None and meter.SCALED.intersection(epcs):
            yield from self.learn_scale()
        return (yield from self.ask(epcs))

    def listen(self, every: float | None, port: str = "") -> Dialogue[None]:
        """Stay joined for ever; ask E7 and E8 each `every` seconds, and EA and EB where the meter did not push them.

        `port` is its name, for who reads that no module answers there any more.
        Raise NoAnswer when no module answers at the very start: then the port or the wiring is wrong.
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
                if port and isinstance(error, join.NoModule):
                    error.args = (f"{port}: {error}",)
                text = str(error) + (f" ({error.hint})" if error.hint else "")
                (self._notes if joined else self._warnings).append(text)
                if not joined:
                    self._requests.refuse(_not_joined(error))
                if failures:
                    yield from self._wait_refusing(self._backoff(failures - 1), error)
                failures += 1
                failed_joins += not joined
                joined = False

    def _wait_refusing(self, seconds: float, error: HomemonError) -> Dialogue[None]:
        """Wait until the next try to join; what others ask meanwhile is refused, with the reason."""
        until = self._now + seconds
        while self._now < until:
            self._requests.refuse(_not_joined(error))
            with suppress(NoAnswer):
                yield from self._requests.wait(nothing, until - self._now)

    def _backoff(self, failures: int) -> float:
        return min(BACKOFF_LAST, BACKOFF_FIRST * 2.0 ** min(failures, DOUBLINGS)) * self._draw(0.5, 1.5)

    def _join_again(self, scan: bool) -> Dialogue[None]:
        """Join by the remembered link, or with a scan where it is unknown or did not help."""
        assert self._credentials is not None
        self._joining = True
        if self.link is None or not self.link.channel or scan:
            link = yield from join.join(self._credentials)
        else:
            link = yield from join.rejoin(self._credentials, self.link)
        self._joining = False
        self._set_link(link)
        self._notes.append("joined")

    def _set_link(self, link: Link) -> None:
        self._learned |= link != self.link
        if self.link is not None and link.address != self.link.address:
            self.scale = None  # another meter: its unit is its own
            self._reception.forget()
            self._doubts.forget()
            self._half_hours.clear()
            self._checked.clear()
            self._repair.forget()
            self._notes.append(f"another meter answers, at {link.address}: what is recorded from now on is of this one")
        self.link = link

    def _stay(self, every: float | None) -> Dialogue[None]:
        """Live joined: wait, poll, fill in the half-hours that were not received. Ends by SessionLost only."""
        yield from self._ask_half_hours()
        self._every, self._next_poll = (every, self._now) if every else (float("inf"), float("inf"))
        next_check = self._now + self._until_pushed()
        next_unit = self._unit_due()
        self._repair.soon(self._now)
        while True:
            yield from self._requests.serve(idle=True)
            yield from self.settle_doubts()
            if self._doubts.contradicted:
                self._doubts.contradicted = False
                self._repair.compare(self._now)
            next_refused = min((at for at, _ in self._without.values()), default=float("inf"))
            due = min(self._next_poll, next_check, next_unit, next_refused, self._repair.due)
            try:
                events = yield from self._requests.wait(self._ends_waiting, max(0.0, due - self._now))
            except NoAnswer:
                pass
            else:
                if is_trouble(events[-1]):
                    yield from live_through(events[-1])
                continue
            yield from self.poll_if_due()
            if self._now >= next_check:
                if self.scale is None:
                    yield from self.learn_scale()
                yield from self._ask_half_hours()
                next_check = self._now + self._until_pushed()
            elif self._now >= next_refused:
                yield from self._ask_half_hours(tuple(self._without))
            if self._now >= next_unit:
                yield from self.learn_scale()
                next_unit = self._unit_due()
                self._has_current = True
            if self._now >= self._repair.due:  # a day takes a quarter of a minute; a poll that is due comes first
                yield from self._repair_more()

    def _ends_waiting(self, event: Happening) -> bool:
        return is_trouble(event) or bool(self._doubts.open)

    def _unit_due(self) -> float:
        """Return when to ask for the unit again: each day, and sooner where the meter did not report all of it."""
        if self.recheck:
            self._repair.soon(self._now)
        if self.unit_complete:
            self._unit_again.reset()
            return self._now + UNIT_EVERY
        return self._unit_again.after(self._now)

    def poll_if_due(self) -> Dialogue[None]:
        """Poll the power where it is time to. Raise SessionLost, NoAnswer."""
        if self._now >= self._next_poll:
            self._next_poll = max(self._next_poll + self._every, self._now)
            yield from self._poll_power()

    def _poll_power(self) -> Dialogue[None]:
        """Ask E7 and, where the meter has it, E8.

        Raise SessionLost, once, where E7 was refused so long that a new session may help.
        """
        answer = yield from self.ask((POWER, CURRENT) if self._has_current else (POWER,))
        self._take_silence(answer)
        self._has_current = self._silent.get(CURRENT) != REFUSES
        self._refused_polls = self._refused_polls + 1 if self._silent.get(POWER) == REFUSES else 0
        if self._refused_polls == max(REFUSED_POLLS, REFUSED_FOR // self._every):
            raise SessionLost("the meter goes on refusing E7 (power)")

    def _take_silence(self, answer: echonet.Frame) -> None:
        """Note that the meter gives no value of what it was asked for, and that it does again: each once."""
        for prop in answer.reported:
            name = meter.PROPS[prop.epc].label if prop.epc in meter.PROPS else f"{prop.epc:02X}"
            before, now = self._silent.get(prop.epc, ""), _why_silent(prop)
            if now and now != before:
                self._notes.append(now.format(name))
            elif before and not now:
                self._notes.append(f"the meter gives {name} again")
            self._silent[prop.epc] = now

    def _repair_more(self) -> Dialogue[None]:
        """Do one step of the repair, and record its result."""
        rechecking = self.recheck
        yield from self._repair.step(self._now, frozenset({"-power"} if REVERSE in self._without else ()))
        self._learned |= rechecking and not self.recheck
        self._points += self._repair.points
        self._notes += self._repair.notes
        self._repair.points, self._repair.notes = [], []

    def fill_history(self, days: int) -> Dialogue[tuple[int, int]]:
        """Fill what the store lacks of the last `days`: how many registers were lacking, and how many were found.

        Raise DeviceError where the meter does not report its unit, its date or its record.
        """
        if self.scale is None:
            yield from self.learn_scale()
        if self.scale is None or self._archive is None:
            raise DeviceError("the meter does not report its energy unit (E1)", "Try again later.")
        plan = yield from history.plan(self, self._archive, days, 0, frozenset())
        found = 0
        for number, day in enumerate(plan, 1):
            yield from pause(0.0, f"asking for {day.date}, {number} of {len(plan)} ...")
            wanted = day.lacking
            for _ in range(2):  # what is refused may be refused just now
                done = yield from history.repair(self, self._archive, day._replace(lacking=wanted))
                self._points += done.points
                found += done.found
                if not (wanted := done.unread):
                    break
            self._notes += done.notes(day.date)
        return sum(len(times) for day in plan for times in day.lacking.values()), found

    def _until_pushed(self) -> float:
        """Return the seconds until the next half-hour's EA and EB must have come, and a little more."""
        return (PUSHED_WITHIN - self._wall) % HALF_HOUR + self._draw(5, 30)

    def _ask_half_hours(self, epcs: Sequence[int] = (FORWARD, REVERSE)) -> Dialogue[None]:
        """Ask for those of EA and EB of which no new half-hour was received since the last check.

        What is refused is asked for again, at growing pauses: a meter may have no EB, or not now. The meter's
        times are compared with each other, not with our clock, which may be wrong.
        """
        due = [epc for epc in epcs if self._is_stale(epc) and (epc == FORWARD or not self._is_refused(epc))]
        refused = (yield from self._refused_of(due)) if due else set()
        for epc in refused.intersection(due):
            _, again = self._without.get(epc, (0.0, Again(WITHOUT_AGAIN)))
            self._without[epc] = again.after(self._now), again
        over = [epc for epc in self._without if epc in epcs and epc not in refused]
        for epc in over:
            if epc in due or not self._is_stale(epc):  # what was missed meanwhile is asked for
                del self._without[epc]
                self._repair.soon(self._now)
        if any(self._is_stale(epc) for epc in due if epc == FORWARD or epc not in refused):
            self._repair.soon(self._now)
        self._checked |= {epc: self._half_hours[epc] for epc in epcs if epc in self._half_hours}

    def _is_stale(self, epc: int) -> bool:
        return self._half_hours.get(epc, 0) == self._checked.get(epc, 0)

    def _is_refused(self, epc: int) -> bool:
        """Return whether a property was refused so shortly ago that it is not asked yet."""
        return epc in self._without and self._now < self._without[epc][0]

    def _refused_of(self, epcs: list[int]) -> Dialogue[set[int]]:
        """Ask, and which of `epcs` the meter refuses."""
        answer = yield from self.ask(epcs)
        self._take_silence(answer)
        return {prop.epc for prop in answer.reported if not prop.edt}


def _not_joined(error: HomemonError) -> SessionLost:
    """Return the error for other processes' requests while the listener is not joined; `error` is why."""
    return SessionLost(
        f"the listener is not joined; nothing was asked: {error}",
        error.hint or "It tries again by itself; see what it says.",
    )


def _why_silent(prop: echonet.Property) -> str:
    """Return why a property gives no value: the empty text where it does."""
    if not prop.edt:
        return REFUSES
    try:
        return "" if prop.epc not in meter.PROPS or meter.value_of(prop) is not None else NO_DATA
    except ValueError:
        return ""
