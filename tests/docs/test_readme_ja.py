"""Documents in both languages: `make docs` lists what one of them says alone."""

import re
import unicodedata
from pathlib import Path

import pytest

from homemon.core.messages import Catalogue
from tests.documents import text_of
from tools.languages import JAPANESE, PAIRS, SIGNS, code, differences, sections
from tools.messages import catalogue

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
        ("code", "see [the keys]", "``stop `meter-poll` first``, [the keys]"),
        ("link", "(docs/config.md)", "(docs/data.md)"),
        ("figure", "fills |", "fills 7 |"),
    ],
)
def test_what_one_language_alone_says_is_listed(kind: str, old: str, new: str) -> None:
    changed = re.split(r"(?m)^(?=## )", PIECE.replace(old, new))
    assert any(f": {kind}: " in line for line in differences(changed, [PIECE]))


def test_a_translation_is_no_difference() -> None:
    assert not list(differences([PIECE], [PIECE.replace("## Look", "## 見る").replace("- One", "- 一つ")]))


QUOTING = (
    "| `stale` | `its newest reading is … old` | ``Run `homemon join` `` |\n",
    "| `stale` | `最新の値は…前` | ``実行: `homemon join` `` |\n",
)


def test_each_quotes_what_homemon_says_in_its_language() -> None:
    english, japanese = QUOTING
    assert not list(differences([english], [japanese]))
    assert not list(differences([english.replace("|", " ")], [japanese.replace("|", " ")]))


@pytest.mark.parametrize("old", ["`最新の値は…前`", "``実行: `homemon join` ``", "`stale`"])
@pytest.mark.parametrize("new", ["", "`homemon check`"])
def test_a_quote_that_one_language_lacks_is_listed(old: str, new: str) -> None:
    english, japanese = QUOTING
    assert list(differences([english], [japanese.replace(old, new)]))


@pytest.mark.parametrize(
    "pair", [each for each in PAIRS if each[0].name != "troubleshooting.md"], ids=lambda pair: pair[0].name
)
def test_each_quote_is_what_homemon_says(pair: tuple[Path, Path]) -> None:
    """Those of troubleshooting.md are held to what is really said: each row happens in a test."""
    english, japanese = (code(text_of(page)) for page in pair)
    said = set(map(Catalogue("ja"), english))
    known = [str(message.string) for message in catalogue()]
    quotes = {span for span in japanese - english if SIGNS.search(span)}
    assert [quote for quote in quotes - said if not any(quote in text for text in known)] == []


def test_a_comment_in_a_block_is_no_heading_and_may_be_translated(tmp_path: Path) -> None:
    english, japanese = tmp_path / "en.md", tmp_path / "ja.md"
    english.write_text("# a\n\n```sh\n# first this\nmake demo    # a house\n```\n", "utf-8")
    japanese.write_text("# a\n\n```sh\n# まずこれ\nmake demo  # 模擬の家\n```\n", "utf-8")
    assert sections(english) == sections(japanese) == ["# a\n\n```sh\n\nmake demo\n```\n"]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_each_begins_with_the_way_to_the_other(pair: tuple[Path, Path]) -> None:
    for document, other in (pair, pair[::-1]):
        (way,) = re.findall(r"\]\((.+?)\)", "".join(text_of(document).splitlines()[:3]))
        assert (document.parent / way).resolve() == other


def test_a_link_leads_to_the_same_page_in_any_folder_and_language() -> None:
    links = ("[a](hardware.md#which-device-it-is)", "[a](https://example.jp/a#b)")
    same = ("[a](../ja/hardware.md#どのデバイスか)", "[a](https://example.jp/a#b)")
    other = ("[a](../ja/data.md)", "[a](https://example.jp/a#c)")
    assert not list(differences([" ".join(links)], [" ".join(same)]))
    assert len(list(differences(list(links), list(other)))) == 2


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_the_japanese_is_utf_8_without_a_mark(pair: tuple[Path, Path]) -> None:
    assert not pair[1].read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_japanese_readme_fits_a_terminal() -> None:
    for number, line in enumerate(text_of(JAPANESE).splitlines(), 1):
        columns = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)
        assert line == line.rstrip(), number
        assert columns <= 120, f"line {number} has {columns} columns"
