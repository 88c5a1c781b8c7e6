"""What a Wi-SUN module's line says: datagrams, EVENTs, scan results, answers; and how far a broken one does.

What `skstack.mask` would not let into a trace is not shown either: payloads of the join's handshake (PANA), the
pairing ID, arguments of SKSETRBID and SKSETPWD, and long words in noise.
"""

import re
from typing import Any

from homemon.core.errors import WireError
from homemon.core.transcript import escaped
from homemon.echonet.codec import PORT
from homemon.explain.account import INDENT, Account, indented, stops
from homemon.explain.frame import frame
from homemon.explain.talk import legible
from homemon.skstack import lines as skstack
from homemon.skstack.join import FAILURES
from homemon.skstack.mask import MASK, masked_received, masked_sent
from homemon.sources.meter.properties import ReportedScale

EVENTS = {
    0x01: "a neighbour solicitation was received",
    0x02: "a neighbour advertisement was received",
    0x05: "an echo request was received",
    0x1F: "the energy scan is done",
    0x20: "a beacon was received",
    0x21: "a UDP datagram was sent",
    0x22: "the scan is done",
    0x24: "the join failed",
    0x25: "joined",
    0x26: "the peer ended the session",
    0x27: "the session was ended (SKTERM)",
    0x28: "the session is over, SKTERM was not answered",
    0x29: "the session's lifetime expired",
    0x32: "the ARIB sending limit is reached, all sends are cancelled",
    0x33: "the ARIB sending limit is lifted",
}
SENT = {
    0: "sent, and acknowledged",
    1: "not sent: it failed",
    2: "a neighbour solicitation is sent first, the datagram follows by itself",
}
HIDDEN = {
    True: ("PANA", "PANA, the handshake of the join: not shown, for it carries the Route-B ID"),
    False: ("unknown", "not shown: homemon does not know this port"),
}
"""What is said of a payload that is not shown: whether it is PANA → as a fact, in words."""
FIRST_CHANNEL = 0x21, 33

_IP = "[0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4}){7}"
_SENDTO = re.compile(rb"SKSENDTO \d (\S+) ([0-9A-Fa-f]{4}) \d (?:\d )?[0-9A-Fa-f]{4} ?(.*)", re.DOTALL)
_PORT = "[0-9A-Fa-f]{4}"
_MASKED_UDP = re.compile(rf"ERXUDP ({_IP}) ({_IP}) ({_PORT}) ({_PORT}) \*{{4}}".encode())


def dbm(lqi: int) -> float:
    """Return the signal strength in dBm by the manual's formula, to a tenth."""
    return round(0.275 * lqi - 104.27, 1)


def happening(event: skstack.Happening, scale: ReportedScale) -> Account:
    """Return the account of what a line was understood as."""
    match event:
        case skstack.Udp():
            return _udp(event, scale)
        case skstack.Event():
            return _event(event)
        case skstack.PanDescription():
            return _pan(event)
        case skstack.Ok():
            value = _behind("OK", event)
            return Account({"type": "OK", "value": value}, [f"OK {value}".rstrip() + ": done"])
        case skstack.Fail(code=code):
            meaning = FAILURES.get(code, "an unknown error")
            return Account({"type": "FAIL", "code": code, "meaning": meaning}, [f"FAIL {code}: {meaning}"])
        case skstack.Version():
            version = _behind("EVER", event)
            return Account({"type": "EVER", "version": version}, [f"EVER: the module's software is {version}"])
        case skstack.Register(value=value):
            return Account({"type": "ESREG", "value": value}, [f"ESREG: the register holds {value:X}"])
        case skstack.Address(address=address):
            return Account({"type": "address", "address": address}, [f"address {address}"])
        case skstack.Info():
            return _info(event)
        case skstack.Echo():
            text = escaped(masked_received(event).strip())
            return Account({"type": "echo", "text": text}, [f"echo of a command: {text}"])
        case skstack.Noise():
            text = legible(event.raw)
            return Account({"type": "noise", "text": text}, [f"not understood: {text}"], False)


def _behind(word: str, event: skstack.Happening) -> str:
    """Return what follows `word` on a line, whatever noise is before it."""
    return masked_received(event).decode("latin-1").partition(word)[2].strip()


def sent(data: bytes, scale: ReportedScale) -> Account:
    """Return the account of a command as it was sent; of a datagram, with its content."""
    match = _SENDTO.search(data)
    text = escaped(masked_sent(data[: match.start(3)] if match else data).strip())
    account = Account({"type": "command", "text": text}, [f"command {text}"])
    return _with_frame(account, match[3], scale) if match and int(match[2], 16) == PORT else account


def _with_frame(account: Account, data: bytes, scale: ReportedScale) -> Account:
    inside = frame(data, scale)
    account.facts["frame"] = inside.facts
    account.lines.extend(indented(inside.lines))
    return account


def _udp(udp: skstack.Udp, scale: ReportedScale) -> Account:
    ports = (udp.rport, udp.lport)
    facts: dict[str, Any] = {
        "type": "ERXUDP",
        "sender": udp.sender,
        "destination": udp.destination,
        "rport": udp.rport,
        "lport": udp.lport,
        "secured": bool(udp.secured),
        "size": len(udp.data),
    }
    mac = ""
    if _may_be_shown(ports):
        facts["mac"], mac = udp.mac, f", MAC {udp.mac}"
    lines = [
        f"ERXUDP: a datagram of {len(udp.data)} bytes, {'encrypted' if udp.secured else 'not encrypted'}",
        f"{INDENT}from {udp.sender} {_port(udp.rport)}{mac}",
        f"{INDENT}to   {udp.destination} {_port(udp.lport)}",
    ]
    if udp.side is not None:
        facts["side"] = udp.side
    if udp.rssi is not None:
        facts |= {"lqi": udp.rssi, "rssi_dbm": dbm(udp.rssi)}
        lines.append(f"{INDENT}RSSI {dbm(udp.rssi)} dBm (LQI {udp.rssi:02X})")
    return _payload(Account(facts, lines), ports, udp.data, scale)


def _port(number: int) -> str:
    return f"port {number} ({number:04X})"


def _may_be_shown(ports: tuple[int, int]) -> bool:
    return PORT in ports and skstack.PANA_PORT not in ports


def _payload(account: Account, ports: tuple[int, int], data: bytes, scale: ReportedScale) -> Account:
    """Return the account of a datagram's content, where it may be shown."""
    if not _may_be_shown(ports):
        account.facts["payload"], text = HIDDEN[skstack.PANA_PORT in ports]
        account.lines.append(INDENT + text)
        return account
    return _with_frame(account, data, scale)


def _event(event: skstack.Event) -> Account:
    meaning = EVENTS.get(event.number, "unknown")
    if event.number == 0x21 and event.parameter in SENT:
        meaning = SENT[event.parameter]
    facts: dict[str, Any] = {"type": "EVENT", "number": f"{event.number:02X}", "meaning": meaning}
    facts["sender"] = event.sender
    parts = [f"from {event.sender}"]
    for name, value in (("side", event.side), ("parameter", event.parameter)):
        if value is not None:
            facts[name] = value
            parts.append(f"{name} {value}")
    return Account(facts, [f"EVENT {event.number:02X}: {meaning} ({', '.join(parts)})"])


def _info(info: skstack.Info) -> Account:
    facts = info._asdict() | {"type": "EINFO", "dialect": info.dialect.value}
    del facts["raw"]
    text = f"channel {info.channel}, PAN ID {info.pan_id}, dialect of the {info.dialect.value}"
    return Account(facts, [f"EINFO: the module is {info.address}, MAC {info.mac}, {text}"])


# --- scan results ----------------------------------------------------------------------

PAN_FIELDS = {
    "Channel": ("channel", "[0-9A-Fa-f]{2}", "channel"),
    "Channel Page": ("channel_page", "[0-9A-Fa-f]{2}", "channel page"),
    "Pan ID": ("pan_id", "[0-9A-Fa-f]{4}", "PAN ID"),
    "Addr": ("mac", "[0-9A-Fa-f]{16}", "MAC"),
    "LQI": ("lqi", "[0-9A-Fa-f]{2}", "RSSI"),
    "Side": ("side", "[0-9A-Fa-f]", "side"),
    "PairID": ("pair_id", ".+", "pairing ID"),
}
"""Each field of a scan's result: its key in the facts, how it must look, and its name in words."""
PAN_FIELD = re.compile(rf"\s*({'|'.join(sorted(PAN_FIELDS, key=len, reverse=True))}):\s*(\S*)\s*")
NEEDED = ("Channel", "Pan ID", "Addr", "LQI")


def pan(lines: list[str], scale: ReportedScale) -> Account:
    """Return the account of an EPANDESC block, its fields indented or not."""
    whole = "".join(f"  {match[1]}:{match[2]}\r\n" for line in lines[1:] if (match := PAN_FIELD.fullmatch(line)))
    events = skstack.Parser().feed(b"EPANDESC\r\n" + whole.encode("latin-1", "replace") + b"OK\r\n")
    found = [event for event in events if isinstance(event, skstack.PanDescription)]
    return _pan(found[0]) if found else _broken_pan(lines)


def _pan(found: skstack.PanDescription) -> Account:
    fields = {
        "Channel": found.channel,
        "Channel Page": found.channel_page,
        "Pan ID": found.pan_id,
        "Addr": found.mac,
        "LQI": f"{found.lqi:02X}",
        "Side": "" if found.side is None else str(found.side),
        "PairID": found.pair_id,
    }
    return _of_pan({name: text for name, text in fields.items() if re.fullmatch(PAN_FIELDS[name][1], text)})


def _of_pan(fields: dict[str, str]) -> Account:
    """Return the fields that are there and sound, in words."""
    facts: dict[str, Any] = {"type": "EPANDESC"}
    lines = ["EPANDESC: a meter was found"]
    for name, text in fields.items():
        key, _, called = PAN_FIELDS[name]
        facts[key], shown = text, f"{called} {text}"
        if name == "Channel":
            facts["channel_number"] = int(text, 16) - FIRST_CHANNEL[0] + FIRST_CHANNEL[1]
            shown += f" (number {facts['channel_number']})"
        elif name == "LQI":
            facts |= {"lqi": int(text, 16), "rssi_dbm": dbm(int(text, 16))}
            shown = f"{called} {facts['rssi_dbm']} dBm (LQI {text})"
        elif name == "PairID":
            facts[key], shown = MASK.decode(), f"{called} not shown: it is the end of the Route-B ID"
        lines.append(INDENT + shown)
    return Account(facts, lines)


def _broken_pan(lines: list[str]) -> Account:
    """Return the account of an EPANDESC that is no scan result: what is sound of it, up to its first fault."""
    fields: dict[str, str] = {}
    at, fault = len(lines[0]) + 1, ""
    for line in lines[1:]:
        match = PAN_FIELD.fullmatch(line)
        if match is None or not re.fullmatch(PAN_FIELDS[match[1]][1], match[2]):
            fault = f"the {match[1]} is broken" if match else "no field of a scan result"
            break
        fields[match[1]] = match[2]
        at += len(line) + 1
    lacking = [name for name in NEEDED if name not in fields]
    account = _of_pan(fields)
    account.facts["error"], line = stops(WireError(fault or f"the {lacking[0]} is missing", at))
    account.lines.append(INDENT + line)
    return account


# --- lines that are broken -------------------------------------------------------------

Words = tuple[tuple[str, str], ...]
_UDP_WORDS: Words = (
    ("sender", _IP),
    ("destination", _IP),
    ("rport", "[0-9A-Fa-f]{4}"),
    ("lport", "[0-9A-Fa-f]{4}"),
    ("mac", "[0-9A-Fa-f]{16}"),
    ("?rssi", "[0-9A-Fa-f]{2}"),
    ("security", "[0-9A-Fa-f]"),
    ("?side", "[0-9A-Fa-f]"),
    ("length", "[0-9A-Fa-f]{4}"),
    ("payload", ".*"),
)
WORDS: dict[str, Words] = {
    "ERXUDP": _UDP_WORDS,
    "EVENT": (("number", "[0-9A-Fa-f]{2}"), ("sender", _IP), ("?side", "[01]"), ("?parameter", "[0-9A-Fa-f]{2}")),
    "EINFO": (
        ("address", _IP),
        ("mac", "[0-9A-Fa-f]{16}"),
        ("channel", "[0-9A-Fa-f]{2}"),
        ("pan_id", "[0-9A-Fa-f]{4}"),
        ("side", "[0-9A-Fa-f]{1,4}"),
    ),
    "ESREG": (("value", "[0-9A-Fa-f]{1,4}"),),
    "EVER": (("version", "[!-~]+"),),
    "FAIL": (("code", "ER[0-9]{2}"),),
}
"""The words of each line, in order; with `?` those that may be missing."""
SHOWN = frozenset({"sender", "destination", "rport", "lport", "number", "address", "channel"})
"""Fields of a broken line that can hold no piece of a secret: a lost byte leaves them no room for one."""
KEYWORD = re.compile(r"\b(?:ERXUDP|EVENT|EINFO|ESREG|EVER|FAIL)\b")


def broken(line: str, scale: ReportedScale) -> Account:
    """Return the account of a line that was not understood: how far it makes sense."""
    raw = line.encode("latin-1", "replace")
    if masked := _MASKED_UDP.search(raw):
        return _masked(masked)
    keyword = KEYWORD.search(line)
    if keyword is None:
        return happening(skstack.Noise(raw), scale)
    fields, end, error = _walk(line, keyword.end() + 1, WORDS[keyword[0]])
    shown = {name: text for name, text in fields.items() if name in SHOWN}
    facts: dict[str, Any] = {"type": keyword[0], **shown}
    words = ", ".join(f"{name} {text}" for name, text in shown.items())
    account = Account(facts, [f"{keyword[0]}{f': {words}' if words else ''}"])
    if "length" in fields:
        digits = re.split("[^0-9A-Fa-f]", line[end:], maxsplit=1)[0]
        promised, data = int(fields["length"], 16), bytes.fromhex(digits[: len(digits) // 2 * 2])
        behind = "more are there" if len(digits) > 2 * promised else "and something else is behind them"
        there = f"{len(data)} are there" if len(data) < promised else behind
        error = WireError(f"{promised} bytes of payload are promised, {there}", end + 2 * min(len(data), promised))
        _payload(account, (int(fields["rport"], 16), int(fields["lport"], 16)), data[:promised], scale)
    if error:
        account.facts["error"], text = stops(error)
        account.lines.append(INDENT + text)
    return account


def _walk(line: str, at: int, words: Words) -> tuple[dict[str, str], int, WireError | None]:
    """Return the words that are valid, where the next one begins, and what is wrong with it."""
    fields: dict[str, str] = {}
    for name, pattern in words:
        word = line[at:].split(" ", 1)[0]
        if name == "payload":
            break
        if re.fullmatch(pattern, word):
            fields[name.lstrip("?")] = word
            at += len(word) + 1
        elif not name.startswith("?"):
            ends = at + len(word) >= len(line)
            fault = "is missing" if not word else "is cut off or broken" if ends else "is broken"
            return fields, at, WireError(f"the {name} {fault}", len(line) if ends else at)
    return fields, min(at, len(line)), None


def _masked(match: re.Match[bytes]) -> Account:
    """Return the account of a datagram whose payload was masked in the trace."""
    sender, destination, rport, lport = (group.decode() for group in match.groups())
    ports = (int(rport, 16), int(lport, 16))
    payload, text = HIDDEN[skstack.PANA_PORT in ports]
    facts = {"type": "ERXUDP", "sender": sender, "destination": destination, "rport": ports[0], "lport": ports[1]}
    lines = [
        f"ERXUDP: {text}",
        f"{INDENT}from {sender} {_port(ports[0])}",
        f"{INDENT}to   {destination} {_port(ports[1])}",
    ]
    return Account(facts | {"payload": payload}, lines)
