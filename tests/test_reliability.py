"""The promise, end to end: module → listener → store → InfluxDB, with both ends failing in between."""

from pathlib import Path
from signal import SIGKILL

from homemon.points import number_text
from homemon.sim.bp35c0 import Module
from tests.commands import Running, homemon, running, simulated, wait_for, write_config
from tests.servers import Database

HALF_HOUR_IN = 12.0  # real seconds: the simulated meter's clock runs 150 times as fast


def powers(listener: Running) -> int:
    return sum(line.startswith("power ") for line in listener.lines)


def half_hours(listener: Running) -> int:
    return sum(line.startswith("+power ") for line in listener.lines)


def truth_of(module: Module) -> tuple[list[str], dict[tuple[str, int], str]]:
    """Each power reading that was on the wire, and each half-hour's registers, as line protocol has them."""
    readings: list[str] = []
    registers: dict[tuple[str, int], str] = {}
    for truth in module.truth:
        if truth.epc == 0xE7:
            readings.append(f"value={truth.value}")
        elif truth.epc in (0xEA, 0xEB):
            assert isinstance(truth.value, tuple)
            time, count = truth.value
            assert isinstance(time, int)
            assert isinstance(count, int)
            registers["+power" if truth.epc == 0xEA else "-power", time] = f"value={number_text(count / 10)}"
    return readings, registers


def served_by(database: Database) -> set[str]:
    """What InfluxDB holds, as lines."""
    return {
        f"{name} value={number_text(fields['value'])} {time}000000000"
        for (name, time), fields in database.points().items()
    }


def test_a_restart_and_a_server_outage_lose_nothing_and_double_nothing(tmp_path: Path, own_influx: Database) -> None:
    write_config(tmp_path, f"[server]\nurl = {own_influx.server.url}\ndb = {own_influx.name}\n")
    with simulated(tmp_path, speed=1800 / HALF_HOUR_IN, push_after=10.0) as device:
        with running("meter-listen", "--poll", "5", cwd=tmp_path) as first:
            first.until(lambda _: powers(first) >= 2 and half_hours(first) >= 2)
            wait_for(lambda: len(own_influx.points()) >= 4)
            own_influx.server.kill()
            seen = powers(first), half_hours(first)
            first.until(lambda _: powers(first) > seen[0] and half_hours(first) > seen[1])
            first.stop(SIGKILL)
        with running("meter-listen", "--poll", "5", cwd=tmp_path) as second:
            second.until(lambda _: powers(second) >= 2 and half_hours(second) >= 2)
            own_influx.server.start()
            wait_for(lambda: set(first.lines + second.lines) <= served_by(own_influx), 120, second.errors.read_text)
            assert second.stop() == 0
        readings, registers = truth_of(device.module)
    printed = first.lines + second.lines
    assert len(set(printed)) == len(printed)
    exported = homemon("export", cwd=tmp_path).stdout.splitlines()
    assert sorted(exported) == sorted(printed)
    assert [line.split()[1] for line in printed if line.startswith("power ")] == readings
    stored = {(name, int(time) // 10**9): fields for name, fields, time in map(str.split, exported) if name != "power"}
    assert registers.items() <= stored.items()
    house = device.house  # what nobody pushed was asked of the meter's record, and is as true
    for (name, time), fields in stored.items():
        register = house.register_import if name == "+power" else house.register_export
        assert fields == f"value={number_text(register(time) / 10)}"
    upload = homemon("upload", cwd=tmp_path)  # what came in the moment of the end
    assert upload.stdout.endswith(" sent, 0 waiting, 0 parked\n"), upload.stderr
    assert served_by(own_influx) == set(printed)
