"""How fast bytes become values. Everything is counted in CPU time of one process."""

import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

from homemon.core.points import JST, Point
from homemon.echonet import codec as echonet
from homemon.echonet import properties
from homemon.skstack.lines import Parser, Udp
from homemon.sources.lan import ecocute
from homemon.sources.meter import properties as meter
from tests.longrun.benchmarks.installed import peer
from tests.longrun.benchmarks.measure import Benchmark, Outcome, cpu_of_calls, in_turns, per_second

Decode = Callable[[bytes], Any]

HEAD = "1081 0001 {} 05FF01 72 "
METER, HEATER = HEAD.format("028801"), HEAD.format("026B01")
E7 = bytes.fromhex(METER + "01 E7040000020B")
ECOCUTE = bytes.fromhex(HEATER + "03 84020320 85040001E240 E1020118")
EA = bytes.fromhex(METER + "01 EA0B 07EA0B17 0E1E00 0000458E")
E2 = bytes.fromhex(METER + "01 E2C2 0000" + "0000458E" * 29 + "FFFFFFFE" * 19)
LINE = (
    b"ERXUDP FE80:0000:0000:0000:0200:AA00:0000:0002 FE80:0000:0000:0000:0200:AA00:0000:0001 "
    b"0E1A 0E1A 0200AA0000000002 1 0 0012 " + E7.hex().upper().encode() + b"\r\n"
)
SCALE = meter.Scale(-1, 1)
PARSER = Parser()
ROUNDS, CALLS = 25, 2000


def side_by_side(ours: Decode, reference: Decode, data: bytes) -> Outcome:
    """One frame after the other, by both."""
    calls = CALLS if len(data) < 100 else CALLS // 5
    return in_turns(
        lambda: cpu_of_calls(lambda: ours(data), calls), lambda: cpu_of_calls(lambda: reference(data), calls), ROUNDS
    )


# --- ours ------------------------------------------------------------------------


def meter_values(data: bytes) -> list[Any]:
    return [properties.value_of(meter.PROPS, prop) for prop in echonet.decode(data).reported]


def ecocute_values(data: bytes) -> list[Any]:
    return [properties.value_of(ecocute.PROPS, prop) for prop in echonet.decode(data).reported]


def points_of(line: bytes) -> list[Point]:
    """A line as it comes from the module, to what is stored."""
    (event,) = PARSER.feed(line)
    assert isinstance(event, Udp)
    return meter.report(echonet.decode(event.data), SCALE).points


# --- the floor: this very frame, by hand ---------------------------------------------

HEADER = "H2x3s3sBB"
E7_FRAME = struct.Struct(f">{HEADER}BBi")
ECOCUTE_FRAME = struct.Struct(f">{HEADER}BBHBBIBBH")
EA_FRAME = struct.Struct(f">{HEADER}BBH5BI")
E2_FRAME = struct.Struct(f">{HEADER}BBH48I")
REGISTERS_END = 99_999_999


def struct_e7(data: bytes) -> int | None:
    ehd, seoj, _, esv, opc, epc, pdc, value = E7_FRAME.unpack(data)
    if (ehd, seoj, esv, opc, epc, pdc) != (0x1081, b"\x02\x88\x01", 0x72, 1, 0xE7, 4):
        raise ValueError(data)
    return None if value in (0x7FFFFFFE, 0x7FFFFFFF, -0x80000000) else value


def struct_ecocute(data: bytes) -> tuple[int | None, ...]:
    ehd, seoj, _, esv, opc, epc1, pdc1, power, epc2, pdc2, energy, epc3, pdc3, tank = ECOCUTE_FRAME.unpack(data)
    if (ehd, seoj, esv, opc) != (0x1081, b"\x02\x6b\x01", 0x72, 3):
        raise ValueError(data)
    if (epc1, pdc1, epc2, pdc2, epc3, pdc3) != (0x84, 2, 0x85, 4, 0xE1, 2):
        raise ValueError(data)
    return (
        power if power < 0xFFFE else None,
        energy if energy <= 999_999_999 else None,
        tank if tank < 0xFFFE else None,
    )


def struct_ea(data: bytes) -> tuple[int, int] | None:
    ehd, seoj, _, esv, opc, epc, pdc, year, month, day, hour, minute, second, register = EA_FRAME.unpack(data)
    if (ehd, seoj, esv, opc, epc, pdc) != (0x1081, b"\x02\x88\x01", 0x72, 1, 0xEA, 11):
        raise ValueError(data)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=JST)
    return (int(moment.timestamp()), register) if register <= REGISTERS_END else None


def struct_e2(data: bytes) -> tuple[int, tuple[int | None, ...]]:
    ehd, seoj, _, esv, opc, epc, pdc, day, *registers = E2_FRAME.unpack(data)
    if (ehd, seoj, esv, opc, epc, pdc) != (0x1081, b"\x02\x88\x01", 0x72, 1, 0xE2, 194):
        raise ValueError(data)
    return day, tuple([register if register <= REGISTERS_END else None for register in registers])


def split_line(line: bytes) -> int:
    """The floor of a line: no check, no name, no point."""
    data = bytes.fromhex(line.split()[-1].decode())
    return int.from_bytes(data[-4:], signed=True)


# --- peers -----------------------------------------------------------------------


def momonga(epc: int) -> Decode:
    """Checks TID, objects, the length of the frame and that of a value; refuses any object but a meter."""
    module = peer("momonga.momonga")
    data_module = peer("momonga.momonga_echonet_data")
    code = peer("momonga.momonga_echonet_enum").EchonetPropertyCode(epc)
    asked = [data_module.EchonetProperty(code)]
    parse = data_module.PARSER_MAP[code]
    unit = () if epc == 0xE7 else (0.1, 1)
    extract = module.Momonga._extract_response_payload
    return lambda data: [parse(prop.edt, *unit) for prop in extract(data, 1, asked)]


def pychonet(module: str, name: str) -> Decode:
    """Checks neither the length of a frame nor that of a value."""
    decode = peer("pychonet.lib.functions").decodeEchonetMsg
    instance = peer("pychonet.EchonetInstance")
    table = {**instance.EPC_SUPER_FUNCTIONS, **getattr(peer(f"pychonet.{module}"), name).EPC_FUNCTIONS}
    call = instance.call_epc_function
    return lambda data: [call(table[prop["EPC"]], prop["EDT"]) for prop in decode(data)["OPC"]]


def uecho() -> Decode:
    """Checks the length of a frame; its values are unsigned integers, whatever the property."""
    message, number = peer("uecho.message").Message, peer("uecho.util.bytes").Bytes.to_int

    def decode(data: bytes) -> list[int]:
        parsed = message()
        parsed.parse_bytes(data)
        return [number(prop.data) for prop in parsed.properties]

    return decode


# --- the table -------------------------------------------------------------------

METERS = ("LowVoltageSmartElectricEnergyMeter", "LowVoltageSmartElectricEnergyMeter")
HEATERS = ("ElectricWaterHeater", "ElectricWaterHeater")
PEER, FLOOR = 1.0, 0.5
GENERAL = (
    "the floor knows the one layout it expects; decode reads any frame, names each fault by its byte, and gives a "
    "frame that the rest of the program can ask. To come near it takes a second decoder, of the frames that we ask "
    "for and no others; a meter sends one a minute"
)


def row(what: str, ours: Decode, data: bytes, name: str, make: Callable[[], Decode], reach: float) -> Benchmark:
    """A frame decoded by us and by another."""
    return Benchmark(f"decode {what}", name, reach, per_second, lambda: side_by_side(ours, make(), data), GENERAL)


BENCHMARKS = (
    row("E7", meter_values, E7, "struct, by hand", lambda: struct_e7, FLOOR),
    row("E7", meter_values, E7, "momonga", lambda: momonga(0xE7), PEER),
    row("E7", meter_values, E7, "pychonet, which checks no length", lambda: pychonet(*METERS), PEER),
    row("E7", meter_values, E7, "uecho, which checks no value", uecho, PEER),
    row("EcoCute, three values", ecocute_values, ECOCUTE, "struct, by hand", lambda: struct_ecocute, FLOOR),
    row(
        "EcoCute, three values",
        ecocute_values,
        ECOCUTE,
        "pychonet, which checks no length",
        lambda: pychonet(*HEATERS),
        PEER,
    ),
    row("EcoCute, three values", ecocute_values, ECOCUTE, "uecho, which checks no value", uecho, PEER),
    row("EA", meter_values, EA, "struct, by hand", lambda: struct_ea, FLOOR),
    row("EA", meter_values, EA, "momonga", lambda: momonga(0xEA), PEER),
    row("E2", meter_values, E2, "struct, by hand", lambda: struct_e2, FLOOR),
    row("E2", meter_values, E2, "momonga", lambda: momonga(0xE2), PEER),
    Benchmark(
        "an ERXUDP line to a point",
        "split, fromhex and int",
        0.12,
        per_second,
        lambda: side_by_side(points_of, split_line, LINE),
        "the floor checks nothing: not that the line is whole and no other is stuck to it, nor its fields, nor the "
        "frame in it, nor the value; and it gives a number, not a point. To be there each day, one of them would have "
        "to go; the module says a few lines a minute",
    ),
)
