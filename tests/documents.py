"""The documents, taken apart: headings, links, tables, and fenced blocks with their language."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click

from homemon.cli.main import homemon
from tests import ROOT

DOCS = ROOT / "docs"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
_FENCE = re.compile(r"(?ms)^( *)```([^\n`]*)\n(.*?)^\1```$")
_OPERATORS = frozenset(("|", "||", "&&", ";", "&", ">", ">>", "<", "2>", ")", "("))


class Block(NamedTuple):
    """A fenced block: where it stands, what its fence says, and what is in it."""

    document: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {self.text.strip().splitlines()[0][:40]}"


@cache
def text_of(document: Path) -> str:
    return document.read_text("utf-8")


def prose_of(document: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", text_of(document))


def blocks(*languages: str, of: Path | None = None) -> list[Block]:
    """The fenced blocks of these languages (of any, where none is named), in one document or in all."""
    return [
        Block(document, language, text)
        for document in ([of] if of else DOCUMENTS)
        for _, language, text in _FENCE.findall(text_of(document))
        if not languages or language in languages
    ]


@cache
def anchors(document: Path) -> frozenset[str]:
    """What `#…` can lead to: each heading in lower case, with hyphens for blanks and without other signs."""
    seen: dict[str, int] = {}
    for heading in re.findall(r"(?m)^#+ +(.+?) *$", prose_of(document)):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).replace(" ", "-")
        number = seen[slug] = seen.get(slug, -1) + 1
        if number:
            seen[f"{slug}-{number}"] = 0
    return frozenset(seen)


def section(document: Path, heading: str) -> str:
    """What stands under a heading, up to the next of the same or a higher level, with its blocks."""
    match = re.search(rf"(?ms)^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", text_of(document))
    assert match, f"{document.name} has no heading {heading}"
    return match[2]


def table(text: str) -> list[list[str]]:
    """The rows of the first table in `text`, without its head, each as its cells."""
    lines = re.search(r"(?m)(?:^\|.*\n)+", text)
    assert lines
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[0].splitlines()[2:]]


# --- commands in shell blocks --------------------------------------------------------------


def calls(script: str) -> Iterator[list[str]]:
    """The arguments of each `homemon` in a piece of shell or crontab, also behind VARIABLE=value and a path."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(re.sub(r"([|;&()<>]+)", r" \1 ", line), comments=True) if "homemon" in line else []
        while words:
            end = next((at for at, word in enumerate(words) if word in _OPERATORS), len(words))
            command, words = words[:end], words[end + 1 :]
            at = next((at for at, word in enumerate(command) if re.fullmatch(r"(\S*/)?homemon", word)), None)
            if at is not None and all(re.fullmatch(r"\w+=.*|[\d*/,]+|sudo|env|nohup", word) for word in command[:at]):
                yield command[at + 1 :]


def parse(arguments: list[str]) -> None:
    """Have click take a call as it would, and stop where the command would begin. Raises click.UsageError."""
    command: click.Command = homemon
    context: click.Context | None = None
    name, rest = "homemon", list(arguments)
    while True:
        try:
            context = command.make_context(name, rest, parent=context)
        except click.exceptions.Exit:  # --help, --version
            return
        rest = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or (command.invoke_without_command and not rest):
            return
        found, below, rest = command.resolve_command(context, rest)
        assert below is not None
        name, command = found or "", below
