"""The page in a real Chromium: what it draws, how it is used, and what it asks for."""

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path
from time import gmtime, strftime, time
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from homemon.core.points import DAY, HALF_HOUR, HOUR, JST_AHEAD, Point, midnight
from homemon.sources.source import MINUTE
from tests.commands import wait_for, write_config
from tests.graphs import (
    PHONE,
    Browser,
    contrast,
    differences,
    drawn,
    energy,
    exported,
    fill,
    graph,
    keep,
    live,
    luminance,
    served,
)

PLAN = "[contract]\nplan = chuden-smartlife\nampere = 40\nsell = 15.0\n"
"""One whose hours have prices."""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("chromium"))
    yield started
    started.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser, which must not have complained in the end."""
    chromium.log("browser")
    yield chromium
    assert chromium.log("browser") == []


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house of 40 days, with its pages."""
    folder = fill(tmp_path_factory.mktemp("home"), 40, every=10 * MINUTE)
    with (folder / "config.ini").open("a") as config:
        config.write(f"\n{PLAN}")
    graph(folder, "--lang", "en", "--days", "40", name="en.html")
    graph(folder, "--lang", "ja", "--days", "40", name="ja.html")
    return folder


def day_of(time: float) -> str:
    return strftime("%Y-%m-%d", gmtime(time + JST_AHEAD))


def yesterday(browser: Browser) -> int:
    """When the day before begins that the page is of; the page shows it."""
    start = midnight(browser("page.now")) - DAY
    browser(f"show(byId('day-{day_of(start)}'))")
    return start


def of(values: list[tuple[int, Decimal]], since: float, until: float) -> list[tuple[int, Decimal]]:
    return [(at, value) for at, value in values if since <= at < until]


# --- what is drawn ---------------------------------------------------------------------


def test_four_panels_of_a_day_agree_with_export(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    assert [plot.accessible_name for plot in browser.plots()] == ["Power", "Energy", "EcoCute", "Solar"]
    begin = yesterday(browser)
    end = begin + DAY
    _, _, power, selling = browser.traces("power")
    assert of(drawn(power), begin, end) == of(exported(home, "power"), begin, end)
    sold_then = [(at, value) for at, value in of(exported(home, "power"), begin, end) if value < 0]
    assert of(drawn(selling, "y"), begin, end) == sold_then
    assert len(drawn(power)) <= DAY / (10 * MINUTE) + 2  # of the day that is shown, and no more
    bought, sold = browser.traces("energy")
    assert (bought["type"], bought["name"], sold["type"], sold["name"]) == ("bar", "bought", "bar", "sold")
    assert drawn(bought) == drawn(bought, "y") == of(differences(exported(home, "+power")), begin, end)
    assert drawn(sold) == [(at, -value) for at, value in drawn(sold, "y")]
    assert drawn(sold) == of(differences(exported(home, "-power")), begin, end)
    _, heating, tank = browser.traces("ecocute")
    assert of(drawn(heating), begin, end) == of(exported(home, "ecocute", "power"), begin, end)
    assert of(drawn(tank), begin, end) == of(exported(home, "ecocute", "tank"), begin, end)
    generated, used = browser.traces("solar")
    assert drawn(generated) == of(exported(home, "hatuden"), begin, end)
    made, fed = dict(drawn(generated)), dict(drawn(sold))
    assert set(drawn(used)) >= {(at, kwh + made[at] - fed[at]) for at, kwh in drawn(bought) if at in made}


@pytest.mark.parametrize(("kind", "days"), [("week", 7), ("month", 15)])
def test_bars_of_a_week_and_a_month_are_the_days_of_the_table_of_energy(
    home: Path, browser: Browser, kind: str, days: int
) -> None:
    browser.open(home / "en.html")
    browser(f"show(nearest('{kind}', page.now - 20 * DAY))")
    rows = energy(home, "day", day_of(browser("page.now") - 40 * DAY))
    for panel, names in (("energy", ("bought", "sold")), ("solar", ("generated", "used"))):
        for trace, name in zip(browser.traces(panel), names, strict=True):
            said = {row["period"]: Decimal(row[f"{name}_kwh"]) for row in rows if row[f"{name}_kwh"]}
            found = {day_of(at): kwh for at, kwh in drawn(trace)}
            assert len(found) >= days
            assert found == {day: kwh for day, kwh in said.items() if day in found}


def test_a_day_that_is_not_wholly_known_says_its_hours_in_the_hover_and_not_in_the_bar(
    home: Path, browser: Browser
) -> None:
    browser.open(home / "en.html")
    browser(f"show(nearest('month', page.now - {28 * HOUR}))")
    plot = "panels.find(({ name }) => name === 'solar').plot"
    short = browser(f"{plot}.data[0].text.findIndex((text) => text !== '')")
    assert short >= 0  # that of the gap
    assert re.fullmatch(r" \([\d.]+ h\)", browser(f"{plot}.data[0].text[{short}]"))
    assert not browser(f"{plot}.querySelector('.bartext')?.textContent ?? ''")
    browser(f"mark(fromPlot({plot}.data[0].x[{short}]) + 12 * 3600)")
    assert re.search(r"generated [\d.]+ kWh \([\d.]+ h\)", browser.readout())


def test_the_ecocute_by_day_has_kwh_of_its_register_which_the_tank_does_not_cover(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    browser("show(nearest('month', page.now - 20 * DAY))")
    heated, tank = browser.traces("ecocute")
    whole = [float(kwh) for _, kwh in drawn(heated)][1:-1]
    assert max(whole) == 8.64  # 0.1 Wh a second, of the simulated register
    assert (heated["type"], tank["type"]) == ("bar", "scatter")
    assert browser("document.querySelector('#ecocute .ytick text').textContent.length") > 0
    assert tank["name"] == "hot water left min–max"


def test_a_year_is_drawn_by_months_and_its_levels_by_days(tmp_path: Path, browser: Browser) -> None:
    fill(tmp_path, 400, every=HALF_HOUR)
    browser.open(graph(tmp_path, "--days", "400", "--lang", "en"))
    rows = {row["period"]: row for row in energy(tmp_path, "month", day_of(time() - 400 * DAY))}
    watts: dict[int, list[int]] = {}
    for at, value in exported(tmp_path, "power"):
        watts.setdefault(midnight(at), []).append(int(value))
    months, days = set(), 0
    for year in browser("views().filter(({ dataset }) => dataset.kind === 'year').map(({ id }) => id)"):
        browser(f"show(byId('{year}'))")
        for trace, name in zip(browser.traces("energy"), ("bought", "sold"), strict=True):
            found = {day_of(at)[:7]: kwh for at, kwh in drawn(trace)}
            assert found == {month: Decimal(rows[month][f"{name}_kwh"]) for month in found}
            months |= set(found)
        above, below, mean = browser.traces("power")
        extents = [[min(watts[round(day)]), max(watts[round(day)])] for day in above["x"]]
        assert above["customdata"] == below["customdata"] == extents
        assert len(extents) == len(drawn(mean))
        days += len(extents)
    assert len(months) >= 13
    assert days >= 400
    browser("show(nearest('week', page.now - 100 * DAY))")  # of which only days are kept
    assert browser("cuts()") == ["day", "extents"]


def test_what_is_not_known_is_a_gap(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    browser(f"show(nearest('day', page.now - {30 * HOUR + 10 * MINUTE}))")
    area, _, power, _ = browser.traces("power")
    at = power["y"].index(None)
    last, first = round(power["x"][at - 1]), round(power["x"][at + 1])
    assert first - last > 3.9 * HOUR
    ground = [round(x) for x, y in zip(area["x"], area["y"], strict=True) if y == 0]
    assert last in ground  # or the area would go on
    assert first in ground
    assert not [at for at, _ in drawn(browser.traces("energy")[0]) if last <= at < first - HALF_HOUR]


def test_the_hours_of_a_plan_stand_behind_the_curves_of_a_day_with_their_prices(home: Path, browser: Browser) -> None:
    browser.open(home / "ja.html")
    monday = midnight(browser("page.now")) - 2 * DAY
    monday -= (int(strftime("%u", gmtime(monday + JST_AHEAD))) - 1) * DAY
    browser(f"show(byId('day-{day_of(monday)}'))")
    shapes = "plot._fullLayout.shapes.map(({ x0, label, layer }) => [fromPlot(x0), label.text, layer])"
    power, prices, ecocute = browser(f"visible().slice(0, 3).map(({{ plot }}) => {shapes})")
    holiday = len(prices) == 3
    assert power[0] == [monday, "夜間<br>16.52 円/kWh", "below"]
    assert prices == [[at, "", layer] for at, _, layer in power]  # named once
    assert [round(at - monday) // HOUR for at, *_ in prices] == ([0, 8, 22] if holiday else [0, 8, 10, 17, 22])
    assert ecocute == []
    browser(f"mark({monday + 23 * HOUR + 60})")
    assert "夜間 16.52 円/kWh" in browser.readout()
    browser.view("week")
    assert browser("visible()[0].plot._fullLayout.shapes.length") == 0


def test_stale_numbers_are_marked_while_the_page_is_open(tmp_path: Path, browser: Browser) -> None:
    write_config(tmp_path)
    now = int(time())
    power, water = Point("power", {"value": -523}, now - 20 * MINUTE), Point("ecocute", {"tank": 90}, now - 20 * MINUTE)
    keep(tmp_path, [power, water])
    browser.open(graph(tmp_path, "--lang", "ja"))
    (stale,) = browser.driver.find_elements(By.CSS_SELECTOR, ".stale")
    assert re.fullmatch("現在の電力\n523 W 売電中\n2[01] 分前", stale.text)
    browser("Date.now = (() => { const then = Date.now() + 50 * 3600 * 1000; return () => then; })()")
    browser("tellAges()")
    stale_now = browser.driver.find_elements(By.CSS_SELECTOR, ".stale")
    assert [card.text.split("\n")[-1] for card in stale_now] == ["2 日前", "2 日前"]


# --- views -------------------------------------------------------------------------------


def test_views_are_walked_through_by_links_keys_and_the_back_button(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    today = day_of(browser("page.now"))
    assert browser.shown() == f"day-{today}"
    browser.view("month")
    assert browser.shown() == f"month-{today[:7]}-01"
    assert browser("location.hash") == f"#month-{today[:7]}-01"
    browser.driver.back()
    wait_for(lambda: browser.shown() == f"day-{today}")
    before = day_of(browser("page.now") - DAY)
    ActionChains(browser.driver).send_keys(Keys.ARROW_LEFT).perform()
    wait_for(lambda: browser.shown() == f"day-{before}")
    assert browser("location.hash") == f"#day-{before}"
    browser.find(f"#day-{before} a.later").click()
    assert browser.shown() == f"day-{today}"
    assert browser("document.activeElement.closest('.view').id") == f"day-{today}"  # the focus is not lost
    assert browser.find(f"#day-{today} a.earlier").get_attribute("aria-keyshortcuts") == "ArrowLeft"


@pytest.mark.parametrize(("address", "kind"), [("#7d", "week"), ("#30d", "month"), ("#1d", "day"), ("#", "day")])
def test_an_address_as_earlier_pages_had_it_opens_the_view_nearest_to_it(
    home: Path, browser: Browser, address: str, kind: str
) -> None:
    browser.open(f"{(home / 'en.html').as_uri()}{address}")
    assert browser.shown().startswith(kind)
    assert browser("has(view, page.now)")


def test_an_address_from_one_time_to_another_opens_the_day_of_it(home: Path, browser: Browser) -> None:
    start = int(time()) - 9 * DAY
    browser.open(f"{(home / 'en.html').as_uri()}#{start}-{start + HOUR}")
    assert browser.shown() == f"day-{day_of(start)}"


# --- zoom and one moment ---------------------------------------------------------------------


def test_the_pointer_marks_a_moment_in_all_panels_and_the_line_below_says_all_values(
    home: Path, browser: Browser
) -> None:
    browser.open(home / "ja.html")
    half_hour = yesterday(browser) + 20 * HOUR
    x, y = browser.place(1, half_hour + 10 * MINUTE)
    browser.move(x, y)
    wait_for(lambda: all(browser.hovers()))
    power, bars, ecocute, solar = browser.hovers()
    day, hour = strftime("%-m/%-d %H:%M", gmtime(half_hour + JST_AHEAD)).split()
    bought = float(dict(differences(exported(home, "+power")))[half_hour])
    assert re.fullmatch(rf"{day} \(.\) {hour} から30分間買電 : {bought:g} kWh売電 : [\d.]+ kWh", bars)
    assert re.fullmatch(rf"{day} \(.\) ..:..電力 : -?[\d,]+ W", power)
    assert re.fullmatch(rf"{day} \(.\) ..:..消費電力 : [\d,]+ W残湯量 : \d+ L", ecocute)
    assert re.fullmatch(rf"{day} \(.\) {hour} から30分間発電 : [\d.]+ kWh使用 : [\d.]+ kWh", solar)
    said = browser.readout()
    assert f"買電 {bought:.2f} kWh · 売電 " in said
    for unit in (r"電力 -?[\d,]+ W", r"残湯量 \d+ L", r"発電 [\d.]+ kWh · 使用 [\d.]+ kWh"):
        assert re.search(unit, said)
    heading = browser.find("h1")
    ActionChains(browser.driver).move_to_element(heading).perform()
    wait_for(lambda: not any(browser.hovers()))


def test_zoom_by_mouse_is_shared_and_survives_a_reload(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    start = yesterday(browser)
    whole = [[start, start + DAY]] * 4
    assert browser.ranges() == whole
    browser(f"history.replaceState(null, '', '#day-{day_of(start)}')")
    drag = ActionChains(browser.driver).move_to_element_with_offset(browser.plots()[0], -100, 0)
    drag.click_and_hold().move_by_offset(150, 0).release().perform()
    wait_for(lambda: browser.ranges() != whole)
    zoomed = browser.ranges()
    assert zoomed == [zoomed[0]] * 4
    assert 2 * HOUR < zoomed[0][1] - zoomed[0][0] < 5 * HOUR
    low, high = browser("panels[1].plot._fullLayout.yaxis.range")
    bars = [drawn(trace, "y") for trace in browser.traces("energy")]
    seen = [float(y) for at, y in chain(*bars) if zoomed[0][0] - HALF_HOUR < at < zoomed[0][1]]
    assert low <= min(seen) <= max(seen) <= high
    assert high - low < 1.15 * max(0.5, max(*seen, 0) - min(*seen, 0))  # what is seen fills the panel
    browser.driver.refresh()
    browser.settle()
    assert browser.ranges() == zoomed
    browser.find("#zoom [data-by='Infinity']").click()
    assert browser.ranges() == whole
    browser.find("#zoom [data-by='0.5']").click()
    assert browser.ranges() == [[start + 6 * HOUR, start + 18 * HOUR]] * 4
    ActionChains(browser.driver).double_click(browser.plots()[3]).perform()
    wait_for(lambda: browser.ranges() == whole)


def test_keys_move_the_mark_by_one_bar_or_reading_and_zoom(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    start = yesterday(browser)
    browser("visible()[1].plot.focus()")
    keys = ActionChains(browser.driver)
    keys.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).perform()
    wait_for(lambda: browser("marked") == start + 45 * MINUTE)
    assert "Energy (00:30–01:00) bought" in browser.readout()
    assert all(browser.hovers())
    assert browser.shown() == f"day-{day_of(start)}"  # the arrows are the plot's
    browser("visible()[0].plot.focus()")
    keys.send_keys(Keys.ARROW_LEFT).perform()
    wait_for(lambda: browser("marked") == start + 40 * MINUTE)
    keys.send_keys("+").perform()
    wait_for(lambda: browser("period()[1] - period()[0]") == DAY / 2)
    keys.send_keys("0", Keys.ESCAPE).perform()
    wait_for(lambda: browser("marked") is None)
    assert browser("zoom") is None


# --- every kind of screen ----------------------------------------------------------------


def test_a_tap_on_a_phone_marks_the_moment_in_all_panels_and_says_all_values(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html", PHONE)
    start = yesterday(browser)
    place = browser.place(2, start + 12 * HOUR)
    browser.touch("touchStart", place)
    browser.touch("touchEnd")
    wait_for(lambda: all(browser.hovers()))
    assert browser("marked") == pytest.approx(start + 12 * HOUR, abs=6 * MINUTE)
    said = browser.readout()
    for name in ("power", "bought", "sold", "hot water left", "generated", "used"):
        assert name in said
    box = browser("(({ top, bottom }) => [top, bottom])(byId('readout').getBoundingClientRect())")
    assert 0 <= box[0] < box[1] <= PHONE[1]  # in sight, wherever the panel is


def test_two_fingers_zoom_and_one_moves_what_is_zoomed(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html", PHONE)
    start = yesterday(browser)
    (left, y), (right, _) = (browser.place(0, start + hour * HOUR) for hour in (9, 15))
    browser.touch("touchStart", (left, y), (right, y))
    browser.touch("touchMove", (left - 50, y), (right + 50, y))
    browser.touch("touchEnd")
    wait_for(lambda: browser("zoom !== null"))
    (since, until), *others = browser.ranges()
    assert others == [[since, until]] * 3
    assert until - since < 0.7 * DAY
    assert (since + until) / 2 == pytest.approx(start + 12 * HOUR, abs=HOUR)
    browser.touch("touchStart", (left, y))
    browser.touch("touchMove", (left + 60, y))
    browser.touch("touchEnd")
    wait_for(lambda: browser.ranges()[0][0] < since)
    assert browser("period()[1] - period()[0]") == pytest.approx(until - since, abs=2)


@pytest.mark.parametrize("name", ["en.html", "ja.html"])
def test_a_phone_shows_it_without_scrolling_sideways(home: Path, browser: Browser, name: str) -> None:
    browser.open(home / name, PHONE)
    assert browser("document.documentElement.scrollWidth") == PHONE[0]
    beyond = "[...document.querySelectorAll('header, nav, button, .card *, .panel, .panel li, .plot')]"
    assert browser(f"{beyond}.filter((part) => part.getBoundingClientRect().right > {PHONE[0]}).length") == 0
    assert all(plot.size["width"] > 340 for plot in browser.plots())
    assert browser("panels.every((panel) => panel.plot._fullLayout.dragmode === false)")  # a finger scrolls
    assert browser("Math.min(...[...document.querySelectorAll('#zoom button')].map((b) => b.offsetHeight))") >= 40
    labels = browser(
        "[...document.querySelectorAll('.xtick text')].map((label) => label.getBoundingClientRect().right)"
    )
    assert len(labels) > 8
    assert max(labels) <= PHONE[0]
    ends = "[...panel.plot.querySelectorAll('.xtick text')].map((label) => label.getBoundingClientRect().bottom)"
    assert browser(f"panels.every((panel) => Math.max(...{ends}) <= panel.plot.getBoundingClientRect().bottom)")


def over(colour: str, ground: str) -> str:
    """A colour with an alpha, as it looks on a ground."""
    alpha = int(colour[7:9], 16) / 255 if len(colour) > 7 else 1
    mixed = (alpha * int(colour[at : at + 2], 16) + (1 - alpha) * int(ground[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(value):02x}" for value in mixed)


def test_light_and_dark_follow_the_system_and_have_contrast_also_on_the_bands_of_prices(
    home: Path, browser: Browser
) -> None:
    lines, bands = (
        ("bought", "sold", "heating", "tank", "generated", "used", "heated"),
        [f"price-{at}" for at in range(3)],
    )
    names = [*lines, *bands, "text", "quiet", "stale", "pressed", "panel", "ground", "on-pressed"]
    for scheme, dark in (("light", False), ("dark", True)):
        browser.open(home / "en.html", scheme=scheme)
        colour = browser(f"Object.fromEntries({names}.map((name) => [name, coloured('--' + name)]))")
        grounds = [colour["panel"], *(over(colour[band], colour["panel"]) for band in bands)]
        assert len(set(grounds)) == 4
        assert (luminance(colour["ground"]) < 0.1) is dark
        assert all(contrast(colour[name], colour["panel"]) >= 3 for name in (*lines, "pressed")), scheme
        assert all(contrast(colour[name], ground) >= 3 for name in ("bought", "sold") for ground in grounds), scheme
        assert all(
            contrast(colour[name], colour[on]) >= 4.5 for name in ("text", "quiet") for on in ("panel", "ground")
        )
        assert all(contrast(colour["quiet"], ground) >= 4.5 for ground in grounds), scheme
        assert browser("panels[1].plot.data[0].marker.color") == colour["bought"]
    browser.set_scheme("light")  # while it is open
    wait_for(lambda: browser("panels[1].plot.data[0].marker.color") != colour["bought"])


def test_on_paper_the_charts_are_light_and_fit(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html", scheme="dark")
    browser("dispatchEvent(new Event('beforeprint'))")
    assert all(width <= 700 for width in browser("visible().map(({ plot }) => plot._fullLayout.width)"))
    assert luminance(browser("panels[0].plot._fullLayout.paper_bgcolor")) == 1
    browser("dispatchEvent(new Event('afterprint'))")
    assert luminance(browser("panels[0].plot._fullLayout.paper_bgcolor")) < 0.1
    wait_for(lambda: all(width > 900 for width in browser("visible().map(({ plot }) => plot._fullLayout.width)")))


# --- nothing is missed, and nothing asked of others ------------------------------------------


def test_from_the_disk_it_asks_for_two_files(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    for kind in ("week", "month", "day"):
        browser.view(kind)
    asked = [url for url in browser.requests() if not url.startswith("data:")]
    assert asked == [(home / "en.html").as_uri(), (home / "plotly.min.js").as_uri()]


def test_from_a_web_server_it_renews_itself_and_stays_at_its_view(tmp_path: Path, browser: Browser) -> None:
    page = graph(fill(tmp_path, 8, every=10 * MINUTE), "--lang", "en")
    with served(tmp_path) as url:
        browser.open(f"{url}/homemon.html")
        browser.view("week")
        shown = browser.shown()
        browser("window.old = true")
        browser("renew()")
        assert browser("window.old")
        os.utime(page, (time() + 5, time() + 5))
        browser("void renew()")
        wait_for(lambda: not browser("window.old"))
        browser.settle()
        assert browser.shown() == shown
        assert {urlsplit(asked).netloc for asked in browser.requests()} <= {urlsplit(url).netloc, ""}


def test_served_it_works_under_a_policy_without_inline_scripts_and_styles(home: Path, browser: Browser) -> None:
    with live(home) as url:
        browser.open(f"{url}/day/{day_of(time() - DAY)}")
        assert len(browser.plots()) == 4
        assert browser("getComputedStyle(document.querySelector('.main-svg')).position") == "absolute"
        start = midnight(int(time())) - DAY
        browser(f"mark({start + 20 * HOUR})")
        wait_for(lambda: all(browser.hovers()))
        browser.view("month")
        wait_for(lambda: browser("location.pathname").startswith("/month/"))
        browser.settle()
        assert browser.log("browser") == []  # nothing that the policy refused
        assert {urlsplit(asked).netloc for asked in browser.requests()} <= {urlsplit(url).netloc, ""}
        browser.driver.get("about:blank")


def test_served_a_number_that_turns_takes_the_colour_and_the_words_of_its_direction(
    tmp_path: Path, browser: Browser
) -> None:
    fill(tmp_path, 2, every=10 * MINUTE)
    with (tmp_path / "config.ini").open("a") as config:
        config.write("\n[contract]\nplan = tepco-juryo-b\nampere = 40\n")
    keep(
        tmp_path, [Point("power", {"value": 500}, int(time()) - 1), Point("current", {"r": 2, "t": 2}, int(time()) - 1)]
    )
    with live(tmp_path) as url:
        browser.open(f"{url}/")
        assert "c-bought" in browser.find("#card-power").get_attribute("class")
        keep(tmp_path, [Point("power", {"value": -4321}, int(time())), Point("current", {"r": 9, "t": 9}, int(time()))])
        wait_for(lambda: browser.find("#card-power .value").text == "4,321")
        assert set(browser.find("#card-power").get_attribute("class").split()) == {"card", "c-sold"}
        assert browser.find("#card-current meter").get_attribute("aria-label").endswith(": 45 % of 40 A")
        browser.driver.get("about:blank")


def test_served_a_number_moves_with_its_reading_and_the_view_stays_when_the_rest_is_new(
    tmp_path: Path, browser: Browser
) -> None:
    fill(tmp_path, 2, every=10 * MINUTE)
    with live(tmp_path) as url:
        browser.open(f"{url}/")
        browser("zoomTo(period()[0] + 3600, period()[0] + 7200)")
        zoomed = browser.ranges()
        keep(tmp_path, [Point("power", {"value": 4321}, int(time()))])
        wait_for(lambda: browser.find("#card-power .value").text == "4,321")
        browser("window.kept = view")
        browser("void swap()")
        wait_for(lambda: browser("view !== window.kept && view.isConnected"))
        assert browser.ranges() == zoomed
        browser.driver.get("about:blank")


def test_served_a_page_that_was_opened_before_the_first_reading_shows_what_came(
    tmp_path: Path, browser: Browser
) -> None:
    write_config(tmp_path)
    keep(tmp_path, [])
    with live(tmp_path) as url:
        browser.open(f"{url}/")
        assert browser.plots() == []
        now = int(time())
        begun = now // HALF_HOUR * HALF_HOUR - HALF_HOUR
        registers = [Point("+power", {"value": 100 + each}, begun + each * HALF_HOUR) for each in range(2)]
        keep(tmp_path, [*registers, *(Point("power", {"value": 300}, now - each) for each in range(0, 600, 60))])
        browser("void swap()")
        wait_for(lambda: bool(browser.driver.find_elements(By.ID, "card-power") and browser.plots()))
        browser.settle()
        browser.driver.get("about:blank")


def test_served_what_is_new_says_of_when_it_is_and_leaves_open_what_was_opened(
    tmp_path: Path, browser: Browser
) -> None:
    fill(tmp_path, 9, every=10 * MINUTE)
    with live(tmp_path) as url:
        browser.open(f"{url}/", PHONE)
        browser.find(".compared summary").click()
        browser.driver.execute_script("document.querySelector('#top small').textContent = 'long ago'")
        browser("void swap()")
        wait_for(lambda: browser.find("#top small").text != "long ago")
        assert browser("document.querySelector('.compared').open")
        browser.driver.get("about:blank")


# --- whatever is in it ------------------------------------------------------------------------


def test_markup_in_the_name_of_a_price_is_text(tmp_path: Path, browser: Browser) -> None:
    fill(tmp_path, 2, every=10 * MINUTE)
    name = "<img src=x onerror=alert(1)></script>"
    plan = Path("homemon/plans/chuden-smartlife.toml").read_text().replace('"night"', f"'{name}'")
    (tmp_path / "own.toml").write_text(plan)
    with (tmp_path / "config.ini").open("a") as config:
        config.write("\n[contract]\nplan = own.toml\nampere = 40\n")
    browser.open(graph(tmp_path, "--lang", "en"))
    start = yesterday(browser)
    browser(f"mark({start + HOUR})")
    assert name in browser.readout()
    assert browser("document.querySelectorAll('main img').length") == 0


def test_where_there_is_nothing_it_draws_nothing(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n[ecocute]\nhost = 192.0.2.1\n")
    browser.open(graph(tmp_path, "--lang", "en"), PHONE)
    assert not browser.plots()
    assert not browser.driver.find_elements(By.CSS_SELECTOR, "#zoom")
    assert browser("document.documentElement.scrollWidth") == PHONE[0]


def test_one_source_alone_is_drawn(tmp_path: Path, browser: Browser) -> None:
    write_config(tmp_path)
    keep(tmp_path, [Point("power", {"value": 523}, int(time()) - 60)])
    browser.open(graph(tmp_path, "--lang", "en"))
    assert browser("panels.map((panel) => panel.name)") == ["power"]


def test_a_page_without_plotly_says_so_and_has_its_numbers(home: Path, tmp_path: Path, chromium: Browser) -> None:
    page = tmp_path / "alone.html"
    page.write_bytes((home / "en.html").read_bytes())
    chromium.driver.get(page.as_uri())
    assert "plotly.min.js is missing" in chromium.find("#fault").text
    numbers(chromium)


def test_a_page_without_javascript_has_its_numbers_and_says_what_is_missing(home: Path, browser: Browser) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get((home / "en.html").as_uri())
        assert "JavaScript" in browser.find("noscript").text
        numbers(browser)
        assert not browser.plots()
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def numbers(browser: Any) -> None:
    """The numbers and the table of today are there."""
    assert browser.find("#card-power .value").text
    assert browser.shown() == f"day-{day_of(time())}"
    browser.find(".view.current details.table summary").click()
    assert len(browser.find(".view.current table").text.split("\n")) > 5
