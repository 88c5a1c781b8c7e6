"""The steps of `homemon setup`, in their order: `STEPS` is the table. Each returns what config.ini is to say."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from homemon.config.edit import Change
from homemon.config.keys import EXAMPLE, READERS
from homemon.config.read import Config
from homemon.config.setup.dialogue import Act, Choice, Question, Say, Step, Talk
from homemon.config.setup.questions import Changes, agreed, changes_of, keyed, several, word
from homemon.config.setup.server import server
from homemon.config.setup.start import start
from homemon.config.setup.texts import AREA_NAMES, TEXTS
from homemon.energy.plan import Plan
from homemon.sources.lan.discovery import Node
from homemon.sources.lan.reports import is_kin
from homemon.sources.registry import ECOCUTE, SMART_METER, SOLAR_MONITOR

CONTRACT = "contract"
BASES = ("ampere", "kva", "kw")
I2C = "i2c"


# --- the smart meter ----------------------------------------------------------------------


def has_letter(config: Config) -> bool:
    """Return whether the values of the letter are there, and not those of the example."""
    meter = config.smartmeter
    return meter is not None and (meter.bid, meter.pwd) != EXAMPLE


def letter(config: Config) -> Talk[Changes]:
    """Ask for the two values of the letter."""
    bid = yield keyed("bid", "Route-B ID")
    pwd = (yield Question("pwd", TEXTS["pwd"], password, secret=True)) if bid else None
    if not pwd:
        yield Say(TEXTS["left out"], ("letter",))
        return []
    return changes_of(SMART_METER.section, bid=bid, pwd=pwd)


def has_joined(config: Config) -> bool:
    """Return whether the meter was found once, over the port that is configured."""
    return config.smartmeter is not None and config.smartmeter.address is not None


def password(text: str) -> str:
    """Return the password; one that was typed without capitals has them, as letters print it. Raise ValueError."""
    value: str = READERS["Route-B password"](text)
    return value.upper() if value == value.lower() else value


def port(config: Config) -> Talk[Changes]:
    """Find the serial port on which a module answers, by trying those that are there, or one that is named."""
    if config.smartmeter is None:
        yield Say(TEXTS["letter first"])
        return []
    names = (yield several("ports", "serial port")) or (yield Act("serial ports"))
    while True:
        for name in names:
            yield Say(TEXTS["trying"], (name,))
            version, why, hint = yield Act("module", (name, config.smartmeter.serial_bps))
            if version:
                yield Say(TEXTS["is module"], (version,))
                return changes_of(SMART_METER.section, serial_port=name)
            yield Say(TEXTS["is no module"], (why, hint))
        yield Say(TEXTS["no module"])
        named = yield keyed("port name", "serial port")
        if named is None:
            yield Say(TEXTS["left out"], ("port",))
            return []
        names = [named]


def join(config: Config) -> Talk[Changes]:
    """Join the meter's network, where a module is there to do it; `homemon join` writes the address itself."""
    if config.smartmeter is None:
        yield Say(TEXTS["letter first"])
        return []
    version, why, hint = yield Act("module", (config.smartmeter.serial_port, config.smartmeter.serial_bps))
    if not version:
        yield Say(TEXTS["is no module"], (why, hint))
        yield Say(TEXTS["port first"])
    elif (yield agreed("join now")):
        done = yield Act("join")
        yield Say(TEXTS["joined" if done else "not joined"])
    return []


# --- the other devices --------------------------------------------------------------------


def devices(config: Config) -> Talk[Changes]:
    """Find the EcoCute; its address is written down only where asking everybody does not find it, or finds several."""
    targets: Sequence[str] = (yield several("targets", "text")) or []
    ours = yield Question("bind", TEXTS["bind"], READERS["IPv4 address"], asked=False)
    units: list[tuple[str, int]] = []
    while not units:
        bind = ours or own_address(targets) or None
        yield Say(TEXTS["searching"])
        nodes, lines = yield Act("discover", (targets, bind))
        for line in lines:
            yield Say(TEXTS["line"], (line,))
        units = ecocutes(nodes)
        if not units:
            yield Say(TEXTS["no EcoCute"])
            target = yield Question("target", TEXTS["target"], READERS["text"])
            if target is None:
                return []
            targets = [target]
    host, eoj = units[0] if len(units) == 1 else (yield _one_of(units))
    return [
        Change(ECOCUTE.section),
        *changes_of(
            ECOCUTE.section,
            host=host if targets or len(units) > 1 else None,
            bind=bind,
            eoj=f"{eoj:06X}" if eoj != ECOCUTE.eoj else None,
        ),
    ]


def own_address(targets: Sequence[str]) -> str:
    """Return the address that homemon needs where the unit is simulated on this machine: there each has its own."""
    loopback = bool(targets) and all(target.startswith("127.") for target in targets)
    return ("127.0.0.3" if "127.0.0.1" in targets else "127.0.0.1") if loopback else ""


def ecocutes(nodes: Sequence[Node]) -> list[tuple[str, int]]:
    """Return where there is an EcoCute, or one like it: addresses and EOJs."""
    return [(node.host, eoj) for node in nodes for eoj in node.objects if is_kin(ECOCUTE, eoj)]


def _one_of(units: Sequence[tuple[str, int]]) -> Question:
    known = {f"{host} {eoj:06X}": (host, eoj) for host, eoj in units}
    choices = [Choice(name, ("", "")) for name in known]
    return Question("unit", TEXTS["unit"], lambda text: known[word(*known)(text)], next(iter(known)), choices)


def monitor(config: Config) -> Talk[Changes]:
    """Find the solar monitor on the I2C bus or on a serial port that is not the module's."""
    lines = yield several("lines", "serial port")
    if lines is None:
        if not (yield agreed("has monitor", default=False)):
            return []
        taken = config.smartmeter.serial_port if config.smartmeter else ""
        lines = [name for name in (yield Act("monitor lines")) if name != taken]
    while True:
        for name in lines:
            yield Say(TEXTS["trying"], (name,))
            why, hint = yield Act("monitor", (name,))
            if not why:
                yield Say(TEXTS["is monitor"])
                serial = {"serial_port": name} if name != I2C else {}
                return changes_of(SOLAR_MONITOR.section, transport="serial" if serial else I2C, **serial)
            yield Say(TEXTS["is no module"], (why, hint))
        yield Say(TEXTS["no monitor"])
        named = yield keyed("port name", "serial port")
        if named is None:
            yield Say(TEXTS["left out"], ("monitor",))
            return []
        lines = [named]


# --- what is paid, and where readings go --------------------------------------------------


def contract(config: Config) -> Talk[Changes]:
    """Ask for area and plan, and for what the plan's base charge goes by."""
    named = yield Act("plan reader")
    plan = yield Question("plan", TEXTS["plan"], named, asked=False)
    areas = [Choice(name, text) for name, text in AREA_NAMES.items()]
    area = yield Question("area", TEXTS["area"], word(*AREA_NAMES), choices=areas, asked=plan is None)
    if plan is None and area:
        plans: list[Plan] = yield Act("plans", (area,))
        known = [Choice(each.key, (f"{each.company} {each.name}",) * 2) for each in plans]
        plan = yield Question("plan", TEXTS["plan"], _plan_of(plans, named), choices=known)
    if plan is None and config.contracts:
        plan = config.contracts[-1].plan  # what else it says may be corrected all the same
    if plan is None:
        yield Say(TEXTS["left out"], ("contract",))
        return []
    section = yield from _contract_section(config)
    base = yield from _base(plan)
    day = yield keyed("reading_day", "number", 1, 31, text="reading day")
    sold = yield Question("sell", TEXTS["sell"], _price, asked=config.kyocera is not None)
    return changes_of(section, plan=plan, **base, reading_day=day, sell=sold)


def _plan_of(plans: Sequence[Plan], named: Callable[[str], str]) -> Callable[[str], str]:
    known = word(*(plan.key for plan in plans))
    return lambda text: named(text) if text.endswith(".toml") else known(text)


def _contract_section(config: Config) -> Talk[str]:
    """Return the section to write: the newest contract, or a new one from the day that the person says."""
    since = yield Question("since", TEXTS["since"], _day, asked=bool(config.contracts))
    if not config.contracts:
        return CONTRACT
    since = since or config.contracts[-1].since
    return CONTRACT if since == date.min else f"{CONTRACT} {since}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a day such as 2026-04-01") from None


def _price(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?|fit-20[0-9]{2}-[0-9]{2}|.+\.toml", text):
        raise ValueError("must be a number of yen, or fit- and a month")
    return text


def _base(name: str) -> Talk[dict[str, int]]:
    """Return what the contract says of the base charge: ampere, kva or kw. Options for the others are only read."""
    bases: Mapping[str, str] = yield Act("base", (name,))
    amounts = {}
    for key in BASES:
        offered = bases.get(key, "")
        question = keyed(key, "number", 1, 200)
        text = (question.text[0].format(offered), question.text[1].format(offered))
        read = _offered(question.read, offered)
        amounts[key] = yield question._replace(text=text, read=read, asked=key in bases)
    return {key: amount for key, amount in amounts.items() if amount and key in bases}


def _offered(read: Callable[[str], int], offered: str) -> Callable[[str], int]:
    """Return `read` for one of the amounts that are offered, for any where none is named."""

    def read_offered(text: str) -> int:
        amount = read(text)
        if offered and str(amount) not in offered.split(", "):
            raise ValueError(f"must be one of {offered}")
        return amount

    return read_offered


STEPS = (
    Step("letter", TEXTS["letter"], letter, has_letter, ("bid", "pwd")),
    Step("port", TEXTS["port"], port, has_joined, ("ports",)),
    Step("join", TEXTS["join"], join, has_joined),
    Step(
        "devices",
        TEXTS["devices"],
        devices,
        lambda config: ECOCUTE.section in config.devices,
        ("targets", "bind"),
        "ecocute-poll",
    ),
    Step("monitor", TEXTS["monitor"], monitor, lambda config: config.kyocera is not None, ("lines",), "kyocera-dump"),
    Step(
        "contract",
        TEXTS["contract"],
        contract,
        lambda config: bool(config.contracts),
        ("area", "plan", "ampere", "kva", "kw", "reading_day", "sell", "since"),
    ),
    Step(
        "server",
        TEXTS["server"],
        server,
        lambda config: config.server is not None,
        ("url", "db", "org", "bucket", "user", "password", "token"),
    ),
    Step("start", TEXTS["start"], start, lambda config: False, ("start", "page", "page_password")),
)
