"""What an object is, by its class (the first two bytes of its EOJ): its name, and its table.

A class without a table of its own has the properties of the super class. The node profile's own are
its lists of objects and classes. Source: ECHONET Lite Specification, Part II; device objects appendix.
"""

from collections.abc import Mapping

from homemon.echonet.node import class_name
from homemon.echonet.properties import ANY_SIZE, Objects, Prop, objects, table, u16, u24
from homemon.sources.meter import properties as meter
from homemon.sources.registry import DEVICES


def lite_version(edt: bytes) -> str:
    """Return 82 of a node: major, minor, and which message formats it speaks."""
    return f"ECHONET Lite {edt[0]}.{edt[1]}"


def classes(edt: bytes) -> Objects:
    """Return D7: a count, then two bytes each; as objects without an instance. Raise ValueError."""
    if not edt or len(edt) != 1 + 2 * edt[0]:
        raise ValueError(f"a list of {edt[0] if edt else 0} classes does not take {len(edt)} bytes")
    return Objects(tuple(int.from_bytes(edt[at : at + 2]) << 8 for at in range(1, len(edt), 2)))


_NODE = table(
    Prop(0x82, "version", 4, lite_version),
    Prop(0xD3, "number of objects", 3, u24),
    Prop(0xD4, "number of classes", 2, u16),
    Prop(0xD5, "objects, announced", ANY_SIZE, objects),
    Prop(0xD6, "objects", ANY_SIZE, objects),
    Prop(0xD7, "classes", ANY_SIZE, classes),
)
_SUPER = table()
TABLES: Mapping[int, Mapping[int, Prop[object]]] = {
    0x0288: meter.PROPS,
    0x0EF0: _NODE,
    **{code: table for source in DEVICES for code, table in source.tables.items()},
}
_NAMES = {code: source.title for source in DEVICES for code in source.classes}


def table_of(eoj: int) -> Mapping[int, Prop[object]]:
    """Return the properties of an object, as far as they are known."""
    return TABLES.get(eoj >> 8, _SUPER)


def known_name(eoj: int) -> str:
    """Return a class's name, such as `smart meter`; empty where the class is not known."""
    return class_name(eoj) or _NAMES.get(eoj >> 8, "")


def name_of(eoj: int) -> str:
    """Return a class's name, `object` where the class is not known."""
    return known_name(eoj) or "object"
