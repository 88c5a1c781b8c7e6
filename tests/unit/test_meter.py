"""The meter's table row by row, and the points: exact, never from a code for "no data", never by a guessed unit."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homemon.core.points import Point, number_text
from homemon.echonet.codec import CONTROLLER, NODE_PROFILE, Esv, Frame, Property, decode
from homemon.echonet.properties import ANY_SIZE, SUPER_CLASS
from homemon.sources.meter.properties import (
    EOJ,
    HIGHEST_COUNT,
    LARGEST_COEFFICIENT,
    PROPS,
    SCALED,
    UNIT_EXPONENTS,
    Dated,
    History,
    Recent,
    Report,
    ReportedScale,
    Scale,
    Value,
    report,
    scaled_points,
    value_of,
)

TENTHS = Scale(-1, 1)
HALF_PAST = 1702913400  # 2023-12-19 00:30 JST, 2023-12-18 15:30 UTC
COUNTS = "0000458E" * 46 + "FFFFFFFE" + "05F5E0FF"

ROWS: list[tuple[int, str, Value | None]] = [
    (0x88, "41", "fault"),
    (0x88, "42", "no fault"),
    (0x88, "43", None),
    (0x8D, "313233343536373839304142", "1234567890AB"),
    (0x8D, "313233340000000000000000", "1234"),
    (0x8D, "000000000000000000000000", ""),
    (0x97, "0E1A", "14:26"),
    (0x97, "0000", "00:00"),
    (0x97, "1800", None),
    (0x97, "173C", None),
    (0x98, "07EA0514", "2026-05-20"),
    (0x98, "07E8021D", "2024-02-29"),
    (0x98, "07E7021D", None),
    (0x98, "00000101", None),
    (0x98, "FFFFFFFF", None),
    (0xD3, "00000001", 1),
    (0xD3, "000F423F", 999_999),
    (0xD3, "00000000", None),
    (0xD3, "000F4240", None),
    (0xD3, "FFFFFFFE", None),
    (0xD7, "06", 6),
    (0xE0, "00000000", 0),
    (0xE0, "0000FE73", 65139),
    (0xE0, "05F5E0FF", 99_999_999),
    (0xE0, "05F5E100", None),
    (0xE0, "FFFFFFFE", None),
    (0xE1, "00", 0),
    (0xE1, "01", -1),
    (0xE1, "02", -2),
    (0xE1, "03", -3),
    (0xE1, "04", -4),
    (0xE1, "05", None),
    (0xE1, "0A", 1),
    (0xE1, "0B", 2),
    (0xE1, "0C", 3),
    (0xE1, "0D", 4),
    (0xE1, "0E", None),
    (0xE1, "FF", None),
    (0xE2, "0003" + COUNTS, History(3, (17806,) * 46 + (None, HIGHEST_COUNT))),
    (0xE3, "00000015", 21),
    (0xE3, "FFFFFFFE", None),
    (0xE4, "0000" + "FFFFFFFE" * 48, History(0, (None,) * 48)),
    (0xE5, "63", 99),
    (0xE7, "0000020B", 523),
    (0xE7, "00000000", 0),
    (0xE7, "FFFFFF38", -200),
    (0xE7, "7FFFFFFD", 2_147_483_645),
    (0xE7, "7FFFFFFE", None),
    (0xE7, "7FFFFFFF", None),
    (0xE7, "80000000", None),
    (0xE8, "001E0032", (3.0, 5.0)),
    (0xE8, "FFFF0003", (-0.1, 0.3)),
    (0xE8, "002A7FFE", (4.2, None)),
    (0xE8, "7FFF8000", (None, None)),
    (0xEA, "07E70C13001E000000458E", Dated(HALF_PAST, 17806)),
    (0xEA, "07E8021D173B3B00000001", Dated(1709218799, 1)),
    (0xEA, "07E70C13001E00FFFFFFFE", None),
    (0xEA, "07E7021D001E000000458E", None),  # 29 February 2023
    (0xEA, "07E70D01001E000000458E", None),  # month 13
    (0xEA, "07E70C00001E000000458E", None),  # day 0
    (0xEA, "07E70C13181E000000458E", None),  # hour 24
    (0xEA, "07E70C13003C000000458E", None),  # minute 60
    (0xEA, "07E70C13001E3C0000458E", None),  # second 60
    (0xEA, "00000000000000 0000458E", None),
    (0xEA, "FFFFFFFFFFFFFF 0000458E", None),
    (0xEA, "07D90C1F173B3B0000458E", None),  # the end of 2009: a clock that was never set
    (0xEA, "07DA01010000000000458E", Dated(1262271600, 17806)),  # 2010
    (0xEA, "08330C1F173B3B0000458E", Dated(4102412399, 17806)),  # the end of 2099
    (0xEA, "08340101000000 0000458E", None),  # 2100
    (0xEB, "07E70C13001E0000000015", Dated(HALF_PAST, 21)),
    (0xEC, "07E70C13001E02 0000458E 00000015 0000458D FFFFFFFE", Recent(HALF_PAST, ((17806, 21), (17805, None)))),
    (0xEC, "07E70C13001E00", Recent(HALF_PAST, ())),
    (0xEC, "FFFFFFFFFFFF01 0000458E 00000015", None),
    (0xED, "07E70C13001E0C", "12 half-hours up to 2023-12-19 00:30"),
    (0xED, "FFFFFFFFFFFFFF", None),
    (0xD0, "07E70C13001E000000458E00000015", "07E70C13001E000000458E00000015"),
    (0xEE, "07E70C13001E00", "07E70C13001E00"),
    (0xEF, "07E70C13001E0A", "07E70C13001E0A"),
]


@pytest.mark.parametrize(("epc", "edt", "value"), ROWS, ids=[f"{epc:02X}-{edt[:22]}" for epc, edt, _ in ROWS])
def test_a_property_reads_as_its_row_says(epc: int, edt: str, value: Value | None) -> None:
    assert value_of(Property(epc, bytes.fromhex(edt))) == value


def test_every_row_of_the_table_is_among_the_cases() -> None:
    assert {epc for epc, *_ in ROWS} >= set(PROPS) - {prop.epc for prop in SUPER_CLASS}
    assert {int(edt, 16) for epc, edt, value in ROWS if epc == 0xE1 and value is not None} == set(UNIT_EXPONENTS)


@pytest.mark.parametrize("epc", [epc for epc, row in PROPS.items() if row.size != ANY_SIZE])
def test_no_value_comes_of_an_edt_of_another_length(epc: int) -> None:
    row = PROPS[epc]
    for size in {0, *range(1, 20), 193, 195, 255} - {row.size}:
        with pytest.raises(ValueError, match=f"EPC {epc:02X} .* takes {row.size} bytes, {size} came"):
            value_of(Property(epc, bytes(size)))


@pytest.mark.parametrize(
    ("epc", "edt"),
    [
        (0x9F, ""),
        (0x9F, "0280"),
        (0x9E, "10" + "FF" * 16),
        (0xEC, ""),
        (0xEC, "07E70C13001E01 0000458E"),
        (0xEC, "07E70C13001E00 00"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(epc: int, edt: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        value_of(Property(epc, bytes.fromhex(edt)))


# --- the unit, received -----------------------------------------------------------


def received(*frames: Frame) -> Scale | None:
    unit = ReportedScale()
    for frame in frames:
        unit.receive(frame)
    return unit.scale


def reported(*properties: tuple[int, str], esv: Esv = Esv.GET_RES) -> Frame:
    return Frame(1, EOJ, CONTROLLER, esv, tuple(Property(epc, bytes.fromhex(edt)) for epc, edt in properties))


def test_the_unit_is_known_when_both_e1_and_d3_have_been_reported_or_refused() -> None:
    unit, coefficient = reported((0xE1, "01")), reported((0xD3, "00000014"))
    refused = reported((0xD3, ""), esv=Esv.GET_SNA)
    assert received(unit) is None
    assert received(coefficient) is None
    assert received(unit, refused) == Scale(-1, 1)
    assert received(coefficient, unit) == received(reported((0xE1, "01"), (0xD3, "00000014"))) == Scale(-1, 20)
    assert received(unit, coefficient, refused) == Scale(-1, 20)
    assert received(unit, coefficient, reported((0xD7, "06"))) == Scale(-1, 20, 6)
    assert received(unit, coefficient, reported((0xD7, "06")), reported((0xD7, "08"))) == Scale(-1, 20, 8)
    assert received(unit, coefficient, reported((0xE1, "05"), (0xD3, "00000000"), (0xD7, "00"))) == Scale(-1, 20)
    assert received(unit, reported((0xD3, ""), esv=Esv.GET)) is None  # a question is no refusal
    assert received(unit, reported((0xD3, "01"))) is None


# --- exactness ---------------------------------------------------------------------


@given(
    st.integers(0, HIGHEST_COUNT),
    st.integers(1, LARGEST_COEFFICIENT),
    st.sampled_from(sorted(UNIT_EXPONENTS.values())),
)
@example(3, 1, -1)
@example(1, 1, -4)
@example(HIGHEST_COUNT, LARGEST_COEFFICIENT, -4)
@example(HIGHEST_COUNT, LARGEST_COEFFICIENT, 4)
def test_a_register_in_kwh_is_the_exact_decimal(count: int, coefficient: int, exponent: int) -> None:
    text = number_text(Scale(exponent, coefficient).kwh(count))
    assert Decimal(text) == Decimal(count) * coefficient * Decimal(10) ** exponent
    assert set(text) <= set("0123456789.")
    assert not text.endswith(".0")


@given(st.integers(-0x7FFF, 0x7FFD), st.integers(-0x7FFF, 0x7FFD))
@example(-1, 0)
def test_a_current_is_the_exact_decimal(r: int, t: int) -> None:
    (point,) = said(Property(0xE8, r.to_bytes(2, signed=True) + t.to_bytes(2, signed=True))).points
    assert [Decimal(number_text(point.fields[phase])) for phase in "rt"] == [Decimal(r) / 10, Decimal(t) / 10]


# --- points ------------------------------------------------------------------------

E7 = Property(0xE7, bytes.fromhex("0000020B"))
E0 = Property(0xE0, bytes.fromhex("0000FE73"))
E3 = Property(0xE3, bytes.fromhex("00000015"))
EA = Property(0xEA, bytes.fromhex("07E70C13001E000000458E"))
EB = Property(0xEB, bytes.fromhex("07E70C13001E0000000015"))
POWER = Point("power", {"value": 523})


def said(*properties: Property, esv: Esv = Esv.GET_RES, seoj: int = EOJ, scale: Scale | None = TENTHS) -> Report:
    read = properties if esv in (Esv.SETGET_RES, Esv.SETGET_SNA) else ()
    return report(Frame(1, seoj, CONTROLLER, esv, () if read else properties, read), scale)


@pytest.mark.parametrize(
    ("properties", "points"),
    [
        ((E7,), [POWER]),
        ((Property(0xE8, bytes.fromhex("001E0032")),), [Point("current", {"r": 3.0, "t": 5.0})]),
        ((Property(0xE8, bytes.fromhex("002A7FFE")),), [Point("current", {"r": 4.2})]),
        ((Property(0xE8, bytes.fromhex("7FFE7FFE")),), []),
        ((E0, E3), [Point("energy", {"import": 6513.9, "export": 2.1})]),
        ((E7, E0), [POWER, Point("energy", {"import": 6513.9})]),
        ((EA, EB), [Point("+power", {"value": 1780.6}, HALF_PAST), Point("-power", {"value": 2.1}, HALF_PAST)]),
        ((Property(0xE7, b"\x7f\xff\xff\xfe"),), []),
        ((Property(0xEA, EA.edt[:7] + b"\xff\xff\xff\xfe"), EB), [Point("-power", {"value": 2.1}, HALF_PAST)]),
        ((Property(0xEC, b"\0" * 7), Property(0xF0, b"\1"), E7), [POWER]),  # nothing that we keep
    ],
)
def test_a_report_gives_its_points(properties: tuple[Property, ...], points: list[Point]) -> None:
    assert said(*properties) == Report(points, [], [], [])


@pytest.mark.parametrize("esv", list(Esv), ids=lambda esv: f"{esv:02X}")
def test_only_a_report_of_values_gives_points(esv: Esv) -> None:
    reports = {Esv.GET_RES, Esv.GET_SNA, Esv.INF, Esv.INFC, Esv.SETGET_RES, Esv.SETGET_SNA}
    assert said(E7, esv=esv).points == ([POWER] if esv in reports else [])


@pytest.mark.parametrize("seoj", [NODE_PROFILE, 0x026B01, 0x028802, CONTROLLER, 0])
def test_another_object_gives_nothing(seoj: int) -> None:
    assert said(E7, E0, seoj=seoj) == Report([], [], [], [])


def test_a_partial_answer_gives_what_it_has() -> None:
    frame = decode(bytes.fromhex("1081 0001 028801 05FF01 52 04 E7040000020B E300 E0040000FE73 EB00"))
    points = [POWER, Point("energy", {"import": 6513.9})]
    assert report(frame, TENTHS) == Report(points, [], [0xE3, 0xEB], [])


def test_a_value_of_a_wrong_length_is_reported_and_the_others_are_kept() -> None:
    given = said(Property(0xE7, b"\x02\x0b"), Property(0xE8, b"\0" * 5), E0)
    assert given.points == [Point("energy", {"import": 6513.9})]
    assert [text[:6] for text in given.warnings] == ["EPC E7", "EPC E8"]


def test_registers_wait_for_the_scale_and_nothing_else_does() -> None:
    registers = (E0, E3, EA, EB)
    assert {record.epc for record in registers} == SCALED
    assert said(E7, *registers, scale=None) == Report([POWER], list(registers), [], [])
    for record in registers:
        assert scaled_points(record, TENTHS) == said(record).points != []


def test_what_is_no_reading_does_not_wait_for_the_scale() -> None:
    empty = (Property(0xE0, b"\xff\xff\xff\xfe"), Property(0xEA, bytes(11)), Property(0xE3), Property(0xEB, b"\0"))
    assert said(*empty, scale=None)[:2] == ([], [])


def test_a_reading_that_comes_twice_in_a_frame_is_one_point() -> None:
    assert said(Property(0xE7, b"\0\0\0\1"), E7).points == [POWER]
