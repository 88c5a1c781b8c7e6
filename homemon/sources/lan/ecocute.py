"""The EcoCute, class 0x026B (electric water heater), and its kin: their properties.

`ecocute power=,powerSum=,tank=` is what the original script wrote: 84 in W, 85 as the bare count
of its register (0.001 kWh each), E1 in litres. All three are optional in the standard, and a unit
that lacks one (the Panasonic HE-WU46KQ has no 84) refuses it in the same answer that holds the
others: so the point has the fields that came. E1 may exceed the tank's capacity E2.

A hybrid water heater (02A6), which has a gas burner and a heat pump, has a class of its own and the same three
properties. A gas water heater (0272) has none of them: E1 is a temperature there.

Source: ECHONET Device objects appendix, super class and classes 0x026B, 0x0272 and 0x02A6.
"""

from homemon.echonet.properties import (
    DEGREES,
    U8,
    U16,
    Prop,
    choice,
    clock,
    hex_text,
    table,
    u16,
    up_to_100,
)

ON_OFF = choice({0x41: "on", 0x42: "off"})
HEATING = choice({0x41: "heating", 0x42: "not heating"})
MODE = choice({0x41: "automatic", 0x42: "manual", 0x43: "stopped"})
DRAWN = choice({0x41: "drawn", 0x42: "not drawn"})


def hours(edt: bytes) -> str | None:
    """Return B9 of a hybrid one: from when to when, each an hour and a minute."""
    times = [clock(edt[:2]), clock(edt[2:])]
    return "-".join(filter(None, times)) if all(times) else None


PROPS = table(
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
    Prop(0xD8, "usable hot water", 2, u16, "L", U16),
    Prop(0xDB, "rated power in winter", 2, u16, "W", U16),
    Prop(0xDC, "rated power in spring and autumn", 2, u16, "W", U16),
    Prop(0xDD, "rated power in summer", 2, u16, "W", U16),
    Prop(0xE0, "volume to heat set", 1, up_to_100, "%", U8),
    Prop(0xE1, "hot water left", 2, u16, "L", U16),
    Prop(0xE2, "tank capacity", 2, u16, "L", U16),
    Prop(0xE3, "automatic bath", 1, ON_OFF),
    Prop(0xE4, "bath reheating", 1, ON_OFF),
    Prop(0xE5, "adding hot water to the bath", 1, ON_OFF),
    Prop(0xE6, "cooling the bath", 1, ON_OFF),
    Prop(0xE9, "bathroom priority", 1, ON_OFF),
    Prop(0xEA, "bath", 1, choice({0x41: "filling", 0x42: "stopped", 0x43: "keeping warm"})),
)

_SUN = choice({0x41: "off", 0x42: "own use first", 0x43: "selling first", 0x44: "cheapest"})
HYBRID_PROPS = table(
    Prop(0xB2, "heating water", 1, HEATING),
    Prop(0xB3, "heating the house", 1, HEATING),
    Prop(0xB6, "hot water by the burner only", 1, ON_OFF),
    Prop(0xB7, "house heating by the burner only", 1, ON_OFF),
    Prop(0xB8, "solar mode", 1, _SUN),
    Prop(0xB9, "solar hours", 4, hours),
    *(PROPS[epc] for epc in (0xB0, 0xC3, 0xE1, 0xE2)),
)
TABLES = {0x026B: PROPS, 0x02A6: HYBRID_PROPS}
