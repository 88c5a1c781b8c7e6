"""What homemon says, in the language of who reads it: gettext's catalogue, asked where a line leaves the process.

Inside, each message is English, whoever says it: one process tells it to another over the owner's socket, the store
keeps it, `--json` prints it. A msgid is a string of the source with `{}` for each value, and a value may be a
message itself: an error within a warning. `make docs` keeps the catalogue with the source.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from homemon.core.language import Words, in_english

LOCALE = Path(__file__).parent / "locale"
FIELD = "{}"
PARTS = ("{}: {}", "{}  [{}]", "{} ({})", "({})", "{}, {}", "{} and {}", "{} or {}", "{} to {}")
"""How messages are joined within a sentence; the more comes first that stands more apart."""
LIST = re.compile(r"((?:[^ ,]+, )*[^ ,]+)(?: (or|and|to) ([^ ,]+(?: [A-Z])?))?")
END = re.compile(r"(?<=[^ ][.?;]) ")
"""Where a sentence ends, and another begins."""
COLUMNS = re.compile("( {2,})")
BEFORE = re.compile(r"((?:\[[^]]+\] )?[^ ]+): (.+)")
"""A name before what is said of it: `homemon`, a file's line, an option, a key."""
NAMED = re.compile(r"(?:\[[^]]+\] )?[^ ]+:(?: |$)")
"""A value that begins with such a name, or is one."""
FEW = 9  # letters of a message's own, below which its values are words
WORDLIKE = re.compile(r"[(+-]*[\d.,]+ [^ ]+|(?:[^ ,]+, )*[^ ,]+(?: (?:or|and) [^ ,]+(?: [A-Z])?)?")
"""A quantity, or a list of words."""
MOST = 4  # sentences of a message
DEEPEST = 10  # messages within messages
LONGEST = 1000  # characters of a line, beyond which others than homemon speak
BETWEEN = r"(?<=[\u3000-\u9fff]) (?=[\u3000-\u9fff])"
"""Spaces between Japanese signs, where a value begins or ends with such; compiled when met, which takes long."""


@cache
def words(language: str) -> Words:
    """Return how homemon says things in a language."""
    return in_english if language == "en" else Catalogue(language)


class Template(NamedTuple):
    """A message with values, and its translation, in which `{}` or `{0}`, `{1}` stand for them."""

    parts: tuple[str, ...]
    translation: str

    @property
    def own(self) -> int:
        """How many letters of it are its own."""
        return sum(map(str.isalpha, "".join(self.parts)))

    @property
    def is_piece(self) -> bool:
        """Whether it goes on within another message."""
        return self.parts[0].startswith((" ", ",", ";"))

    def may_be(self, value: str) -> bool:
        """Return whether a value can be any text: one within a sentence, or a word where the message is short."""
        word = " " not in value or not any(map(str.isalpha, value)) or WORDLIKE.fullmatch(value)
        return not END.search(value) and bool(word or self.own >= FEW or self.is_piece)

    def values(self, text: str) -> Iterator[tuple[str, ...]]:
        """Yield the values of a text that is this message, with the first ones short, then long; none of another.

        What is before it, as a file's name, is none of its values but where it says so itself, by a colon.
        """
        if not text.startswith(self.parts[0]) or not all(part in text for part in self.parts):
            return
        for value in ("(.*?)", "(.*)"):
            found = re.fullmatch(value.join(map(re.escape, self.parts)), text)
            values = found.groups() if found else ()
            if values and (self.parts[0] or not NAMED.match(values[0])):
                yield values


class Catalogue:
    """Translates what homemon says. What it does not know stays as it is.

    A word that means something else elsewhere, as a heading may, has a context (gettext's msgctxt).
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._lock = Lock()
        self._seen: dict[tuple[str, str], str] = {}
        """What was looked up already of the line that is being said."""
        self._depth = 0

    def __call__(self, text: str, context: str = "") -> str:
        if context:
            return self._known.get(f"{context}\x04{text}", text)
        if text in self._known:
            return self._known[text]
        return "\n".join(map(self._of_anybody, text.split("\n")))

    def _of_anybody(self, line: str) -> str:
        """Return a line said, in which others may speak at any length."""
        with self._lock:
            self._seen, self._depth = {}, 0
            return self._line(line) if len(line) <= LONGEST else line

    @cached_property
    def _known(self) -> Mapping[str, str]:
        """Each message with its translation."""
        import gettext  # in English nobody asks it

        with (LOCALE / self._language / "LC_MESSAGES" / "homemon.mo").open("rb") as file:
            found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # nothing else lists them
        return {text: translation for text, translation in found.items() if text}

    @cached_property
    def _templates(self) -> Sequence[Template]:
        """Those with values; the more of a text is its own, the sooner it is tried."""
        found = [
            Template(tuple(text.split(FIELD)), translation)
            for text, translation in self._known.items()
            if FIELD in text and text != translation and text not in PARTS
        ]
        return sorted(found, key=lambda template: (template.own, len("".join(template.parts))), reverse=True)

    def _line(self, line: str) -> str:
        """Return a line or a value said; a piece of a message has its spaces and commas, others keep theirs."""
        text = line.strip(" ")
        if not any(map(str.isalpha, text)):
            return line
        if line != text and (piece := self._piece(line)):
            return piece
        return line.replace(text, self._said(text), 1)

    def _piece(self, text: str) -> str:
        """Return a piece of a message, which goes on within it, said; nothing where it is none."""
        return self._known.get(text) or self._filled(text, [each for each in self._templates if each.is_piece])

    def _once(self, look: Callable[[str], str], text: str) -> str:
        """Return what a look at a text comes to, which is done once, and not without end; nothing beyond that."""
        key = look.__name__, text
        if key not in self._seen and self._depth < DEEPEST:
            self._depth += 1
            self._seen[key] = look(text)
            self._depth -= 1
        return self._seen.get(key, "")

    def _said(self, text: str) -> str:
        """Return a text with all that is a message in it said."""
        return self._once(self._looked_up, text) or text

    def _one(self, text: str) -> str:
        """Return a text that is a single message, said; nothing where it is none."""
        return self._once(self._found, text)

    def _found(self, text: str) -> str:
        return self._known.get(text) or self._filled(text, self._templates) or self._after_name(text, self._one)

    def _looked_up(self, text: str) -> str:
        return (
            self._known.get(text)
            or self._cells(text)
            or self._with_hint(text)
            or self._filled(text, self._templates)
            or self._after_name(text, self._one)
            or self._sentences(END.split(text))
            or self._after_name(text, self._said)
            or self._joined(text)
            or text
        )

    def _filled(self, text: str, templates: Iterable[Template]) -> str:
        """Return a text that is one of the messages with values, said; nothing where it is none."""
        for template in templates:
            for values in template.values(text):
                doubted = (value for value in values if not template.may_be(value))
                if all(map(self._one, doubted)):
                    return re.sub(BETWEEN, "", template.translation.format(*map(self._value, values)))
        return ""

    def _value(self, value: str) -> str:
        """Return a value, said: a message, a piece of one, or a list."""
        if " " not in value or not (found := LIST.fullmatch(value)) or self._one(value):
            return self._line(value)
        words = self._known.get("{}, {}", "{}, {}")[2:-2].join(map(self._line, found[1].split(", ")))
        joint = f"{{}} {found[2]} {{}}"
        return self._known.get(joint, joint).format(words, found[3]) if found[2] else words

    def _with_hint(self, text: str) -> str:
        """Return a message with another in brackets behind it, both said; nothing where it is none."""
        begin = _opening(text)
        message, hint = self._one(text[:begin].rstrip()) if begin else "", text[begin + 1 : -1]
        return f"{message} ({said})" if message and (said := self._said(hint)) != hint else ""

    def _after_name(self, text: str, words: Callable[[str], str]) -> str:
        """Return what `words` make of what is said of something named before it; nothing where that is nothing."""
        found = BEFORE.fullmatch(text)
        said = words(found[2]) if found else ""
        if not found or said in ("", found[2]):
            return ""
        return self._known.get(f"{found[1]}: {FIELD}", f"{found[1]}: {FIELD}").format(said)

    def _cells(self, text: str) -> str:
        """Return what stands in columns, each said; nothing where it does not."""
        return "".join(map(self._line, COLUMNS.split(text))) if "  " in text else ""

    def _sentences(self, sentences: Sequence[str]) -> str:
        """Return several sentences, said; nothing where there is one. A message may be several of them."""
        if len(sentences) < 2:
            return ""
        for count in range(min(len(sentences) - 1, MOST), 0, -1):
            first, rest = " ".join(sentences[:count]), " ".join(sentences[count:])
            if said := self._known.get(first) or self._one(first[:-1]) or self._one(first):
                return f"{said.removesuffix('。')}。{self._line(rest)}"
        return f"{self._line(first)} {self._line(rest)}"

    def _joined(self, text: str) -> str:
        """Return a text of which parts are messages with these said; nothing where none is."""
        for joint in PARTS:
            found = re.fullmatch("(.+?)".join(map(re.escape, joint.split(FIELD))), text)
            values = found.groups() if found else ()
            said = tuple(map(self._line, values))
            if said != values:
                return self._known.get(joint, joint).format(*said)
        return ""


def _opening(text: str) -> int:
    """Return where the bracket begins that a text ends with; 0 where it ends with none."""
    depth = 0
    for at in range(len(text) - 1, 0, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            return at if text.endswith(")") else 0
    return 0
