"""The low-voltage smart meter (class 0x0288) of the house, as it answers on ECHONET Lite.

Requests are cut by hand and answers are spelled in hex, so that nothing here can share a mistake with
the codec it is meant to test. `GET` is all that the meter reports: EPC → its EDT in hex, and
the value in it for the record of truth (None: nothing that is recorded).

Source: ECHONET Device objects appendix, class 0x0288; captures q08, xD3 … x9F.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone
from math import inf
from typing import NamedTuple

from homemon.sim.house import DAY, HALF_HOUR, JST, KWH, House

EOJ = "028801"
CONTROLLER = "05FF01"
GET_RES, GET_SNA, SET_RES, SET_SNA, INF = "72", "52", "71", "51", "73"
NO_DATA = 0xFFFFFFFE
OLDEST_DAY = 99
UNIT_CODES = {0: "00", -1: "01", -2: "02", -3: "03", -4: "04", 1: "0A", 2: "0B", 3: "0C", 4: "0D"}
"""Power of ten of one count in kWh → E1."""

Value = int | tuple[int | None, ...]
"""W · counts · (R, T) in 0.1 A · (half-hour's Unix time, counts) · (midnight's Unix time, 48 × counts or None)."""


class Reading(NamedTuple):
    """A property's EDT in hex, and what it says."""

    edt: str
    value: Value | None = None


class Instead(NamedTuple):
    """What a property says in place of its value: an EDT in hex, so many more times."""

    times: float
    edt: str = ""


class Reply(NamedTuple):
    """A frame to be sent, and the readings (EPC, value) it carries."""

    frame: bytes
    readings: tuple[tuple[int, Value], ...]


class SmartMeter:
    """A meter that counts in units of `coefficient` × 10^`exponent` kWh and refuses the EPCs in `refused`.

    A register shows its last `digits` digits, as a mechanical one would. A meter that was put in place of another
    has counted since `since` (Unix time) and began at `first` joules. Its clock is `clock_error` seconds ahead.
    """

    def __init__(
        self,
        house: House,
        exponent: int = -1,
        coefficient: int = 1,
        digits: int = 8,
        refused: Collection[int] = (),
        since: float | None = None,
        first: int = 0,
    ) -> None:
        self.house = house
        self.exponent = exponent
        self.coefficient = coefficient
        self.digits = digits
        self.refused = dict.fromkeys(refused, Instead(inf))
        self.without_data: dict[int, Instead] = {}
        self.wrong: dict[int, Instead] = {}
        self.at_most = 0  # only so many properties of a question are answered; 0: all
        self.silent_with: dict[int, Instead] = {}  # no answer to a question for one of these and others
        self.tid_0 = 0  # whether answers have TID 0000
        self.clock_error = 0.0
        self.history_day = 0
        self.since = float(house.start) if since is None else since
        self._missed = (0, 0) if since is None else (house.imported(since) - first, house.exported(since) - first)
        self._tid = 0

    @property
    def unit(self) -> int:
        """Joules a count."""
        count: int = KWH * 10**self.exponent if self.exponent >= 0 else KWH // 10**-self.exponent
        return count * self.coefficient

    def shown(self, joules: int) -> int:
        """Return what a register shows that has counted so many joules."""
        modulus: int = 10**self.digits
        return joules // self.unit % modulus

    def imported(self, t: float) -> int:
        """Return the joules that the forward register has counted by `t`."""
        return self.house.imported(t) - self._missed[0]

    def exported(self, t: float) -> int:
        """Return the joules that the reverse register has counted by `t`."""
        return self.house.exported(t) - self._missed[1]

    def clock(self, now: float) -> float:
        """Return what the meter's own clock shows, as Unix time."""
        return now + self.clock_error

    def answer(self, request: bytes, now: float) -> Reply | None:
        """Return the answer to a Get (62) or SetC (61) to this object; None to anything else, as meters do."""
        text = request.hex().upper()
        head, tid, source, target, service = text[:4], text[4:8], text[8:14], text[14:20], text[20:22]
        if head != "1081" or target not in (EOJ, "028800") or service not in ("61", "62"):
            return None
        wanted = _properties(text[22:])
        if wanted is None:
            return None
        if service == "61":
            done = [self._set(epc, edt) for epc, edt in wanted]
            left = [(epc, "" if ok else edt) for (epc, edt), ok in zip(wanted, done, strict=True)]
            return Reply(_frame(tid, source, SET_RES if all(done) else SET_SNA, left), ())
        if len(wanted) > 1 and any(_once(self.silent_with, epc) for epc, _ in wanted):
            return None
        readings = [(epc, self._get(epc, now)) for epc, _ in wanted[: self.at_most or None]]
        tid = "0000" if self.tid_0 else tid
        esv = GET_SNA if any(reading is None for _, reading in readings) else GET_RES
        return _reply(tid, source, esv, readings)

    def push(self, now: float) -> Reply | None:
        """Return the notification of EA and EB of the last half-hour, with a TID of the meter's own."""
        there = [epc for epc in (0xEA, 0xEB) if self.refused.get(epc, Instead(0)).times != inf]
        readings: list[tuple[int, Reading | None]] = [(epc, self._given(epc, now)) for epc in there]
        self._tid = self._tid % 0xFFFF + 1
        return _reply(f"{self._tid:04X}", CONTROLLER, INF, readings) if readings else None

    def _get(self, epc: int, now: float) -> Reading | None:
        return None if epc not in GET or _once(self.refused, epc) else self._given(epc, now)

    def _given(self, epc: int, now: float) -> Reading:
        reading = GET[epc](self, now)
        if _once(self.without_data, epc):
            return Reading(_no_data(epc, reading.edt))
        wrong = _once(self.wrong, epc)
        return Reading(wrong.edt) if wrong else reading

    def _set(self, epc: int, edt: str) -> bool:
        """Set the day of the history (E5), 0 to 99; nothing else can be written."""
        if epc != 0xE5 or _once(self.refused, epc) or len(edt) != 2 or int(edt, 16) > OLDEST_DAY:
            return False
        self.history_day = int(edt, 16)
        return True


def _once(table: dict[int, Instead], epc: int) -> Instead | None:
    """Return what `table` has for a property this time, and count it as used."""
    found = table.get(epc)
    if found is None or found.times <= 0:
        return None
    table[epc] = found._replace(times=found.times - 1)
    return found


def _no_data(epc: int, edt: str) -> str:
    """Return the code for no data in place of a value (appendix, class 0x0288); FF where the standard has none."""
    match epc:
        case 0xE7:
            return "7FFFFFFE"
        case 0xE8:
            return "7FFE7FFE"
        case 0xE2 | 0xE4:
            return edt[:4] + 48 * f"{NO_DATA:08X}"
        case 0xE0 | 0xE3 | 0xEA | 0xEB:
            return edt[:-8] + f"{NO_DATA:08X}"
        case _:
            return "F" * len(edt)


def _properties(text: str) -> list[tuple[int, str]] | None:
    """Return EPC and EDT in hex of each property of `OPC (EPC PDC EDT)…`; None where it does not come out even."""
    found = []
    count, rest = text[:2], text[2:]
    while rest:
        epc, size = rest[:2], rest[2:4]
        if not size:
            return None
        end = 4 + 2 * int(size, 16)
        found.append((int(epc, 16), rest[4:end]))
        if len(rest) < end:
            return None
        rest = rest[end:]
    return found if count == f"{len(found):02X}" and found else None


def _frame(tid: str, target: str, esv: str, properties: list[tuple[int, str]]) -> bytes:
    body = "".join(f"{epc:02X}{len(edt) // 2:02X}{edt}" for epc, edt in properties)
    return bytes.fromhex(f"1081{tid}{EOJ}{target}{esv}{len(properties):02X}{body}")


def _reply(tid: str, target: str, esv: str, readings: list[tuple[int, Reading | None]]) -> Reply:
    frame = _frame(tid, target, esv, [(epc, reading.edt if reading else "") for epc, reading in readings])
    return Reply(frame, tuple((epc, r.value) for epc, r in readings if r is not None and r.value is not None))


# --- the properties ---------------------------------------------------------------------


def _jst(t: float) -> datetime:
    return datetime.fromtimestamp(t, timezone(timedelta(seconds=JST)))


def _power(meter: SmartMeter, now: float) -> Reading:
    """Return E7: s32 W."""
    watts = meter.house.power(now)
    return Reading(f"{watts & 0xFFFFFFFF:08X}", watts)


def _currents(meter: SmartMeter, now: float) -> Reading:
    """Return E8: s16 R, s16 T, 0.1 A at 100 V each; R carries a little more than T."""
    watts = meter.house.power(now)
    r, t = watts * 11 // 200, watts * 9 // 200
    return Reading(f"{r & 0xFFFF:04X}{t & 0xFFFF:04X}", (r, t))


Energy = Callable[[SmartMeter, float], int]


def _register(energy: Energy) -> Callable[[SmartMeter, float], Reading]:
    """Return E0, E3: u32 counts, now."""

    def read(meter: SmartMeter, now: float) -> Reading:
        count = meter.shown(energy(meter, now))
        return Reading(f"{count:08X}", count)

    return read


def _dated(energy: Energy) -> Callable[[SmartMeter, float], Reading]:
    """Return EA, EB: u16 year, month, day, hour, minute, second, u32 counts at the last half-hour."""

    def read(meter: SmartMeter, now: float) -> Reading:
        half_hour = int(meter.clock(now) // HALF_HOUR) * HALF_HOUR
        at = _jst(half_hour)
        count = meter.shown(energy(meter, max(meter.since, half_hour - meter.clock_error)))
        stamp = f"{at.year:04X}{at.month:02X}{at.day:02X}{at.hour:02X}{at.minute:02X}00"
        return Reading(f"{stamp}{count:08X}", (half_hour, count))

    return read


def _history(energy: Energy) -> Callable[[SmartMeter, float], Reading]:
    """Return E2, E4: u16 day, 48 × u32 counts at 00:00 … 23:30 of the day set in E5; FFFFFFFE for no value."""

    def read(meter: SmartMeter, now: float) -> Reading:
        midnight = int((meter.clock(now) + JST) // DAY - meter.history_day) * DAY - JST
        times = [t - meter.clock_error for t in range(midnight, midnight + DAY, HALF_HOUR)]
        counts = [meter.shown(energy(meter, t)) if meter.since <= t <= now else None for t in times]
        slots = "".join(f"{NO_DATA if count is None else count:08X}" for count in counts)
        return Reading(f"{meter.history_day:04X}{slots}", (midnight, *counts))

    return read


def _clock(meter: SmartMeter, now: float) -> Reading:
    at = _jst(meter.clock(now))
    return Reading(f"{at.hour:02X}{at.minute:02X}")


def _date(meter: SmartMeter, now: float) -> Reading:
    at = _jst(meter.clock(now))
    return Reading(f"{at.year:04X}{at.month:02X}{at.day:02X}")


def _always(edt: str) -> Callable[[SmartMeter, float], Reading]:
    return lambda meter, now: Reading(edt)


def _get_map(meter: SmartMeter, now: float) -> Reading:
    """Return 9F: a list, from 16 properties on a bitmap; bit j of byte i stands for EPC 0x80 + 0x10·j + i."""
    given = sorted(epc for epc in GET if epc not in meter.refused or meter.refused[epc].times != inf)
    if len(given) < 16:
        return Reading(f"{len(given):02X}" + "".join(f"{epc:02X}" for epc in given))
    bits = [0] * 16
    for epc in given:
        bits[epc & 0x0F] |= 1 << ((epc >> 4) - 8)
    return Reading(f"{len(given):02X}" + "".join(f"{byte:02X}" for byte in bits))


GET: dict[int, Callable[[SmartMeter, float], Reading]] = {
    0x80: _always("30"),  # on
    0x81: _always("61"),  # place of installation
    0x82: _always("00004600"),  # appendix release F
    0x88: _always("42"),  # no fault
    0x8A: _always("000016"),  # maker
    0x8D: _always("534D30303030303031000000"),  # serial number, NUL-padded
    0x97: _clock,
    0x98: _date,
    0x9D: _always("048088EAEB"),  # maps under 16 are lists: announced …
    0x9E: _always("01E5"),  # … and settable
    0x9F: _get_map,
    0xD3: lambda meter, now: Reading(f"{meter.coefficient:08X}", meter.coefficient),
    0xD7: lambda meter, now: Reading(f"{meter.digits:02X}", meter.digits),
    0xE0: _register(SmartMeter.imported),
    0xE1: lambda meter, now: Reading(UNIT_CODES[meter.exponent], meter.exponent),
    0xE2: _history(SmartMeter.imported),
    0xE3: _register(SmartMeter.exported),
    0xE4: _history(SmartMeter.exported),
    0xE5: lambda meter, now: Reading(f"{meter.history_day:02X}", meter.history_day),
    0xE7: _power,
    0xE8: _currents,
    0xEA: _dated(SmartMeter.imported),
    0xEB: _dated(SmartMeter.exported),
}
