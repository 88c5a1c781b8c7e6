"""What a device on the LAN says, as readings: by its row of the registry and the table of its class."""

from collections.abc import Iterable
from typing import NamedTuple

from homemon.core.points import Number, Point
from homemon.echonet.codec import Frame
from homemon.echonet.properties import value_of
from homemon.sources.source import Source


class Report(NamedTuple):
    """What one answer said: at most one point, the EPCs it refused, and warnings for a person."""

    points: list[Point]
    refused: list[int]
    warnings: list[str]


def is_kin(source: Source, eoj: int) -> bool:
    """Return whether an object is of one of the source's classes."""
    return eoj >> 8 in source.classes


def found_among(source: Source, objects: Iterable[int], eoj: int) -> int | None:
    """Return the object that `eoj` means on a node: itself, or for the default the only one of another class."""
    objects = list(objects)
    if eoj in objects:
        return eoj
    kin = [each for each in objects if each >> 8 in source.classes[1:]]
    return kin[0] if eoj == source.eoj and len(kin) == 1 else None


def report(source: Source, frame: Frame, eoj: int | None = None) -> Report:
    """Return the point, without a time of its own, that a `frame` of the object `eoj` (by default its own) gives.

    Any order, more properties than asked, and none at all are taken as they come. Frames of other
    objects, and those that are no report of values, give nothing.
    """
    said, eoj = Report([], [], []), eoj or source.eoj
    if frame.seoj != eoj:
        return said
    table, fields, values = source.table_of(eoj), source.fields, dict[str, Number]()
    for prop in frame.reported:
        if not prop.edt:
            said.refused.append(prop.epc)
        elif prop.epc in fields:
            try:
                value = value_of(table, prop)
            except ValueError as error:
                said.warnings.append(str(error))
                continue
            if isinstance(value, int | float):
                values[fields[prop.epc]] = value
    said.points.extend(_point(source, values))
    return said


def joined(source: Source, reports: Iterable[Report]) -> list[Point]:
    """Return the one point of several answers to one question, as some units answer each property by itself."""
    values: dict[str, Number] = {}
    for part in reports:
        for point in part.points:
            values.update(point.fields)
    return _point(source, values)


def _point(source: Source, values: dict[str, Number]) -> list[Point]:
    """Return the fields that came, in the order of the row."""
    fields = {name: values[name] for name in source.fields.values() if name in values}
    return [Point(source.series[0].measurement, fields)] if fields else []
