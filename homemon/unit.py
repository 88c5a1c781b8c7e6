"""The unit in which the meter counts, asked of it: E1 (a power of ten), D3 (a coefficient), D7 (digits).

A refusal, or "no data", is a fact of that moment and replaces nothing that is known of this meter. Only where it
refuses D3 and none was ever known, the coefficient is 1: many meters have no D3. A unit that is not the one that is
known is believed when the meter says it again.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from homemon.devices import meter
from homemon.devices.meter import Scale
from homemon.wire.dialogue import Dialogue
from homemon.wire.echonet import Frame

TRIES = 4  # to hear the same twice in a row


class Asker(Protocol):
    """Who talks to the meter: `exchange.Exchange`."""

    def ask(self, epcs: Iterable[int]) -> Dialogue[Frame]: ...


class Told(NamedTuple):
    """One answer each, None where the meter gives no value; `refused`: it has no D3, or says so."""

    exponent: int | None
    coefficient: int | None
    digits: int | None
    refused: bool

    def scale(self, known: Scale | None) -> Scale | None:
        """The unit, with what is `known` in the place of what was not told; None while it cannot be known."""
        exponent = self.exponent if known is None or self.exponent is not None else known.exponent
        coefficient = self.coefficient
        if coefficient is None:
            coefficient = known.coefficient if known else 1 if self.refused else None
        if exponent is None or coefficient is None:
            return None
        return Scale(exponent, coefficient, self.digits or (known.digits if known else 8))

    @property
    def whole(self) -> bool:
        """Whether nothing had to be assumed or remembered."""
        return self.exponent is not None and self.coefficient is not None


def learn(asker: Asker, known: Scale | None) -> Dialogue[tuple[Scale | None, bool]]:
    """The meter's unit, and whether it told all of it; `known` where it contradicts itself.

    Raises as `Exchange.ask`.
    """
    told = yield from _ask(asker)
    found = told.scale(known)
    for _ in range(TRIES - 1):
        if found is None or found == known:
            return found, told.whole
        before, told = found, (yield from _ask(asker))
        found = told.scale(known)
        if found == before:
            return found, told.whole
    return known, False


def _ask(asker: Asker) -> Dialogue[Told]:
    exponent, _ = yield from _number(asker, 0xE1)
    coefficient, refused = yield from _number(asker, 0xD3)
    digits, _ = yield from _number(asker, 0xD7)
    return Told(exponent, coefficient, digits if digits and 1 <= digits <= 8 else None, refused)


def _number(asker: Asker, epc: int) -> Dialogue[tuple[int | None, bool]]:
    """The value of a property, None where there is none or it makes no sense; and whether it was refused."""
    answer = yield from asker.ask((epc,))
    for prop in answer.reported:
        if prop.epc == epc:
            right = len(prop.edt) == meter.PROPS[epc].size
            value = meter.value_of(prop) if right else None
            return value if isinstance(value, int) else None, not prop.edt
    return None, False
