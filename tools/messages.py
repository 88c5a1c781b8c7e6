"""Keep the catalogue of what homemon says with its source: `make docs`.

A message is a string of the source: an f-string with `{}` for each of its values. What is new is added to
homemon/core/locale/ja/LC_MESSAGES/homemon.po with no translation, which a test reports; what is gone goes; and
the .mo that is read at run time is made anew.
"""

import ast
import errno
import inspect
import os
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from homemon.check.findings import CHECK, Mark
from homemon.cli.check import LOOKS, NOWHERE
from homemon.cli.commands import GROUPS
from homemon.cli.help import HEADING
from homemon.config.setup import texts as setup
from homemon.core.messages import PARTS
from homemon.energy import band_names, compared, rows
from homemon.page import texts as page
from homemon.sources.meter import properties as meter
from homemon.sources.registry import SOURCES

ROOT = Path(__file__).parent.parent
HOMEMON = ROOT / "homemon"
CATALOGUE = HOMEMON / "core" / "locale" / "ja" / "LC_MESSAGES" / "homemon.po"
ELSEWHERE = ("explain/", "page/", "sim/", "delivery/metrics.py")
"""What says nothing here: `decode` explains in English, the page has texts of its own, a device has no words, and
metrics are data."""
BUT = {HOMEMON / name for name in ("sim/faults.py", "page/plotly.py", "page/write.py", "page/web/server.py")}
"""Their modules that do."""
CLICK = [
    Path(inspect.getfile(click)).parent / f"{name}.py"
    for name in ("core", "decorators", "exceptions", "formatting", "parser", "types")
]

PROSE = re.compile(r"[A-Za-z]{2,}[^A-Za-z]? [^ ]*[A-Za-z]|\{\} [a-z]{2,}|[a-z]{2,}[:,]? \{\}|\{\}[],]? [a-z]{2,}")
"""Two words, or a word beside a value."""
CODE = re.compile(
    r"\b(SELECT|INSERT|DELETE|UPDATE|CREATE|PRAGMA|ALTER|DROP|ATTACH|AND|OR|UNION|JOIN|ORDER|NEW|OLD|DESC|CAST|SHOW|SAVEPOINT)\b"
    r"|\bDISTINCT\b|\(\?|\\[bds]|\(\.\)|\.\*|charset=|pwd \*|^time, |%\(|^SK(?!STACK)[A-Z]+ |\[Unit\]|^\n?# "
)
"""SQL, patterns, and what stands in files."""
ERRORS = (
    *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOSPC, errno.EROFS),
    *(errno.EIO, errno.ELOOP, errno.EBUSY, errno.EADDRINUSE, errno.ECONNREFUSED, errno.ENETUNREACH),
)
"""What the operating system says most often, in the English of glibc."""
UNSURE = {
    each["what"] if isinstance(each, dict) else each
    for path in sorted((HOMEMON / "energy" / "plans").glob("*.toml"))
    for version in tomllib.loads(path.read_text("utf-8"))["version"]
    for each in version.get("unsure", ())
}
"""What of a plan is not confirmed by a source."""
TABLES = (meter.PROPS, *(table for source in SOURCES if source.classes for table in source.tables.values()))
WORDS = {
    CHECK: ("module", "listener", *(look.what for look in (*LOOKS, NOWHERE)), *(mark.value for mark in Mark)),
    HEADING: (*GROUPS, "Usage:", "Options", "Commands"),
    "": (
        *(*PARTS, *rows.CELLS, *compared.HEADS, compared.PRESENT, *sorted(UNSURE)),
        *("Error", "Missing argument {}.", "Missing option {}.", "joined", "stopped", "held"),
        *(row.label for table in TABLES for row in table.values() if " " not in row.name),
        *("{} day", "{} days", "the FIT price of {}"),
        *("{} s", "{} min", "{} h", "{} d", "EcoCute", "solar monitor", "smart meter", "integer range", "integer"),
        *("seconds", "bytes", "properties", "Japanese", *map(os.strerror, ERRORS)),
        *("Cyrillic", "Greek", "Hiragana", "Katakana"),
    ),
}
"""What else is looked up, in its context."""
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
HEADER = "# What homemon says, in Japanese. `make docs` adds what is new, with an empty msgstr."
KEYS = {*setup.TEXTS, *page.TEXTS, *band_names.NAMES}
FIELD = re.compile(r"(?<!\{)\{[^{}]*\}(?!\})")


def messages(path: Path) -> Iterator[str]:
    """Yield the messages of a module."""
    tree = ast.parse(path.read_text("utf-8"))
    silent = {id(node) for node in _silent(tree)}
    for node in ast.walk(tree):
        text = template(node)
        if text is not None and id(node) not in silent and is_prose(text):
            yield from dict.fromkeys((text, text.partition("\n\n")[0]))  # a command's short help as well


def template(node: ast.AST) -> str | None:
    """Return a string's text with `{}` for each value; None of what is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return FIELD.sub("{}", inspect.cleandoc(node.value) if "\n    " in node.value else node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        return "".join(map(str, parts)).removeprefix("{}; ")  # what it is joined to is a message itself
    return None


def is_prose(text: str) -> bool:
    """Return whether a person reads a text as English."""
    return bool(PROSE.search(text)) and not CODE.search(text) and text not in KEYS


def of_click(path: Path) -> Iterator[str]:
    """Yield what a module of click says: what it gives to gettext."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
            yield from filter(None, map(template, node.args))


Message = tuple[str, str]
"""A text and its context, which most have none of."""


def collected() -> dict[Message, set[str]]:
    """Return all messages, each with the modules in which it stands."""
    found: dict[Message, set[str]] = {}
    for path in sorted(HOMEMON.rglob("*.py")):
        if path in BUT or not path.relative_to(HOMEMON).as_posix().startswith(ELSEWHERE):
            for text in messages(path):
                found.setdefault((text, ""), set()).add(str(path.relative_to(ROOT)))
    words = [(text, context) for context, texts in WORDS.items() for text in texts if text]
    clicks = [(text, "") for path in CLICK for text in of_click(path) if is_prose(text)]
    return found | {each: set() for each in words + clicks if each not in found}


def catalogue() -> Catalog:
    """Return the catalogue as it is."""
    with CATALOGUE.open("rb") as file:
        found = read_po(file, locale="ja")
    found.creation_date = found.revision_date = UNDATED  # what is made of it is the same on any day
    return found


def write() -> list[str]:
    """Bring the catalogue up to the source, and return what has no translation."""
    known, made = catalogue(), Catalog(locale="ja", project="homemon", header_comment=HEADER, fuzzy=False)
    for (text, context), places in collected().items():
        translated = known.get(text, context or None)
        string = translated.string if translated else ""
        made.add(text, string, [(place, 0) for place in sorted(places)], context=context or None)
    CATALOGUE.write_bytes(as_po(made))
    CATALOGUE.with_suffix(".mo").write_bytes(as_mo(catalogue()))
    return [str(message.id) for message in made if message.id and not message.string]


def as_po(made: Catalog) -> bytes:
    """Return the catalogue as people edit it."""
    file = BytesIO()
    write_po(file, made, width=100, include_lineno=False, omit_header=False)
    head, end, rest = file.getvalue().partition(b"\n\n")
    return re.sub(rb'(?m)^"(?!Content-|Language:|Plural-).+: .*\n', b"", head) + end + rest


def as_mo(made: Catalog) -> bytes:
    """Return the catalogue as gettext reads it."""
    file = BytesIO()
    write_mo(file, made)
    return file.getvalue()


def _silent(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what is not said: docstrings but those of commands, types, pieces of f-strings, texts in both languages."""
    commands = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and _is_command(each)]
    helps = {id(each.body[0].value) for each in commands if isinstance(each.body[0], ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as text) if id(text) not in helps:
                yield text
            case ast.arg(annotation=ast.AST() as type_) | ast.AnnAssign(annotation=type_):
                yield from ast.walk(type_)
            case ast.JoinedStr():
                yield from (each for each in node.values if isinstance(each, ast.Constant))
            case ast.Tuple(elts=[first, second]) if re.search("[ぁ-鿿]", template(first) or ""):
                yield from (first, second)


def _is_command(function: ast.FunctionDef) -> bool:
    names = [ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in function.decorator_list]
    return any(name.endswith((".command", ".group")) for name in names)


if __name__ == "__main__":
    for missing in write():
        print(f"{CATALOGUE.relative_to(ROOT)}: no translation of {missing!r}")
