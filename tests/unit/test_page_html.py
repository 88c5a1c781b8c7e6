"""The page's HTML: which numbers are where, what is left out, and that nothing in it is taken for markup or style."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from types import MappingProxyType

import pytest

from homemon.core.language import LANGUAGES
from homemon.core.points import HALF_HOUR
from homemon.energy.household import ENERGIES, Balance, Household, Known
from homemon.energy.periods import Period, starts
from homemon.energy.rows import Row
from homemon.energy.so_far import Earlier, SoFar, difference, wholes
from homemon.energy.spans import Span
from homemon.energy.statement import Forecast
from homemon.page import cards, sections, texts
from homemon.page.html import compact, html, style
from homemon.page.panels import Charts, Drawn
from homemon.page.views import Extent, Facts, Load, Newest, Now, View, place
from homemon.sources.registry import NAMED, SHOWN, SOURCES
from homemon.sources.source import Kind
from tests.graphs import contrast

DAY = date(2026, 11, 25)
START = starts(DAY)
NOW = START + 20 * HALF_HOUR + 600
DAY_LONG = 48 * HALF_HOUR
YEN = Decimal("123.4")
EVIL = "<script>alert('\"&')</script>"
IN_EACH = pytest.mark.parametrize("language", LANGUAGES)


def spans(kwh: str, start: int = START, count: int = 20) -> list[Span]:
    return [Span(start + n * HALF_HOUR, start + (n + 1) * HALF_HOUR, Decimal(kwh)) for n in range(count)]


def house(solar: bool = True) -> Household:
    """One that buys 0.3, sells 0.1 and makes 0.2 kWh each half-hour of the first ten hours of two days."""
    before = START - DAY_LONG
    sold, made = ("0.1", "0.2") if solar else ("0", "0")
    return Household(
        {
            "bought": [*spans("0.2", before, 48), *spans("0.3")],
            "sold": [*spans(sold, before, 48), *spans(sold)],
            "generated": [*spans(made, before, 48), *spans(made)] if solar else [],
            "balance": [],
        }
    )


def so_far(home: Household, name: str = "day", yen: Decimal | None = YEN, doubts: tuple[str, ...] = ()) -> SoFar:
    period = Period("2026-12", START, START + DAY_LONG)
    before = Period("", START - DAY_LONG, START)
    part = before._replace(end=before.start + 20 * HALF_HOUR)
    summary = home.summary(part.start, part.end)
    known = {each: getattr(summary, each) for each in ENERGIES}
    earlier = Earlier(
        "yesterday", part, known, None if yen is None else Decimal(100), wholes(home, before, home, period)
    )
    row = Row(period, home.summary(period.start, period.end), yen, doubts)
    forecast = Forecast(5000, 4500, 5600, Decimal(150)) if name == "bill" else None
    return SoFar(name, period, START + 20 * HALF_HOUR, row, (earlier,), Decimal("14.4"), forecast)


def facts(solar: bool = True, contract: bool = True, doubts: tuple[str, ...] = ()) -> Facts:
    home = house(solar)
    yen = YEN if contract else None
    place_ = place("day", DAY)
    parts = [Row(part, home.summary(part.start, part.end), yen, doubts) for part in place_.parts(NOW + 1)]
    row = Row(place_.period, home.summary(place_.period.start, place_.period.end), yen, doubts)
    levels = {"power": {START: Extent(-40, 1999, 523.25, 1)}} | (
        {"tank": {START: Extent(90, 100, 95, 1)}} if solar else {}
    )
    view = View(*place_, place_.period, row, parts, home.balance(START, NOW), levels)
    newest: dict[str, Newest | None] = {"power": Newest(-523 if solar else 523, NOW - 60, 600)}
    if solar:
        newest |= {"heating": Newest(5, NOW - 60, 1800), "tank": Newest(245, NOW - 3600, 1800)}
    return Facts(
        NOW,
        Now(newest, Load(Newest(12.34, NOW - 60, 600), 40) if contract else None),
        so_far(home, "day", yen, doubts),
        so_far(home, "bill" if contract else "month", yen, doubts),
        [view],
        ENERGIES if solar else ("bought",),
        [source.section for source in SOURCES] if solar else ["smartmeter"],
        (DAY, DAY),
    )


def charts(solar: bool = True) -> Charts:
    names = [series.name for series in SHOWN] if solar else ["power", "bought", "sold"]
    return Charts(NOW, Drawn(START, START + DAY_LONG, START), {"curve": {name: [[NOW], [1]] for name in names}})


def page(language: str = "en", solar: bool = True, contract: bool = True, doubts: tuple[str, ...] = ()) -> str:
    return html(facts(solar, contract, doubts), charts(solar), language, {})


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]


class Outline(HTMLParser):
    """The elements of a page; each that is opened is closed in turn."""

    EMPTY = frozenset({"meta", "link", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self._open.pop() == tag


def cells(text: str, table: str = "") -> list[list[str]]:
    """The rows of a table of the page, without markup."""
    found = text[text.index(f'<table id="{table}">' if table else "<table>") :]
    rows = re.findall(r"<tr>(.*?)</tr>", found[: found.index("</table>")])
    return [[re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


# --- the numbers --------------------------------------------------------------------------


def test_a_part_has_a_row_with_every_number_of_its_charts_and_the_whole_has_one() -> None:
    heads, below, first, *others, last, whole = cells(page(), "table-day-2026-11-25")
    assert heads == ["half-hour", "bought kWh", "sold kWh", "generated kWh", "used kWh", "cost of energy yen",
                     "power W", "EcoCute hot water left L"]  # fmt: skip
    assert below == ["lowest", "mean", "highest"] * 2
    assert first == ["00:00", "0.30", "0.10", "0.20", "0.40", "123", "−40", "523", "1,999", "90", "95", "100"]
    assert len(others) == 19
    assert last == ["10:00", "–", "–", "–", "–", "123", *["–"] * 6]  # which goes on
    assert whole == ["day", "6.00", "2.00", "4.00", "8.00", "123", ""]


def test_what_a_device_counted_is_a_column_with_its_hours() -> None:
    shown = facts()
    view = shown.views[0]
    counted = {"heated": {START: Known(Decimal("0.75"), Decimal("0.5"))}}
    text = html(shown._replace(views=[view._replace(counted=counted, levels={})]), charts(), "en", {})
    heads, first, second, *_ = cells(text, "table-day-2026-11-25")
    assert (heads[-1], first[-1], second[-1]) == ("EcoCute energy kWh", "0.75", "–")


def test_a_year_says_that_its_table_has_months_where_the_charts_have_days() -> None:
    shown = facts()
    of_day = shown.views[0]
    parts = [row._replace(period=place("month", date(2026, 11, 1)).period) for row in of_day.parts[:1]]
    levels = {"power": {parts[0].period.start: Extent(-40, 1999, 523, 1)}}
    year = of_day._replace(kind="year", first=date(2026, 1, 1), parts=parts, levels=levels)
    said = [html(shown._replace(views=[view]), charts(), "en", {}) for view in (of_day, year, year._replace(levels={}))]
    assert ["is by month here, and by day in the charts" in each for each in said] == [False, True, False]


def test_so_far_is_beside_the_same_part_with_the_difference_in_percent_and_words() -> None:
    heads, bought, sold, generated, used, yen = cells(page())
    assert heads == ["", "so far", "yesterday"]
    assert bought == ["bought kWh", "6.00", "4.0050 % more"]
    assert sold == ["sold kWh", "2.00", "2.00the same"]
    assert used == ["used kWh", "8.00", "6.0033 % more"]
    assert generated == ["generated kWh", "4.00", "4.00the same"]
    assert yen == ["cost of energy yen", "123", "10023 % more"]


@pytest.mark.parametrize(("yen", "said"), [("6", "94 % 少ない"), ("100", "同じ"), ("2000", "1,900 % 多い")])
def test_less_is_said_once_and_not_as_minus_less(yen: str, said: str) -> None:
    found = facts()
    today = found.today._replace(row=found.today.row._replace(yen=Decimal(yen)))
    text = html(found._replace(today=today), charts(), "ja", {})
    assert re.findall(r"昨日 <small[^>]*>(.*?)</small></summary>", text)[0] == said


@pytest.mark.parametrize(
    ("language", "yen", "said"),
    [
        ("en", "23 % more", ("the base charge is not confirmed by a source", "fuel is odd")),
        ("ja", "23 % 多い", ("基本料金は、どの資料でも確かめられていません", '<span lang="en">fuel is odd</span>')),
    ],
)
def test_yen_of_an_earlier_part_that_may_change_are_marked_and_say_why(
    language: str, yen: str, said: tuple[str, ...]
) -> None:
    found = facts()
    (earlier,) = found.today.earlier
    doubts = ("the base charge is not confirmed by a source", "fuel is odd")
    today = found.today._replace(earlier=(earlier._replace(doubts=doubts),))
    text = html(found._replace(today=today), charts(), language, {})
    assert f'<td>~100<small class="more">{yen}</small></td>' in text
    assert "".join(f"<li>{each}</li>" for each in said) in text


def test_nothing_is_compared_of_which_not_all_is_known() -> None:
    whole = house()
    gap = Household(
        {**whole.flows, "bought": [span for span in whole.flows["bought"] if span.start != START - DAY_LONG]}
    )
    before, today = Period("", START - DAY_LONG, START), Period("", START, START + DAY_LONG)
    assert wholes(whole, before, whole, today) == set(ENERGIES)
    assert wholes(gap, before, gap, today) == {"sold", "generated"}
    short = before._replace(end=before.start + 5 * HALF_HOUR)  # as February is
    assert wholes(whole, short, whole, today) == set()


@pytest.mark.parametrize(
    ("now", "before", "percent"),
    [("3", "2", 50), ("1", "2", -50), ("0", "2", -100), ("2", "0", None), (None, "2", None), ("2", None, None)],
)
def test_the_difference_is_of_what_was_before(now: str | None, before: str | None, percent: int | None) -> None:
    assert difference(now and Decimal(now), before and Decimal(before)) == percent  # type: ignore[arg-type]


def test_what_came_is_what_went_in_the_hours_of_which_all_is_known() -> None:
    home = house()
    balance = home.balance(START, START + DAY_LONG)
    assert balance == Balance(Decimal("6.0"), Decimal("4.0"), Decimal("8.0"), Decimal("2.0"), Decimal(10))
    assert balance.bought + balance.generated == balance.used + balance.sold
    assert home.balance(START + DAY_LONG, START + 2 * DAY_LONG) is None
    text = page()
    assert "bought 6.00 kWh · 60 %" in text
    assert "sold 2.00 kWh · 20 %" in text
    assert re.findall(r'<rect class="c-(\w+)" x="([\d.]+)" width="([\d.]+)"', text) == [
        ("bought", "0.00", "60.00"),
        ("generated", "60.00", "40.00"),
        ("used", "0.00", "80.00"),
        ("sold", "80.00", "20.00"),
    ]


def test_cards_say_direction_share_of_the_contract_and_what_is_stale() -> None:
    found = list(cards.cards(facts().moment, "en"))
    assert [(card.name, card.value, card.unit, card.note) for card in found] == [
        ("power", "523", "W", "selling"),
        ("current", "12.3", "A", "31 % of 40 A"),
        ("tank", "245", "L", ""),
        ("heating", "5", "W", ""),
    ]
    assert found[1].full == pytest.approx(0.308, abs=0.001)
    assert re.findall(r'class="card c-\w+ stale" id="([\w-]+)"', page()) == ["card-tank"]
    assert cards.live(facts().moment, "en")["power"] == {
        "value": "523", "note": "selling", "colour": "sold", "time": NOW - 60, "stale": 600, "full": None
    }  # fmt: skip


def test_current_that_flows_out_takes_nothing_of_the_contract() -> None:
    load = Load(Newest(-14.5, NOW - 60, 600), 40)
    (_, card) = cards.cards(facts(solar=False).moment._replace(load=load), "en")
    assert (card.value, card.note, card.full) == ("−14.5", "0 % of 40 A", 0)


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (99.96, "100"), (23.45, "23.4"), (-4, "−4"), (0, "0"), (5.0, "5")]
)
def test_a_level_has_the_decimals_that_matter(value: float, text: str) -> None:
    assert cards.level_text(value) == text


# --- what is left out -------------------------------------------------------------------------


@IN_EACH
def test_a_meter_only_home_has_no_empty_cards_and_nothing_of_selling(language: str) -> None:
    text = page(language, solar=False, contract=False)
    assert re.findall(r'id="card-(\w+)"', text) == ["power"]
    assert re.findall(r'class="panel" id="(\w+)"', text) == ["power", "energy"]
    main = text[text.index("<main>") : text.index("</main>")]
    for name in ("sold", "generated", "used"):
        assert texts.text(language, name) not in main
    assert "<figure" not in text
    assert "empty" not in main


@IN_EACH
def test_without_a_contract_there_are_no_yen_but_how_to_get_them(language: str) -> None:
    text = page(language, contract=False)
    assert texts.text(language, "no contract") in text
    main = re.sub(r'<p class="hint">.*?</p>', "", text[text.index("<main>") : text.index("</main>")])
    assert not re.search(rf"\b{texts.text(language, 'yen')}\b", main)
    assert texts.text(language, "cost") not in main
    assert texts.text(language, "no contract") not in page(language)


@IN_EACH
def test_of_an_empty_store_it_says_what_to_do_and_nothing_else(language: str) -> None:
    nothing = Household(dict.fromkeys(("bought", "sold", "generated", "balance"), ()))
    empty = facts()
    period = empty.views[0].period
    row = Row(period, nothing.summary(period.start, period.end), None)
    empty = empty._replace(moment=Now({}, None), views=[empty.views[0]._replace(row=row, parts=[])], energies=[])
    empty = empty._replace(silent=[source.section for source in SOURCES], begun=False)
    text = html(empty, Charts(NOW, Drawn(START, START + DAY_LONG, START), {}), language, {})
    assert len(re.findall('class="empty"', text)) == len(SOURCES)
    assert "homemon meter-listen" in text
    assert 'class="card' not in text
    assert 'class="view' not in text


# --- markup -----------------------------------------------------------------------------------


@IN_EACH
def test_its_elements_are_nested_and_their_names_are_their_own(language: str) -> None:
    outline = Outline(page(language, doubts=("why",)))
    ids = [element.attributes["id"] for element in outline.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    targets = {f"#{name}" for name in ids}
    links = [element.attributes.get("href") for element in outline.elements if element.tag == "a"]
    assert {link for link in links if link} <= targets


@IN_EACH
def test_there_is_no_style_and_no_handler_in_its_elements(language: str) -> None:
    for element in Outline(page(language, doubts=("why",))).elements:
        assert "style" not in element.attributes
        assert not [name for name in element.attributes if name.startswith("on")]


def test_a_served_page_has_no_style_and_no_script_of_its_own() -> None:
    text = html(facts()._replace(reaches=None), charts(), "en", {"now": EVIL}, served=True)
    inside = [
        e for e in Outline(text).elements if e.tag == "style" or (e.tag == "script" and "src" not in e.attributes)
    ]
    assert [element.attributes.get("type") for element in inside] == ["application/json"]
    assert '<link rel="stylesheet" href="/page.css"' in text
    assert 'href="/day/2026-11-24"' in text
    assert 'href="/week/2026-11-23"' in text
    assert 'data-live="/live"' in text
    assert EVIL not in text


def test_markup_in_doubts_labels_and_devices_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = NAMED["tank"]._replace(label=(EVIL, EVIL), unit="<u>")
    monkeypatch.setitem(NAMED, "tank", evil)
    monkeypatch.setitem(cards.SOURCE_OF, "tank", cards.SOURCE_OF["tank"]._replace(name=(EVIL, EVIL)))
    text = page(doubts=(EVIL,))
    assert EVIL not in text
    assert "<u>" not in text
    assert text.count("&lt;script&gt;") >= 4
    assert "</script>" not in compact({"text": EVIL})


def test_every_series_has_its_colour() -> None:
    rules = style()
    for name in (*ENERGIES, *NAMED):
        assert f".c-{name} {{ --dot: var(--{name}); }}" in rules
        assert re.search(rf"--{name}: ", rules)


@pytest.mark.parametrize("key", texts.TEXTS)
def test_every_text_is_in_both_languages(key: str) -> None:
    ja, en = texts.TEXTS[key]
    assert ja.strip()
    assert en.strip()
    assert en.isascii() or not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", en)
    assert ja.count("{") == en.count("{")


def test_links_of_kinds_are_to_the_view_that_has_the_day_shown() -> None:
    alone = facts()._replace(reaches=None, now=NOW + 30 * DAY_LONG)
    links = re.findall(r'data-kind="(\w+)" href="([^"]+)"( aria-current)?', sections.kinds(alone, sections.path, "en"))
    assert links == [
        ("day", "/day/2026-11-25", " aria-current"),
        ("week", "/week/2026-11-23", ""),
        ("month", "/month/2026-11-01", ""),
        ("year", "/year/2026-01-01", ""),
    ]


def test_hours_stand_with_what_is_not_known_of_all() -> None:
    gap = facts()
    summary = gap.today.row.summary._replace(bought=Known(Decimal("5.1"), Decimal("8.5")))
    today = gap.today._replace(row=gap.today.row._replace(summary=summary))
    text = html(gap._replace(today=today), charts(), "en", {})
    assert cells(text)[1][:2] == ["bought kWh", "5.10 (8.5 h)"]
    assert '<span class="value">5.10</span> <span class="unit">kWh</span> <small>(8.5 h)</small>' in text


def test_levels_are_those_of_the_registry() -> None:
    extra = MappingProxyType({series.name: Newest(1, NOW, 60) for series in SHOWN if series.kind is Kind.LEVEL})
    found = [card.name for card in cards.cards(Now(extra, None), "en")]
    assert sorted(found) == sorted(extra)
    assert found[:2] == ["power", "tank"]


LINES = ("bought", "sold", "generated", "used", "heating", "tank", "balance", "current", "pressed")
WRITTEN = ("text", "quiet", "stale", "link")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_have_contrast(scheme: int) -> None:
    rules = re.findall(r"(?s):root(?::not\(\.printing\))? \{(.*?)\n *\}", style())[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rules))
    for ground in ("panel", "ground", "soft"):
        assert all(contrast(colours[name], colours[ground]) >= 4.5 for name in WRITTEN)
    assert all(contrast(colours[name], colours["panel"]) >= 3 for name in LINES)
    assert contrast(colours["on-pressed"], colours["pressed"]) >= 4.5
