"""Install the wheel named on the command line into a fresh virtual environment and try it: part of `make dist`.

Exits 1, and says what was expected, when anything is missing.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

CONFIG = "[store]\ndir = {folder}/store\n"
INSIDE = ("homemon/cli/main.py", "homemon/page/page.html", "homemon/page/page.js", "share/man/man1/homemon.1")


def main(wheel: Path) -> int:
    version = wheel.name.split("-")[1]
    names = ZipFile(wheel).namelist()
    expect(all(any(name.endswith(wanted) for name in names) for wanted in INSIDE), f"{wheel} holds {INSIDE}")
    tops = {name.split("/")[0] for name in names}
    expect(
        tops == {"homemon", f"homemon-{version}.dist-info", f"homemon-{version}.data"}, f"nothing but homemon in {tops}"
    )
    with TemporaryDirectory(prefix="homemon-wheel-") as made:
        folder = Path(made)
        environment = folder / "venv"
        venv.create(environment, with_pip=True)
        binaries = environment / "bin"
        pip = (binaries / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wheel.resolve())
        subprocess.run(pip, check=True)
        expect((environment / "share" / "man" / "man1" / "homemon.1").exists(), "the manual page is installed")
        homemon = str(binaries / "homemon")
        (folder / "config.ini").write_text(CONFIG.format(folder=folder))
        (folder / "config.ini").chmod(0o600)
        tries = (
            ((homemon, "--version"), {}, f"homemon {version}"),
            ((str(binaries / "python"), "-m", "homemon", "--help"), {}, "Usage: homemon"),
            ((homemon, "check"), {}, "ok      store: "),
            ((homemon, "status"), {}, "0 points wait for the server"),
            ((homemon, "bill", "--plan=tepco-juryo-b", "--ampere=40", "--month=2026-08", "--kwh=374"), {}, "12,093"),
            (
                (homemon,),
                {"_HOMEMON_COMPLETE": "bash_complete", "COMP_WORDS": "homemon m", "COMP_CWORD": "1"},
                "meter-poll",
            ),
        )
        for command, more, wanted in tries:
            run = subprocess.run(
                command, cwd=folder, env=clean(folder) | more, capture_output=True, text=True, check=False
            )
            said = run.stdout + run.stderr
            expect(wanted in said and "Traceback" not in said, f"{command[1:] or more} says {wanted!r}:\n{said}")
    print(f"{wheel.name}: installed and tried")
    return 0


def clean(folder: Path) -> dict[str, str]:
    """The environment without what would lead back to this checkout or to somebody's configuration."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HOMEMON_CONFIG")
    return {name: value for name, value in os.environ.items() if name not in ours} | {"HOME": str(folder)}


def expect(true: bool, what: str) -> None:
    if not true:
        sys.exit(f"expected: {what}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
