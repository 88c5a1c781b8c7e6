"""What traces of the EcoCute and the solar monitor, and the monitor's dump files, give to the store."""

from dataclasses import replace

import pytest

from homemon.core.points import Point
from homemon.replay import report
from homemon.replay.device import Device
from homemon.sim.kyocera import Faults
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera import protocol as kyocera
from tests.integration.test_kyocera_commands import HEALING
from tests.traces import HALF_PAST, dumped, read, unix
from tests.unit.test_solar import memory

# --- the EcoCute -------------------------------------------------------------------

WHOLE = "1081 {tid} 026B01 05FF01 72 03 84020320 85040001E240 E1020118"
WATER = {"power": 800, "powerSum": 123456, "tank": 280}


def udp(clock: str, data: str, host: str = "192.0.2.20", direction: str = "<", doubt: str = "") -> str:
    text = bytes.fromhex(data).hex().upper()
    return f"2026-11-23T{clock}.500+09:00{doubt} udp {direction} {host}:3610 {text}"


ASKED = udp("12:00:00", "1081 0001 05FF01 026B01 62 03 8400 8500 E100", direction=">")


def test_answers_in_parts_are_one_point_and_parts_that_never_came_are_not_waited_for() -> None:
    parts = ("01 84020320", "01 85040001E240", "01 E1020118")
    lines = [udp(f"12:00:0{n}", f"1081 0001 026B01 05FF01 72 {part}") for n, part in enumerate(parts)]
    second = unix("2026-11-23T12:00:00")
    assert read(ASKED, *lines)[0] == [Point("ecocute", WATER, second + 2)]
    late = [lines[0], udp("12:00:09", WHOLE.format(tid="0002"))]
    assert read(ASKED, *late)[0] == [Point("ecocute", {"power": 800}, second + 2), Point("ecocute", WATER, second + 9)]
    assert read(ASKED, lines[0])[0] == [Point("ecocute", {"power": 800}, second + 2)]


@pytest.mark.parametrize(
    ("lines", "heater", "given", "left_out"),
    [
        ([ASKED], Device(host="192.0.2.99"), 1, 0),  # whom the trace asked counts
        ([], Device(host="192.0.2.20"), 1, 0),
        ([], Device(), 1, 0),  # the first that reports
        ([], Device(host="192.0.2.99"), 0, 3),
        ([], Device(host="192.0.2.99", accept_any=True), 0, 3),
        ([], Device(eoj=0x026B02), 0, 0),
    ],
)
def test_whose_datagrams_count(lines: list[str], heater: Device, given: int, left_out: int) -> None:
    points, left = read(*lines, udp("12:00:01", WHOLE.format(tid="0001")), heater=heater)
    assert len(points) == given
    assert left.refused.get(report.OTHERS, 0) == left_out


def test_a_notification_of_another_host_counts_where_config_says_so() -> None:
    inform = udp("12:00:01", WHOLE.format(tid="0001").replace(" 72 ", " 73 "), host="192.0.2.21")
    assert len(read(inform, heater=Device(host="192.0.2.20", accept_any=True))[0]) == 1
    assert len(read(inform, heater=Device(host="192.0.2.20"))[0]) == 0


def test_datagrams_that_are_no_readings_or_came_at_a_wrong_time_give_none() -> None:
    points, left = read(
        ASKED,
        udp("12:00:01", WHOLE.format(tid="0001")[:-2]),
        udp("12:00:01", "00", host="192.0.2.77"),
        udp("12:00:01", "1081 0001 0EF001 05FF01 73 01 D5 04 01 026B01"),
        udp("12:00:02", WHOLE.format(tid="0001"), doubt="?"),
        udp("12:00:03", WHOLE.format(tid="0002").replace("84020320", "840120")),
    )
    assert points == [Point("ecocute", {"powerSum": 123456, "tank": 280}, unix("2026-11-23T12:00:03"))]
    assert left.refused == {report.BROKEN: 1, report.CLOCK: 1, report.ODD: 1}


# --- the solar monitor -------------------------------------------------------------


@pytest.mark.parametrize("faults", [Faults(), *HEALING])
def test_a_dump_that_healed_is_whole_in_its_trace(faults: Faults) -> None:
    lines, whole = dumped(replace(faults, stall=faults.stall / 10))  # they are meant for a monitor ten times as quick
    assert whole
    points, left = read(*lines)
    assert points == solar.report(whole, 35, unix("2026-11-23T12:10:00")).points
    assert len(points) > 3000
    assert left.nonsense == 0


@pytest.mark.parametrize(
    "faults", [Faults(dead_after=100), Faults(corrupt_block=8, corrupt_times=5), Faults(silent=True)]
)
def test_a_dump_that_broke_off_gives_nothing_in_its_trace(faults: Faults) -> None:
    lines, whole = dumped(faults)
    assert whole is None
    assert read(*lines)[0] == []


def test_a_dump_files_newest_half_hour_may_have_been_running_and_is_left_out() -> None:
    values = {("hatuden", 0, 23): 17, ("hatuden", 0, 22): 16, ("baiden_diff", 0, 23): -3, ("hatuden", 1, 47): 5}
    for rows, kept in ((values, [1.6, 0.5]), ({("hatuden", 1, 47): 5}, [0.5])):  # today began without a half-hour
        text = kyocera.dump_text(memory(rows))
        points, left = read(*text.splitlines())
        assert [point.fields["value"] for point in points] == kept
        assert (left.sense, left.nonsense) == (len(text.splitlines()), 0)


def test_of_a_damaged_dump_what_comes_before_the_damage_is_stored_and_the_rest_reported() -> None:
    lines = kyocera.dump_text(
        memory({("hatuden", 0, 0): 5, ("hatuden", 0, 1): 6, ("baiden_diff", 0, 0): 7})
    ).splitlines()
    points, left = read(*lines[:50], *lines[51:], f"power value=1 {HALF_PAST}000000000")
    assert points == [
        Point("hatuden", {"value": 0.5}, unix("2017-05-31T00:00:00")),
        Point("power", {"value": 1}, HALF_PAST, ""),
    ]
    assert left.nonsense == 1
    assert left.first.startswith("file:1: the dump that begins here: byte 3550: line 51 should begin with 0640")


def test_what_cannot_be_in_a_memory_is_reported() -> None:
    lines = kyocera.dump_text(memory({("hatuden", 1, 0): 5}, {1: "2F1345"})).splitlines()
    assert list(read(*lines)[1].notes) == ["the solar monitor's memory: day 1: 2F1345 is no date, 1 value is left out"]
