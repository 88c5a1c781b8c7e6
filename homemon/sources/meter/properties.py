"""The low-voltage smart meter, class 0x0288: its properties, and the points they give.

`PROPS` is the whole of what we know of each property: its name, its unit, how many bytes it
takes and how they read. A "no data" code reads as None and gives no point; nor does an
overflow code, a register beyond 99,999,999 counts, or a date that is none. An EDT of the
wrong length is refused: never a value from a short EDT.

An energy register counts in units that the meter reports in E1, times the coefficient D3 (1 where
the meter has none). Until both are known, a `Register` stays a register.

Source: ECHONET Device objects appendix, class 0x0288.
"""

from collections.abc import Mapping
from datetime import datetime
from struct import Struct
from typing import NamedTuple

from homemon.core.points import DAY, JST, Number, Point
from homemon.echonet import properties
from homemon.echonet.codec import CONTROLLER, Esv, Frame, Property
from homemon.echonet.properties import ANY_SIZE, S32, Common, Prop, hex_text, table, up_to

EOJ = 0x028801
HIGHEST_COUNT = 99_999_999
LARGEST_COEFFICIENT = 999_999
FIRST_YEAR, LAST_YEAR = 2010, 2099
_new = tuple.__new__  # a named tuple, as in the codec
EPOCH = datetime(1970, 1, 1, 9)  # by a clock in Japan
_POWER, _CURRENTS, _DATED, _RECORD = (Struct(layout).unpack for layout in (">i", ">2h", ">H5BI", ">H48I"))

UNIT_EXPONENTS = {0: 0, 1: -1, 2: -2, 3: -3, 4: -4, 0x0A: 1, 0x0B: 2, 0x0C: 3, 0x0D: 4}
"""E1 → the power of ten of one count, in kWh."""


class Scale(NamedTuple):
    """What one count of an energy register is worth: coefficient × 10^exponent kWh.

    `digits` (D7) is where the register begins at 0 again.
    """

    exponent: int
    coefficient: int
    digits: int = 8

    @property
    def modulus(self) -> Number:
        """The kWh at which the register begins at 0 again."""
        return self.kwh(10**self.digits)

    def kwh(self, count: int) -> Number:
        """Return `count` in kWh, rounded once: the float nearest to the exact decimal."""
        if self.exponent >= 0:
            return int(count * self.coefficient * 10**self.exponent)
        return float(count * self.coefficient / 10**-self.exponent)


class Dated(NamedTuple):
    """A register's count at a time of the meter's own, in Unix seconds."""

    time: int
    register: int


class History(NamedTuple):
    """48 counts of one day, 00:00 to 23:30; None where the meter has none. `day` 0 is today."""

    day: int
    counts: tuple[int | None, ...]


class Recent(NamedTuple):
    """Forward and reverse counts of some half-hours, newest first; `time`, in Unix seconds, is the newest one's."""

    time: int
    counts: tuple[tuple[int | None, int | None], ...]


Value = Common | tuple[Number | None, ...] | Dated | History | Recent
REGISTER_CODES = {0xFFFFFFFE: "no data", 0xFFFFFFFF: "overflow"}


def u8(edt: bytes) -> int:
    return edt[0]


def power(edt: bytes) -> int | None:
    """Return s32 W; None for the codes for no data, overflow and underflow."""
    (value,) = _POWER(edt)
    return None if value in (0x7FFFFFFE, 0x7FFFFFFF, -0x80000000) else value


def currents(edt: bytes) -> tuple[Number | None, ...]:
    """Return R and T phase, s16 × 0.1 A each; T is "no data" on single-phase two-wire."""
    return tuple([None if value in (0x7FFE, 0x7FFF, -0x8000) else value / 10 for value in _CURRENTS(edt)])


count = up_to(HIGHEST_COUNT)  # a register: above that are the codes for no data and overflow


def moment(year: int, month: int, day: int, hour: int, minute: int, second: int = 0) -> int | None:
    """Return a time in JST, as Unix seconds; None for an impossible time, or one no meter has."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        after = datetime(year, month, day, hour, minute, second) - EPOCH
    except ValueError:
        return None
    return after.days * DAY + after.seconds


def dated(edt: bytes) -> Dated | None:
    """Return year u16, month, day, hour, minute, second in JST, then a register."""
    year, month, day, hour, minute, second, register = _DATED(edt)
    time = moment(year, month, day, hour, minute, second)
    return None if time is None or register > HIGHEST_COUNT else Dated(time, register)


def recent(edt: bytes) -> Recent | None:
    """Return EC: the newest half-hour, how many there are, as many forward and reverse registers. Raise ValueError."""
    if len(edt) < 7 or len(edt) != 7 + 8 * edt[6]:
        raise ValueError(f"EPC EC takes 7 bytes and 8 for each half-hour, {len(edt)} came")
    time = moment(int.from_bytes(edt[:2]), *edt[2:6])
    pairs = ((count(edt[at : at + 4]), count(edt[at + 4 : at + 8])) for at in range(7, len(edt), 8))
    return None if time is None else Recent(time, tuple(pairs))


def recent_asked(edt: bytes) -> str | None:
    """Return ED: the newest half-hour wanted in EC, and how many."""
    time = moment(int.from_bytes(edt[:2]), *edt[2:6])
    return None if time is None else f"{edt[6]} half-hours up to {datetime.fromtimestamp(time, JST):%Y-%m-%d %H:%M}"


def history(edt: bytes) -> History:
    """Return a u16 day, then 48 registers."""
    day, *counts = _RECORD(edt)
    return History(day, tuple([value if value <= HIGHEST_COUNT else None for value in counts]))


def exponent(edt: bytes) -> int | None:
    """Return E1's code as a power of ten; None for a code that means nothing."""
    return UNIT_EXPONENTS.get(edt[0])


def coefficient(edt: bytes) -> int | None:
    """Return D3, u32 up to 999,999; None for 0, which would make every reading 0."""
    value = int.from_bytes(edt)
    return value if 1 <= value <= LARGEST_COEFFICIENT else None


PROPS: Mapping[int, Prop[Value]] = table(
    Prop(0xD0, "one-minute registers", ANY_SIZE, hex_text),
    Prop(0xD3, "coefficient", 4, coefficient),
    Prop(0xD7, "digits", 1, u8),
    Prop(0xE0, "energy import", 4, count, "counts", REGISTER_CODES),
    Prop(0xE1, "unit", 1, exponent, "10^n kWh"),
    Prop(0xE2, "import history", 194, history, "counts"),
    Prop(0xE3, "energy export", 4, count, "counts", REGISTER_CODES),
    Prop(0xE4, "export history", 194, history, "counts"),
    Prop(0xE5, "history day", 1, u8, "days ago"),
    Prop(0xE7, "power", 4, power, "W", S32),
    Prop(0xE8, "current", 4, currents, "A"),
    Prop(0xEA, "energy import at the half-hour", 11, dated, "counts", REGISTER_CODES),
    Prop(0xEB, "energy export at the half-hour", 11, dated, "counts", REGISTER_CODES),
    Prop(0xEC, "second history", ANY_SIZE, recent, "counts"),
    Prop(0xED, "second history asked for", 7, recent_asked),
    Prop(0xEE, "history of one-minute registers", ANY_SIZE, hex_text),
    Prop(0xEF, "history of one-minute registers asked for", ANY_SIZE, hex_text),
)


class Series(NamedTuple):
    """Where a property's value goes: measurement, field names, and whether E1 and D3 must be known first."""

    measurement: str
    fields: tuple[str, ...]
    scaled: bool = False


SERIES = {
    0xE7: Series("power", ("value",)),
    0xE8: Series("current", ("r", "t")),
    0xE0: Series("energy", ("import",), scaled=True),
    0xE3: Series("energy", ("export",), scaled=True),
    0xEA: Series("+power", ("value",), scaled=True),
    0xEB: Series("-power", ("value",), scaled=True),
}
SCALED = frozenset(epc for epc, series in SERIES.items() if series.scaled)


class Report(NamedTuple):
    """What one frame said: points, records that wait for the scale, EPCs refused, and warnings for a person."""

    points: list[Point]
    unscaled: list[Property]
    refused: list[int]
    warnings: list[str]


def value_of(prop: Property) -> Value | None:
    """Return the value of a property of the table; None where it is "no data". Raise as `properties.value_of`."""
    return properties.value_of(PROPS, prop)


def report(frame: Frame, scale: Scale | None) -> Report:
    """Return the points that the meter's `frame` gives; with `scale` None its registers wait in `unscaled`.

    Frames of other objects, and those that are no report of values, give an empty report.
    """
    points: dict[tuple[str, int | None], dict[str, Number]] = {}
    unscaled: list[Property] = []
    refused: list[int] = []
    warnings: list[str] = []
    for prop in frame.reported if frame.seoj == EOJ else ():
        epc, edt = prop
        series = SERIES.get(epc)
        if not edt:
            refused.append(epc)
            continue
        if series is None:
            continue
        try:
            value = properties.value_of(PROPS, prop)
        except ValueError as error:
            warnings.append(str(error))
            continue
        if value is None:
            continue
        if series.scaled and scale is None:
            unscaled.append(prop)
            continue
        time = None
        if isinstance(value, Dated):
            time, value = value
        _add(points.setdefault((series.measurement, time), {}), series, value, scale)
    found = [_new(Point, (name, fields, time, None, None)) for (name, time), fields in points.items() if fields]
    return _new(Report, (found, unscaled, refused, warnings))


def _add(fields: dict[str, Number], series: Series, value: Value, scale: Scale | None) -> None:
    """Add what was measured to the fields of a point, registers in kWh."""
    if isinstance(value, int):
        (name,) = series.fields
        fields[name] = scale.kwh(value) if scale and series.scaled else value
        return
    assert isinstance(value, tuple)
    assert not isinstance(value, Dated | History | Recent | properties.PropertyMap)
    fields.update({name: number for name, number in zip(series.fields, value, strict=True) if number is not None})


def scaled_points(record: Property, scale: Scale) -> list[Point]:
    """Return the points of a register that waited for `scale`."""
    return report(Frame(0, EOJ, CONTROLLER, Esv.INF, (record,)), scale).points


class ReportedScale:
    """The unit as the meter reports it, whoever asked: E1, D3, D7.

    `exponent`, `coefficient` and `digits` are None until the meter has reported them.
    """

    def __init__(self) -> None:
        self.exponent: int | None = None
        self.coefficient: int | None = None
        self.digits: int | None = None
        self._refused = False  # D3

    @property
    def scale(self) -> Scale | None:
        """None until E1 was reported, and D3 reported or refused: many meters have no D3, and count in whole units."""
        return self.over(None)

    def over(self, known: Scale | None) -> Scale | None:
        """Return the scale, with what is `known` of this meter in place of what it did not report."""
        exponent = known.exponent if self.exponent is None and known else self.exponent
        coefficient = self.coefficient
        if coefficient is None:
            coefficient = known.coefficient if known else 1 if self._refused else None
        if exponent is None or coefficient is None:
            return None
        return Scale(exponent, coefficient, self.digits or (known.digits if known else 8))

    def receive(self, frame: Frame) -> None:
        """Take in what a frame of the meter reports of it."""
        for prop in frame.reported:
            value = self._value(prop)
            if prop.epc == 0xD3 and not prop.edt:
                self._refused = True
            elif isinstance(value, int) and prop.epc == 0xE1:
                self.exponent = value
            elif isinstance(value, int) and prop.epc == 0xD3:
                self.coefficient = value
            elif isinstance(value, int) and prop.epc == 0xD7 and 1 <= value <= 8:
                self.digits = value

    def _value(self, prop: Property) -> Value | None:
        if prop.epc not in (0xE1, 0xD3, 0xD7) or len(prop.edt) != PROPS[prop.epc].size:
            return None
        return value_of(prop)
