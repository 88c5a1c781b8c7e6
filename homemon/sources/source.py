"""What a row of the registry says: everything about a thing that homemon reads which other rooms would list otherwise.

Texts for people are pairs, Japanese and English.
"""

from collections.abc import Mapping
from enum import Enum, auto
from importlib import import_module
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from homemon.core.language import Text
from homemon.core.points import Number

if TYPE_CHECKING:
    from homemon.echonet.properties import Prop

MINUTE, HOUR = 60, 3600  # seconds
REQUIRED = object()
Table = Mapping[int, "Prop[Any]"]
"""The properties of a class by their EPC."""


class Kind(Enum):
    """What the readings of a series are."""

    LEVEL = auto()  # measured at a moment
    REGISTER = auto()  # counted so far
    HALF_HOURS = auto()  # of one half-hour, dated at its start
    HOURS = auto()  # of one hour, likewise


class Connection(Enum):
    """How a source is reached."""

    WI_SUN = auto()
    LAN = auto()  # ECHONET Lite over UDP
    MONITOR = auto()  # the solar monitor's own line


class Setting(NamedTuple):
    """A key of config.ini: the name of its reader in `config.keys`, its default, and the reader's arguments."""

    reader: str
    default: Any = None
    of: tuple[Any, ...] = ()


class Series(NamedTuple):
    """A series of the store, in `unit`.

    `bounds` are the least and the greatest value that can have been measured. A reading older than `stale`
    seconds is marked; None where nothing is due. `label` is what people call it; the page shows a series with a `name`.
    `epc` is the property of a device on the LAN that it is read from.
    """

    measurement: str
    field: str
    unit: str
    bounds: tuple[Number, Number] = (-inf, inf)
    kind: Kind = Kind.LEVEL
    stale: int | None = None
    name: str = ""
    label: Text = ("", "")
    epc: int = 0


class Source(NamedTuple):
    """A row. `section` is its section of config.ini with its `keys`; `look` its name in `homemon check`.

    `listener` is its resident command, empty where it has none, `polls` those that cron starts. Without any reading
    for `silent_after` seconds it is at fault. `set_up` says what to write into its section, `simulator` is the
    command of `homemon simulate` for it. `classes` are those of a device on the LAN that give its series, its own
    class first; the module `table` of `homemon.sources.lan` has the properties of each in `TABLES`. `record` says which
    command reads half-hours again that were lost, empty where none can. `pushed` are the measurements that it sends by
    itself, for its listener to receive.
    """

    section: str
    look: str
    name: Text
    connection: Connection
    keys: Mapping[str, Setting]
    series: tuple[Series, ...]
    silent_after: int
    set_up: Text
    polls: tuple[str, ...]
    listener: str = ""
    simulator: str = ""
    classes: tuple[int, ...] = ()
    table: str = ""
    record: str = ""
    pushed: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that collect its readings."""
        return (self.listener, *self.polls) if self.listener else self.polls

    @property
    def title(self) -> str:
        """Its name in messages, which are English."""
        return self.name[1]

    @property
    def eoj(self) -> int:
        """The object of a device on the LAN that is meant where nothing else is configured."""
        return self.classes[0] << 8 | 1

    @property
    def tables(self) -> Mapping[int, Table]:
        """The properties of each class of a device on the LAN, loaded when they are first asked for."""
        tables: Mapping[int, Table] = import_module(f"homemon.sources.lan.{self.table}").TABLES
        return tables

    def table_of(self, eoj: int) -> Table:
        """Return the properties of an object; those of its own class where the configured one is of no other."""
        return self.tables.get(eoj >> 8) or self.tables[self.classes[0]]

    @property
    def fields(self) -> Mapping[int, str]:
        """What a poll of a device on the LAN asks for, by EPC, and the field that it becomes."""
        return {series.epc: series.field for series in self.series}
