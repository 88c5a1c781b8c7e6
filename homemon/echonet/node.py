"""The node profile, class 0x0EF0: who a node is, and the names of what there may be on a LAN.

Sources: ECHONET Lite Specification, Part II, chapter 6 (node profile) and the class codes of the device
objects appendix; of the consortium's maker codes those that two public lists agree on, and that make
something which is found next to an EcoCute or a meter.
"""

from collections.abc import Mapping
from typing import NamedTuple

from homemon.echonet.codec import Property
from homemon.echonet.properties import Prop, ascii_text, hex_text, value_of

CLASSES = {
    0x0011: "temperature sensor",
    0x0012: "humidity sensor",
    0x0022: "electric energy sensor",
    0x0130: "air conditioner",
    0x0133: "ventilation fan",
    0x0135: "air cleaner",
    0x0263: "shutter",
    0x026B: "EcoCute",
    0x026F: "electric lock",
    0x0272: "instantaneous water heater",
    0x0273: "bathroom heater and dryer",
    0x0279: "solar power",
    0x027B: "floor heater",
    0x027C: "fuel cell",
    0x027D: "storage battery",
    0x027E: "EV charger and discharger",
    0x0281: "water meter",
    0x0282: "gas meter",
    0x0287: "distribution board",
    0x0288: "smart meter",
    0x028A: "high-voltage smart meter",
    0x028D: "sub-meter",
    0x0290: "lighting",
    0x0291: "lighting, on and off",
    0x02A1: "EV charger",
    0x02A3: "lighting system",
    0x02A5: "multiple-input inverter",
    0x02A6: "hybrid water heater",
    0x03B7: "refrigerator",
    0x03D3: "washing machine",
    0x05FF: "controller",
    0x0602: "television",
    0x0EF0: "node profile",
}
MAKERS = {
    0x000001: "Hitachi",
    0x000005: "Sharp",
    0x000006: "Mitsubishi Electric",
    0x000008: "Daikin",
    0x00000B: "Panasonic",
    0x000016: "Toshiba",
    0x000017: "Toshiba Carrier",
    0x000025: "LIXIL",
    0x00003B: "Kyocera",
    0x000054: "Noritz",
    0x000057: "Eliiy Power",
    0x000059: "Rinnai",
    0x000063: "Kawamura Electric",
    0x000064: "Omron",
    0x000067: "Corona",
    0x000069: "Toshiba Lifestyle",
    0x00006C: "Nichicon",
    0x000088: "Chofu Seisakusho",
    0x00008A: "Fujitsu General",
    0x0000E2: "NextDrive",
    0x000106: "Nature",
}


def class_name(eoj: int) -> str:
    """Return the name of an EOJ's class; empty for one that is not in the table."""
    return CLASSES.get(eoj >> 8, "")


def _version(edt: bytes) -> str:
    """Return 82 of the node profile: major and minor version of the standard, 01 0E for 1.14, then message formats."""
    return f"{edt[0]}.{edt[1]}"


def _id(edt: bytes) -> str | None:
    """Return 83: FE, the maker's code, and 13 bytes of its own; None for some adapters' zeros."""
    return edt.hex().upper() if any(edt[1:]) else None


def _text(edt: bytes) -> str | None:
    """Return text for a terminal: what is not printable ASCII becomes a ?."""
    return "".join(sign if " " <= sign <= "~" else "?" for sign in ascii_text(edt)).strip() or None


_WHO: tuple[Prop[str], ...] = (
    Prop(0x82, "version", 4, _version),
    Prop(0x83, "id", 17, _id),
    Prop(0x8A, "maker", 3, hex_text),
    Prop(0x8C, "product", 12, _text),
    Prop(0x8D, "serial", 12, _text),
)
PROPS = {prop.epc: prop for prop in _WHO}


class Facts(NamedTuple):
    """Who a node says that it is; None for what it does not say. `id` and `maker` are hex digits."""

    version: str | None
    id: str | None
    maker: str | None
    product: str | None
    serial: str | None

    @property
    def maker_name(self) -> str | None:
        """The maker's name, where the table has it."""
        return MAKERS.get(int(self.maker, 16)) if self.maker else None


def facts(edts: Mapping[int, bytes]) -> Facts:
    """Return the facts that EPC → EDT contain; a value of a wrong length is ignored."""
    return Facts(*(_value(epc, edts) for epc in PROPS))


def _value(epc: int, edts: Mapping[int, bytes]) -> str | None:
    try:
        return value_of(PROPS, Property(epc, edts.get(epc, b"")))
    except ValueError:
        return None
