"""The language of who reads: the locale's, where homemon speaks it."""

from collections.abc import Mapping

LANGUAGES = ("ja", "en")
LOCALES = {"ja": "ja_JP.UTF-8", "en": "C.UTF-8"}
"""By which a command that is started speaks a language."""


def language(environment: Mapping[str, str]) -> str:
    """Return the locale's language, by the order of setlocale(3); English for other languages than the page's."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return next((known for known in LANGUAGES if locale.startswith(known)), "en")
