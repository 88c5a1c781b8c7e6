"""A command's help in the reader's language, in which text is parted where Japanese may be."""

import re
from collections.abc import Iterable

import click

from homemon.core.columns import wrapped
from homemon.runtime.output import said

HEADING = "heading"
"""The context of headings."""
AS_IT_IS = "\b\n"
"""Before a paragraph that click does not part anew."""


class Formatter(click.HelpFormatter):
    """Says what click would print, and parts its lines by the columns that their signs take."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or f"{said('Usage:', HEADING)} ")

    def write_heading(self, heading: str) -> None:
        super().write_heading(said(heading, HEADING))

    def write_text(self, text: str) -> None:
        super().write_text(_parted(said(text), self.width - self.current_indent))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        first = min(max((len(term) for term, _ in rows), default=0), col_max) + col_spacing
        room = self.width - first - self.current_indent
        super().write_dl([(term, _parted(_said(text), room)) for term, text in rows], col_max, col_spacing)


def _said(text: str) -> str:
    """Return what a help says; where it is Japanese in every language, with a Japanese full stop."""
    return re.sub(r"(?<=[\u3000-\u9fff])\.$", "。", said(text))


def _parted(text: str, columns: int) -> str:
    """Return paragraphs in lines of so many columns; those stay that are not to be parted."""
    return "\n\n".join(
        said(each) if each.startswith(AS_IT_IS) else AS_IT_IS + wrapped(each.replace("\n", " "), columns, 0)
        for each in text.split("\n\n")
    )
