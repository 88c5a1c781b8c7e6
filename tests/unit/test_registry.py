"""The registry's rows agree with what they name: commands, simulators, readers of config.ini, tables of properties."""

import pytest

from homemon.cli.commands import COMMANDS
from homemon.cli.simulate import simulate
from homemon.config.keys import KEYS, READERS
from homemon.sources.objects import table_of
from homemon.sources.registry import (
    DEVICES,
    ENDS_LATER,
    IMPORTED,
    NOT_MEASURED,
    SERIES,
    SHOWN,
    SOURCES,
    SUMS,
    WATCHED,
)
from homemon.sources.source import REQUIRED, Source
from homemon.storage import imported, trust

OF_EACH = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.section)
OF_EACH_DEVICE = pytest.mark.parametrize("source", DEVICES, ids=lambda source: source.section)


@OF_EACH
def test_its_commands_and_its_simulator_exist(source: Source) -> None:
    assert source.commands
    assert {command.split()[0] for command in source.commands} <= COMMANDS.keys()
    assert not source.simulator or source.simulator in simulate.commands


@OF_EACH
def test_its_keys_are_read_by_readers_that_take_their_defaults(source: Source) -> None:
    assert {setting.reader for setting in source.keys.values()} <= READERS.keys()
    for name, key in KEYS[source.section].items():
        if isinstance(key.default, int) and name == "eoj":
            assert key.read(f"{key.default:06X}") == key.default
        elif key.default not in (None, REQUIRED):
            assert key.read(str(key.default)) == key.default


def test_a_series_belongs_to_one_row_and_what_is_shown_has_a_name_of_its_own_a_label_and_an_age() -> None:
    assert len(SERIES) == sum(len(source.series) for source in SOURCES) + len(IMPORTED) + len(SUMS)
    assert len({series.name for series in SHOWN}) == len(SHOWN)
    for series in SHOWN:
        assert all(series.label)
        assert series.stale
    for source in SOURCES:
        assert all(all(series.label) for series in source.series)
    for series in SERIES.values():
        least, most = series.bounds
        assert least < most


@OF_EACH_DEVICE
def test_each_series_of_a_device_is_a_property_of_every_class_in_the_same_unit(source: Source) -> None:
    assert source.tables.keys() == set(source.classes)
    for series in source.series:
        for code in source.classes:
            row = table_of(code << 8 | 1).get(series.epc)
            assert row is not None, (
                f"class {code:04X} lacks {series.epc:02X}: add the property to its table in"
                f" homemon/sources/lan/{source.table}.py, or take the series out of the row of [{source.section}]"
            )
            assert (row.unit, row.size) == (series.unit, source.table_of(source.eoj)[series.epc].size)
            assert row.read(b"\0" * row.size) == 0


@OF_EACH_DEVICE
def test_an_object_of_another_class_is_read_by_the_table_of_its_own(source: Source) -> None:
    assert source.table_of(0x0EF001) is source.tables[source.classes[0]]


def test_nothing_of_what_is_imported_or_computed_is_due_shown_or_a_measure_of_the_clock() -> None:
    assert not any(series.stale or series.name for series in (*IMPORTED, *SUMS))
    assert not NOT_MEASURED & WATCHED.keys()
    assert set(trust.NOT_READ) == NOT_MEASURED
    assert {name: ENDS_LATER[name] for name in imported.LENGTHS} == imported.LENGTHS
