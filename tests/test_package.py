"""What a wheel is made of; `make dist` builds, installs and tries one."""

import tomllib

from tests.documents import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def test_every_package_goes_into_the_wheel() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "homemon").rglob("__init__.py")}
    assert set(SETUPTOOLS["packages"]) == found


def test_every_file_that_is_no_python_goes_into_the_wheel() -> None:
    listed = {
        ROOT.joinpath(*package.split("."), name)
        for package, names in SETUPTOOLS["package-data"].items()
        for name in names
    }
    others = {
        path
        for path in (ROOT / "homemon").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts
    }
    assert listed == others


def test_the_manual_page_goes_where_man_looks() -> None:
    assert SETUPTOOLS["data-files"] == {"share/man/man1": ["docs/man/homemon.1"]}
    assert (ROOT / "docs" / "man" / "homemon.1").exists()
