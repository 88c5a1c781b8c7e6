"""docs/config.md says of every key what KEYS says, and of no other."""

import re
from pathlib import Path

import pytest

from homemon.config import read as config
from homemon.config.keys import KEYS, Key
from homemon.config.place import PLACES
from homemon.core.errors import ConfigError
from homemon.sources.source import REQUIRED
from tests.documents import DOCS, blocks, section, table, text_of

PAGE = DOCS / "config.md"
ROWS = [(name, *row) for name in KEYS for row in table(section(PAGE, f"[{name}]"))]
CASES = [pytest.param(*row[:4], id=f"{row[0]}-{row[1]}") for row in ROWS]


def key_of(name: str, cell: str) -> Key:
    return KEYS[name][cell.strip("`")]


def test_every_section_and_key_is_on_the_page_in_the_order_of_the_code_and_no_other() -> None:
    assert re.findall(r"(?m)^## \[(\w+)\]$", text_of(PAGE)) == [*KEYS, "tags"]
    assert [(name, cell) for name, cell, *_ in ROWS] == [
        (name, f"`{key}`") for name, keys in KEYS.items() for key in keys
    ]


@pytest.mark.parametrize(("name", "key", "value", "default"), CASES)
def test_the_default_is_what_the_code_takes(name: str, key: str, value: str, default: str) -> None:
    known = key_of(name, key)
    if default == "required":
        assert known.default is REQUIRED
    elif default == "none":
        assert known.default is None
    else:
        assert known.read(default.strip("`")) == known.default


@pytest.mark.parametrize(("name", "key", "value", "default"), CASES)
def test_the_range_is_where_the_code_begins_to_refuse(name: str, key: str, value: str, default: str) -> None:
    read = key_of(name, key).read
    numbers = [int(number.replace(",", "")) for number in re.findall(r"(?<!\w)\d[\d,]*(?= to |$)", value)]
    if " to " in value and len(numbers) == 2:
        lowest, highest = numbers
        assert (read(str(lowest)), read(str(highest))) == (lowest, highest)
        refused = [str(lowest - 1), str(highest + 1), f"{lowest}.5", ""]
    elif "above 0, up to" in value:
        assert read(str(numbers[0])) == numbers[0]
        refused = ["0", str(numbers[0] + 1), "soon"]
    elif words := re.fullmatch("`([^`]+)` or `([^`]+)`", value):
        assert {read(word) for word in words.groups()} == set(words.groups())
        refused = ["neither", ""]
    elif digits := re.match("([0-9]+) (hexadecimal digits|letters and digits)", value):
        assert read("0" * int(digits[1])) is not None
        refused = ["0" * (int(digits[1]) - 1), "0" * (int(digits[1]) + 1), "-" * int(digits[1])]
    else:
        assert value in TOLD_IN_WORDS
        refused = TOLD_IN_WORDS[value]
    for text in refused:
        with pytest.raises(ValueError, match=r"."):
            read(text)


TOLD_IN_WORDS = {
    "IPv6 address of 8 × 4 hexadecimal digits, or empty": ["fe80::1", "192.168.1.1"],
    "device, or a URL that begins with `socket://` or `rfc2217://`": ["spy:///dev/ttyUSB0", ""],
    "as in `[smartmeter]`": ["spy:///dev/ttyUSB0", ""],
    "`http://` or `https://`, host, port, path; or a bare host, which is `http://`": ["ftp://host", "http://a b"],
    "IPv4 address or name, or empty": [],
    "IPv4 address": [""],
    "path": [],
    "text": [],
}
"""Values that no number bounds, and what is refused."""


def test_the_examples_use_every_key() -> None:
    used = set[tuple[str, str]]()
    for block in blocks("ini", of=PAGE):
        header, *lines = block.text.splitlines()
        used |= {(header.strip("[]"), line.split(" = ")[0]) for line in lines}
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
