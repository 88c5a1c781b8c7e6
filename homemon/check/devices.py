"""`homemon check` on the devices: ports, the module and its session, the EcoCute, the solar monitor.

A port that a homemon command holds is left alone: what it stored last shows how it fares. A free one is
opened and asked something that changes nothing.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from homemon.check.findings import Aside, Finding, failed, fault, ok, warning
from homemon.core.dialogue import Ask, Dialogue, pause
from homemon.core.errors import DeviceError, NoAnswer, PortError, WireError
from homemon.core.files import Holder, Lock, make_private_dir
from homemon.echonet import codec as echonet
from homemon.ports.serial_port import ModulePort, other_readers, stop_readers
from homemon.runtime.dump import LOCK, open_line, or_serial
from homemon.runtime.lan import Lan
from homemon.runtime.radio import Radio
from homemon.skstack.join import is_event, run, wake_module
from homemon.skstack.lines import Fail, Happening, Info, Udp
from homemon.sources.lan.controller import no_answer_hint
from homemon.sources.meter.session import Session
from homemon.sources.source import Connection, Source

CONSOLES = Path("/proc/consoles")
METER_WITHIN = 5.0  # seconds; a meter answers within 1.2 to 3.6
METER_TRIES = 2
STATE = 0x88  # fault or none: a question whose answer is no reading
UNACKNOWLEDGED = 0x21
NOT_JOINED = "Run `homemon join`, or start `homemon meter-listen`, which joins by itself"
DEAF = "Stop it and run `homemon -v {0} --trace trace.txt` by hand to see what comes"


def _owned(what: str, name: str, holder: Holder | None) -> Finding:
    who = f"{holder.name or 'homemon'} (pid {holder.pid})" if holder else "another homemon command"
    return ok(what, f"{name} is owned by {who}")


# --- the smart meter ----------------------------------------------------------------------


def meter(app: Aside, source: Source) -> Iterator[Finding]:
    """Yield the serial port, the Wi-SUN module on it, the session, and the meter at its other end. Raise StoreError."""
    if app.config.smartmeter is None:
        return
    radio = Radio(app, app.transcript)
    name = app.smartmeter.serial_port
    yield from _remembered(radio)
    if not radio.owner.take(name="check"):
        holder = radio.owner.holder()
        if readers := other_readers(name, holder.pid if holder else 0):
            yield fault("serial port", f"{name} is also open in {readers}", stop_readers(name, readers))
        else:
            yield _owned("serial port", name, holder)
        if holder and holder.name == source.listener:
            yield app.freshness(source, DEAF.format(source.listener))
        return
    if rival := _rival(name):
        yield rival
        return
    try:
        port = radio.open()
    except PortError as error:
        yield failed("serial port", error)
        return
    with port:
        yield ok("serial port", f"{name} can be opened")
        yield from _module(radio, port)


def _remembered(radio: Radio) -> Iterator[Finding]:
    """Yield what the last join learned."""
    link, scale = radio.session.link, radio.session.scale
    if link is None:
        yield warning("meter", "none is remembered", "Run `homemon join` once, or start `homemon meter-listen`")
        return
    where = f"channel {link.channel}, PAN ID {link.pan_id}" if link.channel else "where to find it is not remembered"
    yield ok("meter", f"{link.address}, {where}")
    if scale is None:
        yield warning(
            "meter", "its energy unit is not known yet", "Registers wait until it reports E1; meter-listen asks"
        )
    else:
        yield ok("meter", f"one count is {scale.kwh(1)} kWh")


def _rival(name: str) -> Finding | None:
    """Return the finding about another program, or the system's console, on the port."""
    if not _is_terminal(name):
        return None
    device = os.path.basename(os.path.realpath(name))
    if any(line.split()[0] == device for line in _lines(CONSOLES)):
        return fault(
            "serial port",
            f"the kernel's console is on {name}",
            "sudo raspi-config, Interface Options, Serial Port: login shell no, hardware yes; then reboot",
        )
    if others := other_readers(name):
        remedy = "sudo raspi-config, Interface Options, Serial Port: login shell no" if "getty" in others else ""
        return fault("serial port", f"{name} is in use by {others}", remedy or "Stop the other program")
    return None


def _is_terminal(name: str) -> bool:
    """Return whether it is a serial port that we may open; if not, opening it as one shows why."""
    try:
        handle = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.isatty(handle)
    finally:
        os.close(handle)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", "replace").splitlines()
    except OSError:
        return []


def _module(radio: Radio, port: ModulePort) -> Iterator[Finding]:
    """Yield what the module reports, its version and dialect, and then what the meter does, whether it is well."""
    session = radio.session
    try:
        version = radio.run(port, wake_module())
        infos = [event for event in radio.run(port, run("SKINFO")) if isinstance(event, Info)]
    except (DeviceError, PortError) as error:
        yield failed("module", error)
        return
    dialect = infos[-1].dialect if infos else None
    yield ok("module", f"SKSTACK {version}, commands of a {dialect.value}" if dialect else f"SKSTACK {version}")
    if session.link is None:
        return
    if dialect and dialect is not session.link.dialect:
        yield ok(
            "module", f"the meter was found with a {session.link.dialect.value}; this one is spoken to as it wants"
        )
        session.link = session.link._replace(dialect=dialect)
    try:
        yield radio.run(port, ask_meter(session))
    except (DeviceError, PortError) as error:
        yield failed("meter", error)


def ask_meter(session: Session) -> Dialogue[Finding]:
    """Ask the meter whether it is well, which shows whether we are joined. Nothing is joined here."""
    assert session.link is not None
    for number in range(METER_TRIES):
        if number:
            yield from pause(2.0)  # meters answer one request at a time
        try:
            events = yield Ask(session.question([STATE]), lambda event: _settles(event, session), METER_WITHIN)
        except NoAnswer:
            finding = fault(
                "meter",
                f"it did not answer ({METER_TRIES} tries of {METER_WITHIN:g} s)",
                f"The session may be over. {NOT_JOINED}; if that does not help, bring the module nearer to the meter",
            )
            continue
        event = events[-1]
        if isinstance(event, Fail):
            return fault("meter", f"the module is not joined (FAIL {event.code})", NOT_JOINED)
        if not isinstance(event, Udp):
            finding = fault(
                "meter",
                "it does not acknowledge what is sent (EVENT 21)",
                f"Bring the module nearer to the meter, away from metal. {NOT_JOINED}",
            )
            continue
        states = {prop.epc: prop.edt for prop in echonet.decode(event.data).properties}
        if states.get(STATE) == b"\x41":
            return warning("meter", "it answers, and reports a fault of its own", "Report it to the power company")
        return ok("meter", "it answers")
    return finding


def _settles(event: Happening, session: Session) -> bool:
    """Return whether an event shows how the meter fares: a frame of its own, a refusal, no acknowledgement."""
    if isinstance(event, Udp):
        try:
            frame = echonet.decode(event.data)
        except WireError:
            return False
        return session.link is not None and event.sender == session.link.address and frame.esv is not echonet.Esv.INF
    return isinstance(event, Fail) or (is_event(event, UNACKNOWLEDGED) and getattr(event, "parameter", 0) == 1)


# --- the others ---------------------------------------------------------------------------


def lan(app: Aside, source: Source) -> Iterator[Finding]:
    """Yield our UDP port, the device's name, and whether it answers. Raise PortError, StoreError."""
    settings = app.config.devices.get(source.section)
    if settings is None:
        return
    here = Lan(app, app.transcript, source=source)
    unit = settings.host or f"{settings.eoj:06X} at {here.host}"
    if not here.owner.take(name="check"):
        holder = here.owner.holder()
        yield _owned(source.look, f"UDP {settings.port}", holder)
        if holder and holder.name == source.listener:
            yield app.freshness(source, f"See what `homemon {source.polls[0]}` says. {no_answer_hint(source)}")
        return
    with here.open() as node:
        yield ok(source.look, f"UDP {settings.port} on {settings.bind} is free")
        if not here.host:
            yield warning(
                source.look,
                f"none is remembered yet; {source.polls[0]} finds it",
                "`homemon discover` shows what is there",
            )
            return
        answer = here.run(node, here.controller.ask_once())
    if answer is None:
        yield fault(source.look, f"{unit} did not answer", no_answer_hint(source))
    elif not answer:
        asked = ", ".join(f"{epc:02X}" for epc in source.fields)
        yield fault(source.look, f"{unit} answers, but reports none of {asked}", f"Check [{source.section}] eoj")
    else:
        yield ok(source.look, f"{unit} answers: {', '.join(sorted(answer))}")


def monitor(app: Aside, source: Source) -> Iterator[Finding]:
    """Yield the monitor's line. The monitor is not polled: an answer takes seconds. Raise PortError, StoreError."""
    if app.config.kyocera is None:
        return
    make_private_dir(app.folder)
    lock = Lock(app.folder / LOCK)
    with lock.holding(0) as free:
        if free:
            name = app.kyocera.serial_port
            over_i2c = app.kyocera.transport == "i2c"
            if not over_i2c and (rival := _rival(name)):
                yield rival._replace(what="kyocera")
                return
            try:
                open_line(app).close()
            except PortError as error:
                error.hint = f"{error.hint} {or_serial(app)}".strip()
                raise
            where = f"I2C bus {app.config.i2c.port} and the bridge on it" if over_i2c else name
            yield ok("kyocera", f"{where} can be opened")
        else:
            yield _owned("kyocera", "the line", lock.holder())
    yield app.freshness(source, f"See what `homemon {source.polls[0]}` says")


LOOKS = {Connection.WI_SUN: meter, Connection.LAN: lan, Connection.MONITOR: monitor}
"""How a source is looked at, by its connection; nothing is found where it is not configured."""
