"""How the values of config.ini read: text → what the program uses.

Each raises ValueError with what the value must be, and never with the value, which may be a secret.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

INFLUXDB_PORT = 8086


def text(value: str) -> str:
    if not value:
        raise ValueError("is empty")
    return one_line(value)


def one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of printable characters")
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


def route_b_password(value: str) -> str:
    if not re.fullmatch("[0-9A-Za-z]{12}", value):
        raise ValueError(f"must be 12 letters and digits (it has {len(value)} characters)")
    return value


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
            raise ValueError(f"must be {' or '.join(words)}")
        return value

    return read


def eoj(value: str) -> int:
    return int(hex_digits(6)(value), 16)


def server_url(value: str) -> str:
    """An http(s) URL; http without a port means InfluxDB's 8086, as the original had it. A path is kept.

    A bare host is http, as it was to the original's curl.
    """
    match = re.fullmatch(r"(?:(https?)://)?(\[[0-9A-Fa-f:]+\]|[^/?#@:\[\]\s]+)(:[0-9]{1,9})?(/[^?#\s]*)?", value)
    if not match:
        raise ValueError("must be like http://localhost or https://host:port/path, without user, query or spaces")
    scheme, host, port, path = match.groups()
    scheme = scheme or "http"
    if port and int(port[1:]) > 65535:
        raise ValueError("must have a port up to 65535")
    if port is None and scheme == "http":
        port = f":{INFLUXDB_PORT}"
    return f"{scheme}://{host}{port or ''}{(path or '').rstrip('/')}"


def file_name(value: str) -> str:
    """A file's name, which is the same file in every locale: its bytes are UTF-8, as those of config.ini are."""
    return os.fsdecode(text(value).encode("utf-8", "surrogateescape"))


def directory(value: str) -> Path:
    path = os.path.expanduser(file_name(value))
    if path.startswith("~"):
        raise ValueError("names a user who does not exist")
    return Path(path)


def serial_port(value: str) -> str:
    """A device, or a pyserial URL; not `spy://`, which would print the Route-B ID."""
    scheme, is_url, _ = value.partition("://")
    if is_url and scheme not in ("socket", "rfc2217"):
        raise ValueError("must be a device such as /dev/ttyAMA0, or begin with socket:// or rfc2217://")
    return file_name(value)
