"""docs/homeassistant.md, in both languages: each id that it names is there in Home Assistant."""

import json
import re
from pathlib import Path

import pytest

from homemon.delivery.discovery import House, announced
from homemon.delivery.ha_statistics import STATISTICS
from homemon.sources.registry import SOURCES
from tests.documents import DOCS

PAGES = [DOCS / "homeassistant.md", DOCS / "ja" / "homeassistant.md"]


def entities(prefix: str) -> set[str]:
    """The ids of all entities with a prefix."""
    everything = [(source, list(source.series)) for source in SOURCES]
    devices = [json.loads(each.text) for each in announced("device", House(prefix, "en", "1.0"), everything)]
    return {one["def_ent_id"] for device in devices for one in device["cmps"].values()}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_each_entity_is_announced_by_that_name(page: Path) -> None:
    named = set(re.findall(r"`(sensor\.[a-z_]+)`", page.read_text("utf-8")))
    assert len(named) > 10
    assert named <= {each.lower() for each in entities("homemon")}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_prefix_of_a_second_house_stands_in_place_of_homemon(page: Path) -> None:
    (prefix,) = re.findall(r"`(homemon[-_]nara)`", page.read_text("utf-8"))
    assert f"sensor.{prefix}_power" in entities(prefix)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_each_statistic_is_written_by_that_name(page: Path) -> None:
    named = set(re.findall(r"`homemon:([a-z_]+)`", page.read_text("utf-8"))) - {"tokyo_grid_import"}
    assert named == {each.name for each in STATISTICS}
