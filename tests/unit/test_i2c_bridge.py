"""The I2C bridge: nothing is lost at 38,400 bps, and each failure is one clear error."""

import errno
from collections.abc import Callable
from typing import Any

import pytest
import smbus2

from homemon.core.errors import PortError
from homemon.ports.i2c_bridge import I2cBridge, open_bridge
from homemon.sim.house import House
from homemon.sim.kyocera import Faults, Monitor
from tests.i2c_bus import SimulatedBus
from tests.injected import InjectedTime, read_memory

NOW = 1_790_000_000.0
FLOOR = 2.5  # seconds that 8,527 bytes and their framing take at 38,400 bps
HOUSE = House(int(NOW) - 40 * 86_400)


def rig(
    faults: Faults | None = None, multi_byte: bool = True, **bus_options: Any
) -> tuple[Monitor, SimulatedBus, I2cBridge, InjectedTime]:
    clock = InjectedTime(NOW)
    monitor = Monitor(HOUSE, faults)
    bus = SimulatedBus(monitor, clock, clock.sleep, **bus_options)
    return monitor, bus, I2cBridge(bus, 1, multi_byte, clock, clock.sleep), clock


@pytest.mark.parametrize("overhead", [0.0, 0.0001])
def test_a_dump_takes_little_more_than_the_line_and_loses_nothing(overhead: float) -> None:
    monitor, bus, bridge, clock = rig(overhead=overhead)
    assert read_memory(bridge, clock) == monitor.memory
    assert bus.overruns == 0
    assert clock() - NOW <= 1.3 * FLOOR


def test_single_byte_reads_lose_nothing_either() -> None:
    monitor, bus, bridge, clock = rig(multi_byte=False)
    assert read_memory(bridge, clock) == monitor.memory
    assert bus.overruns == 0


def test_a_disturbed_bus_is_asked_again() -> None:
    monitor, _, bridge, clock = rig(fail_every=97)
    assert read_memory(bridge, clock) == monitor.memory


def test_a_reader_that_sleeps_too_long_loses_bytes_and_the_dump_heals() -> None:
    monitor, _, bridge, clock = rig()
    read, naps = bridge.read, iter([0.0] * 500 + [0.03] + [0.0] * 100_000)

    def drowsy(within: float) -> bytes:
        clock.sleep(next(naps))
        return read(within)

    bridge.read = drowsy  # type: ignore[method-assign]
    assert read_memory(bridge, clock) == monitor.memory


def test_the_ring_empties_itself_at_the_64th_unread_byte() -> None:
    clock = InjectedTime(NOW)
    monitor = Monitor(HOUSE)
    bus = SimulatedBus(monitor, clock, clock.sleep)
    bus.write_byte(0x40, 7)
    for _ in range(4):
        for byte in b"\x02CMD1000FFFF50\x03":  # 22 bytes of answer each
            bus.write_byte(0x41, byte)
    clock.sleep(1.0)
    assert bus.read_byte(0x40) == 4 * 22 - 64
    assert bus.overruns == 1
    for _ in range(24):
        assert bus.read_byte(0x41) != 0xFF
    assert bus.read_byte(0x41) == 0xFF


def test_reading_ends_at_the_deadline_and_polls_gently() -> None:
    _, bus, bridge, clock = rig()
    before = bus.transactions
    assert bridge.read(1.0) == b""
    assert NOW + 1.0 <= clock() < NOW + 1.01
    assert bus.transactions - before < 400


class Broken:
    """A bus on which everything fails after the rate was set."""

    def __init__(self, code: int, good_writes: int = 0) -> None:
        self.code = code
        self.good_writes = good_writes
        self.closed = False

    def _fail(self) -> None:
        raise OSError(self.code, "it failed")

    def read_byte(self, i2c_addr: int, /) -> int:
        if self.code == 0:
            return 0xFF
        raise OSError(self.code, "it failed")

    def write_byte(self, i2c_addr: int, value: int, /) -> None:
        self.good_writes -= 1
        if self.good_writes < 0:
            raise OSError(self.code, "it failed")

    def i2c_rdwr(self, *i2c_msgs: Any) -> None:
        raise OSError(self.code, "it failed")

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("code", [errno.EREMOTEIO, errno.EIO, errno.ENXIO])
def test_a_missing_bridge_is_named_with_its_remedy(code: int) -> None:
    clock = InjectedTime(NOW)
    with pytest.raises(PortError, match="no device answers at 0x40 on I2C bus 3") as caught:
        I2cBridge(Broken(code), 3, clock=clock, sleep=clock.sleep)
    assert "i2cdetect -y 3" in caught.value.hint


@pytest.mark.parametrize("code", [errno.EIO, 0])
def test_a_bus_that_fails_for_good_is_one_error(code: int) -> None:
    clock = InjectedTime(NOW)
    bridge = I2cBridge(Broken(code, good_writes=1), clock=clock, sleep=clock.sleep)
    with pytest.raises(PortError, match="I2C bus 1 failed 5 times in a row") as caught:
        bridge.read(1.0)
    assert "i2cdetect -y 1" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), "no I2C bus /dev/i2c-1", "raspi-config"),
        (PermissionError(errno.EACCES, "Permission denied"), "no permission to use /dev/i2c-1", "i2c"),
        (OSError(errno.EBUSY, "busy"), "/dev/i2c-1 cannot be opened", "i2cdetect -l"),
    ],
)
def test_a_bus_that_cannot_be_opened_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, error: OSError, message: str, hint: str
) -> None:
    def opener(number: int) -> smbus2.SMBus:
        raise error

    monkeypatch.setattr(smbus2, "SMBus", opener)
    with pytest.raises(PortError, match=message) as caught:
        open_bridge(1)
    assert hint in caught.value.hint


def test_opening_closes_the_bus_where_no_bridge_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = Broken(errno.EREMOTEIO)
    make: Callable[[int], Broken] = lambda number: bus  # noqa: E731
    monkeypatch.setattr(smbus2, "SMBus", make)
    with pytest.raises(PortError, match="no device answers"):
        open_bridge(1)
    assert bus.closed
