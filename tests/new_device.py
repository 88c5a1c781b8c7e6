"""A copy of homemon with one device more: the one that docs/development.md adds, by its table and its row."""

import re
import shutil
from pathlib import Path

from tests.documents import DOCS, blocks, section

ROOT = DOCS.parent
PAGE = DOCS / "development.md"
NEW_DEVICE = "To add a device"


def add_device(folder: Path) -> str:
    """Copy homemon into `folder`, write the page's table there and its row; gives the page's example of it."""
    text = section(PAGE, NEW_DEVICE)
    table, row, example = (block.text for block in blocks("python", of=PAGE) if block.text in text)
    shutil.copytree(ROOT / "homemon", folder / "homemon", ignore=shutil.ignore_patterns("__pycache__"))
    (name,) = re.findall(r"`(\w+\.py)`", text)
    (folder / "homemon/sources/lan" / name).write_text(table)
    registry = folder / "homemon/sources/registry.py"
    before, rows, after = re.split(r"(?ms)(^SOURCES = \(\n.*?)(?=^\)$)", registry.read_text())
    registry.write_text(f"{before}{rows}{row.rstrip()},\n{after}")
    return example
