"""What the page says, in Japanese and English."""

LANGUAGES = ("ja", "en")

TEXTS = {
    "title": ("自宅状況", "Home energy"),
    "written": ("{} 現在", "as of {}"),
    "zone": ("時刻は日本標準時", "times are Japan Standard Time"),
    "period": ("表示期間", "period shown"),
    "days": ("{}日", "{} d"),
    "earlier": ("前の期間", "earlier"),
    "later": ("次の期間", "later"),
    "no plotly": (
        "このページの隣に plotly.min.js がありません。ページと一緒に homemon graph が置くファイルです。",
        "plotly.min.js is missing beside this page: homemon graph puts it there, and the two belong together.",
    ),
    # how the panels are cut
    "by half-hour": ("30分ごと", "per half-hour"),
    "by day": ("1日ごと", "per day"),
    "extents": ("1日の最小・平均・最大", "lowest, mean and highest of each day"),
    # the headlines
    "power now": ("現在の電力", "Power now"),
    "buying": ("買電中", "buying"),
    "selling": ("売電中", "selling"),
    "bought today": ("今日の買電", "Bought today"),
    "sold today": ("今日の売電", "Sold today"),
    "tank now": ("残湯量", "Hot water left"),
    "generated today": ("今日の発電", "Generated today"),
    "no data": ("データなし", "no data"),
    # the panels
    "power": ("瞬時電力", "Power"),
    "energy": ("電力量", "Energy"),
    "ecocute": ("エコキュート", "EcoCute"),
    "solar": ("太陽光発電", "Solar"),
    # the series
    "at the meter": ("電力", "power"),
    "bought": ("買電", "bought"),
    "sold": ("売電", "sold"),
    "heating": ("消費電力", "power"),
    "tank": ("残湯量", "hot water left"),
    "generated": ("発電", "generated"),
    "balance": ("買電 − 売電", "bought − sold"),
    "mean": ("平均", "mean"),
    "extent": ("最小–最大", "min–max"),
    # where there is nothing: what to configure, or what to start
    "absent": ("config.ini に [{}] がありません。", "config.ini has no [{}]. "),
    "silent": ("この期間の記録はありません。", "Nothing was recorded in this period. "),
    "do smartmeter": (
        "bid と pwd を書いて一度 `homemon join` を実行し、"
        "`homemon meter-listen` と `homemon meter-poll` を cron で動かします。",
        "Put bid and pwd there, run `homemon join` once,"
        " and let cron run `homemon meter-listen` and `homemon meter-poll`.",
    ),
    "do ecocute": (
        "host を書き (`homemon discover` が示します)、"
        "`homemon ecocute-listen` と `homemon ecocute-poll` を cron で動かします。",
        "Put its host there (`homemon discover` shows it),"
        " and let cron run `homemon ecocute-listen` and `homemon ecocute-poll`.",
    ),
    "do kyocera": (
        "transport を書き、`homemon kyocera-dump` を cron で動かします。",
        "Put its transport there, and let cron run `homemon kyocera-dump`.",
    ),
    "start smartmeter": (
        "`homemon meter-listen` と `homemon meter-poll` は cron で動いていますか。原因は `homemon check` が示します。",
        "Does cron run `homemon meter-listen` and `homemon meter-poll`? `homemon check` shows what is wrong.",
    ),
    "start ecocute": (
        "`homemon ecocute-listen` と `homemon ecocute-poll` は cron で動いていますか。"
        "原因は `homemon check` が示します。",
        "Does cron run `homemon ecocute-listen` and `homemon ecocute-poll`? `homemon check` shows what is wrong.",
    ),
    "start kyocera": (
        "`homemon kyocera-dump` は cron で動いていますか。原因は `homemon check` が示します。",
        "Does cron run `homemon kyocera-dump`? `homemon check` shows what is wrong.",
    ),
}

TIMES = {
    "tick": ("%H:%M\n%-m/%-d (%a)", "%H:%M\n%b %-d"),
    "tick day": ("%-m/%-d", "%b %-d"),
    "tick month": ("%Y/%-m", "%b %Y"),
    "hover": ("%-m/%-d (%a) %H:%M", "%a, %b %-d, %H:%M"),
    "hover by half-hour": ("%-m/%-d (%a) %H:%M から30分間", "half-hour from %a, %b %-d, %H:%M"),
    "hover day": ("%Y/%-m/%-d (%a)", "%a, %b %-d, %Y"),
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
    return TEXTS[key][LANGUAGES.index(language)]


def time_format(language: str, key: str) -> str:
    return TIMES[key][LANGUAGES.index(language)]
