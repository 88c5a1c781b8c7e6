"""Where config.ini lies, and whether who could have written it may decide where readings go.

A file that homemon finds by itself is taken only from us, from root, and under sudo from who called it:
in a shared folder another user could lay one there that sends our readings to a server of theirs.
One that is named is meant.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from homemon.core import xdg
from homemon.core.errors import ConfigError, NoConfig
from homemon.core.files import others_may_write, trusted_users, user_name

NEW = "~/.config/homemon/config.ini"  # $XDG_CONFIG_HOME in place of ~/.config is looked in before
OWN = "homemon/config.ini"
PLACES = ("config.ini", NEW, "/etc/homemon/config.ini")


def find(named: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the config file: the one named, else $HOMEMON_CONFIG, else the first that exists of `PLACES`.

    Raise NoConfig, naming where it looked, and ConfigError for one that another user may have put there.
    """
    named = named or environment.get("HOMEMON_CONFIG")
    if named:
        return Path(named)
    places = list(_places(environment))
    for path in places:
        if os.path.exists(path):  # one that we may not look at is as good as none
            if why := doubtful(path):
                raise ConfigError(
                    f"{path.absolute()} was found, but not read: {why}",
                    f"If it is yours to use, say so: `homemon -c {path.absolute()} …`, or $HOMEMON_CONFIG. "
                    "Else run homemon in another folder.",
                )
            return path
    raise NoConfig(
        f"no configuration found (looked for {', '.join(str(path.absolute()) for path in places)})",
        "Run `homemon setup`, or name a file with --config.",
    )


def _places(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where it is looked for: `PLACES`, and before the user's own the one of $XDG_CONFIG_HOME if that differs."""
    for path in (Path(os.path.expanduser(place)) for place in PLACES):
        own = xdg.config(OWN, environment)
        yield from (own, path) if path == xdg.config(OWN, {}) != own else (path,)


def find_or_new(named: str | None) -> Path:
    """Return the config file as `find` does, or where a new one belongs where there is none. Raise ConfigError."""
    try:
        return find(named)
    except NoConfig:
        return xdg.config(OWN, os.environ)


def is_found(path: Path) -> bool:
    """Return whether a command that names no config file takes this one."""
    try:
        return find(None).absolute() == path
    except ConfigError:
        return False


def doubtful(path: Path) -> str:
    """Return why another user may have written the file, or put it in its place; empty where nobody else could."""
    absolute, real = path.absolute(), path.resolve()
    for step in dict.fromkeys((absolute.parent, absolute, real.parent, real)):
        status = step.lstat()
        if status.st_uid not in trusted_users():
            return f"{step} belongs to {user_name(status.st_uid)}"
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX  # each deletes only what is theirs
        if not stat.S_ISLNK(status.st_mode) and not sticky and others_may_write(status):
            return f"others may write {step} (mode {stat.S_IMODE(status.st_mode):o})"
    return ""


def written_by_others(path: Path) -> str:
    """Return the warning where others than us may write a file that was named; empty where they may not."""
    status = path.stat()
    if others_may_write(status):
        return f"others may write {path} (mode {stat.S_IMODE(status.st_mode):o})"
    foreign = os.geteuid() and status.st_uid not in trusted_users()
    return f"{user_name(status.st_uid)} may write {path}" if foreign else ""


def open_to_others(path: Path) -> str:
    """Return the warning where others than its owner may read or write the file; empty where they may not."""
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if others_may_write(status):
        return f"others may write {path} (mode {mode:o})"
    return f"others may read {path} (mode {mode:o})" if mode & 0o077 else ""
