"""The codec: one list of cases for both directions, and nothing read from what is cut, long or late."""

from collections.abc import Callable

import pytest

from homemon.core.errors import WireError
from homemon.echonet.codec import (
    Esv,
    Frame,
    Property,
    answers,
    decode,
    decode_instance_list,
    decode_property_map,
    encode,
    encode_property_map,
    get,
    salvage,
)
from homemon.echonet.properties import Prop, missing, objects, property_map, up_to

METER, US, NODE = 0x028801, 0x05FF01, 0x0EF001
E7, E8 = Property(0xE7, b"\x00\x00\x02\x0b"), Property(0xE8, b"\x00\x1e\x7f\xfe")

FRAMES = [  # bytes ↔ frame ↔ what the sender reports of itself
    ("1081 0001 05FF01 028801 60 01 E50103", Frame(1, US, METER, Esv.SETI, (Property(0xE5, b"\3"),)), ()),
    ("1081 0001 05FF01 028801 61 01 E50103", Frame(1, US, METER, Esv.SETC, (Property(0xE5, b"\3"),)), ()),
    ("1081 FFFF 05FF01 028801 62 02 E700 E800", get(0xFFFF, METER, (0xE7, 0xE8)), ()),
    ("1081 0002 05FF01 028801 63 01 E700", Frame(2, US, METER, Esv.INF_REQ, (Property(0xE7),)), ()),
    (
        "1081 0003 05FF01 028801 6E 01 E50103 02 E200 E400",
        Frame(3, US, METER, Esv.SETGET, (Property(0xE5, b"\3"),), (Property(0xE2), Property(0xE4))),
        (),
    ),
    ("1081 0001 028801 05FF01 50 01 E50103", Frame(1, METER, US, Esv.SETI_SNA, (Property(0xE5, b"\3"),)), ()),
    ("1081 0001 028801 05FF01 51 01 E50103", Frame(1, METER, US, Esv.SETC_SNA, (Property(0xE5, b"\3"),)), ()),
    (
        "1081 0000 028801 05FF01 52 02 E7040000020B E300",
        Frame(0, METER, US, Esv.GET_SNA, (E7, Property(0xE3))),
        (E7, Property(0xE3)),
    ),
    ("1081 0001 028801 05FF01 53 01 E700", Frame(1, METER, US, Esv.INF_SNA, (Property(0xE7),)), ()),
    (
        "1081 0001 028801 05FF01 5E 00 02 E7040000020B E300",
        Frame(1, METER, US, Esv.SETGET_SNA, (), (E7, Property(0xE3))),
        (E7, Property(0xE3)),
    ),
    ("1081 0001 028801 05FF01 71 01 E500", Frame(1, METER, US, Esv.SET_RES, (Property(0xE5),)), ()),
    (
        "1081 0001 028801 05FF01 72 02 E7040000020B E804001E7FFE",
        Frame(1, METER, US, Esv.GET_RES, (E7, E8)),
        (E7, E8),
    ),
    ("1081 0001 028801 05FF01 72 00", Frame(1, METER, US, Esv.GET_RES, ()), ()),
    ("1081 0001 028801 0EF001 73 01 E7040000020B", Frame(1, METER, NODE, Esv.INF, (E7,)), (E7,)),
    ("1081 0001 028801 05FF01 74 01 E7040000020B", Frame(1, METER, US, Esv.INFC, (E7,)), (E7,)),
    ("1081 0001 05FF01 028801 7A 01 E700", Frame(1, US, METER, Esv.INFC_RES, (Property(0xE7),)), ()),
    (
        "1081 0001 028801 05FF01 7E 01 E500 01 E7040000020B",
        Frame(1, METER, US, Esv.SETGET_RES, (Property(0xE5),), (E7,)),
        (E7,),
    ),
    (
        "1081 0001 028801 05FF01 72 01 ECFF" + "5A" * 255,
        Frame(1, METER, US, Esv.GET_RES, (Property(0xEC, b"Z" * 255),)),
        (Property(0xEC, b"Z" * 255),),
    ),
]
EACH_FRAME = pytest.mark.parametrize(("text", "frame", "reported"), FRAMES, ids=[text[:26] for text, *_ in FRAMES])


@EACH_FRAME
def test_bytes_and_frame_are_the_same_thing(text: str, frame: Frame, reported: tuple[Property, ...]) -> None:
    data = bytes.fromhex(text)
    assert decode(data) == frame
    assert encode(frame) == data
    assert decode(data).reported == reported


def test_every_service_is_among_the_cases() -> None:
    assert {frame.esv for _, frame, _ in FRAMES} == set(Esv)


def first_fault(frame: Frame, size: int) -> int:
    """Where `frame` cut to `size` bytes stops making sense: the PDC that is not kept, else the end."""
    at = 11
    for properties in (frame.properties, frame.read):
        at += 1
        for prop in properties:
            behind = at + 2 + len(prop.edt)
            if at + 2 <= size < behind:
                return at + 1
            at = behind
    return size


@EACH_FRAME
def test_a_frame_cut_anywhere_is_refused_with_the_byte(text: str, frame: Frame, reported: tuple[Property, ...]) -> None:
    data = bytes.fromhex(text)
    for size in range(len(data)):
        with pytest.raises(WireError, match=r"^byte \d+: ") as refusal:
            decode(data[:size])
        assert refusal.value.offset == (first_fault(frame, size) if size > 1 else size), size


@EACH_FRAME
@pytest.mark.parametrize("tail", [b"\0", b"\r\n", b"\xe7\x00" * 20])
def test_a_frame_with_a_tail_is_refused_with_the_byte(
    text: str, frame: Frame, reported: tuple[Property, ...], tail: bytes
) -> None:
    data = bytes.fromhex(text)
    with pytest.raises(WireError, match=f"^byte {len(data)}: {len(tail)} bytes too many"):
        decode(data + tail)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("00", 0),
        ("1080", 1),
        ("1082 0001 028801 05FF01 72 00", 1),  # free format, not ours to read
        ("0081 0001 028801 05FF01 72 00", 0),
        ("1081 0001 028801 05FF01 64 00", 10),
        ("1081 0001 028801 05FF01 72 02 E7040000020B", 18),  # OPC promises more than there is
        ("1081 0001 028801 05FF01 72 01 E7FF0000020B", 13),  # so does PDC
        ("1081 0001 028801 05FF01 72 01 E7030000020B", 17),  # PDC promises less
        ("1081 0001 028801 05FF01 7E 01 E500", 14),  # the second list is not there
    ],
)
def test_a_wrong_byte_is_named(text: str, offset: int) -> None:
    with pytest.raises(WireError, match=f"^byte {offset}: ") as refusal:
        decode(bytes.fromhex(text))
    assert refusal.value.offset == offset


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0x10000, US, METER, Esv.GET, ()),
        Frame(-1, US, METER, Esv.GET, ()),
        Frame(1, 1 << 24, METER, Esv.GET, ()),
        Frame(1, US, METER, Esv.GET, (Property(0x100),)),
        Frame(1, US, METER, Esv.GET, (Property(0xE7),) * 256),
        Frame(1, US, METER, Esv.SETC, (Property(0xE7, bytes(256)),)),
        Frame(1, US, METER, Esv.GET, (), (Property(0xE7),)),
    ],
)
def test_a_frame_that_does_not_fit_is_not_encoded(frame: Frame) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode(frame)


ANSWERS = {
    Esv.SETI: {Esv.SETI_SNA},
    Esv.SETC: {Esv.SET_RES, Esv.SETC_SNA},
    Esv.GET: {Esv.GET_RES, Esv.GET_SNA},
    Esv.INF_REQ: {Esv.INF, Esv.INF_SNA},
    Esv.INFC: {Esv.INFC_RES},
    Esv.SETGET: {Esv.SETGET_RES, Esv.SETGET_SNA},
}


@pytest.mark.parametrize("asked", list(Esv), ids=lambda esv: f"{esv:02X}")
def test_each_request_has_its_answer_and_its_refusal_and_no_other(asked: Esv) -> None:
    request = Frame(7, US, METER, asked, ())
    received = {said for said in Esv if answers(Frame(7, METER, US, said, ()), request)}
    assert received == ANSWERS.get(asked, set())


@pytest.mark.parametrize(
    ("reply", "is_answer"),
    [
        (Frame(7, METER, US, Esv.GET_RES, ()), True),
        (Frame(6, METER, US, Esv.GET_RES, ()), False),  # the late answer to the request before
        (Frame(7, 0x028802, US, Esv.GET_RES, ()), False),  # another meter
        (Frame(7, METER, NODE, Esv.GET_RES, ()), False),  # to somebody else
        (Frame(7, US, METER, Esv.GET, ()), False),  # our own request, received again
        (Frame(7, METER, US, Esv.INF, ()), False),  # a notification that happens to have our TID
    ],
)
def test_a_late_or_foreign_frame_is_no_answer(reply: Frame, is_answer: bool) -> None:
    assert answers(reply, get(7, METER, (0xE7,))) is is_answer


@pytest.mark.parametrize(("deoj", "is_answer"), [(0x028800, True), (0x028700, False), (0x020000, False)])
def test_a_request_to_all_instances_is_answered_by_each(deoj: int, is_answer: bool) -> None:
    assert answers(Frame(7, METER, US, Esv.GET_RES, ()), get(7, deoj, (0xE7,))) is is_answer


MAPS = [
    ("00", ()),
    ("03 80E7EA", (0x80, 0xE7, 0xEA)),
    ("0F" + "".join(f"{epc:02X}" for epc in range(0x80, 0x8F)), range(0x80, 0x8F)),
    ("10" + "01" * 16, range(0x80, 0x90)),
    ("10" + "00" * 14 + "FFFF", [high + low for high in range(0x80, 0x100, 0x10) for low in (0xE, 0xF)]),
    (
        "19 41414160404000624300414040430202",  # a meter's own, capture x9F
        bytes.fromhex("80818288 8A8D 9798 9D9E9F D3D7 E0E1E2E3E4E5E7E8EAEBECED"),
    ),
    ("80" + "FF" * 16, range(0x80, 0x100)),
]


@pytest.mark.parametrize(("text", "epcs"), MAPS, ids=[text[:4] for text, _ in MAPS])
def test_a_property_map_reads_and_writes_in_both_formats(text: str, epcs: bytes) -> None:
    assert decode_property_map(bytes.fromhex(text)) == set(epcs)
    assert encode_property_map(epcs) == bytes.fromhex(text)


def test_a_property_map_may_list_in_any_order() -> None:
    assert decode_property_map(b"\x03\xea\x80\xe7") == {0x80, 0xE7, 0xEA}


@pytest.mark.parametrize(
    ("text", "offset"),
    [("", 0), ("03 80E7", 3), ("01 80E7", 2), ("10" + "01" * 15, 16), ("10" + "01" * 17, 17), ("11" + "01" * 16, 0)],
)
def test_a_broken_property_map_is_refused_with_the_byte(text: str, offset: int) -> None:
    with pytest.raises(WireError) as refusal:
        decode_property_map(bytes.fromhex(text))
    assert refusal.value.offset == offset


def test_an_instance_list_names_its_objects() -> None:
    assert decode_instance_list(bytes.fromhex("02 028801 026B01")) == (0x028801, 0x026B01)
    assert decode_instance_list(b"\0") == ()


@pytest.mark.parametrize(("text", "offset"), [("", 0), ("01 0288", 3), ("01 028801 02", 4)])
def test_a_broken_instance_list_is_refused_with_the_byte(text: str, offset: int) -> None:
    with pytest.raises(WireError) as refusal:
        decode_instance_list(bytes.fromhex(text))
    assert refusal.value.offset == offset


@pytest.mark.parametrize("read", [objects, property_map])
@pytest.mark.parametrize("edt", ["", "0205FF01"])
def test_a_list_that_contradicts_itself_is_no_value(read: Callable[[bytes], object], edt: str) -> None:
    with pytest.raises(ValueError, match=r"instance list|property map"):
        read(bytes.fromhex(edt))


@pytest.mark.parametrize(
    ("size", "known"), [(3, 0), (4, 1), (6, 1), (7, 2), (9, 2), (10, 3), (11, 4)], ids=lambda value: str(value)
)
def test_of_a_frame_cut_short_only_what_came_whole_is_shown(size: int, known: int) -> None:
    remains = salvage(bytes.fromhex("1081 1234 028801 05FF01 72 01 E7 04 00000278")[:size])
    whole = (0x1234, 0x028801, 0x05FF01, Esv.GET_RES)
    assert (remains.tid, remains.seoj, remains.deoj, remains.esv) == whole[:known] + (None,) * (4 - known)


def test_a_value_that_reads_as_none_without_a_code_of_its_row_is_no_reading() -> None:
    row = Prop(0xF0, "of a maker", 1, up_to(0xFD), codes={0xFE: "underflow"})
    assert (missing(row, b"\xfe"), missing(row, b"\xff")) == ("underflow", "no reading")
