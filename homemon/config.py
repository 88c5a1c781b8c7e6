"""config.ini: read once, checked whole, and owned by the human.

`KEYS` is the table of every section and key: how its value reads, and its default. Whatever
is wrong is told at once, each fault with its line: `config.ini:12: [smartmeter] bid: …`, and
without the value, which may be a secret. There is no interpolation and there are no inline
comments: a password may hold `%`, `;` and `#`.

Tuples are built from the table's values; a section that is not there is None.
"""

import configparser
import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from homemon.config_values import (
    directory,
    eoj,
    hex_digits,
    ipv6_address,
    number,
    one_of,
    optional_path,
    optional_text,
    route_b_password,
    seconds,
    serial_port,
    server_url,
    text,
)
from homemon.errors import ConfigError, NoConfig
from homemon.files import replace_file

PLACES = ("config.ini", "~/.config/homemon/config.ini", "/etc/homemon/config.ini")
DEFAULT_DIR = "~/.local/state/homemon"
LONGEST_TAG = 20  # characters of a tag's name
REQUIRED = object()


class Key(NamedTuple):
    """How a value reads, and what stands for it when it is not there; REQUIRED where nothing can."""

    read: Callable[[str], Any]
    default: Any = None


KEYS: dict[str, dict[str, Key]] = {
    "smartmeter": {
        "bid": Key(hex_digits(32), REQUIRED),
        "pwd": Key(route_b_password, REQUIRED),
        "address": Key(ipv6_address),
        "serial_port": Key(serial_port, "/dev/ttyAMA0"),
        "serial_bps": Key(number(300, 4_000_000), 115200),
        "history_days": Key(number(0, 99), 7),
    },
    "ecocute": {
        "host": Key(optional_text),
        "bind": Key(text, "0.0.0.0"),
        "port": Key(number(1, 65535), 3610),
        "eoj": Key(eoj, 0x026B01),
        "accept": Key(one_of("host", "any"), "host"),
    },
    "kyocera": {
        "transport": Key(one_of("i2c", "serial"), "i2c"),
        "serial_port": Key(serial_port, "/dev/ttyUSB0"),
        "serial_bps": Key(number(300, 4_000_000), 38400),
    },
    "i2c": {
        "port": Key(number(0, 255), 1),
        "reads": Key(one_of("block", "byte"), "block"),
    },
    "server": {
        "url": Key(server_url, REQUIRED),
        "db": Key(text, "smartmeter"),
        "user": Key(optional_text),
        "password": Key(optional_text),
        "token": Key(optional_text),
        "org": Key(optional_text),
        "bucket": Key(optional_text),
        "ca": Key(optional_path),
        "timeout": Key(seconds, 10.0),
    },
    "store": {
        "dir": Key(directory, Path(os.path.expanduser(DEFAULT_DIR))),
        "keep_days": Key(number(0, 36500), 0),
    },
}
ALWAYS = frozenset({"i2c", "store"})  # sections that exist, with their defaults, even where the file has none


class SmartMeter(NamedTuple):
    """The Wi-SUN module and the Route-B credentials.

    `address` is None until `join` fills it in; `history_days` is how far back the listener repairs.
    """

    bid: str
    pwd: str
    address: str | None
    serial_port: str
    serial_bps: int
    history_days: int

    def __repr__(self) -> str:
        return f"SmartMeter({self.serial_port}, bid ****, pwd ****)"


class EcoCute(NamedTuple):
    """The water heater's address, None where it is to be found, and ours.

    `accept` "any" takes notifications from other hosts too.
    """

    host: str | None
    bind: str
    port: int
    eoj: int
    accept: str


class Kyocera(NamedTuple):
    """How the solar monitor is reached."""

    transport: str
    serial_port: str
    serial_bps: int


class I2c(NamedTuple):
    """The bus with the LPC810 bridge; `reads` "byte" for adapters that cannot read a block."""

    port: int
    reads: str


class Server(NamedTuple):
    """The InfluxDB, 1.x unless a token is there. `url` carries scheme, host, port and path."""

    url: str
    db: str
    user: str | None
    password: str | None
    token: str | None
    org: str | None
    bucket: str | None
    ca: str | None
    timeout: float

    def __repr__(self) -> str:
        return f"Server({self.url})"


class Store(NamedTuple):
    """Where readings and state live, and for how many days (0: for ever)."""

    dir: Path
    keep_days: int


CLASSES = {
    "smartmeter": SmartMeter,
    "ecocute": EcoCute,
    "kyocera": Kyocera,
    "i2c": I2c,
    "server": Server,
    "store": Store,
}


class Config(NamedTuple):
    """The whole of config.ini. `path` is where it was read."""

    path: Path
    smartmeter: SmartMeter | None
    ecocute: EcoCute | None
    kyocera: Kyocera | None
    i2c: I2c
    server: Server | None
    store: Store
    tags: Mapping[str, str]


def find(named: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The config file: the one named, else $HOMEMON_CONFIG, else the first that exists of `PLACES`.

    Raises NoConfig, naming where it looked.
    """
    named = named or environment.get("HOMEMON_CONFIG")
    if named:
        return Path(named)
    for place in PLACES:
        path = Path(os.path.expanduser(place))
        if os.path.exists(path):  # one that we may not look at is as good as none
            return path
    raise NoConfig(
        f"no configuration found (looked for {', '.join(PLACES)})",
        "Copy config.ini.example to one of these places and fill it in, or name a file with --config.",
    )


def open_to_others(path: Path) -> str:
    """What to tell where others than its owner may read or write the file; empty where they may not."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"others may read {path} (mode {mode:o})" if mode & 0o077 else ""


def load(path: Path) -> Config:
    """Read and check the file. Raises ConfigError with every fault on a line of its own."""
    try:
        content = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text", "Save the file as UTF-8.") from None
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", "Check the path and the file's permissions."
        ) from None
    return parse(content, path)


def parse(content: str, path: Path) -> Config:
    """The configuration that `content` says; `path` is for the messages."""
    lines, faults = _outline(content)
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, default_section="", empty_lines_in_values=False
    )
    try:
        parser.read_string(content)
    except configparser.MissingSectionHeaderError as error:
        faults.append((error.lineno, "a line before the first [section]"))
    except configparser.ParsingError as error:
        faults += [(line, "neither a [section], nor key = value, nor a comment") for line, _ in error.errors]
    values: dict[str, Any] = {}
    for section, keys in KEYS.items():
        if parser.has_section(section) or section in ALWAYS:
            written = parser[section] if parser.has_section(section) else {}
            given = {name.lower(): value for name, value in written.items()}
            values[section] = dict(_read_section(section, keys, given, lines, faults))
    tags = dict(parser["tags"]) if parser.has_section("tags") else {}
    faults += [
        (lines.get(("tags", name), 0), f"{_place('tags', name)}: {fault}")
        for name, value in tags.items()
        if (fault := _tag_fault(name, value))
    ]
    faults += [
        (lines.get((name, ""), 0), f"{_place(name)}: no such section; there are {', '.join(KEYS)}, tags")
        for name in parser.sections()
        if name not in KEYS and name != "tags"
    ]
    _check_server(values.get("server"), lines, faults)
    if faults:
        where = sorted(set(faults))
        raise ConfigError(
            "\n".join(f"{path.name}:{line}: {fault}" if line else f"{path.name}: {fault}" for line, fault in where)
        )
    sections = {name: CLASSES[name](**values[name]) if name in values else None for name in KEYS}
    return Config(path=path, tags=tags, **sections)  # type: ignore[arg-type]


Faults = list[tuple[int, str]]
Lines = dict[tuple[str, str], int]


def _outline(content: str) -> tuple[Lines, Faults]:
    """Where each section (key "") and each key stands, by configparser's own patterns, and what stands twice."""
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
    """`[section] key` for a message, where it resembles what could stand there.

    Else a `…` in its place: on a wrong line there may stand a secret (a token can end in `=`).
    """
    from difflib import get_close_matches

    known = {name for keys in KEYS.values() for name in keys}
    if section != "tags" and not get_close_matches(section, KEYS):
        section = "…"
    if key and not (get_close_matches(key, known) or (section == "tags" and len(key) <= LONGEST_TAG)):
        key = "…"
    return f"[{section}] {key}".rstrip()


def _read_section(
    section: str, keys: Mapping[str, Key], given: Mapping[str, str], lines: Lines, faults: Faults
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
            faults.append((lines.get((section, name), 0), f"[{section}] {name}: {error}"))


def _tag_fault(name: str, value: str) -> str:
    """What makes a tag unfit for line protocol (InfluxDB 1.x manual), or nothing."""
    if not re.fullmatch(r"[A-Za-z]\w*", name) or name == "time" or len(name) > LONGEST_TAG:
        return "a tag's name is a letter, then up to 19 letters, digits and _; and not time"
    if not value:
        return "is empty, which InfluxDB refuses"
    if "\\" in value or not value.isprintable():
        return "must be printable, without a backslash, which servers read in different ways"
    return ""


def _check_server(server: Mapping[str, Any] | None, lines: Lines, faults: Faults) -> None:
    """Keys that only make sense together."""
    if not server:
        return
    line = lines.get(("server", ""), 0)
    if (server.get("user") is None) != (server.get("password") is None):
        faults.append((line, "[server] user and password go together"))
    if server.get("token") and server.get("user"):
        faults.append((line, "[server] token and user: only one of the two"))
    if (server.get("org") or server.get("bucket")) and not (server.get("org") and server.get("bucket")):
        faults.append((line, "[server] org and bucket go together"))


def replace_address(path: Path, address: str) -> None:
    """Write `address` into the one line `[smartmeter] address = …` and leave every other byte as it was.

    The file is replaced atomically and keeps mode and owner. A line is added under [smartmeter] where
    there is none. Raises OSError when the file or its folder cannot be written, or when the result would
    not say the same in all other respects.
    """
    original = path.read_bytes()
    changed = _with_address(original, address.encode("ascii"))
    if changed == original:
        return
    if not _differ_by_address(original, changed, path):
        raise OSError(errno.EINVAL, "its layout is unusual; write `address` into it by hand")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is not writable")
    replace_file(path.resolve(), changed)


def _differ_by_address(original: bytes, changed: bytes, path: Path) -> bool:
    """Whether two contents say the same but for [smartmeter] address."""
    before = parse(original.decode("utf-8-sig"), path)
    try:
        after = parse(changed.decode("utf-8-sig"), path)
    except ConfigError:
        return False
    if before.smartmeter is None or after.smartmeter is None:
        return False
    return after._replace(smartmeter=after.smartmeter._replace(address=before.smartmeter.address)) == before


_ADDRESS_LINE = re.compile(rb"(?im)^([ \t]*address[ \t]*[=:][ \t]*)([^\r\n]*)")
_SMARTMETER = re.compile(rb"(?m)^(?:\xef\xbb\xbf)?[ \t]*\[smartmeter\][^\r\n]*(\r?\n|$)")
_NEXT_SECTION = re.compile(rb"(?m)^[ \t]*\[")
_INDENT = re.compile(rb"(?m)^([ \t]*)[^\s#;]")


def _with_address(content: bytes, address: bytes) -> bytes:
    """`content` with the address in its line; unchanged where the section is not found."""
    section = _SMARTMETER.search(content)
    if section is None:
        return content
    start = section.end()
    following = _NEXT_SECTION.search(content, start)
    end = following.start() if following else len(content)
    line = _ADDRESS_LINE.search(content, start, end)
    if line:
        return content[: line.start(2)] + address + content[line.end(2) :]
    indent = _INDENT.search(content, start, end)
    newline = section[1] or b"\n"
    lead = b"" if section[1] else b"\n"
    return content[:start] + lead + (indent[1] if indent else b"") + b"address = " + address + newline + content[start:]
