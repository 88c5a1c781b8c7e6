"""The sink of Home Assistant's statistics: what is in its hours."""

from pathlib import Path
from typing import Any

import pytest

from homemon.core.points import DAY, HOUR, Point
from homemon.delivery.sink import Outcome
from homemon.storage.meters import Meters
from tests.home_assistants import SmallHome
from tests.hourly import NOON, House, hours, registers


def test_each_hour_has_what_was_counted_until_its_end(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, 1000.2, 1000.5, 1000.5, 1001.0)
    house.put(*registers("-power", (50.0, 50.0, 50.1, 50.3, 50.3), NOON))
    house.put(*registers("hatuden", (0.3, 0.4, 0.5, 0.1), NOON))
    assert house.deliver() == Outcome(2)
    assert hours(small_home.sums("grid_import")) == {0: 0.5, 1: 1.0}
    assert hours(small_home.sums("grid_export")) == {0: 0.1, 1: 0.3}
    assert hours(small_home.sums("solar")) == {0: 0.7, 1: 1.3}
    assert hours(small_home.sums("used")) == {0: 1.1, 1: 2.0}
    assert {row["state"] == row["sum"] for rows in small_home.rows.values() for row in rows.values()} == {True}


def test_what_the_water_heater_counts_over_the_full_hour_is_in_the_hour_before(
    house: House, small_home: SmallHome
) -> None:
    times = {-300: 5000, 300: 5100, 3300: 5400, 3900: 5900, 7100: 6000, 7300: 6001, 99_000: 9000}
    house.put(*(Point("ecocute", {"powerSum": count}, NOON + at) for at, count in times.items()))
    house.deliver()
    assert hours(small_home.sums("ecocute")) == {0: 0.8, 1: 0.901}


def test_yen_are_those_of_the_contract_and_of_what_is_paid(house: House, small_home: SmallHome) -> None:
    house.configure("[contract]\nplan = own.toml\nsell = 16")
    house.bought(1000.0, 1000.2, 1000.5, 1000.5, 1000.5, 1000.5, 1001.0)
    house.put(*registers("-power", (50.0, 50.0, 50.1, 50.3, 50.3), NOON))
    house.deliver()
    assert hours(small_home.sums("grid_import_cost")) == {0: 15.0, 1: 15.0, 2: 30.0}
    assert hours(small_home.sums("grid_export_income")) == {0: 1.6, 1: 4.8}


def test_what_is_sold_is_paid_by_the_contract_of_its_time(house: House, small_home: SmallHome) -> None:
    house.configure("[contract]\nplan = own.toml\nsell = 10\n[contract 2026-11-12]\nplan = own.toml\nsell = 20")
    house.put(*registers("-power", (50.0, None, 51.0, None, 52.0), NOON + 11 * HOUR))
    house.app.at += DAY
    house.deliver()
    assert list(small_home.sums("grid_export_income").values()) == [10.0, 30.0]


def test_hours_that_are_not_known_are_left_out_and_cost_no_energy(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5, None, None, None, 1002.0, 1002.5, None)
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {0: 0.5, 2: 2.0}


def test_a_late_half_hour_changes_its_own_hour_only(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, 1000.2, 1000.5, None, None, None, 1002.0, 1002.2, 1002.5)
    house.deliver()
    small_home.imports()
    house.bought(1001.0, since=NOON + 2 * HOUR)
    assert house.deliver() == Outcome(1)
    assert small_home.imports() == [
        ("homemon:grid_import", [NOON + HOUR]),
        ("homemon:used", [NOON + HOUR]),
    ]
    assert hours(small_home.sums("grid_import")) == {0: 0.5, 1: 1.0, 2: 2.0, 3: 2.5}


def test_what_was_counted_before_a_gap_of_months_is_in_the_hour_that_ends_it(
    house: House, small_home: SmallHome
) -> None:
    house.configure("[contract]\nplan = own.toml\nsell = 16")
    past = NOON - 60 * DAY
    for since, times in ((past, 4), (NOON, 3)):
        house.put(*registers("+power", (100 + since // DAY + i for i in range(times)), since))
        house.put(*registers("-power", (100 + since // DAY + i for i in range(times)), since))
        house.put(*registers("hatuden", [0.4] * (times - 1), since))
    house.deliver()
    whole = {
        name: small_home.sums(name) for name in ("grid_import", "grid_export", "solar", "used", "grid_export_income")
    }
    assert [list(sums.values()) for sums in whole.values()] == [
        [2, 60, 62],
        [2, 60, 62],
        [0.8, 2.0],
        [0.8, 2.0],
        [32, 960, 992],
    ]
    assert list(small_home.sums("grid_import_cost").values()) == [60, 150]
    house.put(Point("hatuden", {"value": 0.5}, NOON))
    house.deliver()
    assert list(small_home.sums("solar").values()) == [0.8, 2.1]
    assert list(small_home.sums("used").values()) == [0.8, 2.1]
    assert list(small_home.sums("grid_import_cost").values()) == [60, 150]


def test_what_comes_before_the_first_hour_makes_no_hour_negative(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    house.bought(996.0, None, 997.0, since=NOON - 4 * HOUR)
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {-4: 1.0, -1: 4.0, 0: 4.5}


def test_another_meter_goes_on_from_the_last_sum(house: House, small_home: SmallHome) -> None:
    Meters(house.app.store).note("FE80::1")
    house.bought(1000.0, 1000.2, 1000.5)
    Meters(house.app.store).note("FE80::2")
    house.bought(3.0, 3.5, 4.0, since=NOON + 2 * HOUR)
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {0: 0.5, 2: 1.5}


def test_a_register_that_rolls_over_goes_on(house: House, small_home: SmallHome) -> None:
    house.bought(999_999.8, 999_999.9, 0.1)
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {0: 0.3}


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("2024.3.3", {"has_mean": False}),
        ("2025.10.4", {"has_mean": False}),
        ("2025.11.0b2", {"mean_type": 0, "unit_class": "energy"}),
        ("2026.11.0", {"mean_type": 0, "unit_class": "energy"}),
        ("a fork", {"mean_type": 0, "unit_class": "energy"}),
    ],
)
def test_each_version_gets_the_metadata_that_it_knows(tmp_path: Path, version: str, kind: dict[str, Any]) -> None:
    known = SmallHome(version if version[0] == "2" else "2026.11.0")
    house = House(tmp_path, known.url)
    house.bought(1000.0, None, 1000.5)
    if version[0] != "2":
        known.version = version
        known._import = lambda said: known.metadata.update({said["metadata"]["statistic_id"]: said["metadata"]})  # type: ignore[method-assign]
        known.says["recorder/import_statistics"] = None
    house.deliver(1)
    house.app.close()
    known.close()
    (about, *_) = [each["metadata"] for each in known.asked if each["type"] == "recorder/import_statistics"]
    assert about == {
        "statistic_id": "homemon:grid_import",
        "source": "homemon",
        "name": "homemon bought",
        "unit_of_measurement": "kWh",
        "has_sum": True,
        **kind,
    }


def test_names_are_in_its_own_language_and_yen_have_no_class(house: House, small_home: SmallHome) -> None:
    small_home.language = "ja"
    house.configure("[contract]\nplan = own.toml")
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    assert small_home.metadata["homemon:grid_import"]["name"] == "homemon 買電"
    yen = small_home.metadata["homemon:grid_import_cost"]
    assert (yen["unit_of_measurement"], yen["unit_class"]) == ("JPY", None)


def test_two_homes_have_ids_of_their_own(house: House, small_home: SmallHome) -> None:
    house.configure(tags="home = Tokyo-1\nroom = 東京")
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    assert sorted(small_home.rows) == ["homemon:tokyo_1_bd8aa045_grid_import", "homemon:tokyo_1_bd8aa045_used"]
    assert small_home.metadata["homemon:tokyo_1_bd8aa045_used"]["name"] == "homemon Tokyo-1 東京 used"
