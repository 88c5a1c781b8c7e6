"""Real file systems that tests mount in a mount namespace of their own, which takes them away at its end."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import installed

MOUNTS = {
    "btrfs": "truncate -s 120M image && mkfs.btrfs -q image >/dev/null && mount -o loop image store",
    "overlay": "mkdir ../low upper work && mount -t overlay -o lowerdir=../low,upperdir=upper,workdir=work none store",
    "tmpfs": "mount -t tmpfs -o size=20m tmpfs store",
    "ext4": "truncate -s 20M image && mkfs.ext4 -q image && mount -o loop image store",
}
PACKAGES = {"btrfs": ("mkfs.btrfs", "btrfs-progs"), "ext4": ("mkfs.ext4", "e2fsprogs")}


def _propagation() -> str:
    """Private; in a chroot, whose root is no mount, that cannot be said, and what is mounted is unmounted by hand."""
    private = subprocess.run(("unshare", "-m", "--propagation", "private", "true"), capture_output=True)
    return "unchanged" if private.returncode else "private"


def _mounting(kind: str) -> str:
    """The shell commands; an overlay's upper folder is on another file system than its lower one."""
    before = "mkdir inner && mount -t tmpfs tmpfs inner && cd inner && ln -s ../store store && "
    return (before if kind == "overlay" else "") + MOUNTS[kind]


@contextmanager
def mounted_here(kind: str, folder: Path) -> Iterator[None]:
    """The same for this process, which must be in a mount namespace of its own, for a block. Raises OSError."""
    (folder / "store").mkdir(mode=0o700)
    made = subprocess.run(("sh", "-c", f"exec 2>&1; {_mounting(kind)}"), cwd=folder, stdout=subprocess.PIPE, text=True)
    if made.returncode:
        raise OSError(f"{kind} cannot be mounted here: {made.stdout.strip()}")
    try:
        yield
    finally:
        for place in ("store", "inner") if kind == "overlay" else ("store",):
            subprocess.run(("umount", str(folder / place)), check=True)


@contextmanager
def mounted(kind: str, folder: Path) -> Iterator[tuple[str, ...]]:
    """`folder`/store is such a file system for commands with these words before them, for a block."""
    (folder / "store").mkdir(mode=0o700)
    if kind in PACKAGES and os.geteuid() == 0:
        installed(*PACKAGES[kind])
    ending = "cd $0; umount store; umount inner"
    script = f"exec 2>&1; trap '{ending}' EXIT; {_mounting(kind)} && echo made && cat"
    with subprocess.Popen(
        ("unshare", "-m", "--propagation", _propagation(), "sh", "-c", script, folder),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        reported = holder.stdout.readline()
        if reported != "made\n":
            holder.kill()
            assert not os.environ.get("CI"), f"{kind} cannot be mounted here: {reported}"
            pytest.skip(f"{kind} cannot be mounted here, which takes root: {reported.strip()}")
        try:
            yield ("nsenter", "-t", str(holder.pid), "-m", "-r", f"--wd={folder}")
        finally:
            holder.communicate()
