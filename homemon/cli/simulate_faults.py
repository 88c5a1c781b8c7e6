"""Faults of the simulated devices, as they are typed: `--fault NAME[=VALUE]`."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import click

from homemon.sim.faults import Fault

ON = "1 or 0"
Faults = TypeVar("Faults")


def flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


def fault_help(faults: Mapping[str, Fault]) -> str:
    """Return the lines at the end of `--help`."""
    lines = (
        f"  {row.name}={row.default}".ljust(25) + f"  {row.says}" + (f"  ({row.takes})" if row.act is None else "")
        for row in faults.values()
    )
    return "\n".join(("\b", "Faults (VALUE and what happens):", *lines))


def read_faults(kind: Callable[..., Faults], known: Mapping[str, Fault], texts: Sequence[str]) -> Faults:
    """Return a `kind` with the faults typed as `NAME[=VALUE]`. Raise click.UsageError."""
    wanted = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in known:
            raise click.UsageError(f"--fault {text}: no fault is called {name!r}; there are {', '.join(known)}")
        row = known[name]
        try:
            wanted[name.replace("-", "_")] = row.read(value if equals else row.default)
        except ValueError:
            raise click.UsageError(f"--fault {text}: {name} takes {row.takes}, not {value!r}") from None
    return kind(**wanted)
