"""What a server has comes back into the store: the same values, only ours, and none in the place of another."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from time import time
from urllib.parse import parse_qs, urlsplit

import pytest

from homemon.core.points import EARLIEST, Point
from homemon.delivery import fetch
from homemon.delivery.influx import NotRead
from homemon.sources.registry import SUMS
from homemon.storage.store import Store
from tests.commands import homemon, write_config
from tests.integration.test_repair import spoil
from tests.servers import Asked, Database, Reply, ScriptedServer, VictoriaServer, settings
from tests.servers import fetch as http
from tests.stores import T, everything, put

DAY = 86_400
START = T - 100 * DAY  # VictoriaMetrics takes nothing from more than two days ahead
TAGS, TAGS_INI = ",home=to\\,kyo\\ 1,x_y=a'b\"é", "home = to,kyo 1\nx_y = a'b\"é"
_NUMBERS = count()

SUMMED = {series.measurement for series in SUMS}


class Home:
    """A folder with config.ini and a store that a server has, and how to write to that server by another hand."""

    def __init__(self, folder: Path, url: str, db: str, settle: Callable[[], object]) -> None:
        self.folder, self.url, self.db, self.settle = folder, url, db, settle

    def configure(self, tags: str = "") -> None:
        more = f"[server]\nurl = {self.url}\ndb = {self.db}\n"
        write_config(self.folder, more + (f"[tags]\n{tags}\n" if tags else ""))

    def write(self, *lines: str) -> None:
        http(f"{self.url}/write?db={self.db}", "\n".join(lines).encode())
        self.settle()

    def deliver(self, *points: Point, tags: str = "") -> None:
        """Store points and send them."""
        with closing(Store(self.folder / "store", tags)) as store:
            put(store, *points)
        run = homemon("upload", cwd=self.folder)
        assert run.returncode == 0, run.stderr
        self.settle()

    def export(self) -> str:
        """All readings; sums are computed again."""
        lines = homemon("export", cwd=self.folder).stdout.splitlines(keepends=True)
        return "".join(line for line in lines if re.split("[, ]", line)[0] not in SUMMED)

    def bring(self) -> str:
        run = homemon("repair", "--from", "server", cwd=self.folder)
        assert (run.returncode, run.stderr) == (0, "")
        return run.stdout

    def waiting(self) -> int:
        with closing(Store(self.folder / "store")) as store:
            return store.outbox.backlog().waiting


@pytest.fixture(params=["influxdb", "victoria-metrics"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    if request.param == "influxdb":
        database: Database = request.getfixturevalue("database")
        return Home(tmp_path, database.server.url, database.name, lambda: None)
    server: VictoriaServer = request.getfixturevalue("victoria")
    flush = f"{server.url}/internal/force_flush"
    return Home(tmp_path, server.url, f"fetched{next(_NUMBERS)}", lambda: http(flush))


def readings() -> list[Point]:
    """Of every series, with gaps, on two ends of a long time, and more than one answer of a server holds."""
    return [
        *(Point("+power", {"value": (683_335 + i) / 10}, START + i * 1800) for i in range(3000)),
        *(Point("-power", {"value": (12_345_678 + i) / 10_000}, START + i * 1800) for i in range(50)),
        *(Point("power", {"value": (i * 37) % 5000 - 900}, START + i * 60) for i in range(fetch.ROWS + 10)),
        Point("power", {"value": 1}, EARLIEST),
        Point("power", {"value": 2}, START - 2000 * DAY),
        *(Point("current", {"r": i / 10, "t": -i / 10}, START + i) for i in range(20)),
        *(Point("energy", {"import": 99_999_999.9 - i, "export": i / 10}, START + i) for i in range(5)),
        *(Point("ecocute", {"power": i, "powerSum": 1000 + i, "tank": 300}, START + i * 60) for i in range(20)),
        *(Point("hatuden", {"value": i / 10}, START + i * 1800) for i in range(20)),
        *(Point("baiden_diff", {"value": -i / 10}, START + i * 1800) for i in range(20)),
    ]


@pytest.mark.parametrize(("ini", "tags"), [("", ""), (TAGS_INI, TAGS)], ids=["without tags", "with tags"])
def test_a_deleted_store_comes_back_byte_for_byte_and_nothing_of_others_does(home: Home, ini: str, tags: str) -> None:
    home.configure(ini)
    home.deliver(*readings(), tags=tags)
    whole = home.export()
    foreign = ["", ",home=elsewhere", ",home=elsewhere,x_y=2", f"{TAGS},room=bath"]
    home.write(
        *(f"power{each} value=7 {T + 33}000000000" for each in foreign if each != tags),
        f"weather{tags} value=7 {T + 33}000000000",
        f"power{tags} value=7 {T + 33}250000000",
        f"hatuden{tags} value=3000 {T + 33}000000000",
    )
    shutil.rmtree(home.folder / "store")
    said = home.bring()
    assert home.export() == whole
    assert f"values came from {home.url}; 0 the store had otherwise\n" in said
    assert "2 were left out" in said
    assert home.waiting() == 0
    assert f"\n0 values came from {home.url}; 0 the store had otherwise\n" in "\n" + home.bring()


def test_destroyed_rows_come_back_and_a_value_that_differs_replaces_none(home: Home) -> None:
    home.configure()
    home.deliver(*readings())
    with closing(Store(home.folder / "store")) as store:
        put(store, Point("hatuden", {"value": 9.5}, START))
    whole = home.export()
    spoil(home.folder)
    repaired = homemon("repair", cwd=home.folder)
    assert "`homemon repair --from server` adds what the server has" in repaired.stdout
    assert home.export() != whole
    said = home.bring()
    assert f"values came from {home.url}; 1 the store had otherwise\n" in said
    assert "still missing" not in said
    assert home.export() == whole


def test_what_the_server_lacks_too_is_named(home: Home) -> None:
    home.configure()
    with closing(Store(home.folder / "store")) as store:
        put(store, *(Point("+power", {"value": i / 10}, START + i * 1800) for i in range(3000)))
    spoil(home.folder)
    homemon("repair", cwd=home.folder)
    said = home.bring()
    assert said.startswith(
        f"0 values came from {home.url}; 0 the store had otherwise\nstill missing: +power value, after "
    )


def test_a_reading_under_former_tags_is_not_stored_twice_and_old_ones_not_at_all(home: Home) -> None:
    home.configure("home = former")
    put_in = Point("+power", {"value": 1.5}, T)
    with closing(Store(home.folder / "store", ",home=former", origin=str(home.folder / "config.ini"))) as store:
        put(store, put_in)
    home.configure("home = new")
    with closing(Store(home.folder / "store", ",home=new", origin=str(home.folder / "config.ini"))) as store:
        put(store, put_in._replace(time=T + 1800))
    whole = home.export()
    home.write(
        f"+power,home=new value=1.5 {T}000000000",
        f"+power,home=former value=2.5 {T + 3600}000000000",
    )
    assert ",home=former value: 1 values added" in home.bring().replace("+power", "")
    assert home.export() == f"{whole}+power,home=former value=2.5 {T + 3600}000000000\n"


def test_what_keep_days_would_drop_again_is_not_brought(home: Home) -> None:
    home.configure()
    path = home.folder / "config.ini"
    path.write_text(path.read_text().replace("[server]", "keep_days = 10\n[server]"))
    now = int(max(time(), T))
    with closing(Store(home.folder / "store")) as store:
        put(store, Point("+power", {"value": 0.5}, now - 3600))
    home.write(*(f"power value={days} {now - days * DAY}000000000" for days in (30, 20, 2, 1)))
    home.bring()
    assert [fields["value"] for _, _, fields in everything(home.folder / "store")] == [2, 1, 0.5]


# --- servers that do not answer ----------------------------------------------------------


@pytest.fixture
def asking(tmp_path: Path, scripted: ScriptedServer) -> Callable[..., str]:
    """Run the command with a server that answers so; return what it says, which must be one line and status 1."""

    def ask(answer: Callable[[Asked], Reply], *keys: str) -> str:
        write_config(tmp_path, "\n".join(["[server]", f"url = {scripted.url}", *keys]))
        scripted.answer = answer
        run = homemon("repair", "--from", "server", cwd=tmp_path)
        assert run.returncode == 1
        (line,) = run.stderr.splitlines()
        return line

    return ask


def results(*rows: tuple[int, float]) -> str:
    values = [[at * 10**9, value] for at, value in rows]
    return json.dumps({"results": [{"series": [{"name": "power", "columns": ["time", "value"], "values": values}]}]})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(401, "authorization failed"), "answered 401: authorization failed; check [server] user and password"),
        (Reply(403, "no"), "may not read this database"),
        (Reply(404, "page not found"), "answered 404: page not found; check [server] url and db"),
        (Reply(500, "panic"), "answered 500: panic"),
        (Reply(200, "<html>"), "gave no answer of InfluxDB or VictoriaMetrics"),
        (Reply(200, "[" * 100_000), "gave no answer of InfluxDB or VictoriaMetrics"),
        (Reply(200, '{"results":[{"series":[{"name":'), "gave no answer of InfluxDB or VictoriaMetrics"),
        (Reply(200, '{"results":[{"error":"database not found: x"}]}'), "refused: database not found: x; check"),
        (Reply(200, '{"results":[{}', {"Content-Length": "100"}), "its answer broke off"),
        (Reply(0), "ended without an HTTP answer"),
    ],
)
def test_a_server_that_gives_nothing_is_one_line(scripted: ScriptedServer, reply: Reply, said: str) -> None:
    scripted.answer = lambda asked: reply
    with pytest.raises(NotRead) as caught:
        fetch.reader(settings(scripted.url))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bucket_that_is_not_mapped_is_explained(asking: Callable[..., str]) -> None:
    keys = ("token = abcdefghijkl", "org = o", "bucket = b")
    said = asking(lambda asked: Reply(404, '{"code":"not found","message":"abcdefghijkl"}'), *keys)
    assert "`influx v1 dbrp create --db BUCKET" in said
    assert "abcdefghijkl" not in said


def test_a_bucket_is_asked_with_its_token_by_its_name(scripted: ScriptedServer) -> None:
    scripted.answer = lambda asked: Reply(200, '{"results":[{}]}')
    reader = fetch.reader(settings(scripted.url + "/write", token="secret", org="o", bucket="b"))
    assert list(reader.pages("power", "value", "", 0)) == []
    assert {parse_qs(urlsplit(asked.path).query)["db"][0] for asked in scripted.asked} == {"b"}
    assert {asked.headers["Authorization"] for asked in scripted.asked} == {"Token secret"}


def test_what_came_before_a_failure_is_stored_and_counted(asking: Callable[..., str], tmp_path: Path) -> None:
    answers = iter([Reply(200, '{"results":[{}]}'), Reply(200, results((T, 1.5), (T + 1, 2.5))), Reply(500, "out")])
    assert "answered 500: out" in asking(lambda asked: next(answers))
    assert everything(tmp_path / "store") == [(T, "power", {"value": 1.5}), (T + 1, "power", {"value": 2.5})]


@pytest.mark.parametrize("row", [[None, 1], ["x", 1], [], [T], 7, [True, 1]])
def test_rows_that_are_none_are_an_error_and_no_crash(scripted: ScriptedServer, row: object) -> None:
    body = {"results": [{"series": [{"name": "power", "values": [row]}]}]}
    scripted.answer = lambda asked: Reply(200, '{"results":[{}]}' if "SHOW" in asked.path else json.dumps(body))
    with pytest.raises(NotRead, match="gave no answer"):
        list(fetch.reader(settings(scripted.url)).pages("power", "value", "", 0))


def test_a_server_that_gives_the_same_page_again_is_not_asked_for_ever(scripted: ScriptedServer) -> None:
    scripted.answer = lambda asked: Reply(200, '{"results":[{}]}' if "SHOW" in asked.path else results((T, 1)))
    with pytest.raises(NotRead, match="gave no answer"):
        list(fetch.reader(settings(scripted.url)).pages("power", "value", "", 0))


def test_an_answer_without_end_is_given_up(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homemon.delivery.influx.LARGEST_BODY", 1000)
    scripted.answer = lambda asked: Reply(200, "x" * 100_000)
    with pytest.raises(NotRead, match="more than was asked for"):
        fetch.reader(settings(scripted.url))


def test_a_silent_server_is_given_up(silent_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WITHIN", 0.1)
    with pytest.raises(NotRead, match="no answer within"):
        fetch.reader(settings(silent_url, timeout=0.1))


def test_without_a_server_the_section_is_asked_for(tmp_path: Path) -> None:
    write_config(tmp_path)
    run = homemon("repair", "--from", "server", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert "[server]" in run.stderr
