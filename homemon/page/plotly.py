"""Plotly's JavaScript, which its Python package brings, and what of it our style sheet stands in for."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from homemon.core.errors import HomemonError

JAVASCRIPT = "plotly.min.js"
STYLE_ID = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')


def javascript() -> Path:
    """Return where plotly keeps its JavaScript. Raise HomemonError where plotly is not installed."""
    found = find_spec("plotly")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder, "package_data", JAVASCRIPT)
        if path.is_file():
            return path
    raise HomemonError(
        "plotly is not installed, and draws the page",
        "You can add it with `pipx inject homemon plotly`, or `pip install plotly` in a venv.",
    )


@cache
def style_ids() -> tuple[str, ...]:
    """Return the ids of elements that keep plotly from making style sheets of its own, for maps.

    A page whose CSP refuses such has an element of each. Raise HomemonError where plotly is not installed.
    """
    return tuple(dict.fromkeys(found.decode() for found in STYLE_ID.findall(javascript().read_bytes())))
