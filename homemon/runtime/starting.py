"""Puts what starts homemon's commands where cron and systemd look: `WAYS` is the table."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from homemon.config.setup import schedule
from homemon.config.setup.schedule import Job
from homemon.core.errors import HomemonError
from homemon.core.files import make_dir, replace_file

PAGE = f"{schedule.SERVE.unit}.service"
WITHIN = 30.0  # seconds for crontab and systemctl


class Planned(NamedTuple):
    """What is to be started, the words that start homemon with its configuration, and the locale in which it speaks."""

    jobs: Sequence[Job]
    program: Sequence[str]
    locale: str = ""


def program(config: Path) -> tuple[str, ...]:
    """Return the words that start this homemon from anywhere, with this configuration."""
    typed = Path(sys.argv[0])
    beside = Path(sys.executable).with_name("homemon")
    own = typed if typed.name == "homemon" else beside
    words = (str(own.absolute()),) if os.access(own, os.X_OK) else (sys.executable, "-m", "homemon")
    return (*words, "-c", str(config.absolute()))


def said(*words: str, given: str = "") -> str:
    """Return what a program says on stdout. Raise HomemonError with what it says of a failure."""
    try:
        run = subprocess.run(
            words, input=given, capture_output=True, encoding="utf-8", errors="replace", timeout=WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HomemonError(f"{words[0]}: {error}") from None
    if run.returncode:
        raise HomemonError(f"{' '.join(words)}: {run.stderr.strip() or f'exit status {run.returncode}'}")
    return run.stdout


class Cron:
    """The lines of the user's own crontab."""

    @staticmethod
    def there() -> bool:
        return shutil.which("crontab") is not None

    @classmethod
    def planned(cls, planned: Planned) -> list[str]:
        """Return the lines that it gets, without those whose command a line of the user's own starts."""
        crontab = cls.lines()
        return [line for line in schedule.cron_lines(*planned) if not schedule.started_otherwise(crontab, line)]

    @classmethod
    def otherwise(cls, planned: Planned) -> list[tuple[str, str]]:
        """Return the user's own lines that start what is planned, each with the words that it lacks of ours."""
        crontab, lines = cls.lines(), schedule.cron_lines(*planned)
        own = {line: other for line in lines if (other := schedule.started_otherwise(crontab, line))}
        return [(other, schedule.words_lacking(other, line)) for line, other in own.items()]

    @staticmethod
    def differing(planned: Planned) -> list[str]:
        """Return what would be overwritten: nothing, since other lines stay."""
        return []

    @staticmethod
    def lines() -> str:
        """Return the crontab; empty where there is none yet."""
        try:
            return said("crontab", "-l")
        except HomemonError:
            return ""

    @classmethod
    def started(cls) -> list[str]:
        """Return the lines by which something is started."""
        return cls.lines().splitlines()

    @classmethod
    def installed(cls) -> list[str]:
        """Return the lines that we put there before."""
        return schedule.own_lines(cls.lines())

    @classmethod
    def remove(cls) -> None:
        """Take our lines out of the crontab; others stay. Raise HomemonError."""
        said("crontab", "-", given=schedule.with_lines(cls.lines(), ()))

    @classmethod
    def install(cls, planned: Planned, kept: Sequence[str]) -> None:
        """Put the lines into the crontab. Raise HomemonError."""
        before = cls.lines()
        wanted = schedule.with_lines(before, schedule.cron_lines(*planned))
        if wanted != before:
            said("crontab", "-", given=wanted)


class Systemd:
    """The user's own units."""

    @staticmethod
    def there() -> bool:
        try:
            said("systemctl", "--user", "show-environment")
        except HomemonError:
            return False
        return True

    @staticmethod
    def folder() -> Path:
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"

    @classmethod
    def planned(cls, planned: Planned) -> list[str]:
        """Return the files that it gets."""
        return [str(cls.folder() / name) for name in schedule.units(*planned)]

    @staticmethod
    def otherwise(planned: Planned) -> list[tuple[str, str]]:
        """Return the user's own that start what is planned: none, since a unit is known by its name."""
        return []

    @classmethod
    def differing(cls, planned: Planned) -> list[str]:
        """Return the files that would be overwritten with something else."""
        wanted = schedule.units(*planned)
        there = {name: cls.folder() / name for name in wanted if (cls.folder() / name).exists()}
        return [name for name, path in there.items() if path.read_text("utf-8", "replace") != wanted[name]]

    @classmethod
    def started(cls) -> list[str]:
        """Return the lines of the page's unit, where it is enabled."""
        try:
            return (cls.folder() / PAGE).read_text("utf-8", "replace").splitlines() if _is_enabled(PAGE) else []
        except OSError:
            return []

    @classmethod
    def installed(cls) -> list[str]:
        """Return the units of ours that are enabled."""
        return [unit for unit in schedule.all_enabled() if (cls.folder() / unit).exists() and _is_enabled(unit)]

    @classmethod
    def remove(cls) -> None:
        """Stop our units and start them no more; their files stay. Raise HomemonError."""
        said("systemctl", "--user", "disable", "--now", *cls.installed())

    @classmethod
    def install(cls, planned: Planned, kept: Sequence[str]) -> None:
        """Write the units, but those that are kept, and enable them. Raise HomemonError."""
        try:
            make_dir(cls.folder())
            for name, text in schedule.units(*planned).items():
                if name not in kept:
                    replace_file(cls.folder() / name, text.encode())
        except OSError as error:
            raise HomemonError(f"{cls.folder()} cannot be written: {error.strerror}") from None
        said("systemctl", "--user", "daemon-reload")
        if cls.started():  # it ends, or begins as it is to be now
            said("systemctl", "--user", "disable", "--now", PAGE)
        if wanted := schedule.enabled(planned.jobs):
            said("systemctl", "--user", "enable", "--now", *wanted)


def _is_enabled(unit: str) -> bool:
    try:
        said("systemctl", "--user", "is-enabled", unit)
    except HomemonError:
        return False
    return True


def page_started() -> tuple[str, int] | None:
    """Return the address and port on which cron or systemd starts the page; None where neither does."""
    return schedule.served(line for way in WAYS.values() if way.there() for line in way.started())


WAYS: dict[str, type[Cron] | type[Systemd]] = {"cron": Cron, "systemd": Systemd}
