"""prices.toml beside config.ini: monthly prices that a user gives, and what bills really came to."""

from collections.abc import Callable
from pathlib import Path

from homemon.config.read import Config
from homemon.core.errors import ConfigError, HomemonError, StoreError
from homemon.core.files import Lock, replace_file
from homemon.energy import shipped
from homemon.energy.plan import Month
from homemon.energy.prices import EVERYWHERE, LEVY, Entered, Figure, Kept, Table, read_kept

NAME = "prices.toml"
USUAL = ("fuel", LEVY)  # for which no plan has to be read
WITHIN = 10.0  # seconds that other commands may take to write
HEAD = "# Written by `homemon bill price` and `homemon bill enter`, which keep no comments.\n"


def load(config: Config) -> Kept:
    """Return what is kept; nothing where there is no file. Raise ConfigError."""
    path = config.path.parent / NAME
    try:
        return read_kept(path.read_text("utf-8"), str(path), lambda name: name in USUAL or name in items(config))
    except FileNotFoundError:
        return Kept()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{path}: {reason}", "Make it readable, or move it away.") from None


def items(config: Config) -> set[str]:
    """Return the names of the monthly prices that any plan has, shipped or of a contract. Raise ConfigError."""
    plans = [shipped.find(contract.plan, config.path.parent) for contract in config.contracts]
    return shipped.items() | {item for plan in plans for version in plan.versions for item in version.items}


def change(config: Config, changed: Callable[[Kept], Kept]) -> Path:
    """Keep what `changed` makes of what is kept, and return where; others wait. Raise HomemonError, ConfigError."""
    path = config.path.parent / NAME
    try:
        with Lock(path.with_suffix(".lock")).holding(WITHIN) as got:
            if not got:
                raise HomemonError(f"{path} is being written by another command", "Try again.")
            replace_file(path, _written(changed(load(config))).encode())
    except StoreError as error:
        raise HomemonError(str(error), "Make the folder of config.ini writable.") from None
    except OSError as error:
        raise HomemonError(f"{path} cannot be written: {error.strerror}", "Make its folder writable.") from None
    return path


def _written(kept: Kept) -> str:
    import tomli_w

    areas = {area: {item: _labelled(each) for item, each in by.items()} for area, by in sorted(kept.prices.items())}
    prices = {**areas.pop(EVERYWHERE, {}), **areas}
    billed = {label(month): _facts(entered) for month, entered in sorted(kept.billed.items())}
    return HEAD + tomli_w.dumps({name: each for name, each in (("price", prices), ("billed", billed)) if each})


def _labelled(table: Table) -> dict[str, str]:
    return {label(month): str(figure) for month, figure in sorted(table.items())}


def with_price(kept: Kept, area: str, item: str, month: Month, figure: Figure) -> Kept:
    """Return what is kept with a price of an area more, or another; EVERYWHERE is that of the levy."""
    prices = kept.prices.get(area, {})
    table = {**prices.get(item, {}), month: figure}
    return kept._replace(prices={**kept.prices, area: {**prices, item: table}})


def with_billed(kept: Kept, month: Month, entered: Entered) -> Kept:
    """Return what is kept with what one more bill came to, or another sum of it."""
    return kept._replace(billed={**kept.billed, month: entered})


def label(month: Month) -> str:
    """Return a bill's month as it is typed."""
    return f"{month[0]}-{month[1]:02}"


def _facts(entered: Entered) -> dict[str, int]:
    return {name: value for name, value in entered._asdict().items() if value is not None}
