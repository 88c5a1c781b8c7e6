"""What a wheel is made of; `make dist` builds, installs and tries one."""

import ast
import re
import sys
import tomllib

from tests import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def test_every_package_goes_into_the_wheel() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "homemon").rglob("__init__.py")}
    assert set(SETUPTOOLS["packages"]) == found


def test_every_file_that_is_no_python_goes_into_the_wheel() -> None:
    listed = {
        path
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    others = {
        path
        for path in (ROOT / "homemon").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".po") and "__pycache__" not in path.parts
    }
    assert listed == others


def test_the_manual_page_goes_where_man_looks() -> None:
    assert SETUPTOOLS["data-files"] == {"share/man/man1": ["docs/man/homemon.1"]}
    assert (ROOT / "docs" / "man" / "homemon.1").exists()


def test_every_library_that_is_imported_is_asked_for_with_the_oldest_version_that_will_do() -> None:
    """Also one that another brings along: else a version of it with known faults may be installed."""
    names = {"serial": "pyserial", "tomli_w": "tomli-w", "paho": "paho-mqtt"}
    wanted = {re.split("[>=]", text)[0] for text in PROJECT["project"]["dependencies"] if ">=" in text}
    for extra in ("graph", "homeassistant", "mqtt", "notify", "serve"):
        wanted |= {re.split("[>=]", text)[0] for text in PROJECT["project"]["optional-dependencies"][extra]}
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "homemon").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    used |= {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    used -= {*sys.stdlib_module_names, "homemon"}
    assert {names.get(name, name) for name in used} <= wanted
    assert wanted == {
        "click",
        "pyserial",
        "smbus2",
        "requests",
        "urllib3",
        "tomli-w",
        "jpholiday",
        "plotly",
        "waitress",
        "apprise",
        "paho-mqtt",
        "websockets",
    }
