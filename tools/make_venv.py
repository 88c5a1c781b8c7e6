"""Make the folder named on the command line a virtual environment with homemon and what develops it.

A Debian machine has Python without `venv` and `pip`: then Debian's package for it is installed
first where that can be done, and named where it cannot.
"""

import subprocess
import sys
from pathlib import Path


def main(folder: Path) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  (this file runs before anything checked the version)
        print(f"homemon needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        print("  Name another one: make PYTHON=python3.11 demo")
        return 1
    if not make(folder) and not (install_venv() and make(folder)):
        print("Python cannot make a virtual environment here.\n  On Debian: sudo apt-get install python3-venv")
        return 1
    pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    return subprocess.run((*pip, "--editable", ".[dev]")).returncode


def make(folder: Path) -> bool:
    made = subprocess.run((sys.executable, "-m", "venv", "--clear", str(folder)), capture_output=True)
    return made.returncode == 0


def install_venv() -> bool:
    """Debian's python3-venv, as root or by a sudo that asks nothing."""
    import os

    prefix = () if os.geteuid() == 0 else ("sudo", "-n")
    try:
        for step in (("update", "-q"), ("install", "-y", "-q", "python3-venv")):
            subprocess.run((*prefix, "apt-get", *step), capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
