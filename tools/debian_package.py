"""Build dist/homemon_VERSION_all.deb: `make deb`. Needs dpkg-deb, pip and the network; no root.

Debian 12 has requests 2.28, urllib3 1.26 and smbus2 0.4.2, older than homemon needs, and no Debian has jpholiday. So
the package brings what pip installs, with all that a user may add (`extras`), in /usr/lib/homemon, where only the
command of tools/debian/homemon looks. No file of it is compiled, so one package is for every architecture and Python;
what pip has in compiled form alone is Debian's own (`FROM_DEBIAN`). $DEBFULLNAME and $DEBEMAIL are the maintainer.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import formatdate
from importlib.metadata import Distribution, PackageMetadata, PathDistribution, distributions
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parent.parent
HERE = PROJECT / "tools" / "debian"
DOCS = PROJECT / "docs"
LIBRARY = Path("usr/lib/homemon")
DOC = Path("usr/share/doc/homemon")
FOR_DEVELOPERS = {"dev", "fuzz", "audit", "axe", "dist"}
FROM_DEBIAN: Mapping[str, str] = {"PyYAML": "python3-yaml"}
"""Debian's packages in place of those that have compiled files, by pip's names."""
PURE = ("charset-normalizer",)
"""What has compiled files only where it comes as a wheel."""
TAKEN: Mapping[str, tuple[str, ...]] = {
    "plotly": (r"plotly/__init__\.py", r"plotly/package_data/plotly\.min\.js", r"plotly-[^/]*\.dist-info/.*"),
    "narwhals": (),
    "packaging": (),
    "websockets": (r"(?!websockets/speedups\.).*",),
}
"""What is kept of a package, where homemon takes but a part: of plotly and what it needs the JavaScript alone, since a
Raspberry Pi compiles thousands of modules otherwise, at each installation; of websockets what is not compiled."""
UNWANTED = ("bin", "*.dist-info/direct_url.json", "*.dist-info/RECORD")
"""What pip leaves that leads nowhere in the package."""
COMPLETIONS: Mapping[str, str] = {
    "bash": "usr/share/bash-completion/completions/homemon",
    "zsh": "usr/share/zsh/vendor-completions/_homemon",
    "fish": "usr/share/fish/vendor_completions.d/homemon.fish",
}
UNIT_PROGRAM = ("%h/.local/bin/homemon", "/usr/bin/homemon")


def main() -> int:
    """Build the package and print its path."""
    with TemporaryDirectory(prefix="homemon-deb-") as made:
        root = Path(made)
        root.chmod(0o755)
        for part in PARTS:
            part(root)
        settle(root)
        control(root)
        target = PROJECT / "dist" / f"homemon_{version(root)}_all.deb"
        target.parent.mkdir(exist_ok=True)
        words = ("dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, target)
        stamped = os.environ | {"SOURCE_DATE_EPOCH": f"{built():.0f}"}
        subprocess.run(words, check=True, stdout=sys.stderr, env=stamped)
    print(target.relative_to(PROJECT))
    return 0


# --- what is in it ---------------------------------------------------------------------


def library(root: Path) -> None:
    """Lay homemon and what it takes into /usr/lib/homemon. Exit where a compiled file is among it."""
    target = root / LIBRARY
    named = f"{PROJECT}[{','.join(extras())}]"
    options = ("-qq", "--no-compile", "--disable-pip-version-check", "--root-user-action=ignore")
    words = (*options, "--no-binary", ",".join(PURE), "--target", str(target), named)
    subprocess.run((sys.executable, "-m", "pip", "install", *words), check=True)
    kept: dict[str, tuple[str, ...]] = {**dict.fromkeys(FROM_DEBIAN, ()), **TAKEN}
    for distribution in packages(target):
        drop(distribution, kept.get(distribution.metadata["Name"], (".*",)))
    for pattern in UNWANTED:
        for path in target.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if compiled := [path.name for path in target.rglob("*.so")]:
        sys.exit(f"compiled files, which are for one architecture: {', '.join(compiled)}; see FROM_DEBIAN and PURE")


def extras() -> list[str]:
    """Return the optional parts of homemon that are for users."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    return [name for name in project["optional-dependencies"] if name not in FOR_DEVELOPERS]


def packages(target: Path) -> list[Distribution]:
    """Return what pip installed there, by name."""
    return sorted(distributions(path=[str(target)]), key=lambda found: found.metadata["Name"].lower())


def drop(distribution: Distribution, kept: Iterable[str]) -> None:
    """Delete the files of a package but those whose names match, and the folders that only they were in."""
    wanted = re.compile("|".join(kept) or "(?!)")
    files = [file for file in distribution.files or () if not wanted.fullmatch(f"{file}")]
    paths = [Path(f"{distribution.locate_file(file)}") for file in files]
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in sorted({folder for path in paths for folder in path.parents}, reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def command(root: Path) -> None:
    """Lay the command into /usr/bin, and its manual page where man looks."""
    put(root / "usr/bin/homemon", (HERE / "homemon").read_text("utf-8"), 0o755)
    shutil.rmtree(root / LIBRARY / "share", ignore_errors=True)
    put(root / "usr/share/man/man1/homemon.1.gz", (DOCS / "man" / "homemon.1").read_text("utf-8"))


def completions(root: Path) -> None:
    """Write what click says to each shell."""
    for shell, place in COMPLETIONS.items():
        environment = os.environ | {"PYTHONPATH": str(root / LIBRARY), "_HOMEMON_COMPLETE": f"{shell}_source"}
        start = "import sys; sys.argv = ['homemon']; from homemon.__main__ import main; main()"
        run = subprocess.run(
            (sys.executable, "-BPc", start), env=environment, stdout=subprocess.PIPE, check=True, text=True
        )
        put(root / place, run.stdout)


def units(root: Path) -> None:
    """Lay the units of docs/systemd where each user's systemd looks; nothing enables them."""
    for path in sorted((DOCS / "systemd").glob("homemon-*")):
        put(root / "usr/lib/systemd/user" / path.name, path.read_text("utf-8").replace(*UNIT_PROGRAM))


def documents(root: Path) -> None:
    """Lay the examples and what Debian asks each package for into /usr/share/doc/homemon."""
    for name in ("config.ini.example", "crontab.example"):
        put(root / DOC / "examples" / name, (PROJECT / name).read_text("utf-8"))
    put(root / DOC / "README.Debian", (HERE / "README.Debian").read_text("utf-8"))
    put(root / DOC / "CHANGELOG.md.gz", (PROJECT / "CHANGELOG.md").read_text("utf-8"))
    put(root / DOC / "changelog.gz", changelog(root))
    put(root / DOC / "copyright", licences(root))
    put(root / "usr/share/lintian/overrides/homemon", (HERE / "lintian-overrides").read_text("utf-8"))
    put(root / "usr/share/python3/runtime.d/homemon.rtupdate", (HERE / "rtupdate").read_text("utf-8"), 0o755)


def changelog(root: Path) -> str:
    """Return the entry of deb-changelog(5) that leads to CHANGELOG.md."""
    head, change = f"homemon ({version(root)}) unstable; urgency=medium", "What changed is in CHANGELOG.md.gz."
    return f"{head}\n\n  * {change}\n\n -- {maintainer()}  {formatdate(built())}\n"


def licences(root: Path) -> str:
    """Return homemon's licence, and those of what it brings as they name them; their texts are with them."""
    own = (PROJECT / "LICENSE").read_text("utf-8").rstrip()
    brought = [f"  {name:24} {number:12} {licence}" for name, number, licence in sorted(_licences(root))]
    brings = "\n".join(("What else is in /usr/lib/homemon, with the licences in its *.dist-info:", "", *brought))
    texts = "Apache-2.0 is in /usr/share/common-licenses/Apache-2.0."
    return f"homemon\n\n{own}\n\n{brings}\n\n{texts}\n"


def _licences(root: Path) -> Iterator[tuple[str, str, str]]:
    for found in packages(root / LIBRARY):
        data = found.metadata
        named = _field(data, "License-Expression") or _field(data, "License").strip().split("\n")[0]
        classed = [
            each.rpartition(" :: ")[2] for each in data.get_all("Classifier", ()) if each.startswith("License ::")
        ]
        if data["Name"] != "homemon":
            yield data["Name"], data["Version"], named or ", ".join(classed) or "see there"


def _field(data: PackageMetadata, name: str) -> str:
    return f"{(data.get_all(name) or [''])[0]}"


PARTS: tuple[Callable[[Path], None], ...] = (library, command, completions, units, documents)


# --- dpkg's own ------------------------------------------------------------------------


def control(root: Path) -> None:
    """Write control, checksums and the scripts of the package."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    sums = "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in files)
    fields = {
        "version": version(root),
        "maintainer": maintainer(),
        "kibibytes": sum(-(-path.stat().st_size // 1024) for path in files),
        "depends": ", ".join(FROM_DEBIAN.values()),
    }
    put(root / "DEBIAN" / "control", (HERE / "control").read_text("utf-8").format_map(fields))
    put(root / "DEBIAN" / "md5sums", sums)
    for name in ("postinst", "prerm"):
        put(root / "DEBIAN" / name, (HERE / name).read_text("utf-8"), 0o755)


def version(root: Path) -> str:
    """Return the version that pip installed."""
    return PathDistribution(next((root / LIBRARY).glob("homemon-*.dist-info"))).version


def maintainer() -> str:
    """Return who answers for the package: who builds it, as Debian's own tools know them."""
    name = os.environ.get("DEBFULLNAME", "The homemon developers")
    return f"{name} <{os.environ.get('DEBEMAIL', 'homemon@localhost')}>"


def built() -> float:
    """Return the time in all of the package: $SOURCE_DATE_EPOCH, else that of the changelog, in seconds since 1970."""
    return float(os.environ.get("SOURCE_DATE_EPOCH") or (PROJECT / "CHANGELOG.md").stat().st_mtime)


def settle(root: Path) -> None:
    """Give each file one mode and one time, whoever builds it; nothing in /usr/lib/homemon is a program."""
    for path in root.rglob("*"):
        started = path.stat().st_mode & 0o100 and not path.is_relative_to(root / LIBRARY)
        path.chmod(0o755 if path.is_dir() or started else 0o644)
        os.utime(path, (built(), built()))


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file, compressed where its name ends in .gz, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    path.chmod(mode)


if __name__ == "__main__":
    sys.exit(main())
