"""The page under fingers, keys and a mouse, on every kind of screen, and what it asks for and refuses."""

import os
import re
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
    day_of,
    differences,
    drawn,
    exported,
    fill,
    graph,
    keep,
    luminance,
    served,
    yesterday,
)
from tests.serving import serving

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
    browser("visible()[0].plot.scrollIntoView({ block: 'center' })")  # at some hours of the day only half of it is seen
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

    def is_whole_after_a_double_click() -> bool:
        """A busy machine may take two clicks apart for two."""
        ActionChains(browser.driver).double_click(browser.plots()[3]).perform()
        return bool(browser.ranges() == whole)

    wait_for(is_whole_after_a_double_click)


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
    names = [*lines, *bands, "text", "quiet", "stale", "link", "pressed", "panel", "ground", "soft", "on-pressed"]
    for scheme, dark in (("light", False), ("dark", True)):
        browser.open(home / "en.html", scheme=scheme)
        colour = browser(f"Object.fromEntries({names}.map((name) => [name, coloured('--' + name)]))")
        grounds = [colour["panel"], *(over(colour[band], colour["panel"]) for band in bands)]
        assert len(set(grounds)) == 4
        assert (luminance(colour["ground"]) < 0.1) is dark
        assert all(contrast(colour[name], colour["panel"]) >= 3 for name in lines), scheme
        assert all(contrast(colour["pressed"], colour[on]) >= 3 for on in ("panel", "ground", "soft")), scheme
        assert all(contrast(colour[name], ground) >= 3 for name in ("bought", "sold") for ground in grounds), scheme
        assert contrast(colour["on-pressed"], colour["pressed"]) >= 4.5
        texts = ("text", "quiet", "link", "stale")
        assert all(contrast(colour[name], colour[on]) >= 4.5 for name in texts for on in ("panel", "ground", "soft"))
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
    with serving(home, "--lang", "en") as page:
        browser.open(f"{page.url}/day/{day_of(time() - DAY)}")
        assert len(browser.plots()) == 4
        assert browser("getComputedStyle(document.querySelector('.main-svg')).position") == "absolute"
        start = midnight(int(time())) - DAY
        browser(f"mark({start + 20 * HOUR})")
        wait_for(lambda: all(browser.hovers()))
        browser.view("month")
        wait_for(lambda: browser("location.pathname").startswith("/month/"))
        browser.settle()
        assert browser.log("browser") == []  # nothing that the policy refused
        assert {urlsplit(asked).netloc for asked in browser.requests()} <= {urlsplit(page.url).netloc, ""}
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
    with serving(tmp_path, "--lang", "en") as page:
        browser.open(f"{page.url}/")
        assert "c-bought" in browser.find("#card-power").get_attribute("class")
        keep(tmp_path, [Point("power", {"value": -4321}, int(time())), Point("current", {"r": 9, "t": 9}, int(time()))])
        wait_for(lambda: browser.text("#card-power .value") == "4,321")
        assert set(browser.find("#card-power").get_attribute("class").split()) == {"card", "c-sold"}
        assert browser.find("#card-current meter").get_attribute("aria-label").endswith(": 45 % of 40 A")
        browser.driver.get("about:blank")


def test_served_a_number_moves_with_its_reading_and_the_view_stays_when_the_rest_is_new(
    tmp_path: Path, browser: Browser
) -> None:
    fill(tmp_path, 2, every=10 * MINUTE)
    with serving(tmp_path, "--lang", "en") as page:
        browser.open(f"{page.url}/")
        browser("zoomTo(period()[0] + 3600, period()[0] + 7200)")
        zoomed = browser.ranges()
        keep(tmp_path, [Point("power", {"value": 4321}, int(time()))])
        wait_for(lambda: browser.text("#card-power .value") == "4,321")
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
    with serving(tmp_path, "--lang", "en") as page:
        browser.open(f"{page.url}/")
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
    with serving(tmp_path, "--lang", "en") as page:
        browser.open(f"{page.url}/", PHONE)
        browser.find(".compared summary").click()
        browser.driver.execute_script("document.querySelector('#top small').textContent = 'long ago'")
        browser("void swap()")
        wait_for(lambda: browser.text("#top small") != "long ago")
        assert browser("document.querySelector('.compared').open")
        browser.driver.get("about:blank")


# --- whatever is in it ------------------------------------------------------------------------


def test_markup_in_the_name_of_a_price_is_text(tmp_path: Path, browser: Browser) -> None:
    fill(tmp_path, 2, every=10 * MINUTE)
    name = "<img src=x onerror=alert(1)></script>"
    plan = Path("homemon/energy/plans/chuden-smartlife.toml").read_text().replace('"night"', f"'{name}'")
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
    assert len(browser.find(".view.current table").text.split("\n")) >= 5  # with one half-hour, after midnight
