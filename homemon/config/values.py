"""How the values of config.ini read: text → what the program uses.

Each raises ValueError with what the value must be, and never with the value, which may be a secret. What
people type or paste without meaning anything by it does no harm: full-width characters, invisible ones,
and quotes around the value.
"""

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "`": "`"}
GROUPING = str.maketrans("", "", "-‐‑‒–—―−ー_.")
PLACEHOLDER = r"[\[<{(【〔《「].*[\]>})】〕》」]|[xX×*?•.…]{3,}|(?i:changeme|todo|your[ _-].*)"
LOOKS_LIKE = {"O": "0", "o": "0", "Q": "0", "〇": "0", "l": "1", "I": "1", "i": "1", "|": "1", "Z": "2", "z": "2"}
LOOKS_LIKE |= {"S": "5", "s": "5", "G": "6", "g": "9", "q": "9"}
BEHIND = "has a comment behind it; a comment stands on a line of its own"
Value = TypeVar("Value")


def plain(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return `read` for a value that is never meant to hold a full-width character, a quote or a comment."""
    return _without_comment(read, tidied, r"\s*[#;(]|\s//")


def plain_path(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return `read` for a path, in which every character may be meant, but not quotes around it or ` #` in it."""
    return _without_comment(read, _unquoted, r"\s[#;]")


def _without_comment(read: Callable[[str], Value], tidy: Callable[[str], str], comment: str) -> Callable[[str], Value]:
    def read_tidied(value: str) -> Value:
        value = tidy(value)
        if behind := re.search(comment, value):
            try:
                read(value[: behind.start()])
            except ValueError:
                pass
            else:
                raise ValueError(BEHIND)
        return read(value)

    return read_tidied


def tidied(value: str) -> str:
    """Return the value in half-width characters, without invisible ones and without quotes around it."""
    value = "".join(unicodedata.normalize("NFKC", letter) for letter in value if letter not in INVISIBLE)
    return _unquoted(value.strip())


def _unquoted(value: str) -> str:
    if len(value) > 1 and QUOTES.get(value[0]) == value[-1]:
        return value[1:-1].strip()
    return value


def ungrouped(value: str) -> str:
    """Return digits and letters without what is between groups of four, as the letter prints them."""
    return "".join(value.translate(GROUPING).split())


def is_placeholder(value: str) -> bool:
    """Return whether a value that cannot be read is a template's placeholder."""
    return re.fullmatch(PLACEHOLDER, unicodedata.normalize("NFKC", value).strip()) is not None


def straightened(content: str) -> str:
    """Return the file's lines with the section's brackets, the keys and the `=` as they must be typed.

    Full-width ones, and invisible characters next to them, look the same in an editor. Values, comments and the
    count of lines stay as they are.
    """
    return "\n".join(map(_straight, content.split("\n")))


def _straight(line: str) -> str:
    bare = line.strip(INVISIBLE + "\u3000\xa0 \t\r")
    if bare[:1] in ("[", "［", "＃", "；"):
        return tidied(bare)
    if line.isascii():
        return line
    if bare[:1] in ("", "#", ";"):
        return bare
    head, sign, value = re.fullmatch("([^=:＝：]*)([=:＝：]?)(.*)", bare, re.DOTALL).groups()  # type: ignore[union-attr]
    if not sign:
        return line
    inset = line[: len(line) - len(line.lstrip(" \t"))]
    return f"{inset}{tidied(head)} {tidied(sign)} {value}"


def text(value: str) -> str:
    if not value:
        raise ValueError("is empty")
    return one_line(value)


def one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of printable characters")
    return value


def access_token(value: str) -> str:
    """Return a token that somebody copied, which has no space in it."""
    if " " in text(value):
        raise ValueError("must be one word, as Home Assistant shows it once (it has a space)")
    return value


def optional_text(value: str) -> str | None:
    return one_line(value) or None


def optional_path(value: str) -> str | None:
    return os.path.expanduser(one_line(value)) or None


def hex_digits(count: int) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not re.fullmatch(f"[0-9A-Fa-f]{{{count}}}", value):
            raise ValueError(f"must be {count} hexadecimal digits (it has {len(value)} characters)")
        return value.upper()

    return read


def route_b_id(value: str) -> str:
    """Return the 32 hex digits, in upper case, in groups or not."""
    digits = ungrouped(value)
    if not re.fullmatch("[0-9A-Fa-f]{32}", digits):
        cause = "" if not re.fullmatch("[0-9A-Za-z]{12}", digits) else ", as the pwd has: are the two swapped?"
        raise ValueError(f"must be 32 hexadecimal digits (it has {len(digits)} characters{cause}){_odd(digits)}")
    return digits.upper()


def _odd(digits: str) -> str:
    """Return a hint about the first character that is no hex digit, to find the slip; nothing of the others."""
    odd = next((letter for letter in digits if not re.match("[0-9A-Fa-f]", letter)), "")
    if digit := LOOKS_LIKE.get(odd):
        return f"; it has the letter {odd}, which is none: the digit {digit}?"
    if odd and not odd.isascii():
        return f"; it has a {_script_of(odd)} character, which is none: type it anew"
    return "; it has a letter beyond F" if odd.isalpha() else ""


def _script_of(letter: str) -> str:
    """Return the first word of the character's name, such as `Cyrillic`, `Greek` or `Japanese`."""
    word = unicodedata.name(letter, "strange").split()[0]
    return "Japanese" if word in ("CJK", "KATAKANA", "HIRAGANA") else word.capitalize()


def route_b_password(value: str) -> str:
    """Return the 12 letters and digits, in groups or not."""
    letters = ungrouped(value)
    if not re.fullmatch("[0-9A-Za-z]{12}", letters):
        cause = "" if not re.fullmatch("[0-9A-Fa-f]{32}", letters) else ", as the bid has: are the two swapped?"
        odd = next((letter for letter in letters if not letter.isascii()), "")
        strange = f"; it has a {_script_of(odd)} character: type it anew" if odd else ""
        raise ValueError(f"must be 12 letters and digits (it has {len(letters)} characters{cause}){strange}")
    return letters


def service_urls(value: str) -> tuple[str, ...]:
    """Return URLs of services, as apprise has them; a space or a line end is between two."""
    urls = value.split()
    if not urls or not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[!-~]+", url) for url in urls):
        raise ValueError("must be URLs such as ntfy://…, a space between two, with %20 for a space in one")
    return tuple(dict.fromkeys(urls))


def time_of_day(value: str) -> int | None:
    """Return the minutes since midnight of a time such as 07:00; None of an empty one."""
    if not value:
        return None
    match = re.fullmatch("([01]?[0-9]|2[0-3]):([0-5][0-9])", value)
    if not match:
        raise ValueError("must be a time from 0:00 to 23:59, or empty")
    return int(match[1]) * 60 + int(match[2])


def hours(value: str) -> tuple[int, int] | None:
    """Return the two ends of a time such as 22:00-07:00 in minutes since midnight; None of an empty one."""
    if not value:
        return None
    try:
        since, until = (time_of_day(part.strip()) for part in re.split("[-–~〜]", value))
    except ValueError:
        since = until = None
    if since is None or until is None or since == until:
        raise ValueError("must be two times such as 22:00-07:00, or empty")
    return since, until


def ipv6_address(value: str) -> str | None:
    if not value:
        return None
    if not re.fullmatch("[0-9A-Fa-f]{4}(:[0-9A-Fa-f]{4}){7}", value):
        raise ValueError("must be an address as SKLL64 prints it, such as FE80:0000:0000:0000:0200:AA00:0000:0001")
    return value.upper()


def number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(value)

    return read


def seconds(value: str) -> float:
    try:
        result = float(value)
    except ValueError:
        result = 0.0
    if not 0 < result <= 600:
        raise ValueError("must be a number of seconds, above 0 and up to 600")
    return result


def one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}")
        return value

    return read


def eoj(value: str) -> int:
    return int(hex_digits(6)(value), 16)


def yes_or_no(value: str) -> bool:
    return one_of("yes", "no")(value.lower()) == "yes"


def topic(value: str) -> str:
    """Return the beginning of MQTT topics, without wildcards and empty levels (MQTT 5.0, 4.7.1)."""
    if not re.fullmatch(r"[^+#/$\s][^+#/\s]*(/[^+#/\s]+)*", value):
        raise ValueError(
            "must be a topic such as homemon or home/energy, without spaces, + and #, and no / at its ends"
        )
    return one_line(value)


def server_url(port: int) -> Callable[[str], str]:
    """Return the reader of an http(s) URL whose path is kept; http without a port means `port`.

    A bare host is http, as it was to the original's curl.
    """
    return lambda value: _server_url(value, port)


def _server_url(value: str, usual_port: int) -> str:
    match = re.fullmatch(
        rf"(?:(https?)://)?(\[[0-9A-Fa-f:]+\]|{_HOST})(:[0-9]{{1,9}})?(/(?!/)[^?#\s\\]*|/)?", value, re.IGNORECASE
    )
    if not match or not _may_be_host(match[2]):
        raise ValueError("must be like http://localhost or https://host:port/path, without user, query or spaces")
    scheme, host, port, path = match.groups()
    scheme = (scheme or "http").lower()
    if port and int(port[1:]) > 65535:
        raise ValueError("must have a port up to 65535")
    if port is None and scheme == "http":
        port = f":{usual_port}"
    return f"{scheme}://{host}{port or ''}{(path or '').rstrip('/')}"


def file_name(value: str) -> str:
    """Return a file's name, which is the same file in every locale: its bytes are UTF-8, as in config.ini."""
    return os.fsdecode(text(value).encode("utf-8", "surrogateescape"))


_HOST = r"\w(?:[\w.-]*\w)?\.?"


def _may_be_host(name: str) -> bool:
    """Return whether a name that is all digits and dots is an IPv4 address."""
    if not re.fullmatch("[0-9.]+", name):
        return True
    return re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", name) is not None and max(map(int, name.split("."))) < 256


def host_needed(value: str) -> str:
    """Return a host's name or IPv4 address, which is not left empty."""
    return host(text(value)) or ""


def host(value: str) -> str | None:
    """Return a host's name or IPv4 address."""
    if value and (not re.fullmatch(_HOST, value) or not _may_be_host(value)):
        raise ValueError("must be an address such as 192.168.1.20, or a host's name")
    return value or None


def directory(value: str) -> Path:
    path = os.path.expanduser(file_name(value))
    if path.startswith("~"):
        raise ValueError("names a user who does not exist")
    return Path(path)


def serial_port(value: str) -> str:
    """Return a device, or a pyserial URL; not `spy://`, which would print the Route-B ID."""
    scheme, is_url, _ = value.partition("://")
    if is_url and scheme not in ("socket", "rfc2217"):
        raise ValueError("must be a device such as /dev/ttyAMA0, or begin with socket:// or rfc2217://")
    return file_name(value)
