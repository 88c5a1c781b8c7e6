"""README.md and README.ja.md: `make docs` lists what one of them says alone."""

import re
import unicodedata
from pathlib import Path

import pytest

from tests.documents import text_of
from tools.languages import ENGLISH, JAPANESE, differences, sections

PIECE = """## Look

- One: `homemon upload --since
  yesterday`, see [the keys](docs/config.md)

```sh
make demo
```

| `meter-history [--days N]` | fills |
| `export` | prints |
"""


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("heading", "## Look", "### Look"),
        ("heading", "## Look", "## More\n\n## Look"),
        ("row", "| `export`", "| `decode` | explains |\n| `export`"),
        ("row", "[--days N]", "[--from T]"),
        ("list item", "- One", "- New\n- One"),
        ("block", "make demo", "make all"),
        ("code", "--since", "--until"),
        ("link", "(docs/config.md)", "(docs/data.md)"),
        ("figure", "fills |", "fills 7 |"),
    ],
)
def test_what_one_language_alone_says_is_listed(kind: str, old: str, new: str) -> None:
    changed = re.split(r"(?m)^(?=## )", PIECE.replace(old, new))
    assert any(f": {kind}: " in line for line in differences(changed, [PIECE]))


def test_a_translation_is_no_difference() -> None:
    assert not list(differences([PIECE], [PIECE.replace("## Look", "## 見る").replace("- One", "- 一つ")]))


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
