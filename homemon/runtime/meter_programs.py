"""What is asked of the meter for a person: by a command that has the port to itself, or through the listener.

The lines that a program returns are the same in both cases, and so are the errors that it raises.
"""

from collections.abc import Mapping, Sequence

from homemon.core.dialogue import Dialogue
from homemon.core.errors import DeviceError
from homemon.core.requests import Program
from homemon.echonet.codec import Property
from homemon.sources.meter import properties as meter
from homemon.sources.meter.history import LONGEST
from homemon.sources.meter.session import Session


def poll(session: Session, epcs: Sequence[int]) -> Dialogue[list[str]]:
    """Ask once, and return what a person should know of the answer in addition to the readings.

    Raise DeviceError where the answer holds no reading, SessionLost, NoAnswer.
    """
    answer = yield from session.poll(tuple(epcs))
    if session.scale is None and meter.SCALED.intersection(prop.epc for prop in answer.properties):
        raise DeviceError(
            "the meter reported a register, but not its unit (E1): what is in kWh was not recorded",
            "Try again; `homemon meter-poll E1 D3` shows what it says.",
        )
    if session.unconfirmed:
        names = ", ".join(f"{epc:02X}" for epc in session.unconfirmed)
        raise DeviceError(
            f"the meter's answers about {names} cannot be, and contradict each other",
            "Nothing of it was recorded. Ask again later; a bad contact on the serial line flips bits.",
        )
    notes = [explain(prop) for prop in answer.properties]
    if all(notes) and not any(prop.edt and prop.epc not in meter.SERIES for prop in answer.properties):
        raise DeviceError("; ".join(notes) or "the meter's answer is empty", "Nothing was recorded. Ask again later.")
    return list(filter(None, notes))


def explain(prop: Property) -> str:
    """Return what a person should know of one property of an answer; nothing where it became a point."""
    row = meter.PROPS.get(prop.epc)
    if not prop.edt:
        return f"the meter refused {prop.epc:02X}"
    try:
        value = meter.value_of(prop) if row else None
    except ValueError as error:
        return str(error)
    if row and value is None:
        return f"the meter has no data for {row.label}"
    if prop.epc in meter.SERIES:
        return ""
    from homemon.explain.frame import of_meter

    return "\n  ".join(of_meter(prop).lines)


def fill_history(session: Session, days: int) -> Dialogue[list[str]]:
    """Fill in half-hours, and return how many registers were missing, and how many were found. Raise DeviceError."""
    lacking, found = yield from session.fill_history(days)
    return [str(lacking), str(found)]


def programs(session: Session) -> Mapping[str, Program]:
    """Return what a listener is asked for."""

    def of_epcs(*words: str) -> Dialogue[list[str]]:
        epcs = [int(word, 16) for word in words]
        if not epcs or not all(0x80 <= epc <= 0xFF for epc in epcs):
            raise ValueError
        return poll(session, epcs)

    def of_days(days: str) -> Dialogue[list[str]]:
        if not 1 <= int(days) <= LONGEST:
            raise ValueError
        return fill_history(session, int(days))

    return {"poll": Program(of_epcs), "history": Program(of_days, long=True)}
