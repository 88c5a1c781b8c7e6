"""What Home Assistant has to know of the values: its MQTT discovery, made of the registry's rows alone.

One retained message describes a device with all its entities (`device`, since Home Assistant 2024.11); an older one
takes a message for each entity (`entities`). Source: the documentation of Home Assistant's MQTT integration and its
source (sensor/const.py: which unit and state class a device class takes), tried with 2024.3, 2026.2 and 2026.11.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from homemon.core.language import said
from homemon.delivery.live import Message, counts_for, slug, topic
from homemon.sources.source import Kind, Series, Source

ROOT = "homeassistant"
BIRTH = f"{ROOT}/status"
"""Where Home Assistant says `online` when it starts."""
MIGRATE = json.dumps({"migrate_discovery": True})
"""Has Home Assistant hand its entities over from one way of discovery to the other."""
USUAL = "homemon"
HALF_HOUR = (" (30分間)", " (half-hour)")


class Known(NamedTuple):
    """What an entity is in Home Assistant; empty where it has no word for it."""

    device_class: str
    unit: str
    state_class: str


CLASSES = {
    ("W", Kind.LEVEL): Known("power", "W", "measurement"),
    ("A", Kind.LEVEL): Known("current", "A", "measurement"),
    ("V", Kind.LEVEL): Known("voltage", "V", "measurement"),
    ("°C", Kind.LEVEL): Known("temperature", "°C", "measurement"),
    ("L", Kind.LEVEL): Known("volume_storage", "L", "measurement"),  # volume takes no measurement
    ("kWh", Kind.REGISTER): Known("energy", "kWh", "total_increasing"),
    ("0.001 kWh", Kind.REGISTER): Known("energy", "Wh", "total_increasing"),
    ("kWh", Kind.HALF_HOURS): Known("energy", "kWh", ""),  # energy takes no measurement, and this is no total
}
STATES = {Kind.LEVEL: "measurement", Kind.REGISTER: "total_increasing"}
"""Of a series whose unit is in none of the rows above, so that a new device needs none."""


class House(NamedTuple):
    """Whose values they are: the beginning of its topics, its language, and which listeners it has.

    `version` is homemon's.
    """

    prefix: str
    language: str
    version: str
    listeners: Collection[str] = ()

    @property
    def node(self) -> str:
        """Its name in topics and ids of Home Assistant, which take letters, digits, _ and -; no other prefix has it."""
        if re.fullmatch("[a-z0-9_]+", self.prefix):
            return self.prefix
        digest = blake2b(self.prefix.encode(), digest_size=3).hexdigest()
        return "_".join((*re.findall("[a-z0-9]+", self.prefix.lower()), digest))


Devices = Sequence[tuple[Source, Sequence[Series]]]
"""The sources of a house, and which of its series each has."""


def announced(way: str, house: House, devices: Devices) -> list[Message]:
    """Return what is retained for Home Assistant: `way` is device, entities, or off for nothing."""
    return [Message(*each) for source, series in devices for each in WAYS[way](house, source, series)]


def topics(house: House, devices: Devices) -> list[str]:
    """Return where anything of these may be retained, in whichever way."""
    return [each.topic for way in WAYS for each in announced(way, house, devices)]


def _device(house: House, source: Source, series: Sequence[Series]) -> Iterator[tuple[str, str]]:
    components = {_name(each): {"p": "sensor"} | _entity(house, source, each) for each in series}
    yield (
        f"{ROOT}/device/{house.node}_{source.look}/config",
        _text({"dev": _about(house, source), "o": _origin(house), "qos": 1, "cmps": components}),
    )


def _entities(house: House, source: Source, series: Sequence[Series]) -> Iterator[tuple[str, str]]:
    shared = {"dev": _about(house, source), "o": _origin(house), "qos": 1}
    for each in series:
        entity = _entity(house, source, each)
        entity["object_id"] = str(entity.pop("def_ent_id")).partition(".")[2]  # of which newer ones warn
        yield f"{ROOT}/sensor/{house.node}/{_name(each)}/config", _text(entity | shared)


WAYS: Mapping[str, Callable[[House, Source, Sequence[Series]], Iterator[tuple[str, str]]]] = {
    "device": _device,
    "entities": _entities,
    "off": lambda house, source, series: iter(()),
}


def _name(series: Series) -> str:
    return slug(series) if series.field == "value" else f"{slug(series)}_{series.field}"


def _about(house: House, source: Source) -> dict[str, object]:
    name = said(source.name, house.language)
    whose = "" if house.prefix == USUAL else f" ({house.prefix})"
    return {"ids": [f"{house.node}_{source.look}"], "name": f"{name[:1].upper()}{name[1:]}{whose}"}


def _origin(house: House) -> dict[str, str]:
    return {"name": "homemon", "sw": house.version}


def _entity(house: House, source: Source, series: Series) -> dict[str, object]:
    """Return an entity without the platform; an empty value is left out."""
    known = CLASSES.get((series.unit, series.kind), Known("", series.unit, STATES.get(series.kind, "")))
    heard = series.measurement in source.pushed and source.listener in house.listeners
    entity = {
        "name": label(series, house.language),
        "uniq_id": f"{house.node}_{_name(series)}",
        "def_ent_id": f"sensor.{house.node}_{_name(series)}".lower(),
        "stat_t": topic(house.prefix, series),
        "val_tpl": f"{{{{ value_json.{series.field} | default(none) }}}}",
        "dev_cla": known.device_class,
        "unit_of_meas": known.unit,
        "stat_cla": known.state_class,
        "exp_aft": counts_for(source, series),
        "avty_t": status_topic(house.prefix, source.listener) if heard else "",
    }
    return {name: value for name, value in entity.items() if value}


def label(series: Series, language: str) -> str:
    """Return what people call a series; its field where nobody gave it a name."""
    name = said(series.label, language) or series.field
    return name + (said(HALF_HOUR, language) if series.kind is Kind.HALF_HOURS else "")


def status_topic(prefix: str, listener: str) -> str:
    """Return where it stands whether a listener runs: `online` or `offline`."""
    return f"{prefix}/{listener}/status"


def _text(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
