"""The page has the label and the unit of each series from its row of the registry, and from nowhere else."""

import json
import re
from typing import Any

import pytest

from homemon.page.panels import Headline, Panels
from homemon.page.texts import LANGUAGES
from homemon.page.write import HEADLINES, html
from homemon.sources.registry import NAMED, SHOWN, SOURCES
from homemon.sources.source import Series

NOW = 1_800_000_000
FILLED = Panels(
    NOW,
    365,
    {series.name: [[NOW], [1]] for series in SHOWN},
    {series.name: [[NOW], [1], [1], [1]] for series in SHOWN},
    {series.name: Headline(1, NOW, 60) for series in SHOWN},
)
OF_EACH = pytest.mark.parametrize("series", SHOWN, ids=lambda series: series.name)
IN_EACH = pytest.mark.parametrize("language", LANGUAGES)


def page(language: str) -> str:
    """The page of a house that has every source."""
    return html(FILLED, [source.section for source in SOURCES], language)


def cards(text: str) -> list[tuple[str, str]]:
    """Heading and unit of each card."""
    return re.findall(r'"dot"[^>]*>([^<]*)</h3><p class="value">[^<]*<small>([^ <]+)', text)


def panels_with(text: str, name: str) -> list[dict[str, Any]]:
    """The panels that draw a series."""
    data = json.loads(re.search(r'(\{"now".*)</script>', text)[1])  # type: ignore[index]
    return [panel for panel in data["panels"] if any(trace["of"] == name for trace in panel["traces"])]


@IN_EACH
@OF_EACH
def test_another_label_and_unit_in_the_registry_change_card_legend_hover_and_axis(
    series: Series, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cards(page(language))
    monkeypatch.setitem(NAMED, series.name, series._replace(label=("札", "Tag"), unit="furlong"))
    label, text = NAMED[series.name].label[LANGUAGES.index(language)], page(language)
    changed = [(heading, unit) for heading, unit in cards(text) if (heading, unit) not in before]
    assert len(changed) == (series.name in HEADLINES)
    assert all(label in heading and unit == "furlong" for heading, unit in changed)
    if series.name != "power":  # its legend is that of the two directions
        assert f'style="--dot:var(--{series.name})">{label}</li>' in text
    drawn = panels_with(text, series.name)
    assert drawn
    for panel in drawn:
        axes = [axis["ticksuffix"] for name, axis in panel["layout"].items() if name.startswith("yaxis")]
        assert " furlong" in axes
        said = [trace["plot"] for trace in panel["traces"] if trace["of"] == series.name]
        assert any(plot["name"] for plot in said)
        for plot in said:
            assert not plot["name"] or (plot["name"].startswith(label) and " furlong" in plot["hovertemplate"])


@pytest.mark.parametrize(
    ("language", "headings"),
    [
        ("en", ["Power now", "Bought today", "Sold today", "Hot water left", "Generated today"]),
        ("ja", ["現在の電力", "今日の買電", "今日の売電", "残湯量", "今日の発電"]),
    ],
)
def test_the_cards_have_the_headings_and_units_that_users_know(language: str, headings: list[str]) -> None:
    assert cards(page(language)) == list(zip(headings, ["W", "kWh", "kWh", "L", "kWh"], strict=True))
