"""The cards of what is now: a number each, with its unit and age."""

from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

from homemon.core.language import said
from homemon.core.points import Number
from homemon.page import dates
from homemon.page.texts import text
from homemon.page.views import Facts, Load, Newest, Now
from homemon.sources.registry import NAMED, SMART_METER, SOURCES

FIRST = ("power", "tank")
"""The levels that come first; the others follow as in the registry."""
ROUND = 100  # a level from here on has no decimals that matter
NEAR = 0.8  # of the contract: what is above is near its limit
LIVE = ("value", "note", "colour", "time", "stale", "full")
SOURCE_OF = {series.name: source for source in SOURCES for series in source.series if series.name}


class Card(NamedTuple):
    """A number as text. `full` is how much of the contract it is; `time` None where there is no reading."""

    name: str
    heading: str
    device: str
    value: str
    unit: str
    note: str
    colour: str
    time: int | None = None
    stale: int = 0
    full: float | None = None


def cards(moment: Now, language: str) -> Iterator[Card]:
    """Yield a card of each level that is configured or recorded, and of the current where the contract is by ampere."""
    names = sorted(moment.levels, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    for name in names:
        yield _level(name, moment.levels[name], language)
        if name == "power" and moment.load:
            yield _current(moment.load, language)


def _level(name: str, newest: Newest | None, language: str) -> Card:
    series, source = NAMED[name], SOURCE_OF[name]
    exchanged = name == "power"  # with the grid: it has a direction
    heading = text(language, "power now") if exchanged else said(series.label, language)
    device = "" if source is SMART_METER else said(source.name, language)
    if newest is None:
        return Card(name, _title(heading), device, "–", series.unit, "", "quiet")
    selling = exchanged and newest.value < 0
    note = text(language, "selling" if selling else "buying") if exchanged else ""
    colour = name if not exchanged else "sold" if selling else "bought"
    value = abs(newest.value) if exchanged else newest.value
    return Card(name, _title(heading), device, level_text(value), series.unit, note, colour, newest.time, newest.stale)


def _current(load: Load, language: str) -> Card:
    value, time, stale = load.current
    full = max(value, 0) / load.ampere  # what flows out takes nothing of it
    note = text(language, "of amperes").format(load.ampere, f"{full:.0%}".replace("%", " %"))
    heading = text(language, "current now")
    return Card("current", heading, "", level_text(value), "A", note, "current", time, stale, round(full, 3))


def _title(label: str) -> str:
    return label[:1].upper() + label[1:]


def level_text(value: Number) -> str:
    """Return a level for people: 1,234, 23.5, −4."""
    rounded = round(value) if abs(value) >= ROUND else round(value, 1)
    return f"{rounded:,}".removesuffix(".0").replace("-", "−")


def live(moment: Now, language: str) -> dict[str, dict[str, Any]]:
    """Return what moves of each card by its name, for JSON."""
    return {card.name: {key: getattr(card, key) for key in LIVE} for card in cards(moment, language)}


def html(facts: Facts, language: str) -> str:
    """Return the cards."""
    return "\n".join(_card(card, facts.now, language) for card in cards(facts.moment, language))


def _card(card: Card, now: int, language: str) -> str:
    dated = "" if card.time is None else f' data-time="{card.time}" data-stale="{card.stale}"'
    late = " stale" if card.time is not None and now - card.time > card.stale else ""
    age = "no data" if card.time is None else "as of"
    moment = "" if card.time is None else dates.moment(language, card.time, now)
    return (
        f'<div class="card c-{card.colour}{late}" id="card-{card.name}"{dated}>'
        f"<h2>{escape(card.heading)}{f' <small>· {escape(card.device)}</small>' if card.device else ''}</h2>"
        f'<p><span class="value">{card.value}</span> <span class="unit">{escape(card.unit)}</span>'
        f' <span class="note">{escape(card.note)}</span></p>{_meter(card)}'
        f'<p class="age">{text(language, age).format(moment)}</p></div>'
    )


def _meter(card: Card) -> str:
    if card.full is None:
        return ""
    shown = min(max(card.full, 0), 1)
    return (
        f'<meter class="full" min="0" max="1" high="{NEAR}" optimum="0" value="{shown}"'
        f' aria-label="{escape(card.heading)}: {escape(card.note)}"></meter>'
    )
