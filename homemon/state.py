"""state.toml: what the machine learned by itself, and could learn again.

The link that a join found, the scale that the meter told, and where the EcoCute is that nobody wrote into
config.ini. It lives in the store's folder, is written atomically, and is never edited by hand; a part
that is broken counts as not there. Several commands learn at once, so each changes its own part only.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from homemon.devices.meter import LARGEST_COEFFICIENT, UNIT_EXPONENTS, Scale
from homemon.errors import StoreError
from homemon.files import Lock, make_private_dir, replace_file
from homemon.wire.echonet import Unit
from homemon.wire.join import Link
from homemon.wire.skstack import Dialect

IPV4 = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
WITHIN = 5.0  # seconds that another command may take to write
Part = TypeVar("Part")
LINK = {
    "address": "[0-9A-Fa-f]{4}(:[0-9A-Fa-f]{4}){7}",
    "channel": "([0-9A-Fa-f]{2})?",  # empty, as the next two, where only the address is known
    "pan_id": "([0-9A-Fa-f]{4})?",
    "mac": "([0-9A-Fa-f]{16})?",
}
"""What each text of a link looks like: it goes into the module's commands as it is."""


class State(NamedTuple):
    """Each is None until it is learned. The scale belongs to the link's meter.

    `searched` is the Unix time at which a remembered EcoCute was looked for elsewhere, 0 for never.
    """

    link: Link | None = None
    scale: Scale | None = None
    unit: Unit | None = None
    searched: int = 0


def load(folder: Path) -> State:
    """The state kept in `folder`; an empty one where there is none or it cannot be understood."""
    try:
        return understood((folder / "state.toml").read_bytes())
    except OSError:
        return State()


def understood(content: bytes) -> State:
    """The state that a file's `content` says; a part of it that cannot be understood is left out."""
    import tomllib

    try:
        known: dict[str, Any] = tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return State()
    return State(
        _part(lambda: _link(known["smartmeter"]["link"])),
        _part(lambda: _scale(known["smartmeter"]["scale"])),
        _part(lambda: _unit(known["ecocute"]["unit"])),
        _part(lambda: int(known["ecocute"]["searched"])) or 0,
    )


def _part(read: Callable[[], Part]) -> Part | None:
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _link(known: Mapping[str, Any]) -> Link:
    """Raises ValueError, KeyError or TypeError for what is none."""
    for name, looks in LINK.items():
        if not re.fullmatch(looks, known[name]):
            raise ValueError(name)
    return Link(**{**known, "dialect": Dialect(known["dialect"])})


def _scale(known: Mapping[str, Any]) -> Scale:
    """Raises ValueError, KeyError or TypeError for what is none."""
    scale = Scale(known["exponent"], known["coefficient"], known.get("digits", 8))
    if not all(isinstance(number, int) for number in scale):
        raise TypeError
    if scale.exponent not in UNIT_EXPONENTS.values() or not 1 <= scale.coefficient <= LARGEST_COEFFICIENT:
        raise ValueError
    if not 1 <= scale.digits <= 8:
        raise ValueError
    return scale


def _unit(kept: Mapping[str, Any]) -> Unit:
    """Raises ValueError, KeyError or TypeError for what is none."""
    if not re.fullmatch(IPV4, kept["host"]):
        raise ValueError("host")
    return Unit(kept["host"], int(kept["eoj"], 16), str(kept["id"]))


def change(folder: Path, learned: Callable[[State], State]) -> None:
    """Keep in `folder` what `learned` makes of the state there. Raises StoreError."""
    import tomli_w

    make_private_dir(folder)
    with Lock(folder / "state.lock").holding(WITHIN):
        state = learned(load(folder))
        meter: dict[str, Any] = {}
        if state.link:
            meter["link"] = {**state.link._asdict(), "dialect": state.link.dialect.value}
        if state.scale:
            meter["scale"] = state.scale._asdict()
        heater: dict[str, Any] = {"searched": state.searched} if state.searched else {}
        if state.unit:
            heater["unit"] = {**state.unit._asdict(), "eoj": f"{state.unit.eoj:06X}"}
        known = {name: part for name, part in (("smartmeter", meter), ("ecocute", heater)) if part}
        try:
            replace_file(folder / "state.toml", tomli_w.dumps(known).encode())
        except OSError as error:
            raise StoreError(f"{folder / 'state.toml'} cannot be written: {error.strerror}") from None
