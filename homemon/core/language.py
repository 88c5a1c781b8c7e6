"""The language of who reads: the locale's, where homemon speaks it; how the others are spoken is `messages`."""

from collections.abc import Mapping
from typing import Protocol

Text = tuple[str, str]
"""A text in Japanese and in English."""

LANGUAGES = ("ja", "en")
LOCALES = {"ja": "ja_JP.UTF-8", "en": "C.UTF-8"}
"""By which a command that is started speaks a language."""


def language(environment: Mapping[str, str]) -> str:
    """Return the locale's language, by the order of setlocale(3); English for other languages than the page's."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return next((known for known in LANGUAGES if locale.startswith(known)), "en")


def said(text: Text, language: str, *values: object, **named: object) -> str:
    """Return a text in a language, with the values in their places, themselves in that language where they are texts.

    Without values, braces in it stay as they are.
    """
    at = LANGUAGES.index(language)
    chosen = {name: value[at] if isinstance(value, tuple) else value for name, value in named.items()}
    return text[at].format(*values, **chosen) if values or named else text[at]


class Words(Protocol):
    """From what homemon says in English to what is read; `context` is of words that mean something else elsewhere."""

    def __call__(self, text: str, context: str = "") -> str: ...


def in_english(text: str, context: str = "") -> str:
    """Return what homemon says as it is."""
    return text
