"""What a step of `homemon setup` yields: something to say, a question, or something to do.

A step is a generator, so it reads like the conversation that it is, and runs without a terminal:

    area = yield Question("area", …)
"""

import unicodedata
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from homemon.config.edit import Change
from homemon.config.read import Config
from homemon.config.setup.texts import TEXTS
from homemon.core.language import Text

Result = TypeVar("Result")
YES = {"y", "yes", "はい"}
NO = {"n", "no", "いいえ"}


class Say(NamedTuple):
    """A line for the person; `values` go into its places."""

    text: Text
    values: tuple[object, ...] = ()


class Choice(NamedTuple):
    """One of several answers, and what it is."""

    answer: str
    text: Text


class Question(NamedTuple):
    """What a person is asked, or an option of the command that is called `name` answers.

    `read` makes of an answer what the step gets; raise ValueError with what it must be, never with the answer. An empty
    answer is `default`; where that is empty too, the step gets None. Who may choose from `choices` answers with the
    number, the word or the text of one, or with anything else that `read` takes. A `secret` is not shown. What is not
    `asked` is for options only.
    """

    name: str
    text: Text
    read: Callable[[str], Any]
    default: str = ""
    choices: Sequence[Choice] = ()
    secret: bool = False
    asked: bool = True

    def answer(self, text: str) -> Any:
        """Return what an answer means. Raise ValueError."""
        typed = text.strip() or self.default
        if not typed:
            return None
        return self.read(self._chosen(typed))

    def _chosen(self, typed: str) -> str:
        """Return the answer of the choice that is meant by its number or its text, else what was typed."""
        word = unicodedata.normalize("NFKC", typed)
        meant = (each.answer for number, each in enumerate(self.choices, 1) if word in (str(number), *each.text))
        return next(meant, typed)


class Act(NamedTuple):
    """Something to be done outside, by its name; the step gets what came of it."""

    name: str
    arguments: tuple[Any, ...] = ()


Talk = Generator[Say | Question | Act, Any, Result]


class Step(NamedTuple):
    """A part of the set-up that can be left out or done alone.

    `questions` are the names of those of its questions that an option can answer. `done` says whether config.ini has
    what it is about; where it has, and no option says otherwise, a person is asked whether to go through it again.
    `first` is the command that takes the first reading of what was found, and remembers where.
    """

    name: str
    title: Text
    talk: Callable[[Config], Talk[list[Change]]]
    done: Callable[[Config], bool]
    questions: tuple[str, ...] = ()
    first: str = ""


def yes_or_no(text: str) -> bool:
    """Return whether an answer is yes. Raise ValueError where it is neither."""
    word = unicodedata.normalize("NFKC", text).strip().lower()
    if word not in YES | NO:
        raise ValueError("must be y or n")
    return word in YES


AGAIN = Question("again", TEXTS["again"], yes_or_no, "n")


def through(step: Step, config: Config, given: Mapping[str, object]) -> Talk[list[Change]]:
    """Go through a step; return what it changed in config.ini. `given` are the options by their names."""
    yield Say(step.title)
    if step.done(config) and not given.keys() & set(step.questions) and not (yield AGAIN):
        yield Say(TEXTS["kept"])
        return []
    changes = yield from step.talk(config)
    yield from written(changes)
    if changes and step.first:
        yield Act("first", (step.first,))
    return changes


def written(changes: Sequence[Change]) -> Talk[None]:
    """Write into config.ini what is to be there, and say which keys."""
    if changes:
        closed = yield Act("write", (changes,))
        yield Say(TEXTS["written"], (named(changes),))
        if closed:
            yield Say(TEXTS["closed"], (closed,))


def named(changes: Sequence[Change]) -> str:
    """Return which keys change, by their sections, and never their values."""
    keys = {change.section: [each.key for each in changes if each.section == change.section] for change in changes}
    return ", ".join(f"[{section}] {', '.join(filter(None, of))}".strip() for section, of in keys.items())
