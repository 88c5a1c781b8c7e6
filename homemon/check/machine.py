"""`homemon check` on the machine: config, files, clock, disk, and what starts homemon."""

import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from homemon.check.findings import Aside, Finding, fault, ok, warning
from homemon.config.keys import EXAMPLE
from homemon.config.place import open_to_others
from homemon.config.read import Config
from homemon.core.clock import RELEASED, has_time_service, kept_by_ntp
from homemon.core.errors import StoreError
from homemon.runtime.listeners import listeners
from homemon.sources.registry import SOURCES

LOW_DISK = 100_000_000  # bytes
CRON_PATH = "/usr/bin:/bin"  # where a crontab names none (crontab(5))
CRONTAB_WITHIN = 5.0  # seconds
SYSTEM_CRONTABS = (Path("/etc/crontab"), Path("/etc/cron.d"))
UNIT_FOLDERS = ("~/.config/systemd/user", "/etc/systemd/user", "/etc/systemd/system")
LINGER = Path("/var/lib/systemd/linger")
HOW_TO_START = "Run `homemon setup --only start`; or see crontab.example, and docs/systemd for systemd"


# --- what lies there --------------------------------------------------------------------


def config(app: Aside) -> Iterator[Finding]:
    """Yield what is not filled in yet. That it can be read was established before: all other looks need it."""
    read = app.config
    lacking = list(_not_filled_in(read))
    yield from lacking
    if not lacking:
        yield ok("config", f"{read.path} is complete")


def _not_filled_in(read: Config) -> Iterator[Finding]:
    """Yield values of the example and of templates, and a file without any device."""
    for text in (text for texts in read.unfilled.values() for text in texts):
        yield warning("config", text, "Fill it in, or take the line out")
    meter = read.smartmeter
    if meter and (meter.bid, meter.pwd) == EXAMPLE:
        yield warning(
            "config",
            f"{read.path}: [smartmeter] bid and pwd are those of config.ini.example",
            "Fill in those of the power company's letter; only a simulated meter takes these",
        )
    if not (read.unfilled or any(read.of(source.section) for source in SOURCES)):
        yield warning("config", f"{read.path} names no device", "Run `homemon setup`; or see config.ini.example")


def files(app: Aside) -> Iterator[Finding]:
    """Yield who may read the secrets and the readings, and whether they are ours to write."""
    path, folder = app.config.path, app.folder
    if warned := open_to_others(path):
        yield warning("config", warned, f"chmod 600 {path}")
    owner = folder.stat().st_uid if os.path.exists(folder) else os.geteuid()
    if owner != os.geteuid():
        yield warning(
            "files",
            f"{folder} belongs to {_name(owner)}, and you are {_name(os.geteuid())}",
            f"Run homemon as {_name(owner)} only: files of another user would be in its way",
        )
    kept = [folder, *sorted(folder.iterdir())] if os.access(folder, os.R_OK) else []
    traces = [path.parent / named for job in jobs() for named in re.findall(r"--trace[= ](\S+)", job.text)]
    opened = [file for file in (*kept, *traces) if _open_to_others(file)]
    if opened:
        first = [str(file) for file in (opened if opened[0] != folder else [folder])][:3]
        yield warning("files", f"others may read {', '.join(first)}", f"chmod -R go= {' '.join(first)}")
    elif owner == os.geteuid():
        yield ok("files", f"{folder} is yours alone")


def _open_to_others(path: Path) -> int:
    """Return the mode of a file that others may read or write; 0 where they may not, or the file is missing."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        return mode if mode & 0o077 else 0
    return 0


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def disk(app: Aside) -> Iterator[Finding]:
    """Yield whether there is space, and whether the disk can be written at all."""
    folder = app.folder
    while not os.path.exists(folder):
        folder = folder.parent
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if space.f_flag & os.ST_RDONLY:
        yield fault("disk", f"{folder} can only be read", "The SD card may be worn out: see dmesg; save a copy of it")
    elif free < LOW_DISK:
        yield fault("disk", f"{free // 1_000_000} MB free for {folder}", "Free some space")
    else:
        yield ok("disk", f"{free // 1_000_000} MB free for {folder}")


def clock(app: Aside) -> Iterator[Finding]:
    """Yield whether the clock is set, and stays so."""
    now = app.now()
    try:
        right = app.store.clock.trusts(now)
    except StoreError:  # it has a look of its own
        right = now.wall >= RELEASED
    if not right:
        yield fault("clock", "it cannot be right yet", "Wait for NTP, or set it; readings are dated when it is right")
    elif kept_by_ntp():
        yield ok("clock", "it is set and kept by NTP")
    elif has_time_service():
        yield warning("clock", "the time service has not set it yet", "Wait some minutes; then see `timedatectl`")
    else:
        yield warning("clock", "it is set, but not kept by NTP", "sudo timedatectl set-ntp true")


# --- what starts it ----------------------------------------------------------------------


class Job(NamedTuple):
    """A line that starts a command: where it stands, whether it is in force, and the PATH that cron has there."""

    place: str
    text: str
    enabled: bool = True
    path: str = ""

    @property
    def not_found(self) -> str:
        """The `homemon` that the line names, where cron would not find it; else empty."""
        named = re.search(r"(?<!-m )(?<![\w.-])(~?[\w./$-]*homemon)(?=\s)", self.text)
        if not self.path or not named or re.search(r"\bPATH=|/activate\b|\bcd ", self.text):
            return ""
        word = os.path.expanduser(named[1].replace("$HOME", "~"))
        return "" if shutil.which(word, path=self.path) else word


def jobs() -> list[Job]:
    """Return all lines of cron and systemd that name homemon, as far as we may read them."""
    return [job for job in (*_cron_jobs(), *_systemd_jobs()) if "homemon" in job.text]


def _cron_jobs() -> Iterator[Job]:
    if shutil.which("crontab"):
        with suppress(OSError, subprocess.TimeoutExpired):
            listed = subprocess.run(
                ("crontab", "-l"),
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=CRONTAB_WITHIN,
                check=False,
            ).stdout
            yield from _cron_lines("crontab", listed)
    for place in SYSTEM_CRONTABS:
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            with suppress(OSError, UnicodeDecodeError):
                yield from _cron_lines(str(file), file.read_text("utf-8"))


def _cron_lines(place: str, text: str) -> Iterator[Job]:
    """Yield a crontab's lines; a PATH counts for those below it (crontab(5))."""
    path = CRON_PATH
    for line in _in_force(text):
        if setting := re.match(r"\s*PATH\s*=\s*(.*?)\s*$", line):
            path = setting[1].strip("\"'")
        else:
            yield Job(place, line, path=path)


def _in_force(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.lstrip().startswith("#")]


def _systemd_jobs() -> Iterator[Job]:
    """Yield services; a `.wants` folder links to one in force, or to its timer (systemd.unit(5))."""
    for place in UNIT_FOLDERS:
        folder = Path(place).expanduser()
        enabled = {link.stem for link in folder.glob("*.wants/*")}
        for unit in sorted(folder.glob("*.service")):
            with suppress(OSError, UnicodeDecodeError):
                for line in _in_force(unit.read_text("utf-8")):
                    if line.startswith("ExecStart="):
                        yield Job(str(unit), line, unit.stem in enabled)


def start(app: Aside) -> Iterator[Finding]:
    """Yield, for each configured device, whether its commands run or will be run."""
    known = jobs()
    for name, pid in listeners(app).items():
        yield _listener(name, pid, _starting(known, name))
    idle = []
    for name in _one_shots(app, known):
        found = _starting(known, name)
        if found:
            yield (
                _disabled(name, found)
                or _not_found(name, found)
                or ok("start", f"{name} is started by {_place(found)}")
            )
        else:
            idle.append(name)
    if idle:
        yield warning("start", f"nothing starts {', '.join(idle)}", HOW_TO_START)
    units = [job for job in known if job.enabled and job.place.startswith(str(Path.home()))]
    if units and LINGER.parent.exists() and not (LINGER / _name(os.geteuid())).exists():
        yield warning("start", "your systemd units end when you log out", "sudo loginctl enable-linger $USER")


def _one_shots(app: Aside, known: list[Job]) -> Iterator[str]:
    """Yield the commands that are to be started again and again; empty where the listener polls by itself."""
    for source in SOURCES:
        polling = source.listener and any("--poll" in job.text for job in _starting(known, source.listener))
        if app.config.of(source.section) and not polling:
            yield from source.polls
    if app.config.notify:
        yield "notify"


def _starting(known: list[Job], name: str) -> list[Job]:
    return [job for job in known if re.search(rf"\bhomemon\b.*\b{name}\b", job.text)]


def _place(found: list[Job]) -> str:
    return next((job.place for job in found if job.enabled), found[0].place)


def _disabled(name: str, found: list[Job]) -> Finding | None:
    """Return a warning where none of the units that would start it is enabled."""
    if any(job.enabled for job in found):
        return None
    unit = Path(found[0].place)
    timer = unit.with_suffix(".timer")
    wanted = (timer if timer.exists() else unit).name
    user = "--user " if "/systemd/user/" in found[0].place else ""
    return warning("start", f"{wanted}, which starts {name}, is not enabled", f"systemctl {user}enable --now {wanted}")


def _not_found(name: str, found: list[Job]) -> Finding | None:
    """Return a warning where cron finds no homemon by any of the lines that would start it."""
    if any(job.enabled and not job.not_found for job in found):
        return None
    job = next(job for job in found if job.not_found)
    where = os.path.dirname(shutil.which("homemon") or sys.argv[0]) or "/home/pi/.local/bin"
    if "/" in job.not_found:
        wrong = f"{name} is started by {job.place} as {job.not_found}, which cannot be run"
        return warning("start", wrong, f"Write {where}/homemon there")
    return warning(
        "start",
        f"{name} is started by {job.place}, whose PATH ({job.path}) has no homemon",
        f"Put PATH={where}:/usr/bin:/bin above the line",
    )


def _listener(name: str, pid: int | None, found: list[Job]) -> Finding:
    what = "listener"
    if pid and not found:
        return warning(what, f"{name} runs (pid {pid}), but nothing starts it again after a reboot", HOW_TO_START)
    if found and (disabled := _disabled(name, found)):
        return disabled
    if found and not pid and (lost := _not_found(name, found)):
        return lost._replace(what=what)
    if pid:
        return ok(what, f"{name} runs (pid {pid}), and is started by {_place(found)}")
    if found:
        by_hand = f"Run `homemon {name}` by hand to see why"
        return warning(what, f"no {name} runs, although {_place(found)} starts it", by_hand)
    return warning(what, f"no {name} runs, and nothing starts it", HOW_TO_START)
