"""Our node where nobody wrote down the EcoCute's address: a controller that finds it, as a pure state machine.

It looks for the unit at the start if none is remembered, then now and then; and when an EcoCute, or a node
that announces one, speaks up at another address, which is how a unit that moved is noticed. What that one
says meanwhile is kept, and is a point with the time of its receipt if the unit turns out to be ours.
It is also found again for a poll that it does not answer, at most each five minutes.
"""

from collections.abc import Callable
from contextlib import suppress

from homemon.core.dialogue import Dialogue, Step
from homemon.core.errors import DeviceError, NoAnswer
from homemon.core.points import Point
from homemon.echonet.codec import MULTICAST, Frame, Received, Unit
from homemon.echonet.own_node import OwnNode
from homemon.sources.lan.controller import NOTIFIED, Controller
from homemon.sources.lan.discovery import Discovery, choose, objects
from homemon.sources.lan.reports import found_among, report
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source

LOOK_FIRST, LOOK_LAST = 15.0, 300.0  # seconds between two looks while no unit is known, doubling
LOOK_ELSEWHERE = 3600.0  # between two because of the same unit that turned out not to be ours
LOOK_FOR_POLL = 300.0  # between two because of a unit that does not answer a poll
MOST_OTHERS, MOST_KEPT = 16, 100  # units that may be ours, and notifications of each
MOST_DISMISSED = 64  # units that are not


class SearchingController(Controller):
    """A controller of the unit that `recall` gives, None while none is remembered."""

    def __init__(
        self,
        recall: Callable[[], Unit | None],
        eoj: int,
        accept_any: bool,
        first_tid: int,
        own: Callable[[], OwnNode] = OwnNode,
        source: Source = ECOCUTE,
    ) -> None:
        self._unit = recall()
        super().__init__(self._unit.host if self._unit else "", eoj, accept_any, first_tid, own, source)
        self._recall = recall
        self._due = float("inf") if self._unit else float("-inf")  # when to look next
        self._looked = float("-inf")
        self._failures = 0
        self._others: dict[str, list[tuple[Point, float]]] = {}  # who spoke up elsewhere, its points and their times
        self._kinds: dict[str, int] = {}  # their objects
        self._dismissed: dict[str, float] = {}  # who turned out not to be ours, and when
        self._late: list[tuple[Point, float]] = []
        self._found: Unit | None = None

    def listen(self) -> Dialogue[None]:
        """Receive for ever, and look when it is due."""
        while True:
            if self._now >= self._due:
                yield from self._look()
            yield from self._requests.serve(idle=True)
            with suppress(NoAnswer):
                yield from self._requests.wait(lambda event: True, max(0.0, self._due - self._now))

    def poll(self, and_what: bool = False) -> Dialogue[set[str]]:
        """Ask as a controller does; one that is not known, or does not answer where it was, is searched for.

        Raise NoAnswer where there is none, DeviceError where a person has to choose.
        """
        before = self._host
        if before:
            try:
                return (yield from super().poll(and_what))
            except NoAnswer as silence:
                if self._now - self._looked < LOOK_FOR_POLL:
                    raise
                try:
                    yield from self._find()
                except DeviceError as error:
                    raise NoAnswer(f"{silence}; {error}", error.hint) from None
                if self._host == before:
                    raise
        else:
            yield from self._find()
        return (yield from super().poll(and_what))

    def _step(self) -> Step:
        late = [(point, self._now - came) for point, came in self._late]
        self._kin, self._found = self._found, None
        step = super()._step()._replace(late=late)
        self._late = []
        return step

    def _accept(self, frame: Frame, host: str) -> None:
        eoj = found_among(self._source, (frame.seoj, *objects(Received(frame, host))), self._eoj)
        if host != self._host and eoj is not None:
            self._meet(frame, host, eoj)
        super()._accept(frame, host)

    def _meet_stranger(self, frame: Frame, host: str) -> None:
        """Search for a device at an unexpected address, without a warning."""

    def _meet(self, frame: Frame, host: str, eoj: int) -> None:
        """Take in a device at an address that is not the known one."""
        unit = self._recall()
        if unit and unit.host == host:
            self._settle(unit)
        elif frame.esv in NOTIFIED and not self._accept_any and len(self._others) < MOST_OTHERS:
            self._kinds[host] = eoj
            kept = self._others.setdefault(host, [])
            kept += [(point, self._now) for point in report(self._source, frame, eoj).points]
            del kept[:-MOST_KEPT]
            again = self._dismissed.get(host, float("-inf")) + LOOK_ELSEWHERE if self._host else 0.0
            self._due = min(self._due, max(self._now, self._looked + LOOK_FIRST, again))

    def _look(self) -> Dialogue[None]:
        """Search the LAN once; what comes of it is reported, and remembered."""
        try:
            yield from self._find()
        except DeviceError as error:
            text = str(error) + (f" ({error.hint})" if error.hint else "")
            (self._notes if isinstance(error, NoAnswer) else self._warnings).append(text)

    def _find(self) -> Dialogue[None]:
        """Search the LAN once. Raise NoAnswer where our unit is nowhere, DeviceError where a person has to choose."""
        known = self._recall() or self._unit
        self._looked = self._now
        devices = list(self._kinds.items())
        targets = [MULTICAST, known.host] if known else [MULTICAST]
        nodes = yield from Discovery(targets, self._tid, self._eoj, devices, self._source).search()
        try:
            self._settle(choose(nodes, self._eoj, known, self._source), found=True)
        except DeviceError:
            pause = min(LOOK_LAST, LOOK_FIRST * 2.0**self._failures)
            self._failures += 1
            self._due = float("inf") if self._host else self._now + pause
            self._dismiss_others()
            raise

    def _settle(self, unit: Unit, found: bool = False) -> None:
        """Accept this device as ours; what it sent before is recorded now, what others sent is not."""
        if unit.host != self._host:
            self._notes.append(f"the {self._source.title} is at {unit.host}")
        self._unit, self._host, self._due, self._failures = unit, unit.host, float("inf"), 0
        self._found = unit if found else None
        self._late += self._others.pop(unit.host, [])
        self._dismiss_others()

    def _dismiss_others(self) -> None:
        """Dismiss the others, if ours is known; what they sent is not recorded."""
        if len(self._dismissed) > MOST_DISMISSED:
            self._dismissed.clear()
        if self._host:
            self._dismissed.update(dict.fromkeys(self._others, self._now))
        self._others.clear()
        self._kinds.clear()
