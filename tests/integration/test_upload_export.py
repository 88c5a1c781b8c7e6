"""`homemon upload` and `homemon export` as their user runs them."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from homemon.config.keys import Server
from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, HOMEMON, PATIENCE, homemon
from tests.servers import Database, Reply, ScriptedServer
from tests.stores import T, fill, put
from tests.traces import POWER

DAY = 86400
JST_TIME = "2026-11-12T13:46:40+09:00"  # T


@pytest.fixture
def home(tmp_path: Path, store: Store) -> Callable[[Server | str | None], Path]:
    """A folder with the store and a config.ini for this server."""

    def write(server: Server | str | None) -> Path:
        lines = ["[store]", f"dir = {store.path.parent}", "[tags]", "home = Nara 1"]
        if isinstance(server, Server):
            lines += ["[server]", f"url = {server.url}", f"db = {server.db}", "timeout = 20"]
        elif server:
            lines += ["[server]", f"url = {server}"]
        (tmp_path / "config.ini").write_text("\n".join(lines))
        return tmp_path

    return write


Home = Callable[[Server | str | None], Path]


def test_upload_sends_what_waits_and_counts_points(store: Store, database: Database, home: Home) -> None:
    put(store, *(Point("ecocute", {"power": 1, "powerSum": 2, "tank": i}, T + i) for i in range(5)))
    expected = fill(store, range(20))
    folder = home(database.settings())
    run = homemon("upload", cwd=folder)
    assert (run.returncode, run.stdout, run.stderr) == (0, "25 sent, 0 waiting, 0 parked\n", "")
    assert database.points().items() >= expected.items()
    assert homemon("upload", cwd=folder).stdout == "0 sent, 0 waiting, 0 parked\n"


def test_upload_since_sends_again_what_the_server_lost(store: Store, database: Database, home: Home) -> None:
    expected = fill(store, range(0, 10 * DAY, DAY))
    folder = home(database.settings())
    homemon("upload", cwd=folder)
    database.renew()
    assert homemon("upload", "--since", "2026-11-20", cwd=folder).stdout == "2 sent, 0 waiting, 0 parked\n"
    assert database.points() == {key: value for key, value in expected.items() if key[1] >= T + 8 * DAY}
    assert homemon("upload", "--since", "2026-01-01", cwd=folder).stdout == "10 sent, 0 waiting, 0 parked\n"
    assert database.points() == expected


def test_upload_reports_parked_points_and_succeeds(store: Store, database: Database, home: Home) -> None:
    database.server.write(database.name, f'broken value="text" {T}000000000')
    fill(store, range(3))
    fill(store, range(2), "broken")
    run = homemon("upload", cwd=home(database.settings()))
    assert (run.returncode, run.stdout) == (0, "3 sent, 0 waiting, 2 parked\n")


def test_upload_does_not_wait_for_the_pause_and_fails_when_the_server_does(
    store: Store, scripted: ScriptedServer, home: Home
) -> None:
    fill(store, range(3))
    scripted.answer = lambda asked: Reply(503, "down for the night", {"Retry-After": "3600"})
    folder = home(scripted.url)
    for attempt in (1, 2):
        run = homemon("upload", cwd=folder)
        assert (run.returncode, run.stdout) == (1, "0 sent, 3 waiting, 0 parked\n")
        assert run.stderr == f"homemon: {scripted.url} answered 503: down for the night\n"
        assert len(scripted.asked) == attempt
    scripted.answer = lambda asked: Reply()
    assert homemon("upload", cwd=folder).stdout == "3 sent, 0 waiting, 0 parked\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("upload",), "there is no [server]"),
        (("upload", "--since", "soon"), "soon is no time"),
        (("upload", "more"), "there is no [server]"),
        (("upload", "more", "than one"), "unexpected extra argument"),
        (("export", "--format", "xml"), "xml"),
        (("export", "--until", "2026-13-01"), "is no time"),
        (("-c", "nowhere.ini", "export"), "nowhere.ini"),
    ],
)
def test_wrong_usage_and_configuration_end_with_2(home: Home, arguments: tuple[str, ...], said: str) -> None:
    run = homemon(*arguments, cwd=home(None))
    assert run.returncode == 2
    assert said in run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr


def test_export_prints_line_protocol_that_a_server_takes_as_it_is(store: Store, database: Database, home: Home) -> None:
    expected = fill(store, range(5)) | fill(store, range(3), "+power")
    run = homemon("export", cwd=home(None))
    assert run.stdout.splitlines()[:2] == [f"+power value=0 {T}000000000", f"power value=0 {T}000000000"]
    database.server.write(database.name, run.stdout)
    assert database.points() == expected


def test_export_prints_csv_in_japanese_time(store: Store, home: Home) -> None:
    put(store, Point("current", {"r": 4.2, "t": 0.1}, T), Point("power", {"value": 523.0}, T + 1))
    rows = list(csv.reader(homemon("export", "--format", "csv", cwd=home(None)).stdout.splitlines()))
    assert rows == [
        ["time", "measurement", "field", "value"],
        [JST_TIME, "current", "r", "4.2"],
        [JST_TIME, "current", "t", "0.1"],
        [JST_TIME.replace(":40+", ":41+"), "power", "value", "523"],
    ]


@pytest.mark.parametrize(
    ("arguments", "days"),
    [
        ((), [0, 1, 2, 3]),
        (("--since", "2026-11-13"), [1, 2, 3]),
        (("--since", "2026-11-13 13:46:40"), [1, 2, 3]),
        (("--since", "2026-11-13T13:46:41"), [2, 3]),
        (("--until", "2026-11-14T13:46:40"), [0, 1]),
        (("--since", "2026-11-13", "--until", "2026-11-15"), [1, 2]),
        (("--since", "2026-11-15", "--until", "2026-11-13"), []),
        (("--measurement", "+power"), [3]),
        (("--measurement", "hatuden"), []),
    ],
)
def test_export_gives_the_period_and_the_measurement(
    store: Store, home: Home, arguments: tuple[str, ...], days: list[int]
) -> None:
    for day in range(4):
        put(store, Point("+power" if day == 3 else "power", {"value": day}, T + day * DAY))
    run = homemon("export", *arguments, cwd=home(None))
    assert (run.returncode, run.stderr) == (0, "")
    assert [int(line.split()[1].removeprefix("value=")) for line in run.stdout.splitlines()] == days


@pytest.mark.parametrize("count", [10, 20_000], ids=["few", "many"])
@pytest.mark.parametrize("style", ["lp", "csv"])
def test_export_ends_quietly_when_its_reader_has_seen_enough(store: Store, home: Home, style: str, count: int) -> None:
    fill(store, range(count))
    command = (*HOMEMON, "export", "--format", style)
    with subprocess.Popen(
        command, cwd=home(None), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if count > 10:
            process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0


def test_the_order_of_the_tags_in_the_configuration_makes_no_other_series(tmp_path: Path) -> None:
    """Else the same reading would be stored and sent twice after somebody sorted his config.ini."""
    (tmp_path / "log").write_text(f"2026-11-23 17:14:27 {POWER}\n")
    for order, count in ((("room = a", "home = b"), 1), (("home = b", "room = a"), 0)):
        (tmp_path / "config.ini").write_text("\n".join(["[store]", f"dir = {tmp_path}/store", "[tags]", *order]))
        assert len(homemon("replay", "log", cwd=tmp_path).stdout.splitlines()) == count
    assert homemon("export", cwd=tmp_path).stdout.startswith("power,home=b,room=a value=523 ")


def test_csv_has_the_tags_and_quotes_what_would_break_it(store: Store, home: Home) -> None:
    put(store, Point("odd, name", {'a"b': 1}, T))
    folder = home(None)
    assert homemon("export", "--format", "csv", cwd=folder).stdout.splitlines()[0] == "time,measurement,field,value"
    tagged = Store(store.path.parent, ",home=Nara\\ 1,room=a")
    put(tagged, Point("power", {"value": 2}, T + 1))
    tagged.close()
    rows = list(csv.reader(homemon("export", "--format", "csv", cwd=folder).stdout.splitlines()))
    assert rows == [
        ["time", "measurement", "field", "value", "tags"],
        [JST_TIME, "odd, name", 'a"b', "1", ""],
        [JST_TIME.replace(":40+", ":41+"), "power", "value", "2", "home=Nara\\ 1,room=a"],
    ]


def test_a_time_that_no_calendar_has_ends_no_export(store: Store, home: Home) -> None:
    put(store, Point("power", {"value": 2}, 253_402_300_799), Point("power", {"value": 3}, 999_999_999_999))
    run = homemon("export", "--format", "csv", cwd=home(None))
    assert run.returncode == 0
    assert run.stdout.splitlines()[-1] == "999999999999,power,value,3"


def test_after_a_correction_status_forgets_the_old_fault_and_the_next_command_sends(
    store: Store, scripted: ScriptedServer, home: Home
) -> None:
    """Within the ten minutes for which the server is left alone otherwise."""
    fill(store, range(3))
    scripted.answer = lambda asked: Reply(204) if "db=right" in asked.path else Reply(404, "database not found: wrong")
    folder = home(scripted.url)
    config = folder / "config.ini"
    right, wrong = config.read_text() + "\ndb = right\n", config.read_text() + "\ndb = wrong\n"
    config.write_text(wrong)
    assert homemon("upload", cwd=folder).returncode == 1
    assert "database not found: wrong" in homemon("status", cwd=folder).stdout
    config.write_text(right)
    said = homemon("status", cwd=folder).stdout
    assert "3 points wait for the server" in said
    assert "database not found" not in said
    (folder / "backup").write_text(f"power value=5 {T + 100}000000000\n")
    homemon("replay", "backup", cwd=folder)
    assert "0 points wait for the server" in homemon("status", cwd=folder).stdout


@pytest.mark.parametrize("held", [False, True], ids=["wholly", "in part"])
def test_a_check_that_finds_the_server_well_lets_the_next_command_send(
    store: Store, scripted: ScriptedServer, home: Home, held: bool
) -> None:
    fill(store, range(3))
    fill(store, range(3), "ecocute")
    scripted.answer = lambda asked: Reply(401) if not held or "power" in "".join(asked.lines) else Reply()
    folder = home(scripted.url)
    for _ in range(2 if held else 1):
        assert homemon("upload", cwd=folder).returncode == 1
    scripted.answer = lambda asked: Reply()
    (folder / "backup").write_text(f"power value=5 {T + 100}000000000\n")
    homemon("replay", "backup", cwd=folder)
    assert f"{4 if held else 7} points wait for the server" in homemon("status", cwd=folder).stdout
    assert "takes points" in homemon("check", cwd=folder).stdout
    (folder / "backup").write_text(f"power value=5 {T + 101}000000000\n")
    homemon("replay", "backup", cwd=folder)
    said = homemon("status", cwd=folder).stdout
    assert "0 points wait for the server" in said
    assert "server:" not in said
