"""What `homemon serve` answers, without a server: who may ask, in which language, and how often a page is rendered."""

import gzip
import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier, Event
from typing import Any

import pytest

from homemon.core.errors import StoreError
from homemon.page.views import NoSuchView
from homemon.page.web.access import REMEMBERED, WITHIN, WRONG, Password, given, is_ours
from homemon.page.web.live import BEGIN, MOST, Live, Stream
from homemon.page.web.pages import FRESH, KEPT, File, Pages
from homemon.page.web.site import Site, preferred
from tests.commands import PATIENCE

OURS = ["127.0.0.1", "192.168.1.20:8080", "[::1]:8080", "[fe80::1]", "localhost", "LOCALHOST:80", "raspberrypi:8080"]
OURS += ["raspberrypi.local", "pi.lan:8080", "pi.home.arpa", "raspberrypi.local."]
STRANGERS = ["", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "local", "notlocal", "127.0.0.1, evil"]
STRANGERS += ["raspberrypi.local.evil.example", "[::1", "a b", "localhost:port", "localhost@evil.example", "1234567"]


@pytest.mark.parametrize("host", OURS)
def test_who_asks_by_an_address_or_a_name_of_the_home_is_answered(host: str) -> None:
    assert is_ours(host, {"raspberrypi"})


@pytest.mark.parametrize("host", STRANGERS)
def test_a_name_that_others_can_have_given_is_refused(host: str) -> None:
    assert not is_ours(host, {"raspberrypi"})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en-US;q=0.8", "ja"),
        ("en-US,en;q=0.9,ja;q=0.8", "en"),
        ("de-DE,de;q=0.9,ja;q=0.5", "ja"),
        ("de", "en"),
        ("ja;q=0", "en"),
        ("en;q=0.1, ja;q=0.2", "ja"),
        ("jam", "en"),
        (";;,q=,ja;q=x,\x00", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_likes_best(header: str, language: str) -> None:
    assert preferred(header) == language


def basic(password: str) -> str:
    return f"Basic {b64encode(f'anyone:{password}'.encode()).decode()}"


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Bearer abc", "Basic YQ==", basic("wrong"), basic("")])
def test_whoever_does_not_know_the_password_is_refused(header: str) -> None:
    assert Password("right", lambda: 0.0).refusal(header, "192.0.2.1") == 401


@pytest.mark.parametrize("password", ["right", "p:a:ss", "秘密", " "])
def test_whoever_knows_the_password_is_answered_under_any_user_name(password: str) -> None:
    assert given(basic(password)) == password.encode()
    assert Password(password, lambda: 0.0).refusal(basic(password), "192.0.2.1") == 0


def test_after_too_many_wrong_passwords_an_address_waits_and_no_other_does() -> None:
    clock = [1000.0]
    password = Password("right", lambda: clock[0])
    assert {password.refusal(basic("wrong"), "192.0.2.1") for _ in range(WRONG)} == {401}
    assert password.refusal(basic("right"), "192.0.2.1") == 429
    assert password.refusal("", "192.0.2.1") == 401, "a browser that asks for the first time is no guess"
    assert password.refusal(basic("right"), "192.0.2.2") == 0
    clock[0] += WITHIN
    assert password.refusal(basic("right"), "192.0.2.1") == 0


def test_only_so_many_addresses_are_remembered() -> None:
    password = Password("right", lambda: 0.0)
    for number in range(2 * REMEMBERED):
        password.refusal(basic("wrong"), str(number))
    assert len(password._wrong) == REMEMBERED


# --- pages -------------------------------------------------------------------------


class Renders:
    """A page for each view, and how often each was rendered."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []
        self.version, self.wall = 0, 0.0
        self.pages = Pages(self.render, lambda: self.version, lambda: self.wall)

    def render(self, view: str, language: str) -> bytes:
        self.made.append((view, language))
        if view == "fails":
            raise StoreError("the store cannot be read")
        if view == "none":
            raise NoSuchView(view)
        return f"{view} {language} {self.version}".encode()


def test_a_thousand_who_ask_at_once_have_a_page_rendered_once() -> None:
    renders, together = Renders(), Barrier(20)

    def ask(_: int) -> bytes:
        together.wait(PATIENCE)
        return renders.pages.page("", "ja").plain

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(1000))) == {b" ja 0"}
    assert renders.made == [("", "ja")]


def test_a_file_is_read_and_packed_once_for_all_who_ask_at_once() -> None:
    read, together = count(), Barrier(20)

    def ask(_: int) -> bytes:
        together.wait(PATIENCE)
        return file.body().packed

    file = File((), lambda: b"%d" % next(read) * 100_000)
    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(ask, range(20)))) == 1
    assert next(read) == 1


def test_a_new_reading_or_another_minute_renders_a_page_anew() -> None:
    renders = Renders()
    renders.pages.page("", "ja")
    renders.version = 1
    assert renders.pages.page("", "ja").plain == b" ja 1"
    renders.wall += FRESH
    renders.pages.page("", "ja")
    renders.pages.page("", "en")
    assert renders.made == [("", "ja")] * 3 + [("", "en")]


def test_only_the_pages_asked_for_last_are_kept() -> None:
    renders = Renders()
    for view in (*map(str, range(KEPT + 1)), str(KEPT), "0"):
        renders.pages.page(view, "en")
    assert [view for view, _ in renders.made] == [*map(str, range(KEPT + 1)), "0"]


# --- answers -----------------------------------------------------------------------


def site(renders: Renders, report: Callable[..., None] = lambda error: None, **more: Any) -> Site:
    files = {"/page.js": File((("Content-Type", "text/javascript"),), lambda: b"let x;")}
    return Site(renders.pages, Live(lambda language: None, lambda: 0), files, renders.pages, report=report, **more)


def ask(site: Site, path: str, method: str = "GET", **headers: str) -> tuple[str, dict[str, str], bytes]:
    got: list[Any] = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "REMOTE_ADDR": "192.0.2.1", "HTTP_HOST": "localhost"}
    answer = site(environ | headers, lambda *head: got.extend(head))
    return got[0], dict(got[1]), b"".join(answer)


def test_a_store_that_cannot_be_read_is_a_page_that_says_so_and_a_report() -> None:
    reported: list[Any] = []
    served = site(Renders(), reported.append, language="en")
    renders = served._pages
    renders._render = lambda view, language: Renders().render("fails", language)
    status, headers, text = ask(served, "/")
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "10")
    assert b"homemon check" in text
    assert [str(error) for error in reported] == ["the store cannot be read"]


def test_a_file_is_packed_for_who_takes_it_so_and_sent_once() -> None:
    served = site(Renders())
    _, headers, plain = ask(served, "/page.js")
    assert (plain, headers.get("Content-Encoding")) == (b"let x;", None)
    _, headers, packed = ask(served, "/page.js", HTTP_ACCEPT_ENCODING="br, gzip")
    assert gzip.decompress(packed) == plain
    assert headers["Content-Length"] == str(len(packed))
    for tag in (headers["ETag"], f"W/{headers['ETag']}", f'"x", {headers["ETag"]}'):
        status, _, nothing = ask(served, "/page.js", HTTP_IF_NONE_MATCH=tag)
        assert (status, nothing) == ("304 Not Modified", b"")
    assert ask(served, "/page.js", HTTP_ACCEPT_ENCODING="gzip;q=0")[2] == plain


def test_a_name_in_an_answer_is_text_whatever_is_in_it() -> None:
    _, _, text = ask(site(Renders(), language="en"), "/", HTTP_HOST="<script>alert(1)</script>")
    assert b"&lt;script&gt;" in text
    assert b"<script>" not in text


# --- streams -----------------------------------------------------------------------


def test_streams_begin_with_the_numbers_and_go_on_when_they_change() -> None:
    numbers, version = {"power": 1}, [0]
    live = Live(lambda language: json.dumps(numbers | {"in": language}).encode(), lambda: version[0])
    ja, en = (live.open(language, bool) for language in ("ja", "en"))
    assert ja
    assert en
    first, second = iter(ja), iter(en)
    assert [next(first), next(second)] == [BEGIN, BEGIN]
    assert next(first) == b'data: {"power": 1, "in": "ja"}\n\n'
    assert next(second) == b'data: {"power": 1, "in": "en"}\n\n'
    numbers["power"], version[0] = 2, 1
    assert next(first) == b'data: {"power": 2, "in": "ja"}\n\n'
    live.close()
    assert list(second)[1:] == []


def test_a_stream_too_many_is_refused_until_another_ends() -> None:
    live = Live(lambda language: b"{}", lambda: 0)
    streams = [live.open("en", bool) for _ in range(MOST)]
    assert all(streams)
    assert live.open("en", bool) is None
    first = streams[0]
    assert isinstance(first, Stream)
    first.close()
    assert live.open("en", bool)
    live.close()


def test_a_stream_ends_soon_after_its_reader_has_gone() -> None:
    live, gone = Live(lambda language: b"{}", lambda: 0), Event()
    stream = live.open("en", gone.is_set)
    assert stream
    events = iter(stream)
    assert [next(events), next(events)] == [BEGIN, b"data: {}\n\n"]
    gone.set()
    assert list(events)[1:] == []
    live.close()


def test_numbers_that_could_not_be_read_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homemon.page.web.live.AGAIN", 0.01)
    numbers: list[bytes | None] = [b"{}", None]
    live = Live(lambda language: numbers.pop(), lambda: 0)
    stream = live.open("en", bool)
    assert stream
    events = iter(stream)
    assert next(events) == BEGIN
    assert next(events) == b"data: {}\n\n"
    live.close()
