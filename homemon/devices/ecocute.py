"""The EcoCute, class 0x026B (electric water heater): its properties, and the one point they give.

`ecocute power=,powerSum=,tank=` is what the original script wrote: 84 in W, 85 as the bare count
of its register (0.001 kWh each), E1 in litres. All three are optional in the standard, and a unit
that lacks one (the Panasonic HE-WU46KQ has no 84) refuses it in the same answer that holds the
others: so the point has the fields that came. E1 may exceed the tank's capacity E2.

Source: ECHONET Device objects appendix, super class and class 0x026B.
"""

from collections.abc import Iterable
from typing import NamedTuple

from homemon.devices.properties import (
    DEGREES,
    SUPER_CLASS,
    U8,
    U16,
    Common,
    Prop,
    choice,
    hex_text,
    unsigned,
    up_to_100,
    value_of,
)
from homemon.points import Number, Point
from homemon.wire.echonet import Frame

EOJ = 0x026B01
MEASUREMENT = "ecocute"
FIELDS = {0x84: "power", 0x85: "powerSum", 0xE1: "tank"}
"""EPC → field, in the order of the original's line; also what a poll asks for."""

ON_OFF = choice({0x41: "on", 0x42: "off"})

_OWN: tuple[Prop[Common], ...] = (
    Prop(0xB0, "heating mode", 1, choice({0x41: "automatic", 0x42: "manual", 0x43: "stopped"})),
    Prop(0xB2, "heating", 1, choice({0x41: "heating", 0x42: "not heating"})),
    Prop(0xB3, "heating temperature set", 1, up_to_100, "°C", DEGREES),
    Prop(0xC0, "daytime reheating", 1, choice({0x41: "permitted", 0x42: "not permitted"})),
    Prop(0xC1, "water temperature", 1, up_to_100, "°C", DEGREES),
    Prop(0xC2, "alarms", 4, hex_text),
    Prop(0xC3, "hot water", 1, choice({0x41: "drawn", 0x42: "not drawn"})),
    Prop(0xD1, "supply temperature set", 1, up_to_100, "°C", DEGREES),
    Prop(0xD3, "bath temperature set", 1, up_to_100, "°C", DEGREES),
    Prop(0xE0, "bath water level", 1, up_to_100, "%", U8),
    Prop(0xE1, "hot water left", 2, unsigned, "L", U16),
    Prop(0xE2, "tank capacity", 2, unsigned, "L", U16),
    Prop(0xE3, "automatic bath", 1, ON_OFF),
    Prop(0xE4, "bath reheating", 1, ON_OFF),
    Prop(0xE5, "adding hot water to the bath", 1, ON_OFF),
    Prop(0xE6, "cooling the bath", 1, ON_OFF),
    Prop(0xE9, "bathroom priority", 1, ON_OFF),
    Prop(0xEA, "bath", 1, choice({0x41: "filling", 0x42: "stopped", 0x43: "keeping warm"})),
)
PROPS = {prop.epc: prop for prop in (*SUPER_CLASS, *_OWN)}


class Report(NamedTuple):
    """What one answer said: at most one point, the EPCs it refused, and complaints for a person."""

    points: list[Point]
    refused: list[int]
    complaints: list[str]


def report(frame: Frame, eoj: int = EOJ) -> Report:
    """The point, without a time of its own, that a `frame` of the object `eoj` gives.

    Any order, more properties than asked, and none at all are taken as they come. Frames of other
    objects, and those that are no report of values, give nothing.
    """
    said = Report([], [], [])
    if frame.seoj != eoj:
        return said
    values: dict[int, Number] = {}
    for prop in frame.reported:
        if not prop.edt:
            said.refused.append(prop.epc)
        elif prop.epc in FIELDS:
            try:
                value = value_of(PROPS, prop)
            except ValueError as error:
                said.complaints.append(str(error))
                continue
            if isinstance(value, int):
                values[prop.epc] = value
    fields = {name: values[epc] for epc, name in FIELDS.items() if epc in values}
    if fields:
        said.points.append(Point(MEASUREMENT, fields))
    return said


def joined(reports: Iterable[Report]) -> Report:
    """Several answers to one question (some units answer each property by itself) as one."""
    whole = Report([], [], [])
    found: dict[str, Number] = {}
    for part in reports:
        for point in part.points:
            found.update(point.fields)
        whole.refused.extend(part.refused)
        whole.complaints.extend(part.complaints)
    fields = {name: found[name] for name in FIELDS.values() if name in found}
    if fields:
        whole.points.append(Point(MEASUREMENT, fields))
    return whole
