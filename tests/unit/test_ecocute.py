"""The EcoCute's properties: what is a reading becomes the original's point, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.core.points import Point, line
from homemon.echonet.codec import Esv, Frame, Property, decode
from homemon.echonet.properties import value_of
from homemon.sources.lan import ecocute
from homemon.sources.lan.reports import Report, found_among, is_kin, joined, report
from homemon.sources.registry import ECOCUTE

FIELD_ANSWER = bytes.fromhex("1081 0001 026B01 05FF01 72 03 8402 0190 8504 00012345 E102 0172")


def frame(*properties: tuple[int, str], esv: Esv = Esv.GET_RES, seoj: int = 0x026B01) -> Frame:
    listed = tuple(Property(epc, bytes.fromhex(edt)) for epc, edt in properties)
    return Frame(1, seoj, 0x05FF01, esv, listed)


POWER, ENERGY, TANK = (0x84, "0190"), (0x85, "00012345"), (0xE1, "0172")
WHOLE = {"power": 400, "powerSum": 74565, "tank": 370}


def test_the_originals_answer_gives_the_originals_line() -> None:
    (point,) = report(ECOCUTE, decode(FIELD_ANSWER)).points
    assert point == Point("ecocute", WHOLE, None)
    assert line(point.measurement, "", point.fields, 5) == "ecocute power=400,powerSum=74565,tank=370 5000000000"


@pytest.mark.parametrize(
    ("answer", "fields", "refused"),
    [
        (frame(TANK, ENERGY, POWER), WHOLE, []),
        (frame((0x80, "30"), POWER, (0xF0, "0102"), ENERGY, TANK), WHOLE, []),
        (frame(POWER, ENERGY, TANK, esv=Esv.INF), WHOLE, []),
        (frame(POWER, ENERGY, TANK, esv=Esv.INFC), WHOLE, []),
        (frame((0x84, ""), ENERGY, TANK, esv=Esv.GET_SNA), {"powerSum": 74565, "tank": 370}, [0x84]),
        (frame(POWER, (0x85, ""), (0xE1, ""), esv=Esv.GET_SNA), {"power": 400}, [0x85, 0xE1]),
        (frame(), None, []),
        (frame(POWER, seoj=0x013001), None, []),
        (frame(POWER, esv=Esv.GET), None, []),
    ],
)
def test_any_answer_gives_the_fields_that_it_has(
    answer: Frame, fields: dict[str, int] | None, refused: list[int]
) -> None:
    said = report(ECOCUTE, answer)
    assert [point.fields for point in said.points] == ([fields] if fields else [])
    assert (said.refused, said.warnings) == (refused, [])


@pytest.mark.parametrize(
    "broken", [(0x84, "FFFF"), (0x84, "FFFE"), (0x85, "FFFFFFFF"), (0x85, "FFFFFFFE"), (0xE1, "FFFF"), (0xE1, "FFFE")]
)
def test_overflow_and_underflow_are_no_readings(broken: tuple[int, str]) -> None:
    assert report(ECOCUTE, frame(broken)) == Report([], [], [])


@pytest.mark.parametrize("broken", [(0x84, "90"), (0x85, "012345"), (0xE1, "017200")])
def test_an_edt_of_the_wrong_length_is_refused_and_the_rest_kept(broken: tuple[int, str]) -> None:
    said = report(ECOCUTE, frame(broken, POWER if broken[0] != 0x84 else TANK))
    assert [set(point.fields) for point in said.points] == [{"power" if broken[0] != 0x84 else "tank"}]
    assert len(said.warnings) == 1
    assert f"EPC {broken[0]:02X}" in said.warnings[0]


def test_several_answers_make_one_point() -> None:
    parts = [report(ECOCUTE, frame(one)) for one in (TANK, POWER, (0x85, ""))]
    (point,) = joined(ECOCUTE, parts)
    assert point == Point("ecocute", {"power": 400, "tank": 370})
    assert list(point.fields) == ["power", "tank"]
    assert joined(ECOCUTE, []) == []


@pytest.mark.parametrize(
    ("epc", "edt", "value"),
    [
        (0x80, "30", "on"),
        (0x82, "00005001", "release P"),
        (0x86, "0102", "0102"),
        (0x87, "64", 100),
        (0x87, "65", None),
        (0x88, "42", "no fault"),
        (0x89, "0103", "0103"),
        (0x8B, "0000AB", "0000AB"),
        (0x8E, "07EA0B1A", "2026-11-26"),
        (0x8F, "41", "on"),
        (0x8F, "42", "off"),
        (0x93, "42", "used"),
        (0x93, "61", "connected, not permitted"),
        (0x93, "00" * 16, "00" * 16),
        (0x99, "05DC", 1500),
        (0x99, "FFFF", None),
        (0x9A, "43000003E8", "1,000 h"),
        (0x9A, "4400000001", "1 days"),
        (0x9A, "0000000001", None),
        (0x8A, "00000B", "00000B"),
        (0x8C, b"HE-WU46KQ\0\0\0".hex(), "HE-WU46KQ"),
        (0xB0, "43", "stopped"),
        (0xB0, "44", None),
        (0xB0, "41", "automatic"),
        (0xB0, "42", "manual"),
        (0xB1, "41", "on"),
        (0xB2, "41", "heating"),
        (0xB2, "42", "not heating"),
        (0xB3, "41", 65),
        (0xB6, "43", "extra"),
        (0xC0, "41", "permitted"),
        (0xC0, "42", "not permitted"),
        (0xC1, "55", 85),
        (0xC3, "41", "drawn"),
        (0xC3, "42", "not drawn"),
        (0xD1, "3C", 60),
        (0xD3, "2A", 42),
        (0xD8, "00C8", 200),
        (0xDB, "05DC", 1500),
        (0xE1, "0172", 370),
        (0xE1, "FFFE", None),
        (0xE3, "41", "on"),
        (0xE4, "42", "off"),
        (0xE5, "41", "on"),
        (0xE6, "42", "off"),
        (0xE9, "41", "on"),
        (0xEA, "41", "filling"),
        (0xEA, "42", "stopped"),
        (0xB3, "FD", None),
        (0xC2, "00010000", "00010000"),
        (0xE0, "50", 80),
        (0xE2, "0172", 370),
        (0xEA, "43", "keeping warm"),
    ],
)
def test_the_table_explains_each_property(epc: int, edt: str, value: int | str | None) -> None:
    assert value_of(ecocute.PROPS, Property(epc, bytes.fromhex(edt))) == value


SIZES = {1: "80 88 87 8F B0 B1 B2 B3 B6 C0 C1 C3 D1 D3 E0 E3 E4 E5 E6 E9 EA", 2: "84 89 97 99 D8 DB DC DD E1 E2"}
SIZES |= {3: "8A 8B", 4: "82 85 8E 98 C2", 5: "9A", 12: "8C 8D", 17: "83", 0: "81 86 93 9D 9E 9F"}


def test_each_row_has_the_size_that_the_standard_says() -> None:
    sizes = {epc: size for size, epcs in SIZES.items() for epc in epcs.split()}
    for prop in ecocute.PROPS.values():
        wanted = sizes.pop(f"{prop.epc:02X}", "nothing")
        assert prop.size == wanted, (
            f"EPC {prop.epc:02X} takes {prop.size} bytes in homemon/sources/lan/ecocute.py and {wanted} in SIZES of"
            f" tests/unit/test_ecocute.py: write there under {prop.size} what the standard says, or change the table"
        )
    assert not sizes, f"PROPS of homemon/sources/lan/ecocute.py lacks the EPCs {', '.join(sizes)}"
    for epc in ecocute.PROPS.keys() & ecocute.HYBRID_PROPS.keys() - {0xB3, 0xB6}:
        assert ecocute.HYBRID_PROPS[epc].size == ecocute.PROPS[epc].size


@pytest.mark.parametrize("edt", ["", "4142", "00" * 15])
def test_93_of_a_length_that_no_release_knows_is_refused(edt: str) -> None:
    with pytest.raises(ValueError, match="EPC 93"):
        value_of(ecocute.PROPS, Property(0x93, bytes.fromhex(edt)))


@pytest.mark.parametrize(
    ("epc", "edt", "value"),
    [
        (0xB3, "41", "heating"),
        (0xB7, "42", "off"),
        (0xB8, "42", "own use first"),
        (0xB9, "0A000F1E", "10:00-15:30"),
        (0xB9, "FFFF0F1E", None),
        (0xE1, "00C8", 200),
        (0x84, "FFFE", None),
    ],
)
def test_a_hybrid_water_heater_has_a_table_of_its_own(epc: int, edt: str, value: int | str | None) -> None:
    assert value_of(ECOCUTE.table_of(0x02A601), Property(epc, bytes.fromhex(edt))) == value


@pytest.mark.parametrize(
    ("objects", "eoj", "found"),
    [
        ([0x026B01], 0x026B01, 0x026B01),
        ([0x0EF001, 0x02A601], 0x026B01, 0x02A601),
        ([0x02A601, 0x026B01], 0x026B01, 0x026B01),
        ([0x02A601, 0x02A602], 0x026B01, None),
        ([0x02A601], 0x026B02, None),
        ([0x027201], 0x026B01, None),  # a gas heater
        ([0x027C01, 0x013001], 0x026B01, None),
        ([], 0x026B01, None),
        ([0x026B02], 0x026B01, None),
    ],
)
def test_the_neighbour_class_is_found_and_a_gas_heater_is_not(objects: list[int], eoj: int, found: int | None) -> None:
    assert found_among(ECOCUTE, objects, eoj) == found_among(ECOCUTE, iter(objects), eoj) == found


def test_a_hybrid_water_heater_is_read_by_its_own_table() -> None:
    assert report(ECOCUTE, frame(POWER, TANK, seoj=0x02A601), 0x02A601).points == [
        Point("ecocute", {"power": 400, "tank": 370})
    ]


def test_units_of_both_classes_are_kin_and_their_neighbours_are_not() -> None:
    assert [eoj for eoj in (0x026A01, 0x026B01, 0x026BFF, 0x026C01, 0x02A601, 0x05FF01) if is_kin(ECOCUTE, eoj)] == [
        0x026B01,
        0x026BFF,
        0x02A601,
    ]


@given(st.lists(st.tuples(st.sampled_from([*ecocute.PROPS, 0xF0]), st.binary(max_size=20))), st.sampled_from(Esv))
def test_no_properties_break_the_report(properties: list[tuple[int, bytes]], esv: Esv) -> None:
    answer = Frame(1, 0x026B01, 0x05FF01, esv, tuple(Property(*each) for each in properties))
    said = report(ECOCUTE, answer)
    for point in said.points:
        assert point.fields
        assert set(point.fields) <= set(WHOLE)
    for prop in answer.properties:
        if prop.edt and prop.epc in ecocute.PROPS and len(prop.edt) == ecocute.PROPS[prop.epc].size:
            value_of(ecocute.PROPS, prop)
