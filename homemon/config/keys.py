"""The table of config.ini: every section and key, how its value reads, its default, and the tuples of the values."""

import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from homemon.config.values import (
    access_token,
    directory,
    eoj,
    host,
    host_needed,
    hours,
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
    service_urls,
    text,
    time_of_day,
    topic,
    yes_or_no,
)
from homemon.core import xdg
from homemon.sources.registry import DEVICES, SOURCES
from homemon.sources.source import REQUIRED, Setting

DEFAULT_DIR = "~/.local/state/homemon"
PLAIN_MQTT, SECURE_MQTT = 1883, 8883
EXAMPLE = ("00112233445566778899AABBCCDDEEFF", "0123456789AB")
"""bid and pwd in config.ini.example: nobody's, but a simulated meter's."""


class Key(NamedTuple):
    """How a value reads, and what stands for it when it is not there; REQUIRED where nothing can."""

    read: Callable[[str], Any]
    default: Any = None


READERS: dict[str, Callable[..., Any]] = {
    "Route-B ID": plain(route_b_id),
    "Route-B password": plain(route_b_password),
    "IPv6 address": plain(ipv6_address),
    "serial port": plain(serial_port),
    "host": plain(host),
    "broker": plain(host_needed),
    "IPv4 address": plain(text),
    "EOJ": plain(eoj),
    "seconds": plain(seconds),
    "time": plain(time_of_day),
    "hours": plain(hours),
    "service URLs": plain_path(service_urls),
    "topic": plain(topic),
    "yes or no": plain(yes_or_no),
    "token": plain(access_token),
    "name": text,
    "text": optional_text,
    "file": plain_path(optional_path),
    "folder": plain_path(directory),
    "URL": lambda port: plain(server_url(port)),
    "number": lambda *bounds: plain(number(*bounds)),
    "word": lambda *words: plain(one_of(*words)),
}
"""How values read, by what a Setting calls it; the last three are made by their arguments."""
SETTINGS: dict[str, Mapping[str, Setting]] = {
    **{source.section: source.keys for source in SOURCES},
    "i2c": {
        "port": Setting("number", 1, (0, 255)),
        "reads": Setting("word", "block", ("block", "byte")),
    },
    "server": {
        "url": Setting("URL", REQUIRED, (8086,)),
        "db": Setting("name", "smartmeter"),
        "user": Setting("text"),
        "password": Setting("text"),
        "token": Setting("text"),
        "org": Setting("text"),
        "bucket": Setting("text"),
        "ca": Setting("file"),
        "timeout": Setting("seconds", 10.0),
        "spread": Setting("number", 0, (0, 30)),
    },
    "mqtt": {
        "host": Setting("broker", REQUIRED),
        "port": Setting("number", None, (1, 65535)),
        "user": Setting("text"),
        "password": Setting("text"),
        "ca": Setting("file"),
        "prefix": Setting("topic", "homemon"),
        "retain": Setting("yes or no", True),
        "discovery": Setting("word", "device", ("device", "entities", "off")),
        "language": Setting("word", None, ("ja", "en")),
    },
    "homeassistant": {
        "url": Setting("URL", REQUIRED, (8123,)),
        "token": Setting("token", REQUIRED),
        "ca": Setting("file"),
    },
    "store": {
        "dir": Setting("folder", xdg.state("homemon", os.environ)),
        "keep_days": Setting("number", 0, (0, 36500)),
    },
    "serve": {
        "password": Setting("text"),
    },
    "notify": {
        "to": Setting("service URLs", ()),
        "command": Setting("text"),
        "language": Setting("word", None, ("ja", "en")),
        "quiet": Setting("hours"),
        "load": Setting("number", 80, (1, 100)),
        "tank": Setting("number", 50, (0, 1000)),
        "stale": Setting("number", 60, (1, 10_000)),
        "held": Setting("number", 60, (0, 10_000)),
        "disk": Setting("number", 500, (0, 1_000_000)),
        "daily": Setting("time", 7 * 60),
        "monthly": Setting("time", 7 * 60),
    },
    "contract": {
        "plan": Setting("name", REQUIRED),
        "ampere": Setting("number", None, (1, 200)),
        "kva": Setting("number", None, (1, 100)),
        "kw": Setting("number", None, (1, 100)),
        "reading_day": Setting("number", None, (1, 31)),
        "sell": Setting("text"),
    },
}
SECRETS = frozenset({"bid", "pwd", "password", "token"})
"""The keys of all sections whose values nobody else may read."""
DATED = "contract"
"""The section that may be there several times, each with the day from which it holds: [contract 2024-04-01]."""
NAMED = "server"
"""The section that may be there several times, the further ones with a name: [server backup]."""


def _key(setting: Setting) -> Key:
    read = READERS[setting.reader]
    return Key(read(*setting.of) if setting.of else read, setting.default)


KEYS = {section: {name: _key(setting) for name, setting in keys.items()} for section, keys in SETTINGS.items()}
ALWAYS = frozenset({"i2c", "store", "serve"})  # sections that exist, with their defaults, even where the file has none


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
    """An InfluxDB, 1.x unless a token is there. `url` carries scheme, host, port and path; `section` is its own.

    `spread`: points go within so many seconds, at a moment that is drawn each time.
    """

    url: str
    db: str
    user: str | None
    password: str | None
    token: str | None
    org: str | None
    bucket: str | None
    ca: str | None
    timeout: float
    section: str = "server"
    spread: int = 0

    def __repr__(self) -> str:
        return f"Server({self.url})"


class Mqtt(NamedTuple):
    """The broker; `port` is None for the usual one, with TLS where there is a `ca`. Topics begin with `prefix`.

    `retain`: it keeps the newest values for who subscribes later. `discovery` is how Home Assistant learns of them, in
    which `language`; None for the locale's.
    """

    host: str
    port: int | None
    user: str | None
    password: str | None
    ca: str | None
    prefix: str
    retain: bool
    discovery: str = "device"
    language: str | None = None

    @property
    def where(self) -> str:
        """Its host and its port."""
        return f"{self.host}:{self.port or (SECURE_MQTT if self.ca else PLAIN_MQTT)}"

    def __repr__(self) -> str:
        return f"Mqtt({self.host})"


class HomeAssistant(NamedTuple):
    """The Home Assistant that gets the hours, and an administrator's token."""

    url: str
    token: str
    ca: str | None

    def __repr__(self) -> str:
        return f"HomeAssistant({self.url})"


class Store(NamedTuple):
    """Where readings and state live, and for how many days (0: for ever)."""

    dir: Path
    keep_days: int


class Serve(NamedTuple):
    """What a browser must know; None where it need know nothing."""

    password: str | None

    def __repr__(self) -> str:
        return "Serve(****)" if self.password else "Serve()"


class Notify(NamedTuple):
    """Whom to notify (`to` are apprise's URLs), in which language (None: the locale's), and of what.

    `load` is in percent of the contract, `tank` in L, `stale` and `held` in minutes, `disk` in MB. Times are minutes
    since midnight, None for never.
    """

    to: tuple[str, ...]
    command: str | None
    language: str | None
    quiet: tuple[int, int] | None
    load: int
    tank: int
    stale: int
    held: int
    disk: int
    daily: int | None
    monthly: int | None

    def __repr__(self) -> str:
        return f"Notify({len(self.to)} services)"


class Contract(NamedTuple):
    """What is agreed with the electricity company, from the day `since` on; with no contract before it, ever since.

    `plan` is a plan's name or file, `sell` a price in yen a kWh or a name or file of such prices. `reading_day` is None
    where bills are of calendar months.
    """

    since: date
    plan: str
    ampere: int | None
    kva: int | None
    kw: int | None
    reading_day: int | None
    sell: str | None


CLASSES: dict[str, Callable[..., Any]] = {
    "smartmeter": SmartMeter,
    **dict.fromkeys((source.section for source in DEVICES), Device),
    "kyocera": Kyocera,
    "i2c": I2c,
    "server": Server,
    "mqtt": Mqtt,
    "homeassistant": HomeAssistant,
    "store": Store,
    "serve": Serve,
    "notify": Notify,
    DATED: Contract,
}
