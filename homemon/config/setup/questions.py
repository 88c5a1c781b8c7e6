"""Questions as the steps of `homemon setup` have them, and what their answers come to."""

from collections.abc import Callable

from homemon.config.edit import Change
from homemon.config.keys import READERS
from homemon.config.setup.dialogue import Question, yes_or_no
from homemon.config.setup.texts import TEXTS

Changes = list[Change]


def keyed(name: str, reader: str, *of: int, text: str = "", default: str = "") -> Question:
    """Return the question for a key of config.ini, whose value is kept as it is typed if its `reader` takes it."""
    read = READERS[reader](*of) if of else READERS[reader]
    return Question(name, TEXTS[text or name], read, default)


def agreed(name: str, default: bool = True) -> Question:
    """Return a question that is answered with yes or no."""
    return Question(name, TEXTS[name], yes_or_no, "y" if default else "n")


def changes_of(section: str, **keys: object) -> Changes:
    """Return the changes of a section, without the keys that nothing is known of."""
    return [Change(section, key, str(value)) for key, value in keys.items() if value is not None]


def several(name: str, reader: str) -> Question:
    """Return a question for an option that may name several things, each of which its `reader` takes."""
    return Question(name, ("", ""), lambda text: [READERS[reader](text)], asked=False)


def word(*words: str) -> Callable[[str], str]:
    """Return a reader that takes one of the words, in whatever case."""

    def read(text: str) -> str:
        if text.lower() not in words and text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text if text in words else text.lower()

    return read
