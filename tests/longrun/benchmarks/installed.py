"""homemon as its users have it, and its peers: `build/bench-venv`, made once and brought up to date.

The project's own environment will not do: no user has an editable install, which is found in another way.
A peer that cannot be installed costs its rows, nothing else.
"""

import importlib
import shutil
import site
import subprocess
import sys
from functools import cache
from importlib import metadata
from typing import Any

from tests import ROOT
from tests.longrun.benchmarks.measure import BUILD, Unavailable

VENV = BUILD / "bench-venv"
PYTHON = str(VENV / "bin" / "python")
HOMEMON = str(VENV / "bin" / "homemon")
PEERS = ("momonga", "pychonet", "uecho", "influxdb-client", "influxdb", "pandas")


def install() -> None:
    """Bring homemon and its peers into `VENV`."""
    if not VENV.exists():
        subprocess.run((sys.executable, "-m", "venv", str(VENV)), check=True)
    for stale in ("lib", "bdist.linux-x86_64"):
        shutil.rmtree(BUILD / stale, ignore_errors=True)
    _pip(".[graph,serve]")
    for name in PEERS:
        if not any((VENV / "lib").glob(f"python*/site-packages/{name.replace('-', '_')}-*.dist-info")):
            try:
                _pip(name)
            except subprocess.CalledProcessError:
                print(f"cannot be installed: {name}", file=sys.stderr)


def _pip(what: str) -> None:
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", what)
    subprocess.run(pip, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)


@cache
def _peers_on_path() -> None:
    """Behind our own packages, so that what both need is the same."""
    for folder in (VENV / "lib").glob("python*/site-packages"):
        site.addsitedir(str(folder))


def peer(module: str, name: str = "") -> Any:
    """The module of a peer, imported; `name` is its package. Raises Unavailable."""
    _peers_on_path()
    try:
        return importlib.import_module(module)
    except Exception as error:  # whatever a stranger's import raises
        raise Unavailable(f"{name or module.split('.')[0]} cannot be imported: {error}") from error


def version_of(package: str) -> str:
    """`momonga 0.7.0`, or only its name."""
    _peers_on_path()
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return package
