"""The one house that all simulators show: load, sun, tank and meter, as a pure function of time.

Everything follows from the Unix time and a seed; there is no clock and no state but caches. Power is
constant within a minute and comes in whole watts, so energy is an exact integer of joules (W·s):

    power(t)     = load(t) - solar(t)      W at the meter, negative when feeding in
    imported(t)  = READ_AT_START + ∫ max(power, 0)
    exported(t)  = READ_AT_START + ∫ max(-power, 0)

A register is such a sum counted in units, so the differences of registers never drift from the
integral of power. The day is a Japanese one: JST (UTC+9, no daylight saving), sun highest at noon,
cooking in the evening, the EcoCute heating from 02:00 to 05:00 what was drawn the day before.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from math import pi, sin
from random import Random
from threading import Lock
from typing import NamedTuple

JST = 9 * 3600  # seconds ahead of UTC
DAY, HALF_HOUR, MINUTE = 86_400, 1_800, 60  # seconds
KWH = 3_600_000  # joules
TENTH_KWH = KWH // 10
WATT_HOUR = KWH // 1_000

READ_AT_START = 4_567 * KWH + 890_123  # the registers' reading at the start; no multiple of any unit
SOLAR_PEAK = 4_000  # W that 5 kWp of panels really give, at noon of a clear day in summer
TANK_FULL = 370  # litres
HEATING_FROM, HEATING_TO = 2 * 60, 5 * 60  # minutes of the day
JOULES_A_LITRE = 65_000  # 4,186 J/(kg K) × 50 K ÷ a coefficient of performance of 3.2
ECOCUTE_STANDBY = 5  # W


class Habit(NamedTuple):
    """Something switched on about daily: between two hours, for so many minutes, at so many W, how likely."""

    earliest: float
    latest: float
    minutes: int
    watts: int
    probability: float = 1.0


HABITS = (
    Habit(6.0, 7.5, 5, 1200),  # kettle
    Habit(6.3, 7.8, 6, 1000, 0.8),  # toaster
    Habit(7.0, 11.0, 45, 350, 0.7),  # washing machine
    Habit(9.0, 16.0, 25, 800, 0.4),  # vacuum cleaner, iron
    Habit(11.7, 12.6, 6, 1300, 0.6),  # lunch in the microwave oven
    Habit(17.0, 18.0, 45, 700, 0.9),  # rice cooker
    Habit(17.8, 19.0, 25, 2200),  # induction hob: the evening peak
    Habit(18.2, 19.3, 20, 1400, 0.9),
    Habit(20.5, 22.5, 12, 1200, 0.8),  # hair dryer
    Habit(22.0, 23.0, 50, 900, 0.3),  # dishwasher
)
DRAWS = (  # of hot water: the same shape, litres in place of watts
    Habit(6.5, 7.5, 10, 30),
    Habit(12.0, 13.0, 5, 10),
    Habit(18.5, 19.5, 15, 30),
    Habit(19.5, 21.0, 15, 150),  # filling the bath
    Habit(20.5, 22.5, 20, 60, 0.9),  # shower
)


class Minutes(NamedTuple):
    """One day's 1,440 values of each, in W. `load` includes the EcoCute."""

    load: list[int]
    solar: list[int]
    ecocute: list[int]


class Sums(NamedTuple):
    """Joules since the start."""

    imported: int
    exported: int
    generated: int
    ecocute: int


class House:
    """The house with this `seed`, whose registers began to count at `start` (Unix time, cut to the half-hour)."""

    def __init__(self, start: int, seed: int = 1) -> None:
        self.start = start // HALF_HOUR * HALF_HOUR
        self._seed = seed
        self._sums = [Sums(0, 0, 0, 0)]  # at start + index × HALF_HOUR
        self._lock = Lock()  # simulators in several threads share one house
        self._day = lru_cache(maxsize=40)(self._make_day)  # the solar monitor goes through 35 days
        self._tank = lru_cache(maxsize=2)(self._make_tank)

    # --- now -----------------------------------------------------------------------

    def power(self, t: float) -> int:
        """Return the power through the meter in W; negative when feeding in."""
        day, minute = _moment(t)
        minutes = self._day(day)
        return minutes.load[minute] - minutes.solar[minute]

    def load(self, t: float) -> int:
        """Return the power that the house uses in W, the EcoCute included."""
        day, minute = _moment(t)
        return self._day(day).load[minute]

    def solar(self, t: float) -> int:
        """Return the power that the panels give in W."""
        day, minute = _moment(t)
        return self._day(day).solar[minute]

    def ecocute_power(self, t: float) -> int:
        """Return the power that the EcoCute takes in W (its property 84)."""
        day, minute = _moment(t)
        return self._day(day).ecocute[minute]

    def tank(self, t: float) -> int:
        """Return the hot water left in litres (the EcoCute's property E1)."""
        day, minute = _moment(t)
        return self._tank(day)[minute]

    # --- energy; all raise ValueError before the start -------------------------------

    def ecocute_energy(self, t: float) -> int:
        """Return the EcoCute's cumulative register in 0.001 kWh (its property 85)."""
        return (READ_AT_START + self._sums_at(t).ecocute) // WATT_HOUR

    def imported(self, t: float) -> int:
        """Return the meter's forward energy at `t` in joules."""
        return READ_AT_START + self._sums_at(t).imported

    def exported(self, t: float) -> int:
        """Return the meter's reverse energy at `t` in joules."""
        return READ_AT_START + self._sums_at(t).exported

    def register_import(self, t: float, unit: int = TENTH_KWH) -> int:
        """Return the forward register at the last half-hour at or before `t`, in counts of `unit` joules."""
        return self.imported(_half_hour(t)) // unit

    def register_export(self, t: float, unit: int = TENTH_KWH) -> int:
        """Return the reverse register at the last half-hour at or before `t`, in counts of `unit` joules."""
        return self.exported(_half_hour(t)) // unit

    def generation(self, half_hour_start: int) -> int:
        """Return what the solar monitor keeps for one half-hour, in tenths of kWh: a difference of its own register."""
        before, after = self._sums_at(half_hour_start), self._sums_at(half_hour_start + HALF_HOUR)
        return after.generated // TENTH_KWH - before.generated // TENTH_KWH

    def bought_minus_sold(self, half_hour_start: int) -> int:
        """Return the solar monitor's other value for one half-hour, in tenths of kWh; negative when more was sold."""
        before, after = self._sums_at(half_hour_start), self._sums_at(half_hour_start + HALF_HOUR)
        return (after.imported - after.exported) // TENTH_KWH - (before.imported - before.exported) // TENTH_KWH

    # --- inside --------------------------------------------------------------------

    def _sums_at(self, t: float) -> Sums:
        """Return the energies from the start to `t`, whole seconds: cached to the half-hour, then minute by minute."""
        whole = int(t // 1)
        if whole < self.start:
            raise ValueError(f"the house's registers begin at {self.start}, not at {whole}")
        index, seconds = divmod(whole - self.start, HALF_HOUR)
        with self._lock:
            while len(self._sums) <= index:
                begin = self.start + (len(self._sums) - 1) * HALF_HOUR
                self._sums.append(self._add(self._sums[-1], begin, HALF_HOUR))
        return self._add(self._sums[index], whole - seconds, seconds) if seconds else self._sums[index]

    def _add(self, sums: Sums, begin: int, seconds: int) -> Sums:
        """Return `sums` plus what `seconds` from the half-hour `begin` add."""
        day, first = _moment(begin)
        minutes = self._day(day)
        whole, rest = divmod(seconds, MINUTE)
        imported = exported = generated = ecocute = 0
        spans: Iterable[tuple[slice, int]] = (
            (slice(first, first + whole), MINUTE),
            (slice(first + whole, first + whole + 1), rest),
        )
        for span, length in spans:
            if not length:
                continue
            net = [load - sun for load, sun in zip(minutes.load[span], minutes.solar[span], strict=True)]
            inward = sum(watts for watts in net if watts > 0)
            imported += inward * length
            exported += (inward - sum(net)) * length
            generated += sum(minutes.solar[span]) * length
            ecocute += sum(minutes.ecocute[span]) * length
        added = (imported, exported, generated, ecocute)
        return Sums(*(before + more for before, more in zip(sums, added, strict=True)))

    def _make_day(self, day: int) -> Minutes:
        """Return day number `day` (since 1970-01-01, in JST), minute by minute."""
        used = sum(litres for _, litres in self._draws(day - 1))
        ecocute = [ECOCUTE_STANDBY] * 1440
        heating = used * JOULES_A_LITRE // ((HEATING_TO - HEATING_FROM) * MINUTE)
        ecocute[HEATING_FROM:HEATING_TO] = [heating] * (HEATING_TO - HEATING_FROM)
        rng = Random(f"{self._seed} load {day}")
        load = [base + tank for base, tank in zip(_base_load(rng, day), ecocute, strict=True)]
        for begin, habit in _chosen(rng, HABITS):
            for minute in range(begin, begin + habit.minutes):
                load[minute] += habit.watts
        solar = _sun(Random(f"{self._seed} sun {day}"), day)
        return Minutes(load, solar, ecocute)

    def _draws(self, day: int) -> list[tuple[int, int]]:
        """Return when and how many litres of hot water are drawn on a day; one litre count for each minute."""
        rng = Random(f"{self._seed} water {day}")
        return [
            (begin + minute, habit.watts // habit.minutes)
            for begin, habit in _chosen(rng, DRAWS)
            for minute in range(habit.minutes)
        ]

    def _make_tank(self, day: int) -> list[int]:
        """Return the litres in the tank: what the day before left, refilled evenly while heating, then drawn."""
        span = HEATING_TO - HEATING_FROM
        used = sum(litres for _, litres in self._draws(day - 1))
        drawn = Counter[int]()
        for minute, litres in self._draws(day):
            drawn[minute] += litres
        levels, total = [], 0
        for minute in range(1440):
            total += drawn[minute]
            heated = used * min(max(minute - HEATING_FROM, 0), span) // span
            levels.append(TANK_FULL - used + heated - total)
        return levels


def _moment(t: float) -> tuple[int, int]:
    """Return day number and minute of the day, in JST."""
    day, second = divmod(int(t // 1) + JST, DAY)
    return day, second // MINUTE


def _half_hour(t: float) -> int:
    return int(t // HALF_HOUR) * HALF_HOUR


def _season(day: int) -> float:
    """Return -1 at midwinter, 1 at midsummer; day 79 after New Year is the equinox."""
    return sin(2 * pi * (day - 79) / 365.2425)


def _chosen(rng: Random, habits: Iterable[Habit]) -> list[tuple[int, Habit]]:
    """Return which habits a day follows, and from which minute on."""
    return [
        (int(rng.uniform(habit.earliest, habit.latest) * 60), habit)
        for habit in habits
        if rng.random() < habit.probability
    ]


def _base_load(rng: Random, day: int) -> list[int]:
    """Return what is always on: standby, a refrigerator of 90 W, people awake, and the air conditioner by season."""
    offset = rng.randrange(40)
    climate = int(350 * abs(_season(day)) * rng.uniform(0.4, 1.0))
    watts = []
    for minute in range(1440):
        awake = 60 + climate if 6 * 60 <= minute < 23 * 60 else 0
        fridge = 90 if (minute + offset) % 40 < 15 else 0
        watts.append(250 + fridge + awake + int(rng.random() * 40))
    return watts


def _sun(rng: Random, day: int) -> list[int]:
    """Return the power of the panels in W: an arch from sunrise to sunset, dimmed by the day's clouds."""
    length = (12 + 2.3 * _season(day)) * 60  # minutes of daylight near Tokyo: 9.7 to 14.3 h
    sunrise = 720 - length / 2
    peak = SOLAR_PEAK * (0.85 + 0.15 * _season(day))
    clarity = min(1.0, rng.uniform(0.1, 1.3))  # one day in four is clear
    patchiness = 0.8 * clarity * (1 - clarity)
    cover = 0.0
    watts = [0] * 1440
    for minute in range(int(sunrise) + 1, int(sunrise + length) + 1):
        cover = 0.9 * cover + 0.6 * (rng.random() - 0.5)
        sky = clarity + patchiness * cover
        height = sin(pi * (minute - sunrise) / length)
        watts[minute] = int(peak * height * min(1.0, max(0.03, sky)))
    return watts
