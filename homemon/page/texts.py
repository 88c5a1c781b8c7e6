"""What the page says, in Japanese and English."""

from homemon.core.language import LANGUAGES, Text, said
from homemon.sources.registry import NAMED
from homemon.sources.source import Source

TEXTS: dict[str, Text] = {
    "title": ("自宅状況", "Home energy"),
    "written": ("{} 現在", "as of {}"),
    "zone": ("時刻は日本標準時", "times are Japan Standard Time"),
    "no plotly": (
        "このページの隣に plotly.min.js がありません。ページと一緒に homemon graph が置くファイルです。",
        "plotly.min.js is missing next to this page: homemon graph puts it there, and the two belong together.",
    ),
    # how the panels are cut
    "by half-hour": ("30分ごと", "per half-hour"),
    "by day": ("1日ごと", "per day"),
    "by month": ("1か月ごと", "per month"),
    "charts by day": (
        "瞬時の値 (電力、残湯量) と機器の電力量は、表では1か月ごと、グラフでは1日ごとです。",
        "What is measured at a moment, and the energy of devices, is by month here, and by day in the charts.",
    ),
    "by extents": ("1日の最小・平均・最大", "lowest, mean and highest of each day"),
    # what is computed
    "heated": ("消費電力量", "energy"),
    # what the script says
    "zoom in": ("拡大", "Zoom in"),
    "zoom out": ("縮小", "Zoom out"),
    "zoom reset": ("全体を表示", "Show all"),
    "key earlier": ("前へ (←)", "earlier (←)"),
    "key later": ("次へ (→)", "later (→)"),
    "half-hour from": ("{} から30分間", "half-hour from {}"),
    # prices behind the curves
    "yen a kWh": ("{} 円/kWh", "{} yen/kWh"),
    # what is now
    "now": ("現在の状況", "Now"),
    "power now": ("現在の電力", "Power now"),
    "current now": ("電流", "Current"),
    "of amperes": ("契約 {} A の {}", "{1} of {0} A"),
    "buying": ("買電中", "buying"),
    "selling": ("売電中", "selling"),
    "no data": ("データなし", "no data"),
    "as of": ("{} 現在", "at {}"),
    # today and the running period so far
    "so far": ("ここまで", "so far"),
    "today": ("今日", "Today"),
    "until": ("{} まで", "until {}"),
    "yesterday": ("昨日", "yesterday"),
    "a week before": ("1週間前", "a week before"),
    "period before": ("前回の期間", "period before"),
    "a year before": ("1年前", "a year before"),
    "same part": ("同じ時点までの比較", "Compared with the same part"),
    "more": ("多い", "more"),
    "less": ("少ない", "less"),
    "alike": ("同じ", "the same"),
    "expected day": ("1日の見込み", "expected by midnight"),
    "expected": ("期間の見込み", "forecast"),
    "expected bill": ("請求額の見込み", "forecast"),
    "from to": ("{}〜{}", "{}–{}"),
    "yen": ("円", "yen"),
    "cost": ("電力量の料金", "cost of energy"),
    "bill": ("請求額", "bill"),
    "earned": ("売電収入", "paid for what was sold"),
    "begins": ("[contract] は {} からです。それまで料金は出ません。", "The [contract] begins on {}: no yen before."),
    "unpriced": ("料金を計算できません: {}", "Yen cannot be computed: {}"),
    "no contract": (
        "料金を見るには、config.ini に [contract] を書きます (docs/ja/plans.md)。",
        "To see yen, add a [contract] to config.ini (docs/plans.md).",
    ),
    "provisional": ("~ は暫定です", "~ is provisional"),
    # the views
    "views": ("期間", "Period"),
    "steps": ("前後の期間", "Earlier and later"),
    "day": ("日", "day"),
    "week": ("週", "week"),
    "month": ("月", "month"),
    "year": ("年", "year"),
    "earlier day": ("前の日", "the day before"),
    "earlier week": ("前の週", "the week before"),
    "earlier month": ("前の月", "the month before"),
    "earlier year": ("前の年", "the year before"),
    "later day": ("次の日", "the next day"),
    "later week": ("次の週", "the next week"),
    "later month": ("次の月", "the next month"),
    "later year": ("次の年", "the next year"),
    "this day": ("今日", "today"),
    "this week": ("今週", "this week"),
    "this month": ("今月", "this month"),
    "this year": ("今年", "this year"),
    "used": ("使用", "used"),
    "source": ("電力の出どころ", "where it came from"),
    "use": ("電力の行き先", "where it went"),
    "of hours": ("すべてが分かる {} 時間", "of the {} h of which all is known"),
    "self_consumption": ("自家消費率", "self-consumption"),
    "self_sufficiency": ("自給率", "self-sufficiency"),
    "peak": ("買電が最も多い30分", "most in a half-hour"),
    "table": ("表で見る", "As a table"),
    "half-hour": ("30分", "half-hour"),
    "low": ("最小", "lowest"),
    "mean": ("平均", "mean"),
    "high": ("最大", "highest"),
    "no script": (
        "グラフには JavaScript が必要です。数値はすべて表にあります。",
        "The charts need JavaScript; every number of theirs is in the tables.",
    ),
    "readout": (
        "グラフに触れるか、選んで ← → を押すと、その時刻の値が出ます。",
        "Point at a chart, or select it and press ← or →, to read its values there.",
    ),
    "extent": ("最小–最大", "min–max"),
    # where there is nothing: what to configure, or what to start
    "absent": ("config.ini に [{}] がありません。", "config.ini has no [{}]. "),
    "silent": ("最近の記録がありません。", "Nothing was recorded lately. "),
    "do": ("{} を cron で動かします。", " and let cron run {}."),
    "start": (
        "{} は cron で動いていますか。原因は `homemon check` が示します。",
        "Does cron run {}? `homemon check` shows what is wrong.",
    ),
    "and": (" と ", " and "),
}

TIMES = {
    "tick": ("%H:%M\n%-m/%-d (%a)", "%H:%M\n%b %-d"),
    "tick day": ("%-m/%-d", "%b %-d"),
    "tick month": ("%Y/%-m", "%b %Y"),
    "hover readings": ("%-m/%-d (%a) %H:%M", "%a, %b %-d, %H:%M"),
    "hover half-hour": ("%-m/%-d (%a) %H:%M から30分間", "half-hour from %a, %b %-d, %H:%M"),
    "hover day": ("%Y/%-m/%-d (%a)", "%a, %b %-d, %Y"),
    "hover extents": ("%Y/%-m/%-d (%a)", "%a, %b %-d, %Y"),
    "hover month": ("%Y年%-m月", "%B %Y"),
}
"""Formats of d3-time-format, which plotly takes."""

_WEEKDAYS = list("日月火水木金土")
_MONTHS = [f"{month}月" for month in range(1, 13)]
LOCALE_JA = {
    "dictionary": {},
    "format": {"days": _WEEKDAYS, "shortDays": _WEEKDAYS, "months": _MONTHS, "shortMonths": _MONTHS},
}
"""What plotly has to know of Japanese; its own English is built in."""


def text(language: str, key: str) -> str:
    """Return the label of a series by its name, or a text of the table."""
    return said(NAMED[key].label if key in NAMED else TEXTS[key], language)


def remedy(language: str, source: Source, configured: bool) -> str:
    """Return what to configure, or to start, where there is nothing of a source; commands are in backquotes."""
    commands = text(language, "and").join(f"`homemon {command}`" for command in source.commands)
    set_up = "" if configured else said(source.set_up, language)
    return set_up + text(language, "start" if configured else "do").format(commands)


def time_format(language: str, key: str) -> str:
    return TIMES[key][LANGUAGES.index(language)]
