"""Two readings of one series in one second: what was printed is what is stored, live and by replay."""

from homemon.core.points import Point, Received, tags_text
from homemon.delivery.recorder import Recorder
from homemon.storage.store import Store
from tests.stores import NOW, T, content, put
from tests.traces import at, erxudp, read, reported


def test_the_first_stays_and_only_what_stays_is_printed(store: Store) -> None:
    printed: list[str] = []
    recorder = Recorder(store, "", printed.append)
    for value in (500, 501, 500):
        recorder.record([Point("power", {"value": value})], NOW._replace(wall=T + value / 1000))
    recorder.record([Point("current", {"r": 1})], NOW)
    recorder.record([Point("current", {"r": 2, "t": 3})], NOW)
    recorder.record([Point("power", {"value": 502})], NOW._replace(wall=T + 1.0))
    stamp = "000000000"
    assert printed == [
        f"power value=500 {T}{stamp}",
        f"current r=1 {T}{stamp}",
        f"current t=3 {T}{stamp}",
        f"power value=502 {T + 1}{stamp}",
    ]
    assert content(store) == [
        (T, "current", {"r": 1, "t": 3}),
        (T, "power", {"value": 500}),
        (T + 1, "power", {"value": 502}),
    ]


def test_in_one_batch_too(store: Store) -> None:
    assert put(store, *(Point("power", {"value": i}) for i in range(5))) == [Point("power", {"value": 0}, T)]
    assert (store.archive.differing, store.archive.first_differing) == (4, Received("power", {"value": 1}, T))


def test_a_correction_with_a_time_of_its_own_replaces(store: Store) -> None:
    for value in (1, 2):
        assert put(store, Point("+power", {"value": value}, T)) == [Point("+power", {"value": value}, T)]
    assert put(store, Received("+power", {"value": 3}, T)) == []


def test_readings_that_waited_for_the_clock_are_dated_the_same_way(store: Store) -> None:
    wrong = NOW._replace(wall=60.0)
    for value, ticks in ((1, 100.0), (2, 100.5), (3, 101.2)):
        put(store, Point("power", {"value": value}), at=wrong._replace(ticks=ticks))
    dated = put(store, Point("power", {"value": 4}), at=NOW._replace(wall=T + 10.0, ticks=110.0))
    assert [point.fields["value"] for point in dated] == [4, 1, 3]
    assert [fields["value"] for _, _, fields in content(store)] == [1, 3, 4]


def test_a_replay_stores_what_was_stored_live(store: Store) -> None:
    lines = [at("17:14:27", erxudp(reported(f"E7 04 {value:08X}"))) for value in (523, 524)]
    points, _ = read(*lines, at("17:14:28", erxudp(reported("E7 04 00000001"))))
    assert [point.fields["value"] for point in points] == [523, 524, 1]
    put(store, *points)
    assert [fields["value"] for _, _, fields in content(store)] == [523, 1]
    put(store, *points[1:])
    assert [fields["value"] for _, _, fields in content(store)] == [523, 1], "nor does one half of a trace change it"


def test_tags_stand_in_the_order_of_their_names() -> None:
    assert tags_text({"room": "1", "home": "b"}) == tags_text({"home": "b", "room": "1"}) == ",home=b,room=1"
