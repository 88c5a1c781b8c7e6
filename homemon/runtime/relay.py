"""Who else gets what a command says: who asked through it."""

from typing import Protocol


class Relay(Protocol):
    """Who else gets what is said. `word` is its kind: a point, a note, a warning, a saying, or a failure to store."""

    def __call__(self, word: str, text: str, hint: str = "", /) -> None: ...


def with_hint(text: str, hint: str) -> str:
    """Return what a warning is, with what to do about it."""
    return text + (f"\n  {hint}" if hint else "")
