"""How the simulated module can misbehave: one row a fault.

A fault with an `act` happens at once and is over; the others stand until they are set to 0, and
`Module` consults them where they matter. "each Nth" counts from the moment the fault is set.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from homemon.sim.bp35c0_commands import METER, OWN

if TYPE_CHECKING:
    from homemon.sim.bp35c0 import Module


class Fault(NamedTuple):
    """`takes` says what a value is, `default` is the value where none is given, `read` its text → value."""

    name: str
    takes: str
    default: str
    says: str
    read: Callable[[str], Any]
    act: "Callable[[Module, Any], None] | None" = None


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError(text)
    return number


def _epcs(text: str) -> frozenset[int]:
    return frozenset(int(epc, 16) for epc in text.split(",") if epc not in ("", "0"))


def _expire(module: "Module", renewed_after: float) -> None:
    if module.session:
        module.session = False
        module.event("29", METER)
        if renewed_after:
            module.at(module.now + renewed_after, lambda: _renew(module))


def _renew(module: "Module") -> None:
    module.session = True
    module.event("25", METER)


def _end_session(module: "Module", _: int) -> None:
    if module.session:
        module.session = False
        module.event("26", METER)


def _lose_session(module: "Module", _: int) -> None:
    if module.session:
        module.session = False
        module.event("28", METER)


def _forget_session(module: "Module", _: int) -> None:
    module.forgotten = module.session


def _limit(module: "Module", seconds: float) -> None:
    module.limited_until = module.now + seconds
    module.event("32", OWN)
    module.at(module.limited_until, lambda: module.event("33", OWN))


def _power_cycle(module: "Module", _: int) -> None:
    module.forget(switched_off=True)


def _refuse_epcs(module: "Module", epcs: frozenset[int]) -> None:
    module.meter.refused = epcs


EACH_NTH, ON, TIMES, SECONDS = "N for each Nth", "1 or 0", "how many times", "seconds"
EPCS = "EPCs in hex with commas"

FAULTS = {
    fault.name: fault
    for fault in (
        Fault("lose-answers", EACH_NTH, "1", "the meter's answer is lost on the air", _count),
        Fault("lose-pushes", EACH_NTH, "1", "the half-hour's EA and EB are lost on the air", _count),
        Fault("late-answers", SECONDS, "12", "the meter's answers come so much later", _seconds),
        Fault("double", ON, "1", "all that the meter says comes twice", _count),
        Fault("garble", EACH_NTH, "1", "an ERXUDP line loses one byte", _count),
        Fault("noise", EACH_NTH, "1", "rubbish comes before what the module says", _count),
        Fault("glue", ON, "1", "the answer stands right behind the torn echo: SKSENDTOERXUDP", _count),
        Fault("fail-sends", EACH_NTH, "1", "a datagram is not acknowledged: EVENT 21 with 01", _count),
        Fault("empty-scans", TIMES, "1", "scans find nothing", _count),
        Fault("refuse-joins", TIMES, "1", "joins end in EVENT 24", _count),
        Fault("refuse-epcs", EPCS, "E3,E4,EB", "the meter has no such properties", _epcs, _refuse_epcs),
        Fault("expire", SECONDS, "0", "EVENT 29, and 25 so much later; 0: never", _seconds, _expire),
        Fault("end-session", ON, "1", "the meter ends the session: EVENT 26", _count, _end_session),
        Fault("lose-session", ON, "1", "the session ends unanswered: EVENT 28", _count, _lose_session),
        Fault("forget-session", ON, "1", "the meter drops the session without a word", _count, _forget_session),
        Fault("limit", SECONDS, "60", "ARIB limit: EVENT 32, sends FAIL, then EVENT 33", _seconds, _limit),
        Fault("power-cycle", ON, "1", "the module forgets all that is volatile", _count, _power_cycle),
        Fault("dead", ON, "1", "the module hears nothing and says nothing", _count),
    )
}


def read_value(name: str, value: object = None) -> Any:
    """What a fault of the table takes `value` for, its default where there is none. Raises ValueError."""
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    row = FAULTS[name]
    try:
        return row.read(str(row.default if value is None else value))
    except ValueError:
        raise ValueError(f"{name} takes {row.takes}, not {value!r}") from None
