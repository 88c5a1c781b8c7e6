"""The graph page in a real Chromium: what it draws, how it behaves, and what it asks for."""

import os
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from time import gmtime, strftime, time
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from homemon.core.points import DAY, HALF_HOUR, HOUR, JST_AHEAD, Point, midnight
from homemon.sources.source import MINUTE
from tests.commands import wait_for, write_config
from tests.graphs import (
    PHONE,
    Browser,
    contrast,
    differences,
    drawn,
    exported,
    fill,
    graph,
    keep,
    luminance,
    of_today,
    served,
)

BY_DAY = "document.body.classList.contains('by-day')"


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
    """A house of three days, with its pages."""
    folder = fill(tmp_path_factory.mktemp("home"), 3)
    graph(folder, "--lang", "en", name="en.html")
    graph(folder, "--lang", "ja", name="ja.html")
    return folder


# --- what is drawn ---------------------------------------------------------------------


def test_four_panels_agree_with_export(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    assert [plot.accessible_name for plot in browser.plots()] == ["Power", "Energy", "EcoCute", "Solar"]
    _, _, power, selling = browser.traces("power")
    assert power["name"] == "power"
    assert drawn(power) == exported(home, "power")
    assert drawn(selling, "y") == [(at, value) for at, value in exported(home, "power") if value < 0]
    bought, sold = browser.traces("energy")
    assert (bought["type"], bought["name"], sold["type"], sold["name"]) == ("bar", "bought", "bar", "sold")
    assert drawn(bought) == drawn(bought, "y") == differences(exported(home, "+power"))
    assert drawn(sold) == [(at, -value) for at, value in drawn(sold, "y")] == differences(exported(home, "-power"))
    _, heating, tank = browser.traces("ecocute")
    assert drawn(heating) == exported(home, "ecocute", "power")
    assert drawn(tank) == exported(home, "ecocute", "tank")
    generated, balance = browser.traces("solar")
    assert drawn(generated) == exported(home, "hatuden")
    assert drawn(balance) == exported(home, "baiden_diff")


def test_what_is_not_known_is_a_gap(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    area, _, power, _ = browser.traces("power")
    at = power["y"].index(None)
    last, first = round(power["x"][at - 1]), round(power["x"][at + 1])
    assert first - last > 3.9 * HOUR
    ground = [round(x) for x, y in zip(area["x"], area["y"], strict=True) if y == 0]
    assert last in ground  # or the area would go on
    assert first in ground
    assert not [at for at, _ in drawn(browser.traces("energy")[0]) if last <= at < first - HALF_HOUR]


def test_the_numbers_above_agree_with_export_and_show_their_age(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    now = browser("page.now")
    cards = [card.text.split("\n") for card in browser.driver.find_elements(By.CSS_SELECTOR, ".card")]
    power = int(exported(home, "power")[-1][1])
    energies = (
        *(differences(exported(home, register)) for register in ("+power", "-power")),
        exported(home, "hatuden"),
    )
    bought, sold, generated = (of_today(values, now) for values in energies)
    assert [card[:2] for card in cards] == [
        ["Power now", f"{power:,} W {'selling' if power < 0 else 'buying'}".replace("-", "−")],
        ["Bought today", f"{bought:.1f} kWh"],
        ["Sold today", f"{sold:.1f} kWh"],
        ["Hot water left", f"{exported(home, 'ecocute', 'tank')[-1][1]} L"],
        ["Generated today", f"{generated:.1f} kWh"],
    ]
    assert all(card[2].endswith(" ago") for card in cards)
    assert not browser.driver.find_elements(By.CSS_SELECTOR, ".stale")


def test_stale_numbers_are_marked_while_the_page_is_open(tmp_path: Path, browser: Browser) -> None:
    write_config(tmp_path)
    now = int(time())
    power, water = Point("power", {"value": -523}, now - 20 * MINUTE), Point("ecocute", {"tank": 90}, now - 20 * MINUTE)
    keep(tmp_path, [power, water])
    browser.open(graph(tmp_path, "--lang", "ja"))
    (stale,) = browser.driver.find_elements(By.CSS_SELECTOR, ".stale")
    assert re.fullmatch("現在の電力\n−523 W 売電中\n2[01] 分前", stale.text)
    browser("Date.now = (() => { const then = Date.now() + 50 * 3600 * 1000; return () => then; })()")
    browser("tellAges()")
    stale_now = browser.driver.find_elements(By.CSS_SELECTOR, ".stale")
    assert [card.text.split("\n")[-1] for card in stale_now] == ["2 日前", "2 日前"]


def test_a_year_is_drawn_by_days(tmp_path: Path, browser: Browser) -> None:
    fill(tmp_path, 366, every=HALF_HOUR)
    browser.open(graph(tmp_path, "--days", "365", "--lang", "en"))
    assert browser(BY_DAY)
    bought, sold = browser.traces("energy")
    assert 365 <= len(drawn(sold)) == len(drawn(bought)) <= 366
    registers = dict(exported(tmp_path, "+power"))
    whole = [(day, kwh) for day, kwh in drawn(bought) if day in registers and day + DAY in registers]
    assert len(whole) >= 362
    assert all(kwh == registers[day + DAY] - registers[day] for day, kwh in whole)
    above, below, mean = browser.traces("power")
    watts: dict[int, list[int]] = {}
    for at, value in exported(tmp_path, "power"):
        watts.setdefault(midnight(at), []).append(int(value))
    extents = [[min(watts[round(day)]), max(watts[round(day)])] for day in above["x"]]
    assert above["customdata"] == below["customdata"] == extents
    assert 365 <= len(extents) == len(drawn(mean)) <= 366
    browser.press("30 d")
    assert not browser(BY_DAY)
    assert len(drawn(browser.traces("energy")[0])) > 29 * 48
    browser("show(page.now - 100 * DAY, page.now - 98 * DAY)")  # of which only days are there
    assert browser(BY_DAY)


# --- zoom and hover --------------------------------------------------------------------


def test_a_hover_shows_in_all_panels(home: Path, browser: Browser) -> None:
    browser.open(home / "ja.html")
    half_hour = int(browser("period()[0]") + 37 * HOUR) // HALF_HOUR * HALF_HOUR
    place = f"plot._fullLayout.xaxis.d2p(toPlot({half_hour + 10 * MINUTE})) + plot._fullLayout.margin.l"
    plot = browser.plots()[1]
    right = browser(f"panels.map(({{ plot }}) => {place})[1]")
    ActionChains(browser.driver).move_to_element_with_offset(plot, int(right - plot.size["width"] / 2), -20).perform()
    wait_for(lambda: all(browser.hovers()))
    power, energy, ecocute, solar = browser.hovers()
    day, hour = strftime("%-m/%-d %H:%M", gmtime(half_hour + JST_AHEAD)).split()
    bought = float(dict(differences(exported(home, "+power")))[half_hour])
    assert re.fullmatch(rf"{day} \(.\) {hour} から30分間買電 : {bought:g} kWh売電 : [\d.]+ kWh", energy)
    assert re.fullmatch(rf"{day} \(.\) ..:..電力 : -?[\d,]+ W", power)
    assert re.fullmatch(rf"{day} \(.\) ..:[14]0消費電力 : [\d,]+ W残湯量 : \d+ L", ecocute)
    assert re.fullmatch(rf"{day} \(.\) {hour} から30分間発電 : [\d.]+ kWh買電 − 売電 : -?[\d.]+ kWh", solar)
    heading = browser.driver.find_element(By.CSS_SELECTOR, "h1")
    ActionChains(browser.driver).move_to_element(heading).perform()
    wait_for(lambda: not any(browser.hovers()))


def test_zoom_is_shared_and_survives_a_reload(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    now = browser("page.now")
    assert browser.ranges() == [[now - 2 * DAY, now]] * 4
    drag = ActionChains(browser.driver).move_to_element_with_offset(browser.plots()[0], -100, 0)
    drag.click_and_hold().move_by_offset(150, 0).release().perform()
    wait_for(lambda: browser.ranges() != [[now - 2 * DAY, now]] * 4)
    zoomed = browser.ranges()
    assert zoomed == [zoomed[0]] * 4
    assert 4 * HOUR < zoomed[0][1] - zoomed[0][0] < 10 * HOUR
    low, high = browser("panels[1].plot._fullLayout.yaxis.range")
    bars = [drawn(trace, "y") for trace in browser.traces("energy")]
    seen = [float(y) for at, y in chain(*bars) if zoomed[0][0] - HALF_HOUR < at < zoomed[0][1]]
    assert low <= min(seen) <= max(seen) <= high
    assert high - low < 1.15 * max(0.5, max(*seen, 0) - min(*seen, 0))  # what is seen fills the panel
    browser.driver.refresh()
    browser.settle()
    assert browser.ranges() == zoomed
    browser.press("‹")
    earlier = browser.ranges()[0]
    assert earlier[1] == pytest.approx(zoomed[0][0], abs=2)
    browser.press("7 d")
    assert browser.ranges() == [[now - 7 * DAY, now]] * 4
    assert browser("document.querySelector('[aria-pressed=true]').textContent") == "7 d"
    ActionChains(browser.driver).double_click(browser.plots()[3]).perform()
    wait_for(lambda: browser.ranges() == [[now - 2 * DAY, now]] * 4)


# --- every kind of screen ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["en.html", "ja.html"])
def test_a_phone_shows_it_without_scrolling_sideways(home: Path, browser: Browser, name: str) -> None:
    browser.open(home / name, PHONE)
    assert browser("document.documentElement.scrollWidth") == PHONE[0]
    beyond = "[...document.querySelectorAll('header, nav, button, .card *, .panel, .panel li, .plot')]"
    assert browser(f"{beyond}.filter((part) => part.getBoundingClientRect().right > {PHONE[0]}).length") == 0
    assert all(plot.size["width"] > 360 for plot in browser.plots())
    assert browser("panels.every((panel) => panel.plot._fullLayout.dragmode === false)")  # a finger scrolls
    assert browser("Math.min(...[...document.querySelectorAll('nav button')].map((b) => b.offsetHeight))") >= 40
    labels = browser(
        "[...document.querySelectorAll('.xtick text')].map((label) => label.getBoundingClientRect().right)"
    )
    assert len(labels) > 8
    assert max(labels) <= PHONE[0]
    ends = "[...panel.plot.querySelectorAll('.xtick text')].map((label) => label.getBoundingClientRect().bottom)"
    assert browser(f"panels.every((panel) => Math.max(...{ends}) <= panel.plot.getBoundingClientRect().bottom)")


def test_light_and_dark_follow_the_system_and_have_contrast(home: Path, browser: Browser) -> None:
    lines = ("bought", "sold", "heating", "tank", "generated", "balance", "pressed")
    texts = ("text", "quiet", "stale")
    names = (*lines, *texts, "panel", "ground", "on-pressed")
    for scheme, dark in (("light", False), ("dark", True)):
        browser.open(home / "en.html", scheme=scheme)
        colour = browser(f"Object.fromEntries({list(names)}.map((name) => [name, coloured('--' + name)]))")
        assert (luminance(colour["ground"]) < 0.1) is dark
        assert all(contrast(colour[name], colour["panel"]) >= 3 for name in lines), scheme
        assert all(contrast(colour[name], colour[on]) >= 4.5 for name in texts for on in ("panel", "ground")), scheme
        assert contrast(colour["pressed"], colour["on-pressed"]) >= 4.5
        assert browser("panels[1].plot.data[0].marker.color") == colour["bought"]
    browser.set_scheme("light")  # while it is open
    wait_for(lambda: browser("panels[1].plot.data[0].marker.color") != colour["bought"])


# --- nothing is missed, and nothing asked of others ------------------------------------------


def test_from_the_disk_it_asks_for_two_files(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    browser("Promise.all([30, 7, 1].map((days) => show(page.now - days * DAY, page.now)))")
    asked = [url for url in browser.requests() if not url.startswith("data:")]
    assert asked == [(home / "en.html").as_uri(), (home / "plotly.min.js").as_uri()]


def test_served_it_asks_its_own_host_only_and_renews_itself(tmp_path: Path, browser: Browser) -> None:
    page = graph(fill(tmp_path, 1), "--lang", "en")
    with served(tmp_path) as url:
        browser.open(f"{url}/homemon.html")
        browser.press("1 d")
        browser("window.old = true")
        browser("renew()")
        assert browser("window.old")
        graph(tmp_path, "--lang", "en")
        os.utime(page, (time() + 5, time() + 5))
        browser("void renew()")
        wait_for(lambda: not browser("window.old"))
        browser.settle()
        assert browser("location.hash") == "#1d"
        assert browser("view.days") == 1
        assert {urlsplit(asked).netloc for asked in browser.requests()} <= {urlsplit(url).netloc, ""}


def test_where_there_is_nothing_it_says_what_to_do(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n[ecocute]\nhost = 192.0.2.1\n")
    for lang, absent, silent in (
        ("en", "config.ini has no [{}]", "Nothing"),
        ("ja", "config.ini に [{}] がありません", "記録は"),
    ):
        browser.open(graph(tmp_path, "--lang", lang), PHONE)
        texts = [empty.text for empty in browser.driver.find_elements(By.CSS_SELECTOR, ".empty")]
        assert absent.format("smartmeter") in texts[0]
        assert absent.format("smartmeter") in texts[1]
        assert silent in texts[2]
        assert "homemon ecocute-poll" in texts[2]
        assert absent.format("kyocera") in texts[3]
        assert not browser.plots()
        assert len(browser.driver.find_elements(By.CSS_SELECTOR, ".card:not([data-time])")) == 5
        assert browser("document.documentElement.scrollWidth") == PHONE[0]


def test_one_source_alone_is_drawn(tmp_path: Path, browser: Browser) -> None:
    write_config(tmp_path)
    keep(tmp_path, [Point("power", {"value": 523}, int(time()) - 60)])
    browser.open(graph(tmp_path, "--lang", "en"))
    assert browser("panels.map((panel) => panel.name)") == ["power"]
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, ".empty")) == 3


def test_a_page_without_its_javascript_says_so(home: Path, tmp_path: Path, chromium: Browser) -> None:
    page = tmp_path / "alone.html"
    page.write_bytes((home / "en.html").read_bytes())
    chromium.driver.get(page.as_uri())
    assert "plotly.min.js is missing" in chromium.driver.find_element(By.ID, "fault").text
