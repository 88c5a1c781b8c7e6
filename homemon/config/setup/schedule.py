"""What starts homemon's commands: lines of a crontab, and units of systemd. `JOBS` is the table."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from homemon.config.read import Config
from homemon.sources.registry import ECOCUTE, SMART_METER, SOLAR_MONITOR

BEGIN = "# homemon setup begins: what stands up to its end is written anew by `homemon setup`"
END = "# homemon setup ends"
LOOPBACK, PORT = "127.0.0.1", 8080  # of `homemon serve` where nothing else is said
OWN = re.compile(rf"(?ms)^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n?")


class Job(NamedTuple):
    """A command that is to run: its arguments, what it is for, and when, for cron and for systemd.

    One without a `calendar` is resident: cron starts it each minute, and a second one ends at once. One that `beats`
    tells systemd again and again that it does its work (`runtime/watchdog.py`).
    """

    words: tuple[str, ...]
    purpose: str
    cron: str = "* * * * *"
    calendar: str = ""
    beats: bool = False

    @property
    def unit(self) -> str:
        return f"homemon-{self.words[0]}"


JOBS: Mapping[str, Sequence[Job]] = {
    SMART_METER.section: (Job(("meter-listen", "--poll", "60"), "record what the smart meter says", beats=True),),
    ECOCUTE.section: (
        Job(("ecocute-listen",), "record what the EcoCute says", beats=True),
        Job(("ecocute-poll",), "ask the EcoCute", "*/10 * * * *", "*:0/10"),
    ),
    SOLAR_MONITOR.section: (Job(("kyocera-dump",), "read the solar monitor", "10,40 * * * *", "*:10,40"),),
    "notify": (Job(("notify",), "send notices", "*/5 * * * *", "*:0/5"),),
}
"""By the section that they need."""
NOBODY, HERE, EVERYBODY = "none", "here", "lan"
SERVE = Job(("serve", "--bind", "0.0.0.0"), "show the page to browsers")
PAGES: Mapping[str, Sequence[Job]] = {
    NOBODY: (),
    HERE: (SERVE._replace(words=("serve",)),),
    EVERYBODY: (SERVE,),
}
"""By who may look at the page, which is started for nobody unasked."""


def jobs(config: Config, page: str = NOBODY) -> list[Job]:
    """Return the jobs of what is configured, and of the page for who may look at it."""
    return [*(job for section, each in JOBS.items() if config.of(section) for job in each), *PAGES[page]]


# --- cron ---------------------------------------------------------------------------------


def cron_lines(planned: Sequence[Job], program: Sequence[str], locale: str = "") -> list[str]:
    """Return a line for each job; `program` are the words that start homemon, `locale` is in whose words it speaks.

    `%` ends a command in crontab(5).
    """
    lang = f"LANG={locale} " if locale else ""
    commands = (shlex.join((*program, "-q", *job.words)).replace("%", r"\%") for job in planned)
    return [f"{job.cron} {lang}{command} >/dev/null" for job, command in zip(planned, commands, strict=True)]


def with_lines(crontab: str, lines: Sequence[str]) -> str:
    """Return the crontab with these lines at its end, in place of those that we put there before.

    A command that another line starts already is not started twice.
    """
    others = OWN.sub("", crontab)
    fresh = [line for line in lines if not started_otherwise(crontab, line)]
    apart = "" if others.endswith("\n") or not others else "\n"
    return others + apart + "\n".join([BEGIN, *fresh, END, ""]) if fresh else others


def own_lines(crontab: str) -> list[str]:
    """Return the lines that we put there before."""
    found = OWN.search(crontab)
    return [line for line in found[0].splitlines() if line not in (BEGIN, END)] if found else []


def started_otherwise(crontab: str, line: str) -> str:
    """Return the line of somebody's own that starts the command of a line of ours already; empty where none does."""
    others = OWN.sub("", crontab).splitlines()
    return next((other for other in others if _starts(other, _command(line))), "")


def words_lacking(own: str, line: str) -> str:
    """Return the words with which a line of ours starts its command, where somebody's own starts it without."""
    words = line.partition(f" -q {_command(line)} ")[2].partition(">")[0].strip()
    return "" if words in own else words


def _command(line: str) -> str:
    """Return the homemon command of a line of ours."""
    found = re.search(r" -q ([a-z-]+)", line)
    return found[1] if found else line


def served(lines: Iterable[str]) -> tuple[str, int] | None:
    """Return the address and port on which one of these lines starts `homemon serve`; None where none does."""
    line = next((each for each in lines if _starts(each, "serve")), None)
    if line is None:
        return None
    named = {name: re.search(rf"--{name}[ =](\S+)", line) for name in ("bind", "port")}
    bind, port = (found[1] if found else "" for found in named.values())
    return bind or LOOPBACK, int(port) if port.isdecimal() else PORT


def _starts(line: str, command: str) -> bool:
    return re.match(rf"\s*[^#\s].*\bhomemon\b.*\s{re.escape(command)}\b", line) is not None


# --- systemd ------------------------------------------------------------------------------


def units(planned: Sequence[Job], program: Sequence[str], locale: str = "") -> dict[str, str]:
    """Return the units of the jobs by their files' names (systemd.unit(5)); `locale` is in whose words they speak."""
    return {name: text for job in planned for name, text in _units(job, program, locale)}


AGAIN = "Restart=always\nRestartSec=30\n"
WATCHED = """\
# It says twice a minute or more that it does its work; a listener that hangs is started again.
WatchdogSec=90
"""
HARDENED = """
# What it never needs. Only what works in a unit of a user without namespaces.
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
"""
INSTALLED = "\n[Install]\nWantedBy=default.target\n"


def _units(job: Job, program: Sequence[str], locale: str) -> Iterator[tuple[str, str]]:
    started = " ".join(map(_quoted, (*program, "-q", *job.words)))
    kind = "Type=oneshot\n" if job.calendar else "Type=notify\n" if job.beats else ""
    resident = "" if job.calendar else AGAIN + (WATCHED if job.beats else "")
    head = f"[Unit]\nDescription=homemon: {job.purpose}"
    lang = f"Environment=LANG={locale}\n" if locale else ""
    service = f"{head}\n\n[Service]\n{kind}{lang}ExecStart={started}\n{resident}{HARDENED}"
    yield f"{job.unit}.service", service if job.calendar else service + INSTALLED
    if job.calendar:
        timer = f"[Timer]\nOnCalendar={job.calendar}\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n"
        yield f"{job.unit}.timer", f"{head}, on time\n\n{timer}"


def _quoted(word: str) -> str:
    """Return a word of ExecStart (systemd.service(5)), in which `%h` stays what it is."""
    escaped = re.sub(r"%(?!h/)", "%%", word).replace("$", "$$")
    return f'"{escaped}"' if re.search(r"\s", word) else escaped


def all_enabled() -> list[str]:
    """Return all units that setup enables for anyone."""
    return enabled([*(job for each in JOBS.values() for job in each), SERVE])


def enabled(planned: Sequence[Job]) -> list[str]:
    """Return the units that are to be enabled: timers where there are any."""
    return [f"{job.unit}.{'timer' if job.calendar else 'service'}" for job in planned]
