"""The two values of the letter out of a file: `homemon setup --letter`."""

import re

from homemon.config.keys import READERS
from homemon.config.values import GROUPING, tidied
from homemon.setup.steps import password


def read_letter(text: str) -> dict[str, str]:
    """Return bid and pwd, which is the shorter one, out of two lines, each alone or behind `name:` or `name =`.

    Raise ValueError with what is wrong, without the values.
    """
    values = [re.split("[=:＝：]", line, maxsplit=1)[-1].strip() for line in text.splitlines() if line.strip()]
    if len(values) != 2:
        raise ValueError(f"must be two lines, Bルート認証ID and パスワード (it has {len(values)})")
    bid, pwd = sorted(values, key=lambda value: len(GROUPING.sub("", tidied(value))), reverse=True)
    return {"bid": READERS["Route-B ID"](bid), "pwd": password(pwd)}
