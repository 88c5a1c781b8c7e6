"""The table of config.ini: every section and key, how its value reads, its default, and the tuples of the values."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from homemon.config.values import (
    directory,
    eoj,
    host,
    ipv6_address,
    number,
    one_of,
    optional_path,
    optional_text,
    plain,
    plain_path,
    route_b_id,
    route_b_password,
    seconds,
    serial_port,
    server_url,
    text,
)
from homemon.sources.registry import DEVICES, SOURCES
from homemon.sources.source import REQUIRED, Setting

DEFAULT_DIR = "~/.local/state/homemon"


class Key(NamedTuple):
    """How a value reads, and what stands for it when it is not there; REQUIRED where nothing can."""

    read: Callable[[str], Any]
    default: Any = None


READERS: dict[str, Callable[..., Any]] = {
    "Route-B ID": route_b_id,
    "Route-B password": route_b_password,
    "IPv6 address": ipv6_address,
    "serial port": serial_port,
    "host": host,
    "text": text,
    "EOJ": eoj,
    "number": number,
    "word": one_of,
}
"""How values read that the registry names; those with arguments are made by them."""


def _key(setting: Setting) -> Key:
    read = READERS[setting.reader]
    return Key(plain(read(*setting.of) if setting.of else read), setting.default)


KEYS: dict[str, dict[str, Key]] = {
    **{source.section: {name: _key(setting) for name, setting in source.keys.items()} for source in SOURCES},
    "i2c": {
        "port": Key(plain(number(0, 255)), 1),
        "reads": Key(plain(one_of("block", "byte")), "block"),
    },
    "server": {
        "url": Key(plain(server_url), REQUIRED),
        "db": Key(text, "smartmeter"),
        "user": Key(optional_text),
        "password": Key(optional_text),
        "token": Key(optional_text),
        "org": Key(optional_text),
        "bucket": Key(optional_text),
        "ca": Key(plain_path(optional_path)),
        "timeout": Key(plain(seconds), 10.0),
    },
    "store": {
        "dir": Key(plain_path(directory), Path(os.path.expanduser(DEFAULT_DIR))),
        "keep_days": Key(plain(number(0, 36500)), 0),
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


class Device(NamedTuple):
    """The address of a device on the LAN, None where it is to be found, and ours.

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


CLASSES: dict[str, Callable[..., Any]] = {
    "smartmeter": SmartMeter,
    **dict.fromkeys((source.section for source in DEVICES), Device),
    "kyocera": Kyocera,
    "i2c": I2c,
    "server": Server,
    "store": Store,
}
