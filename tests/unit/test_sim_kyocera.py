"""The simulated monitor: the article's bytes, the house's truth, the line's speed."""

import ast
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from homemon.sim import ecocute, kyocera
from homemon.sim.house import House
from homemon.sim.kyocera import BYTE, Faults, Monitor
from homemon.sources.kyocera import memory as solar

JST = timezone(timedelta(hours=9))
NOW = datetime(2026, 6, 1, 12, 10, tzinfo=JST).timestamp()
HOUSE = House(int(NOW) - 10 * 86_400)
REQUEST = b"\x02CMD1000FFFF50\x03"
ACK, NAK = b"\x02\x06\x03", b"\x02\x15\x03"


def receive(monitor: Monitor, message: bytes, now: float) -> tuple[bytes, float]:
    """Say `message`, and receive all of the answer; when its last byte was through."""
    monitor.feed(message, now)
    said = b""
    while (due := monitor.due()) is not None:
        now = due
        said += monitor.speak(now)
    return said, now


def asked(faults: Faults | None = None) -> Monitor:
    monitor = Monitor(HOUSE, faults)
    receive(monitor, REQUEST, NOW)
    return monitor


def test_it_speaks_as_in_the_article() -> None:
    monitor = Monitor(HOUSE)
    said, now = receive(monitor, REQUEST, NOW)
    assert said == ACK + b"\x02CMD01000000214FCB\x03"
    assert now == pytest.approx(NOW + len(said) * BYTE)
    blocks = []
    while (said := receive(monitor, ACK, NOW)[0])[0] != 0x02:
        assert sum(said) % 256 == 0xFF
        assert said[0] == len(said) - 1
        blocks.append(said[1:-1])
        assert receive(monitor, NAK, NOW)[0] == said
    assert b"".join(blocks) == monitor.memory
    assert (len(monitor.memory), {len(block) for block in blocks}) == (8527, {32, 15})
    assert said.endswith(b"\x03")
    assert receive(monitor, ACK, NOW)[0] == b""


def test_its_memory_is_the_houses_truth_up_to_now() -> None:
    said = solar.report(asked().memory, 35, NOW)
    assert said.warnings == []
    halves = range(HOUSE.start, int(NOW) - 1800, 1800)
    assert {point.time for point in said.points} == set(halves)
    for point in said.points:
        assert point.time is not None
        measure = HOUSE.generation if point.measurement == "hatuden" else HOUSE.bought_minus_sold
        assert point.fields["value"] == measure(point.time) / 10


@pytest.mark.parametrize(
    ("faults", "warning"),
    [
        (Faults(dates="none"), "day 1: 2F1345 is no date"),
        (Faults(dates="double"), "day 2: 2026-05-31 does not come before 2026-05-31"),
        (Faults(dates="order"), "day 1: 2026-05-30 does not fit among the other days"),
        (Faults(ahead=3 * 3600), "day 0: 2026-06-01 lies ahead, 10 values"),
        (Faults(ahead=86_400), "day 0: 2026-06-02 lies ahead"),
    ],
)
def test_its_wrong_dates_are_seen(faults: Faults, warning: str) -> None:
    said = solar.report(asked(faults).memory, 3, NOW)
    assert any(warning in each for each in said.warnings)


def test_it_refuses_what_it_does_not_know() -> None:
    monitor = Monitor(HOUSE)
    assert receive(monitor, b"\x02CMD1000FFFF51\x03", NOW)[0] == NAK
    assert receive(monitor, b"noise" + ACK + NAK + b"\x03\x03", NOW)[0] == b""


@pytest.mark.parametrize("module", [kyocera, ecocute])
def test_simulators_share_nothing_with_what_they_test(module: object) -> None:
    tree = ast.parse(Path(str(vars(module)["__file__"])).read_text())
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    ]
    assert not [name for name in names if name.startswith("homemon")]
