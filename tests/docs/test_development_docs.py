"""The examples of docs/development.md are carried out, and the places that it names exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.commands import ENVIRONMENT, PATIENCE
from tests.documents import DOCS, Block, blocks, prose_of, section, text_of
from tests.new_device import NEW_DEVICE, add_device

PAGE = DOCS / "development.md"
EXAMPLES = [
    heading
    for heading in re.findall(r"(?m)^## (.+)$", text_of(PAGE))
    if any(block.text in section(PAGE, heading) for block in blocks("python", of=PAGE))
]


def program(heading: str) -> str:
    """The examples of a section, as one program."""
    return "\n".join(block.text for block in blocks("python", of=PAGE) if block.text in section(PAGE, heading))


@pytest.mark.parametrize("heading", [heading for heading in EXAMPLES if heading != NEW_DEVICE])
def test_an_example_does_what_it_says(heading: str) -> None:
    carry_out(program(heading), ROOT)


def test_a_device_that_is_added_gives_the_points_that_the_page_says(tmp_path: Path) -> None:
    carry_out(add_device(tmp_path), tmp_path)


def carry_out(text: str, folder: Path) -> None:
    assert "assert " in text
    python = (sys.executable, "-W", "error", "-c", text)
    run = subprocess.run(python, env=ENVIRONMENT, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 0, run.stderr


def test_each_thing_that_can_be_added_has_its_example() -> None:
    headings = re.findall(r"(?m)^## (To add .+)$", text_of(PAGE))
    assert len(headings) == 4
    assert set(headings) <= set(EXAMPLES)


@pytest.mark.parametrize("block", blocks("python", of=PAGE), ids=str)
def test_an_example_is_written_as_our_code_is(block: Block) -> None:
    ruff = (sys.executable, "-m", "ruff", "format", "--diff", "--line-length", "120", "-")
    run = subprocess.run(ruff, input=block.text, capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 0, run.stdout


def test_every_place_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:homemon|tests|tools|docs)/[\w/]*(?:\.\w+)?)`", prose_of(PAGE)))
    assert len(named) > 15
    for place in named:
        assert (ROOT / place).exists(), place


def test_every_part_of_the_package_is_named() -> None:
    parts = {path.stem for path in (ROOT / "homemon").iterdir() if not path.name.startswith("_")}
    assert parts <= set(re.findall(r"\w+", " ".join(re.findall("`([^`]+)`", prose_of(PAGE)))))
