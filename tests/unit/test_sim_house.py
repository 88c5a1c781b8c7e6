"""The house that the simulators share: the same for everybody, and its registers are the integral of its power."""

from time import process_time

import pytest

from homemon.sim.house import DAY, HALF_HOUR, KWH, MINUTE, TANK_FULL, TENTH_KWH, House

MIDNIGHT = 1_767_193_200  # 2026-01-01 00:00 JST
HOUSE = House(MIDNIGHT)


def test_two_houses_of_one_seed_are_one_and_another_seed_is_another() -> None:
    again, other = House(MIDNIGHT), House(MIDNIGHT, seed=2)
    assert again.register_import(MIDNIGHT + 9 * DAY) == HOUSE.register_import(MIDNIGHT + 9 * DAY)
    times = range(MIDNIGHT, MIDNIGHT + DAY, 600)
    assert [again.power(t) for t in times] == [HOUSE.power(t) for t in times]
    assert [other.power(t) for t in times] != [HOUSE.power(t) for t in times]


def test_the_order_of_questions_does_not_change_the_answers() -> None:
    backwards = House(MIDNIGHT)
    times = [MIDNIGHT + n * 7919 for n in range(200)]
    late_first = [backwards.imported(t) for t in reversed(times)]
    assert late_first[::-1] == [HOUSE.imported(t) for t in times]


def test_power_is_load_less_sun_and_energy_is_its_exact_integral() -> None:
    imported, exported = HOUSE.imported(MIDNIGHT), HOUSE.exported(MIDNIGHT)
    for t in range(MIDNIGHT, MIDNIGHT + 2 * DAY, MINUTE):
        assert (HOUSE.imported(t), HOUSE.exported(t)) == (imported, exported)
        power = HOUSE.power(t)
        assert power == HOUSE.power(t + 59.9) == HOUSE.load(t) - HOUSE.solar(t)
        assert HOUSE.imported(t + 7) - imported == 7 * max(power, 0)
        imported += MINUTE * max(power, 0)
        exported += MINUTE * max(-power, 0)


@pytest.mark.parametrize("unit", [KWH, TENTH_KWH, 360, 10_000 * KWH])
def test_registers_are_whole_counts_of_the_last_half_hour(unit: int) -> None:
    counts = []
    for half_hour in range(MIDNIGHT, MIDNIGHT + 3 * DAY, HALF_HOUR):
        counts.append(HOUSE.register_import(half_hour, unit))
        assert counts[-1] == HOUSE.register_import(half_hour + 1799.9, unit) == HOUSE.imported(half_hour) // unit
        assert HOUSE.register_export(half_hour + 1, unit) == HOUSE.exported(half_hour) // unit
    assert counts == sorted(counts)


def test_the_solar_monitors_half_hours_add_up_to_the_meters_registers() -> None:
    half_hours = range(MIDNIGHT, MIDNIGHT + 30 * DAY, HALF_HOUR)
    bought_less_sold = sum(HOUSE.bought_minus_sold(t) for t in half_hours)
    end = half_hours.stop
    net = (HOUSE.imported(end) - HOUSE.exported(end)) - (HOUSE.imported(MIDNIGHT) - HOUSE.exported(MIDNIGHT))
    assert abs(bought_less_sold * TENTH_KWH - net) < TENTH_KWH
    sun = MINUTE * sum(HOUSE.solar(t) for t in range(MIDNIGHT, end, MINUTE))
    assert abs(sum(HOUSE.generation(t) for t in half_hours) * TENTH_KWH - sun) < TENTH_KWH


def test_the_day_is_a_japanese_one() -> None:
    for day in range(MIDNIGHT, MIDNIGHT + 360 * DAY, 30 * DAY):
        sun = [HOUSE.solar(day + minute * MINUTE) for minute in range(1440)]
        assert not any(sun[: 4 * 60])
        assert not any(sun[19 * 60 + 30 :])
        centre = sum(minute * watts for minute, watts in enumerate(sun)) / sum(sun)
        assert abs(centre - 720) < 90  # clouds shift it, noon JST is the middle
        heating = [HOUSE.ecocute_power(day + minute * MINUTE) > 100 for minute in range(1440)]
        assert heating == [120 <= minute < 300 for minute in range(1440)]


def test_it_looks_like_a_real_house() -> None:
    days = range(MIDNIGHT, MIDNIGHT + 360 * DAY, 4 * DAY)
    times = [day + second for day in days for second in range(0, DAY, 10 * MINUTE)]
    loads, suns = [HOUSE.load(t) for t in times], [HOUSE.solar(t) for t in times]
    assert 200 <= min(loads) < 400
    assert 2_000 < max(loads) < 8_000
    assert 3_000 < max(suns) <= 5_000
    assert min(HOUSE.power(t) for t in times) < 0  # it does feed in
    sums = [sum(suns[first : first + 144]) for first in range(0, len(suns), 144)]
    assert min(sums) < max(sums) / 5  # some days are cloudy


def test_the_tank_is_full_in_the_morning_and_ecocute_energy_never_falls() -> None:
    for day in range(MIDNIGHT, MIDNIGHT + 10 * DAY, DAY):
        levels = [HOUSE.tank(day + minute * MINUTE) for minute in range(1440)]
        assert levels[5 * 60] == TANK_FULL == max(levels)
        assert levels[-1] == HOUSE.tank(day + DAY)  # nothing jumps at midnight
        assert 0 < min(levels) < TANK_FULL - 100
    energies = [HOUSE.ecocute_energy(t) for t in range(MIDNIGHT, MIDNIGHT + DAY, MINUTE)]
    assert energies == sorted(energies)
    heated = sum(HOUSE.ecocute_power(t) for t in range(MIDNIGHT, MIDNIGHT + DAY, MINUTE)) // 60  # Wh
    assert abs(HOUSE.ecocute_energy(MIDNIGHT + DAY) - energies[0] - heated) <= 1


def test_before_the_start_there_are_no_registers() -> None:
    with pytest.raises(ValueError, match="begin at"):
        HOUSE.imported(MIDNIGHT - 1)
    assert HOUSE.power(MIDNIGHT - 1) == House(0).power(MIDNIGHT - 1)


def test_a_year_is_cheap() -> None:
    house = House(MIDNIGHT)
    began = process_time()
    house.register_import(MIDNIGHT + 365 * DAY)
    assert process_time() - began < 10
