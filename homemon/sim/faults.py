"""How the simulated module can misbehave: one row a fault.

A fault with an `act` happens at once and is over; the others stand until they are set to 0, and
the module consults them where they matter. "each Nth" counts from the moment the fault is set.
"""

from collections.abc import Callable, Container
from functools import partial
from math import inf
from typing import Any, NamedTuple

from homemon.sim.house import KWH
from homemon.sim.radio import OWN, Radio
from homemon.sim.smart_meter import UNIT_CODES, Instead


class Fault(NamedTuple):
    """`takes` says what a value is, `default` is the value where none is given, `read` its text → value."""

    name: str
    takes: str
    default: str
    says: str
    read: Callable[[str], Any]
    act: Callable[[Radio, Any], None] | None = None


def table(*rows: Fault) -> dict[str, Fault]:
    """Return faults by name; each is a field of its simulator's `Faults`, with hyphens."""
    return {row.name: row for row in rows}


def whole(allowed: Container[int]) -> Callable[[str], int]:
    """Return what reads one of these numbers, and raises ValueError for another."""

    def read(text: str) -> int:
        if (number := int(text)) not in allowed:
            raise ValueError(text)
        return number

    return read


count = whole(range(1 << 63))


def seconds(text: str) -> float:
    """Return a finite number that is not negative. Raise ValueError."""
    if not 0 <= (number := float(text)) < inf:
        raise ValueError(text)
    return number


def _instead(text: str, edts: bool) -> dict[int, Instead]:
    found = {}
    for part in text.split(",") if text not in ("", "0") else ():
        what, _, times = part.partition("*")
        epc, colon, edt = what.partition(":")
        if edts is not bool(bytes.fromhex(edt)) or not 0x80 <= int(epc, 16) <= 0xFF or (colon and not edts):
            raise ValueError(text)
        found[int(epc, 16)] = Instead(count(times) if times else inf, edt)
    return found


_epcs, _edts = partial(_instead, edts=False), partial(_instead, edts=True)


def _expire(module: Radio, renewed_after: float) -> None:
    if module.session:
        module.session = False
        module.event("29", module.address)
        if renewed_after:
            module.at(module.now + renewed_after, lambda: _renew(module))


def _renew(module: Radio) -> None:
    module.session = True
    module.event("25", module.address)


def _ends(number: str) -> Callable[[Radio, int], None]:
    """End the session, if there is one, by the event of that number."""

    def end(module: Radio, _: int) -> None:
        if module.session:
            module.session = False
            module.event(number, module.address)

    return end


def _forget_session(module: Radio, _: int) -> None:
    module.forgotten = module.session


def _limit(module: Radio, seconds: float) -> None:
    module.limited_until = module.now + seconds
    module.event("32", OWN)
    module.at(module.limited_until, lambda: module.event("33", OWN))


def _meter(name: str) -> Callable[[Radio, Any], None]:
    """Set an attribute of the meter."""
    return lambda module, value: setattr(module.meter, name, value)


EACH_NTH, ON, TIMES, SECONDS = "N for each Nth", "1 or 0", "how many times", "seconds"
EPCS = "EPCs in hex with commas, each maybe with *TIMES"
EDTS = "EPC:EDT in hex with commas, each maybe with *TIMES"

FAULTS = table(
    Fault("lose-answers", EACH_NTH, "1", "the meter's answer is lost on the air", count),
    Fault("lose-pushes", EACH_NTH, "1", "the half-hour's EA and EB are lost on the air", count),
    Fault("late-answers", SECONDS, "12", "the meter's answers come so much later", seconds),
    Fault("double", ON, "1", "all that the meter says comes twice", count),
    Fault("garble", EACH_NTH, "1", "an ERXUDP line loses one byte", count),
    Fault("noise", EACH_NTH, "1", "rubbish comes before what the module says", count),
    Fault("glue", ON, "1", "the answer stands right behind the torn echo: SKSENDTOERXUDP", count),
    Fault("fail-sends", EACH_NTH, "1", "a datagram is not acknowledged: EVENT 21 with 01", count),
    Fault("empty-scans", TIMES, "1", "scans find nothing", count),
    Fault("refuse-joins", TIMES, "1", "joins end in EVENT 24", count),
    Fault("flip", EACH_NTH, "1", "one bit of an ERXUDP line's payload is another", count),
    Fault("refuse-epcs", EPCS, "E3,E4,EB", "the meter refuses these properties; E3*2: twice", _epcs, _meter("refused")),
    Fault(
        "no-data", EPCS, "E7*3", "the meter has no data for these; without *: for ever", _epcs, _meter("without_data")
    ),
    Fault("wrong-data", EDTS, "E7:00076EC3*1", "the meter says this in place of the value", _edts, _meter("wrong")),
    Fault("at-most", "properties", "1", "the meter answers only so many of a question", count, _meter("at_most")),
    Fault(
        "silent-with",
        EPCS,
        "E8",
        "the meter answers no question for one of these and others",
        _epcs,
        _meter("silent_with"),
    ),
    Fault("tid-0", ON, "1", "the meter's answers have TID 0000", count, _meter("tid_0")),
    Fault(
        "coefficient",
        "1 to 999999",
        "10",
        "the meter counts in units so many times greater (D3)",
        whole(range(1, 1_000_000)),
        _meter("coefficient"),
    ),
    Fault(
        "exponent", "-4 to 4", "-2", "the meter counts in units of 10^N kWh (E1)", whole(UNIT_CODES), _meter("exponent")
    ),
    Fault("clock", "seconds, maybe negative", "2400", "the meter's clock is so far ahead", int, _meter("clock_error")),
    Fault(
        "exchange-meter",
        "kWh",
        "2",
        "another meter is here, whose registers begin at so many",
        count,
        lambda module, kwh: module.exchange_meter(kwh * KWH),
    ),
    Fault("expire", SECONDS, "0", "EVENT 29, and 25 so much later; 0: never", seconds, _expire),
    Fault("end-session", ON, "1", "the meter ends the session: EVENT 26", count, _ends("26")),
    Fault("lose-session", ON, "1", "the session ends unanswered: EVENT 28", count, _ends("28")),
    Fault("forget-session", ON, "1", "the meter drops the session without a word", count, _forget_session),
    Fault("limit", SECONDS, "60", "ARIB limit: EVENT 32, sends FAIL, then EVENT 33", seconds, _limit),
    Fault(
        "power-cycle",
        ON,
        "1",
        "the module forgets all that is volatile",
        count,
        lambda module, _: module.forget(switched_off=True),
    ),
    Fault("dead", ON, "1", "the module receives nothing and sends nothing", count),
)


def read_value(name: str, value: object = None) -> Any:
    """Return what `value` means for a fault of the table, its default where none is given. Raise ValueError."""
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    row = FAULTS[name]
    try:
        return row.read(str(row.default if value is None else value))
    except ValueError:
        raise ValueError(f"{name} takes {row.takes}, not {value!r}") from None
