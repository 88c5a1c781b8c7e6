"""The solar monitor: what is said on its line, and what its memory holds."""

from datetime import datetime
from typing import Any

from homemon.core.errors import WireError
from homemon.core.points import HALF_HOUR, JST
from homemon.explain.account import INDENT, Account, no_sense, stops
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera import protocol
from homemon.sources.kyocera.sniffer import Sniffer

NAMES = {"hatuden": "generation", "baiden_diff": "bought − sold"}
COMMANDS = {protocol.ACK: "ACK", protocol.NAK: "NAK: once more", protocol.REQUEST: "asks for the whole memory"}


def dump_file(lines: list[str]) -> Account:
    """Return the account of a dump file's text, as far as it goes."""
    sound, fault = protocol.sound_part(lines)
    return no_sense("memory", fault) if fault and not sound else memory(sound, fault)


def memory(data: bytes, fault: WireError | None = None) -> Account:
    """Return the account of a memory, whole or not, day by day, newest first.

    `facts` have each half-hour, None where it has no data. `fault` is what is wrong after these bytes.
    """
    report = solar.report(data, solar.DAYS, partial=True)
    days: dict[str, dict[str, Any]] = {}
    for point in report.points:
        assert point.time is not None
        moment = datetime.fromtimestamp(point.time, JST)
        series = days.setdefault(f"{moment:%Y-%m-%d}", {name: [None] * solar.SLOTS for name in NAMES})
        series[point.measurement][(moment.hour * 3600 + moment.minute * 60) // HALF_HOUR] = point.fields["value"]
    facts: dict[str, Any] = {"type": "memory", "size": len(data), "days": [{"date": day, **days[day]} for day in days]}
    lines = [f"memory of the solar monitor: {len(data)} bytes, {len(days)} days with data"]
    for day, series in days.items():
        words = [f"{NAMES[name]} {_sum(values)}" for name, values in series.items() if _count(values)]
        lines.append(f"{INDENT}{day}: {', '.join(words)}")
    lines += [INDENT + warning for warning in report.warnings]
    if report.warnings:
        facts["complaints"] = report.warnings
    if fault is None and len(data) < solar.MAP_END:
        fault = WireError(f"a whole memory has {solar.MAP_END} bytes at least", len(data))
    if fault:
        facts["error"], line = stops(fault)
        lines.append(INDENT + line)
    elif len(data) > solar.MAP_END:
        lines.append(f"{INDENT}{len(data) - solar.MAP_END} bytes from {solar.MAP_END:04X} on are not understood")
    return Account(facts, lines)


def _count(values: list[Any]) -> int:
    return sum(value is not None for value in values)


def _sum(values: list[Any]) -> str:
    there = [value for value in values if value is not None]
    return f"{sum(there):.1f} in {len(there)} half-hours"


def sent(data: bytes, dump: Sniffer) -> Account:
    """Return the account of what was sent to the monitor; with what an ACK took."""
    whole = dump.sent(data)
    words = COMMANDS.get(data, "")
    facts: dict[str, Any] = {"type": "monitor", "bytes": data.hex().upper(), "says": words}
    if data == protocol.ACK and dump.total:
        facts |= {"read": len(dump.memory), "total": dump.total}
        words += f": {len(dump.memory)} of {dump.total} bytes are read"
    account = Account(facts, [words or f"makes no sense: {data.hex().upper()}"], bool(words))
    if whole is None:
        return account
    held = memory(whole)
    return Account(facts | {"memory": held.facts}, account.lines + [INDENT + line for line in held.lines])


def received(data: bytes, dump: Sniffer) -> Account:
    """Return the account of what the monitor sent: any piece of it, as it came."""
    dump.receive(data)
    facts = {"type": "monitor", "bytes": data.hex().upper()}
    if account := command(data):
        return Account(facts | account.facts, account.lines)
    return Account(facts, [f"{len(data)} byte{'s' if len(data) != 1 else ''}: {data.hex().upper()}"])


def command(data: bytes) -> Account | None:
    """Return bytes that are commands of the monitor's line, in words; None where they are none."""
    said = []
    for event in protocol.Parser().feed(data):
        match event:
            case protocol.Ack():
                said.append("ACK")
            case protocol.Nak():
                said.append("NAK: once more")
            case protocol.Command(text=text, raw=raw):
                total = protocol.announced(text)
                words = COMMANDS.get(raw, "") or ("" if total is None else f"announces {total} bytes of memory")
                said.append(f"command {text}{f': {words}' if words else ''}")
            case protocol.BadCommand():
                said.append("a command with a wrong sum")
            case _:
                return None
    return Account({"type": "monitor", "says": "; ".join(said)}, ["; ".join(said)]) if said else None
