"""The low-voltage smart meter (class 0x0288) of the house, as it answers on ECHONET Lite.

Requests are cut by hand and answers are spelled in hex, so that nothing here can share a mistake with
the codec it is meant to test. `GET` is the whole of what the meter tells: EPC → its EDT in hex, and
the value in it for the record of truth (None: nothing that is recorded).

Source: ECHONET Device objects appendix, class 0x0288; captures q08, xD3 … x9F.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone
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


class Reply(NamedTuple):
    """A frame to be sent, and the readings (EPC, value) it carries."""

    frame: bytes
    readings: tuple[tuple[int, Value], ...]


class SmartMeter:
    """A meter that counts in units of `coefficient` × 10^`exponent` kWh and refuses the EPCs in `refused`.

    A register shows its last `digits` digits, as a mechanical one would.
    """

    def __init__(
        self,
        house: House,
        exponent: int = -1,
        coefficient: int = 1,
        digits: int = 8,
        refused: Collection[int] = (),
    ) -> None:
        self.house = house
        self.exponent = exponent
        self.coefficient = coefficient
        self.digits = digits
        self.refused = frozenset(refused)
        self.history_day = 0
        self.unit: int = (KWH * 10**exponent if exponent >= 0 else KWH // 10**-exponent) * coefficient
        """Joules a count."""
        self._modulus: int = 10**digits
        self._tid = 0

    def shown(self, joules: int) -> int:
        """What a register that has counted so many joules shows."""
        return joules // self.unit % self._modulus

    def answer(self, request: bytes, now: float) -> Reply | None:
        """The answer to a Get (62) or SetC (61) to this object; None to anything else, as meters do."""
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
        readings = [(epc, self._get(epc, now)) for epc, _ in wanted]
        esv = GET_SNA if any(reading is None for _, reading in readings) else GET_RES
        return _reply(tid, source, esv, readings)

    def push(self, half_hour: int) -> Reply | None:
        """The notification of EA and EB after a half-hour, with a TID of the meter's own."""
        readings = [(epc, self._get(epc, half_hour)) for epc in (0xEA, 0xEB) if epc not in self.refused]
        self._tid = self._tid % 0xFFFF + 1
        return _reply(f"{self._tid:04X}", CONTROLLER, INF, readings) if readings else None

    def _get(self, epc: int, now: float) -> Reading | None:
        read = GET.get(epc)
        return None if read is None or epc in self.refused else read(self, now)

    def _set(self, epc: int, edt: str) -> bool:
        """Only the day of the history (E5) can be written, 0 to 99."""
        if epc != 0xE5 or epc in self.refused or len(edt) != 2 or int(edt, 16) > OLDEST_DAY:
            return False
        self.history_day = int(edt, 16)
        return True


def _properties(text: str) -> list[tuple[int, str]] | None:
    """`OPC (EPC PDC EDT)…` in hex → EPC and EDT of each; None where it does not come out even."""
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
    told = [(epc, r.value) for epc, r in readings if r is not None and r.value is not None]
    return Reply(frame, tuple((epc, value) for epc, value in told))


# --- the properties ---------------------------------------------------------------------


def _jst(t: float) -> datetime:
    return datetime.fromtimestamp(t, timezone(timedelta(seconds=JST)))


def _power(meter: SmartMeter, now: float) -> Reading:
    """E7: s32 W."""
    watts = meter.house.power(now)
    return Reading(f"{watts & 0xFFFFFFFF:08X}", watts)


def _currents(meter: SmartMeter, now: float) -> Reading:
    """E8: s16 R, s16 T, 0.1 A at 100 V each; a little more hangs on R than on T."""
    watts = meter.house.power(now)
    r, t = watts * 11 // 200, watts * 9 // 200
    return Reading(f"{r & 0xFFFF:04X}{t & 0xFFFF:04X}", (r, t))


def _imported(meter: SmartMeter, now: float) -> Reading:
    """E0: u32 counts, now."""
    count = meter.shown(meter.house.imported(now))
    return Reading(f"{count:08X}", count)


def _exported(meter: SmartMeter, now: float) -> Reading:
    """E3: u32 counts, now."""
    count = meter.shown(meter.house.exported(now))
    return Reading(f"{count:08X}", count)


Energy = Callable[[House, float], int]


def _dated(energy: Energy) -> Callable[[SmartMeter, float], Reading]:
    """EA, EB: u16 year, month, day, hour, minute, second, u32 counts at the last half-hour."""

    def read(meter: SmartMeter, now: float) -> Reading:
        half_hour = int(now // HALF_HOUR) * HALF_HOUR
        at = _jst(half_hour)
        count = meter.shown(energy(meter.house, half_hour))
        stamp = f"{at.year:04X}{at.month:02X}{at.day:02X}{at.hour:02X}{at.minute:02X}00"
        return Reading(f"{stamp}{count:08X}", (half_hour, count))

    return read


def _history(energy: Energy) -> Callable[[SmartMeter, float], Reading]:
    """E2, E4: u16 day, 48 × u32 counts at 00:00 … 23:30 of the day set in E5; FFFFFFFE where there is none."""

    def read(meter: SmartMeter, now: float) -> Reading:
        midnight = int((now + JST) // DAY - meter.history_day) * DAY - JST
        times = range(midnight, midnight + DAY, HALF_HOUR)
        counts = [meter.shown(energy(meter.house, t)) if meter.house.start <= t <= now else None for t in times]
        slots = "".join(f"{NO_DATA if count is None else count:08X}" for count in counts)
        return Reading(f"{meter.history_day:04X}{slots}", (midnight, *counts))

    return read


def _clock(meter: SmartMeter, now: float) -> Reading:
    return Reading(f"{_jst(now).hour:02X}{_jst(now).minute:02X}")


def _date(meter: SmartMeter, now: float) -> Reading:
    return Reading(f"{_jst(now).year:04X}{_jst(now).month:02X}{_jst(now).day:02X}")


def _always(edt: str) -> Callable[[SmartMeter, float], Reading]:
    return lambda meter, now: Reading(edt)


def _get_map(meter: SmartMeter, now: float) -> Reading:
    """9F: a list, from 16 properties on a bitmap; bit j of byte i stands for EPC 0x80 + 0x10·j + i."""
    told = sorted(set(GET) - meter.refused)
    if len(told) < 16:
        return Reading(f"{len(told):02X}" + "".join(f"{epc:02X}" for epc in told))
    bits = [0] * 16
    for epc in told:
        bits[epc & 0x0F] |= 1 << ((epc >> 4) - 8)
    return Reading(f"{len(told):02X}" + "".join(f"{byte:02X}" for byte in bits))


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
    0xE0: _imported,
    0xE1: lambda meter, now: Reading(UNIT_CODES[meter.exponent], meter.exponent),
    0xE2: _history(House.imported),
    0xE3: _exported,
    0xE4: _history(House.exported),
    0xE5: lambda meter, now: Reading(f"{meter.history_day:02X}", meter.history_day),
    0xE7: _power,
    0xE8: _currents,
    0xEA: _dated(House.imported),
    0xEB: _dated(House.exported),
}
