"""How long the solar monitor's memory takes, 8,527 bytes.

The floor is what the serial line needs for the bytes that went over it, framing and our ACKs included:
the monitor waits for each ACK, so that both directions add up. In injected time only the line and the
bus cost anything; in real time so does everything else, also what else the machine does.
"""

import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from time import monotonic, sleep, time
from typing import Any, NamedTuple

from homemon.ports.i2c_bridge import I2cBridge
from homemon.ports.serial_port import SerialLine
from homemon.sim.house import DAY, House
from homemon.sim.kyocera import BYTE, Monitor
from tests.i2c_bus import SimulatedBus
from tests.injected import InjectedTime, read_memory
from tests.longrun.benchmarks.measure import Benchmark, Outcome, seconds

NOW = 1_800_000_000.0  # Unix time
DRIVER = 0.0001  # seconds that a Pi's kernel takes for a transaction besides the bus


class KnownHouse:
    """A house that has looked up everything before, so that asking costs nothing."""

    def __init__(self, now: float) -> None:
        house = House(int(now) - 40 * DAY)
        self.generation = cache(house.generation)
        self.bought_minus_sold = cache(house.bought_minus_sold)
        Monitor(self).feed(b"\x02CMD1000FFFF50\x03", now)


class Counted(Monitor):
    """A monitor that counts what goes over its line."""

    on_the_line = 0

    def feed(self, data: bytes, now: float) -> None:
        self.on_the_line += len(data)
        super().feed(data, now)

    def speak(self, now: float) -> bytes:
        said = super().speak(now)
        self.on_the_line += len(said)
        return said


class Result(NamedTuple):
    """Seconds taken, and bytes on the line."""

    seconds: float
    on_the_line: int


def over_the_bridge(multi_byte: bool = True, overhead: float = 0.0, real: bool = False) -> Result:
    """homemon, over the simulated bridge."""
    injected = InjectedTime(NOW)
    began = time() if real else NOW
    monitor = Counted(KnownHouse(began))
    bus = SimulatedBus(monitor, time, sleep) if real else SimulatedBus(monitor, injected, injected.sleep, overhead)
    clock = monotonic if real else injected
    start = clock()
    bridge = I2cBridge(bus, 1, multi_byte) if real else I2cBridge(bus, 1, multi_byte, injected, injected.sleep)
    memory = read_memory(bridge, clock)
    assert memory == monitor.memory
    assert multi_byte is False or not bus.overruns
    return Result(clock() - start, monitor.on_the_line)


class Original:
    """The loop of kyocera_dump.py: single bytes, and 0.1 s of sleep whenever the count has not moved."""

    def __init__(self, bus: SimulatedBus, sleep: Callable[[float], None]) -> None:
        self._bus, self._sleep = bus, sleep

    def read_memory(self) -> bytes:
        self._bus.write_byte(0x40, 7)
        for _ in range(self._bus.read_byte(0x40)):
            self._bus.read_byte(0x41)
        self._sleep(1)
        self._send(b"\x02CMD1000FFFF50\x03")
        self._command()
        total = int(self._command()[12:16], 16)
        self._send(b"\x02\x06\x03")
        memory = b""
        while len(memory) < total:
            memory += self._block()
        self._command()
        self._send(b"\x02\x06\x03")
        return memory

    def _receive(self, size: int) -> bytes:
        count, timeout = 0, 10
        while True:
            before, count = count, self._bus.read_byte(0x40)
            if count >= size:
                return bytes(self._bus.read_byte(0x41) for _ in range(size))
            if before == count:
                self._sleep(0.1)
                timeout -= 1
                if timeout < 1:
                    return b""
            else:
                timeout = 10

    def _send(self, data: bytes) -> None:
        for byte in data:
            self._bus.write_byte(0x41, byte)

    def _command(self) -> bytes:
        data = b""
        while not data.startswith(b"\x02"):
            data = self._receive(1)
        while not data.endswith(b"\x03"):
            data += self._receive(1)
        return data

    def _block(self) -> bytes:
        while True:
            size = self._receive(1)
            rest = self._receive(size[0])
            if sum(size + rest) % 256 == 255:
                self._send(b"\x02\x06\x03")
                return rest[:-1]
            self._send(b"\x02\x15\x03")


def outcome(result: Result) -> Outcome:
    return Outcome(result.seconds, result.on_the_line * BYTE)


def injected_time(**bridge: Any) -> Outcome:
    return outcome(over_the_bridge(**bridge))


def real_time() -> Outcome:
    """The best of three: the wire's floor is no median, and what else the machine does adds up."""
    return min(outcome(over_the_bridge(real=True)) for _ in range(3))


def over_a_pty() -> Outcome:
    """homemon, over a pty with the simulator in a process of its own."""
    command = (sys.executable, "-m", "homemon", "simulate", "kyocera")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
        try:
            assert simulator.stdout is not None
            line = SerialLine(simulator.stdout.readline().strip(), 38_400, "kyocera")
            read_memory(line, monotonic)  # the simulator looks its house up
            taken = min(timed(lambda: read_memory(line, monotonic)) for _ in range(3))
            line.close()
        finally:
            simulator.terminate()
    return outcome(over_the_bridge()._replace(seconds=taken))


def timed(call: Callable[[], object]) -> float:
    started = monotonic()
    call()
    return monotonic() - started


def the_original() -> Outcome:
    """The original's loop, over the simulated bridge in injected time."""
    injected = InjectedTime(NOW)
    monitor = Counted(KnownHouse(NOW))
    bus = SimulatedBus(monitor, injected, injected.sleep)
    memory = Original(bus, injected.sleep).read_memory()
    assert memory == monitor.memory
    return outcome(Result(injected() - NOW, monitor.on_the_line))


def row(what: str, reach: float | None, measure: Callable[[], Outcome], why: str = "") -> Benchmark:
    return Benchmark(f"dump over {what}", "the line's floor", reach, seconds, measure, why)


BENCHMARKS = (
    row("I2C, injected time", 1.15, injected_time),
    row(
        "I2C, with 0.1 ms of driver each transaction",
        1.15,
        partial(injected_time, overhead=DRIVER),
        "between two blocks the line is silent while the last bytes are fetched and our ACK goes out; to ask more "
        "often does not help (each 0.2 ms: 1.22), a bus of 400 kHz would (1.13), which is not ours to set",
    ),
    row("I2C byte by byte (`reads = byte`)", None, partial(injected_time, multi_byte=False)),
    row(
        "I2C, real time",
        1.15,
        real_time,
        "the simulated bus sleeps through each of some 5,000 transactions, and a sleep lasts longer than was asked "
        "for; it would take a bus that is on time, which in injected time is at 1.14",
    ),
    row("a serial port (pty), real time", 1.15, over_a_pty),
    row("I2C by the original's loop, injected time", None, the_original),
)
