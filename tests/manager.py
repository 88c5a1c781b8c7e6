"""A systemd of a test's own: a user's manager, whose home is a folder, with cgroups and mounts that are its alone."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import PATIENCE, wait_for

MANAGER = Path("/lib/systemd/systemd")
BEGIN = """
for group in "$@"; do echo $$ > "$group/cgroup.procs"; done
mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system
exec "$0" --user
"""
"""A manager wants to see that systemd runs (sd_booted(3)); the mount is seen by nobody else."""
CGROUPS = Path("/sys/fs/cgroup")
PLACES = {"": (CGROUPS / "unified", CGROUPS), "name=systemd": (CGROUPS / "systemd",)}
"""Where the hierarchies of systemd are mounted (cgroups(7)), by their names in /proc/self/cgroup."""
Systemctl = Callable[..., str]


def groups() -> Iterator[Path]:
    """This process's own cgroup in each of them."""
    for line in Path("/proc/self/cgroup").read_text("ascii").splitlines():
        _, name, path = line.split(":", 2)
        yield from (place / path[1:] for place in PLACES.get(name, ()) if (place / "cgroup.procs").exists())


@contextmanager
def manager(home: Path) -> Iterator[Systemctl]:
    """Give `systemctl --user` of a manager; skip the test where there can be none."""
    if os.geteuid() != 0 or not MANAGER.exists() or not shutil.which("unshare"):
        pytest.skip("a systemd of its own takes root and systemd")
    with cgroups() as own:
        runtime = home / "run"
        runtime.mkdir(mode=0o700)
        environment = {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "PATH": os.environ["PATH"]}

        def systemctl(*arguments: str) -> str:
            return subprocess.run(
                ("systemctl", "--user", *arguments),
                env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True,
            ).stdout  # fmt: skip

        begin = ("unshare", "--mount", "sh", "-ec", BEGIN, str(MANAGER), *map(str, own))
        with subprocess.Popen(begin, env=environment, stderr=subprocess.PIPE, text=True) as process:
            wait_for(lambda: (runtime / "systemd" / "private").exists() or process.poll() is not None)
            if process.poll() is not None:
                pytest.skip(f"no systemd runs here: {process.communicate()[1]}")
            try:
                yield systemctl
            finally:
                process.terminate()  # it stops its units first
                process.communicate(timeout=PATIENCE)


@contextmanager
def cgroups() -> Iterator[list[Path]]:
    """New cgroups below this process's: a manager takes all processes of the one that it is in."""
    own = [group / f"homemon-{os.getpid()}" for group in groups()]
    try:
        for each in own:
            each.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        yield own
    finally:
        for each in own:
            for path in sorted((path for path in each.rglob("*") if path.is_dir()), reverse=True):
                path.rmdir()
            each.rmdir()
