"""Text in the columns of a terminal: what is wide, where lines are parted, and the table of `status` in 80."""

import random

import pytest

from homemon.cli.status_table import UNITS, near_text, table
from homemon.core.columns import COLUMNS, clipped, left, right, width, wrapped
from homemon.core.language import LANGUAGES, said
from homemon.core.points import DAY
from homemon.runtime.newest import Row
from homemon.sources.registry import SOURCES

NOW = 1_795_780_800  # 2026-11-27 21:00 JST


def rows(*, stale: bool = True) -> list[Row]:
    """A row of each series that a device gives, in no order, as wide as they get."""
    found = [
        Row(series.measurement, series.field, 123_456.7, NOW - DAY, 59 * 60, 86_400, stale)
        for source in SOURCES
        for series in source.series
    ]
    return random.Random(7).sample(found, len(found))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_eighty_columns_though_all_is_stale(language: str) -> None:
    lines = [line.text for line in table(rows(), NOW, language)]
    assert max(map(width, lines)) <= COLUMNS
    assert "\n" not in "".join(lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_series_is_below_its_device_in_the_registrys_order_with_its_label_and_unit(language: str) -> None:
    _, *lines = (line.text for line in table(rows(stale=False), NOW, language))
    for source in SOURCES:
        assert lines.pop(0) == said(source.name, language)
        for series in source.series:
            line = lines.pop(0)
            assert line.startswith(f"  {said(series.label, language)}  ")
            assert f" {series.measurement}" in line
            assert f" 123456.7 {UNITS.get(series.unit, series.unit)} " in line
    assert lines == []


def test_what_no_device_gives_comes_last_and_a_name_without_room_has_a_line_of_its_own() -> None:
    long = Row("a" * 40, "b" * 40, 1, NOW, 0, 1, False)
    *_, heading, others, last = (line.text for line in table([long, *rows(), long._replace(tags=",x=y")], NOW, "en"))
    assert heading == "others"
    assert [others.split("\n")[0], last.split("\n")[0]] == [f"  {'a' * 40}{tags} {'b' * 40}" for tags in ("", ",x=y")]
    assert width(last.split("\n")[1]) <= COLUMNS


def test_without_any_series_there_is_no_table() -> None:
    assert list(table([], NOW, "en")) == []


def test_a_time_is_as_near_as_it_must_be() -> None:
    times = (NOW, NOW - DAY, NOW - 365 * DAY)
    assert [near_text(time, NOW) for time in times] == ["21:00:00", "11-26 21:00", "2025-11-27"]


def test_a_japanese_sign_takes_two_columns_and_a_combining_one_none() -> None:
    assert [width(text) for text in ("kWh", "電力", "ガ", "か\u3099", "°")] == [3, 4, 2, 2, 1]
    assert (left("電力", 6), right("電力", 6), right("電力", 1)) == ("電力  ", "  電力", "電力")
    assert [clipped("電力kWh", columns) for columns in (1, 3, 5, 9)] == ["", "電", "電力k", "電力kWh"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("fits in it", ["fits in it"]),
        ("ok      meter: answers", ["ok", "  meter:", "  answers"]),
        ("run /a/path/longer/than/it now", ["run", "  /a/path/longer/than/it", "  now"]),
        ("電力を表示します", ["電力を表示", "  します"]),
        ("  indented: and on", ["  indented:", "  and on"]),
        ("", [""]),
    ],
)
def test_lines_are_parted_at_words_and_between_japanese_signs_and_no_word_is(text: str, lines: list[str]) -> None:
    assert wrapped(text, 11, 2) == "\n".join(lines)
