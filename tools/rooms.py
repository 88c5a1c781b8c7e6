"""Run the README's commands in bare Debian systems, each as root and as a user without sudo: `make rooms`.

A room is a folder below build/rooms with a minimal Debian in it, with make and Python as the README asks, and
a clone of what is committed here. Debian comes from the mirror that this machine's apt uses, Python's packages
from where its pip takes them. What debootstrap made is kept as an archive, so only the first time takes long.
Mounts are made in a namespace of their own and end with it. Needs root, debootstrap, git and the network.

    make rooms ROOMS="trixie:root bookworm:user"
"""

import os
import re
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
WHO = ("root", "user")
PROJECT = Path(__file__).resolve().parent.parent
ROOMS = PROJECT / "build" / "rooms"
LONGEST = 3600.0  # seconds for one command
COMMANDS = ("make demo", "make test")
NEEDED = "apt-get install -y -q --no-install-recommends pipx cron iproute2"
SETUP = "unshare --net python3 tools/newcomer.py {}"
"""`homemon setup` as a newcomer meets it, in a network with simulated devices."""
CLONE = Path("/home/user/homemon")  # as root too: from Debian 13 on nobody but root and its owner may enter this home
OUTCOME = re.compile(r"\d+ (?:passed|failed|skipped|error).* in .*")
ENTER = r"""
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/var/cache/apt/archives"
shift 2
root=$1; shift
while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --bind -o ro "$1" "$root$1"; shift; done
shift
exec chroot "$root" "$@"
"""  # the room, the cache of packages, the room again, folders to show in it, --, the command
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def main(wanted: list[str]) -> int:
    """Run the wanted rooms, `SUITE:WHO` each; all where none is named. Return the exit status."""
    if why := hindrance():
        print(f"no rooms here: {why}")
        return 1
    named = [tuple(each.split(":")) for each in wanted] or [(suite, who) for suite in SUITES for who in WHO]
    done = [Room(suite, who).run() for suite, who in named]
    return 0 if all(done) else 1


def hindrance() -> str:
    """Why rooms cannot be made on this machine; empty where they can."""
    if os.geteuid() != 0:
        return "chroot needs root"
    for program in ("debootstrap", "git"):
        if shutil.which(program) is None:
            return f"{program} is not installed: apt-get install {program}"
    made = subprocess.run(("unshare", "--mount", "--pid", "--fork", "true"), capture_output=True, text=True)
    return made.stderr.strip()


class Room:
    """One bare system and who works in it."""

    def __init__(self, suite: str, who: str) -> None:
        self.suite, self.who = suite, who
        self.root = ROOMS / f"{suite}-{who}"
        self.log = ROOMS / f"{suite}-{who}.log"
        self.shown: list[Path] = []

    def run(self) -> bool:
        """Make the room anew and run the commands; whether all succeeded, and as root without a skip."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        unpack(self.suite, self.root)
        self.furnish()
        done = [self.step(command, self.who) for command in COMMANDS]
        if self.who == "user":
            self.enter(NEEDED, "root")
            done.append(self.step(f"pipx install '{CLONE}[graph,notify,serve]'", "user"))
            done += [self.step(SETUP.format(language), "root") for language in ("ja", "en")]
        return all(done)

    def furnish(self) -> None:
        """Give the room what `equip` does, this machine's ways to Python's packages, and the clone."""
        self.equip()
        self.shown = pip_settings(self.root)
        subprocess.run(("git", "clone", "--quiet", PROJECT, self.root / CLONE.relative_to("/")), check=True)
        if self.who == "user":  # whom nobody gives this on the way
            self.enter(f"chown -R user: {CLONE}", "root")
            self.enter("apt-get update -q && apt-get install -y -q --no-install-recommends python3-venv", "root")

    def equip(self) -> None:
        """Give the room a name server, a user, and this machine's ways to Debian's packages."""
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", self.root / "etc" / name)
        (self.root / "etc" / "apt" / "apt.conf.d" / "90room").write_text(apt_settings())
        self.enter("useradd --create-home --shell /bin/bash user", "root")

    def step(self, command: str, who: str) -> bool:
        """One command; prints what came of it."""
        began = monotonic()
        status = self.enter(f"cd {CLONE} && {command}", who)
        outcome = OUTCOME.findall(self.log.read_text("utf-8", "replace"))
        words = outcome[-1].strip("= ") if outcome and "test" in command else ""
        right = status == 0 and not (self.who == "root" and "skipped" in words)
        print(
            f"{'ok   ' if right else 'FAULT'} {SUITES[self.suite]}, {self.who}: {command}: status {status}, "
            f"{monotonic() - began:.0f} s{', ' + words if words else ''}; {self.log.relative_to(PROJECT)}",
            flush=True,
        )
        return right

    def enter(self, command: str, who: str) -> int:
        """Run a shell's command in the room, its output in the log. Return its status."""
        packages = ROOMS / f"{self.suite}-packages"
        packages.mkdir(exist_ok=True)
        login = ("setpriv", "--reuid=user", "--regid=user", "--init-groups") if who == "user" else ()
        home = "/root" if who == "root" else "/home/user"
        inside = ("env", "-i", f"HOME={home}", f"USER={who}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *proxies())
        shell = (*login, *inside, *npm_settings(), "sh", "-c", command)
        with self.log.open("ab") as log:
            log.write(f"$ {command}\n".encode())
            log.flush()
            return subprocess.run(
                (
                    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", ENTER, "sh"),
                    *(self.root, packages, self.root, *self.shown, "--", *shell),
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=LONGEST,
            ).returncode


# --- Debian ----------------------------------------------------------------------------


def unpack(suite: str, root: Path) -> None:
    """A new minimal Debian at `root`."""
    made = archive(suite)
    root.mkdir(parents=True)
    subprocess.run(("tar", "-C", root, "-xf", made), check=True)


def archive(suite: str) -> Path:
    """The archive of a minimal Debian, which the first time makes."""
    archive = ROOMS / f"{suite}.tar"
    if not archive.exists():
        print(f"{SUITES[suite]}: debootstrap, some minutes ...", flush=True)
        made, log = ROOMS / f"{suite}-new", ROOMS / f"{suite}-debootstrap.log"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        with log.open("wb") as output:
            words = ("debootstrap", "--variant=minbase", "--include=make,python3", suite, made, mirror())
            if subprocess.run(words, stdout=output, stderr=subprocess.STDOUT).returncode:
                sys.exit(f"debootstrap failed; see {log.relative_to(PROJECT)}")
        partial = archive.with_suffix(".part")
        subprocess.run(("tar", "-C", made, "-cf", partial, "."), check=True)
        partial.rename(archive)
        shutil.rmtree(made)
    return archive


def mirror() -> str:
    """Where this machine's apt takes Debian itself from."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    for uri, suites in sources():
        if codename in suites:
            return uri
    sys.exit("this machine's apt names no mirror of Debian")


def sources() -> Iterator[tuple[str, list[str]]]:
    """(URI, suites) of each source of main, in both formats of sources.list(5)."""
    folder = Path("/etc/apt/sources.list.d")
    for path in (Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list"))):
        for line in path.read_text().splitlines() if path.exists() else ():
            if match := re.match(r"deb\s+(?:\[.*?\]\s+)?(\S+)\s+(\S+)\s+(?:.*\s)?main\b", line):
                yield match[1], [match[2]]
    for path in sorted(folder.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"(?m)^([\w-]+):\s*(.*)$", stanza))
            if "main" in fields.get("Components", "").split():
                yield fields["URIs"].split()[0], fields.get("Suites", "").split()


def apt_settings() -> str:
    """This machine's proxies for apt, as lines of apt.conf(5)."""
    dump = subprocess.run(("apt-config", "dump"), capture_output=True, text=True, check=True).stdout
    return "".join(line + "\n" for line in dump.splitlines() if re.match(r"Acquire::\w+::Proxy", line, re.IGNORECASE))


# --- Python's packages -----------------------------------------------------------------


def pip_settings(root: Path) -> list[Path]:
    """Write this machine's pip configuration into the room. Return the folders that it names, to be shown there."""
    shown: list[Path] = []
    lines = ["[global]"]
    for name, value in sorted(pip_values().items()):
        words = [_in_room(root, name, word, shown) for word in value.split()]
        lines.append(f"{name} = {' '.join(words)}")
    (root / "etc" / "pip.conf").write_text("\n".join(lines) + "\n")
    return shown


def pip_values() -> dict[str, str]:
    """What pip is configured with here, its environment variables before its files."""
    listed = subprocess.run((sys.executable, "-m", "pip", "config", "list"), capture_output=True, text=True).stdout
    found = dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)
    values = {name.split(".", 1)[1]: literal_eval(text) for name, text in sorted(found.items(), key=_environment_last)}
    certificates = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    return ({"cert": certificates} if certificates else {}) | values


def _environment_last(item: tuple[str, str]) -> bool:
    return item[0].startswith(":env:")


def _in_room(root: Path, name: str, word: str, shown: list[Path]) -> str:
    """A word of a setting as it must read in the room: a file is copied there, a folder is shown where it is."""
    path = Path(urlsplit(word).path if word.startswith("file://") else word)
    if not path.is_absolute() or not path.exists():
        return word
    if path.is_dir():
        shown.append(path.parent if "index" in name else path)  # an index leads to files beside it
        return word
    copy = Path("etc") / "room" / path.name
    (root / copy).parent.mkdir(exist_ok=True)
    shutil.copy(path, root / copy)
    return f"/{copy}"


def proxies() -> list[str]:
    """This machine's proxies, as words of env(1)."""
    return [f"{name}={os.environ[name]}" for name in PROXIES if name in os.environ]


def npm_settings() -> list[str]:
    """Where this machine's npm takes packages from, as words of env(1)."""
    if shutil.which("npm") is None:
        return []
    told = subprocess.run(("npm", "config", "get", "registry"), capture_output=True, text=True, check=True).stdout
    return [f"npm_config_registry={told.strip()}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
