"""The site as a WSGI application (PEP 3333): a request in, an answer out. It only reads."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from io import BytesIO
from typing import Any

from homemon.core.errors import HomemonError
from homemon.core.language import LANGUAGES
from homemon.page.views import NoSuchView
from homemon.page.web.access import Password, is_ours
from homemon.page.web.answers import ALWAYS, BUSY, HTML, METRICS, NOT_KEPT, NOTHING_YET, Answer, Headers, saying
from homemon.page.web.live import BEGIN, Live, Stream
from homemon.page.web.pages import Body, File, NothingYet, Pages

VIEW = re.compile(r"/((?:day|week|month|year)/[0-9]{4}-[0-9]{2}-[0-9]{2})?", re.ASCII)
READING = ("GET", "HEAD")
AGAIN: Headers = (("Retry-After", "10"), ("Refresh", "10"))  # seconds; Refresh makes a browser ask by itself
LOGIN: Headers = (("WWW-Authenticate", 'Basic realm="homemon", charset="UTF-8"'),)
EVENTS: Headers = (("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-store"))
Environ = Mapping[str, Any]


class Site:
    """Answers requests by `pages`, `live`, `files` and `metrics`, by their paths.

    With a `password` it answers those who know it, without one those who ask under one of `names` or a name of the LAN.
    `language` None is the browser's. `report` is called with what fails.
    """

    def __init__(
        self,
        pages: Pages,
        live: Live,
        files: Mapping[str, File],
        metrics: Pages,
        names: Collection[str] = (),
        password: Password | None = None,
        language: str | None = None,
        report: Callable[[HomemonError], None] = lambda error: None,
    ) -> None:
        self._pages = pages
        self._live = live
        self._files = files
        self._metrics = metrics
        self._names = names
        self._password = password
        self._language = language
        self._report = report

    def __call__(self, environ: Environ, start: Callable[..., object]) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        if isinstance(answer, Stream):
            start("200 OK", [*ALWAYS, *EVENTS])
            return answer
        length = () if answer.status == 304 else (("Content-Length", str(len(answer.body))),)
        start(answer.line, [*ALWAYS, *answer.headers, *length])
        if environ["REQUEST_METHOD"] == "HEAD" or not answer.body:
            return ()
        wrapped: Iterable[bytes] = environ.get("wsgi.file_wrapper", _whole)(BytesIO(answer.body))  # not copied
        return wrapped

    def _answer(self, environ: Environ) -> "Answer | Stream":
        language = self._language or preferred(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        if refused := self._refused(environ, language):
            return refused
        path = environ["PATH_INFO"]
        if path == "/live":
            return self._stream(environ, language)
        if file := self._files.get(path):
            return sent(environ, file.body(), (*file.headers, ("Vary", "Accept-Encoding")))
        if path == "/metrics":
            return self._rendered(environ, self._metrics, "", language, METRICS)
        if view := VIEW.fullmatch(path):
            return self._rendered(environ, self._pages, view[1] or "", language, HTML)
        return saying(404, language)

    def _refused(self, environ: Environ, language: str) -> Answer | None:
        """Return the answer to who may not ask, or not so."""
        host = environ.get("HTTP_HOST", "")
        if self._password is None and not is_ours(host, self._names):
            return saying(403, language, host[:80])
        if self._password and (
            status := self._password.refusal(environ.get("HTTP_AUTHORIZATION", ""), environ["REMOTE_ADDR"])
        ):
            return saying(status, language, more=LOGIN if status == 401 else (("Retry-After", "60"),))
        if environ["REQUEST_METHOD"] not in READING:
            return saying(405, language, more=(("Allow", ", ".join(READING)),))
        return None

    def _stream(self, environ: Environ, language: str) -> "Answer | Stream":
        if environ["REQUEST_METHOD"] == "HEAD":
            return Answer(200, EVENTS, BEGIN)
        stream = self._live.open(language, environ.get("waitress.client_disconnected", bool))
        return stream or saying(503, language, more=(("Retry-After", "30"),), words=BUSY)

    def _rendered(self, environ: Environ, pages: Pages, view: str, language: str, kind: str) -> Answer:
        try:
            return sent(environ, pages.page(view, language), (("Content-Type", kind), *NOT_KEPT), tagged=False)
        except NoSuchView:
            return saying(404, language)
        except NothingYet as error:
            self._report(error)
            return saying(503, language, more=AGAIN, words=NOTHING_YET)
        except HomemonError as error:
            self._report(error)
            return saying(503, language, more=AGAIN)


def sent(environ: Environ, body: Body, headers: Headers, tagged: bool = True) -> Answer:
    """Return an answer with a body, packed for who takes it so; 304 where the asker has it already."""
    if tagged:
        headers = (*headers, ("ETag", body.tag))
        if body.tag in environ.get("HTTP_IF_NONE_MATCH", "").replace("W/", "").split(", "):
            return Answer(304, headers, b"")
    if accepted(environ.get("HTTP_ACCEPT_ENCODING", "")).get("gzip", 0.0):
        return Answer(200, (*headers, ("Content-Encoding", "gzip")), body.packed)
    return Answer(200, headers, body.plain)


def accepted(header: str) -> dict[str, float]:
    """Return what an Accept-… header names, in lower case, and how much it is wanted (RFC 9110, 12.4.2)."""
    found = (
        re.fullmatch(r"\s*([\w*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*", part) for part in header.split(",")
    )
    return {each[1].lower(): float(each[2] or 1) for each in found if each}


def preferred(header: str) -> str:
    """Return which of the page's languages an Accept-Language header likes best; English where it names none."""
    wanted = accepted(header)
    by_want = sorted(wanted, key=lambda name: -wanted[name])
    return next((name[:2] for name in by_want if name.split("-")[0] in LANGUAGES and wanted[name]), "en")


def _whole(body: BytesIO) -> Iterable[bytes]:
    return (body.getvalue(),)
