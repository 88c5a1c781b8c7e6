"""The dialogues that bring a Wi-SUN module into the meter's network.

In the order of the original script: wake the module, give it the Route-B ID and password, scan,
set channel and PAN ID, turn the meter's MAC into its address, join. What it learns is a `Link`,
with which the next join needs no scan.

An empty scan is normal; the next one listens longer. Facts and times: BP35A1 manual 1.3.0.
"""

from contextlib import suppress
from typing import NamedTuple

from homemon.core.dialogue import Ask, Dialogue, pause
from homemon.core.errors import DeviceError, NoAnswer
from homemon.skstack.lines import (
    Address,
    Dialect,
    Event,
    Fail,
    Happening,
    Info,
    Noise,
    Ok,
    PanDescription,
    Version,
    command,
    scan,
    scan_seconds,
)

ANSWER_WITHIN = 3.0  # seconds for a command that the module answers by itself
WAKE_WITHIN = 2.0
WAKE_TRIES = 4
JOIN_WITHIN = 60.0  # a join takes up to 40 s
JOIN_TRIES = 3
SCAN_DURATIONS = (6, 6, 7, 7, 8)
TERM_WITHIN = 20.0
SCAN_DONE, JOIN_FAILED, JOINED = 0x22, 0x24, 0x25

FAILURES = {
    "ER04": "command not supported",
    "ER05": "wrong number of arguments",
    "ER06": "wrong format or range",
    "ER09": "UART error",
    "ER10": "accepted, but it failed",
}


class Credentials(NamedTuple):
    """Route-B ID (32 hex digits) and password (12 characters)."""

    bid: str
    pwd: str

    def __repr__(self) -> str:
        return "Credentials(****)"


class Link(NamedTuple):
    """What a join learned: the meter's IPv6 address, channel and PAN ID and MAC in hex, the module's dialect."""

    address: str
    channel: str
    pan_id: str
    mac: str
    dialect: Dialect


J11_CODES = (bytes.fromhex("D0F9EE5D"), bytes.fromhex("D0EA83FC"))  # before what a J11 answers, and is asked


class NoModule(NoAnswer):
    """Nothing on the port speaks SKSTACK."""


class Refused(DeviceError):
    """The module answered FAIL."""

    def __init__(self, name: str, code: str) -> None:
        super().__init__(f"the module refused {name}: FAIL {code} ({FAILURES.get(code, 'unknown code')})")
        self.code = code


def is_result(event: Happening) -> bool:
    """Return whether this is OK or FAIL: the end of a command's answer."""
    return isinstance(event, Ok | Fail)


def run(text: str, within: float = ANSWER_WITHIN, saying: str = "") -> Dialogue[list[Happening]]:
    """Do one command, until its OK; return what arrived meanwhile. Raise Refused on FAIL, NoAnswer on silence."""
    name = text.split(" ", 1)[0]  # the rest may be a secret
    try:
        events = yield Ask(command(text), is_result, within, saying)
    except NoAnswer as error:
        raise NoAnswer(f"the module did not answer {name}: {error}") from None
    if isinstance(events[-1], Fail):
        raise Refused(name, events[-1].code)
    return events


def wake_module() -> Dialogue[str]:
    """Make sure that a module listens, and give its SKSTACK version.

    A module left in the middle of an SKSENDTO takes what comes next for payload, hence the tries.
    """
    events: list[object] = []
    for number in range(WAKE_TRIES):
        try:
            answer = yield Ask(b"\r\n" + command("SKVER"), lambda event: isinstance(event, Version), WAKE_WITHIN)
            yield Ask(b"", is_result, WAKE_WITHIN)
            if number:  # an OK that answers an earlier try late must not pass for the next command's
                yield from pause(WAKE_WITHIN)
            return str(answer[-1].version)
        except NoAnswer as silence:
            events.extend(silence.received)
    noise = b"".join(event.raw for event in events if isinstance(event, Noise))
    if any(code in noise for code in J11_CODES):
        raise NoModule(
            "this is a J11 (BP35C0-J11, RS-WSUHA-J11), which speaks another protocol",
            "homemon needs a module that speaks SKSTACK in lines, such as a BP35C0 or an RL7023: see docs/hardware.md.",
        )
    if noise:
        raise NoModule(
            "the module's answers are unreadable",
            "Check [smartmeter] serial_bps (a BP35C0 leaves the factory at 115200) "
            "and that no console runs on the port.",
        )
    raise NoModule(
        f"no Wi-SUN module answered SKVER ({WAKE_TRIES} tries)",
        "Check [smartmeter] serial_port and serial_bps, the module's power and its TX/RX wires; "
        "on a Pi turn the serial console off with raspi-config.",
    )


def learn_dialect() -> Dialogue[Dialect]:
    """Ask SKINFO which of the two dialects the module speaks; most modules sold today speak the BP35C0's."""
    try:
        events = yield from run("SKINFO")
    except Refused:
        return Dialect.C
    return next((event.dialect for event in events if isinstance(event, Info)), Dialect.C)


def want_hex_output() -> Dialogue[None]:
    """Have payloads delivered in hex, where a lost byte shows. WOPT writes flash, so only where ROPT says raw."""
    with suppress(Refused, NoAnswer):  # RL7023 DSS knows no ROPT and always answers in hex; the parser reads both
        events = yield from run("ROPT")
        if events[-1] == Ok("00", events[-1].raw):
            yield from run("WOPT 01")


def prepare(credentials: Credentials) -> Dialogue[Dialect]:
    """Wake the module and give it what it forgets when it loses power."""
    yield from wake_module()
    dialect = yield from learn_dialect()
    yield from want_hex_output()
    try:
        yield from run(f"SKSETPWD C {credentials.pwd}")
        yield from run(f"SKSETRBID {credentials.bid}")
    except Refused as error:
        error.hint = "Check [smartmeter] bid and pwd against the letter from the power company."
        raise
    return dialect


def join(credentials: Credentials) -> Dialogue[Link]:
    """Scan, join and give the link. Raise DeviceError with the usual causes as its hint."""
    dialect = yield from prepare(credentials)
    pan, dialect = yield from find_meter(dialect, credentials.bid[-8:])
    yield from tune(pan.channel, pan.pan_id)
    address = yield from address_of(pan.mac)
    yield from enter(address)
    return Link(address, pan.channel, pan.pan_id, pan.mac, dialect)


def rejoin(credentials: Credentials, link: Link) -> Dialogue[Link]:
    """Join the network that `link` remembers, without a scan."""
    dialect = yield from prepare(credentials)
    yield from tune(link.channel, link.pan_id)
    yield from enter(link.address, tries=1)
    return link._replace(dialect=dialect)


def find_meter(dialect: Dialect, pair_id: str) -> Dialogue[tuple[PanDescription, Dialect]]:
    """Scan longer and longer until a meter answers; of several the one with our pairing ID, then the strongest."""
    for number, duration in enumerate(SCAN_DURATIONS, 1):
        seconds = scan_seconds(duration)
        saying = f"scanning for the meter, {number} of {len(SCAN_DURATIONS)}, {seconds:.0f} s ..."
        found, dialect = yield from scan_once(dialect, duration, saying)
        if found:
            best = max(found, key=lambda pan: (pan.pair_id.upper() == pair_id.upper(), pan.lqi))
            yield from pause(0.0, f"found it on channel {best.channel}, at {best.rssi_dbm:.0f} dBm")
            return best, dialect
    raise DeviceError(
        f"no meter answered in {len(SCAN_DURATIONS)} scans, the last of {scan_seconds(SCAN_DURATIONS[-1]):.0f} s",
        "The usual causes: the B route is not yet active (ask the power company), a mistyped bid, "
        "the antenna or module too far from the meter or behind metal.",
    )


def scan_once(dialect: Dialect, duration: int, saying: str) -> Dialogue[tuple[list[PanDescription], Dialect]]:
    """Do one scan, in another dialect if the module counts its arguments differently from what SKINFO said."""
    within = scan_seconds(duration) * 1.5 + 10
    tried, ended = {dialect}, False
    while True:
        try:
            events = yield Ask(
                scan(dialect, duration),
                lambda event: isinstance(event, Fail) or is_event(event, SCAN_DONE),
                within,
                saying,
            )
        except NoAnswer:
            raise NoAnswer(
                f"the scan did not end within {within:.0f} s", "Switch the module off and on, then try again."
            ) from None
        last = events[-1]
        if not isinstance(last, Fail):
            return [event for event in events if isinstance(event, PanDescription)], dialect
        if last.code == "ER05" and dialect.next not in tried:
            dialect = dialect.next
            tried.add(dialect)
        elif last.code == "ER10" and not ended:
            ended = True
            yield from end_session()
        else:
            raise Refused("SKSCAN", last.code)


def end_session() -> Dialogue[None]:
    """Leave the session that the module may still hold; having none is as good."""
    with suppress(NoAnswer):
        yield Ask(
            command("SKTERM"),
            lambda event: isinstance(event, Fail) or is_event(event, 0x27) or is_event(event, 0x28),
            TERM_WITHIN,
        )


def tune(channel: str, pan_id: str) -> Dialogue[None]:
    """Set the channel (S2) and the PAN ID (S3)."""
    yield from run(f"SKSREG S2 {channel}")
    yield from run(f"SKSREG S3 {pan_id}")


def address_of(mac: str) -> Dialogue[str]:
    """Return the link-local IPv6 address of a MAC; SKLL64 answers with it alone, without OK."""
    try:
        events = yield Ask(command(f"SKLL64 {mac}"), lambda event: isinstance(event, Address | Fail), ANSWER_WITHIN)
    except NoAnswer as error:
        raise NoAnswer(f"the module did not answer SKLL64: {error}") from None
    if isinstance(events[-1], Fail):
        raise Refused("SKLL64", events[-1].code)
    return str(events[-1].address)


def enter(address: str, tries: int = JOIN_TRIES) -> Dialogue[None]:
    """Send SKJOIN, and wait for EVENT 25. Raise DeviceError after `tries` refusals or silences."""
    for number in range(1, tries + 1):
        saying = f"joining the meter's network, {number} of {tries} ..."
        try:
            events = yield Ask(command(f"SKJOIN {address}"), _join_ended, JOIN_WITHIN, saying)
        except NoAnswer:
            events = []
        if events and is_event(events[-1], JOINED):
            return
        yield from pause(ANSWER_WITHIN)
    refused = bool(events) and is_event(events[-1], JOIN_FAILED)
    raise DeviceError(
        f"the join failed, {'EVENT 24' if refused else 'no EVENT 25'} ({tries} {'try' if tries == 1 else 'tries'})",
        "Most often the bid or the pwd is wrong: compare them with the letter from the power company. "
        "Else the radio link is weak: move the module nearer to the meter.",
    )


def _join_ended(event: Happening) -> bool:
    return isinstance(event, Fail) or is_event(event, JOINED) or is_event(event, JOIN_FAILED)


def is_event(event: Happening, number: int) -> bool:
    """Return whether this is EVENT `number`."""
    return isinstance(event, Event) and event.number == number
