"""What homemon says, in the language of who reads it: gettext's catalogue, asked where a line leaves the process.

Inside, each message is English, whoever says it: one process tells it to another over the owner's socket, the store
keeps it, `--json` prints it. A msgid is a string of the source with `{}` for each value, and a value may be a
message itself: an error within a warning. `make docs` keeps the catalogue with the source.
"""

import gettext
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

FIELD = "{}"
PARTS = ("{}: {}", "{}  [{}]", "{} ({})", "({})", "{}, {}", "{} and {}", "{} or {}")
"""How messages are joined within a sentence; the more comes first that stands more apart."""
END = re.compile(r"(?<=[^ ][.?;]) ")
"""Where a sentence ends, and another begins."""
COLUMNS = re.compile("( {2,})")
BEFORE = re.compile(r"((?:\[[^]]+\] )?[^ ]+): (.+)")
"""A name before what is said of it: `homemon`, a file's line, an option, a key."""
FEW = 6  # letters of a message's own, below which its values are words where it begins with one
MANY = 2 * FEW
MOST = 4  # sentences of a message
LONGEST = 1000  # characters of a line, beyond which others than homemon speak
BETWEEN = re.compile(r"(?<=[\u3000-\u9fff]) (?=[\u3000-\u9fff])")
"""Spaces between Japanese signs, where a value is one that begins or ends with such."""


class Template(NamedTuple):
    """A message with values, and its translation, in which `{}` or `{0}`, `{1}` stand for them."""

    parts: tuple[str, ...]
    translation: str

    @property
    def own(self) -> int:
        """How many letters of it are its own."""
        return sum(map(str.isalpha, "".join(self.parts)))

    def values(self, text: str) -> tuple[str, ...]:
        """Return the values of a text that is this message, each within a sentence; none where it is another."""
        if not text.startswith(self.parts[0]) or not all(part in text for part in self.parts):
            return ()
        value = "(.*?)" if self.parts[0] or self.own >= FEW else "([^ ]*?|[^A-Za-z]*?)"
        found = re.fullmatch(value.join(map(re.escape, self.parts)), text)
        values = found.groups() if found else ()
        return () if any(map(END.search, values)) else values


class Catalogue:
    """Translates what homemon says. What it does not know stays as it is.

    A word that means something else elsewhere, as a heading may, has a context (gettext's msgctxt).
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._seen: dict[str, str] = {}
        """What was looked for already of the text that is being said: it is put together in many ways at most."""

    def __call__(self, text: str, context: str = "") -> str:
        if context:
            return self._known.get(f"{context}\x04{text}", text)
        if text in self._known:
            return self._known[text]
        self._seen.clear()
        lines = text.split("\n")
        return "\n".join(self._line(line) if len(line) <= LONGEST else line for line in lines)

    @cached_property
    def _known(self) -> Mapping[str, str]:
        """Each message with its translation."""
        path = files("homemon") / "locale" / self._language / "LC_MESSAGES" / "homemon.mo"
        with path.open("rb") as file:
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
        if line != text and (piece := self._known.get(line) or self._filled(self._begun, line)):
            return piece
        return line.replace(text, self._said(text), 1)

    def _said(self, text: str) -> str:
        if text not in self._seen:
            self._seen[text] = text  # also for a text that is a part of itself
            self._seen[text] = self._looked_up(text)
        return self._seen[text]

    def _looked_up(self, text: str) -> str:
        return (
            self._known.get(text)
            or self._cells(text)
            or self._filled(self._begun, text)
            or self._after_name(text)
            or self._filled(self._templates, text)
            or self._sentences(END.split(text))
            or self._joined(text)
            or text
        )

    @cached_property
    def _begun(self) -> Sequence[Template]:
        """Those that begin with words of their own, or with a name and enough of them to be no other."""
        return [each for each in self._templates if each.parts[0] or (each.parts[1][:1] == ":" and each.own >= MANY)]

    def _filled(self, templates: Iterable[Template], text: str) -> str:
        """Return a text that is a message with values, said; nothing where it is none."""
        for template in templates:
            if values := template.values(text):
                return BETWEEN.sub("", template.translation.format(*map(self._line, values)))
        return ""

    def _after_name(self, text: str) -> str:
        """Return what is said of something that is named before it; nothing where nothing is."""
        found = BEFORE.fullmatch(text)
        said = self._said(found[2]) if found else ""
        return f"{self._known.get(found[1], found[1])}: {said}" if found and said != found[2] else ""

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
        return f"{self._joined(first) or first} {self._line(rest)}"

    def _one(self, text: str) -> str:
        """Return a text that is a single message, said; nothing where it is none."""
        return self._known.get(text) or self._filled(self._begun, text) or self._filled(self._templates, text)

    def _joined(self, text: str) -> str:
        """Return a text of which parts are messages with these said; nothing where none is."""
        for joint in PARTS:
            found = re.fullmatch("(.+?)".join(map(re.escape, joint.split(FIELD))), text)
            values = found.groups() if found else ()
            said = tuple(map(self._line, values))
            if said != values:
                return self._known.get(joint, joint).format(*said)
        return ""
