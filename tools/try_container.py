"""Build the container image and the Home Assistant add-on, and run both: `make try-container`.

Needs root, debootstrap, podman, runc and the network. The base images of both are stood in for by the minimal Debian of
tools/rooms.py, since no registry of images is asked: so the add-on's /init and what Supervisor does are not tried.
All images and volumes are in build/rooms/podman, apart from this machine's.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from tools.rooms import PROJECT, ROOMS, archive, hindrance, pip_settings

BASES = ("docker.io/library/debian:trixie-slim", "ghcr.io/home-assistant/base-debian:trixie")
KEPT = ROOMS / "podman"
PODMAN = (
    "podman",
    "--root",
    f"{KEPT}",
    "--runroot",
    "/run/homemon-podman",
    "--runtime",
    "runc",
    "--log-level",
    "fatal",
)
RUN = (
    "run",
    "--network",
    "none",
    "--ulimit",
    "nproc=4096:4096",
    "--ulimit",
    "nofile=1024:1024",
    "--volume",
    "/dev/pts:/pts",
)
COMPOSED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp")
"""What docs/container/compose.yaml gives each service."""
BID, PWD = "00112233445566778899AABBCCDDEEFF", "0123456789AB"
WITHIN = 90.0  # seconds
PAGE = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/').status)"


def main() -> int:
    """Build and try both. Return the exit status."""
    missing = [name for name in ("podman", "runc") if shutil.which(name) is None]
    if why := hindrance() or (missing and f"apt-get install {' '.join(missing)}"):
        print(f"no containers here: {why}")
        return 1
    for base in BASES:
        podman("import", f"{archive('trixie')}", base)
    image()
    addon()
    return 0


def image() -> None:
    """The image of docs/container: a listener, and commands beside it in containers of their own."""
    folder = PROJECT / "docs" / "container"
    build("homemon", PROJECT, folder / "Dockerfile", "--ignorefile", f"{folder / 'Dockerfile.dockerignore'}")
    expect(podman("run", *RUN[1:], "--rm", "homemon", "--version"), r"^homemon \d")
    with meter() as port, volume() as data:
        config = f"[smartmeter]\nbid = {BID}\npwd = {PWD}\nserial_port = {port}\n"
        shell = (*RUN, *COMPOSED, "--rm", "--volume", f"{data}:/data", "--interactive", "--entrypoint", "sh", "homemon")
        expect(podman(*shell, "-c", "umask 77; mkdir homemon; cat >homemon/config.ini; id -u", given=config), "^1000$")
        beside = (*RUN, *COMPOSED, "--rm", "--volume", f"{data}:/data", "homemon")
        with running(
            *COMPOSED, "--volume", f"{data}:/data", "homemon", "-q", "meter-listen", "--poll", "5"
        ) as listener:
            until(lambda: podman("logs", listener), "power value=")
            expect(podman(*beside, "meter-poll", "E7", "E8"), r"power value=\d+")
            expect(podman(*beside, "status"), r"meter-listen")
            podman("healthcheck", "run", listener)
            began = monotonic()
            podman("stop", "--time", "10", listener)
            print(
                f"ok    container: built, a meter read, polled beside it, healthy; ends in {monotonic() - began:.1f} s"
            )


def addon() -> None:
    """The add-on: its options make the meter be read and the page be served."""
    made = PROJECT / "dist" / "homeassistant-addon" / "homemon"
    build("homemon-addon", made, made / "Dockerfile")
    with meter() as port, volume() as data:
        options = {"language": "ja", "smartmeter": {"enabled": True, "bid": BID, "pwd": PWD, "serial_port": port}}
        put = (
            *RUN,
            "--rm",
            "--volume",
            f"{data}:/data",
            "--interactive",
            "homemon-addon",
            "sh",
            "-c",
            "cat >options.json",
        )
        podman(*put, given=json.dumps(options))
        with running("--volume", f"{data}:/data", "homemon-addon") as container:
            until(lambda: podman("exec", container, "homemon", "status", wrong=True), r"power +power +-?\d+ W")
            until(lambda: podman("exec", container, "python3", "-c", PAGE, wrong=True), "200")
            said = podman("logs", container)
            if BID in said or PWD in said:
                sys.exit(f"a secret is in the log: {said}")
            print(
                "ok    add-on: built, its options made config.ini, a meter read, the page served, no secret in its log"
            )


# --- podman ----------------------------------------------------------------------------


def podman(*words: str, given: str = "", wrong: bool = False) -> str:
    """Return what podman says on both; exit where it fails, unless that may be."""
    run = subprocess.run((*PODMAN, *words), input=given, capture_output=True, text=True)
    if run.returncode and not wrong:
        sys.exit(f"podman {' '.join(words)}: status {run.returncode}\n{(run.stdout + run.stderr)[-3000:]}")
    return run.stdout + run.stderr


def build(tag: str, context: Path, dockerfile: Path, *more: str) -> None:
    """Build an image, with this machine's ways to Debian's and Python's packages."""
    with TemporaryDirectory(prefix="homemon-container-") as made:
        etc = Path(made, "etc")
        etc.mkdir()
        shown = [f"{folder}:{folder}:ro" for folder in pip_settings(etc.parent)]
        shown += [f"{path}:/etc/{path.name}:ro" for path in sorted(etc.iterdir())] + [
            "/etc/resolv.conf:/etc/resolv.conf:ro"
        ]
        volumes = [word for each in shown for word in ("--volume", each)]
        how = ("--isolation", "chroot", "--network", "host", "--format", "docker", *volumes, *more)
        podman("build", *how, "--file", f"{dockerfile}", "--tag", tag, f"{context}")


@contextmanager
def volume() -> Iterator[str]:
    """A volume of its own."""
    name = podman("volume", "create").strip()
    try:
        yield name
    finally:
        podman("volume", "rm", "--force", name)


@contextmanager
def running(*words: str) -> Iterator[str]:
    """The ID of a container that runs."""
    identifier = podman(*RUN, "--detach", *words).strip()
    try:
        yield identifier
    finally:
        podman("rm", "--force", "--time", "2", identifier)


@contextmanager
def meter() -> Iterator[str]:
    """A simulated meter; its pty as containers see it."""
    words = (sys.executable, "-m", "homemon", "simulate", "meter")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip()).resolve()
        path.chmod(0o666)
        try:
            yield f"/pts/{path.name}"
        finally:
            process.terminate()


def expect(said: str, wanted: str) -> None:
    if not re.search(wanted, said, re.MULTILINE):
        sys.exit(f"expected {wanted!r}:\n{said}")


def until(say: Callable[[], str], wanted: str) -> None:
    """Ask until it is said; exit when that takes too long."""
    deadline = monotonic() + WITHIN
    while not re.search(wanted, said := say()):
        if monotonic() > deadline:
            sys.exit(f"expected {wanted!r} within {WITHIN:.0f} s:\n{said}")
        sleep(1)


if __name__ == "__main__":
    sys.exit(main())
