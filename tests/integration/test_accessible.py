"""The page for everybody: by axe-core's rules, by keys alone, in large text, on paper, and each number in a table."""

import os
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import time
from typing import Any, NamedTuple

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from homemon.core.points import DAY, HALF_HOUR, HOUR, Point
from homemon.energy.periods import ONE_DAY, Period, calendar, day_of
from homemon.energy.rows import amount_text
from homemon.page.cards import level_text
from homemon.page.panels import CUTS
from homemon.page.views import PARTS, place
from tests.commands import wait_for, write_config
from tests.graphs import DESKTOP, PHONE, Browser, graph, keep
from tests.serving import serving

AXE = Path(__file__).parents[1] / "axe" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASK = """const [tags, done] = arguments;
axe.run(document, { runOnly: tags, resultTypes: ["violations"] }).then(
  ({ violations }) => done(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))),
  (error) => done([String(error)]))"""
PAPER = (718, 1000)  # the width of A4 within its margins, at 96 to the inch
SEEN = "[...document.querySelectorAll('body, body *')].filter((each) => each.checkVisibility())"
REACHED = "a[href], summary, button:enabled, [tabindex='0']"


class Case(NamedTuple):
    """A page as it is looked at: of which house, which view of it; `served` or from a file."""

    house: str
    view: str
    language: str
    scheme: str
    size: tuple[int, int]
    served: bool = False


CASES = (
    Case("home", "day", "en", "light", DESKTOP),
    Case("home", "day", "ja", "dark", PHONE),
    Case("home", "month", "ja", "light", PHONE, served=True),
    Case("home", "year", "en", "dark", DESKTOP, served=True),
    Case("meter", "day", "ja", "light", PHONE),
    Case("meter", "month", "en", "dark", DESKTOP, served=True),
    Case("meter", "year", "ja", "dark", PHONE, served=True),
    Case("empty", "", "en", "dark", PHONE),
    Case("empty", "", "ja", "light", DESKTOP),
    Case("empty", "", "ja", "dark", PHONE, served=True),
)


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, which npm puts where it is."""
    if not AXE.exists():
        reason = "axe-core is not installed: make axe"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return AXE.read_text()


@pytest.fixture(scope="session")
def houses(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A full house, one that has a meter only, and one of which nothing is known."""
    meter, empty = (tmp_path_factory.mktemp(name) for name in ("meter", "empty"))
    now = int(time())
    write_config(empty)
    keep(empty, [])
    write_config(meter)
    last = now // HALF_HOUR * HALF_HOUR
    registers = [Point("+power", {"value": 100 - at / 10}, last - at * HALF_HOUR) for at in range(144)]
    keep(meter, [*registers, Point("power", {"value": 523}, now - 60), Point("power", {"value": 612}, now - DAY)])
    return {"home": home, "meter": meter, "empty": empty}


@cache
def brief(folder: Path, language: str) -> Path:
    """A page of two days."""
    return graph(folder, "--days", "2", "--lang", language, name=f"brief-{language}.html")


def unfold(browser: Browser) -> None:
    """Open all that can be."""
    browser("document.querySelectorAll('details').forEach((each) => { each.open = each.checkVisibility(); })")


# --- by axe-core's rules -------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_axe_finds_no_violation(case: Case, houses: Mapping[str, Path], axe: str, browser: Browser) -> None:
    folder = houses[case.house]
    if case.served:
        with serving(folder, "--lang", case.language) as page:
            day = date.today().replace(day=1, **({"month": 1} if case.view == "year" else {}))
            assert violations(browser, f"{page.url}/{case.view and f'{case.view}/{day}'}", case, axe) == []
            browser.driver.get("about:blank")
    else:
        assert violations(browser, brief(folder, case.language), case, axe) == []


def violations(browser: Browser, page: Path | str, case: Case, axe: str) -> list[str]:
    browser.open(page, case.size, case.scheme)
    unfold(browser)
    browser.driver.execute_script(axe)
    return list(browser.driver.execute_async_script(ASK, RULES))


def test_axe_finds_what_is_wrong(houses: Mapping[str, Path], axe: str, browser: Browser) -> None:
    case = Case("empty", "", "en", "light", DESKTOP)
    page = houses["empty"] / "wrong.html"
    page.write_text(brief(houses["empty"], "en").read_text().replace("initial-scale=1", "user-scalable=no"))
    assert [found.split(":")[0] for found in violations(browser, page, case, axe)] == ["meta-viewport"]


# --- each number of a chart is in a table ---------------------------------------------------

ENERGIES, COUNTED, LEVELS = ("bought", "sold", "generated", "used"), ("heated",), ("power", "heating", "tank")
CELLS = (
    "[...view.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('td')].map((td) => td.textContent))"
)
COLUMNS = "mapped(series[cut], ([x, ...columns]) => [x.map((at) => Math.round(fromPlot(at))), ...columns])"
ROUNDED = 0.56  # the most that a mean differs which was rounded twice
Columns = list[list[Any]]


@pytest.mark.parametrize("view", ["day", "week", "month", "year"])
def test_each_number_of_a_chart_is_in_the_table_of_its_view(home: Path, browser: Browser, view: str) -> None:
    """A bar has a cell; what is drawn finer than the rows, as readings are, has the lowest and highest of its row."""
    with serving(home, "--lang", "en") as page:
        browser.open(f"{page.url}/{view}/{place(view, day_of(int(time())) - ONE_DAY).first}")
        energies, levels = (browser(COLUMNS.replace("cut", f"cuts()[{at}]")) for at in range(2))
        parts = list(calendar(PARTS[view], *browser("[timesOf(view)[0], Math.min(timesOf(view)[1], page.now + 1)]")))
        counted = COUNTED if CUTS[view].levels == "extents" else ()
        table = browser(CELLS)
        browser.driver.get("about:blank")
    assert len(table) == len(parts) > 0
    for part, cells in zip(parts, table, strict=True):
        assert cells[:4] == [kwh(energies[name], part) for name in ENERGIES]
        for name, cell in zip(counted, cells[5:], strict=False):  # after the yen
            days = kwh(levels[name], part)
            assert cell in (days, days.partition(" (")[0]), (
                "a month knows a gap over midnight, which none of its days does"
            )
        lows, means, highs = (cells[5 + len(counted) + at :: 3] for at in range(3))
        known = [extent(levels[name], part) for name in LEVELS]
        assert [(low, high) for low, _, high in known] == list(zip(lows, highs, strict=True))
        assert all(least <= number(mean) <= most for (_, (least, most), _), mean in zip(known, means, strict=True))


def within(columns: Columns, part: Period) -> Columns:
    """Of columns the rows of a period that are known."""
    return [[*row] for row in zip(*columns, strict=True) if part.start <= row[0] < part.end and row[1] is not None]


def kwh(columns: Columns, part: Period) -> str:
    rows = within(columns, part)
    short = sum(DAY / HOUR if hours is None else hours for _, _, hours in rows)
    told = f" ({short:g} h)" if any(hours is not None for *_, hours in rows) else ""
    return amount_text(sum((Decimal(str(value)) for _, value, _ in rows), Decimal(0))) + told if rows else "–"


def extent(columns: Columns, part: Period) -> tuple[str, tuple[float, float], str]:
    """The lowest value, between what the mean is (as a row has it, or several days), and the highest."""
    rows = within(columns, part)
    if not rows:
        return "–", (0, 0), "–"
    low, mean, high = ([row[min(at, len(row) - 1)] for row in rows] for at in (1, 2, 3))
    means = mean if len(rows[0]) > 2 else [sum(mean) / len(mean)]
    return level_text(min(low)), (min(means) - ROUNDED, max(means) + ROUNDED), level_text(max(high))


def number(cell: str) -> float:
    return 0 if cell == "–" else float(cell.replace(",", "").replace("−", "-"))


# --- by keys alone --------------------------------------------------------------------------


def test_the_tab_key_reaches_links_tables_zoom_and_charts_in_their_order_with_a_ring(
    home: Path, browser: Browser
) -> None:
    browser.open(brief(home, "en"))
    unfold(browser)
    browser(f'window.wanted = [...document.querySelectorAll("{REACHED}")].filter((each) => each.checkVisibility())')
    for at in range(browser("wanted.length")):
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        assert browser("wanted.indexOf(document.activeElement)") == at
        assert browser("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
        assert browser("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert {"A", "SUMMARY", "BUTTON", "DIV"} == set(browser("wanted.map(({ tagName }) => tagName)"))
    assert browser("wanted.filter((each) => each.matches('.plot, .scroll')).length") == 5


def test_the_enter_key_opens_the_table_zooms_and_goes_to_another_view(home: Path, browser: Browser) -> None:
    browser.open(home / "ja.html")
    for target, done in (
        ("#zoom button", "zoom !== null"),
        (".view.shown .table summary", "view.querySelector('.table').open"),
        ("#kinds [data-kind=week]", "view.dataset.kind === 'week'"),
    ):
        browser.find(target).send_keys(Keys.ENTER)
        wait_for(lambda done=done: browser(done))  # type: ignore[misc]


def test_what_a_chart_has_to_say_at_a_moment_is_its_description(home: Path, browser: Browser) -> None:
    browser.open(brief(home, "en"))
    (described,) = set(browser("visible().map(({ plot }) => plot.getAttribute('aria-describedby'))"))
    assert browser(f"byId('{described}').getAttribute('aria-live')") == "polite"
    assert "←" in browser.readout()  # by which keys it is moved


# --- large text, paper, and no motion ---------------------------------------------------------

OVERLAPPING = """
const boxes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode, range = document.createRange();
  if (!text.parentElement.checkVisibility() || text.parentElement.closest(".plot, .scroll, script, style")) continue;
  range.selectNodeContents(text);
  boxes.push(...[...range.getClientRects()].map((box) => [box, text.data]));
}
const shared = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
const over = (a, b) => shared(a, b, "left", "right") > 2 && shared(a, b, "top", "bottom") > 0.4 * a.height;
return boxes.flatMap(([a, text], i) => boxes.slice(i + 1).filter(([b]) => over(a, b)).map((other) => [text, other[1]]));
"""
"""Texts that lie on another."""


def beyond(browser: Browser, width: int) -> list[str]:
    """What reaches over the right edge, but for what scrolls by itself."""
    over = f"!each.closest('.scroll > *, .compared > *, svg') && each.getBoundingClientRect().right > {width} + 0.5"
    return list(browser(f"{SEEN}.filter((each) => {over}).map(({{ outerHTML }}) => outerHTML.slice(0, 200))"))


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_text_of_twice_the_size_neither_overlaps_nor_makes_the_page_scroll_sideways(
    home: Path, browser: Browser, size: tuple[int, int], language: str
) -> None:
    browser.open(brief(home, language), size)
    browser("document.documentElement.style.setProperty('font-size', '200%')")
    unfold(browser)
    assert browser("parseFloat(getComputedStyle(document.body).fontSize)") == 30
    assert browser("document.documentElement.scrollWidth") == size[0]
    assert beyond(browser, size[0]) == []
    assert browser.driver.execute_script(OVERLAPPING) == []


@pytest.mark.parametrize("view", ["day", "month"])
def test_on_paper_charts_and_table_are_light_and_within_its_width(home: Path, browser: Browser, view: str) -> None:
    browser.open(home / "ja.html", PAPER, "dark")
    browser.view(view)
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    try:
        browser("dispatchEvent(new Event('beforeprint'))")
        assert beyond(browser, PAPER[0]) == []
        assert browser("view.querySelector('.table td').checkVisibility({ contentVisibilityAuto: true })")
        grounds = browser(f"[...new Set({SEEN}.map((each) => getComputedStyle(each).backgroundColor))]")
        dark = [ground for ground in grounds if min(map(float, re.findall(r"[\d.]+", ground)[:3])) < 200]
        assert [ground for ground in dark if not ground.endswith(", 0)")] == []
        browser("dispatchEvent(new Event('afterprint'))")
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_nothing_moves_where_the_system_asks_for_no_motion(home: Path, browser: Browser) -> None:
    browser.open(brief(home, "en"))
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser("mark(page.now - 3600)")
    assert browser("document.getAnimations().length") == 0
    styles = "[getComputedStyle(each), getComputedStyle(each, '::before')]"
    moving = "({ transitionDuration, animationName }) => transitionDuration !== '0s' || animationName !== 'none'"
    assert browser(f"{SEEN}.flatMap((each) => {styles}).filter({moving}).length") == 0
