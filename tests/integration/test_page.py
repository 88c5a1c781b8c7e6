"""The page in a real Chromium: what it draws, how it is used, and what it asks for."""

import re
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from time import gmtime, strftime, time

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from homemon.core.points import DAY, HALF_HOUR, HOUR, JST_AHEAD, Point, midnight
from homemon.sources.source import MINUTE
from tests.commands import wait_for, write_config
from tests.graphs import (
    GAP,
    Browser,
    day_of,
    differences,
    drawn,
    energy,
    exported,
    fill,
    graph,
    keep,
    yesterday,
)


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
    generated, _, used = browser.traces("solar")
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
        for trace, name in zip(filter(itemgetter("name"), browser.traces(panel)), names, strict=True):
            said = {row["period"]: Decimal(row[f"{name}_kwh"]) for row in rows if row[f"{name}_kwh"]}
            found = {day_of(at): kwh for at, kwh in drawn(trace)}
            assert len(found) >= days
            assert found == {day: kwh for day, kwh in said.items() if day in found}


def test_a_day_that_is_not_wholly_known_says_its_hours_in_the_hover_and_not_in_the_bar(
    home: Path, browser: Browser
) -> None:
    browser.open(home / "en.html")
    browser(f"show(nearest('month', page.now - {GAP[1] + 2 * HOUR}))")
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
    heated, _, tank = browser.traces("ecocute")
    whole = [float(kwh) for _, kwh in drawn(heated)][1:-1]
    assert max(whole) == 8.64  # 0.1 Wh a second, of the simulated register
    assert (heated["type"], tank["type"]) == ("bar", "scatter")
    assert browser("document.querySelector('#ecocute .ytick text').textContent.length") > 0
    assert tank["name"] == "hot water left min–max"


def test_the_legend_names_what_the_view_draws_power_by_day_and_energy_by_month(home: Path, browser: Browser) -> None:
    browser.open(home / "en.html")
    entries = (
        "[...document.querySelectorAll('#ecocute li')].filter((li) => li.offsetParent).map((li) => li.textContent)"
    )
    assert browser(entries) == ["power", "hot water left"]
    browser("show(nearest('month', page.now - 20 * DAY))")
    assert browser(entries) == ["energy", "hot water left"]
    everywhere = "[...document.querySelectorAll('.panel li')].filter((li) => li.offsetParent).length"
    assert browser(everywhere) == 2 + 2 + 2 + 2


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
    browser(f"show(nearest('day', page.now - {GAP[0] + 10 * MINUTE}))")
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
