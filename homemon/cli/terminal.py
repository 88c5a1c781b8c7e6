"""Lines for people on a terminal: as wide as that is, and in colours where there may be any."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click

from homemon.core.errors import HomemonError
from homemon.runtime import output
from homemon.runtime.context import App
from homemon.runtime.points import Sum


def show(text: str, colour: str = "", of: int | None = None, indent: int = 2) -> None:
    """Print a line in the reader's words, as `tell` does."""
    tell(output.said(text), colour, of, indent)


def tell(text: str, colour: str = "", of: int | None = None, indent: int = 2) -> None:
    """Print a line, on a terminal parted at words where it is too narrow. Raise OSError where stdout takes none.

    The first `of` characters have the colour, by default all; "bold" is one. Programs get the line as it is.
    """
    text = output.lines_of(text)
    output.tell(output.fitted(text, output.columns(sys.stdout), indent), partial(_painted, colour, of))


@contextmanager
def summed(app: App) -> Iterator[None]:
    """Where stdout is a terminal, count the points of a block in place of printing them, and print their sum."""
    if not sys.stdout.isatty():
        yield
        return
    points = app.points = Sum()
    try:
        yield
    except HomemonError:
        if points.number:
            app.show(str(points))
        raise
    app.show(str(points))


def _painted(colour: str, of: int | None, text: str) -> str:
    if not colour:
        return text
    first, rest = (text, "") if of is None else (text[:of], text[of:])
    return (click.style(first, bold=True) if colour == "bold" else click.style(first, fg=colour)) + rest
