"""Secrets out of files: `homemon setup --letter`, `--login` and `--page-password`."""

import re

from homemon.config.keys import READERS
from homemon.config.setup.steps import password
from homemon.config.values import tidied, ungrouped


def read_letter(text: str) -> dict[str, str]:
    """Return bid and pwd, which is the shorter one, out of two lines, each alone or behind `name:` or `name =`.

    Raise ValueError with what is wrong, without the values.
    """
    values = [re.split("[=:＝：]", line, maxsplit=1)[-1].strip() for line in text.splitlines() if line.strip()]
    if len(values) != 2:
        raise ValueError(f"must be two lines, Bルート認証ID and パスワード (it has {len(values)})")
    bid, pwd = sorted(values, key=lambda value: len(ungrouped(tidied(value))), reverse=True)
    return {"bid": READERS["Route-B ID"](bid), "pwd": password(pwd)}


def read_login(text: str) -> dict[str, str]:
    """Return a token out of a line, or user and password out of two. Raise ValueError without the values."""
    values = _lines(text)
    if len(values) not in (1, 2):
        raise ValueError(f"must be one line, a token, or two, user and password (it has {len(values)})")
    user, name = (values[0], "password") if len(values) == 2 else ("", "token")
    return {"user": user, name: values[-1]}


def read_password(text: str) -> dict[str, str]:
    """Return the page's password out of a line. Raise ValueError without it."""
    values = _lines(text)
    if len(values) != 1:
        raise ValueError(f"must be one line (it has {len(values)})")
    return {"page_password": values[0]}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
