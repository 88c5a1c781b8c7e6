"""The growth of a decade as two pictures, one a language: the files, and the memory of the commands."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from homemon.core.language import LANGUAGES, Text, said
from tests.graphs import Browser
from tests.longrun.decade.house import COMMANDS, Growth

SIZE = (900, 420)
FILES: Text = ("保存先のファイル (MB)", "files of the store (MB)")
MEMORY: Text = ("コマンドのメモリー (最大、MB)", "memory of commands (most, MB)")
YEARS: Text = ("年", "years")
ALL: Text = ("すべて残す", "all kept")
KEPT: Text = ("keep_days = {}", "keep_days = {}")
PAGE = """<!doctype html><meta charset="utf-8"><body style="margin:0"><div id="chart"></div><script>{plotly}</script>
<script>Plotly.newPlot("chart", {data}, {layout}, {{ staticPlot: true }})</script>"""


def draw(houses: Mapping[int, Sequence[Growth]], folder: Path) -> Iterator[Path]:
    """Write the picture of each language, and yield its path; the key of a house is its keep_days."""
    script = files("plotly").joinpath("package_data", "plotly.min.js").read_text("utf-8")
    with TemporaryDirectory() as name:
        browser = Browser(Path(name, "chromium"))
        try:
            for language in LANGUAGES:
                page = Path(name, f"{language}.html")
                data, layout = json.dumps(list(_data(houses, language))), json.dumps(_layout(language))
                page.write_text(PAGE.format(plotly=script, data=data, layout=layout), "utf-8")
                browser.driver.set_window_size(*SIZE)
                browser.driver.get(page.as_uri())
                clip = {"x": 0, "y": 0, "width": SIZE[0], "height": SIZE[1], "scale": 1}
                shot = {"captureBeyondViewport": True, "clip": clip}
                taken = browser.driver.execute_cdp_cmd("Page.captureScreenshot", shot)
                path = folder / f"decade{'' if language == 'en' else f'.{language}'}.png"
                path.write_bytes(base64.b64decode(taken["data"]))
                yield path
        finally:
            browser.driver.quit()


def _data(houses: Mapping[int, Sequence[Growth]], language: str) -> Iterator[dict[str, Any]]:
    for kept, grown in houses.items():
        name = said(KEPT, language, kept) if kept else said(ALL, language)
        yield _line(name, grown, [each.files for each in grown], "")
    whole = [each for each in houses[0] if len(each.memory) == len(COMMANDS)]
    for command in COMMANDS:
        yield _line(f"homemon {command}", whole, [each.memory[command] for each in whole], "2")


def _line(name: str, grown: Sequence[Growth], values: Sequence[float], axis: str) -> dict[str, Any]:
    years = [round(each.days / 365.25, 2) for each in grown]
    return {"name": name, "x": years, "y": values, "xaxis": f"x{axis}", "yaxis": f"y{axis}", "mode": "lines+markers"}


def _layout(language: str) -> dict[str, Any]:
    left, right = [0, 0.44], [0.56, 1]
    below, above = {"title": {"text": said(YEARS, language)}}, {"rangemode": "tozero"}
    return {
        "width": SIZE[0],
        "height": SIZE[1],
        "legend": {"orientation": "h", "y": -0.2},
        "margin": {"t": 20, "r": 20},
        "xaxis": {"domain": left, **below},
        "yaxis": {"title": {"text": said(FILES, language)}, **above},
        "xaxis2": {"domain": right, "anchor": "y2", **below},
        "yaxis2": {"title": {"text": said(MEMORY, language)}, "anchor": "x2", **above},
    }
