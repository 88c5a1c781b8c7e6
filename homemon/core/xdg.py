"""The user's folders by the XDG Base Directory Specification (specifications.freedesktop.org/basedir-spec)."""

import os
from collections.abc import Mapping
from pathlib import Path


def config(name: str, environment: Mapping[str, str]) -> Path:
    """Return the path `name` below $XDG_CONFIG_HOME, by default ~/.config."""
    return _below("XDG_CONFIG_HOME", "~/.config", environment) / name


def state(name: str, environment: Mapping[str, str]) -> Path:
    """Return the path `name` below $XDG_STATE_HOME, by default ~/.local/state.

    That below the default is returned, too, where it is the only one that exists: it was made without the variable.
    """
    own, usual = _below("XDG_STATE_HOME", "~/.local/state", environment) / name, state_at_home(name)
    return usual if not own.exists() and usual.exists() else own


def state_at_home(name: str) -> Path:
    """Return the path `name` below ~/.local/state, which is meant where no variable is set, as in cron."""
    return _below("", "~/.local/state", {}) / name


def _below(variable: str, default: str, environment: Mapping[str, str]) -> Path:
    """Return the folder that a variable names, where it is absolute as it must be, else the default."""
    named = environment.get(variable, "")
    return Path(named if os.path.isabs(named) else os.path.expanduser(default))
