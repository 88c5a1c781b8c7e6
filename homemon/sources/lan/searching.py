"""The search of our node for a device whose address nobody wrote down.

It looks for the unit at the start if none is remembered, then now and then; and when an EcoCute, or a node
that announces one, speaks up at another address, which is how a unit that moved is noticed. What that one
says meanwhile is kept, and is a point with the time of its receipt if the unit turns out to be ours.
It is also found again for a poll that it does not answer, at most each five minutes.
"""

from collections.abc import Callable

from homemon.core.dialogue import Dialogue
from homemon.core.errors import DeviceError
from homemon.core.points import Point
from homemon.echonet.codec import MULTICAST, NOTIFIED, Frame, Received, Unit
from homemon.sources.lan.discovery import Discovery, choose, objects
from homemon.sources.lan.reports import found_among, report
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source

LOOK_FIRST, LOOK_LAST = 15.0, 300.0  # seconds between two looks while no unit is known, doubling
LOOK_ELSEWHERE = 3600.0  # between two because of the same unit that turned out not to be ours
MOST_OTHERS, MOST_KEPT = 16, 100  # units that may be ours, and notifications of each
MOST_DISMISSED = 64  # units that are not
NEVER, AT_ONCE = float("inf"), float("-inf")


class Search:
    """A controller's search for its device, which `recall` gives; None while none is remembered.

    It is `due` when the controller is to look next, and `looked` when it last did.
    """

    def __init__(self, recall: Callable[[], Unit | None], source: Source = ECOCUTE) -> None:
        self._recall = recall
        self._source = source
        self._unit = recall()
        self.due = NEVER if self._unit else AT_ONCE
        self.looked = AT_ONCE
        self._failures = 0
        self._others: dict[str, list[tuple[Point, float]]] = {}  # who spoke up elsewhere, its points and their times
        self._kinds: dict[str, int] = {}  # their objects
        self._dismissed: dict[str, float] = {}  # who turned out not to be ours, and when

    @property
    def host(self) -> str:
        """Where the device is; empty while that is not known."""
        return self._unit.host if self._unit else ""

    def meet(self, frame: Frame, host: str, eoj: int, now: float, keep: bool) -> Unit | None:
        """Take in a frame; return our device where it is remembered at `host` and was not known there.

        With `keep` the readings of a notification are kept until it is known whose they are.
        """
        found = found_among(self._source, (frame.seoj, *objects(Received(frame, host))), eoj)
        if host == self.host or found is None:
            return None
        unit = self._recall()
        if unit and unit.host == host:
            return unit
        if frame.esv in NOTIFIED and keep and len(self._others) < MOST_OTHERS:
            self._kinds[host] = found
            kept = self._others.setdefault(host, [])
            kept += [(point, now) for point in report(self._source, frame, found).points]
            del kept[:-MOST_KEPT]
            again = self._dismissed.get(host, AT_ONCE) + LOOK_ELSEWHERE if self._unit else 0.0
            self.due = min(self.due, max(now, self.looked + LOOK_FIRST, again))
        return None

    def find(self, eoj: int, first_tid: int, now: Callable[[], float]) -> Dialogue[Unit]:
        """Search the LAN once. Raise NoAnswer where our unit is nowhere, DeviceError where a person has to choose."""
        known = self._recall() or self._unit
        self.looked = now()
        targets = [MULTICAST, known.host] if known else [MULTICAST]
        nodes, _ = yield from Discovery(targets, first_tid, eoj, self._kinds.items(), self._source).search()
        try:
            return choose(nodes, eoj, known, self._source)
        except DeviceError:
            pause = min(LOOK_LAST, LOOK_FIRST * 2.0**self._failures)
            self._failures += 1
            self.due = NEVER if self._unit else now() + pause
            self._dismiss_others(now())
            raise

    def settle(self, unit: Unit, now: float) -> list[tuple[Point, float]]:
        """Return what this device, which is ours, sent before, with the times; what others sent is dropped."""
        self._unit, self.due, self._failures = unit, NEVER, 0
        late = self._others.pop(unit.host, [])
        self._dismiss_others(now)
        return late

    def _dismiss_others(self, now: float) -> None:
        """Dismiss the others, if ours is known; what they sent is not recorded."""
        if len(self._dismissed) > MOST_DISMISSED:
            self._dismissed.clear()
        if self._unit:
            self._dismissed.update(dict.fromkeys(self._others, now))
        self._others.clear()
        self._kinds.clear()
