"""The page, as one file next to plotly's JavaScript: it asks no other host for anything.

It is `page.html` with `page.js` and the readings in it. Of plotly only the JavaScript is used:
to import its Python half takes longer than all the rest, and would write no other JSON.
"""

import json
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from html import escape
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from re import sub
from string import Template
from time import gmtime, strftime

from homemon import __version__
from homemon.core.errors import HomemonError
from homemon.core.files import replace_file
from homemon.core.points import JST_AHEAD
from homemon.page.figures import PANELS, Json, Panel, aliases, figure, panels_of, settings
from homemon.page.panels import DETAILED_DAYS, Columns, Headline, Panels
from homemon.page.texts import remedy, said, text
from homemon.sources.registry import NAMED
from homemon.sources.source import Kind, Series

JAVASCRIPT = "plotly.min.js"
RANGES = (1, 2, 7, 30)  # days
FIRST_VIEW = 2  # days, as the original's
READABLE = 0o644  # the web server is another user
HERE = Path(__file__).parent


def write(path: Path, panels: Panels, sections: Collection[str], language: str) -> None:
    """Write the page, and next to it plotly's JavaScript where that is not there yet. Raise HomemonError."""
    script = javascript()
    try:
        put_next_to(script, path.with_name(JAVASCRIPT))
        put(path, html(panels, sections, language).encode())
    except OSError as error:
        raise HomemonError(
            f"{path} cannot be written: {error.strerror}",
            "Name a file in a folder that you may write, with --output.",
        ) from None


def javascript() -> Path:
    """Return where plotly keeps its JavaScript. Raise HomemonError where plotly is not installed."""
    found = find_spec("plotly")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder, "package_data", JAVASCRIPT)
        if path.is_file():
            return path
    raise HomemonError(
        "plotly is not installed, and draws the page",
        "You can add it with `pipx inject homemon plotly`, or `pip install plotly` in a venv.",
    )


def put_next_to(source: Path, target: Path) -> None:
    """Copy `source`, unless `target` is a copy of ours by size and time: the page runs what stands there."""
    wanted = source.stat()
    with suppress(FileNotFoundError):
        there = target.lstat()
        ours = stat.S_ISREG(there.st_mode) and there.st_uid in (0, os.geteuid())
        if ours and (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
    put(target, source.read_bytes())
    os.utime(target, ns=(wanted.st_atime_ns, wanted.st_mtime_ns))


def put(path: Path, content: bytes) -> None:
    new = not path.exists()
    replace_file(path, content)
    if new:
        path.chmod(READABLE)


# --- the page --------------------------------------------------------------------

HEADLINES = {"power": "now", "bought": "today", "sold": "today", "tank": "", "generated": "today"}
"""Which numbers, and the text that their label stands in; label and unit are the registry's."""


def html(panels: Panels, sections: Collection[str], language: str) -> str:
    """Return the page; `sections` are those of config.ini."""
    shown = panels_of(sections)
    drawn = [panel for panel in shown if has_readings(panel, panels)]
    written = strftime("%Y-%m-%d %H:%M", gmtime(panels.now + JST_AHEAD))
    return Template((HERE / "page.html").read_text("utf-8")).substitute(
        lang=language,
        colours=aliases(),
        title=text(language, "title"),
        written=text(language, "written").format(written),
        period=text(language, "period"),
        buttons=buttons(panels.days, language),
        cards="\n".join(
            card(panels.headlines[name], NAMED[name], headed(name, language), language)
            for name in (*HEADLINES, *levels(shown))
        ),
        fault=text(language, "no plotly"),
        panels="\n".join(section(panel, panel in drawn, sections, language) for panel in shown),
        version=__version__,
        zone=text(language, "zone"),
        data=compact(data(panels, drawn, language)),
        script=(HERE / "page.js").read_text("utf-8"),
    )


def levels(shown: list[Panel]) -> list[str]:
    """Return the names of the numbers of panels that the table of headlines lacks."""
    known = {panel.source.section for panel in PANELS}
    others = [series for panel in shown if panel.source.section not in known for series in panel.source.series]
    return [series.name for series in others if series.name]


def headed(name: str, language: str) -> str:
    """Return the heading of a number's card: its label, as a title."""
    form = HEADLINES.get(name)
    label = text(language, form).format(text(language, name)) if form else text(language, name)
    return label[:1].upper() + label[1:]


def has_readings(panel: Panel, panels: Panels) -> bool:
    return any(panels.detailed[trace.of] or panels.daily[trace.of] for trace in panel.traces)


def data(panels: Panels, drawn: list[Panel], language: str) -> Json:
    """Return what page.js reads."""
    return {
        "now": panels.now,
        "days": panels.days,
        "detailed_days": DETAILED_DAYS,
        "first_view": min(panels.days, FIRST_VIEW) if panels.days <= DETAILED_DAYS else panels.days,
        "detailed": {name: packed(columns) for name, columns in panels.detailed.items()},
        "daily": {name: packed(columns) for name, columns in panels.daily.items()},
        "panels": [figure(panel, language) for panel in drawn],
        **settings(language),
    }


def packed(columns: Columns) -> Columns:
    """Return the times as steps from one to the next, which are short."""
    times, *values = columns or [[]]
    return [[after - before for before, after in pairwise([0, *times])], *values]  # type: ignore[operator]


def compact(value: Json) -> str:
    """Return JSON that may be put in a <script>."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")


def buttons(days: int, language: str) -> str:
    """Return a button for each range that the page has, and one back and forth."""
    label = text(language, "days")
    ranges = [*(length for length in RANGES if length < days), days]
    return "".join(
        (
            f'<button data-shift="-1" aria-label="{text(language, "earlier")}">‹</button>',
            *(f'<button data-days="{length}">{label.format(length)}</button>' for length in ranges),
            f'<button data-shift="1" aria-label="{text(language, "later")}">›</button>',
        )
    )


def card(headline: Headline, series: Series, label: str, language: str) -> str:
    """Return the card of one number; page.js adds its age and marks it when it is stale."""
    value, time, stale = headline
    dated = "" if time is None else f' data-time="{time}" data-stale="{stale}"'
    exchanged = series.name == "power"  # with the grid: it has a direction
    shown, note, colour = "–", "", "bought" if exchanged else series.name
    if value is not None:
        energy = series.kind is not Kind.LEVEL
        shown = f"{value:,.2f}".removesuffix("0") if energy else f"{value:,.0f}".replace("-", "−")
        if exchanged:
            note = " " + text(language, "selling" if value < 0 else "buying")
            colour = "sold" if value < 0 else "bought"
    return (
        f'<div class="card"{dated}><h3 class="dot" style="--dot:var(--{colour})">{label}</h3>'
        f'<p class="value">{shown} <small>{series.unit}{note}</small></p>'
        f'<p class="age">{"" if dated else text(language, "no data")}</p></div>'
    )


def section(panel: Panel, drawn: bool, sections: Collection[str], language: str) -> str:
    """Return a panel's frame; what to configure or to start where there is nothing to draw."""
    name = said(language, panel.title)
    if drawn:
        body = f'<div class="plot" role="img" aria-label="{name}"></div>'
        legend = "".join(
            f'<li class="dot" style="--dot:var(--{key})">{text(language, key)}</li>' for key in panel.legend
        )
        cuts = "".join(
            f' <small class="{cut}">{text(language, key)}</small>'
            for cut, key in (("in-detail", panel.detailed), ("by-day", panel.by_day))
            if key
        )
    else:
        section = panel.source.section
        present = section in sections
        what = text(language, "silent") if present else text(language, "absent").format(section)
        hint = sub("`([^`]+)`", r"<code>\1</code>", escape(remedy(language, panel.source, present)))
        body = f'<p class="empty"><span>{what}{hint}</span></p>'
        legend = cuts = ""
    return (
        f'<section class="panel" id="{panel.name}"><header><h2>{name}{cuts}</h2><ul>{legend}</ul></header>\n'
        f"{body}</section>"
    )
