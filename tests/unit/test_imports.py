"""Files as the companies write them: each half-hour at its time, and none where the file has no value."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from itertools import count, islice

import pytest

from homemon.core.points import JST, Point
from homemon.replay.downloads import jepx, tepco
from homemon.replay.downloads import kansai as kansai_format
from homemon.replay.downloads.items import Bad, Item, Missing, Options, text_of
from homemon.replay.downloads.table import recognise
from homemon.sources.registry import SPOT

TOKYO = Options(("tokyo",))
AREAS = ["北海道", "東北", "東京", "中部", "北陸", "関西", "中国", "四国", "九州"]
TITLES = ",".join(
    (
        *("受渡日", "時刻コード", "売り入札量(kWh)", "買い入札量(kWh)", "約定総量(kWh)", "システムプライス(円/kWh)"),
        *(f"エリアプライス{area}(円/kWh)" for area in AREAS),
        *(
            "売りブロック入札総量(kWh)",
            "売りブロック約定総量(kWh)",
            "買いブロック入札総量(kWh)",
            "買いブロック約定総量(kWh)",
        ),
    )
)
ROW = "2026/08/26,35,1000,2000,900,31.50,9.01,9.02,55.23,9.04,9.05,9.06,9.07,9.08,9.09,1,2,3,4"
KANSAI = """お客さま番号：01-23-4567-890123,契約種別：なっトクでんき,ニックネーム：ふう さん
ご使用場所住所：大阪市　北区　１－１
データ抽出対象期間：2025年12月30日 ～ 2026年1月2日
＊端数処理前で作成しています。
,１時間ごとの電力量内訳
,{hours}
抽出期間合計,{totals}
{days}
"""
PREAMBLE = ("01-23", "大阪市", "ふう")
HOURS = ",".join(f"{hour}-{hour + 1}時" for hour in range(24))
TEPCO = "お客さま番号,事業所コード,ご請求番号,供給地点特定番号,年月日,曜日,休祝日,契約メニュー,ご使用量,売電量"
SUPPLY_POINT = "0300111122223333444455"
SLOTS = [f"{minutes // 60:02}{minutes % 60:02}" for minutes in range(0, 1440, 30)]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=JST).timestamp())


def read(text: str, options: Options = TOKYO, encoding: str = "utf-8") -> list[Item]:
    lines = [text_of(line) for line in text.encode(encoding).splitlines(keepends=True)]
    found = recognise(lines[:50])
    assert found is not None
    return list(found.read(enumerate(lines, 1), options))


def spot(*rows: str, before: tuple[str, ...] = (), titles: str = TITLES, encoding: str = "cp932") -> list[Item]:
    return read("\r\n".join((*before, titles, *rows, "")), encoding=encoding)


def day_of(name: str, first: str = "0.30", rest: str = "0.50") -> str:
    return f'" {name}",' + ",".join((first, *[rest] * 23))


def kansai(*days: str, encoding: str = "cp932") -> list[Item]:
    return read(KANSAI.format(hours=HOURS, totals=",".join(["9.9"] * 24), days="\n".join(days)), encoding=encoding)


def tepco_csv(*rows: tuple[str, str], encoding: str = "cp932") -> list[Item]:
    made = [f'"0011","12","34","{SUPPLY_POINT}","{when}","火","","スタンダードS","{kwh}","0"' for when, kwh in rows]
    return read("\r\n".join((TEPCO, *made, "")), encoding=encoding)


def tepco_rows(*rows: tuple[int, str, str | None], day: date | None = date(2021, 2, 1)) -> list[Item]:
    made = [{"month": "2", "day": str(day_), "time": time, "kwh": kwh, "yen": "2"} for day_, time, kwh in rows]
    return read(json.dumps({"rows": made}), Options(day=day))


def bills(labels: list[str], lacking: int | None = None, day: date | None = date(2026, 8, 1)) -> list[Item]:
    rows = [{"usedTime": label, "usedInfo": {"power": 0.25}} for label in labels]
    if lacking is not None:
        del rows[lacking]["usedInfo"]
    return read(json.dumps({"data": {"billInfos": rows}}), Options(day=day))


def reasons(items: list[Item]) -> list[str]:
    assert not [item for item in items if isinstance(item, Point)]
    return [item.why for item in items if isinstance(item, (Bad, Missing))]


# --- JEPX ------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("before", [(), ("JEPX スポット市場", "2026年度", "")])
def test_the_titles_of_jepx_are_found_in_each_encoding_and_line(encoding: str, before: tuple[str, ...]) -> None:
    assert spot(ROW, before=before, encoding=encoding) == [Point("spot", {"tokyo": 55.23}, at("2026-08-26 17:00"))]


def test_each_area_has_its_own_column_and_okinawa_none() -> None:
    lines = enumerate((TITLES, ROW), 1)
    (point,) = jepx.read(lines, Options(tuple(series.field for series in SPOT)))
    assert isinstance(point, Point)
    assert list(point.fields.values()) == [31.5, 9.01, 9.02, 55.23, 9.04, 9.05, 9.06, 9.07, 9.08, 9.09]
    assert point.fields.keys() == jepx.TITLES.keys() == {series.field for series in SPOT}


def test_the_older_file_calls_the_date_otherwise_and_has_columns_of_alpha() -> None:
    titles = TITLES.replace("受渡日", "年月日") + ",α上限値×スポット・時間前平均価格(円/kWh)"
    assert spot(ROW + ",7.7", titles=titles) == [Point("spot", {"tokyo": 55.23}, at("2026-08-26 17:00"))]


@pytest.mark.parametrize(
    ("day", "code", "time"),
    [
        ("2026/04/01", "1", "2026-04-01 00:00"),
        ("2026/4/1", "48", "2026-04-01 23:30"),
        ("2028/02/29", "2", "2028-02-29 00:30"),
    ],
)
def test_a_code_is_the_half_hour_that_begins_then(day: str, code: str, time: str) -> None:
    (point,) = spot(ROW.replace("2026/08/26,35", f"{day},{code}"))
    assert isinstance(point, Point)
    assert point.time == at(time)


@pytest.mark.parametrize("price", ["", "-", "0", "0.00"])
def test_a_price_that_is_missing_is_no_zero(price: str) -> None:
    assert spot(ROW.replace("55.23", price)) == [Missing("spot", "tokyo", jepx.NO_PRICE)]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (",35,", ",0,", "'0' is no code of a half-hour, 1 to 48"),
        (",35,", ",49,", "'49' is no code of a half-hour, 1 to 48"),
        ("2026/08/26", "2027/02/29", "'2027/02/29' is no date"),
        ("2026/08/26", "garbage", "'garbage' is no date"),
        ("55.23", "５５", "'５５' is no number"),
        ("55.23", "1e3", "'1e3' is no number"),
        ("55.23", "-3.00", "'-3.00' is no number"),
        ("55.23", "5523", "'5523' is more than 999.99, the most that can be"),
        (",55.23,9.04,9.05,9.06,9.07,9.08,9.09,1,2,3,4", "", "the line has too few columns"),
        ("55.23,9.04,9.05,9.06,9.07,9.08,9.09,1,2,3,4", "55.2", "the line has too few columns"),
        ("2026/08/26", "\0", "'\\x00' is no date"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_next_one_is_read(before: str, after: str, why: str) -> None:
    bad, good = spot(ROW.replace(before, after), ROW, encoding="utf-8")
    assert bad == Bad(2, why)
    assert isinstance(good, Point)


def test_a_last_line_that_is_cut_off_in_the_wanted_price_is_named() -> None:
    titles, row = (",".join(line.split(",")[:9]) for line in (TITLES, ROW))
    cut = Bad(2, "the line has no end: its last price may be half a number")
    assert read(f"{titles}\n{row[:-1]}") == [cut]
    assert read(f"{titles}\n{row}\n") == [Point("spot", {"tokyo": 55.23}, at("2026-08-26 17:00"))]


def test_a_file_without_the_column_of_an_area_says_so() -> None:
    assert spot(ROW, titles=TITLES.replace("エリアプライス東京", "x")) == [
        Bad(1, "there is no column エリアプライス東京")
    ]


def test_files_one_after_the_other_are_read_each_by_its_own_titles() -> None:
    other = TITLES.replace("東京", "x").replace("九州", "東京")
    items = spot(ROW, other, ROW.replace("2026/08/26", "2026/08/27"))
    assert items == [
        Point("spot", {"tokyo": 55.23}, at("2026-08-26 17:00")),
        Point("spot", {"tokyo": 9.09}, at("2026-08-27 17:00")),
    ]


def test_a_file_is_read_as_it_streams() -> None:
    endless: Iterator[tuple[int, str]] = ((line, ROW if line > 1 else TITLES) for line in count(1))
    assert len(list(islice(jepx.read(endless, TOKYO), 5000))) == 5000


# --- Kansai ----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
def test_the_year_of_kansais_rows_is_that_of_the_period_in_the_preamble(encoding: str) -> None:
    items = kansai(day_of("01/01"), day_of("12/31"), encoding=encoding)
    assert all(isinstance(item, Point) for item in items)
    assert items[0] == Point("portal_hour", {"bought": 0.3}, at("2026-01-01 00:00"))
    assert items[23] == Point("portal_hour", {"bought": 0.5}, at("2026-01-01 23:00"))
    assert items[24] == Point("portal_hour", {"bought": 0.3}, at("2025-12-31 00:00"))
    assert len(items) == 48


@pytest.mark.parametrize(("cell", "left"), [("", 23), ("-", 23), ("0.00", 24)])
def test_an_hour_that_was_not_metered_is_skipped_and_one_without_use_is_zero(cell: str, left: int) -> None:
    items = kansai(day_of("01/01", first=cell))
    assert sum(isinstance(item, Point) for item in items) == left


def test_a_row_beyond_the_period_and_one_cut_off_are_named() -> None:
    items = kansai(day_of("02/29"), '" 01/01",0.30,0.50', day_of("01/01", first="x"))
    assert items == [
        Bad(8, "'02/29' is no day of the period, 2025-12-30 to 2026-01-02"),
        Bad(9, "the line has 2 hours and not 24"),
        Bad(10, "'x' is no number"),
    ]


def test_without_the_period_no_year_is_guessed_and_nothing_of_the_preamble_is_quoted() -> None:
    text = KANSAI.replace("2025年12月30日", "")
    (why,) = reasons(read(text.format(hours=HOURS, totals="", days=day_of("01/01"))))
    assert "データ抽出対象期間" in why
    assert not any(part in why for part in PREAMBLE)


def test_a_day_that_a_long_period_has_twice_gets_no_year() -> None:
    text = KANSAI.replace("2025年12月30日", "2025年1月1日").format(hours=HOURS, totals="", days=day_of("01/01"))
    assert reasons(read(text)) == ["'01/01' is more than one day of the period, 2025-01-01 to 2026-01-02"]


@pytest.mark.parametrize("line", ["1月1日" + ",0.3" * 24, day_of("01/01", first="0\r3")])
def test_a_row_that_is_neither_a_day_nor_the_totals_is_named(line: str) -> None:
    text = KANSAI.format(hours=HOURS, totals="\n" + line, days=day_of("01/02")).split("\n")
    items = list(kansai_format.read(enumerate(text, 1), Options()))
    assert items[0] == Bad(8, "the line begins with no day")
    assert len(items) == 25


def test_of_files_one_after_the_other_each_has_its_own_period_and_nothing_of_a_preamble_is_quoted() -> None:
    text = KANSAI.format(hours=HOURS, totals="", days=day_of("01/01"))
    items = read(text + text.replace("2025年12月30日 ～ 2026年1月2日", "2025年1月1日 ～ 2025年1月2日"))
    times = [item.time for item in items if isinstance(item, Point)]
    assert (times[0], times[24]) == (at("2026-01-01 00:00"), at("2025-01-01 00:00"))
    bad = [item.why for item in items if isinstance(item, Bad)]
    assert bad
    assert not any(part in why for part in PREAMBLE for why in bad)


# --- TEPCO -----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
def test_the_time_of_tepcos_csv_is_the_end_of_the_half_hour(encoding: str) -> None:
    items = tepco_csv(("2021/09/28 00:30", "0.2"), ("2021/09/28 01:00", "---"), ("2021/09/28 24:00", "0"))
    assert items == tepco_csv(
        ("2021/09/28 00:30", "0.2"), ("2021/9/28 1:00", ""), ("2021/09/28 24:00", "0.0"), encoding=encoding
    )
    assert items == [
        Point("portal", {"bought": 0.2}, at("2021-09-28 00:00")),
        Missing("portal", "bought", "no value in the file"),
        Point("portal", {"bought": 0.0}, at("2021-09-28 23:30")),
    ]


def test_an_empty_line_of_tepcos_csv_is_none() -> None:
    rows = ['"1","1","1","1","2021/09/28 00:30","火","","a","0.2","0"', "", " , "]
    assert read("\r\n".join((TEPCO, *rows, ""))) == [Point("portal", {"bought": 0.2}, at("2021-09-28 00:00"))]


def test_of_a_csv_of_whole_hours_or_days_no_half_hour_is_guessed() -> None:
    hours = [(f"2021/09/28 {hour:02}:00", "0.2") for hour in range(1, 25)]
    assert reasons(tepco_csv(*hours)) == ["it has no half-hours: save each day by itself"]
    assert reasons(tepco_csv(("2021/09/28", "5.2"))) == ["it has no half-hours: save each day by itself"]


def test_a_torn_line_of_tepcos_csv_is_named_and_no_number_of_the_supply_point_is_quoted() -> None:
    items = tepco_csv(("2021/09/28 00:30", "0.2"), (SUPPLY_POINT, "0.2"), ('2021/09/28 01:00","', "0.2"))
    assert [item.line for item in items if isinstance(item, Bad)] == [3, 4]
    assert not any(isinstance(item, Bad) and SUPPLY_POINT[:8] in item.why for item in items)


def test_the_label_of_tepcos_rows_is_the_end_of_the_half_hour() -> None:
    items = tepco_rows((1, "00:30", "0.1"), (1, "23:30", "0.2"), (1, "24:00", "0.3"))
    assert items == [
        Point("portal", {"bought": 0.1}, at("2021-02-01 00:00")),
        Point("portal", {"bought": 0.2}, at("2021-02-01 23:00")),
        Point("portal", {"bought": 0.3}, at("2021-02-01 23:30")),
    ]


@pytest.mark.parametrize("day", [1, 2])
def test_a_midnight_ends_the_half_hour_after_the_row_before_it(day: int) -> None:
    items = tepco_rows((1, "23:30", "0.2"), (day, "00:00", "0.3"))
    assert items[1] == Point("portal", {"bought": 0.3}, at("2021-02-01 23:30"))


def test_the_year_of_tepcos_json_is_the_data_year_around_each_row() -> None:
    row = '{"month": "9", "day": "28", "time": "00:30", "kwh": "0.1"}'
    days = [f'{{"data_year": "{year}", "data": [{row}], "data_month": "9"}}' for year in (2021, 2022)]
    assert read(f"[{','.join(days)}]", Options()) == [
        Point("portal", {"bought": 0.1}, at("2021-09-28 00:00")),
        Point("portal", {"bought": 0.1}, at("2022-09-28 00:00")),
    ]


@pytest.mark.parametrize("kwh", ["-0", "-0.0", "null", '"-0"'])
def test_what_stands_for_no_value_is_no_zero_in_whichever_way_json_has_it(kwh: str) -> None:
    text = f'[{{"data_year": 2021, "month": 9, "day": 28, "time": "00:30", "kwh": {kwh}}}]'
    assert read(text) == [Missing("portal", "bought", "no value in the file")]


def test_rows_without_a_value_are_skipped_and_a_zero_is_one() -> None:
    items = tepco_rows((1, "00:30", "-0"), (1, "01:00", None), (1, "01:30", ""), (1, "02:00", "0"))
    assert [isinstance(item, Missing) for item in items] == [True, True, True, False]
    assert items[3] == Point("portal", {"bought": 0.0}, at("2021-02-01 01:30"))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((29, "00:30", "0.1"), "'2021/2/29' is no date"),
        ((1, "00:15", "0.1"), "'00:15' is no time of a half-hour"),
        ((1, "24:30", "0.1"), "'24:30' is no time of a half-hour"),
        ((1, "00:00", "0.1"), "'00:00' follows no '23:30'"),
        ((1, "01:00", "much"), "'much' is no number"),
        ((1, "01:00", "250"), "'250' is more than 50, the most that can be"),
    ],
)
def test_a_row_of_tepcos_that_cannot_be_read_is_named(row: tuple[int, str, str], why: str) -> None:
    good, bad = tepco_rows((1, "00:30", "0.1"), row)
    assert isinstance(good, Point)
    assert isinstance(bad, Bad)
    assert bad.line == 2
    assert why in bad.why


def test_rows_without_a_year_and_rows_of_whole_hours_are_not_guessed() -> None:
    assert "--date" in reasons(tepco_rows((1, "00:30", "0.1"), day=None))[0]
    assert reasons(tepco_rows((1, "01:00", "0.1"), (1, "02:00", "0.1"))) == [
        "it has no half-hours: save each day by itself"
    ]


@pytest.mark.parametrize("labels", [SLOTS, [*SLOTS[1:], "0000"], [*SLOTS[1:], "2400"]])
def test_whether_a_label_is_start_or_end_follows_from_the_whole_day(labels: list[str]) -> None:
    items = bills(labels, lacking=4)
    times = [item.time for item in items if isinstance(item, Point)]
    assert times == [at("2026-08-01 00:00") + 1800 * slot for slot in range(48) if slot != 4]
    assert items[4] == Missing("portal", "bought", "no value in the file")


@pytest.mark.parametrize(
    "labels",
    [SLOTS[:-1], [*SLOTS[1:], "2330"], [], ["x"] * 48, [SLOTS[0], SLOTS[2], SLOTS[1], *SLOTS[3:]], SLOTS[::-1]],
)
def test_of_a_day_that_is_not_whole_no_half_hour_is_guessed(labels: list[str]) -> None:
    assert reasons(bills(labels))


def test_a_day_that_is_not_named_is_not_guessed() -> None:
    assert "--date" in reasons(bills(SLOTS, day=None))[0]


@pytest.mark.parametrize("text", ['{"billInfos": [', '{"billInfos": 7}', '{"billInfos": ' + "[" * 5000])
def test_json_that_is_torn_or_of_another_shape_is_named(text: str) -> None:
    assert reasons(read(text, Options(day=date(2026, 8, 1))))


def test_a_file_that_is_too_large_to_be_json_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tepco, "LARGEST", 1000)
    endless = ((line, '{"billInfos": [') for line in count(1))
    assert reasons(list(tepco.read_bills(endless, Options(day=date(2026, 8, 1)))))


@pytest.mark.parametrize(
    "text", ["", "\n\n", "time,measurement,field,value", "power value=1 1798601460000000000", "{}"]
)
def test_another_file_is_of_no_format(text: str) -> None:
    assert recognise(text.splitlines()) is None
