"""[server] and [server backup]: each gets all readings, and neither waits for the other."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from homemon.core.points import DAY, Point
from homemon.delivery.influx import Influx
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.storage import ledger
from homemon.storage.ledger import fill as fill_account
from homemon.storage.ledger import keep_accounts
from homemon.storage.retention import Retention
from homemon.storage.store import Store
from tests.ailing import Ailing, parsed
from tests.commands import homemon
from tests.servers import Asked, Database, InfluxServer, Reply, ScriptedServer, VictoriaServer, settings
from tests.stores import NOW, T, fill, put, seconds, send, sender_of

WAITS_FOR_BOTH = {"server": (), "backup": ()}
REFUSED = Reply(400, '{"error":"partial write: field type conflict: input field dropped=1"}')
Write = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path, store: Store) -> Write:
    """A folder with the store and a config.ini for these servers, by their sections."""

    def write(**urls: str) -> Path:
        sections = ["[server]" if name == "server" else f"[server {name}]" for name in urls]
        keys = "db = home\ntimeout = 2"
        lines = [f"{name}\nurl = {url}\n{keys}" for name, url in zip(sections, urls.values(), strict=True)]
        (tmp_path / "config.ini").write_text("\n".join([f"[store]\ndir = {store.path.parent}", *lines]))
        return tmp_path

    return write


@pytest.fixture
def backup_account(store: Store) -> None:
    """An account of what [server backup] lacks."""
    keep_accounts(store.db, WAITS_FOR_BOTH)


def test_each_server_gets_all_that_was_ever_stored(
    store: Store, database: Database, victoria: VictoriaServer, home: Write
) -> None:
    expected = fill(store, range(100), "both")
    folder = home(server=database.server.url, backup=victoria.url)
    (folder / "config.ini").write_text(
        (folder / "config.ini").read_text().replace("db = home", f"db = {database.name}", 1)
    )
    run = homemon("upload", cwd=folder)
    assert run.stdout.splitlines() == [
        "server: 100 sent, 0 waiting, 0 parked",
        "backup: 100 sent, 0 waiting, 0 parked",
    ]
    assert database.points() == expected
    assert victoria.points('{__name__="both_value"}')["both_value"] == {T + i: i for i in range(100)}


def test_one_that_is_down_keeps_nothing_from_the_other(
    store: Store, scripted: ScriptedServer, silent_url: str, home: Write
) -> None:
    fill(store, range(5))
    folder = home(server=silent_url, backup=scripted.url)
    run = homemon("upload", cwd=folder)
    assert run.returncode == 1
    assert run.stdout.splitlines() == ["server: 0 sent, 5 waiting, 0 parked", "backup: 5 sent, 0 waiting, 0 parked"]
    assert "no answer within 2 s" in run.stderr
    assert seconds(scripted.lines) == [4, 3, 2, 1, 0]


def test_a_poll_sends_to_all_at_once(tmp_path: Path, store: Store, scripted: ScriptedServer, home: Write) -> None:
    """The first server answers only once the second one has been asked."""
    asked = Event()
    second = ScriptedServer()

    def wait(request: Asked) -> Reply:
        return Reply() if asked.wait(5) else Reply(500)

    def note(request: Asked) -> Reply:
        asked.set()
        return Reply()

    scripted.answer, second.answer = wait, note
    fill(store, range(3))
    app = App(str(home(server=scripted.url, backup=second.url) / "config.ini"))
    try:
        send_now(app)
    finally:
        app.close()
        second.close()
    assert seconds(scripted.lines) == seconds(second.lines) == [2, 1, 0]


def test_a_reading_that_changes_waits_for_both_again(
    store: Store, scripted: ScriptedServer, backup_account: None
) -> None:
    put(store, Point("hatuden", {"value": 1}, T))
    for sink in WAITS_FOR_BOTH:
        assert send(sender_of(store, _to(scripted), sink=sink)).sent == 1
    put(store, Point("hatuden", {"value": 2}, T))
    assert [store.outbox_of(sink).backlog() for sink in WAITS_FOR_BOTH] == [(1, 0), (1, 0)]


def test_what_changes_while_it_is_sent_goes_on_waiting(
    store: Store, scripted: ScriptedServer, backup_account: None
) -> None:
    put(store, Point("hatuden", {"value": 1}, T))

    def change(asked: Asked) -> Reply:
        with closing(Store(store.path.parent)) as other:
            put(other, Point("hatuden", {"value": 2}, T))
        return Reply()

    scripted.answer = change
    sender_of(store, _to(scripted), sink="backup").send(float(T), 1.0)
    assert scripted.lines[-1].startswith("hatuden value=2")


@pytest.mark.parametrize("ill", ["server", "backup"])
def test_a_series_that_one_refuses_is_parked_for_that_one_only(
    store: Store, scripted: ScriptedServer, backup_account: None, ill: str
) -> None:
    put(store, *(Point(name, {"value": i}, T + i) for name in ("power", "hatuden") for i in range(50)))
    for sink in WAITS_FOR_BOTH:
        Ailing(scripted, lambda name, _: sink == ill and name == "hatuden", REFUSED)  # noqa: B023
        sending = send(sender_of(store, _to(scripted), sink=sink))
        assert (sending.sent, sending.waiting, sending.parked) == ((50, 0, 50) if sink == ill else (100, 0, 0))
    assert {line.split()[0] for line, _ in store.outbox_of(ill).parked()} == {"hatuden"}
    store.outbox_of(ill).send_again(T + 40)
    assert store.outbox_of(ill).fill(1e18)
    assert store.outbox_of(ill).backlog() == (20, 40)


def test_one_that_fails_on_a_series_gets_all_others(
    store: Store, scripted: ScriptedServer, backup_account: None, three_weeks: set[tuple[str, int]]
) -> None:
    ailing = Ailing(scripted, lambda name, _: name == "hatuden")
    sender_of(store, _to(scripted), sink="backup").send(float(T), 60.0)
    assert ailing.has == {one for one in three_weeks if one[0] != "hatuden"}
    assert store.outbox_of("backup").backlog().waiting == len(three_weeks) - len(ailing.has)


def test_a_new_server_is_filled_in_parts_that_a_killed_process_does_not_lose(
    store: Store, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "AT_ONCE", 7)
    fill(store, range(50))
    keep_accounts(store.db, WAITS_FOR_BOTH)
    assert not fill_account(store.db, "backup", 0.0), "its time is over"
    assert store.outbox_of("backup").backlog() == (50, 0), "what is not filled in yet counts"
    put(store, Point("power", {"value": 50}, T + 50))
    with closing(Store(store.path.parent)) as next_process:
        assert send(sender_of(next_process, _to(scripted), sink="backup")).sent == 51
    assert sorted(map(parsed, scripted.lines)) == [("power", i) for i in range(51)]


def test_nothing_is_dropped_that_one_of_them_lacks(store: Store, scripted: ScriptedServer) -> None:
    old = T - 100 * DAY
    put(store, *(Point("+power", {"value": i}, old + i * 1800) for i in range(10)), Point("+power", {"value": 99}, T))
    keep_accounts(store.db, WAITS_FOR_BOTH)
    send(sender_of(store, _to(scripted)))
    at = NOW._replace(wall=float(T))
    assert Retention(store, 30, False).prune(at) == 0, "the account is not filled yet"
    fill_account(store.db, "backup", 1e18)
    assert Retention(store, 30, False).prune(at._replace(wall=at.wall + 3700)) == 0
    send(sender_of(store, _to(scripted), sink="backup"))
    assert Retention(store, 30, False).prune(at._replace(wall=at.wall + 7400)) == 10
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM lacked").fetchone() == (0,)


def test_a_server_that_is_configured_no_more_has_no_account(
    store: Store, scripted: ScriptedServer, home: Write
) -> None:
    fill(store, range(3))
    homemon("upload", cwd=home(server=scripted.url, backup="http://127.0.0.1:9"))
    homemon("upload", cwd=home(server=scripted.url))
    put(store, Point("power", {"value": 9}, T + 9))
    with sqlite3.connect(store.path) as db:
        for table, of in {"sink": "name", "lacked": "sink", "fill": "sink"}.items():
            assert db.execute(f"SELECT count(*) FROM {table} WHERE {of} = 'backup'").fetchone() == (0,)


def test_status_and_check_say_what_each_lacks_and_why(store: Store, scripted: ScriptedServer, home: Write) -> None:
    fill(store, range(3))
    scripted.answer = lambda asked: Reply(401)
    folder = home(server=scripted.url, backup="http://127.0.0.1:9")
    homemon("upload", cwd=folder)
    found = json.loads(homemon("status", "--json", cwd=folder).stdout)["sinks"]
    assert {name: (each["waiting"], each["parked"]) for name, each in found.items()} == {
        "server": (3, 0),
        "backup": (3, 0),
    }
    assert "check [server] user and password" in found["server"]["fault"]
    assert "nobody listens there" in found["backup"]["fault"]
    lines = homemon("status", cwd=folder).stdout.splitlines()
    assert "backup: 3 points wait, 0 are parked" in lines
    checked = homemon("check", cwd=folder).stdout
    assert "ok      store: 3 points wait for backup" in checked
    assert "fault   backup: http://127.0.0.1:9: cannot be reached (nobody listens there)" in checked
    assert "fault   server:" in checked


def test_each_server_that_lacks_its_database_gets_it(
    influx_server: InfluxServer, victoria: VictoriaServer, home: Write
) -> None:
    influx_server.query("DROP DATABASE home")
    folder = home(backup=influx_server.url, other=victoria.url)
    assert "create the database with `homemon check --create-db`" in homemon("check", cwd=folder).stdout
    said = homemon("check", "--create-db", cwd=folder).stdout.splitlines()
    assert said[0] == f"ok      backup: {influx_server.url} has the database home"
    assert not [line for line in said if line.startswith("fault   other")]
    assert f"ok      backup: {influx_server.url} takes points" in said


def test_status_lists_what_each_refused(store: Store, scripted: ScriptedServer, home: Write) -> None:
    put(store, *(Point(name, {"value": i}, T + i) for name in ("power", "hatuden") for i in range(2)))
    Ailing(scripted, lambda name, _: name == "hatuden", REFUSED)
    folder = home(server="http://127.0.0.1:9", backup=scripted.url)
    homemon("upload", cwd=folder)
    status, found = (homemon("status", *as_json, cwd=folder).stdout for as_json in ((), ("--json",)))
    assert status.count("  parked: hatuden value=") == 2
    assert status.index("backup: 0 points wait, 2 are parked") < status.index("  parked: hatuden value=")
    lines = {name: [each["line"] for each in sink["parked_lines"]] for name, sink in json.loads(found)["sinks"].items()}
    assert lines == {"server": [], "backup": [f"hatuden value={i} {T + i}000000000" for i in (1, 0)]}


def test_a_fault_names_the_section_that_is_meant(store: Store, scripted: ScriptedServer, home: Write) -> None:
    fill(store, range(3))
    scripted.answer = lambda asked: Reply(401)
    said = homemon("upload", "backup", cwd=home(server="http://127.0.0.1:9", backup=scripted.url)).stderr
    assert "check [server backup] user and password, or token" in said
    assert "127.0.0.1:9" not in said


def test_upload_names_the_places_that_there_are(home: Write) -> None:
    run = homemon("upload", "backups", cwd=home(server="http://127.0.0.1:9", backup="http://127.0.0.1:9"))
    assert (run.returncode, run.stdout) == (2, "")
    assert "readings go to no place called backups\n  There are: server, backup." in run.stderr


def _to(scripted: ScriptedServer) -> Callable[[], Influx]:
    return lambda: Influx(settings(scripted.url))
