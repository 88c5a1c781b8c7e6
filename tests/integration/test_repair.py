"""backup and repair as their user runs them, and what a listener does with a store that is damaged under it."""

import re
import time
from contextlib import closing
from pathlib import Path

import pytest

from homemon.check.findings import Aside
from homemon.core import clock
from homemon.core.clock import instant
from homemon.core.points import Point
from homemon.runtime import upkeep
from homemon.runtime.context import App
from homemon.sources.registry import SMART_METER
from homemon.storage.database import FILE
from homemon.storage.salvage import records
from homemon.storage.store import Store
from tests.commands import homemon, write_config
from tests.longrun.rot.faults import PAGE
from tests.stores import NOW, T, everything, put

COUNT = 3000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with config.ini and a store."""
    write_config(tmp_path)
    with closing(Store(tmp_path / "store")) as store:
        put(store, *(Point("+power", {"value": i / 10}, T + i * 1800) for i in range(COUNT)))
    return tmp_path


def spoil(home: Path) -> None:
    """Zero a page of points."""
    path = home / "store" / FILE
    data = bytearray(path.read_bytes())
    pages = [
        at
        for at in range(0, len(data), PAGE)
        if [*map(len, records(bytes(data[at : at + PAGE]), 2, (10,)))][:20] == [5] * 20
    ]
    at = pages[len(pages) // 2]
    data[at : at + PAGE] = bytes(PAGE)
    path.write_bytes(data)


def test_a_damaged_store_is_repaired_and_what_is_missing_comes_from_the_copy(home: Path) -> None:
    whole = homemon("export", cwd=home).stdout
    copied = homemon("backup", "copy.db", cwd=home)
    assert copied.stdout.startswith(f"{home}/copy.db (0.1 MB)"), copied.stderr
    assert homemon("repair", cwd=home).stdout == f"{home}/store/{FILE} is sound\n"
    spoil(home)
    assert homemon("backup", "copy.db", cwd=home).returncode == 1
    run = homemon("repair", cwd=home)
    assert run.returncode == 0, run.stderr
    assert re.search(r"^2,9\d\d values are whole, and in .*homemon\.db again$", run.stdout, re.MULTILINE)
    assert re.search(r"^the damaged file is .*homemon\.db\.damaged-", run.stdout, re.MULTILINE)
    assert re.search(r"^missing: \+power value, after 202[67]-.* and before 202[67]-", run.stdout, re.MULTILINE)
    assert "`homemon meter-history` asks the meter" in run.stdout
    assert homemon("export", cwd=home).stdout != whole
    back = homemon("repair", "--from", "copy.db", cwd=home)
    assert re.fullmatch(r"\+power value: \d+ values added\n", back.stdout), back.stderr
    assert homemon("export", cwd=home).stdout == whole
    again = homemon("repair", "--from", "copy.db", cwd=home)
    assert again.stdout == "copy.db has nothing that the store lacks\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("backup", "store/homemon.db"), 2, "is the store itself"),
        (("backup", "nowhere/copy.db"), 2, "there is no folder"),
        (("repair", "--from", "nothing"), 2, "is no file"),
        (("restore", "store/homemon.db"), 2, "is the store itself"),
        (("restore", "nothing"), 2, "is no file"),
        (("restore", "config.ini"), 1, "holds no readings of homemon"),
        (("repair", "--from", "config.ini"), 1, "holds no readings of homemon"),
    ],
)
def test_what_cannot_be_done_is_said(home: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    run = homemon(*arguments, cwd=home)
    assert (run.returncode, run.stdout) == (status, "")
    assert said in run.stderr
    assert len(everything(home / "store")) == COUNT


# --- a listener ----------------------------------------------------------------------


class Listener(App):
    """What a listener stores with, and what it says."""

    def __init__(self, home: Path) -> None:
        super().__init__(str(home / "config.ini"))
        self.resident = True
        self.printed: list[str] = []
        self.said: list[str] = []

    def put(self, line: str) -> None:
        self.printed.append(line)

    def warn(self, text: str, hint: str = "") -> None:
        self.said.append(f"{text}: {hint}")


def test_a_listener_sets_a_damaged_store_aside_and_loses_nothing(home: Path) -> None:
    with closing(Store(home / "store")) as store:
        put(store, Point("power", {"value": 1}, T))
    path = home / "store" / FILE
    path.write_bytes(path.read_bytes()[:PAGE] + bytes(path.stat().st_size - PAGE))
    with closing(Listener(home)) as app:
        for i in range(4):
            app.record([Point("power", {"value": i}, T + i)], NOW._replace(wall=T + 1e6))
        assert [line.split()[1] for line in app.printed] == [f"value={i}" for i in range(4)]
        assert sum("a new store is begun" in said for said in app.said) == 1
        assert "repair --from" in "".join(app.said)
    assert [fields["value"] for _, _, fields in everything(home / "store")] == list(range(4))
    (aside,) = (path for path in (home / "store").iterdir() if re.search(r"damaged-[0-9-]+$", path.name))
    assert homemon("repair", "--from", str(aside), cwd=home).returncode in (0, 1)


def test_a_listener_begins_a_new_store_where_the_damaged_one_cannot_be_opened(home: Path) -> None:
    path = home / "store" / FILE
    path.write_bytes(b"\0" * 2 * PAGE + path.read_bytes()[2 * PAGE :])
    with closing(Listener(home)) as app:
        app.record([Point("power", {"value": 1}, T)], NOW)
        assert len(app.printed) == 1
    assert homemon("repair", "--from", next(iter(map(str, (home / "store").glob("*damaged-*")))), cwd=home).stdout
    assert len(everything(home / "store")) > COUNT * 0.9


def test_the_daily_look_warns_once_of_what_nothing_else_reads(home: Path) -> None:
    with closing(Listener(home)) as app, closing(Store(home / "store")) as store:
        upkeep.look_if_due(app, store)
        assert app.said == []
        with store.db.explained("written"), store.db.writing():
            store.db.execute("UPDATE point SET seal = seal + 1 WHERE time = ?", (T + 1800,))
            store.db.execute("DELETE FROM delivery WHERE key = 'looked_at'")
        upkeep.look_if_due(app, store)
        upkeep.look_if_due(app, store)
        store.db.remember(looked_at=instant().wall - 100_000)
        upkeep.look_if_due(app, store)
        (said,) = app.said
        assert "+power value: the reading of" in said
        assert "homemon repair" in said
        assert store.db.recall("damage")


def test_the_look_seals_what_is_older_than_seals_and_forgets_what_was_repaired(home: Path) -> None:
    with closing(Listener(home)) as app, closing(Store(home / "store")) as store:
        with store.db.explained("written"), store.db.writing():
            store.db.execute("UPDATE point SET seal = NULL")
            store.db.execute("DELETE FROM delivery WHERE key = 'sealed'")
        store.db.remember(damage="something that is repaired by now")
        upkeep.look_if_due(app, store)
        assert store.db.execute("SELECT count(*) FROM point WHERE seal IS NULL").fetchone() == (0,)
        assert (store.db.recall("sealed"), store.db.recall("damage"), app.said) == (1, "", [])


# --- readings of the future, and those that cannot be ----------------------------------


def test_a_reading_of_tomorrow_hides_no_dead_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "kept_by_ntp", lambda: True)
    write_config(tmp_path)
    now = int(time.time())
    with closing(Store(tmp_path / "store")) as store:
        put(store, *(Point("power", {"value": 1}, time) for time in (now - 7 * 86_400, now + 86_400)))
    run = homemon("status", "--max-age", "2h", cwd=tmp_path)
    assert run.returncode == 1
    assert " 7 d " in run.stdout
    assert "power value has a reading of the future" in run.stdout
    with closing(Aside(str(tmp_path / "config.ini"))) as aside:
        assert str(aside.freshness(SMART_METER, "")).startswith("fault   meter: its newest reading is 7 d old")


def test_only_readings_of_the_future_are_no_sign_of_life(tmp_path: Path) -> None:
    write_config(tmp_path)
    with closing(Store(tmp_path / "store")) as store:
        put(store, Point("power", {"value": 1}, int(time.time()) + 86_400))
    assert homemon("status", cwd=tmp_path).returncode == 1


def test_no_number_and_no_time_that_is_stored_ends_a_command(tmp_path: Path) -> None:
    write_config(tmp_path)
    now = int(time.time()) // 1800 * 1800
    odd = [
        (value, moment)
        for i, value in enumerate((1e300, -1e300, 1.7e308, 1 << 62, 1e-300))
        for moment in (now - i * 1800, now - 40 * 86_400 - i * 1800)
    ]
    odd += [(1, moment) for moment in (253_402_214_400, 10**12, -5, -(10**12), 0, now + 86_400)]
    with closing(Store(tmp_path / "store")) as store:
        for name, field in (("power", "value"), ("+power", "value"), ("ecocute", "tank"), ("hatuden", "value")):
            put(store, *(Point(name, {field: value}, moment) for value, moment in odd))
    for call in (
        ("status",),
        ("status", "--json"),
        ("export",),
        ("export", "--format", "csv"),
        ("graph", "-o", "a.html"),
        ("graph", "--days", "3660", "-o", "b.html"),
        ("check",),
        ("repair",),
        ("backup", "copy.db"),
    ):
        run = homemon(*call, cwd=tmp_path)
        assert run.returncode in (0, 1), run.stderr
        assert "Traceback" not in run.stderr, call
        assert "error" not in run.stderr.lower(), call


def test_what_no_device_can_give_is_refused_by_its_line(tmp_path: Path) -> None:
    write_config(tmp_path)
    (tmp_path / "odd.lp").write_text(
        f"power value=1e300 {T}000000000\npower value=1 253402214400000000000\npower value=1 {T}000000000\n"
    )
    run = homemon("replay", "odd.lp", cwd=tmp_path)
    assert run.returncode == 1
    assert "2 lines make no sense, first odd.lp:1: byte 6: a number below 1e+15" in run.stderr
    assert len(everything(tmp_path / "store")) == 1
