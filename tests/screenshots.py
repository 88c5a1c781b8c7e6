"""The pictures of the documents: pages of the simulated house in a real browser. `make screenshot`"""

from datetime import date, timedelta
from typing import NamedTuple

from tests.graphs import DESKTOP, PHONE

CONTRACT = "[contract]\nplan = tepco-smartlife-s\nampere = 50\nreading_day = 12\nsell = 16"
DAYS = 420


class Shot(NamedTuple):
    """A picture: of which house, in which language, which view of which day before today, and how it is looked at."""

    name: str
    house: str = "full"
    language: str = "en"
    view: str = "day"
    before: int = 0
    size: tuple[int, int] = DESKTOP
    scheme: str = "light"


SHOTS = (
    Shot("day"),
    Shot("day-ja", language="ja"),
    Shot("month", view="month"),
    Shot("month-ja", view="month", language="ja"),
    Shot("year", view="year"),
    Shot("year-ja", view="year", language="ja"),
    Shot("phone", size=PHONE),
    Shot("phone-ja", size=PHONE, language="ja"),
    Shot("dark", scheme="dark"),
    Shot("dark-ja", scheme="dark", language="ja"),
    Shot("meter-only", house="meter-only"),
    Shot("meter-only-ja", house="meter-only", language="ja"),
    Shot("empty", house="empty"),
    Shot("empty-ja", house="empty", language="ja"),
)


def address(shot: Shot) -> str:
    """The fragment of a view: its kind and first day."""
    day = date.today() - timedelta(days=shot.before)
    first = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[shot.view]
    return f"#{shot.view}-{first}"
