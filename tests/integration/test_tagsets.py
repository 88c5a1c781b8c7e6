"""One reading is one reading, whatever [tags] said when it was stored; what another configuration stores is its own."""

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from homemon.core.clock import Instant
from homemon.core.points import HALF_HOUR, Point
from homemon.energy.household import Household, Known, read
from homemon.sim.house import DAY
from homemon.storage.store import Store
from homemon.storage.tagsets import _is_there, tag_sets
from tests.commands import as_nobody, homemon
from tests.monitor import configure, on_a_pty
from tests.stores import T, put

HOME, ROOM = ",home=nara", ",home=nara,room=roof"
HALF_HOURS = [
    Point(name, {"value": i % 7 / 10}, T - i * HALF_HOUR) for i in range(100) for name in ("hatuden", "+power")
]


def opened(folder: Path, tags: str, origin: str = "") -> "closing[Store]":
    path = folder / origin
    if origin:
        path.touch()
    return closing(Store(folder / "store", tags, origin=str(path) if origin else ""))


def rows(store: Store) -> int:
    return sum(len(fields) for *_, fields in store.archive.lines(0, 1 << 62))


@pytest.mark.parametrize("origin", ["config.ini", ""], ids=["known", "before it was kept"])
def test_a_reading_that_is_stored_is_not_stored_again_under_other_tags(tmp_path: Path, origin: str) -> None:
    with opened(tmp_path, "", origin) as before:
        put(before, *HALF_HOURS)
    for number, tags in enumerate((HOME, ROOM, "")):
        with opened(tmp_path, tags, "config.ini") as store:
            assert put(store, *HALF_HOURS) == []
            assert rows(store) == len(HALF_HOURS) + number
            assert store.archive.lacking("hatuden", [T, T - HALF_HOUR, T + HALF_HOUR]) == [T + HALF_HOUR]
            later = Point("hatuden", {"value": 1}, T + 1 + number)
            assert put(store, later) == [later]


def test_a_correction_goes_where_the_reading_is_and_is_sent_from_there(tmp_path: Path) -> None:
    with opened(tmp_path, "", "config.ini") as before:
        put(before, Point("hatuden", {"value": 1.5}, T))
        before.outbox.mark_sent(before.outbox.waiting(10))
    with opened(tmp_path, HOME, "config.ini") as store:
        (changed,) = put(store, Point("hatuden", {"value": 1.7}, T))
        assert changed.tags == ""
        assert store.outbox.waiting(10).texts == [f"hatuden value=1.7 {T}000000000"]
        assert list(store.archive.values("hatuden", "value", 0, 1 << 62)) == [(T, 1.7)]


def test_under_tags_that_nobody_claims_another_value_is_another_reading(tmp_path: Path) -> None:
    with opened(tmp_path, ",room=a") as first, opened(tmp_path, ",room=b") as second:
        put(first, Point("hatuden", {"value": 1.5}, T), Point("hatuden", {"value": 2}, T + 1))
        put(second, Point("hatuden", {"value": 1.7}, T), Point("hatuden", {"value": 2}, T + 1))
        assert list(second.archive.values("hatuden", "value", 0, 1 << 62)) == [(T, 1.7), (T + 1, 2)]
        assert list(second.archive.values("hatuden", "value", 0, 1 << 62, ",room=a")) == [(T, 1.5), (T + 1, 2)]


def test_two_configurations_in_one_store_are_two_houses(tmp_path: Path) -> None:
    with opened(tmp_path, ",room=a", "a.ini") as first, opened(tmp_path, ",room=b", "b.ini") as second:
        put(second, Point("power", {"value": 1}, T))
        put(first, *HALF_HOURS)
        assert second.archive.lacking("hatuden", [T]) == [T]
        assert put(second, *HALF_HOURS) == HALF_HOURS
        assert rows(first) == 2 * len(HALF_HOURS) + 1
        assert len(list(first.archive.values("hatuden", "value", 0, 1 << 62))) == len(HALF_HOURS) / 2
        assert first.archive.latest("power", "value", 1 << 62) is None
        assert first.archive.latest("power", "value", 1 << 62, ",room=b") == (T, 1)


def test_two_rooms_are_two_rows_and_neither_has_the_others_values(tmp_path: Path) -> None:
    configure(tmp_path)
    lines = (
        f"aircon,room={room} power={watts} {T + i}000000000" for i, (room, watts) in enumerate([("a", 300), ("b", 500)])
    )
    (tmp_path / "lines").write_text("\n".join(lines))
    run = homemon("replay", "lines", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    found = json.loads(homemon("status", "--json", cwd=tmp_path).stdout)["series"]
    rows = {(row["tags"], row["value"]) for row in found if row["measurement"] == "aircon"}
    assert rows == {(",room=a", 300), (",room=b", 500)}
    shown = homemon("status", cwd=tmp_path).stdout
    assert "aircon,room=a power" in shown
    assert "aircon,room=b power" in shown


def test_a_reading_without_a_time_keeps_its_tags_until_it_has_one(tmp_path: Path) -> None:
    wrong, right = Instant(0.0, 50.0, "b"), Instant(T, 60.0, "b")
    with opened(tmp_path, HOME) as store:
        for room in ("a", "b"):
            point = Point("aircon", {"power": len(room)}, None, f"{HOME},room={room}")
            assert store.archive.add([(point, wrong)]) == []
        store.archive.add([(Point("power", {"value": 1}), right)])
        tags = {tags for _, name, tags, _ in store.archive.lines(0, 1 << 62) if name == "aircon"}
        assert tags == {f"{HOME},room=a", f"{HOME},room=b"}


def test_what_nobody_claims_is_our_own_where_it_is_one(tmp_path: Path) -> None:
    with opened(tmp_path, "") as before:
        put(before, Point("power", {"value": 1}, T), Point("aircon", {"power": 1}, T, ",room=a"))
        put(before, Point("aircon", {"power": 1}, T, ",room=b"))
    with opened(tmp_path, HOME, "config.ini") as store:
        assert store.archive.series() == [
            ("power", "value", None),
            ("aircon", "power", ",room=a"),
            ("aircon", "power", ",room=b"),
        ]


def test_a_configuration_that_moved_goes_on_with_what_it_stored(tmp_path: Path) -> None:
    with opened(tmp_path, "", "config.ini") as before:
        put(before, *HALF_HOURS)
    (tmp_path / "config.ini").unlink()
    with opened(tmp_path, HOME, "moved.ini") as store:
        assert put(store, *HALF_HOURS) == []


def test_a_backup_of_the_same_readings_adds_nothing_and_one_of_another_house_is_kept_apart(tmp_path: Path) -> None:
    with opened(tmp_path, "", "config.ini") as before:
        put(before, *HALF_HOURS)
    with opened(tmp_path, HOME, "config.ini") as store:
        assert put(store, *(point._replace(tags=tags) for point in HALF_HOURS for tags in ("", HOME))) == []
        assert len(put(store, *(point._replace(tags=",home=osaka") for point in HALF_HOURS))) == len(HALF_HOURS)


def test_what_was_stored_twice_is_counted_once(tmp_path: Path) -> None:
    """As a version before this one left it."""
    generated = [
        Point("hatuden", {"value": 0.5}, T // DAY * DAY + i * HALF_HOUR, tags) for i in range(20) for tags in ("", HOME)
    ]
    now = T // DAY * DAY + 20 * HALF_HOUR
    with opened(tmp_path, "") as store:
        with closing(store.db._db.cursor()) as cursor:
            for key, tags in enumerate(("", HOME), 1):
                cursor.execute("INSERT INTO series VALUES (?, 'hatuden', ?, 'value')", (key, tags))
            for point in generated:
                key = 1 + (point.tags == HOME)
                cursor.execute("INSERT INTO point (series, time, value) VALUES (?, ?, ?)", (key, point.time, 0.5))
        known = Household(read(store.archive, now - DAY, now)).summary(now - DAY, now).generated
        assert known == Known(Decimal(10), Decimal(10))


@pytest.mark.parametrize("changes", [["home = nara"], ["home = a", "home = b", ""]], ids=["added", "and again"])
def test_a_dump_after_tags_changed_doubles_nothing(tmp_path: Path, changes: list[str]) -> None:
    configure(tmp_path)
    plain = (tmp_path / "config.ini").read_text()
    stored: set[tuple[str, str]] = set()
    with on_a_pty(tmp_path) as _:
        for tags in ("", *changes):
            (tmp_path / "config.ini").write_text(f"{plain}\n[tags]\n{tags}\n")
            run = homemon("kyocera-dump", "--days", "35", cwd=tmp_path)
            assert run.returncode == 0, run.stderr
            new = [
                (line.partition(" ")[0].partition(",")[0], line.rpartition(" ")[2]) for line in run.stdout.splitlines()
            ]
            assert not stored & set(new)
            stored.update(new)
    assert len(homemon("export", cwd=tmp_path).stdout.splitlines()) == len(stored)
    (today,) = {
        row["today"]
        for row in json.loads(homemon("status", "--json", cwd=tmp_path).stdout)["series"]
        if row["measurement"] in ("hatuden", "baiden_diff")
    }
    assert today <= 48


def test_the_present_tags_are_believed_before_those_that_were(tmp_path: Path) -> None:
    for tags in ("", HOME, ROOM, ""):
        with opened(tmp_path, tags, "config.ini") as store:
            put(store, Point("power", {"value": len(tags)}, T + len(tags)))
            sets = tag_sets(store.db, tags, str(tmp_path / "config.ini"))
            assert (sets.own[0], len(set(sets.own)), sets.unclaimed) == (tags, len(sets.own), ())
    assert sets.own == ("", ROOM, HOME)
    with opened(tmp_path, "", "other.ini") as other:
        assert tag_sets(other.db, "", str(tmp_path / "other.ini")) == (("",), ())
    with opened(tmp_path, ",room=b", "other.ini") as other:
        put(other, Point("power", {"value": 1}, T))
        assert tag_sets(other.db, ",room=b", str(tmp_path / "other.ini")) == ((",room=b",), ())


def test_a_configuration_in_somebody_elses_folder_is_there(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "config.ini").touch()
    assert not _is_there(str(theirs / "none.ini"))
    theirs.chmod(0)
    try:
        with as_nobody():
            assert _is_there(str(theirs / "config.ini"))
    finally:
        theirs.chmod(0o700)
