"""The views: what a day, week, month or year comes to, where its energy came from and went to, and its table."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from html import escape

from homemon.core.language import said
from homemon.core.points import moment_text
from homemon.energy.household import Balance, Known
from homemon.energy.periods import day_of
from homemon.energy.rows import PERCENTAGES, Row, amount_text, kwh_text, percent_text, yen_text
from homemon.page import dates
from homemon.page.cards import SOURCE_OF, level_text
from homemon.page.compared import doubts, figure, shown
from homemon.page.panels import COUNTED
from homemon.page.texts import text
from homemon.page.views import LONG_ENOUGH, PARTS, Extent, Facts, Place, View, place
from homemon.sources.registry import NAMED, SMART_METER, SOURCES

Href = Callable[[Place], str]
"""Where a view is found."""
NOTHING = Known(None, Decimal(0))
EXTENT = ("low", "mean", "high")
WAYS = {"source": ("bought", "generated"), "use": ("used", "sold")}
"""The two bars: where energy came from and went to; their parts are those of a Balance."""


def anchor(view: Place) -> str:
    """Return where a view is found on the page itself."""
    return f"#{view.name}"


def path(view: Place) -> str:
    """Return where a view is found that is served."""
    return f"/{view.path}"


def kinds(facts: Facts, href: Href, language: str) -> str:
    """Return links to a view of each kind, of the day that is shown first."""
    shown = _current(facts)
    day = min(max(day_of(facts.now), shown.first), day_of(shown.period.end - 1))
    there = {view.kind for view in facts.views} if facts.reaches else set(LONG_ENOUGH)
    return "".join(
        f'<a data-kind="{kind}" href="{href(place(kind, day))}"{_marked(kind == shown.kind)}>{text(language, kind)}</a>'
        for kind in LONG_ENOUGH
        if kind in there
    )


def _current(facts: Facts) -> Place:
    """Return the view that is shown first: today's of several, or the only one."""
    return place("day", day_of(facts.now)) if facts.reaches else facts.views[0].place


def _marked(current: bool) -> str:
    return ' aria-current="true"' if current else ""


def html(facts: Facts, href: Href, language: str) -> str:
    """Return the views."""
    there = {view.place for view in facts.views} if facts.reaches else None
    current = _current(facts)
    return "\n".join(_section(view, view.place == current, there, facts, href, language) for view in facts.views)


def _section(view: View, current: bool, there: set[Place] | None, facts: Facts, href: Href, language: str) -> str:
    name = view.place.name
    return (
        f'<section class="view{" current" if current else ""}" id="{name}" data-kind="{view.kind}"'
        f' data-since="{view.period.start}" data-until="{view.period.end}" aria-labelledby="head-{name}">\n'
        f'<header><h2 id="head-{name}">{dates.heading(language, view.kind, view.first)}</h2>'
        f"{_steps(view, there, facts, href, language)}</header>\n"
        f'<dl class="figures">{"".join(_figures(view, facts, language))}</dl>\n'
        f"{_balance(view.balance, view, facts, language)}"
        f"{doubts(view.row.doubts if _priced(facts) else (), language)}\n"
        f"{_table(view, facts, language)}</section>"
    )


def _priced(facts: Facts) -> bool:
    return facts.running.name == "bill"


def _steps(view: View, there: set[Place] | None, facts: Facts, href: Href, language: str) -> str:
    """Return links to the view before and after, and to the present one of its kind."""
    kind, present, first = view.kind, place(view.kind, day_of(facts.now)), facts.first
    links = (
        ("earlier", view.place.earlier, "‹"),
        ("today", present, text(language, f"this {kind}")),
        ("later", view.place.later, "›"),
    )
    steps = [
        _step(name, to, sign, _is_there(to, present, there, first), kind, href, language) for name, to, sign in links
    ]
    return f'<nav class="steps" aria-label="{text(language, "steps")}">{"".join(steps)}</nav>'


def _is_there(to: Place, present: Place, there: set[Place] | None, first: int) -> bool:
    """Return whether a view is on the page, or can be asked for: from the first reading on up to the present."""
    return to in there if there is not None else to.period.end > first and to.first <= present.first


def _step(name: str, to: Place, sign: str, there: bool, kind: str, href: Href, language: str) -> str:
    label = "" if name == "today" else f' aria-label="{text(language, f"{name} {kind}")}"'
    where = f'href="{href(to)}"' if there else 'role="link" aria-disabled="true"'
    return f'<a class="{name}" {where}{label}>{sign}</a>'


# --- what it comes to -----------------------------------------------------------------------


def _figures(view: View, facts: Facts, language: str) -> Iterator[str]:
    summary, period = view.row.summary, view.row.period
    for name in facts.energies:
        known = kwh_text(getattr(summary, name), period, facts.now)
        yield figure(text(language, name), shown(known), "kWh", name=name)
        if name == "bought" and _priced(facts):
            yen = yen_text(view.row.yen, view.row.doubts)
            yield figure(text(language, "cost"), shown(yen), text(language, "yen"))
    hours = view.balance.hours if view.balance else summary.bought.hours
    part = f"<small>({hours.normalize():f} h)</small>" if hours < summary.bought.hours else ""
    for name in PERCENTAGES:
        if (percent := getattr(summary, name)) is not None:
            yield figure(text(language, name), percent_text(percent), more=part)
    if summary.peak is not None:
        when = moment_text(summary.peak.start, "%H:%M")
        if view.kind != "day":
            when = dates.moment(language, summary.peak.start, facts.now)
        yield figure(text(language, "peak"), amount_text(summary.peak.kwh), "kWh", f"<small>{when}</small>")


def _balance(balance: Balance | None, view: View, facts: Facts, language: str) -> str:
    """Return where energy came from and went to as two bars; nothing where it came from the grid only."""
    if balance is None or "generated" not in facts.energies or balance.bought + balance.generated <= 0:
        return ""
    bars = "".join(_bar(balance, way, names, language) for way, names in WAYS.items())
    hours = balance.hours.normalize()
    part = hours < view.row.summary.bought.hours
    note = f"<small>{text(language, 'of hours').format(f'{hours:f}')}</small>" if part else ""
    return f'<figure class="flow">{bars}{note}</figure>\n'


def _bar(balance: Balance, way: str, names: Sequence[str], language: str) -> str:
    parts = {name: max(Decimal(getattr(balance, name)), Decimal(0)) for name in names}
    whole = sum(parts.values()) or Decimal(1)
    blocks, legend, left = [], [], Decimal(0)
    for name, kwh in parts.items():
        share = 100 * kwh / whole
        blocks.append(f'<rect class="c-{name}" x="{left:.2f}" width="{share:.2f}" height="1"/>')
        label, amount = text(language, name), f"{amount_text(kwh)} kWh · {percent_text(share)}"
        legend.append(f'<li class="c-{name} dot">{escape(label)} {amount}</li>')
        left += share
    return (
        f'<div><h3>{text(language, way)}</h3><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(blocks)}</svg><ul>{''.join(legend)}</ul></div>"
    )


# --- the table ------------------------------------------------------------------------------


def _table(view: View, facts: Facts, language: str) -> str:
    """Return every number of the view's charts: a row a part, and one for the whole."""
    name, kind = view.place.name, PARTS[view.kind]
    counted = [each for each, found in view.counted.items() if any(row.period.start in found for row in view.parts)]
    levels = [level for level, found in view.levels.items() if any(row.period.start in found for row in view.parts)]
    caption = f"{dates.heading(language, view.kind, view.first)} · {text(language, kind)}"
    note = f"<small>{text(language, 'charts by day')}</small>" if kind == "month" and (counted or levels) else ""
    heads = [dates.part(language, kind, row.period) for row in view.parts]
    body = "".join(_row(row, head, counted, levels, view, facts) for row, head in zip(view.parts, heads, strict=True))
    others = len(counted) + len(EXTENT) * len(levels)
    rest = f'<td colspan="{others}"></td>' if others else ""
    total = _row(view.row, text(language, view.kind), (), (), view, facts, rest)
    return (
        f'<details class="table"><summary>{text(language, "table")}</summary>{note}'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}">'
        f'<table id="table-{name}"><caption>{caption}</caption>{_heads(counted, levels, facts, kind, language)}'
        f"<tbody>{body}</tbody><tfoot>{total}</tfoot></table></div></details>"
    )


def _heads(counted: Sequence[str], levels: Sequence[str], facts: Facts, kind: str, language: str) -> str:
    energies = [f"{text(language, name)} <small>kWh</small>" for name in facts.energies]
    if _priced(facts):
        energies.append(f"{text(language, 'cost')} <small>{text(language, 'yen')}</small>")
    energies += [f"{_counter_label(name, language)} <small>kWh</small>" for name in counted]
    rows = ' rowspan="2"' if levels else ""
    first = "".join(f'<th scope="col"{rows}>{head}</th>' for head in (text(language, kind), *energies))
    groups = "".join(f'<th scope="colgroup" colspan="3">{_level_label(name, language)}</th>' for name in levels)
    below = "".join(f'<th scope="col">{text(language, each)}</th>' for each in EXTENT) * len(levels)
    return f"<thead><tr>{first}{groups}</tr>{f'<tr>{below}</tr>' if levels else ''}</thead>"


def _counter_label(name: str, language: str) -> str:
    source = next(source for source in SOURCES for series in source.series if series.measurement == COUNTED[name][0])
    return escape(f"{said(source.name, language)} {text(language, name)}")


def _level_label(name: str, language: str) -> str:
    series, source = NAMED[name], SOURCE_OF[name]
    device = "" if source is SMART_METER else f"{said(source.name, language)} "
    return f"{escape(device + said(series.label, language))} <small>{escape(series.unit)}</small>"


def _row(
    row: Row, head: str, counted: Sequence[str], levels: Sequence[str], view: View, facts: Facts, more: str = ""
) -> str:
    cells = [shown(kwh_text(getattr(row.summary, name), row.period, facts.now)) for name in facts.energies]
    if _priced(facts):
        cells.append(shown(yen_text(row.yen, row.doubts)))
    for name in counted:
        known = view.counted[name].get(row.period.start, NOTHING)
        cells.append(shown(kwh_text(known, row.period, facts.now)))
    for level in levels:
        cells += _extent(view.levels[level].get(row.period.start))
    return f'<tr><th scope="row">{head}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}{more}</tr>'


def _extent(extent: Extent | None) -> list[str]:
    return ["–"] * 3 if extent is None else [level_text(value) for value in (extent.low, extent.mean, extent.high)]
