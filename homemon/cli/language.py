"""The language of who reads: the locale's, where homemon speaks it."""

from collections.abc import Mapping

from homemon.page import texts
from homemon.page.texts import LANGUAGES
from homemon.sources.source import Text


def language(environment: Mapping[str, str]) -> str:
    """Return the locale's language, by the order of setlocale(3); English for other languages than the page's."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return next((known for known in LANGUAGES if locale.startswith(known)), "en")


def said(text: Text, language: str, *values: object) -> str:
    """Return a text in a language, with the values in their places."""
    return texts.said(language, text).format(*values)
