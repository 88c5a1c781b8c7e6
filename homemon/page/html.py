"""The page, out of its facts and what its charts draw: numbers and tables first, which need no script."""

import json
from collections.abc import Collection
from html import escape
from pathlib import Path
from re import sub
from string import Template

from homemon import __version__
from homemon.core.language import said
from homemon.core.points import moment_text
from homemon.page import cards, compared, sections
from homemon.page.figures import Json, Panel, aliases, has_readings, panels_of
from homemon.page.panels import Charts
from homemon.page.plotly import style_ids
from homemon.page.texts import remedy, text
from homemon.page.views import Facts
from homemon.sources.registry import SHOWN, SOURCES
from homemon.sources.source import Source

HERE = Path(__file__).parent
STYLES = ("page.css", "charts.css")
NAMED_FOR_PLOTLY = ' id="plotly.js-style-global" class="no-inline-styles"'
"""A style sheet that is called so has plotly's rules in it, and plotly makes none, which a CSP refuses."""
SCRIPTS = ("charts.js", "moment.js", "page.js")
"""The parts of our script, in order."""
ENERGIES = ("bought", "sold", "generated", "used")


def html(facts: Facts, charts: Charts, language: str, data: Json, served: bool = False) -> str:
    """Return the page; `data` is what page.js reads. A served page has style and script from its server."""
    href = sections.path if served else sections.anchor
    drawn = [panel for panel in panels_of(facts.sections) if has_readings(panel, charts)]
    main = numbers(facts, href, language) if facts.begun else ""
    return Template((HERE / "page.html").read_text("utf-8")).substitute(
        lang=language,
        live=' data-live="/live"' if served else "",
        title=text(language, "title"),
        written=text(language, "written").format(moment_text(facts.now, "%Y-%m-%d %H:%M")),
        style=f'<link rel="stylesheet" href="/page.css"{NAMED_FOR_PLOTLY}>{guards()}'
        if served
        else f"<style{NAMED_FOR_PLOTLY}>\n{style()}</style>",
        empty=nothing(facts, language),
        main=main,
        fault=text(language, "no plotly"),
        panels="\n".join(section(panel, facts, language) for panel in drawn),
        no_script=text(language, "no script") if drawn else "",
        readout=text(language, "readout") if drawn else "",
        version=__version__,
        zone=text(language, "zone"),
        data=compact(data),
        scripts=scripts(served),
    )


def numbers(facts: Facts, href: sections.Href, language: str) -> str:
    """Return what is now, what came so far, and the views."""
    so_far = compared.html(facts, language)
    return "\n".join(
        (
            f'<section id="now" aria-label="{text(language, "now")}">\n{cards.html(facts, language)}\n</section>',
            f'<section id="so-far" aria-label="{text(language, "so far")}">\n{so_far}\n</section>' if so_far else "",
            f'<nav id="kinds" aria-label="{text(language, "views")}">{sections.kinds(facts, href, language)}</nav>',
            f'<div id="views">\n{sections.html(facts, href, language)}\n</div>',
        )
    )


def style() -> str:
    """Return the style sheet, with the colours of the registry's series."""
    names = dict.fromkeys(("current", "quiet", *ENERGIES, *(series.name for series in SHOWN)))
    classes = "".join(f".c-{name} {{ --dot: var(--{name}); }}\n" for name in names)
    return "".join((HERE / name).read_text("utf-8") for name in STYLES) + aliases() + classes


def guards() -> str:
    """Return an element for each of plotly's own style sheets, so that it makes none."""
    return "".join(f'<template id="{each}"></template>' for each in style_ids())


def scripts(served: bool) -> str:
    """Return plotly, which is loaded after the page is shown, and our script, which waits for it."""
    if served:
        return '<script src="/plotly.min.js" defer></script>\n<script src="/page.js" defer></script>'
    return f'<script src="plotly.min.js" defer></script>\n<script>\n{script()}</script>'


def script() -> str:
    """Return our script."""
    return "".join((HERE / name).read_text("utf-8") for name in SCRIPTS)


def compact(value: Json) -> str:
    """Return JSON that may be put in a <script>."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")


# --- panels ---------------------------------------------------------------------------------


def section(panel: Panel, facts: Facts, language: str) -> str:
    """Return the frame of a panel: its heading, its legend, and where it is drawn."""
    name = escape(said(panel.title, language))
    legend = "".join(_entry(panel, key, language) for key in shown(panel, facts))
    return (
        f'<section class="panel" id="{panel.name}"><header><h2>{name}</h2><ul>{legend}</ul></header>\n'
        f'<div class="plot" role="img" aria-label="{name}" aria-describedby="readout"></div></section>'
    )


def _entry(panel: Panel, key: str, language: str) -> str:
    """Return an entry of a legend; that of a series which the panel draws says so, for it is not in every view."""
    of = f' data-of="{key}"' if any(trace.of == key for trace in panel.traces) else ""
    return f'<li class="c-{key} dot"{of}>{escape(text(language, key))}</li>'


def shown(panel: Panel, facts: Facts) -> list[str]:
    """Return what of a panel's legend there is: nothing is said of selling where nothing was ever sold."""
    return [key for key in panel.legend if key not in ENERGIES or key in facts.energies]


# --- where there is nothing -----------------------------------------------------------------


def nothing(facts: Facts, language: str) -> str:
    """Return what to configure, or to start, for each source of which nothing comes."""
    return "\n".join(_hint(each, facts.sections, language) for each in SOURCES if each.section in facts.silent)


def _hint(source: Source, sections: Collection[str], language: str) -> str:
    present = source.section in sections
    what = text(language, "silent") if present else text(language, "absent").format(source.section)
    hint = sub("`([^`]+)`", r"<code>\1</code>", escape(what + remedy(language, source, present)))
    return f'<p class="empty"><strong>{escape(said(source.name, language))}</strong> <span>{hint}</span></p>'
