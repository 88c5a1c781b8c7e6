"""Each row of troubleshooting.md happens here in each language, and says what the page says that it says."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import ROOT
from tests.commands import ENVIRONMENT
from tests.troubles import broker, home_assistant, house, logs, machine, meter, notices, ports, server
from tests.troubles.place import SCENARIOS, Place, is_said

MODULES = (broker, home_assistant, house, logs, machine, meter, notices, ports, server)  # each enters its scenarios
PAGES = {
    language: (ROOT / "docs" / folder / "troubleshooting.md").read_text("utf-8")
    for language, folder in (("en", ""), ("ja", "ja"))
}
LOCALES = {"en": "C.UTF-8", "ja": "ja_JP.UTF-8"}
NOTHING = ("Nothing", "何も")


class Row(NamedTuple):
    """A row of the page: what is seen, why, and the remedy."""

    name: str
    seen: str
    why: str
    remedy: str


ROWS = {
    language: {
        found[0]: Row(*found) for found in re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \| (.+?) \|$", page)
    }
    for language, page in PAGES.items()
}


def quotes(text: str) -> list[str]:
    """What the page quotes, in single backticks or, where it holds such itself, in double ones."""
    return [(double or single).strip() for double, single in re.findall(r"``(.+?)``(?!`)|`([^`]+)`", text)]


@pytest.mark.parametrize("language", PAGES)
def test_page_and_scenarios_are_the_same(language: str) -> None:
    assert ROWS[language].keys() == SCENARIOS.keys()
    assert len(re.findall(r"(?m)^\| `", PAGES[language])) == len(SCENARIOS)


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_the_page_quotes_is_said(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "LANG", LOCALES[language])
    row = ROWS[language][name]
    said = SCENARIOS[name](Place(tmp_path, request, language))
    assert "Traceback" not in said
    assert quotes(row.seen), "the page quotes what is seen"
    assert [quote for quote in quotes(row.seen) if not is_said(quote, said)] == [], said
    named = [quote for quote in quotes(row.remedy) if is_said(quote, said)]
    assert named or row.remedy.startswith(NOTHING), f"no remedy of the page is named by the command:\n{said}"
