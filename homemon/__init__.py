"""homemon watches the energy of a Japanese home from a Raspberry Pi.

As a library it says what bytes mean, and reads the store:

    import homemon

    homemon.decode(bytes.fromhex("1081000102880105FF017201E7040000020B"))
    with homemon.open_store("~/.local/state/homemon") as store:
        for time, watts in store.values("power"):
            ...
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from homemon.storage.reader import Reader

__all__ = ["__version__", "decode", "open_store"]
__version__ = "0.2.0"


def decode(data: bytes) -> list[dict[str, Any]]:
    """Return what bytes mean, piece by piece, each as `homemon decode --json` prints it.

    `data` is an ECHONET Lite frame, or text that has any number of frames in hex, lines of a Wi-SUN module, of a
    trace, or of a solar monitor's dump. Each piece has its `type`; one that is cut off has an `error`, and other
    text is of the type `noise` or `talk`. Nothing is raised for what the bytes are.
    """
    from homemon.explain.text import accounts
    from homemon.skstack.logged import as_text

    is_frame = data[:1] == b"\x10"
    lines = [data.hex()] if is_frame else [as_text(line) for line in data.split(b"\n")]
    return [account.facts for account in accounts(lines)]


def open_store(path: "str | os.PathLike[str]") -> "Reader":
    """Return the readings of the store at `path`, its folder or its `homemon.db`. Raises StoreError."""
    from homemon.storage.reader import Reader

    return Reader(path)
