"""Who is answered: by the password, and without one by the name under which we are asked.

A page of another site can have a browser ask us under a name of its own that leads to our address (DNS rebinding), and
would then read what we answer. Names that only this network can have given are accepted, and addresses. With a
password that needs no care: a browser gives it to the name only for which it was typed.
"""

import re
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable, Collection
from hmac import compare_digest
from ipaddress import ip_address
from threading import Lock

WRONG, WITHIN = 10, 60.0  # wrong passwords of one address within so many seconds; then no other is looked at
REMEMBERED = 1000  # addresses
LOCAL = (".local", ".lan", ".home.arpa", ".localhost")  # RFC 6762, in use by routers, RFC 8375, RFC 6761
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[0-9a-z._-]+))(?::[0-9]{1,5})?")


def is_ours(host: str, names: Collection[str]) -> bool:
    """Return whether a Host header names us: an IP address, localhost, one of `names`, or a name of the home's LAN."""
    found = _HOST.fullmatch(host.strip().lower())
    if not found:
        return False
    name = (found["v6"] or found["name"]).rstrip(".")
    return name in ("localhost", *names) or name.endswith(LOCAL) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Password:
    """The one password, and who tried others. `clock` gives seconds that only go forward."""

    def __init__(self, password: str, clock: Callable[[], float]) -> None:
        self._password = password.encode()
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, and since when
        self._lock = Lock()

    def refusal(self, authorization: str, address: str) -> int:
        """Return 0 for the right password, else the status of the answer: 401, or 429 after too many wrong ones.

        `authorization` is the header; nobody waits, and no thread is held, after a wrong one.
        """
        if not authorization:
            return 401
        with self._lock:
            if self._too_many(address):
                return 429
        if compare_digest(given(authorization), self._password):
            return 0
        with self._lock:
            count, since = self._wrong.pop(address, (0, self._clock()))
            self._wrong[address] = count + 1, since
            if len(self._wrong) > REMEMBERED:
                self._wrong.popitem(last=False)
        return 401

    def _too_many(self, address: str) -> bool:
        count, since = self._wrong.get(address, (0, 0.0))
        if count and self._clock() - since >= WITHIN:
            del self._wrong[address]
            return False
        return count >= WRONG


def given(authorization: str) -> bytes:
    """Return the password in an Authorization header of HTTP Basic (RFC 7617); empty where there is none."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(text.strip(), validate=True).partition(b":")[2]
    except ValueError:
        return b""
