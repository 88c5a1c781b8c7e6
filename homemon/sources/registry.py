"""What homemon reads, one row a source: the other rooms ask here instead of listing sources themselves.

A device on the LAN is one table of properties and one row, `device`: docs/development.md walks through an example.
"""

from homemon.core.language import Text
from homemon.sources.source import HOUR, MINUTE, REQUIRED, Connection, Kind, Series, Setting, Source

BAUD = (300, 4_000_000)
WATTS = (-1_000_000, 1_000_000)  # a low-voltage contract ends at 50 kW
KWH = (0, 99_999_999 * 10_000)  # of eight digits and the largest unit
AMPERES = (-3276.7, 3276.5)  # 8000, 7FFE and 7FFF in tenths are codes
TENTHS = (-2999.9, 2999.9)  # 7530 in tenths is "no data"
U16 = (0, 0xFFFD)
COUNTS = (0, 999_999_999)  # super class, 85


def device(section: str, name: Text, classes: tuple[int, ...], *series: Series, stale: int = 30 * MINUTE) -> Source:
    """Return the row of a device on the LAN that is polled, some reading of which is due every `stale` seconds.

    Its table is the module of `homemon.sources.lan` that is called as its section.
    """
    return Source(
        section=section,
        look=section,
        name=name,
        connection=Connection.LAN,
        keys={
            "host": Setting("host"),
            "bind": Setting("IPv4 address", "0.0.0.0"),
            "port": Setting("number", 3610, (1, 65535)),
            "eoj": Setting("EOJ", classes[0] << 8 | 1),
            "accept": Setting("word", "host", ("host", "any")),
        },
        series=series,
        silent_after=stale,
        set_up=(
            "host を書き (`homemon discover` が示します)、",
            "Put its host there (`homemon discover` shows it),",
        ),
        polls=(f"device-poll {section}",),
        classes=classes,
        table=section,
    )


SMART_METER = Source(
    section="smartmeter",
    look="meter",
    name=("スマートメーター", "smart meter"),
    connection=Connection.WI_SUN,
    keys={
        "bid": Setting("Route-B ID", REQUIRED),
        "pwd": Setting("Route-B password", REQUIRED),
        "address": Setting("IPv6 address"),
        "serial_port": Setting("serial port", "/dev/ttyAMA0"),
        "serial_bps": Setting("number", 115200, BAUD),
        "history_days": Setting("number", 7, (0, 99)),
    },
    series=(
        Series("power", "value", "W", WATTS, stale=10 * MINUTE, name="power", label=("電力", "power")),
        Series("+power", "value", "kWh", KWH, Kind.REGISTER, 40 * MINUTE, "bought", ("買電", "bought")),
        Series("-power", "value", "kWh", KWH, Kind.REGISTER, 40 * MINUTE, "sold", ("売電", "sold")),
        Series("energy", "import", "kWh", KWH, Kind.REGISTER, label=("指示数 (買電)", "meter, bought")),
        Series("energy", "export", "kWh", KWH, Kind.REGISTER, label=("指示数 (売電)", "meter, sold")),
        Series("current", "r", "A", AMPERES, label=("電流 R相", "current R")),
        Series("current", "t", "A", AMPERES, label=("電流 T相", "current T")),
    ),
    silent_after=40 * MINUTE,
    set_up=(
        "bid と pwd を書いて一度 `homemon join` を実行し、",
        "Put bid and pwd there, run `homemon join` once,",
    ),
    polls=("meter-poll",),
    listener="meter-listen",
    simulator="meter",
    record="`homemon meter-history` asks the meter for half-hours of up to 99 days",
    pushed=("+power", "-power"),
)
ECOCUTE = device(
    "ecocute",
    ("エコキュート", "EcoCute"),
    (0x026B, 0x02A6),
    Series("ecocute", "power", "W", U16, Kind.LEVEL, 30 * MINUTE, "heating", ("消費電力", "power"), 0x84),
    Series("ecocute", "powerSum", "0.001 kWh", COUNTS, Kind.REGISTER, label=("消費電力量", "energy"), epc=0x85),
    Series("ecocute", "tank", "L", U16, Kind.LEVEL, 30 * MINUTE, "tank", ("残湯量", "hot water left"), 0xE1),
)._replace(polls=("ecocute-poll",), listener="ecocute-listen", simulator="ecocute")
SOLAR_MONITOR = Source(
    section="kyocera",
    look="kyocera",
    name=("太陽光発電", "solar monitor"),
    connection=Connection.MONITOR,
    keys={
        "transport": Setting("word", "i2c", ("i2c", "serial")),
        "serial_port": Setting("serial port", "/dev/ttyUSB0"),
        "serial_bps": Setting("number", 38400, BAUD),
    },
    series=(
        Series("hatuden", "value", "kWh", TENTHS, Kind.HALF_HOURS, 90 * MINUTE, "generated", ("発電", "generated")),
        Series(
            "baiden_diff",
            "value",
            "kWh",
            TENTHS,
            Kind.HALF_HOURS,
            90 * MINUTE,
            "balance",
            ("買電 − 売電", "bought − sold"),
        ),
    ),
    silent_after=24 * HOUR,
    set_up=("transport を書き、", "Put its transport there,"),
    polls=("kyocera-dump",),
    simulator="kyocera",
    record="`homemon kyocera-dump` reads the last 35 days from the solar monitor",
)
SOURCES = (
    SMART_METER,
    ECOCUTE,
    SOLAR_MONITOR,
)
AREAS = ("hokkaido", "tohoku", "tokyo", "chubu", "hokuriku", "kansai", "chugoku", "shikoku", "kyushu")
SPOT = tuple(Series("spot", area, "yen/kWh", (0.01, 999.99), Kind.HALF_HOURS) for area in ("system", *AREAS))
"""JEPX's prices; its least price is 0.01, and Okinawa has none."""
PORTAL = Series("portal", "bought", "kWh", (0, 50), Kind.HALF_HOURS)
"""A portal's half-hours; a contract of low voltage ends at 50 kW, which is half as much."""
PORTAL_HOUR = Series("portal_hour", "bought", "kWh", (0, 100), Kind.HOURS)
IMPORTED = (*SPOT, PORTAL, PORTAL_HOUR)
"""What `homemon import` reads: nothing of it is ever due, and no clock of the house dated it."""
_AMOUNTS = {**dict.fromkeys(("bought", "sold", "generated", "used"), "kWh"), "yen": "yen"}
_SUM = {**_AMOUNTS, **{f"{name}_hours": "h" for name in _AMOUNTS}, "provisional": ""}
_BILL = {**_SUM, "sold_yen": "yen", "sold_yen_hours": "h", "ampere": "A"}
SUMS = tuple(
    Series(measurement, field, unit)
    for measurement, fields in {"day": _SUM, "month": _SUM, "bill": _BILL}.items()
    for field, unit in fields.items()
)
"""What homemon computes for servers, dated at the begin of the period: nothing of it is due, and no device gave it."""
NOT_MEASURED = frozenset(series.measurement for series in (*IMPORTED, *SUMS))
"""Measurements that no device of the house gave."""
SERIES = {
    (series.measurement, series.field): series
    for series in (*(series for source in SOURCES for series in source.series), *IMPORTED, *SUMS)
}
SHOWN = tuple(series for series in SERIES.values() if series.name)
"""The series on the page."""
NAMED = {series.name: series for series in SHOWN}
"""The same by their names: the page takes label and unit from here."""
DEVICES = tuple(source for source in SOURCES if source.connection is Connection.LAN)
LENGTHS = {Kind.HALF_HOURS: 30 * MINUTE, Kind.HOURS: HOUR}
ENDS_LATER = {series.measurement: LENGTHS[series.kind] for series in SERIES.values() if series.kind in LENGTHS}
"""Measurements whose time is the start of what they describe: seconds to its end."""
WATCHED = {
    series.measurement: source.section for source in SOURCES for series in source.series if series.stale is not None
}
"""Measurements of which a reading is due now and then, and the section that they need."""
HOURLY = (
    *((NAMED[name].measurement, NAMED[name].field) for name in ("bought", "sold", "generated", "balance")),
    ("ecocute", "powerSum"),
)
"""The series of which the energy of each hour is computed."""
