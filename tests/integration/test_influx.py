"""One batch to a server: what it takes is there, and what it says about the rest is judged rightly."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from requests import Response

from homemon.core.points import line
from homemon.delivery.influx import LONGEST_ANSWER, WORTH_GZIP, Influx, Verdict, _beginning, _retry_after
from tests.servers import (
    Asked,
    Database,
    InfluxServer,
    Reply,
    ScriptedServer,
    VictoriaServer,
    VmAuth,
    settings,
)

T = 1_795_000_000
SECRET = "t0p-s3cret/+=\"'&€"


def lines(count: int, name: str = "power") -> list[str]:
    return [line(name, "", {"value": i / 10}, T + i) for i in range(count)]


def taken(count: int, name: str = "power") -> dict[tuple[str, int], dict[str, float]]:
    return {(name, T + i): {"value": i / 10} for i in range(count)}


@pytest.mark.parametrize("count", [1, 1000], ids=["plain", "gzip"])
def test_influxdb_has_what_it_took(database: Database, count: int) -> None:
    assert Influx(database.settings()).write(lines(count)).verdict is Verdict.TAKEN
    assert database.points() == taken(count)


def test_awkward_names_arrive(database: Database) -> None:
    text = line("+a b,c", ",home=to\\,kyo\\ 1", {"value": -0.1}, T)
    assert Influx(database.settings()).write([text]).verdict is Verdict.TAKEN
    assert database.points() == {("+a b,c", T): {"value": -0.1}}


def test_a_password_opens_and_a_wrong_one_holds(closed_database: Database) -> None:
    right = closed_database.settings(user=InfluxServer.USER, password=InfluxServer.PASSWORD)
    assert Influx(right).write(lines(2)).verdict is Verdict.TAKEN
    assert closed_database.points() == taken(2)
    for wrong in (closed_database.settings(user=InfluxServer.USER, password=SECRET), closed_database.settings()):
        answer = Influx(wrong).write(lines(1))
        assert answer.verdict is Verdict.HOLD
        assert "401" in answer.text
        assert "check [server] user and password" in answer.text
        assert SECRET not in answer.text


def test_a_user_without_the_right_holds(closed_database: Database) -> None:
    closed_database.server.query("CREATE USER reader WITH PASSWORD 'x'")
    answer = Influx(closed_database.settings(user="reader", password="x")).write(lines(1))
    assert (answer.verdict, "403" in answer.text) == (Verdict.HOLD, True)


def test_a_missing_database_holds_and_says_so(database: Database) -> None:
    answer = Influx(database.settings(db="nowhere")).write(lines(1))
    assert answer.verdict is Verdict.HOLD
    assert 'database not found: \\"nowhere\\"' in answer.text
    assert "create the database" in answer.text


@pytest.mark.parametrize(
    "bad",
    [
        f'power value="text" {T}000000000',
        "power value=",
        "no fields",
        f"power,home= value=1 {T}",
        f"power value=NaN {T}",
    ],
    ids=["conflict", "no value", "no fields", "empty tag", "NaN"],
)
def test_a_line_that_influxdb_refuses_is_a_fault_of_the_data(database: Database, bad: str) -> None:
    influx = Influx(database.settings())
    influx.write(lines(3))
    answer = influx.write([*lines(3), bad])
    assert (answer.verdict, "answered 400" in answer.text) == (Verdict.DATA_FAULT, True)


def test_a_batch_that_influxdb_finds_too_big_is_no_broken_connection(tmp_path: Path) -> None:
    server = InfluxServer(tmp_path / "influx", http="max-body-size = 500")
    server.start()
    try:
        database = Database(server, "home")
        database.renew()
        influx = Influx(database.settings())
        assert influx.write(lines(20_000)).verdict is Verdict.TOO_BIG
        assert influx.write(lines(5)).verdict is Verdict.TAKEN
    finally:
        server.kill()


@pytest.mark.parametrize(
    "more", [{"org": "o", "bucket": "b", "token": "t"}, {"path": "/influx/write"}, {"path": "/influx"}, {}]
)
def test_victoriametrics_has_what_it_took(
    victoria: VictoriaServer, more: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    name = f"+{request.node.name}"
    server = settings(victoria.url + more.get("path", ""), **{k: v for k, v in more.items() if k != "path"})
    assert Influx(server).write(lines(100, name.replace(" ", ""))).verdict is Verdict.TAKEN
    assert victoria.points(f'{{__name__="{name}_value"}}') == {f"{name}_value": {T + i: i / 10 for i in range(100)}}


def test_a_token_that_vmauth_does_not_know_holds_and_is_not_repeated(tmp_path: Path, victoria: VictoriaServer) -> None:
    vmauth = VmAuth(tmp_path / "vmauth", victoria.url, "the-right-one")
    vmauth.start()
    try:
        right = Influx(settings(vmauth.url, token="the-right-one")).write(lines(1, "vmauth"))
        assert right.verdict is Verdict.TAKEN
        for more in ({"token": "wrong-t0ken"}, {"user": "me", "password": "wrong-t0ken"}):
            answer = Influx(settings(vmauth.url, **more)).write(lines(1))
            assert answer.verdict is Verdict.HOLD
            assert "check [server] user and password, or token" in answer.text
            for secret in ("wrong-t0ken", "bWU6d3Jvbmct"):
                assert secret not in answer.text
    finally:
        vmauth.kill()


# --- what a scripted server says --------------------------------------------------------


def redirect(status: int) -> Reply:
    return Reply(status, "", {"Location": "http://elsewhere.invalid/"})


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(204), Verdict.TAKEN),
        (Reply(200, "<html>Grafana</html>"), Verdict.HOLD),
        (Reply(400, '{"error":"partial write: points beyond retention policy dropped=1"}'), Verdict.DATA_FAULT),
        (Reply(400, '{"code":"invalid","message":"unable to parse \'x\'"}'), Verdict.DATA_FAULT),
        (Reply(400, "Bad Request"), Verdict.HOLD),
        (Reply(401), Verdict.HOLD),
        (Reply(403), Verdict.HOLD),
        (Reply(404), Verdict.HOLD),
        (Reply(413), Verdict.TOO_BIG),
        (Reply(422, '{"code":"unprocessable entity"}'), Verdict.DATA_FAULT),
        (Reply(429), Verdict.LATER),
        (Reply(500, '{"error":"unable to parse"}'), Verdict.LATER),
        (Reply(502), Verdict.LATER),
        (Reply(503), Verdict.LATER),
        (Reply(0), Verdict.LATER),
        (redirect(301), Verdict.HOLD),
        (redirect(307), Verdict.HOLD),
    ],
    ids=lambda value: value.name if isinstance(value, Verdict) else str(value.status),
)
def test_each_status_has_its_verdict(scripted: ScriptedServer, reply: Reply, verdict: Verdict) -> None:
    scripted.answer = lambda asked: reply
    answer = Influx(settings(scripted.url)).write(lines(1))
    assert answer.verdict is verdict
    assert len(scripted.asked) == 1, "a redirect is not followed, nothing is sent twice"
    assert bool(answer.text) is (verdict is not Verdict.TAKEN)
    assert "\n" not in answer.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_wherever_it_leads(scripted: ScriptedServer, status: int) -> None:
    scripted.answer = lambda asked: Reply(status, "", {"Location": f"{scripted.url}/elsewhere"})
    assert Influx(settings(scripted.url, token=SECRET)).write(lines(1)).verdict is Verdict.HOLD
    assert len(scripted.asked) == 1


def test_what_a_server_says_is_reported_short_and_without_any_secret(scripted: ScriptedServer) -> None:
    def echo(asked: Asked) -> Reply:
        said = f"no such {asked.headers['Authorization']} or {SECRET}\nin\tconfig " + " " * 900 + SECRET + "x" * 5000
        return Reply(401, said, {"Content-Type": "text/plain"})

    scripted.answer = echo
    for more in ({"token": SECRET}, {"token": SECRET, "bucket": "b"}, {"user": "me", "password": SECRET}):
        answer = Influx(settings(scripted.url, **more)).write(lines(1))
        assert not [part for part in (SECRET, SECRET[:6], SECRET[-6:]) if part in answer.text], answer.text
        assert "no such" in answer.text
        assert len(answer.text) < 400


@pytest.mark.parametrize("path", ["", "/insert/0/influx", "/v1/influxdb/write"])
def test_the_url_may_carry_a_path(scripted: ScriptedServer, path: str) -> None:
    Influx(settings(scripted.url + path, db="a&b c")).write(lines(1))
    assert scripted.asked[0].path == f"{path.removesuffix('/write')}/write?db=a%26b+c"
    assert "precision" not in scripted.asked[0].path


def test_secrets_of_any_letters_reach_the_server(scripted: ScriptedServer) -> None:
    Influx(settings(scripted.url, token="ｔö", org="o", bucket="b")).write(lines(1))
    assert scripted.asked[0].headers["Authorization"].encode("latin-1").decode() == "Token ｔö"
    assert scripted.asked[0].path == "/api/v2/write?org=o&bucket=b"


def test_large_batches_are_packed_and_small_ones_are_not(scripted: ScriptedServer) -> None:
    influx = Influx(settings(scripted.url))
    for count in (1, WORTH_GZIP):
        influx.write(lines(count))
    assert ["Content-Encoding" in asked.headers for asked in scripted.asked] == [False, True]
    assert [asked.lines for asked in scripted.asked] == [lines(1), lines(WORTH_GZIP)]


@pytest.mark.parametrize("status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE])
@pytest.mark.parametrize("wait", [lambda: "90", lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=91))])
def test_retry_after_is_understood_as_seconds_and_as_a_date(
    scripted: ScriptedServer, status: int, wait: Callable[[], str]
) -> None:
    scripted.answer = lambda asked: Reply(status, "", {"Retry-After": wait()})
    assert 60 < Influx(settings(scripted.url)).write(lines(1)).retry_after <= 91


@given(st.one_of(st.text(), st.from_regex(r"\A(Mon, )?\d+ Jan \d{1,20} \d{1,20}:\d\d(:\d\d)? ?([+-]\d{1,9}|GMT)?\Z")))
def test_no_retry_after_is_too_strange(value: str) -> None:
    response = Response()
    response.headers["Retry-After"] = value
    assert _retry_after(response) >= 0


# --- servers that are not there -----------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[str]:
    """Nobody listens there, and nobody else can while the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize(
    "url", ["", "http://no-such-host.invalid:1", "http://a..b:1", f"http://{'a' * 70}:1", "http://[::1:1"]
)
def test_a_server_that_cannot_be_reached_is_asked_later(closed_port: str, url: str) -> None:
    answer = Influx(settings(url or closed_port)).write(lines(1))
    assert answer.verdict is Verdict.LATER
    assert "is the server running" in answer.text


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 20", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 204 X\r\n" + 200 * b"a: b\r\n"]
)
def test_a_server_that_hangs_up_is_not_called_unreachable(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with server.accept()[0] as connection:
                while b"power" not in connection.recv(65536):
                    pass
                connection.sendall(said)

        talk = Thread(target=hang_up)
        talk.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        answer = Influx(settings(url)).write(["power value=1 1"])
        talk.join()
    assert answer.verdict is Verdict.LATER
    assert answer.text.startswith(f"{url}: the connection ended without an HTTP answer; ")


def test_a_server_that_never_answers_is_given_up(silent_url: str) -> None:
    answer = Influx(settings(silent_url, timeout=0.2)).write(lines(1))
    assert answer.verdict is Verdict.LATER
    assert answer.text.startswith(f"{silent_url}: no answer within 0.2 s; ")


def test_a_certificate_is_believed_only_by_the_configured_authority(tmp_path: Path) -> None:
    pem, authority = tmp_path / "server.pem", trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    server = InfluxServer(tmp_path / "influx", http=f'https-enabled = true\nhttps-certificate = "{pem}"')
    server.start()
    try:
        url = server.url.replace("http", "https")
        strange = Influx(settings(url)).write(lines(1))
        assert strange.verdict is Verdict.HOLD
        assert "is not trusted" in strange.text
        known = Influx(settings(url, ca=str(tmp_path / "ca.pem"))).write(lines(1))
        assert "database not found" in known.text
        assert Influx(settings(server.url)).write(lines(1)).verdict is Verdict.HOLD
    finally:
        server.kill()


# --- what is sent beside the lines ------------------------------------------------------------


def test_each_request_says_what_it_is_and_wants_nothing_packed(scripted: ScriptedServer) -> None:
    influx = Influx(settings(scripted.url))
    influx.write(lines(1))
    influx.write(lines(WORTH_GZIP))
    for asked in scripted.asked:
        assert asked.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert asked.headers["Accept-Encoding"] == "identity"
        assert asked.headers["User-Agent"].startswith("homemon/")


@pytest.mark.parametrize(
    "more",
    [
        {"user": "me", "password": "pass-w0rd"},
        {"user": "i", "password": "pass-w0rd"},
        {"user": "me", "password": "pass-w0rd", "token": "other-t0ken"},
        {"token": "t0ken-of-mine"},
    ],
)
def test_no_form_of_a_credential_is_repeated(scripted: ScriptedServer, more: dict[str, str]) -> None:
    """Also the one that stands in the header, without the word before it, as a proxy's log may quote it."""
    from base64 import b64encode

    pair = f"{more.get('user')}:{more.get('password')}"
    forms = [*more.values(), b64encode(pair.encode()).decode(), pair.encode().hex()]
    secrets = [form for form in forms if len(form) > 2 and "None" not in form]
    scripted.answer = lambda asked: Reply(401, "no such " + " or ".join(secrets))
    answer = Influx(settings(scripted.url, **more)).write(lines(1))
    for form in secrets[: None if "user" in more else 1]:
        assert form.rstrip("=") not in answer.text
    assert "no such ****" in answer.text


def test_what_influxdb_says_in_a_header_counts_where_the_body_is_empty(scripted: ScriptedServer) -> None:
    said = {"X-Influxdb-Error": "partial write: field type conflict dropped=1"}
    scripted.answer = lambda asked: Reply(400, "", said)
    answer = Influx(settings(scripted.url)).write(lines(1))
    assert (answer.verdict, answer.certain) == (Verdict.DATA_FAULT, True)
    assert "field type conflict" in answer.text


@pytest.mark.parametrize(
    ("reply", "made", "said"),
    [
        (Reply(200, '{"results":[{"statement_id":0}]}'), True, ""),
        (Reply(204), False, "cannot be asked to make a database"),
        (Reply(200, '{"results":[{"error":"no such thing"}]}'), False, "refused: no such thing"),
        (Reply(200, '{"results":[{"series":[]}]}'), False, "nothing needs to be made"),
        (Reply(200, "<html>Grafana</html>"), False, "no database's write address"),
        (Reply(401, "nobody"), False, "answered 401: nobody"),
        (Reply(403, ""), False, "its administrator can"),
        (Reply(503, ""), False, "answered 503"),
    ],
)
def test_a_database_is_made_only_where_the_server_says_so(
    scripted: ScriptedServer, reply: Reply, made: bool, said: str
) -> None:
    scripted.answer = lambda asked: reply
    answer = Influx(settings(scripted.url)).create_database()
    assert (answer.verdict is Verdict.TAKEN) is made
    assert said in answer.text


def test_a_password_without_a_user_is_not_sent_and_an_organization_may_be_empty(scripted: ScriptedServer) -> None:
    Influx(settings(scripted.url, password="x")).write(lines(1))
    Influx(settings(scripted.url, token="t", bucket="b")).write(lines(1))
    assert "Authorization" not in scripted.asked[0].headers
    assert scripted.asked[1].path == "/api/v2/write?org=&bucket=b"


@pytest.mark.parametrize("at", range(0, len(SECRET) - 7, 3))
def test_eight_letters_of_a_secret_are_masked_wherever_they_are_from(scripted: ScriptedServer, at: int) -> None:
    scripted.answer = lambda asked: Reply(401, f"bad ({SECRET[at : at + 8]})")
    assert "bad (****)" in Influx(settings(scripted.url, user="me", password=SECRET)).write(lines(1)).text


@pytest.mark.parametrize("wait", [{}, {"Retry-After": ""}, {"Retry-After": "soon"}, {"Retry-After": "-5"}])
def test_a_server_that_names_no_pause_asks_for_none(scripted: ScriptedServer, wait: dict[str, str]) -> None:
    scripted.answer = lambda asked: Reply(503, "", wait)
    assert Influx(settings(scripted.url)).write(lines(1)).retry_after == 0.0


def test_a_probe_returns_what_the_server_says(scripted: ScriptedServer) -> None:
    influx = Influx(settings(scripted.url))
    for reply, verdict, said in (
        (Reply(204), Verdict.TAKEN, ""),
        (Reply(400, '{"code":"invalid","message":"writing requires points"}'), Verdict.TAKEN, ""),
        (Reply(404, '{"error":"database not found: \\"home\\""}'), Verdict.HOLD, "database not found"),
        (Reply(500, "mystery"), Verdict.LATER, "mystery"),
    ):
        scripted.answer = lambda asked, reply=reply: reply  # type: ignore[misc]
        answer = influx.probe()
        assert answer.verdict is verdict
        assert said in answer.text


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (Reply(204), (False, False, False)),
        (Reply(401, '{"error":"unable to parse authentication credentials"}'), (True, False, False)),
        (Reply(403, '{"error":"\\"me\\" user is not authorized to write to database"}'), (True, False, False)),
        (Reply(404, '{"error":"database not found: \\"home\\""}'), (False, True, False)),
        (Reply(401, '{"code":"unauthorized"}', {"X-Influxdb-Version": "v2.7.11"}), (True, False, True)),
        (Reply(401, "Unauthorized", {"X-Influxdb-Version": "1.8.10"}), (True, False, False)),
        (Reply(503), (False, False, False)),
        (Reply(0), (False, False, False)),
    ],
)
def test_a_trial_says_whether_login_or_database_are_wrong(
    scripted: ScriptedServer, reply: Reply, found: tuple[bool, bool, bool]
) -> None:
    scripted.answer = lambda asked: reply
    assert Influx(settings(scripted.url)).trial()[1:] == found


class Endless:
    """The body of an answer that goes on for ever."""

    def __init__(self) -> None:
        self.read = 0

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        while self.read < 1_000_000:
            self.read += size
            yield b"x" * size


def test_of_an_answer_without_end_only_the_beginning_is_read() -> None:
    response, endless = Response(), Endless()
    response.raw = endless
    assert _beginning(response) == b"x" * LONGEST_ANSWER
    assert endless.read < 2 * LONGEST_ANSWER
