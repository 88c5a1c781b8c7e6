"""How the simulated module can misbehave: one row a fault.

A fault with an `act` happens at once and is over; the others stand until they are set to 0, and
the module consults them where they matter. "each Nth" counts from the moment the fault is set.
"""

from collections.abc import Callable
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


def _whole(text: str) -> int:
    return int(text)


def _coefficient(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 999_999:
        raise ValueError(text)
    return number


def _exponent(text: str) -> int:
    number = int(text)
    if number not in UNIT_CODES:
        raise ValueError(text)
    return number


def _instead(text: str, edts: bool) -> dict[int, Instead]:
    found = {}
    for part in text.split(",") if text not in ("", "0") else ():
        what, _, times = part.partition("*")
        epc, colon, edt = what.partition(":")
        if edts is not bool(bytes.fromhex(edt)) or not 0x80 <= int(epc, 16) <= 0xFF or (colon and not edts):
            raise ValueError(text)
        found[int(epc, 16)] = Instead(_count(times) if times else inf, edt)
    return found


def _epcs(text: str) -> dict[int, Instead]:
    return _instead(text, edts=False)


def _edts(text: str) -> dict[int, Instead]:
    return _instead(text, edts=True)


def _expire(module: Radio, renewed_after: float) -> None:
    if module.session:
        module.session = False
        module.event("29", module.address)
        if renewed_after:
            module.at(module.now + renewed_after, lambda: _renew(module))


def _renew(module: Radio) -> None:
    module.session = True
    module.event("25", module.address)


def _end_session(module: Radio, _: int) -> None:
    if module.session:
        module.session = False
        module.event("26", module.address)


def _lose_session(module: Radio, _: int) -> None:
    if module.session:
        module.session = False
        module.event("28", module.address)


def _forget_session(module: Radio, _: int) -> None:
    module.forgotten = module.session


def _limit(module: Radio, seconds: float) -> None:
    module.limited_until = module.now + seconds
    module.event("32", OWN)
    module.at(module.limited_until, lambda: module.event("33", OWN))


def _power_cycle(module: Radio, _: int) -> None:
    module.forget(switched_off=True)


def _of_meter(name: str) -> Callable[[Radio, Any], None]:
    """Set an attribute of the meter."""
    return lambda module, value: setattr(module.meter, name, value)


def _exchange_meter(module: Radio, kwh: int) -> None:
    module.exchange_meter(kwh * KWH)


EACH_NTH, ON, TIMES, SECONDS = "N for each Nth", "1 or 0", "how many times", "seconds"
EPCS = "EPCs in hex with commas, each maybe with *TIMES"
EDTS = "EPC:EDT in hex with commas, each maybe with *TIMES"

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
        Fault("flip", EACH_NTH, "1", "one bit of an ERXUDP line's payload is another", _count),
        Fault(
            "refuse-epcs",
            EPCS,
            "E3,E4,EB",
            "the meter refuses these properties; E3*2: twice",
            _epcs,
            _of_meter("refused"),
        ),
        Fault(
            "no-data",
            EPCS,
            "E7*3",
            "the meter has no data for these; without *: for ever",
            _epcs,
            _of_meter("without_data"),
        ),
        Fault(
            "wrong-data", EDTS, "E7:00076EC3*1", "the meter says this in place of the value", _edts, _of_meter("wrong")
        ),
        Fault(
            "at-most", "properties", "1", "the meter answers only so many of a question", _count, _of_meter("at_most")
        ),
        Fault(
            "silent-with",
            EPCS,
            "E8",
            "the meter answers no question for one of these and others",
            _epcs,
            _of_meter("silent_with"),
        ),
        Fault("tid-0", ON, "1", "the meter's answers have TID 0000", _count, _of_meter("tid_0")),
        Fault(
            "coefficient",
            "1 to 999999",
            "10",
            "the meter counts in units so many times greater (D3)",
            _coefficient,
            _of_meter("coefficient"),
        ),
        Fault(
            "exponent", "-4 to 4", "-2", "the meter counts in units of 10^N kWh (E1)", _exponent, _of_meter("exponent")
        ),
        Fault(
            "clock",
            "seconds, maybe negative",
            "2400",
            "the meter's clock is so far ahead",
            _whole,
            _of_meter("clock_error"),
        ),
        Fault(
            "exchange-meter",
            "kWh",
            "2",
            "another meter is here, whose registers begin at so many",
            _count,
            _exchange_meter,
        ),
        Fault("expire", SECONDS, "0", "EVENT 29, and 25 so much later; 0: never", _seconds, _expire),
        Fault("end-session", ON, "1", "the meter ends the session: EVENT 26", _count, _end_session),
        Fault("lose-session", ON, "1", "the session ends unanswered: EVENT 28", _count, _lose_session),
        Fault("forget-session", ON, "1", "the meter drops the session without a word", _count, _forget_session),
        Fault("limit", SECONDS, "60", "ARIB limit: EVENT 32, sends FAIL, then EVENT 33", _seconds, _limit),
        Fault("power-cycle", ON, "1", "the module forgets all that is volatile", _count, _power_cycle),
        Fault("dead", ON, "1", "the module receives nothing and sends nothing", _count),
    )
}


def read_value(name: str, value: object = None) -> Any:
    """Return what `value` means for a fault of the table, its default where none is given. Raise ValueError."""
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    row = FAULTS[name]
    try:
        return row.read(str(row.default if value is None else value))
    except ValueError:
        raise ValueError(f"{name} takes {row.takes}, not {value!r}") from None
