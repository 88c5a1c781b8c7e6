"""The charts have the label and the unit of each series from its row of the registry, and from nowhere else."""

from typing import Any

import pytest

from homemon.core.language import LANGUAGES
from homemon.page.figures import data, panels_of
from homemon.page.panels import COUNTED, LEVELS, Charts, Columns, Drawn
from homemon.sources.registry import NAMED, SHOWN, SOURCES
from homemon.sources.source import Series

NOW = 1_800_000_000
ENERGIES = ("bought", "sold", "generated", "used")
LEVEL: dict[str, Columns] = {series.name: [[NOW], [1], [1], [1]] for series in LEVELS}
CHARTS = Charts(
    NOW,
    Drawn(NOW, NOW + 1, NOW),
    {
        "readings": {name: columns[:2] for name, columns in LEVEL.items()},
        "extents": LEVEL | {name: [[NOW], [1], [None]] for name in COUNTED},
        **{cut: {name: [[NOW], [1], [None]] for name in ENERGIES} for cut in ("half-hour", "day", "month")},
    },
)
DRAWN = [series for series in SHOWN if series.name != "balance"]  # of which what is used follows


def traces(language: str) -> list[dict[str, Any]]:
    """The traces of a house that has every source."""
    panels = panels_of([source.section for source in SOURCES])
    return [trace for panel in data(CHARTS, panels, {}, language)["panels"] for trace in panel["traces"]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("series", DRAWN, ids=lambda series: series.name)
def test_another_label_and_unit_in_the_registry_change_hover_and_axis(
    series: Series, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NAMED, series.name, series._replace(label=("札", "Tag"), unit="furlong"))
    label = NAMED[series.name].label[LANGUAGES.index(language)]
    found = [trace for trace in traces(language) if trace["of"] == series.name]
    assert any(trace["plot"]["name"] for trace in found)
    for trace in found:
        assert trace["unit"] == "furlong"
        name = trace["plot"]["name"]
        assert not name or (name.startswith(label) and " furlong" in trace["plot"]["hovertemplate"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_computed_or_counted_is_in_kwh(language: str) -> None:
    assert {trace["unit"] for trace in traces(language) if trace["of"] in ("used", "heated")} == {"kWh"}
