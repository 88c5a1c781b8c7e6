"""The threats of docs/security.md, one by one: what we do about each is held here, or by a test that it names."""

import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_IMODE
from threading import Thread

import pytest
import trustme

from homemon.config import read as config
from homemon.core.errors import ConfigError, HomemonError, PortError, StoreError
from homemon.core.files import Lock, make_private_dir, replace_file
from homemon.core.points import tags_text
from homemon.delivery.influx import LONGEST_ANSWER, Influx, Verdict
from homemon.echonet.properties import ascii_text
from homemon.page.plotly import JAVASCRIPT, javascript
from homemon.page.write import put_next_to
from homemon.ports.trace import Trace
from homemon.storage.store import Store
from tests.commands import called, homemon, running, simulated, write_config
from tests.servers import Database, Reply, ScriptedServer, VictoriaServer, fetch, settings
from tests.stores import T, fill
from tests.virtual import LINK, TENTHS, World

NOBODY = 65534
LINES = [f"power value=1 {T}000000000"]

# --- on the air --------------------------------------------------------------------------


@pytest.mark.parametrize(("secured", "readings"), [(1, [632]), (0, [])])
def test_a_datagram_that_is_not_encrypted_is_no_reading_whatever_its_sender(secured: int, readings: list[int]) -> None:
    """Anybody in the neighbourhood can send it, in the meter's name."""
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60)
    inf = "1081123402880105FF017301E70400000278"
    world.module.radio.say(f"ERXUDP {LINK.address} {LINK.address} 0E1A 0E1A 0000AA0000000002 {secured} 0 0012 {inf}")
    world.listen(5)
    assert world.values("power") == readings
    assert any("not encrypted" in note for note in world.notes) == (not secured)


# --- on the machine ----------------------------------------------------------------------


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make a file or link another user's: truly as root, else by being another user from then on."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: path.lstat().st_uid + 1)

    return give


@pytest.mark.parametrize("trap", ["link", "dangling link", "fifo", "folder"])
def test_a_trace_is_written_to_no_trap(tmp_path: Path, trap: str) -> None:
    victim, trace = tmp_path / "victim", tmp_path / "trace"
    victim.write_text("mine")
    if trap == "fifo":
        os.mkfifo(trace)
    elif trap == "folder":
        trace.mkdir()
    else:
        trace.symlink_to(victim if trap == "link" else tmp_path / "made")
    with pytest.raises(PortError) as refused:
        Trace(trace)
    assert "--trace" in refused.value.hint
    assert victim.read_text() == "mine"
    assert not (tmp_path / "made").exists()


def test_a_trace_is_not_written_into_another_users_file(tmp_path: Path, give_away: Callable[[Path], None]) -> None:
    (tmp_path / "trace").touch()
    give_away(tmp_path / "trace")
    with pytest.raises(PortError, match="no file of yours"):
        Trace(tmp_path / "trace")


@pytest.mark.parametrize("trap", ["link", "another user's file"])
def test_in_a_folder_for_everybody_a_new_file_takes_nothing_from_what_lies_there(
    tmp_path: Path, trap: str, give_away: Callable[[Path], None]
) -> None:
    """Neither its mode nor its owner, nor does it go where a link leads: the dump, the state, the page."""
    victim, path = tmp_path / "victim", tmp_path / "kyocera_20261123.txt"
    victim.write_text("mine")
    victim.chmod(0o666)
    if trap == "link":
        path.symlink_to(victim)
    else:
        path.write_text("theirs")
        path.chmod(0o666)
        tmp_path.chmod(0o777)
        give_away(path)
    replace_file(path, b"new")
    assert (path.read_text(), victim.read_text()) == ("new", "mine")
    assert not path.is_symlink()
    assert S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_new_file_has_its_mode_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Whoever is killed in between leaves no page that the web server can never read."""
    modes: list[int] = []
    monkeypatch.setattr(os, "replace", lambda temporary, _: modes.append(S_IMODE(os.stat(temporary).st_mode)))
    replace_file(tmp_path / "page.html", b"new", mode)
    assert modes == [mode]


def test_a_page_does_not_go_where_another_users_link_leads(tmp_path: Path, give_away: Callable[[Path], None]) -> None:
    write_config(tmp_path)
    victim, page = tmp_path / "victim", tmp_path / "page.html"
    victim.write_text("mine")
    page.symlink_to(victim)
    give_away(page)
    run = called("-c", str(tmp_path / "config.ini"), "graph", "-o", str(page))
    assert isinstance(run.exception, HomemonError), run.exception
    assert "another user's link" in str(run.exception)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("trap", ["link", "another user's file"])
def test_the_page_runs_no_javascript_that_another_user_laid_there(
    tmp_path: Path, trap: str, give_away: Callable[[Path], None]
) -> None:
    """One of the same size and time as plotly's."""
    source, planted = javascript(), tmp_path / (JAVASCRIPT if trap != "link" else "planted")
    planted.write_bytes(b"x" * source.stat().st_size)
    os.utime(planted, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    if trap == "link":
        (tmp_path / JAVASCRIPT).symlink_to(planted)
    else:
        tmp_path.chmod(0o777)
        give_away(planted)
    put_next_to(source, tmp_path / JAVASCRIPT)
    assert (tmp_path / JAVASCRIPT).read_bytes() == source.read_bytes()


def test_a_lock_is_taken_on_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "send.lock").symlink_to(victim)
    with pytest.raises(StoreError, match=r"send\.lock cannot be opened"):
        Lock(tmp_path / "send.lock").take()
    assert victim.read_text() == "mine"


def test_what_root_makes_in_somebodys_folder_belongs_to_that_somebody(tmp_path: Path) -> None:
    """One `sudo homemon …` does not lock the owner's cron job out of the store."""
    if os.geteuid() != 0:
        assert not os.environ.get("CI"), "only root can give a file away"
        pytest.skip("only root can give a file away")
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    path = write_config(tmp_path, "[server]\nurl = http://127.0.0.1:1")
    path.write_text(path.read_text().replace(f"{tmp_path}/store", f"{home}/state/store"))
    with simulated(tmp_path):
        assert homemon("join", cwd=tmp_path).returncode == 0
        assert homemon("meter-poll", cwd=tmp_path).returncode == 0
    owners = {path.name: path.stat().st_uid for path in home.rglob("*")}
    assert {"state", "store", "homemon.db", "state.toml", "send.lock"} <= owners.keys()
    assert set(owners.values()) == {NOBODY}


def test_a_store_that_root_repairs_and_copies_stays_its_owners(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        assert not os.environ.get("CI"), "only root can give a file away"
        pytest.skip("only root can give a file away")
    write_config(tmp_path)
    store = tmp_path / "store"
    store.mkdir()
    os.chown(store, NOBODY, NOBODY)
    (tmp_path / "points").write_text("".join(f"power value={i} {1764000000 + 60 * i}000000000\n" for i in range(3000)))
    assert homemon("replay", "points", cwd=tmp_path).returncode == 0
    assert homemon("backup", "store/copy.db", cwd=tmp_path).returncode == 0
    damaged = bytearray((store / "homemon.db").read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 200] = bytes(200)
    (store / "homemon.db").write_bytes(damaged)
    repaired = homemon("repair", cwd=tmp_path)
    assert "values are whole" in repaired.stdout
    made = [store, *store.iterdir()]
    assert {"copy.db", "homemon.db"} <= {path.name for path in made}
    assert [(path.name, path.stat().st_uid) for path in made if path.stat().st_uid != NOBODY] == []
    assert {S_IMODE(path.stat().st_mode) for path in store.iterdir()} == {0o600}


def test_folders_on_the_way_to_the_store_are_private_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_dir(tmp_path / ".local" / "state" / "homemon")
    finally:
        os.umask(before)
    assert {S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")} == {0o700}


def test_check_warns_of_a_store_in_which_others_may_write(tmp_path: Path) -> None:
    write_config(tmp_path)
    (tmp_path / "store").mkdir()
    for mode, reported in ((0o700, False), (0o770, True)):
        (tmp_path / "store").chmod(mode)
        assert (f"files: others may read {tmp_path}/store" in homemon("check", cwd=tmp_path).stdout) == reported


# --- the server, and who stands between -----------------------------------------------------

AUTHORITY, ANOTHER = trustme.CA(), trustme.CA()
NOW, DAY = datetime.now(), timedelta(days=1)
CERTIFICATES: dict[str, Callable[[], trustme.LeafCert]] = {
    "good": lambda: AUTHORITY.issue_cert("127.0.0.1"),
    "another name": lambda: AUTHORITY.issue_cert("server.example"),
    "expired": lambda: AUTHORITY.issue_cert("127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - 2 * DAY),
    "not yet valid": lambda: AUTHORITY.issue_cert("127.0.0.1", not_before=NOW + 2 * DAY, not_after=NOW + 9 * DAY),
}


@contextmanager
def tls_server(certificate: str) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATES[certificate]().configure_cert(context)
    server = ScriptedServer(context)
    try:
        yield server
    finally:
        server.close()


@pytest.mark.parametrize(
    ("certificate", "ca", "reported"),
    [
        ("good", None, "not trusted; name the CA that signed it in [server] ca"),
        ("good", ANOTHER, "not trusted; name the CA that signed it in [server] ca"),
        ("another name", AUTHORITY, "for another name; write that name into [server] url"),
        ("expired", AUTHORITY, "has expired; renew it there, or set this machine's clock"),
        ("not yet valid", AUTHORITY, "not valid yet; set this machine's clock"),
    ],
    ids=["no CA", "another CA", "another name", "expired", "not yet valid"],
)
def test_points_wait_until_the_servers_certificate_is_right(
    tmp_path: Path, store: Store, certificate: str, ca: trustme.CA | None, reported: str
) -> None:
    fill(store, range(3))

    def configure(url: str, ca: trustme.CA | None) -> None:
        keys = [f"url = {url}", "token = t0ken", "timeout = 5"]
        if ca:
            ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
            keys.append(f"ca = {tmp_path / 'ca.pem'}")
        write_config(tmp_path, "\n".join(["[server]", *keys]))

    with tls_server(certificate) as wrong, tls_server("good") as right:
        configure(wrong.url, ca)
        run = homemon("upload", cwd=tmp_path)
        assert (run.returncode, run.stdout) == (1, "0 sent, 3 waiting, 0 parked\n")
        assert reported in run.stderr
        assert wrong.asked == []
        configure(right.url, AUTHORITY)
        assert homemon("upload", cwd=tmp_path).stdout == "3 sent, 0 waiting, 0 parked\n"


@pytest.mark.parametrize(
    ("content", "reported"),
    [(None, "is not there"), (b"nonsense", "must be in PEM"), (b"-----BEGIN", "must be in PEM")],
)
def test_a_ca_file_that_is_none_is_reported(tmp_path: Path, content: bytes | None, reported: str) -> None:
    if content:
        (tmp_path / "ca.pem").write_bytes(content)
    with tls_server("good") as server:
        answer = Influx(settings(server.url, ca=str(tmp_path / "ca.pem"))).write(LINES)
    assert answer.verdict is Verdict.HOLD
    assert "[server] ca" in answer.text
    assert reported in answer.text


def test_https_to_a_server_without_it_is_reported(scripted: ScriptedServer) -> None:
    answer = Influx(settings(scripted.url.replace("http", "https"))).write(LINES)
    assert answer.verdict is Verdict.HOLD
    assert "does not speak TLS" in answer.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["same host", "another host", "from https to http"])
def test_a_redirect_takes_no_credentials_anywhere(
    tmp_path: Path, scripted: ScriptedServer, status: int, kind: str
) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with tls_server("good") as tls:
        first = tls if kind == "from https to http" else ScriptedServer()
        target = {"same host": f"{first.url}/elsewhere", "another host": scripted.url.replace("127.0.0.1", "localhost")}
        to = target.get(kind, scripted.url)
        first.answer = lambda asked: Reply(status, "moved", {"Location": f"{to}/write"})
        for more in ({"token": "t0ken"}, {"user": "me", "password": "passw0rd"}):
            answer = Influx(settings(first.url, ca=str(tmp_path / "ca.pem"), **more)).write(LINES)
            assert answer.verdict is Verdict.HOLD
            assert "write its real address into [server] url" in answer.text
        assert [asked.path for asked in first.asked] == ["/write?db=home"] * 2
        assert scripted.asked == []
        if first is not tls:
            first.close()


ENDLESS = {
    "an error": b"HTTP/1.1 400 Bad\r\n\r\n",
    "a redirect": b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
    "in pieces": b"HTTP/1.1 500 Ill\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n",
    "packed": b"HTTP/1.1 401 No\r\nContent-Encoding: gzip, gzip, gzip\r\n\r\n",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_of_an_answer_without_end_only_the_beginning_is_read(kind: str) -> None:
    sent = 0

    def talk(listening: socket.socket) -> None:
        nonlocal sent
        with suppress(OSError), listening.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(ENDLESS[kind])
            while sent < 1 << 28:
                sent += connection.send(b"x" * 65536)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=talk, args=(listening,), daemon=True).start()
        answer = Influx(settings(f"http://127.0.0.1:{listening.getsockname()[1]}")).write(LINES)
    assert answer.verdict in (Verdict.HOLD, Verdict.LATER)
    assert len(answer.text) < LONGEST_ANSWER
    assert sent < 1 << 26, "what the kernel's buffers hold"


def test_a_server_that_does_not_answer_keeps_no_poll_from_the_port(tmp_path: Path, silent_url: str) -> None:
    with simulated(tmp_path) as device:
        device.call(lambda module: setattr(module.radio, "session", True))
        write_config(tmp_path, f"[server]\nurl = {silent_url}\ntimeout = 60", address=LINK.address)
        with running("meter-poll", cwd=tmp_path) as first:
            first.until(bool)
            write_config(tmp_path, address=LINK.address)  # the next one has no server
            second = homemon("meter-poll", "E8", cwd=tmp_path)
            assert first.process.poll() is None, "it still waits for the server"
    assert second.returncode == 0, second.stderr
    assert second.stdout.startswith("current r=")


# --- what others say --------------------------------------------------------------------------


def test_a_device_cannot_speak_to_the_terminal() -> None:
    assert ascii_text(b"AB\x1b[2J\x07\x9bC\0\0") == "AB\ufffd[2J\ufffd\ufffdC"


@pytest.mark.parametrize("value", ["a\\", "a\\,b", "a\\ b=c", "a\n home=x", "a\tb", "a\u2028b", ""])
def test_a_tag_that_could_break_a_line_is_refused(value: str) -> None:
    """VictoriaMetrics drops a line whose tag has a backslash before a comma or a space, and answers 204."""
    with pytest.raises(ConfigError, match=r"\[tags\] home"):
        config.parse(f"[tags]\nhome = {value}\n", Path("config.ini"))


@pytest.mark.parametrize("value", ["a b", "a,b=c d", '"quoted" #;%', "x value=1 1", "家電"])
def test_a_tag_that_is_allowed_arrives_as_it_is_and_adds_nothing(
    database: Database, victoria: VictoriaServer, value: str
) -> None:
    tags = config.parse(f"[tags]\nhome = {value}\n", Path("config.ini")).tags
    name = f"tag{value.encode().hex()}"
    line = f"{name}{tags_text(tags)} value=1 {T}000000000"
    for server in (database.settings(), settings(victoria.url)):
        assert Influx(server).write([line]).verdict is Verdict.TAKEN
    (series,) = database.server.query(f'SELECT * FROM "{name}"', database.name)
    assert dict(zip(series["columns"], series["values"][0], strict=True)) == {"time": T, "home": value, "value": 1}
    fetch(f"{victoria.url}/internal/force_flush")
    (found,) = fetch(f"{victoria.url}/api/v1/export?match[]={name}_value").splitlines()
    assert json.loads(found)["metric"] == {"__name__": f"{name}_value", "home": value, "db": "home"}
