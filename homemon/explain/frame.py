"""An ECHONET Lite frame: who says what to whom, property by property, by the tables of `sources`.

Names of services: ECHONET Lite Specification, Part II, 3.2.5.
"""

from collections.abc import Mapping
from typing import Any

from homemon.echonet.codec import ANSWERS, EHD, NOTIFIED, Esv, Property, Remains, decode, salvage
from homemon.echonet.properties import Prop, missing, value_of
from homemon.explain.account import Account, indented, no_sense, stops
from homemon.explain.values import Unit, said
from homemon.sources.meter import properties as meter
from homemon.sources.meter.properties import ReportedScale
from homemon.sources.objects import name_of, table_of

SERVICES = {
    Esv.SETI_SNA: ("SetI_SNA", "does not set all of"),
    Esv.SETC_SNA: ("SetC_SNA", "does not set all of"),
    Esv.GET_SNA: ("Get_SNA", "answers, but not all"),
    Esv.INF_SNA: ("INF_SNA", "announces, but not all"),
    Esv.SETGET_SNA: ("SetGet_SNA", "sets and answers, but not all"),
    Esv.SETI: ("SetI", "sets, and wants no answer"),
    Esv.SETC: ("SetC", "sets"),
    Esv.GET: ("Get", "asks for"),
    Esv.INF_REQ: ("INF_REQ", "asks to announce"),
    Esv.SETGET: ("SetGet", "sets, and asks for"),
    Esv.SET_RES: ("Set_Res", "has set"),
    Esv.GET_RES: ("Get_Res", "answers"),
    Esv.INF: ("INF", "announces"),
    Esv.INFC: ("INFC", "announces, and wants it confirmed"),
    Esv.INFC_RES: ("INFC_Res", "confirms"),
    Esv.SETGET_RES: ("SetGet_Res", "has set, and answers"),
}
ASKS = frozenset({Esv.SETI, Esv.SETC, Esv.GET, Esv.INF_REQ, Esv.SETGET, Esv.INFC_RES})
"""The services whose properties are the receiver's."""
NOT_SET = frozenset({Esv.SETI_SNA, Esv.SETC_SNA, Esv.SETGET_SNA})
"""The services that give back, in the first list, what they did not set."""
EMPTY = {
    **dict.fromkeys((*ANSWERS, *NOTIFIED, Esv.INF_SNA), "refused"),
    **dict.fromkeys((*NOT_SET, Esv.SET_RES, Esv.SETGET_RES), "set"),
    Esv.INFC_RES: "confirmed",
}
"""What a property without an EDT says, in the first list; in the second list of an answer it is refused."""


def frame(data: bytes, scale: ReportedScale) -> Account:
    """Return the account of a frame, as far as it makes sense. `scale` takes in what it reports of the meter's unit."""
    found = salvage(data)
    if found.error and data[:2] != EHD:
        return no_sense("frame", found.error)
    if found.error is None and found.seoj is not None and found.seoj >> 8 == meter.EOJ >> 8:
        scale.receive(decode(data))
    facts, lines = _head(found)
    of_whom = found.deoj if found.esv in ASKS else found.seoj
    table = table_of(of_whom or 0)
    unit = Unit(scale)
    empty = EMPTY.get(found.esv, "") if found.esv else ""
    kept = "not set, " if found.esv in NOT_SET else ""
    for name, properties, nothing, before in (
        ("properties", found.properties, empty, kept),
        ("read", found.read, "" if found.esv is Esv.SETGET else "refused", ""),
    ):
        accounts = [described(prop, table, unit, nothing, before) for prop in properties]
        if accounts or name == "properties":
            facts[name] = [each.facts for each in accounts]
        lines += [line for each in accounts for line in indented(each.lines)]
    if found.error:
        facts["error"], line = stops(found.error)
        lines += indented([line])
    return Account(facts, lines)


def _head(found: Remains) -> tuple[dict[str, Any], list[str]]:
    """Return TID, EOJs and service, as far as they are there."""
    facts: dict[str, Any] = {"type": "frame"}
    words: list[str] = []
    if found.tid is not None:
        facts["tid"] = f"{found.tid:04X}"
        words.append(f"TID {found.tid:04X}")
    for key, eoj in (("from", found.seoj), ("to", found.deoj)):
        if eoj is not None:
            facts[key] = {"eoj": f"{eoj:06X}", "name": name_of(eoj)}
            words.append(f"{key} {name_of(eoj)} {eoj:06X}")
    if found.esv is not None:
        name, meaning = SERVICES[found.esv]
        facts |= {"esv": f"{found.esv:02X}", "service": name}
        words.append(f"{name} ({found.esv:02X}): {meaning}")
    return facts, [", ".join(("ECHONET Lite", *words)).replace(", to", " to", 1)]


def described(
    prop: Property, table: Mapping[int, Prop[object]], unit: Unit, empty: str = "refused", before: str = ""
) -> Account:
    """Return the account of a property: `E7 power: 523 W`; `empty` stands for no EDT, `before` precedes a value."""
    row = table.get(prop.epc)
    name = f"{prop.epc:02X}{f' {row.name}' if row else ''}"
    facts: dict[str, Any] = {"epc": f"{prop.epc:02X}"}
    if row:
        facts["name"] = row.name
    if not prop.edt:
        return Account(facts | ({"status": empty} if empty else {}), [f"{name}: {empty}" if empty else name])
    raw = prop.edt.hex().upper()
    facts["edt"] = raw
    if before:
        facts["status"] = "not set"
    if row is None:
        size = f"{len(prop.edt)} byte{'s' if len(prop.edt) > 1 else ''}"
        return Account(facts, [f"{name}: {before}{size}, not known to homemon: {raw}"])
    try:
        value = value_of(table, prop)
    except ValueError as error:
        return Account(facts | {"error": str(error)}, [f"{name}: {before}{raw} ({error})"])
    if value is None:
        why = missing(row, prop.edt)
        return Account(facts | {"value": None, "missing": why}, [f"{name}: {before}{why} ({raw})"])
    inside = said(value, row, table, unit)
    facts["value"] = inside.value
    if row.unit:
        facts["unit"] = row.unit
    return Account(facts | dict(inside.more), [f"{name}: {before}{inside.text}", *indented(list(inside.below))])


def of_meter(prop: Property) -> Account:
    """Return the account of a property that the smart meter answered with."""
    return described(prop, meter.PROPS, Unit(ReportedScale()))
