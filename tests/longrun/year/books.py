"""What was true and what was printed, and the judgement at the end."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from homemon.core.errors import StoreError
from homemon.core.points import HALF_HOUR, number_text
from homemon.sim.bp35c0 import Truth
from homemon.sim.house import House
from homemon.sim.smart_meter import SmartMeter
from homemon.sources.registry import SUMS
from homemon.storage.store import Store

POWER_GAP = 120.0  # seconds between two readings of a minute's power that is asked each minute
TO_THE_MINUTE = 190.0  # a clock that the meter confirmed, before NTP did
EXACT = 2.0


def kwh(meter: SmartMeter, count: int) -> float:
    """What so many counts of a meter are."""
    counts = count * meter.coefficient
    return float(counts * 10**meter.exponent if meter.exponent >= 0 else counts / 10**-meter.exponent)


class Excuse(NamedTuple):
    """Why there may be no reading from `start` to `end`."""

    start: float
    end: float
    why: str


SUMMED = {series.measurement for series in SUMS}
"""What no device said; of which the server keeps what the store replaced."""


class Row(NamedTuple):
    """One line of the table of readings. `flipped`: wrong by a flipped bit that nothing shows."""

    what: str
    expected: int
    stored: int
    lost: int
    wrong: int
    flipped: int = 0


class Verdict(NamedTuple):
    """`missing`: minutes of power by why; `printed_lost`, `server_differs`, `starved`: lines.

    `faults`: SQLite's own findings; `gaps`: from when to when there is no power and no excuse.
    """

    rows: list[Row]
    missing: dict[str, int]
    gaps: list[tuple[float, float]]
    printed: int
    printed_lost: int
    served: int
    server_differs: int
    starved: int
    faults: list[str]

    @property
    def good(self) -> bool:
        """Nothing is lost and nothing is wrong."""
        lost = sum(row.lost + row.wrong for row in self.rows)
        return not (lost or self.printed_lost or self.server_differs or self.starved or self.faults)


class Books:
    """Filled while the world goes on."""

    def __init__(self, house: House) -> None:
        self.excuses: list[Excuse] = []
        self.unset: list[tuple[float, float]] = []  # when NTP had not set the clock
        self.flips: list[float] = []  # when a bit of the module's line was flipped
        self.meters: list[tuple[float, SmartMeter]] = []  # since when each was there
        self.starved = 0  # lines that waited behind others which the server refused
        self.damaged: list[str] = []  # stores that could not be read when they were brought back
        self._house = house
        self._printed: dict[str, None] = {}
        self._now: dict[int, list[tuple[float, float]]] = {0xE7: [], 0xE0: [], 0xE3: []}  # what the meter said
        self._reported: list[float] = []
        self._expected: list[float] = []

    def received(self, truth: Truth) -> None:
        """A value that the module put on the wire whole."""
        if truth.epc in self._now and isinstance(truth.value, int):
            value = truth.value if truth.epc == 0xE7 else kwh(self.meters[-1][1], truth.value)
            self._now[truth.epc].append((truth.time, value))

    def ecocute_reported(self, at: float) -> None:
        """The EcoCute was asked, and received it."""
        self._reported.append(at)

    def expect_ecocute(self, asked: float) -> None:
        """A poll that ended well."""
        self._expected.append(asked)

    def printed(self, line: str) -> None:
        """A line on stdout: a promise."""
        self._printed[line] = None

    # --- judgement -------------------------------------------------------------------

    def unreadable(self, error: StoreError) -> Verdict:
        """Nothing of what was printed can be read."""
        printed = len(self._printed)
        return Verdict([], {}, [], printed, printed, 0, 0, 0, [str(error)])

    def judge(self, store: Store, server: dict[tuple[str, str], dict[str, str]], start: float, end: float) -> Verdict:
        """Hold the store and the server against the truth from `start` to `end`."""
        content = {(name, time): dict(fields) for time, name, _, fields in store.archive.lines(0, 1 << 62)}
        held = {
            (name, f"{time}000000000"): {field: number_text(value) for field, value in fields.items()}
            for (name, time), fields in content.items()
        }
        more = [name for name, _ in server.keys() - held.keys() if name not in SUMMED]
        differs = sum(server.get(key) != fields for key, fields in held.items()) + len(more)
        lost = sum(not self._kept(line, held) for line in self._printed)
        half_hours = range(-int(-start // HALF_HOUR) * HALF_HOUR, int(end) - HALF_HOUR + 1, HALF_HOUR)
        truths: dict[str, Callable[[int], float]] = {
            "+power": lambda time: self._register(time, SmartMeter.imported),
            "-power": lambda time: self._register(time, SmartMeter.exported),
            "hatuden": lambda time: self._house.generation(time) / 10,
            "baiden_diff": lambda time: self._house.bought_minus_sold(time) / 10,
        }
        rows = []
        for name, truth in truths.items():
            stored = {time: fields["value"] for (what, time), fields in content.items() if what == name}
            wrong = sum(not self._is(value, truth, time) for time, value in stored.items())
            present = sum(time in stored for time in half_hours)
            rows.append(Row(name, len(half_hours), present, len(half_hours) - present, wrong))
        power = sorted((time, fields["value"]) for (what, time), fields in content.items() if what == "power")
        missing, gaps = self._missing_minutes([time for time, _ in power], start, end)
        unexcused = missing.pop("", 0)
        minutes = int(end - start) // 60
        wrong, flipped = self._errors(power, 0xE7)
        rows.append(Row("power, minutes", minutes - sum(missing.values()), len(power), unexcused, wrong, flipped))
        rows += [self._energy_row(content, "import", 0xE0), self._energy_row(content, "export", 0xE3)]
        rows.append(self._ecocute_row(content))
        integrity = self.damaged + store.db.integrity_faults()
        return Verdict(rows, missing, gaps, len(self._printed), lost, len(server), differs, self.starved, integrity)

    @staticmethod
    def _kept(line: str, held: dict[tuple[str, str], dict[str, str]]) -> bool:
        """Whether a printed line is in the store; a field may have got another value since, from a later answer."""
        name, fields, time = line.split(" ")
        return {field.split("=")[0] for field in fields.split(",")} <= held.get((name, time), {}).keys()

    @staticmethod
    def _is(value: float, truth: Callable[[int], float], time: int) -> bool:
        try:
            return value == truth(time)
        except ValueError:  # before there was a house
            return False

    def _register(self, time: int, energy: Callable[[SmartMeter, float], int]) -> float:
        """What the meter of that time showed, in kWh."""
        meter = next(meter for since, meter in reversed(self.meters) if since <= time)
        return kwh(meter, meter.shown(energy(meter, time)))

    def _energy_row(self, content: dict[tuple[str, int], dict[str, int | float]], field: str, epc: int) -> Row:
        stored = [
            (time, fields[field]) for (name, time), fields in content.items() if name == "energy" and field in fields
        ]
        wrong, flipped = self._errors(stored, epc)
        return Row(f"energy {field}", len(stored), len(stored), 0, wrong, flipped)

    def _errors(self, stored: list[tuple[int, int | float]], epc: int) -> tuple[int, int]:
        """How many readings that are dated by their receipt are wrong, and how many others by a flipped bit."""
        never_said = [time for time, value in stored if not self._said_so(time, value, epc)]
        flipped = sum(self._was_flipped(time) for time in never_said)
        return len(never_said) - flipped, flipped

    def _said_so(self, time: int, value: float, epc: int) -> bool:
        first = bisect_left(self._now[epc], (time - TO_THE_MINUTE, float("-inf")))
        last = bisect_right(self._now[epc], (time + TO_THE_MINUTE, float("inf")))
        near = self._near_enough(time)
        return any(abs(at - time) <= near and value == said for at, said in self._now[epc][first:last])

    def _was_flipped(self, time: int) -> bool:
        near = self._near_enough(time)
        at = bisect_left(self.flips, time - near)
        return at < len(self.flips) and self.flips[at] <= time + near

    def _near_enough(self, time: int) -> float:
        """Seconds that the time of a reading may be off."""
        before_ntp = any(since - EXACT <= time <= until + TO_THE_MINUTE for since, until in self.unset)
        return TO_THE_MINUTE if before_ntp else EXACT

    def _missing_minutes(
        self, times: list[int], start: float, end: float
    ) -> tuple[Counter[str], list[tuple[float, float]]]:
        """Minutes without power, by why: the empty text where nothing explains them; and the gaps of those."""
        missing, gaps = Counter[str](), []
        for before, after in zip([start, *times], [*times, end], strict=True):
            if after - before > POWER_GAP:
                why = self._why(before, after)
                missing[why] += int((after - before) // 60) - 1
                if not why:
                    gaps.append((before, after))
        return missing, gaps

    def _why(self, before: float, after: float) -> str:
        """The excuse that covers most of a gap; those at hand must cover it whole."""
        found = sorted(excuse for excuse in self.excuses if excuse.start < after and excuse.end > before)
        reached = before
        for excuse in found:
            if excuse.start > reached + POWER_GAP:
                break
            reached = max(reached, excuse.end)
        if reached + POWER_GAP < after or not found:
            return ""
        return max(found, key=lambda excuse: min(after, excuse.end) - max(before, excuse.start)).why

    def _ecocute_row(self, content: dict[tuple[str, int], dict[str, int | float]]) -> Row:
        stored = sorted((time, fields) for (name, time), fields in content.items() if name == "ecocute")
        wrong = sum(not self._true_ecocute(time, fields) for time, fields in stored)
        times = [time for time, _ in stored]
        lost = sum(not self._near(times, asked) for asked in self._expected)
        return Row("ecocute, polls", len(self._expected), len(stored), lost, wrong)

    @staticmethod
    def _near(times: list[int], asked: float) -> bool:
        at = bisect_left(times, int(asked))
        return at < len(times) and times[at] <= asked + 20

    def _true_ecocute(self, time: int, fields: dict[str, int | float]) -> bool:
        slack = self._near_enough(time)
        asked = self._reported[
            bisect_left(self._reported, time - 10 - slack) : bisect_right(self._reported, time + slack)
        ]
        return any(fields.items() <= dict(self._ecocute(at)).items() for at in asked)

    def _ecocute(self, at: float) -> Iterator[tuple[str, int]]:
        yield "power", self._house.ecocute_power(at)
        yield "powerSum", self._house.ecocute_energy(at)
        yield "tank", self._house.tank(at)
