"""What a server says, as a person may read it: on one line, and without the secrets that it was sent."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from json import dumps
from urllib.parse import quote, quote_plus

MASK = "****"
REVEALING = 8  # characters of a secret that give it away
LONGEST = 200  # characters of a message
_CREDENTIAL = re.compile(r"(?i)\b(bearer|token|basic)\s+[^\s\"',}\]]+")


def masked(said: str, secrets: Iterable[str]) -> str:
    """Return a server's message as one short printable line, without secrets or pieces of them."""
    forms = sorted((form for secret in secrets for form in _forms(secret)), key=len, reverse=True)
    pieces = {form[at : at + REVEALING] for form in forms for at in range(len(form) - REVEALING + 1)}
    for secret in (*forms, *pieces):
        said = re.sub(re.escape(secret), MASK, said, flags=re.IGNORECASE)
    said = _CREDENTIAL.sub(rf"\1 {MASK}", " ".join(said.split()))
    return "".join(character if character.isprintable() else "?" for character in said)[:LONGEST]


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is sent, and as a server may quote it."""
    from html import escape  # which knows 2,231 names: half a megabyte, for a server that complains

    data = secret.encode()
    yield from (secret, quote(secret, ""), quote_plus(secret), escape(secret), dumps(secret)[1:-1])
    yield from (data.hex(), b64encode(data).decode().rstrip("="))
