"""The simulated module and meter: lines that look like the captures', a join, and true values."""

import json
import re
from collections.abc import Callable

import pytest

from homemon.core.errors import DeviceError
from homemon.echonet import codec as echonet
from homemon.sim.bp35c0 import BID, PWD
from homemon.sim.house import DAY, HALF_HOUR, House
from homemon.sim.radio import METER
from homemon.sim.smart_meter import SmartMeter
from homemon.skstack.join import Credentials, Link, join
from homemon.skstack.lines import Dialect, Noise, Parser, Udp
from homemon.sources.meter import properties as meter
from tests import ROOT
from tests.desk import HOUSE, NOON, SECRETS, Desk, lines

CAPTURES = {
    capture["id"]: capture for capture in json.loads((ROOT / "tests" / "captures" / "broute.json").read_text("utf-8"))
}


# --- it looks like the captures ----------------------------------------------------------


def shape(line: str) -> str:
    """A line with every hex digit of its values alike."""
    return re.sub("[0-9A-F](?=[0-9A-F]*(?:$|[ :]))", "#", line)


def test_ropt_ends_in_cr_alone_as_captured() -> None:
    assert Desk().type("ROPT") == bytes.fromhex(CAPTURES["q02"]["raw_hex"])
    assert Desk(raw=True).type("ROPT") == b"ROPT\r\nOK 00\r"
    assert Desk(dialect="dss").type("ROPT") == b"ROPT\r\nFAIL ER04\r\n"


@pytest.mark.parametrize("end", ["\r", "\r\n"])
@pytest.mark.parametrize(
    ("dialect", "command", "said"),
    [
        ("c", "ROPT", b"ROPT\r\nOK 01\r"),
        ("c", "WOPT 01", b"WOPT 01\r\nOK\r"),
        ("c", "WOPT 02", b"WOPT 02\r\nFAIL ER06\r"),
        ("a1", "ROPT", b"ROPT\r\nOK 01\r"),
        ("dss", "ROPT", b"ROPT\r\nFAIL ER04\r\n"),
        ("dss", "WOPT 01", b"WOPT 01\r\nFAIL ER04\r\n"),
    ],
)
def test_the_modules_own_commands_are_whole_with_their_cr(dialect: str, command: str, said: bytes, end: str) -> None:
    desk = Desk(dialect=dialect, joined=True)
    assert desk.type(command, end=end) == said
    assert lines(desk.type("SKVER"))[0] == "SKVER"
    desk.type(command, end=end)
    assert lines(desk.get(0xE7))[-1] == "OK"


def test_skver_is_answered_as_captured() -> None:
    assert lines(Desk().type("SKVER")) == CAPTURES["q01"]["lines"]


@pytest.mark.parametrize(("dialect", "capture"), [("c", "q05"), ("a1", "t01")])
def test_a_scan_describes_the_pan_as_captured(dialect: str, capture: str) -> None:
    desk = Desk(dialect=dialect)
    desk.type(f"SKSETRBID {BID}")
    assert lines(desk.type("SKSCAN 2 FFFFFFFF 6" + " 0" * (dialect == "c")))[-1] == "OK"
    said = lines(desk.listen(17.5))
    wanted = [line for line in CAPTURES[capture]["lines"] if not line.startswith("EVENT")]
    assert [shape(line) for line in said[1:-1]] == [shape(line) for line in wanted]
    assert said[0].startswith("EVENT 20 ")
    assert shape(said[-1]) == shape((CAPTURES["q06"] if dialect == "c" else CAPTURES["t01"])["lines"][-1])


def test_a_send_is_echoed_confirmed_and_answered_in_the_captured_order() -> None:
    desk = Desk(joined=True)
    assert lines(desk.get(0xE7)) == CAPTURES["q09"]["lines"]
    assert not desk.listen(1.4)
    assert desk.listen(0.2).startswith(b"ERXUDP ")
    assert desk.type("SKSREG SFE 0").endswith(b"OK\r\n")
    assert lines(desk.get(0xE7)) == ["", *CAPTURES["q09"]["lines"][1:]]


@pytest.mark.parametrize(
    ("dialect", "registers", "tokens", "capture"),
    [
        ("a1", (), 9, "xE7"),
        ("c", (), 10, "q08"),
        ("c", ("SKSREG SA2 1",), 11, None),
        ("a1", ("SKSREG SA2 1",), 9, "xE7"),
    ],
)
def test_a_datagram_has_as_many_tokens_as_the_module_gives_it(
    dialect: str, registers: tuple[str, ...], tokens: int, capture: str | None
) -> None:
    desk = Desk(joined=True, dialect=dialect)
    for register in registers:
        desk.type(register)
    desk.get(0xE7)
    said = desk.listen(5).decode().split()
    assert len(said) == tokens
    if capture:
        widths = [len(token) for token in CAPTURES[capture]["lines"][0].split()]
        assert [len(token) for token in said[:-1]] == widths[:-1]


def test_a_short_payload_hangs_and_takes_the_next_command_for_the_rest() -> None:
    desk = Desk(joined=True)
    desk.type(f"SKSENDTO 1 {METER} 0E1A 1 0 000E ", b"\x10\x81")
    assert not desk.type("SKVER")
    assert b"OK" in desk.type("SKVER")  # of the send: its 14 bytes are there
    assert b"EVER" in desk.type("") + desk.type("SKVER")


@pytest.mark.parametrize(
    ("dialect", "command"),
    [
        ("c", "SKSCAN 2 FFFFFFFF 6"),
        ("a1", "SKSCAN 2 FFFFFFFF 6 0"),
        ("c", f"SKSENDTO 1 {METER} 0E1A 1 000E "),
        ("a1", f"SKSENDTO 1 {METER} 0E1A 1 0 000E "),
        ("c", "SKJOIN"),
    ],
)
def test_the_wrong_number_of_arguments_is_er05(dialect: str, command: str) -> None:
    assert lines(Desk(joined=True, dialect=dialect).type(command))[-1] == "FAIL ER05"


@pytest.mark.parametrize(
    ("command", "code"),
    [("SKFROB", "ER04"), ("SKSREG S2 99", "ER06"), ("SKREJOIN", "ER10"), ("SKTERM", "ER10"), ("SKLL64 12", "ER06")],
)
def test_what_cannot_be_is_refused_with_its_code(command: str, code: str) -> None:
    assert lines(Desk().type(command)) == [command, f"FAIL {code}"]


def test_skreset_and_a_power_cycle_forget_all_but_the_flash() -> None:
    ways: tuple[Callable[[Desk], object], ...] = (
        lambda desk: desk.type("SKRESET"),
        lambda desk: desk.module.fault("power-cycle"),
    )
    for forget in ways:
        desk = Desk(raw=True)
        desk.converse(join(SECRETS))
        assert desk.module.radio.session
        forget(desk)
        desk.listen(1)
        assert lines(desk.get(0xE7))[-1] == "FAIL ER10"
        assert b" 21 FFFF " in desk.type("SKINFO")
        assert desk.type("ROPT").endswith(b"OK 01\r")
        assert desk.module.radio.flash_writes == 1


# --- the join ----------------------------------------------------------------------------


@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("dialect", ["c", "a1", "dss"])
def test_the_real_join_dialogue_joins(dialect: str, raw: bool, echo: bool) -> None:
    desk = Desk(dialect=dialect, raw=raw)
    if not echo:
        desk.type("SKSREG SFE 0")
    spoken = Dialect.A1 if dialect == "a1" else Dialect.C
    assert desk.converse(join(SECRETS)) == Link(METER, "31", "B5FB", "0000AA0000000002", spoken)
    assert not any(isinstance(event, Noise) for event in desk.received)
    assert desk.answers(2)[-1].seoj == echonet.NODE_PROFILE  # the instance list, which is no reading
    assert desk.ask(0xE7).properties[0].edt == HOUSE.power(desk.now).to_bytes(4, signed=True)


def test_the_handshake_carries_the_route_b_id_as_in_the_field() -> None:
    desk = Desk()
    desk.converse(join(SECRETS))
    pana = [event for event in desk.received if isinstance(event, Udp) and event.rport == 0x02CC]
    assert sum(BID.encode() in event.data for event in pana) == 1
    assert all(int.from_bytes(event.data[2:4]) == len(event.data) for event in pana)
    captured = [event for line in CAPTURES["q07"]["lines"] for event in Parser().feed(line.encode() + b"\r\n")]
    assert [pana[0].data, pana[-1].data] == [e.data for e in captured if isinstance(e, Udp) and e.rport == 0x02CC]


@pytest.mark.parametrize("wrong", [Credentials(BID, "0" * 12), Credentials("F" + BID[1:], PWD)])
def test_wrong_credentials_end_in_event_24(wrong: Credentials) -> None:
    desk = Desk()
    with pytest.raises(DeviceError, match="EVENT 24"):
        desk.converse(join(wrong))


def test_another_pairing_id_finds_no_meter() -> None:
    with pytest.raises(DeviceError, match="no meter answered"):
        Desk().converse(join(Credentials(BID[:-1] + "0", PWD)))


def test_pace_shortens_the_scan_and_the_join() -> None:
    slow, fast = Desk(), Desk(pace=0.01)
    for desk in (slow, fast):
        desk.converse(join(SECRETS))
    assert slow.now - NOON - 60 > 20
    assert fast.now - NOON - 60 < 0.3


# --- the meter ---------------------------------------------------------------------------


def test_every_property_is_answered_and_reads_with_the_real_table() -> None:
    optional = {0x83, 0x84, 0x85, 0x86, 0x87, 0x89, 0x8B, 0x8C, 0x8E, 0x8F, 0x93, 0x99, 0x9A}  # of the super class
    second_generation = {0xD0, 0xEC, 0xED, 0xEE, 0xEF}
    had = meter.PROPS.keys() - optional - second_generation
    frame = Desk(joined=True).ask(*had)
    assert frame.esv is echonet.Esv.GET_RES
    assert {prop.epc for prop in frame.properties} == had
    values = {prop.epc: meter.value_of(prop) for prop in frame.properties}
    assert values[0x97] == "12:01"
    assert values[0x98] == "2026-01-31"
    assert values[0xEA] == meter.Dated(NOON, HOUSE.register_import(NOON))
    assert not [epc for epc, value in values.items() if value is None]


@pytest.mark.parametrize(("refused", "shape_byte"), [((), 0x17), (range(0x80, 0xA0), 0x0A)])
def test_the_get_map_names_what_is_answered(refused: tuple[int, ...], shape_byte: int) -> None:
    module = SmartMeter(HOUSE, refused=set(refused) - {0x9F})
    reply = module.answer(echonet.encode(echonet.get(1, meter.EOJ, (0x9F,))), NOON)
    assert reply is not None
    reported = echonet.decode_property_map(echonet.decode(reply.frame).properties[0].edt)
    for epc in range(0x80, 0x100):
        answer = module.answer(echonet.encode(echonet.get(1, meter.EOJ, (epc,))), NOON)
        assert answer is not None
        assert (answer.frame[10] == 0x72) == (epc in reported)


def test_a_refused_property_has_pdc_0_and_the_others_keep_their_values() -> None:
    desk = Desk(joined=True, meter=SmartMeter(HOUSE, refused={0xE3, 0xEB}))
    frame = desk.ask(0xE7, 0xE3)
    assert frame.esv is echonet.Esv.GET_SNA
    assert [(prop.epc, len(prop.edt)) for prop in frame.properties] == [(0xE7, 4), (0xE3, 0)]
    (pushed,) = desk.answers(HALF_HOUR)
    assert [prop.epc for prop in pushed.properties] == [0xEA]


@pytest.mark.parametrize(("exponent", "coefficient"), [(0, 1), (-1, 1), (-4, 1), (-2, 3), (1, 1)])
def test_registers_follow_unit_and_coefficient(exponent: int, coefficient: int) -> None:
    desk = Desk(joined=True, meter=SmartMeter(HOUSE, exponent, coefficient))
    values = {prop.epc: meter.value_of(prop) for prop in desk.ask(0xE1, 0xD3).properties}
    assert values[0xE1] == exponent
    assert values[0xD3] == coefficient
    frame = desk.ask(0xE0, 0xE3)
    (energy,) = meter.report(frame, meter.Scale(exponent, coefficient)).points
    unit, then = coefficient * 10.0**exponent, desk.module.truth[-1].time
    assert energy.fields["import"] == pytest.approx(HOUSE.imported(then) / 3.6e6, abs=unit)
    assert energy.fields["export"] == pytest.approx(HOUSE.exported(then) / 3.6e6, abs=unit)


def test_history_is_that_of_the_day_set_with_e5() -> None:
    desk = Desk(joined=True)
    setting = "1081000705FF010288016101E50102"  # SetC E5 = 2 days ago
    desk.request(bytes.fromhex(setting))
    assert desk.answers(5)[0].esv is echonet.Esv.SET_RES
    midnight = NOON - NOON % DAY - 9 * 3600 - 2 * DAY  # NOON is 03:00 UTC
    got = [meter.value_of(prop) for prop in desk.ask(0xE2, 0xE4).properties]
    times = range(midnight, midnight + DAY, HALF_HOUR)
    assert got[0] == meter.History(2, tuple(HOUSE.register_import(t) for t in times))
    assert got[1] == meter.History(2, tuple(HOUSE.register_export(t) for t in times))


def test_history_of_today_ends_now_and_begins_with_the_house() -> None:
    desk = Desk(joined=True)
    (today,) = [meter.value_of(prop) for prop in desk.ask(0xE2).properties]
    assert isinstance(today, meter.History)
    assert [count is None for count in today.counts] == [False] * 25 + [True] * 23
    young = Desk(joined=True, meter=SmartMeter(House(NOON - HALF_HOUR)))
    (today,) = [meter.value_of(prop) for prop in young.ask(0xE2).properties]
    assert isinstance(today, meter.History)
    assert [n for n, count in enumerate(today.counts) if count is not None] == [23, 24]


@pytest.mark.parametrize("setting", ["E50164", "E500", "E70400000000", "E5020001"])
def test_what_cannot_be_set_is_refused(setting: str) -> None:
    desk = Desk(joined=True)
    desk.request(bytes.fromhex(f"1081000705FF010288016101{setting}"))
    assert desk.answers(5)[0].esv is echonet.Esv.SETC_SNA
    assert desk.module.radio.meter.history_day == 0


@pytest.mark.parametrize(
    "rubbish", ["", "1081", "108100010288010EF0016201E700", "108200010000", "1081000105FF010288016202E700"]
)
def test_what_is_no_request_to_the_meter_gets_no_answer(rubbish: str) -> None:
    desk = Desk(joined=True)
    if rubbish:
        desk.request(bytes.fromhex(rubbish))
    assert desk.answers(30) == []


def test_one_notification_follows_each_half_hour_within_five_minutes() -> None:
    desk = Desk(joined=True, push_after=None)
    desk.listen(DAY + 300)
    pushed = [truth for truth in desk.module.truth if truth.pushed]
    assert [truth.epc for truth in pushed] == [0xEA, 0xEB] * 48
    for truth in pushed:
        assert isinstance(truth.value, tuple)
        half_hour, count = truth.value
        assert half_hour is not None
        assert 0 < truth.time - half_hour < 300
        register = HOUSE.register_import if truth.epc == 0xEA else HOUSE.register_export
        assert count == register(half_hour)


def test_nobody_who_is_not_joined_receives_a_notification() -> None:
    assert Desk().listen(DAY) == b""
