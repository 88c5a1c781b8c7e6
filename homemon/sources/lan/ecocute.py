"""The EcoCute, class 0x026B (electric water heater), and its kin: their properties, and the one point they give.

`ecocute power=,powerSum=,tank=` is what the original script wrote: 84 in W, 85 as the bare count
of its register (0.001 kWh each), E1 in litres. All three are optional in the standard, and a unit
that lacks one (the Panasonic HE-WU46KQ has no 84) refuses it in the same answer that holds the
others: so the point has the fields that came. E1 may exceed the tank's capacity E2.

A hybrid water heater (02A6), which has a gas burner beside its heat pump, has a class of its own and the same three
properties. A gas water heater (0272) has none of them: E1 is a temperature there.

Source: ECHONET Device objects appendix, super class and classes 0x026B, 0x0272 and 0x02A6.
"""

from collections.abc import Iterable
from typing import NamedTuple

from homemon.core.points import Number, Point
from homemon.echonet.codec import Frame
from homemon.echonet.properties import (
    DEGREES,
    SUPER_CLASS,
    U8,
    U16,
    Common,
    Prop,
    choice,
    clock,
    hex_text,
    unsigned,
    up_to_100,
    value_of,
)

EOJ = 0x026B01
CLASSES = (0x026B, 0x02A6)
"""Classes whose 84, 85 and E1 are the point's fields, the EcoCute's own first."""
MEASUREMENT = "ecocute"
FIELDS = {0x84: "power", 0x85: "powerSum", 0xE1: "tank"}
"""EPC → field, in the order of the original's line; also what a poll asks for."""

ON_OFF = choice({0x41: "on", 0x42: "off"})
HEATING = choice({0x41: "heating", 0x42: "not heating"})
MODE = choice({0x41: "automatic", 0x42: "manual", 0x43: "stopped"})
DRAWN = choice({0x41: "drawn", 0x42: "not drawn"})


def hours(edt: bytes) -> str | None:
    """B9 of a hybrid one: from when to when, each an hour and a minute."""
    times = [clock(edt[:2]), clock(edt[2:])]
    return "-".join(filter(None, times)) if all(times) else None


_OWN: tuple[Prop[Common], ...] = (
    Prop(0xB0, "heating mode", 1, MODE),
    Prop(0xB1, "automatic heating temperature", 1, ON_OFF),
    Prop(0xB2, "heating", 1, HEATING),
    Prop(0xB3, "heating temperature set", 1, up_to_100, "°C", DEGREES),
    Prop(0xB6, "tank mode", 1, choice({0x41: "standard", 0x42: "saving", 0x43: "extra"})),
    Prop(0xC0, "daytime reheating", 1, choice({0x41: "permitted", 0x42: "not permitted"})),
    Prop(0xC1, "water temperature", 1, up_to_100, "°C", DEGREES),
    Prop(0xC2, "alarms", 4, hex_text),
    Prop(0xC3, "hot water", 1, DRAWN),
    Prop(0xD1, "supply temperature set", 1, up_to_100, "°C", DEGREES),
    Prop(0xD3, "bath temperature set", 1, up_to_100, "°C", DEGREES),
    Prop(0xD8, "usable hot water", 2, unsigned, "L", U16),
    Prop(0xDB, "rated power in winter", 2, unsigned, "W", U16),
    Prop(0xDC, "rated power in spring and autumn", 2, unsigned, "W", U16),
    Prop(0xDD, "rated power in summer", 2, unsigned, "W", U16),
    Prop(0xE0, "volume to heat set", 1, up_to_100, "%", U8),
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

_SUN = choice({0x41: "off", 0x42: "own use first", 0x43: "selling first", 0x44: "cheapest"})
_HYBRID: tuple[Prop[Common], ...] = (
    Prop(0xB0, "heating mode", 1, MODE),
    Prop(0xB2, "heating water", 1, HEATING),
    Prop(0xB3, "heating the house", 1, HEATING),
    Prop(0xB6, "hot water by the burner only", 1, ON_OFF),
    Prop(0xB7, "house heating by the burner only", 1, ON_OFF),
    Prop(0xB8, "solar mode", 1, _SUN),
    Prop(0xB9, "solar hours", 4, hours),
    Prop(0xC3, "hot water", 1, DRAWN),
    Prop(0xE1, "hot water left", 2, unsigned, "L", U16),
    Prop(0xE2, "tank capacity", 2, unsigned, "L", U16),
)
HYBRID_PROPS = {prop.epc: prop for prop in (*SUPER_CLASS, *_HYBRID)}


class Report(NamedTuple):
    """What one answer said: at most one point, the EPCs it refused, and complaints for a person."""

    points: list[Point]
    refused: list[int]
    complaints: list[str]


def is_kin(eoj: int) -> bool:
    """Whether an object is an EcoCute, or something that is read like one."""
    return eoj >> 8 in CLASSES


def found_among(objects: Iterable[int], eoj: int = EOJ) -> int | None:
    """The object that `eoj` means on a node: itself, or for the default the only one that is read like it."""
    objects = list(objects)
    if eoj in objects:
        return eoj
    kin = [each for each in objects if is_kin(each) and each >> 8 != EOJ >> 8]
    return kin[0] if eoj == EOJ and len(kin) == 1 else None


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
