"""Today and the running period so far: what they come to, and the same part of earlier ones."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape

from homemon.core.messages import words
from homemon.energy.household import Known
from homemon.energy.periods import day_of
from homemon.energy.rows import UNKNOWN, amount_text, kwh_text, yen_text
from homemon.energy.so_far import Earlier, SoFar, difference
from homemon.page import dates
from homemon.page.texts import text
from homemon.page.views import Facts


def shown(figure: str) -> str:
    """Return a figure of a table of `energy` as the page has it."""
    return "–" if figure == UNKNOWN else figure.replace("-", "−")


def html(facts: Facts, language: str) -> str:
    """Return what today and the running period come to so far; nothing where no energy is known or to come."""
    if not facts.energies:
        return ""
    parts = [(facts.today, "cost"), (facts.running, "bill" if facts.running.name == "bill" else "cost")]
    body = "\n".join(_part(part, paid if _priced(facts) else "", facts, language) for part, paid in parts)
    return body + "".join(f'\n<p class="hint">{hint}</p>' for hint in _hints(facts, language))


def _hints(facts: Facts, language: str) -> Iterator[str]:
    """Yield why there are no yen where there are none."""
    if facts.unpriced:
        yield text(language, "unpriced").format(told(facts.unpriced, language))
    elif facts.begins and not _priced(facts):
        yield text(language, "begins").format(facts.begins)
    elif not _priced(facts) and "bought" in facts.energies:
        yield text(language, "no contract")


def _priced(facts: Facts) -> bool:
    return facts.running.name == "bill"


def _part(part: SoFar, paid: str, facts: Facts, language: str) -> str:
    until = ""
    if part.reached > part.period.start:
        until = text(language, "until").format(dates.moment(language, part.reached, facts.now))
    heading, days = _heading(part, language)
    return (
        f'<article class="so-far" id="so-far-{"day" if part.name == "day" else "period"}">'
        f"<header><h2>{heading}</h2><small>{days}{' · ' if days and until else ''}{until}</small></header>\n"
        f'<dl class="figures">{"".join(_figures(part, paid, facts, language))}</dl>\n'
        f"{_table(part, paid, facts, language)}{doubts(_doubts(part) if paid else (), language)}</article>"
    )


def _doubts(part: SoFar) -> Sequence[str]:
    """Return why its yen, and those of the earlier ones, may change."""
    return list(dict.fromkeys([*part.row.doubts, *(why for each in part.earlier for why in each.doubts)]))


def _heading(part: SoFar, language: str) -> tuple[str, str]:
    if part.name == "day":
        return text(language, "today"), ""
    if part.name == "bill":
        return dates.bill(language, part.period.label), dates.days(language, part.period)
    return dates.heading(language, "month", day_of(part.period.start)), ""


def figure(label: str, value: str, unit: str = "", more: str = "", name: str = "") -> str:
    """Return a number with what it is; `name` says whose colour it has. The hours of which it is known stand small."""
    colour = f' class="c-{name}"' if name else ""
    value, hours = value.partition(" (")[::2]
    more = f"{f' <small>({hours}</small>' if hours else ''}{more}"
    return (
        f"<div{colour}><dt>{escape(label)}</dt>"
        f'<dd><span class="value">{value}</span> <span class="unit">{escape(unit)}</span>{more}</dd></div>'
    )


def _figures(part: SoFar, paid: str, facts: Facts, language: str) -> Iterator[str]:
    for name in facts.energies[:1]:  # what is bought, unless there is no meter
        known = kwh_text(getattr(part.row.summary, name), part.row.period, facts.now)
        yield figure(text(language, name), shown(known), "kWh", name=name)
    if paid:
        yield figure(text(language, paid), shown(yen_text(part.row.yen, part.row.doubts)), text(language, "yen"))
    ahead = text(language, "expected day" if part.name == "day" else "expected")
    if part.forecast and paid:
        ahead = text(language, "expected bill")
        low, high = yen_text(Decimal(part.forecast.low)), yen_text(Decimal(part.forecast.high))
        extent = f"{text(language, 'from to').format(low, high)} {text(language, 'yen')}"
        kwh = f"{amount_text(part.forecast.kwh)} kWh"
        more = f"<small>{kwh if low == high else f'{extent} · {kwh}'}</small>"
        yield figure(ahead, f"~{yen_text(Decimal(part.forecast.yen))}", text(language, "yen"), more)
    elif part.expected is not None:
        yield figure(ahead, f"~{amount_text(part.expected)}", "kWh")
    if part.earned:
        yield figure(
            text(language, "earned"), shown(yen_text(Decimal(part.earned))), text(language, "yen"), name="sold"
        )


# --- the table ------------------------------------------------------------------------------


def _table(part: SoFar, paid: str, facts: Facts, language: str) -> str:
    part = part._replace(earlier=tuple(each for each in part.earlier if _is_known(each, facts)))
    if not part.earlier and list(facts.energies) == ["bought"]:
        return ""  # that is said above
    others = ", ".join(text(language, name) for name in facts.energies[1:])
    caption = text(language, "same part") if part.earlier else others
    heads = [text(language, "so far"), *(text(language, each.name) for each in part.earlier)]
    columns = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    rows = [_energy(name, part, facts, language) for name in facts.energies]
    if paid:
        rows.append(_yen(part, paid, language))
    return (
        f'<details class="compared"><summary>{" · ".join([caption, *_glance(part, paid, language)])}</summary>'
        f"<table><caption>{caption}</caption>"
        f"<thead><tr><td></td>{columns}</tr></thead><tbody>{''.join(rows)}</tbody></table></details>"
    )


def _glance(part: SoFar, paid: str, language: str) -> Iterator[str]:
    """Yield how the first of the earlier ones compares, in a word."""
    for each in part.earlier[:1]:
        kwh = difference(part.row.summary.bought.kwh, each.known["bought"].kwh) if "bought" in each.whole else None
        if (alike := _difference(_dearer(part, each) if paid else kwh, language)) != "":
            yield f"{text(language, each.name)} {alike}"


def _is_known(earlier: Earlier, facts: Facts) -> bool:
    return any(earlier.known[name].kwh is not None for name in facts.energies)


def _energy(name: str, part: SoFar, facts: Facts, language: str) -> str:
    known: Known = getattr(part.row.summary, name)
    cells = [_hours_small(kwh_text(known, part.row.period, facts.now))]
    for each in part.earlier:
        then = each.known[name]
        alike = difference(known.kwh, then.kwh) if name in each.whole else None
        cells.append(_hours_small(kwh_text(then, each.part, facts.now)) + _difference(alike, language))
    return _row(f"{text(language, name)} <small>kWh</small>", cells, name)


def _hours_small(kwh: str) -> str:
    """Return kWh with the hours of which they are known in small print."""
    amount, bracket, hours = shown(kwh).partition(" (")
    return f"{amount} <small>({hours}</small>" if bracket else amount


def _yen(part: SoFar, paid: str, language: str) -> str:
    cells = [shown(yen_text(part.row.yen, part.row.doubts))]
    for each in part.earlier:
        cells.append(shown(yen_text(each.yen, each.doubts)) + _difference(_dearer(part, each), language))
    return _row(f"{text(language, paid)} <small>{text(language, 'yen')}</small>", cells)


def _dearer(part: SoFar, each: Earlier) -> Decimal | None:
    says = difference(part.row.summary.bought.kwh, each.known["bought"].kwh) is not None
    return difference(part.row.yen, each.yen) if says and "bought" in each.whole else None


def _row(head: str, cells: Sequence[str], name: str = "") -> str:
    colour = f' class="c-{name} dot"' if name else ""
    return f'<tr><th scope="row"{colour}>{head}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _difference(percent: Decimal | None, language: str) -> str:
    """Return how much more or less there is now, in percent and in words: "-5 % less" would be more."""
    if percent is None:
        return ""
    rounded = round(percent)
    way = "more" if rounded > 0 else "less" if rounded < 0 else "alike"
    much = f"{abs(rounded):,} % " if rounded else ""
    return f'<small class="{way}">{much}{text(language, way)}</small>'


def told(message: str, language: str) -> str:
    """Return a message of homemon's as HTML, marked where it is not in the page's language."""
    said = words(language)(message)
    return escape(said) if language == "en" or said != message else f'<span lang="en">{escape(said)}</span>'


def doubts(reasons: Sequence[str], language: str) -> str:
    """Return why figures may change, to be opened; empty where nothing is in doubt."""
    if not reasons:
        return ""
    items = "".join(f"<li>{told(reason, language)}</li>" for reason in reasons)
    return f'<details class="doubts"><summary>{text(language, "provisional")}</summary><ul>{items}</ul></details>'
