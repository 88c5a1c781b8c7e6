"""config.ini: read once, checked whole, and owned by the human.

`config.keys.KEYS` is the table of every section and key: how its value reads, and its default. Whatever
is wrong is reported at once, each fault with its line: `config.ini:12: [smartmeter] bid: …`, and
without the value, which may be a secret. There is no interpolation and there are no inline
comments: a password may hold `%`, `;` and `#`.

Tuples are built from the table's values; a section that is not there is None.
"""

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from homemon.config.keys import (
    ALWAYS,
    CLASSES,
    DATED,
    KEYS,
    NAMED,
    Contract,
    Device,
    HomeAssistant,
    I2c,
    Key,
    Kyocera,
    Mqtt,
    Notify,
    Serve,
    Server,
    SmartMeter,
    Store,
)
from homemon.config.values import is_placeholder, straightened
from homemon.core.errors import ConfigError
from homemon.sources.registry import DEVICES
from homemon.sources.source import REQUIRED

LONGEST_TAG = 20  # characters of a tag's name
UNFILLED = "still holds the placeholder of a template"


class Config(NamedTuple):
    """The whole of config.ini. `path` is where it was read.

    `devices` are those on the LAN, `servers` all servers, by their sections, `server` the one without a name.
    `contracts` ascend by their days. `unfilled` says by section
    which keys still hold a template's placeholder; they count as not there.
    """

    path: Path
    smartmeter: SmartMeter | None
    devices: Mapping[str, Device]
    kyocera: Kyocera | None
    i2c: I2c
    server: Server | None
    store: Store
    serve: Serve
    tags: Mapping[str, str]
    contracts: tuple[Contract, ...] = ()
    notify: Notify | None = None
    servers: Mapping[str, Server] = {}
    mqtt: Mqtt | None = None
    homeassistant: HomeAssistant | None = None
    unfilled: Mapping[str, list[str]] = {}

    @property
    def sends(self) -> bool:
        """Whether readings go anywhere but into the store."""
        return bool(self.servers or self.mqtt or self.homeassistant)

    def of(self, section: str) -> Any:
        """Return a source's section; None where the file has none."""
        return self.devices.get(section) or getattr(self, section, None)

    def contract_on(self, day: date) -> Contract | None:
        """Return the contract that holds on a day; None where none does yet."""
        return next((each for each in reversed(self.contracts) if each.since <= day), None)


def load(path: Path) -> Config:
    """Read and check the file. Raise ConfigError with every fault on a line of its own."""
    try:
        content = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: not UTF-8 text{_encoding_of(error.object)}", "Save the file as UTF-8."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", "Check the path and the file's permissions."
        ) from None
    return parse(content, path)


def load_or_empty(path: Path) -> Config:
    """Read the file, or what a file with nothing in it says where there is none. Raise as `load`."""
    return load(path) if path.exists() else parse("", path)


def _encoding_of(content: bytes) -> str:
    """Return the encoding that a file which is not UTF-8 seems to have, for a message."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ", but UTF-16"
    with suppress(UnicodeDecodeError):
        content.decode("cp932")
        return ", but most likely Shift_JIS"
    return ""


def reader() -> configparser.ConfigParser:
    """Return what takes a file apart into sections and keys."""
    return configparser.ConfigParser(interpolation=None, strict=False, default_section="", empty_lines_in_values=False)


def parse(content: str, path: Path) -> Config:
    """Return the configuration in `content`; `path` is for the messages."""
    content = straightened(content)
    lines, faults = _outline(content)
    unfilled: Faults = []
    parser = reader()
    try:
        parser.read_string(content)
    except configparser.MissingSectionHeaderError as error:
        faults.append((error.lineno, "a line before the first [section]"))
    except configparser.ParsingError as error:
        faults += [(line, "neither a [section], nor key = value, nor a comment") for line, _ in error.errors]
    values: dict[str, dict[str, Any]] = {}
    dated = [name for name in parser.sections() if name.split()[:1] == [DATED]]
    named = [name for name in parser.sections() if name.split()[:1] == [NAMED] and name != NAMED]
    for section in (*(name for name in KEYS if name != DATED), *named, *dated):
        if parser.has_section(section) or section in ALWAYS:
            written = parser[section] if parser.has_section(section) else {}
            given = {name.lower(): value for name, value in written.items()}
            keys = KEYS[section.split()[0]]
            values[section] = dict(_read_section(section, keys, given, lines, faults, unfilled))
            if REQUIRED in values[section].values():  # which is a fault, or a placeholder
                del values[section]
    since = dict(_dates(dated, lines, faults))
    faults += [(lines.get((name, ""), 0), fault) for name in named if (fault := _name_fault(name))]
    tags = dict(parser["tags"]) if parser.has_section("tags") else {}
    faults += [
        (lines.get(("tags", name), 0), f"{_place('tags', name)}: {fault}")
        for name, value in tags.items()
        if (fault := _tag_fault(name, value))
    ]
    faults += [
        (lines.get((name, ""), 0), f"{_place(name)}: no such section; there are {', '.join(KEYS)}, tags")
        for name in parser.sections()
        if name not in KEYS and name != "tags" and name not in (*dated, *named)
    ]
    for section in (NAMED, *named):
        _check_server(section, values.get(section, {}), lines, faults)
    notify = values.get("notify", {})
    if notify and not any(notify.get(name, "faulty") for name in ("to", "command")):
        faults.append((lines.get(("notify", ""), 0), "[notify] needs `to` or `command`"))
    if faults:
        where = sorted(set(faults))
        raise ConfigError("\n".join(f"{path}:{line}: {fault}" if line else f"{path}: {fault}" for line, fault in where))
    by_section: dict[str, list[str]] = {}
    for line, fault in unfilled:
        by_section.setdefault(fault[1 : fault.index("]")], []).append(f"{path}:{line}: {fault}")
    sections = {name: CLASSES[name](**values[name]) if name in values else None for name in KEYS if name != DATED}
    devices = {source.section: found for source in DEVICES if (found := sections.pop(source.section))}
    servers = {name: Server(**values[name], section=name) for name in (NAMED, *named) if name in values}
    contracts = [CLASSES[DATED](since=since[name], **values[name]) for name in dated if name in values]
    return Config(
        path=path,
        devices=devices,
        tags=tags,
        servers=servers,
        contracts=tuple(sorted(contracts, key=lambda contract: contract.since)),
        unfilled=by_section,
        **sections,  # type: ignore[arg-type]
    )


Faults = list[tuple[int, str]]
Lines = dict[tuple[str, str], int]


def _outline(content: str) -> tuple[Lines, Faults]:
    """Return the lines of sections (key "") and keys, by configparser's own patterns, and what is there twice."""
    lines: Lines = {}
    faults: Faults = []
    section, indent = "", 1_000  # under a header, any inset is that of the section's keys
    for line_number, raw in enumerate(content.splitlines(), 1):
        line = raw.strip()
        inset = len(raw) - len(raw.lstrip())
        if not line or line[0] in "#;" or inset > indent:  # what is set in deeper goes on from the line before
            continue
        if header := configparser.ConfigParser.SECTCRE.match(line):
            section, key, indent = header["header"], "", 1_000
        elif option := configparser.ConfigParser.OPTCRE.match(line):
            key = option["option"].strip()
            key, indent = (key if section == "tags" else key.lower()), inset
        else:
            continue
        if (first := lines.setdefault((section, key), line_number)) != line_number:
            faults.append((line_number, f"{_place(section, key)}: stands already on line {first}"))
    return lines, faults


def _place(section: str, key: str = "") -> str:
    """Return `[section] key` for a message, where it resembles a known one.

    Else a `…` in its place: a wrong line may hold a secret (a token can end in `=`).
    """
    from difflib import get_close_matches

    known = {name for keys in KEYS.values() for name in keys}
    if section != "tags" and not get_close_matches(section.partition(" ")[0], KEYS):
        section = "…"
    if key and not (get_close_matches(key, known) or (section == "tags" and len(key) <= LONGEST_TAG)):
        key = "…"
    return f"[{section}] {key}".rstrip()


def _read_section(
    section: str, keys: Mapping[str, Key], given: Mapping[str, str], lines: Lines, faults: Faults, unfilled: Faults
) -> Iterator[tuple[str, Any]]:
    for name in given.keys() - keys.keys():
        fault = f"{_place(section, name)}: no such key; there are {', '.join(keys)}"
        faults.append((lines.get((section, name), 0), fault))
    for name, key in keys.items():
        if name not in given:
            if key.default is REQUIRED:
                faults.append((lines.get((section, ""), 0), f"[{section}] {name}: is missing"))
            yield name, key.default
            continue
        try:
            yield name, key.read(given[name])
        except ValueError as error:
            if is_placeholder(given[name]):
                unfilled.append((lines.get((section, name), 0), f"[{section}] {name}: {UNFILLED}"))
                yield name, key.default
                continue
            faults.append((lines.get((section, name), 0), f"[{section}] {name}: {error}"))


def _dates(sections: Iterable[str], lines: Lines, faults: Faults) -> Iterator[tuple[str, date]]:
    """Yield the day from which each contract holds; one without a day was there before all others."""
    known = set()
    for name in sections:
        try:
            since = date.fromisoformat("".join(name.split()[1:]) or date.min.isoformat())
        except ValueError:
            faults.append((lines.get((name, ""), 0), f"[{DATED} …]: is to be a day, such as [{DATED} 2024-04-01]"))
            continue
        if since in known:
            faults.append((lines.get((name, ""), 0), f"[{name}]: another contract begins on that day"))
        known.add(since)
        yield name, since


def _name_fault(section: str) -> str:
    """Return what makes a further server's name unfit for `homemon upload` and a file's name; empty for a good one."""
    name = section.removeprefix(NAMED).strip()
    if not re.fullmatch(f"[a-z][a-z0-9_-]{{0,{LONGEST_TAG - 1}}}", name):
        return f"[{NAMED} …]: a name is a small letter, then up to 19 small letters, digits, - and _"
    if name in KEYS or section != f"{NAMED} {name}":
        return f"[{section}]: another name, such as [{NAMED} backup]"
    return ""


def _tag_fault(name: str, value: str) -> str:
    """Return what makes a tag unfit for line protocol (InfluxDB 1.x manual); empty for a good one."""
    if not re.fullmatch(r"[A-Za-z]\w*", name) or name == "time" or len(name) > LONGEST_TAG:
        return "a tag's name is a letter, then up to 19 letters, digits and _; and not time"
    if not value:
        return "is empty, which InfluxDB refuses"
    if "\\" in value or not value.isprintable():
        return "must be printable, without a backslash, which servers read in different ways"
    return ""


def _check_server(section: str, server: Mapping[str, Any], lines: Lines, faults: Faults) -> None:
    """Check keys that only make sense together."""
    line = lines.get((section, ""), 0)
    if (server.get("user") is None) != (server.get("password") is None):
        faults.append((line, f"[{section}] user and password go together"))
    if server.get("token") and server.get("user"):
        faults.append((line, f"[{section}] token and user: only one of the two"))
    if (server.get("org") or server.get("bucket")) and not (server.get("org") and server.get("bucket")):
        faults.append((line, f"[{section}] org and bucket go together"))
