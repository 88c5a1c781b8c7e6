"""state.toml: what the machine learned by itself, and could learn again.

The link that a join found and the scale that the meter told. It lives in the store's folder, is
written atomically, and is never edited by hand; where it is broken it counts as not there.
"""

from pathlib import Path
from typing import Any, NamedTuple

from homemon.devices.meter import Scale
from homemon.errors import StoreError
from homemon.files import make_private_dir, replace_file
from homemon.wire.join import Link
from homemon.wire.skstack import Dialect


class State(NamedTuple):
    """Each is None until it is learned. The scale belongs to the link's meter."""

    link: Link | None = None
    scale: Scale | None = None


def load(folder: Path) -> State:
    """The state kept in `folder`; an empty one where there is none or it cannot be understood."""
    import tomllib

    try:
        known: dict[str, Any] = tomllib.loads((folder / "state.toml").read_text("utf-8")).get("smartmeter", {})
        link = known.get("link")
        scale = known.get("scale")
        return State(
            Link(**{**link, "dialect": Dialect(link["dialect"])}) if link else None,
            Scale(int(scale["exponent"]), int(scale["coefficient"]), int(scale.get("digits", 8))) if scale else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def save(folder: Path, state: State) -> None:
    """Keep `state` in `folder`. Raises StoreError."""
    import tomli_w

    known: dict[str, Any] = {}
    if state.link:
        known["link"] = {**state.link._asdict(), "dialect": state.link.dialect.value}
    if state.scale:
        known["scale"] = state.scale._asdict()
    make_private_dir(folder)
    try:
        replace_file(folder / "state.toml", tomli_w.dumps({"smartmeter": known}).encode())
    except OSError as error:
        raise StoreError(f"{folder / 'state.toml'} cannot be written: {error.strerror}") from None
