"""docs/reliability.md, whose sections are written by those who ran what they report."""

import re
from pathlib import Path

from tests import ROOT

PAGE = ROOT / "docs" / "reliability.md"
KILLED = "## Killed"
OTHERS = (KILLED, "## Killed beside Home Assistant")
"""What `make year` leaves as it is; the second is written by hand."""


def section(heading: str, path: Path = PAGE) -> str:
    """A section of the page with its heading; empty where it has none yet."""
    found = re.search(rf"^{re.escape(heading)}\n.*?(?=^## |\Z)", path.read_text("utf-8"), re.M | re.S)
    return found[0] if found else ""


def put_section(heading: str, text: str, path: Path = PAGE) -> None:
    """Put a section in its place, or at the end."""
    page, old, new = path.read_text("utf-8"), section(heading, path), f"{heading}\n\n{text}"
    if not old:
        page, old = f"{page.rstrip()}\n\n{heading}", heading
    path.write_text(page.replace(old, new if page.endswith(old) else new + "\n"), "utf-8")
