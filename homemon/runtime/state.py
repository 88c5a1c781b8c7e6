"""state.toml: what the machine learned by itself, and could learn again.

The link that a join found, the scale that the meter reported, where the devices are that nobody wrote into
config.ini, and our own node's ID and place. It lives in the store's folder, is written atomically, and
is never edited by hand; a part that is broken counts as not there. Several commands learn at once, so each
changes its own part only.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from homemon.core.errors import StoreError
from homemon.core.files import Lock, make_private_dir, replace_file
from homemon.echonet.codec import Unit
from homemon.skstack.join import Link
from homemon.skstack.lines import Dialect
from homemon.sources.meter.properties import LARGEST_COEFFICIENT, UNIT_EXPONENTS, Scale

WITHIN = 5.0  # seconds that another command may take to write
Part = TypeVar("Part")
OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
LOOKS = {
    "address": "[0-9A-Fa-f]{4}(:[0-9A-Fa-f]{4}){7}",
    "channel": "([0-9A-Fa-f]{2})?",  # empty, as the next two, where only the address is known
    "pan_id": "([0-9A-Fa-f]{4})?",
    "mac": "([0-9A-Fa-f]{16})?",
    "host": rf"{OCTET}(\.{OCTET}){{3}}",
    "eoj": "[0-9A-Fa-f]{6}",
    "id": "([0-9A-Fa-f]{2})*",
    "place": "([0-9A-Fa-f]{2}){1,17}",
}
"""What each text looks like: some of them go into commands and frames as they are."""


class OwnNode(NamedTuple):
    """Our node on the LAN: what in its ID is this installation's, and where somebody said that it is installed (81)."""

    id: str
    place: str


class State(NamedTuple):
    """Each is None until it is learned. The scale belongs to the link's meter.

    `units` are the devices on the LAN that were found, by their sections of config.ini; `searched` the Unix times at
    which a remembered one was last looked for elsewhere. `node` is our own node's.
    `configured` is config.ini's address when the link was learned, None where it had none. `recheck`: half-hours may be
    stored in another unit, and are to be compared with the meter's record. `at_once`: so many properties of a question
    the meter answers, None where it answers all.
    """

    link: Link | None = None
    scale: Scale | None = None
    units: Mapping[str, Unit] = {}
    searched: Mapping[str, int] = {}
    node: OwnNode | None = None
    configured: str | None = None
    recheck: bool = False
    at_once: int | None = None


def load(folder: Path) -> State:
    """Return the state stored in `folder`; an empty one where the file is missing or cannot be understood."""
    try:
        return understood((folder / "state.toml").read_bytes())
    except OSError:
        return State()


@lru_cache(1)  # listeners read it each minute, and it seldom changes
def understood(content: bytes) -> State:
    """Return the state in a file's `content`; of a broken file, or part, nothing."""
    import tomllib

    try:
        known: dict[str, Any] = tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return State()
    return State(
        _part(lambda: _link(known["smartmeter"]["link"])),
        _part(lambda: _scale(known["smartmeter"]["scale"])),
        _of_each(known, lambda part: _unit(part["unit"])),
        _of_each(known, lambda part: _whole(part, "searched", 0, 1 << 40)),
        _part(lambda: OwnNode(_text(known["node"], "id"), _text(known["node"], "place"))),
        _part(lambda: _text({"address": known["smartmeter"]["configured"]}, "address")),
        _part(lambda: known["smartmeter"]["recheck"] is True) or False,
        _part(lambda: _whole(known["smartmeter"], "at_once", 1, 99)),
    )


def _part(read: Callable[[], Part]) -> Part | None:
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _of_each(known: Mapping[str, Any], read: Callable[[Any], Part]) -> dict[str, Part]:
    """Return what `read` makes of each section in which it finds something."""
    found = {section: _part(partial(read, part)) for section, part in known.items()}
    return {section: part for section, part in found.items() if part is not None}


def _link(kept: Mapping[str, Any]) -> Link:
    address, channel, pan_id, mac = (_text(kept, name).upper() for name in ("address", "channel", "pan_id", "mac"))
    return Link(address, channel, pan_id, mac, Dialect(kept["dialect"]))


def _scale(kept: Mapping[str, Any]) -> Scale:
    exponents = UNIT_EXPONENTS.values()
    return Scale(
        _whole(kept, "exponent", min(exponents), max(exponents)),
        _whole(kept, "coefficient", 1, LARGEST_COEFFICIENT),
        _whole({"digits": 8, **kept}, "digits", 1, 8),
    )


def _unit(kept: Mapping[str, Any]) -> Unit:
    return Unit(_text(kept, "host"), int(_text(kept, "eoj"), 16), _text(kept, "id"))


def _text(kept: Mapping[str, Any], name: str) -> str:
    text = str(kept[name])
    if not re.fullmatch(LOOKS[name], text):
        raise ValueError(name)
    return text


def _whole(kept: Mapping[str, Any], name: str, lowest: int, highest: int) -> int:
    number = kept[name]
    if not isinstance(number, int) or not lowest <= number <= highest:
        raise ValueError(name)
    return number


def change(folder: Path, learned: Callable[[State], State]) -> None:
    """Keep in `folder` what `learned` makes of the state there. Raise StoreError."""
    import tomli_w

    make_private_dir(folder)
    with Lock(folder / "state.lock").holding(WITHIN):
        state = learned(load(folder))
        meter: dict[str, Any] = {}
        if state.link:
            meter["link"] = {**state.link._asdict(), "dialect": state.link.dialect.value}
        if state.scale:
            meter["scale"] = state.scale._asdict()
        if state.configured:
            meter["configured"] = state.configured
        if state.recheck:
            meter["recheck"] = True
        if state.at_once:
            meter["at_once"] = state.at_once
        known: dict[str, dict[str, Any]] = {"smartmeter": meter, "node": state.node._asdict() if state.node else {}}
        for section, searched in state.searched.items():
            known.setdefault(section, {})["searched"] = searched
        for section, unit in state.units.items():
            known.setdefault(section, {})["unit"] = {**unit._asdict(), "eoj": f"{unit.eoj:06X}"}
        kept = {name: part for name, part in known.items() if part}
        try:
            replace_file(folder / "state.toml", tomli_w.dumps(kept).encode())
        except OSError as error:
            raise StoreError(f"{folder / 'state.toml'} cannot be written: {error.strerror}") from None
