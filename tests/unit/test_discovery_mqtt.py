"""What is published of the values, and what Home Assistant is told of them, by the registry's rows alone."""

import json
import re
from typing import Any

import pytest

from homemon.core.points import HALF_HOUR
from homemon.delivery import discovery
from homemon.delivery.discovery import House, announced, topics
from homemon.delivery.live import Live, Message, live, states
from homemon.sources.registry import ECOCUTE, SMART_METER, SOLAR_MONITOR, SOURCES, device
from homemon.sources.source import HOUR, MINUTE, Kind, Series, Source
from tests.stores import T

HOME = House("homemon", "en", "1.0")
CO2 = device("co2", ("CO2センサー", "CO2 sensor"), (0x001B,), Series("co2", "ppm", "ppm", label=("CO2濃度", "CO2")))
TAKEN: dict[str | None, dict[str, list[str | None]]] = {
    "power": {"W": ["measurement"]},
    "current": {"A": ["measurement"]},
    "energy": {"kWh": ["total_increasing", None], "Wh": ["total_increasing", None]},
    "volume_storage": {"L": ["measurement"]},
    None: {"ppm": ["measurement"]},
}
"""Device classes, their units, and the state classes that go with them (Home Assistant's sensor/const.py)."""


def everything(*sources: Source) -> list[tuple[Source, list[Series]]]:
    """Sources with all of their series."""
    return [(source, list(source.series)) for source in sources]


def entities(messages: list[Message]) -> dict[str, Any]:
    """What is said of each entity, by its unique id."""
    devices = [json.loads(each.text) for each in messages]
    return {one["uniq_id"]: one for device in devices for one in device["cmps"].values()}


def series(measurement: str, field: str = "value") -> tuple[Source, Series]:
    return next(
        (source, each)
        for source in SOURCES
        for each in source.series
        if (each.measurement, each.field) == (measurement, field)
    )


def value(measurement: str, number: float, age: int = 0, field: str = "value") -> Live:
    return live(*series(measurement, field), T - age, number, T)


def test_a_measurement_is_a_topic_whose_json_has_its_fields_and_their_time() -> None:
    given = [value("ecocute", 280, 5, "tank"), value("power", 523), value("ecocute", 1000, 0, "power")]
    assert states("home/energy", given, True) == [
        Message(
            "home/energy/ecocute",
            '{"tank": 280, "power": 1000, "time": "2026-11-12T13:46:40+09:00"}',
            True,
            31 * MINUTE - 5,
        ),
        Message("home/energy/power", '{"value": 523, "time": "2026-11-12T13:46:40+09:00"}', True, 11 * MINUTE),
    ]


def test_what_is_bought_and_sold_has_a_topic_without_a_wildcard() -> None:
    given = [value("+power", 1234.5), value("-power", 7)]
    assert [each.topic for each in states("homemon", given, True)] == ["homemon/bought", "homemon/sold"]


def test_a_value_that_is_too_old_is_left_out() -> None:
    limit = 31 * MINUTE
    old, young = value("ecocute", 1000, limit, "power"), value("ecocute", 280, limit - 1, "tank")
    assert [json.loads(each.text).keys() for each in states("homemon", [old, young], True)] == [{"tank", "time"}]
    assert states("homemon", [old], True) == []


def test_a_half_hour_counts_from_its_end() -> None:
    at_once = value("hatuden", 0.8, HALF_HOUR)
    assert at_once.lasts == 90 * MINUTE + MINUTE


def test_one_message_describes_a_device_with_all_its_entities() -> None:
    found = announced("device", HOME, everything(*SOURCES))
    assert [each.topic for each in found] == [
        f"homeassistant/device/homemon_{name}/config" for name in ("meter", "ecocute", "kyocera")
    ]
    assert all(each.retain and each.expires is None for each in found)
    (about,) = (json.loads(each.text) for each in found if "_ecocute/" in each.topic)
    assert (about["dev"], about["o"]["name"]) == ({"ids": ["homemon_ecocute"], "name": "EcoCute"}, "homemon")
    assert about["cmps"]["ecocute_tank"] == {
        "p": "sensor",
        "name": "hot water left",
        "uniq_id": "homemon_ecocute_tank",
        "def_ent_id": "sensor.homemon_ecocute_tank",
        "stat_t": "homemon/ecocute",
        "val_tpl": "{{ value_json.tank | default(none) }}",
        "dev_cla": "volume_storage",
        "unit_of_meas": "L",
        "stat_cla": "measurement",
        "exp_aft": 31 * MINUTE,
    }


def test_each_entity_has_a_unit_and_a_state_class_that_its_device_class_takes() -> None:
    found = entities(announced("device", HOME, everything(*SOURCES, CO2)))
    assert len(found) == sum(len(source.series) for source in (*SOURCES, CO2))
    for entity in found.values():
        assert entity.get("stat_cla") in TAKEN[entity.get("dev_cla")][entity["unit_of_meas"]], entity
    assert found["homemon_ecocute_powerSum"]["unit_of_meas"] == "Wh"  # the count is of 0.001 kWh
    assert "stat_cla" not in found["homemon_hatuden"]  # of one half-hour: no total


def test_a_new_device_needs_no_word_about_home_assistant() -> None:
    found = entities(announced("device", HOME, everything(CO2)))["homemon_co2_ppm"]
    assert (found["name"], found["unit_of_meas"], found["stat_cla"]) == ("CO2", "ppm", "measurement")
    assert (found["stat_t"], found["exp_aft"]) == ("homemon/co2", 31 * MINUTE)


def test_a_series_without_stale_expires_with_its_source() -> None:
    found = entities(announced("device", HOME, everything(SMART_METER, SOLAR_MONITOR)))
    assert found["homemon_current_r"]["exp_aft"] == 41 * MINUTE
    assert found["homemon_power"]["exp_aft"] == 11 * MINUTE
    assert found["homemon_hatuden"]["exp_aft"] < 2 * HOUR


def test_only_what_a_listener_that_runs_receives_is_unavailable_without_it() -> None:
    assert not any("avty_t" in each for each in entities(announced("device", HOME, everything(*SOURCES))).values())
    heard = HOME._replace(listeners=["meter-listen", "ecocute-listen"])
    found = entities(announced("device", heard, everything(*SOURCES)))
    assert {name: each["avty_t"] for name, each in found.items() if "avty_t" in each} == dict.fromkeys(
        ("homemon_bought", "homemon_sold"), "homemon/meter-listen/status"
    )


def test_two_houses_have_no_topic_and_no_id_in_common() -> None:
    houses = [HOME._replace(prefix=each) for each in ("homemon", "home/mon", "home_mon", "Homemon", "家", "屋")]
    for names in (
        [{each.topic for each in announced(way, one, everything(*SOURCES))} for one in houses for way in ("device",)],
        [set(entities(announced("device", one, everything(*SOURCES)))) for one in houses],
    ):
        assert len(set[str]().union(*names)) == sum(map(len, names))
    for one in houses:
        for each in topics(one, everything(*SOURCES)):
            assert re.fullmatch("homeassistant(/[A-Za-z0-9_-]+)+", each)


def test_devices_and_entities_have_names_in_the_house_s_language() -> None:
    (about,) = (
        json.loads(each.text) for each in announced("device", HOME._replace(language="ja"), everything(ECOCUTE))
    )
    assert about["dev"]["name"] == "エコキュート"
    assert [each["name"] for each in about["cmps"].values()] == ["消費電力", "消費電力量", "残湯量"]
    assert {each["def_ent_id"] for each in about["cmps"].values()} == {
        f"sensor.homemon_ecocute_{field}" for field in ("power", "powersum", "tank")
    }


def test_an_older_home_assistant_gets_a_message_for_each_entity() -> None:
    found = announced("entities", HOME, everything(*SOURCES))
    assert len(found) == sum(len(source.series) for source in SOURCES)
    (power,) = (json.loads(each.text) for each in found if each.topic == "homeassistant/sensor/homemon/power/config")
    assert (power["object_id"], power["dev"]["ids"]) == ("homemon_power", ["homemon_meter"])
    assert "p" not in power
    assert {each.topic for each in found} < set(topics(HOME, everything(*SOURCES)))


@pytest.mark.parametrize("way", discovery.WAYS)
def test_both_ways_have_the_same_ids(way: str) -> None:
    given = announced(way, HOME, everything(ECOCUTE))
    ids = [one["uniq_id"] for each in given for one in json.loads(each.text).get("cmps", {}).values()]
    ids += [json.loads(each.text)["uniq_id"] for each in given if "cmps" not in each.text]
    assert ids == ([] if way == "off" else [f"homemon_ecocute_{each.field}" for each in ECOCUTE.series])


def test_what_is_a_total_is_only_what_a_device_counts() -> None:
    every = [each for source in SOURCES for each in source.series]
    found = entities(announced("device", HOME, everything(*SOURCES)))
    totals = {name for name, each in found.items() if each.get("stat_cla") == "total_increasing"}
    assert len(totals) == sum(each.kind is Kind.REGISTER for each in every)
