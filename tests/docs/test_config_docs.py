"""docs/config.md says of every key what it means, shows each in an example, and names the places that are searched."""

import re
from pathlib import Path

import pytest

from homemon.config import read as config
from homemon.config.keys import KEYS
from homemon.config.place import PLACES
from homemon.core.errors import ConfigError
from tests.documents import DOCS, blocks, section, table, text_of
from tools import tables

PAGE = DOCS / "config.md"


@pytest.mark.parametrize("page", tables.WRITTEN, ids=lambda page: page.name)
def test_the_tables_are_those_that_make_docs_writes(page: Path) -> None:
    assert page.read_text("utf-8") == tables.WRITTEN[page](), "run `make docs`"


@pytest.mark.parametrize("section_", KEYS)
def test_every_key_has_its_meaning_on_the_page(section_: str) -> None:
    for key, *_, meaning in table(section(PAGE, f"[{section_}]")):
        assert meaning, f"write in {PAGE.name} what {key} of [{section_}] means"


def test_the_examples_use_every_key() -> None:
    used = set[tuple[str, str]]()
    for block in blocks("ini", of=PAGE):
        header, *lines = block.text.splitlines()
        used |= {(header.strip("[]").split()[0], line.split(" = ")[0]) for line in lines}
    assert used - {("tags", "home")} == {(name, key) for name, keys in KEYS.items() for key in keys}


def test_the_places_are_those_where_it_is_looked_for() -> None:
    places = [f"`{place}`" for place in PLACES]
    places[0] = "`./config.ini`"
    assert ", ".join(places) in text_of(PAGE)


def test_the_fault_on_the_page_is_reported_so(tmp_path: Path) -> None:
    (fault,) = re.findall(r"`config\.ini:12: (.*?)`", text_of(PAGE))
    with pytest.raises(ConfigError) as error:
        config.parse("\n" * 9 + "[smartmeter]\npwd = 0123456789AB\nbid = " + "0" * 31, tmp_path / "config.ini")
    assert str(error.value) == f"{tmp_path}/config.ini:12: {fault}"
