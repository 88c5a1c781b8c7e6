"""The unit in which the meter counts, asked of it: E1 (a power of ten), D3 (a coefficient), D7 (digits).

A refusal, or "no data", is a fact of that moment and replaces nothing that is known of this meter. Only where it
refuses D3 and none was ever known, the coefficient is 1: many meters have no D3. A unit that is not the one that is
known is believed when the meter says it again.
"""

from collections.abc import Iterable
from typing import Protocol

from homemon.core.dialogue import Dialogue
from homemon.echonet.codec import Frame
from homemon.sources.meter.properties import ReportedScale, Scale

UNIT = (0xE1, 0xD3, 0xD7)
TRIES = 4  # to receive the same twice in a row


class Asker(Protocol):
    """Who talks to the meter: `exchange.Exchange`."""

    def ask(self, epcs: Iterable[int]) -> Dialogue[Frame]: ...


def learn(asker: Asker, known: Scale | None) -> Dialogue[tuple[Scale | None, bool]]:
    """Return the meter's unit, and whether it reported all of it; `known` where it contradicts itself.

    Raise as `Exchange.ask`.
    """
    reported = yield from _ask(asker)
    found = reported.over(known)
    for _ in range(TRIES - 1):
        if found is None or found == known:
            return found, _is_whole(reported)
        before, reported = found, (yield from _ask(asker))
        found = reported.over(known)
        if found == before:
            return found, _is_whole(reported)
    return known, False


def _ask(asker: Asker) -> Dialogue[ReportedScale]:
    reported = ReportedScale()
    for epc in UNIT:
        reported.receive((yield from asker.ask((epc,))))
    return reported


def _is_whole(reported: ReportedScale) -> bool:
    """Return whether nothing had to be assumed or remembered."""
    return reported.exponent is not None and reported.coefficient is not None
