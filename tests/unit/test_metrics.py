"""Prometheus' text of rows, as Prometheus' own client reads it."""

import re
from collections.abc import Iterable
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from homemon.core.points import DAY
from homemon.delivery import metrics
from homemon.delivery.exposition import Family, Sample, label_name, text
from homemon.delivery.metrics import Reading, Sink, name_of
from homemon.energy.household import Household
from homemon.energy.periods import Period
from homemon.energy.rows import Row
from homemon.energy.spans import Span
from homemon.sources.registry import SOURCES, U16
from homemon.sources.source import Kind, Series

ODD = ["", "plain", 'a "word"', "back\\slash", "ends with \\", "two\nlines", "\\n", '\\"', "居間 {x},y=z", "\ttab"]
NAMES = {
    "power value": "power_watts",
    "+power value": "bought_kwh_total",
    "-power value": "sold_kwh_total",
    "energy import": "energy_import_kwh_total",
    "energy export": "energy_export_kwh_total",
    "current r": "current_r_amperes",
    "current t": "current_t_amperes",
    "ecocute power": "ecocute_power_watts",
    "ecocute powerSum": "ecocute_power_sum_kwh_total",
    "ecocute tank": "ecocute_tank_liters",
    "hatuden value": "generated_half_hour_kwh",
    "baiden_diff value": "balance_half_hour_kwh",
}


def read(families: Iterable[Family]) -> dict[str, float]:
    """The samples as Prometheus takes them, by their names and labels: `power_watts`, `up{listener=x}`."""
    found = {}
    written = text(families)
    assert written == "" or written.endswith("\n")
    for family in parsed(written):
        for sample in family.samples:
            assert (family.type in ("gauge", "counter"), sample.timestamp) == (True, None)
            assert (sample.name.endswith("_total"), bool(family.documentation)) == (family.type == "counter", True)
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found[sample.name.removeprefix("homemon_") + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


# --- the format --------------------------------------------------------------------


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_any_text_is_read_back_from_a_label_and_from_a_help(odd: str) -> None:
    (family,) = parsed(text([Family("x_bytes", f"what {odd} is", (Sample(1, {"of": odd, "and": "more"}),))]))
    assert family.samples[0].labels == {"of": odd, "and": "more"}
    assert family.documentation == f"what {odd} is".strip()


@pytest.mark.parametrize("value", [0, -3000, 523.25, 0.1 + 0.2, 1e15, 1e-7, Decimal("1E+2"), Decimal("12345678.90")])
def test_a_value_is_read_back_as_it_was(value: float | Decimal) -> None:
    assert read([Family("x", "x", (Sample(value),))]) == {"x": float(value)}


def test_a_family_without_a_sample_is_not_there() -> None:
    assert text([Family("x", "x", ())]) == ""


def test_of_two_samples_with_the_same_labels_the_first_stands() -> None:
    samples = Sample(1, {"a": "1"}), Sample(2, {"a": "2"}), Sample(3, {"a": "1"})
    assert read([Family("x", "x", samples)]) == {"x{a=1}": 1, "x{a=2}": 2}


@pytest.mark.parametrize(
    ("tag", "label"),
    [
        ("device", "device"),
        ("my home", "my_home"),
        ("__name__", "name"),
        ("3rd", "tag_3rd"),
        ("家", "tag_"),
        ("series", "tag_series"),
    ],
)
def test_a_label_has_a_name_that_prometheus_takes(tag: str, label: str) -> None:
    assert label_name(tag, {"series": "power"}) == label


# --- readings ----------------------------------------------------------------------


def test_each_series_of_the_registry_has_a_name_of_its_own_that_says_its_unit() -> None:
    found = {f"{each.measurement} {each.field}": name_of(each) for source in SOURCES for each in source.series}
    assert found == NAMES
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("series", "name"),
    [
        (Series("co2", "ppm", "ppm", U16), "co2_ppm"),
        (Series("aircon", "roomTemperature", "°C"), "aircon_room_temperature_celsius"),
        (Series("battery", "charge", "%"), "battery_charge_percent"),
        (Series("water", "value", "m3", kind=Kind.REGISTER), "water_value_m3_total"),
        (Series("door", "open", ""), "door_open"),
    ],
)
def test_a_new_row_has_a_name_by_itself(series: Series, name: str) -> None:
    assert name_of(series) == name
    assert re.fullmatch("[a-z_][a-z0-9_]*", name)


def test_a_register_is_a_counter_in_kwh_and_a_level_a_gauge() -> None:
    families = {
        family.name: family
        for family in metrics.readings([Reading("ecocute", "powerSum", 123456, 60), Reading("power", "value", -20, 4)])
    }
    assert families["ecocute_power_sum_kwh_total"].type == "counter"
    assert families["power_watts"].type == "gauge"
    assert read(families.values()) == {
        "ecocute_power_sum_kwh_total": 123.456,
        "power_watts": -20,
        "reading_age_seconds{series=ecocute powerSum}": 60,
        "reading_age_seconds{series=power}": 4,
    }


@pytest.mark.parametrize(
    ("measurement", "field", "limit"),
    [("power", "value", 600), ("+power", "value", 2400), ("current", "r", 2400), ("ecocute", "powerSum", 1800)],
)
def test_an_old_value_is_left_out_and_its_age_is_not(measurement: str, field: str, limit: int) -> None:
    fresh, old = (read(metrics.readings([Reading(measurement, field, 5, limit + more)])) for more in (0, 1))
    assert len(fresh) == 2
    assert {name.partition("{")[0]: value for name, value in old.items()} == {"reading_age_seconds": limit + 1}


def test_the_tags_of_a_series_are_labels() -> None:
    tags = {"device": "living", "series": "odd"}
    found = read(metrics.readings([Reading("power", "value", 1, 2), Reading("power", "value", 3, 4, tags)]))
    assert found == {
        "power_watts": 1,
        "power_watts{device=living,series=odd}": 3,
        "reading_age_seconds{series=power}": 2,
        "reading_age_seconds{series=power,device=living,tag_series=odd}": 4,
    }


# --- the rest ----------------------------------------------------------------------


def row(kwh: int | None, yen: str | None, *doubts: str) -> Row:
    spans = [] if kwh is None else [Span(0, DAY // 2, Decimal(kwh))]
    home = Household({"bought": spans, "sold": [], "generated": [], "balance": []})
    return Row(Period("", 0, DAY), home.summary(0, DAY), None if yen is None else Decimal(yen), doubts)


def test_what_is_so_far_comes_with_its_hours_and_whether_its_yen_may_change() -> None:
    found = read(metrics.so_far({"today": row(6, "190.125"), "period": row(100, "3000", "a price is missing")}))
    assert {name: value for name, value in found.items() if "used" not in name} == {
        "so_far_kwh{span=today,energy=bought}": 6,
        "so_far_kwh{span=period,energy=bought}": 100,
        "so_far_known_hours{span=today,energy=bought}": 12,
        "so_far_known_hours{span=period,energy=bought}": 12,
        "so_far_yen{span=today}": 190.12,
        "so_far_yen{span=period}": 3000,
        "so_far_yen_provisional{span=today}": 0,
        "so_far_yen_provisional{span=period}": 1,
    }


def test_energy_and_yen_that_are_not_known_are_not_zero() -> None:
    assert read(metrics.so_far({"today": row(None, None)})) == {}


def test_each_server_has_its_own_account() -> None:
    sinks = {"server": Sink(0, 0, ""), "server backup": Sink(7, 2, "connection refused")}
    assert read(metrics.delivery(sinks)) == {
        "points_waiting{sink=server}": 0,
        "points_waiting{sink=server backup}": 7,
        "points_parked{sink=server}": 0,
        "points_parked{sink=server backup}": 2,
        "sink_up{sink=server}": 1,
        "sink_up{sink=server backup}": 0,
    }


def test_amperes_that_nobody_agreed_to_are_left_out() -> None:
    listeners = {"meter-listen": 4711, "ecocute-listen": None}
    found = read(metrics.home("0.2.0", None, listeners, 4096))
    assert found == {
        "listener_up{listener=meter-listen}": 1,
        "listener_up{listener=ecocute-listen}": 0,
        "store_bytes": 4096,
        "info{version=0.2.0}": 1,
    }
    assert read(metrics.home("0.2.0", 40, {}, 0))["contract_amperes"] == 40
