"""README.md and README.ja.md say the same, section by section.

Held are the things that are no language: who changes one of these is told to change the other.
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import pytest

from tests import ROOT
from tests.documents import sections, text_of

ENGLISH, JAPANESE = ROOT / "README.md", ROOT / "README.ja.md"
FIGURE = r"\d+(?:\.\d+)?"
PIECE = """## Look

- One: `homemon upload --since
  yesterday`, see [the keys](docs/config.md)

```sh
make demo
```

| `meter-history [--days N]` | fills |
| `export` | prints |
"""


def _code(text: str) -> frozenset[str]:
    return frozenset(" ".join(span.split()) for span in re.findall(r"`([^`]+)`", re.sub(r"(?m)^ *```.*", "", text)))


KEPT: dict[str, Callable[[str], object]] = {
    "heading": lambda text: re.findall(r"\A#+", text),
    "table's rows and their code": lambda text: [_code(row) for row in re.findall(r"(?m)^\|.*", text)],
    "list items": lambda text: re.findall(r"(?m)^ *(?:-|\d+\.) ", text),
    "code block": lambda text: re.findall(r"(?ms)^ *```.*?^ *```$", text),
    "code in the text": _code,
    "links": lambda text: sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {ENGLISH.name, JAPANESE.name}),
}
"""What a section has of each kind, the same in both languages."""


def heading(text: str) -> str:
    return text.partition("\n")[0]


def differing(kept: Callable[[str], object], english: list[str], japanese: list[str]) -> list[str]:
    """The headings of the sections in which the two differ."""
    pairs = zip_longest(english, japanese, fillvalue="")
    return [f"{heading(one)} = {heading(other)}" for one, other in pairs if kept(one) != kept(other)]


@pytest.mark.parametrize("kind", KEPT)
def test_what_one_readme_says_the_other_says(kind: str) -> None:
    where = differing(KEPT[kind], sections(ENGLISH), sections(JAPANESE))
    assert not where, f"{kind} under {where}: change README.md and README.ja.md together"


def test_every_figure_of_the_english_stands_in_the_japanese() -> None:
    for english, japanese in zip(sections(ENGLISH), sections(JAPANESE), strict=False):
        lost = set(re.findall(FIGURE, english)) - set(re.findall(FIGURE, japanese))
        assert not lost, f"{heading(english)}: README.ja.md does not say {lost}"


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("heading", "## Look", "### Look"),
        ("heading", "## Look", "## More\n\n## Look"),
        ("table's rows and their code", "| `export`", "| `decode` | explains |\n| `export`"),
        ("table's rows and their code", "[--days N]", "[--from T]"),
        ("list items", "- One", "- New\n- One"),
        ("code block", "make demo", "make all"),
        ("code in the text", "--since", "--until"),
        ("links", "(docs/config.md)", "(docs/data.md)"),
    ],
)
def test_a_change_of_one_alone_is_found(kind: str, old: str, new: str) -> None:
    changed = re.split(r"(?m)^(?=## )", PIECE.replace(old, new))
    assert differing(KEPT[kind], changed, [PIECE])
    assert not differing(KEPT[kind], [PIECE], [PIECE.replace("## Look", "## 見る").replace("- One", "- 一つ")])


def test_a_comment_in_a_block_is_no_heading_and_may_be_translated(tmp_path: Path) -> None:
    english, japanese = tmp_path / "en.md", tmp_path / "ja.md"
    english.write_text("# a\n\n```sh\n# first this\nmake demo    # a house\n```\n", "utf-8")
    japanese.write_text("# a\n\n```sh\n# まずこれ\nmake demo  # 模擬の家\n```\n", "utf-8")
    assert sections(english) == sections(japanese) == ["# a\n\n```sh\n\nmake demo\n```\n"]


def test_each_readme_begins_with_the_way_to_the_other() -> None:
    for document, other in ((ENGLISH, JAPANESE), (JAPANESE, ENGLISH)):
        assert f"]({other.name})" in "".join(text_of(document).splitlines()[:3])


def test_the_japanese_is_utf_8_without_a_mark_and_fits_a_terminal() -> None:
    assert not JAPANESE.read_bytes().startswith(b"\xef\xbb\xbf")
    for number, line in enumerate(text_of(JAPANESE).splitlines(), 1):
        columns = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)
        assert line == line.rstrip(), number
        assert columns <= 120, f"line {number} has {columns} columns"
