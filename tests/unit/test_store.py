"""The store: each reading once, on disk before it is shown, whatever else happens to the machine."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homemon.core import clock
from homemon.core.clock import RELEASED, Instant
from homemon.core.points import Number, Point
from homemon.storage.outbox import Outbox, Stretch
from homemon.storage.store import Store
from tests.stores import NOW, T, content, put


def sent(store: Store) -> list[str]:
    """Lets all that waits be sent; gives the lines."""
    waiting = store.outbox.waiting(1000)
    store.outbox.mark_sent(waiting)
    return [text.removesuffix("000000000") for text in waiting.texts]


# --- what a row is ------------------------------------------------------------------


def test_a_point_that_comes_again_is_neither_new_nor_sent_again(store: Store) -> None:
    reading = Point("power", {"value": 523}, T)
    assert put(store, reading) == [reading]
    assert sent(store) == [f"power value=523 {T}"]
    assert put(store, reading, reading, Point("power", {"value": 523.0}, T)) == []
    assert sent(store) == []


def test_fields_merge_and_only_what_changed_is_sent(store: Store) -> None:
    put(store, Point("current", {"r": 4.2}, T))
    sent(store)
    assert put(store, Point("current", {"r": 4.2, "t": 0.1}, T))
    assert sent(store) == [f"current t=0.1 {T}"]
    assert put(store, Point("current", {"r": 4.3}, T))
    assert content(store) == [(T, "current", {"r": 4.3, "t": 0.1})]
    assert sent(store) == [f"current r=4.3 {T}"]


def test_numbers_come_back_as_they_went_in(store: Store) -> None:
    values: list[Number] = [0.3, 523, -1, 1234.5, 99999999999999, 9999999999.9999, 0]
    put(store, *(Point("power", {"value": value}, T + i) for i, value in enumerate(values)))
    assert [repr(fields["value"]) for _, _, fields in content(store)] == [repr(value) for value in values]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["power", "+power", "a b"]),
            st.integers(T, T + 3),
            st.dictionaries(st.sampled_from(["value", "r", "t"]), st.integers(-2, 2), min_size=1),
        )
    )
)
def test_the_store_is_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, said: Sequence[tuple[str, int, dict[str, int]]]
) -> None:
    store = Store(tmp_path_factory.mktemp("model"))
    known: dict[tuple[int, str], dict[str, int]] = {}
    new = []
    for name, time, fields in said:
        before = dict(known.setdefault((time, name), {}))
        known[time, name] |= fields
        new.append(known[time, name] != before)
    points = [Point(name, fields, time) for name, time, fields in said]
    assert put(store, *points) == [point for point, is_new in zip(points, new, strict=True) if is_new]
    assert content(store) == [(*key, known[key]) for key in sorted(known)]
    assert store.outbox.backlog().waiting == len(known)
    store.close()


def test_an_export_streams_in_order_and_does_not_block_a_writer(store: Store) -> None:
    put(store, *(Point(name, {"value": i}, T + i // 2) for i in range(500) for name in ("+power", "power")))
    other = Store(store.path.parent)
    stream = store.archive.lines(T + 10, T + 200)
    first = next(stream)
    put(other, Point("power", {"value": -1}, T + 100))
    found = [first, *stream]
    other.close()
    assert [time for time, *_ in found] == [T + 10 + i // 2 for i in range(380)]
    assert {tuple(fields.values()) for time, name, _, fields in found if (time, name) == (T + 100, "power")} == {(201,)}
    assert {name for _, name, *_ in store.archive.lines(0, 1 << 62, "+power")} == {"+power"}


def test_waiting_gives_whole_lines_newest_first(store: Store) -> None:
    put(store, *(Point("ecocute", {"power": 1, "powerSum": 2, "tank": 3}, T + i) for i in range(3)))
    put(store, Point("power", {"value": 1}, T + 1))
    whole = "ecocute power=1,powerSum=2,tank=3"
    assert store.outbox.waiting(1).texts == [f"{whole} {T + 2}000000000"]
    assert sent(store) == [f"{whole} {T + 2}", f"power value=1 {T + 1}", f"{whole} {T + 1}", f"{whole} {T}"]


# --- a clock that is wrong -------------------------------------------------------------


@pytest.mark.parametrize(
    "look",
    [
        lambda outbox: outbox.waiting(10).texts,
        lambda outbox: [stretch.head for stretch in outbox.waiting_heads()],
        lambda outbox: [line.text for line in outbox.waiting_in(Stretch("power", 0, T), 10)],
        lambda outbox: outbox.count_waiting(Stretch("power", 0, T)),
    ],
    ids=["lines", "heads", "stretch", "count"],
)
def test_a_series_that_another_process_adds_meanwhile_is_for_the_next_look(
    store: Store, monkeypatch: pytest.MonkeyPatch, look: Callable[[Outbox], Any]
) -> None:
    put(store, Point("power", {"value": 523}, T))
    before = look(store.outbox)
    named = Outbox._named

    def written_meanwhile(outbox: Outbox) -> dict[int, tuple[str, str]]:
        found = named(outbox)
        with closing(Store(store.path.parent)) as other:
            put(other, Point("co2", {"ppm": 750}, T))
        return found

    monkeypatch.setattr(Outbox, "_named", written_meanwhile)
    assert look(store.outbox) == before
    monkeypatch.undo()
    assert len(store.outbox.waiting(10).texts) == 2


@pytest.mark.parametrize("wrong", [0.0, 1.6e9, RELEASED - 1.0, T - 400.0], ids=["1970", "2020", "release", "behind"])
def test_a_reading_waits_undated_until_the_clock_is_right(store: Store, wrong: float) -> None:
    put(store, Point("+power", {"value": 1}, T))
    sent(store)
    assert put(store, Point("power", {"value": 5}), at=Instant(wrong, 100.0, "b")) == []
    assert put(store, Point("current", {"r": 1, "t": 2}), at=Instant(wrong + 20.5, 120.5, "b")) == []
    assert store.archive.undated("b") == (3, 0)
    later = put(store, Point("power", {"value": 6}), at=Instant(T + 1000.7, 200.0, "b"))
    dated = [Point("power", {"value": 5}, T + 900), Point("current", {"r": 1, "t": 2}, T + 921)]
    assert later == [Point("power", {"value": 6}, T + 1000), *dated]
    assert store.archive.undated("b") == (0, 0)
    assert len(sent(store)) == 3


def test_a_reading_with_a_time_of_its_own_needs_no_clock(store: Store) -> None:
    half_hour = Point("+power", {"value": 1}, T)
    assert put(store, half_hour, at=Instant(0.0, 3.0, "b")) == [half_hour]


def test_the_meter_may_be_a_little_ahead_of_the_clock(store: Store) -> None:
    put(store, Point("+power", {"value": 1}, T))
    assert put(store, Point("power", {"value": 5}), at=Instant(T - 299.0, 1.0, "b")) == [
        Point("power", {"value": 5}, T - 299)
    ]


def test_what_another_boot_left_undated_gets_no_invented_time(store: Store) -> None:
    put(store, Point("power", {"value": 5}), at=Instant(0.0, 100.0, "the boot before"))
    put(store, Point("power", {"value": 6}))
    assert content(store) == [(T, "power", {"value": 6})]
    assert store.archive.undated(NOW.boot) == (0, 1)


def test_a_leap_ahead_of_our_clock_does_not_make_the_right_time_distrusted(store: Store) -> None:
    now = RELEASED + 90 * 86_400
    put(store, Point("+power", {"value": 1}, now), Point("power", {"value": 1}, now + 400 * 86_400))
    assert store.clock.trusts(NOW._replace(wall=now + 200))
    assert not store.clock.trusts(NOW._replace(wall=now - 3600, ticks=100.0))


class TimeService:
    """One that runs and has not set the clock yet."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.kept = False
        patch.setattr(clock, "TIME_SERVICES", (str(folder),))
        patch.setattr(clock, "kept_by_ntp", lambda: self.kept)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TimeService:
    return TimeService(tmp_path, monkeypatch)


BOOTED = Instant(T + 60, 20.0, "the next boot")  # what fake-hwclock shows; it is five hours later


def test_the_hour_of_the_last_shutdown_is_not_believed_before_ntp_has_set_the_clock(
    store: Store, service: TimeService
) -> None:
    put(store, Point("power", {"value": 1}), at=NOW)
    assert put(store, Point("power", {"value": 2}), at=BOOTED) == []
    service.kept = True
    dated = put(store, Point("power", {"value": 3}), at=Instant(T + 18_000, 50.0, BOOTED.boot))
    assert [(point.time, point.fields["value"]) for point in dated] == [(T + 18_000, 3), (T + 17_970, 2)]


def test_where_nobody_ever_sets_the_clock_it_is_believed(store: Store, service: TimeService) -> None:
    assert not store.clock.trusts(BOOTED)
    assert store.clock.trusts(BOOTED._replace(ticks=21_600.0))


@pytest.mark.parametrize(("ahead", "believed"), [(0, True), (-18_000, False), (18_000, False), (100, True)])
def test_before_ntp_has_set_the_clock_the_meters_own_decides(
    store: Store, service: TimeService, ahead: int, believed: bool
) -> None:
    store.clock.note_meter_clock((T - ahead) // 60 * 60, BOOTED._replace(wall=T))
    assert not store.clock.trusts(BOOTED._replace(wall=T))
    later = BOOTED._replace(wall=T + 5000.0, ticks=BOOTED.ticks + 5000)
    assert store.clock.trusts(later) is believed
    service.kept = True
    assert store.clock.trusts(later)


@pytest.mark.parametrize("ahead", [2400, 7200, 86_400 * 5000])
def test_a_meter_whose_clock_is_ahead_leaves_nothing_undated_for_ever(
    store: Store, service: TimeService, ahead: int
) -> None:
    put(store, Point("power", {"value": 1}, T), Point("+power", {"value": 1}, (T + ahead) // 1800 * 1800))
    store.clock.note_meter_clock((T + ahead) // 60 * 60, BOOTED)
    found, reported = store.clock.meter_ahead(BOOTED)
    assert reported
    assert abs(found - ahead) <= 100
    assert put(store, Point("power", {"value": 2}), at=BOOTED) == []
    late = BOOTED._replace(wall=BOOTED.wall + 21_600, ticks=BOOTED.ticks + 21_600)
    dated = put(store, Point("power", {"value": 3}), at=late)
    assert [(point.time, point.fields["value"]) for point in dated] == [(int(late.wall), 3), (int(BOOTED.wall), 2)]
    behind = late._replace(wall=T - 1000.0)
    assert not store.clock.trusts(behind), "it dated a reading later than that itself"


def test_without_a_time_service_a_meter_that_is_ahead_costs_a_quarter_of_an_hour(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "TIME_SERVICES", ())
    monkeypatch.setattr(clock, "kept_by_ntp", lambda: False)
    put(store, Point("+power", {"value": 1}, T + 2400))
    assert store.clock.meter_ahead(BOOTED) == (T + 2400 - BOOTED.wall, False)
    assert not store.clock.trusts(BOOTED)
    assert store.clock.trusts(BOOTED._replace(ticks=900.0))


def test_without_a_time_service_a_machine_is_believed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "TIME_SERVICES", ())
    assert store.clock.trusts(BOOTED)
