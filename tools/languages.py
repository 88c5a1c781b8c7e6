"""List what a document says and the one in the other language does not, section by section: `make docs`.

Compared is what is the same in every language: headings, tables, lists, code, links and figures. Of what homemon
says each page quotes what it says in the page's language, so there only the number of quotes counts.
"""

import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENGLISH, JAPANESE = ROOT / "README.md", ROOT / "README.ja.md"
PAIRS = (
    (ENGLISH, JAPANESE),
    *((ROOT / "docs" / page.name, page) for page in sorted((ROOT / "docs" / "ja").glob("*.md"))),
)
FENCE = re.compile(r"(?ms)^ *```.*?^ *```$")
CODE = re.compile(r"(?s)(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
SIGNS = re.compile("[ぁ-ヿ一-鿿]")
SHOWN = re.compile(r"(?s)(?<=```text\n).*")
NAMED = 4  # so many of what differs in a section


def sections(document: Path) -> list[str]:
    """Return a document cut before each heading, with its blocks, but without the comments in them."""
    text = FENCE.sub(lambda block: re.sub(r"(?m)(?:^|[ \t]+)#.*$", "", block[0]), document.read_text("utf-8"))
    return re.split(r"(?m)^(?=#+ )", text)[1:]


def code(text: str) -> set[str]:
    """Return the spans of code, also those between two backquotes, which may have one in them."""
    return {" ".join(span.split()) for _, span in CODE.findall(re.sub(r"(?m)^ *```.*", "", text))}


def _rows(text: str) -> list[str]:
    return re.findall(r"(?m)^\|.*", text)


KEPT: dict[str, Callable[[str], list[str]]] = {
    "heading": lambda text: re.findall(r"\A#+", text),
    "row": lambda text: [" ".join(sorted(code(row))) for row in _rows(text)],
    "list item": lambda text: re.findall(r"(?m)^ *(?:-|\d+\.) ", text),
    "block": lambda text: [SHOWN.sub(_blank, block) for block in FENCE.findall(text)],
    "code": lambda text: sorted(code(text)),
    "link": lambda text: _links(text),
}
"""What a section has of each kind, the same in both languages."""


def _blank(block: re.Match[str]) -> str:
    """Return what a command prints without its words, which are the language's; it has as many lines."""
    return "\n" * block[0].count("\n")


def _links(text: str) -> list[str]:
    """Return where a text leads; a page or picture of its own language is the same as the other's, in any folder.

    Headings are in the page's language, so within the documents only the page counts.
    """
    return sorted({_page(link) for link in re.findall(r"\]\(([^)]+)\)", text)} - {""})


def _page(link: str) -> str:
    if link.startswith("https://"):
        return link
    return re.sub(r"^(?:\.\./|docs/|ja/)+", "", link.partition("#")[0]).replace(".ja.", ".")


def _figures(text: str) -> list[str]:
    return sorted(set(re.findall(r"\d+(?:\.\d+)?", text)))


def _without_quotes(english: str, japanese: str) -> tuple[str, str]:
    """Return two texts without what each quotes of what homemon says, where both have as many quotes."""
    quotes = {span for span in code(japanese) - code(english) if SIGNS.search(span)}
    ours = code(english) - code(japanese)
    if len(ours) != len(quotes):
        return english, japanese
    return _without(english, ours), _without(japanese, quotes)


def _without(text: str, spans: set[str]) -> str:
    return CODE.sub(lambda found: "" if " ".join(found[2].split()) in spans else found[0], text)


def _apart_from_quotes(english: str, japanese: str) -> tuple[str, str]:
    """Return a pair of sections without the quotes, those of a table row by row."""
    for one, other in zip(_rows(english), _rows(japanese), strict=False):
        mine, theirs = _without_quotes(one, other)
        english, japanese = english.replace(one, mine, 1), japanese.replace(other, theirs, 1)
    return _without_quotes(english, japanese)


def differences(english: list[str], japanese: list[str]) -> Iterator[str]:
    """Yield a line for each kind of thing in which a pair of sections differs."""
    for one, other in zip_longest(english, japanese, fillvalue=""):
        where = (one or other).partition("\n")[0]
        ours, theirs = _apart_from_quotes(one, other)
        for kind, kept in KEPT.items():
            if kept(ours) != kept(theirs):
                yield f"{where}: {kind}: {_apart(kept(ours), kept(theirs))}"
        if lacking := [each for each in _figures(one) if each not in _figures(other)]:
            yield f"{where}: figure: {_apart(lacking, [])}"  # Japanese writes some words as figures


def _apart(ours: list[str], theirs: list[str]) -> str:
    lacking = [each for each in ours if each not in theirs]
    more = [each for each in theirs if each not in ours]
    if not lacking and not more:
        return f"{len(ours)} in English, {len(theirs)} in Japanese, or in another order"
    return "; ".join(
        f"only in {language}: {', '.join(only[:NAMED])}"
        for language, only in (("English", lacking), ("Japanese", more))
        if only
    )


if __name__ == "__main__":
    for english, japanese in PAIRS:
        for difference in differences(sections(english), sections(japanese)):
            print(f"{english.relative_to(ROOT)} and {japanese.relative_to(ROOT)} differ: {difference}")
