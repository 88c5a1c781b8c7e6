"""Install the package of `make deb` in bare Debian systems, try it as a user, and purge it: part of `make dist`.

Needs root and debootstrap, as tools/rooms.py does. Where those are missing it says so and ends with 0, under CI with 1.

    python -m tools.try_debian trixie
"""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from homemon import __version__
from tools.rooms import PROJECT, SUITES, Room, hindrance, unpack

PACKAGE = PROJECT / "dist" / f"homemon_{__version__}_all.deb"
READERS = "man-db zsh fish iproute2 python3-yaml"
"""What shows a manual page, completes, and makes a network; and what the package installs, which stays after it."""
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o APT::Install-Recommends=false"
STORE = "/home/user/.local/state/homemon/homemon.db"
FILES = "find /etc /opt /srv /usr -not -name '*.pyc' -not -name __pycache__ | sort >/var/tmp/{}"
AS_USER = (
    "unshare --net sh -c 'ip link set lo up && exec setpriv --reuid=user --regid=user --init-groups {} sh -c \"$1\"' sh"
)
CLEAN = "env -i HOME=/home/user USER=user PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8"
CONFIG = (
    "umask 77; mkdir -p ~/.config/homemon; printf '[notify]\\nto = json://127.0.0.1:9\\n' >~/.config/homemon/config.ini"
)
BILL = "homemon bill --plan tepco-juryo-b --ampere 40 --month 2026-08 --kwh 374"


class Try(NamedTuple):
    """A command of a user in the room, what it must print, and with which status it may end."""

    command: str
    prints: str
    statuses: Sequence[int] = (0,)


TRIES = (
    Try("homemon --version", rf"homemon {re.escape(__version__)}$"),
    Try("homemon decode 1081000102880105FF017201E7040000020B", "523 W"),
    Try(BILL, "12,093"),
    Try(CONFIG, ""),
    Try("homemon status", "0 points wait for the server"),
    Try("homemon notify --test", "json://.*", (1,)),
    Try("homemon demo", r"(?s)meter-poll.*homemon_demo.*html|index\.html"),
    Try("timeout 20 homemon serve & sleep 4; kill $!", r"http://127\.0\.0\.1:8080/"),
    Try("man -w homemon", r"^/usr/share/man/man1/homemon\.1"),
    Try("man homemon | cat", "meter-listen"),
    Try(
        "bash -c '. /usr/share/bash-completion/completions/homemon; COMP_WORDS=(homemon meter-); COMP_CWORD=1;"
        " _homemon_completion homemon; echo ${COMPREPLY[*]}'",
        "meter-listen.* meter-history|meter-history.* meter-listen",
    ),
    Try("zsh -c 'autoload -Uz compinit && compinit -u -D && echo $_comps[homemon]'", "^_homemon$"),
    Try("fish -c 'complete -C \"homemon meter-\"'", "meter-poll"),
    Try("ls /usr/lib/systemd/user/ && sed -n s/^ExecStart=//p /usr/lib/systemd/user/homemon-*", "meter-listen"),
    Try("find /usr/lib/systemd/user /etc/systemd -name '*.wants' -exec ls {} +; echo end", r"\A(?!.*homemon)"),
)


class Bare(Room):
    """A bare system in which the package is tried."""

    def __init__(self, suite: str) -> None:
        super().__init__(suite, "deb")

    def run(self) -> bool:
        """Make the room anew, install, try, purge; return whether all of it was right."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        unpack(self.suite, self.root)
        self.equip()
        shutil.copy(PACKAGE, self.root / "var" / "tmp")
        wrong = list(self.wrong())
        for each in wrong:
            print(f"FAULT {SUITES[self.suite]}: {each}; {self.log.relative_to(PROJECT)}")
        if not wrong:
            print(f"ok    {SUITES[self.suite]}: {PACKAGE.name} installed, {len(TRIES)} tries, purged", flush=True)
        return not wrong

    def wrong(self) -> Iterator[str]:
        """Yield what was not as it must be; nothing is tried in a room that could not be made."""
        if self.enter(f"apt-get -q update && {APT} install {READERS} && {FILES.format('before')}", "root"):
            yield "the room could not be made"
            return
        if self.enter(f"{APT} install /var/tmp/{PACKAGE.name}", "root"):
            yield "apt-get install failed"
            return
        yield from (f"{each.command}: {why}" for each in TRIES if (why := self.why(each)))
        for step, command in AFTERWARDS:
            if self.enter(command, "root"):
                yield step

    def why(self, tried: Try) -> str:
        """Return why a try is wrong; empty where it is right."""
        said = self.root / "var" / "tmp" / "said"
        status = self.enter(f"{AS_USER.format(CLEAN)} {shlex.quote(tried.command)} >/var/tmp/said 2>&1", "root")
        text = said.read_text("utf-8", "replace")
        with self.log.open("a") as log:
            log.write(text)
        if status not in tried.statuses:
            return f"status {status}: {text[-300:]}"
        return (
            "" if re.search(tried.prints, text, re.MULTILINE) and "Traceback" not in text else f"prints {text[-300:]}"
        )


AFTERWARDS = (
    ("no byte code was made, so that each start is slow", "ls /usr/lib/homemon/homemon/__pycache__/*.pyc >/dev/null"),
    (
        "another Python's byte code could not be made",
        "sh /usr/share/python3/runtime.d/homemon.rtupdate rtupdate 3.10 3.11"
        " && ls /usr/lib/homemon/homemon/__pycache__/*.pyc >/dev/null",
    ),
    ("installing it again failed", f"{APT} install --reinstall /var/tmp/{PACKAGE.name}"),
    ("purging it failed", f"{APT} purge homemon"),
    (
        "purging it left files",
        f"{FILES.format('after')} && diff /var/tmp/before /var/tmp/after && ! test -e /usr/lib/homemon",
    ),
    (
        "purging it took the user's readings or configuration",
        f"test -s {STORE} && test -s ~user/.config/homemon/config.ini",
    ),
)
"""What root does after the tries, by what it is when it fails."""


def main(suites: Sequence[str]) -> int:
    """Try the package in the suites, or in all. Return the exit status."""
    if why := hindrance():
        print(f"the Debian package was NOT tried here: {why}")
        return 1 if os.environ.get("CI") else 0
    done = [Bare(suite).run() for suite in suites or SUITES]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
