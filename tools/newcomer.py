"""A newcomer in a bare Debian: `homemon setup` on a terminal of 80 columns, with simulated devices for hardware.

tools/rooms.py runs it in a room, as root, in a network of its own, which is the home's; the EcoCute has another one.
Whatever setup asks is answered, and what it shows goes to stdout. Ends with 0 where its `check` finds all ok, but for
the clock, which nothing keeps in a room.

    python3 tools/newcomer.py ja
"""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from homemon.config.setup.texts import TEXTS
from homemon.core.language import LANGUAGES, LOCALES

ROOM = Path("/etc/apt/apt.conf.d/90room")
HOME = Path("/home/user")
HOMEMON = HOME / ".local" / "bin" / "homemon"
BID, PWD = "00112233445566778899AABBCCDDEE99", "0123456789AB"
MODULE, MONITOR = HOME / "ttyUSB0", HOME / "ttyUSB1"
PI, ECOCUTE = "192.168.77.1", "192.168.77.2"
ANSWERS = {
    "bid": " ".join(BID[at : at + 4] for at in range(0, 32, 4)).lower(),  # as the letter prints it
    "pwd": PWD,
    "port name": f"{MODULE}",
    "has monitor": "y",
    "area": "tokyo",
    "plan": "tepco-smartlife-s",
    "ampere": "50",
    "reading day": "12",
    "sell": "15.0",
    "by": "cron",
}
"""What is not answered with Enter, by the names of the texts that ask."""
WITHIN = 300.0  # seconds
WRONG = re.compile(r"(?m)^(?:fault|warning|異常|注意) *(?!clock|時計)\S+: ")


def user(language: str) -> tuple[str, ...]:
    """Return the words before a command of the newcomer's own."""
    variables = (f"HOME={HOME}", "USER=user", "PATH=/usr/local/bin:/usr/bin:/bin", f"LANG={LOCALES[language]}")
    return ("setpriv", "--reuid=user", "--regid=user", "--init-groups", "env", "-i", *variables, "TERM=xterm")


@contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is ended with the block."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def house() -> Iterator[None]:
    """The simulated devices, the EcoCute at the other end of a cable, and cron."""
    with ExitStack() as stack:
        other = stack.enter_context(running("unshare", "--net", "sleep", "600"))
        while os.readlink(f"/proc/{other.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            sleep(0.01)
        there = ("nsenter", f"--net=/proc/{other.pid}/ns/net")
        for before, words in (
            ((), "ip link set lo up"),
            ((), f"ip link add pi type veth peer name unit netns {other.pid}"),
            ((), f"ip addr add {PI}/24 dev pi"),
            ((), "ip link set pi up"),
            ((), f"ip route add default via {ECOCUTE}"),
            (there, "ip link set lo up"),
            (there, f"ip addr add {ECOCUTE}/24 dev unit"),
            (there, "ip link set unit up"),
            (there, f"ip route add default via {PI}"),
        ):
            subprocess.run((*before, *words.split()), check=True)
        simulate = (*user("en"), f"{HOMEMON}", "simulate")
        meter = ("meter", "--link", f"{MODULE}", "--bid", BID, "--pwd", PWD, "--speed", "5")
        stack.enter_context(running(*simulate, *meter))
        stack.enter_context(running(*simulate, "kyocera", "--link", f"{MONITOR}"))
        stack.enter_context(running(*there, *simulate, "ecocute", "--bind", ECOCUTE))
        stack.enter_context(running("cron", "-f"))
        while not (MODULE.exists() and MONITOR.exists()):
            sleep(0.1)
        yield


def answer(asked: str, shown: str, language: str) -> str:
    """Return what the newcomer types at a question; `shown` is all that came before."""
    texts = {name: TEXTS[name][LANGUAGES.index(language)].partition("{")[0] for name in ANSWERS}
    name = next((name for name, text in texts.items() if asked.startswith(text)), "")
    if name == "port name" and TEXTS["monitor"][LANGUAGES.index(language)].strip() in shown:
        return f"{MONITOR}"
    return ANSWERS.get(name, "")


def conversation(language: str) -> str:
    """Hold it, and return what was shown."""
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    shown, until = "", monotonic() + WITHIN
    command = (*user(language), f"{HOMEMON}", "setup", "--lang", language)
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=HOME) as setup:
        os.close(terminal)
        while monotonic() < until:
            if not select.select([screen], [], [], 1.0)[0]:
                asked = shown.rpartition("\n")[2]
                if asked.endswith(": "):
                    os.write(screen, f"{answer(asked, shown, language)}\n".encode())
                continue
            try:
                shown += os.read(screen, 65536).decode("utf-8", "replace")
            except OSError:  # the terminal was closed: the command has ended
                return shown
        setup.kill()
    return f"{shown}\nsetup did not end within {WITHIN:.0f} s"


def main(language: str) -> int:
    """Meet setup in a language, as if nobody had been there before. Return the exit status."""
    if not ROOM.exists():
        sys.exit("only in a room of tools/rooms.py")
    for folder in (HOME / ".config" / "homemon", HOME / ".local" / "state" / "homemon"):
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(("crontab", "-r", "-u", "user"), stderr=subprocess.DEVNULL)
    with house():
        began = monotonic()
        shown = re.sub(r"\x1b\[\d*m|\r", "", conversation(language))
    print(shown)
    wrong = WRONG.findall(shown)
    print(f"setup in {language}: {monotonic() - began:.0f} s; {wrong or 'all ok'}")
    return 1 if wrong or TEXTS["values"][LANGUAGES.index(language)].partition("{")[0] not in shown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
