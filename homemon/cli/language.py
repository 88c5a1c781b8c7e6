"""Texts in both languages, as commands say them."""

from homemon.page import texts
from homemon.sources.source import Text


def said(text: Text, language: str, *values: object) -> str:
    """Return a text in a language, with the values in their places."""
    return texts.said(language, text).format(*values)
