"""What the simulated module does on each command but SKSENDTO, whose payload makes it special.

`COMMANDS` names how many arguments each dialect wants; the module counts, `do` may rely on it.
Times are seconds at pace 1. Source: BP35A1 command reference 1.3.0 and captures.
"""

import re
from collections.abc import Callable, Container
from typing import NamedTuple

from homemon.sim.radio import OWN, OWN_MAC, Radio, link_local

EVERYBODY = "FF02:0000:0000:0000:0000:0000:0000:0001"
CHANNEL, PAN_ID, LQI = "31", "B5FB", "DD"

NOBODY_THERE = 20.0  # until a join to nowhere is given up
TERM_UNANSWERED = 10.0

PANA_START = "00000028C0000002136F0BFE2FDA83DC00060000000400000000000500030000000400000000000C"
PANA_IDENTITY = (  # EAP-PSK's first message; the Route-B ID in ASCII comes at the braces
    "0000005080000002136F0BFE2FDA83DD000200000036000001E200362F005B1E0C8D7A6F4E3D2C1B0A9988776655{}0000"
)
PANA_END = (
    "00000058A0000002136F0BFE2FDA83DF000700000004000000000000000200000004000003E400040004000000040000"
    "0000160100080000000400000001518000010000001000006F2356B28BAD8AE081F64840CF5B5933"
)
INSTANCE_LIST = "108100000EF0010EF0017301D50401028801"


def skver(module: Radio) -> None:
    module.say("EVER 1.2.10" if module.dialect == "a1" else "EVER 1.5.2", "OK")


def skinfo(module: Radio) -> None:
    last = "FFFE" if module.dialect == "a1" else "0"
    module.say(f"EINFO {OWN} {OWN_MAC} {module.registers['S2']} {module.registers['S3']} {last}", "OK")


def skreset(module: Radio) -> None:
    module.forget()
    module.say("OK")


def ropt(module: Radio) -> None:
    module.put(b"OK 00\r" if module.raw else b"OK 01\r")


def wopt(module: Radio, mode: str) -> None:
    if mode not in ("00", "01"):
        module.put(b"FAIL ER06\r")
        return
    module.raw = mode == "00"
    module.flash_writes += 1
    module.put(b"OK\r")


def sksetpwd(module: Radio, length: str, password: str) -> None:
    if not re.fullmatch("[0-9A-F]{1,2}", length) or int(length, 16) != len(password) or len(password) > 32:
        module.say("FAIL ER06")
        return
    module.password = password
    module.say("OK")


def sksetrbid(module: Radio, rbid: str) -> None:
    if len(rbid) != 32:
        module.say("FAIL ER06")
        return
    module.rbid = rbid
    module.say("OK")


def sksreg(module: Radio, name: str, value: str | None = None) -> None:
    """Set a register, or return it. S2, S3, SFE and SA2 do something here, SFB is the ARIB limit; others are kept.

    A BP35A1 takes SA2 and goes on without RSSI: momonga, which sets it on every module, reads nine words from one.
    """
    shapes = {"S2": "2[1-9A-F]|3[0-9A-C]", "S3": "[0-9A-F]{4}", "SFE": "[01]", "SA2": "[01]"}
    if not re.fullmatch("S[0-9A-F]{1,2}", name) or (
        value is not None and not re.fullmatch(shapes.get(name, "[0-9A-F]+"), value)
    ):
        module.say("FAIL ER06")
    elif value is None:
        limited = str(int(module.now < module.limited_until))
        module.say(f"ESREG {limited if name == 'SFB' else module.registers.get(name, '0')}", "OK")
    else:
        module.registers[name] = value
        module.say("OK")


def skscan(module: Radio, mode: str, channels: str, duration: str, side: str = "0") -> None:
    """Do an active scan with pairing ID (mode 2): 28 channels of 9.6 ms × (2^duration + 1)."""
    if mode != "2" or not re.fullmatch("[0-9A-F]{8}", channels) or not re.fullmatch("[0-9A-E]", duration):
        module.say("FAIL ER06")
        return
    seconds = 28 * 0.0096 * (2 ** int(duration, 16) + 1)
    module.say("OK")
    if module.used_up("empty-scans"):
        module.later(seconds * 0.6, lambda: _beacon(module))
    module.later(seconds, lambda: module.event("22", OWN))


def _beacon(module: Radio) -> None:
    """Answer as the meter does those who carry its pairing ID, the last 8 digits of the Route-B ID."""
    if module.rbid[-8:] != module.bid[-8:]:
        return
    module.event("20", OWN)
    side = () if module.dialect == "a1" else ("  Side:0",)
    module.say(
        "EPANDESC",
        f"  Channel:{CHANNEL}",
        "  Channel Page:09",
        f"  Pan ID:{PAN_ID}",
        f"  Addr:{module.mac}",
        f"  LQI:{LQI}",
        *side,
        f"  PairID:{module.bid[-8:]}",
    )


def skll64(module: Radio, mac: str) -> None:
    """Return the link-local address of a MAC."""
    if not re.fullmatch("[0-9A-F]{16}", mac):
        module.say("FAIL ER06")
        return
    module.say(link_local(mac))


def skjoin(module: Radio, address: str) -> None:
    """Do PANA with the meter, as in capture q07: EVENT 25 where ID and password are its own, else 24."""
    module.say("OK")
    tuned = (module.registers["S2"], module.registers["S3"]) == (CHANNEL, PAN_ID)
    if not tuned or address != module.address:
        module.later(0.5, lambda: module.event("21", address, "02"))
        module.later(NOBODY_THERE, lambda: module.event("24", address))
        return
    module.later(0.5, lambda: module.event("21", module.address, "02"))
    module.later(0.7, lambda: module.event("02", module.address))
    module.later(1.0, lambda: _pana(module, PANA_START))
    module.later(2.0, lambda: _pana(module, PANA_IDENTITY.format(module.bid.encode().hex().upper())))
    module.later(4.0, lambda: _end_join(module))


def _pana(module: Radio, message: str) -> None:
    module.datagram(bytes.fromhex(message), port="02CC", secured=0)
    module.event("21", module.address, "00")


def _end_join(module: Radio) -> None:
    known = (module.rbid, module.password) == (module.bid, module.pwd)
    if not (module.used_up("refuse-joins") and known):
        module.session = False
        module.event("24", module.address)
        return
    _pana(module, PANA_END)
    module.session, module.forgotten = True, False
    module.event("25", module.address)
    module.later(1.0, lambda: _announce(module))


def _announce(module: Radio) -> None:
    """Announce the meter's objects to everybody: no reading."""
    if module.session:
        module.datagram(bytes.fromhex(INSTANCE_LIST), to=EVERYBODY)


def skrejoin(module: Radio) -> None:
    if not module.session:
        module.say("FAIL ER10")
        return
    module.say("OK")
    module.later(2.0, lambda: _end_join(module))


def skterm(module: Radio) -> None:
    """Report EVENT 27 where the meter answers, 28 where it has forgotten the session."""
    if not module.session:
        module.say("FAIL ER10")
        return
    module.say("OK")
    module.session = False
    if module.forgotten:
        module.later(TERM_UNANSWERED, lambda: module.event("28", module.address))
    else:
        module.later(1.0, lambda: module.event("27", module.address))


class Command(NamedTuple):
    """How many arguments the BP35A1 and the BP35C0 want, and what is done."""

    a1: Container[int]
    c: Container[int]
    do: Callable[..., None]


COMMANDS = {
    "SKVER": Command({0}, {0}, skver),
    "SKINFO": Command({0}, {0}, skinfo),
    "SKRESET": Command({0}, {0}, skreset),
    "ROPT": Command({0}, {0}, ropt),
    "WOPT": Command({1}, {1}, wopt),
    "SKSETPWD": Command({2}, {2}, sksetpwd),
    "SKSETRBID": Command({1}, {1}, sksetrbid),
    "SKSREG": Command({1, 2}, {1, 2}, sksreg),
    "SKSCAN": Command({3}, {4}, skscan),
    "SKLL64": Command({1}, {1}, skll64),
    "SKJOIN": Command({1}, {1}, skjoin),
    "SKREJOIN": Command({0}, {0}, skrejoin),
    "SKTERM": Command({0}, {0}, skterm),
}
