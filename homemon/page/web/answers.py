"""An HTTP answer, with the headers that all of them have; and what it says where there is no page."""

from html import escape
from http import HTTPStatus
from typing import NamedTuple

from homemon.core.language import Text, said

Headers = tuple[tuple[str, str], ...]

ALWAYS: Headers = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Of each answer: nothing of another host is loaded, and no other site shows or embeds what is ours."""
NOT_KEPT: Headers = (("Cache-Control", "no-store"), ("Vary", "Accept-Language, Accept-Encoding"))
HTML = "text/html; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format

WORDS: dict[int, Text] = {
    401: (
        "パスワードが必要です。ユーザー名は何でもかまいません。",
        "A password is needed; any user name will do.",
    ),
    403: (
        "このアドレス {} では表示しません。IP アドレスか、.local で終わる名前で開いてください。",
        "Not shown under the name {}: open it by the IP address, or by a name that ends in .local.",
    ),
    404: ("このページはありません。", "There is no such page."),
    405: ("見ることだけができます。", "This can only be looked at."),
    429: (
        "パスワードを何度も間違えました。1分待ってください。",
        "Too many wrong passwords: wait a minute.",
    ),
    503: (
        "今は記録を読めません。Raspberry Pi で `homemon check` を実行すると、原因が分かります。",
        "The readings cannot be read now. `homemon check` on the Pi says why.",
    ),
}
NOTHING_YET: Text = (
    "まだ記録がありません。最初の記録が届くと表示されます。届かなければ Pi で `homemon check` を実行してください。",
    "Nothing was recorded yet. The first reading will show here; if none comes, run `homemon check` on the Pi.",
)
BUSY: Text = ("開いているページが多すぎます。", "Too many pages are open.")
_HOME: Text = ("今日のページへ", "Today's page")


class Answer(NamedTuple):
    """A status, the headers beside `ALWAYS`, and the body."""

    status: int
    headers: Headers
    body: bytes

    @property
    def line(self) -> str:
        """The status as HTTP has it: `404 Not Found`."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


def saying(status: int, language: str, name: str = "", more: Headers = (), words: Text | None = None) -> Answer:
    """Return a small page with `WORDS` of a status, or other words; `name` stands in their {}."""
    text = escape(said(words or WORDS[status], language, name))
    body = (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>homemon</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/page.css">\n'
        f'</head><body><main><h1>homemon</h1><p>{text}</p><p><a href="/">{said(_HOME, language)}</a></p>'
        "</main></body></html>\n"
    )
    return Answer(status, (("Content-Type", HTML), *NOT_KEPT, *more), body.encode())
