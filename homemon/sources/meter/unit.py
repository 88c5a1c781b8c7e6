"""The unit in which the meter counts, asked of it: E1 (a power of ten), D3 (a coefficient), D7 (digits).

A refusal, or "no data", is a fact of that moment and replaces nothing that is known of this meter. Only where it
refuses D3 and none was ever known, the coefficient is 1: many meters have no D3. A unit that is not the one that is
known is believed when the meter says it again.
"""

from collections.abc import Iterable
from typing import Protocol

from homemon.core.dialogue import Dialogue
from homemon.echonet.codec import Frame
from homemon.sources.meter.properties import Scale, ScaleHeard

UNIT = (0xE1, 0xD3, 0xD7)
TRIES = 4  # to hear the same twice in a row


class Asker(Protocol):
    """Who talks to the meter: `exchange.Exchange`."""

    def ask(self, epcs: Iterable[int]) -> Dialogue[Frame]: ...


def learn(asker: Asker, known: Scale | None) -> Dialogue[tuple[Scale | None, bool]]:
    """The meter's unit, and whether it told all of it; `known` where it contradicts itself.

    Raises as `Exchange.ask`.
    """
    told = yield from _ask(asker)
    found = told.over(known)
    for _ in range(TRIES - 1):
        if found is None or found == known:
            return found, _is_whole(told)
        before, told = found, (yield from _ask(asker))
        found = told.over(known)
        if found == before:
            return found, _is_whole(told)
    return known, False


def _ask(asker: Asker) -> Dialogue[ScaleHeard]:
    heard = ScaleHeard()
    for epc in UNIT:
        heard.hear((yield from asker.ask((epc,))))
    return heard


def _is_whole(told: ScaleHeard) -> bool:
    """Whether nothing had to be assumed or remembered."""
    return told.exponent is not None and told.coefficient is not None
