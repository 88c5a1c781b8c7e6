"""prices.toml beside config.ini: monthly prices that a user gives, and what bills really came to."""

from pathlib import Path

from homemon.core.errors import ConfigError, HomemonError
from homemon.core.files import replace_file
from homemon.energy.plan import Month
from homemon.energy.prices import Entered, Kept, Table, read_kept

NAME = "prices.toml"
HEAD = "# Written by `homemon bill price` and `homemon bill enter`, which keep no comments.\n"


def load(folder: Path) -> Kept:
    """Return what is kept; nothing where there is no file. Raise ConfigError."""
    path = folder / NAME
    try:
        return read_kept(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        return Kept()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{path}: {reason}", "Make it readable, or move it away.") from None


def save(folder: Path, kept: Kept) -> Path:
    """Put it in the place of what was kept, and return where. Raise HomemonError."""
    import tomli_w

    path = folder / NAME
    prices = {
        name: {label(month): str(figure) for month, figure in table.items()} for name, table in kept.prices.items()
    }
    billed = {label(month): _facts(entered) for month, entered in sorted(kept.billed.items())}
    content = HEAD + tomli_w.dumps({name: each for name, each in (("price", prices), ("billed", billed)) if each})
    try:
        replace_file(path, content.encode())
    except OSError as error:
        raise HomemonError(f"{path} cannot be written: {error.strerror}", "Make its folder writable.") from None
    return path


def with_price(kept: Kept, item: str, month: Month, price: Table) -> Kept:
    """Return what is kept with a price more, or another."""
    table = dict(sorted({**kept.prices.get(item, {}), **price}.items()))
    return kept._replace(prices={**kept.prices, item: table})


def label(month: Month) -> str:
    """Return a bill's month as it is typed."""
    return f"{month[0]}-{month[1]:02}"


def _facts(entered: Entered) -> dict[str, int]:
    return {name: value for name, value in entered._asdict().items() if value is not None}
