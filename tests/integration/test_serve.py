"""`homemon serve` as browsers and strangers find it: the real command on the loopback."""

import gzip
import re
import resource
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import move
from threading import Event, Thread
from time import monotonic, time

import pytest

from homemon.page.web.answers import ALWAYS
from homemon.page.web.live import MOST
from homemon.page.web.server import OF_ONE
from homemon.runtime.serving import Shown
from homemon.storage.database import FILE
from tests.commands import LOADED, PATIENCE, homemon, wait_for, write_config
from tests.servers import ScriptedServer
from tests.serving import Served, record, serving, stream

QUICK = 2.0 + LOADED  # seconds
MUCH = 120_000  # KiB of memory
VIEWS = ["/", "/day/2026-11-25", "/week/2026-11-25", "/month/2026-11-25", "/year/2026-11-25"]
FILES = ["/page.css", "/page.js", "/plotly.min.js"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with config.ini and a store with one reading."""
    write_config(tmp_path)
    record(tmp_path, 523, time() - 60)
    return tmp_path


# --- what is there -----------------------------------------------------------------


def test_each_path_has_its_answer_and_all_have_the_headers_that_keep_other_sites_out(home: Path) -> None:
    with serving(home) as served:
        for path in (*VIEWS, *FILES, "/live", "/metrics", "/nothing"):
            method = "HEAD" if path == "/live" else "GET"
            reply = served.ask(path, method)
            assert reply.status == (404 if path == "/nothing" else 200), path
            assert {(k.title(), v) for k, v in ALWAYS} <= set(reply.headers.items()), path
            assert "Server" not in reply.headers
        for path in VIEWS:
            reply = served.ask(path)
            assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
            assert reply.headers["Cache-Control"] == "no-store"
            assert "523" in reply.body.decode()
            assert served.ask(path, "HEAD").headers["Content-Length"] == str(len(reply.body))
        for path in FILES:
            plain, packed = served.ask(path), served.ask(path, Accept_Encoding="gzip")
            assert gzip.decompress(packed.body) == plain.body
            assert served.ask(path, If_None_Match=plain.headers["ETag"]).status == 304
        page = served.ask("/", Accept_Encoding="gzip, br")
        assert page.headers["Content-Encoding"] == "gzip"
        assert b"523" in gzip.decompress(page.body)


@pytest.mark.parametrize(
    ("options", "header", "language"),
    [
        ((), "ja,en;q=0.5", "ja"),
        ((), "en-GB,ja;q=0.5", "en"),
        ((), "", "en"),
        (("--lang", "ja"), "en", "ja"),
        (("--lang", "en"), "ja", "en"),
    ],
)
def test_the_language_is_the_browsers_unless_the_command_names_one(
    home: Path, options: tuple[str, ...], header: str, language: str
) -> None:
    with serving(home, *options) as served:
        assert f'<html lang="{language}"'.encode() in served.ask("/", Accept_Language=header).body
        assert f'<html lang="{language}"'.encode() in served.ask("/nothing", Accept_Language=header).body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_nothing_can_be_done_but_to_look(home: Path, method: str) -> None:
    before = (home / "store" / FILE).read_bytes()
    with serving(home) as served:
        for path in ("/", "/live", "/page.css", "/metrics", "/nothing"):
            reply = served.ask(path, method)
            assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")
        assert served.ask("/").status == 200
    assert (home / "store" / FILE).read_bytes() == before


def answered(served: Served, sent: bytes) -> bytes:
    """All that comes back for what is sent, empty where the connection is reset meanwhile."""
    with suppress(ConnectionError), served.connect(sent) as opened:
        return b"".join(iter(lambda: opened.recv(65536), b""))
    return b""


PATHS = """
/../../etc/passwd /%2e%2e/%2e%2e/etc/passwd /..%2f..%2fetc%2fpasswd /page.css/../config.ini //etc/passwd /./ /..
/day /day/ /day/2026-11-25/ /day/2026-11-31 /day/2026-13-01 /day/0000-00-00 /day/2026-11-25%00 /day/2026-11-25%0a
/day/%00 /%00 /%ff%fe /day/２０２６-11-25 /Day/2026-11-25 /days/2026-11-25 /decade/2026-11-25 /config.ini
/store/homemon.db /homemon.db /page.html /page.py /live/ /live%2f /LIVE /plotly.min.js.map /PAGE.CSS /.git/config
/.env /wp-login.php /cgi-bin/sh /; /: /'"<script> /% /%zz /%2 /\\..\\.. /day\\2026-11-25 /~root /* *
http://evil.example/etc/passwd /day/-1 /day/2026-1-1 /day/20261125 /day/+2026-11-25 /day/2026-11-25T00:00
/week/2026-W48 /month/2026-11 /year/2026 /a/b/c/d/e
"""
ODD = PATHS.split()
ODD += ["/" + "a" * 65536, "/" + "../" * 5000, "/day/" + "9" * 20000, "/" + "%41" * 5000, "/\x7f", "/\x01", "/a b c"]
ODD += [f"/{sign}{tail}" for sign in "abc!$&(),=@[]^`{|}" for tail in ("", "/", "/../x")]
LONG = 20_000  # bytes, more than a request may have
HEAD = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
BROKEN = [
    b"GET\r\n\r\n",
    b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"\x16\x03\x01" * 99 + b"\r\n\r\n",
    b"\0\r\n\r\n",
]
BROKEN += [b"GET /" + HEAD + b"Content-Length: -1\r\n\r\n", b"GET /" + HEAD + b"Content-Length: 99999999\r\n\r\n"]
BROKEN += [b"GET /" + HEAD + b"Host: evil.example\r\n\r\n", b"GET /" + HEAD + b"Transfer-Encoding: x\r\n\r\n"]
BROKEN += [b"GET /" + HEAD + b"X: y\r\n" * LONG + b"\r\n", b"GET /" + HEAD + b"X: " + b"y" * LONG + b"\r\n\r\n"]


def test_odd_paths_and_broken_requests_are_refused_and_cost_nothing(home: Path) -> None:
    assert len(ODD) > 100
    with serving(home) as served:
        for sent in (*(b"GET " + path.encode() + HEAD + b"\r\n" for path in ODD), *BROKEN):
            answer = answered(served, sent)
            if answer or len(sent) < LONG:  # a longer one may be reset before it is read
                expected = (400, 431) if len(sent) > LONG else (400, 403, 404, 413, 501)
                assert int(answer.split()[1]) in expected, (sent[:80], answer[:80])
                assert b"Content-Security-Policy: default-src 'none'" in answer, sent[:80]
        assert served.ask("/").status == 200
        assert served.memory() < MUCH


# --- who may look ------------------------------------------------------------------


def test_a_name_of_another_site_that_leads_here_is_refused_and_told_why(home: Path) -> None:
    with serving(home, "--lang", "en") as served:
        reply = served.ask("/", Host="evil.example")
        assert reply.status == 403
        assert "Not shown under the name evil.example: open it by the IP address" in reply.body.decode()
        for path in ("/live", "/page.css", "/metrics"):
            assert served.ask(path, Host="evil.example").status == 403
        assert served.ask("/", Host=f"{socket.gethostname()}:8080").status == 200


def test_the_password_is_asked_for_and_never_said(tmp_path: Path) -> None:
    write_config(tmp_path, "[serve]\npassword = 開けごま:x")
    record(tmp_path, 523)
    right, wrong = (f"Basic {b64encode(f'me:{word}'.encode()).decode()}" for word in ("開けごま:x", "開けごま"))
    with serving(tmp_path) as served:
        for path in ("/", "/live", "/page.css", "/metrics", "/nothing"):
            reply = served.ask(path)
            assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Basic realm="homemon", charset="UTF-8"')
            assert b"523" not in reply.body
        assert served.ask("/", Host="home.example", Authorization=right).status == 200
        statuses = [served.ask("/", Authorization=wrong).status for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        assert served.ask("/", Authorization=right).headers["Retry-After"] == "60"
        assert "開けごま" not in served.said()


def test_it_says_where_to_open_it_and_warns_where_everyone_may_look(home: Path) -> None:
    with serving(home) as served:
        assert f"homemon: open http://127.0.0.1:{served.port}/\n" in served.said()
        served.command.says(f"ssh -L {served.port}:localhost:{served.port} ")
        assert "password" not in served.said()
    with serving(home, "--bind", "0.0.0.0") as served:
        assert re.search(rf"http://{socket.gethostname()}(\.local)?:{served.port}/", served.said())
        served.command.says("everyone on the network can look")


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (("--bind", "192.0.2.1"), 1, "192.0.2.1 is no address of this machine"),
        (("--bind", "raspberrypi"), 2, "must be an IP address of this machine"),
        (("--port", "65536"), 2, "65536 is not in the range"),
    ],
)
def test_where_it_cannot_listen_is_said_in_a_line(home: Path, options: tuple[str, ...], status: int, text: str) -> None:
    run = homemon("serve", *options, cwd=home)
    assert (run.returncode, run.stdout) == (status, "")
    assert text in run.stderr
    assert "Traceback" not in run.stderr


def test_a_port_that_is_in_use_is_named_with_the_remedy(home: Path) -> None:
    other = ScriptedServer()
    port = other.url.rpartition(":")[2]
    try:
        run = homemon("serve", "--port", port, cwd=home)
    finally:
        other.close()
    assert run.returncode == 1
    assert f"port {port} of 127.0.0.1 is in use\n  Name another --port" in run.stderr


@pytest.mark.parametrize("password", ["", "[serve]\npassword = s3cret\n"])
def test_a_second_one_at_the_same_port_ends_at_once(home: Path, password: str) -> None:
    (home / "config.ini").write_text((home / "config.ini").read_text() + password)
    with serving(home) as served:
        run = homemon("serve", "--port", str(served.port), cwd=home)
        assert (run.returncode, run.stderr) == (0, f"homemon: it is served already: {served.url}/\n")
        loopback_only = homemon("serve", "--port", str(served.port), "--bind", "0.0.0.0", cwd=home)
        assert loopback_only.returncode == 1, "the LAN sees nothing of it"


def test_without_waitress_it_says_how_to_get_it(home: Path) -> None:
    script = "import sys; sys.modules['waitress'] = None; from homemon.cli.main import main; main(['serve'])"
    hidden = (
        "import importlib.util as u; real = u.find_spec; u.find_spec = lambda n: n != 'waitress' and real(n) or None; "
    )
    run = subprocess.run(
        (sys.executable, "-c", hidden + script), cwd=home, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert run.returncode == 1
    assert "waitress is not installed" in run.stderr
    assert "pipx inject homemon waitress" in run.stderr


# --- many, and slow ----------------------------------------------------------------


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many files as this process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_connections_slow_nobody_and_stay_within_bounds(home: Path) -> None:
    get = b"GET /%b HTTP/1.1\r\nHost: localhost\r\n"
    kinds = [b"", get % b"", get % b"plotly.min.js" + b"\r\n", get % b"" + b"\r\n", get % b"live" + b"\r\n"]
    with serving(home) as served, ExitStack() as opened:
        for number, sent in enumerate(kinds):
            for _ in range(200):
                opened.enter_context(served.connect(sent, host=f"127.0.0.{2 + number}"))
        begun = monotonic()
        assert served.ask("/").status == 200
        assert served.ask("/plotly.min.js", Accept_Encoding="gzip").status == 200
        assert monotonic() - begun < QUICK
        assert served.memory() < MUCH
        assert served.command.stop() == 0


@pytest.mark.usefixtures("many_files")
def test_one_machine_does_not_take_all_connections(home: Path) -> None:
    with serving(home) as served, ExitStack() as opened:
        connections = [opened.enter_context(served.connect(host="127.0.0.2")) for _ in range(OF_ONE + 1)]
        begun = monotonic()
        assert connections[-1].recv(1) == b""
        assert monotonic() - begun < QUICK, "and not because it said nothing for long"
        assert served.ask("/").status == 200


def test_more_streams_than_there_may_be_are_refused_until_one_is_closed(home: Path) -> None:
    head = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    script = "from homemon.page.web import live; live.COMMENT = 600.0; from homemon.cli.main import main; main()"
    with serving(home, program=(sys.executable, "-c", script)) as served, ExitStack() as opened:
        streams = [opened.enter_context(served.connect(head)) for _ in range(MOST)]
        assert all(each.recv(12) == b"HTTP/1.1 200" for each in streams)
        reply = served.ask("/live")
        assert (reply.status, reply.headers["Retry-After"]) == (503, "30")
        assert served.ask("/").status == 200
        streams[0].close()
        deadline = monotonic() + QUICK
        while served.ask("/live", "HEAD").status != 200 or first(served) != b"HTTP/1.1 200":
            assert monotonic() < deadline


def first(served: Served) -> bytes:
    """The beginning of what a new stream is answered."""
    with served.connect(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n") as opened:
        return opened.recv(12)


# --- the store ---------------------------------------------------------------------


def test_a_new_reading_is_on_every_open_page_within_a_second(home: Path) -> None:
    with serving(home) as served, stream(served) as ours, stream(served) as others:
        assert [next(events)["cards"]["power"]["value"] for events in (ours, others)] == ["523", "523"]
        for watts in (777, -1234):
            record(home, watts)
            begun = monotonic()
            for events in (ours, others):
                assert next(events)["cards"]["power"]["value"] == f"{abs(watts):,}"
            assert monotonic() - begun < 1.0 + LOADED
        assert "1,234" in served.ask("/").body.decode()


def test_it_opens_no_store_between_two_pages_and_makes_none(tmp_path: Path) -> None:
    write_config(tmp_path)
    with serving(tmp_path, "--lang", "en") as served:
        reply = served.ask("/")
        assert reply.status == 503
        assert "Nothing was recorded yet" in reply.body.decode()
        assert reply.headers["Refresh"] == "10"
        assert not (tmp_path / "store" / FILE).exists()
        record(tmp_path, 444)
        assert b"444" in served.ask("/").body
        assert "homemon.db" not in {path.name for path in opened_by(served)}
        (tmp_path / "store" / FILE).unlink()
        assert served.ask("/").status == 503
        assert not (tmp_path / "store" / FILE).exists()
        assert served.said().count("there is no store at") == 1


def test_what_changed_just_now_is_looked_at_once_more(home: Path) -> None:
    """Two commits within one tick of the kernel's clock leave a log that looks the same."""
    shown = Shown(str(home / "config.ini"), quiet=True, verbose=False)
    record(home, 600)
    just_now = shown.version()
    wait_for(lambda: (settled := shown.version()) != just_now and not any(each[-1] for each in settled if each))
    settled = shown.version()
    assert shown.live("en")
    assert shown.page("", "en")
    assert shown.version() == settled, "a look changes nothing"


def opened_by(served: Served) -> list[Path]:
    return [path.readlink() for path in Path(f"/proc/{served.command.process.pid}/fd").iterdir() if path.is_symlink()]


def test_a_damaged_store_is_a_page_that_says_so_until_it_is_whole(home: Path) -> None:
    path = home / "store" / FILE
    whole = path.read_bytes()
    with serving(home, "--lang", "en") as served, stream(served) as events:
        next(events)
        path.write_bytes(whole[:4096] + bytes(b ^ 0x55 for b in whole[4096:]))
        replies = [served.ask("/") for _ in range(3)]
        assert {reply.status for reply in replies} == {503}
        assert b"homemon check" in replies[0].body
        path.write_bytes(b"no database at all" * 1000)
        assert served.ask("/").status == 503
        path.unlink()
        path.write_bytes(whole)
        assert served.ask("/").status == 200
        record(home, 888)
        assert any(event["cards"]["power"]["value"] == "888" for event in events)
        assert 0 < served.said().count("homemon repair") < 5


def test_a_store_that_is_replaced_is_shown_from_then_on(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    record(other, 999)
    with serving(home) as served, stream(served) as events:
        assert b"523" in served.ask("/").body
        next(events)
        move(home / "store" / FILE, home / "old.db")
        move(other / "store" / FILE, home / "store" / FILE)
        assert any(event["cards"]["power"]["value"] == "999" for event in events)
        assert b"999" in served.ask("/").body


def test_pages_come_while_the_store_is_written(home: Path) -> None:
    over = Event()

    def write() -> None:
        while not over.is_set():
            record(home, 555)

    with serving(home) as served:
        writer = Thread(target=write)
        writer.start()
        try:
            with ThreadPoolExecutor(8) as pool:
                statuses = list(pool.map(lambda _: served.ask("/").status, range(40)))
        finally:
            over.set()
            writer.join()
        assert set(statuses) == {200}


@pytest.mark.parametrize("wall", [0.0, 4e9])
def test_pages_come_while_the_clock_is_wrong(home: Path, wall: float) -> None:
    script = f"import time; time.time = lambda: {wall}; from homemon.cli.main import main; main()"
    with serving(home, program=(sys.executable, "-c", script)) as served:
        assert served.ask("/").status == 200
        assert served.ask("/plotly.min.js").status == 200


def test_it_ends_at_once_and_ends_its_streams(home: Path) -> None:
    with serving(home) as served, served.connect(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n") as opened:
        assert opened.recv(12) == b"HTTP/1.1 200"
        begun = monotonic()
        assert served.command.stop() == 0
        assert monotonic() - begun < QUICK
        assert b"".join(iter(lambda: opened.recv(65536), b"")).endswith(b"\r\n0\r\n\r\n"), "a whole answer"
