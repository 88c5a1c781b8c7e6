"""Text in the columns of a terminal, in which a Japanese sign takes two."""

import re
from unicodedata import combining, east_asian_width

COLUMNS = 80  # what a terminal has at least
_JAPANESE = r"\u3000-\u9fff\uff00-\uff60"
_NEVER_FIRST = ")、。，．・：；？！）」』】〕〉》ー〜々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"  # in a line (JIS X 4051)
_PIECES = rf" *(?:[{_JAPANESE}]|[^ {_JAPANESE}]+)[{_NEVER_FIRST}]*"
"""What is not parted: words, and single Japanese signs, each with the spaces before it and what may begin no line.

Compiled when met, which takes as long as a tenth of a poll: in cron nobody has columns.
"""


def width(text: str) -> int:
    """Return how many columns a printable text takes (Unicode Standard Annex 11; ambiguous signs are narrow)."""
    return sum(0 if combining(sign) else 1 + (east_asian_width(sign) in "WF") for sign in text)


def left(text: str, columns: int) -> str:
    """Return the text with spaces behind it, so that it takes so many columns at least."""
    return text + " " * (columns - width(text))


def right(text: str, columns: int) -> str:
    """Return the text with spaces before it, so that it takes so many columns at least."""
    return " " * (columns - width(text)) + text


def wrapped(text: str, columns: int, indent: int) -> str:
    """Return a line as lines of at most so many columns, parted at words; all but the first are indented.

    A word that is longer than a line is not parted, so that it can be copied.
    """
    lines = [""]
    for piece in re.findall(_PIECES, text):
        if lines[-1].strip() and width(lines[-1] + piece) > columns:
            lines.append(" " * indent + piece.lstrip(" "))
        else:
            lines[-1] += piece
    return "\n".join(lines)


def clipped(text: str, columns: int) -> str:
    """Return the beginning of a text that takes at most so many columns."""
    while width(text) > columns:
        text = text[:-1]
    return text
