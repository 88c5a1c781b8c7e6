"""Each row of docs/troubleshooting.md happens here, and says what the page says that it says."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import ROOT
from tests.troubles import house, logs, machine, meter, notices, ports, server
from tests.troubles.place import SCENARIOS, Place

MODULES = (house, logs, machine, meter, notices, ports, server)  # each enters its scenarios
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")


class Row(NamedTuple):
    """A row of the page: what is seen, why, and the remedy."""

    name: str
    seen: str
    why: str
    remedy: str


ROWS = {
    row.name: row
    for row in (Row(*found) for found in re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \| (.+?) \|$", PAGE))
}


def quotes(text: str) -> list[str]:
    """What the page quotes, in single backticks or, where it holds such itself, in double ones."""
    return [(double or single).strip() for double, single in re.findall(r"``(.+?)``(?!`)|`([^`]+)`", text)]


def is_said(quote: str, said: str) -> bool:
    """Whether it was said, on one line or several; `…` stands for anything."""
    pieces = (r"\s+".join(map(re.escape, piece.split())) for piece in quote.split("…"))
    return re.search(".*?".join(pieces), said, re.DOTALL) is not None


def test_page_and_scenarios_are_the_same() -> None:
    assert ROWS.keys() == SCENARIOS.keys()
    assert len(re.findall(r"(?m)^\| `", PAGE)) == len(ROWS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_the_page_quotes_is_said(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    row = ROWS[name]
    said = SCENARIOS[name](Place(tmp_path, request))
    assert "Traceback" not in said
    assert quotes(row.seen), "the page quotes what is seen"
    assert [quote for quote in quotes(row.seen) if not is_said(quote, said)] == [], said
    named = [quote for quote in quotes(row.remedy) if is_said(quote, said)]
    assert named or row.remedy.startswith("Nothing"), f"no remedy of the page is named by the command:\n{said}"
