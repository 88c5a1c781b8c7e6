"""The page, against plotly's Python half, which gets the very columns that the page shows."""

import json
from functools import partial
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

from tests.commands import write_config
from tests.graphs import page_data
from tests.longrun.benchmarks.installed import HOMEMON, PYTHON
from tests.longrun.benchmarks.measure import BUILD, Benchmark, Outcome, cpu_of_process, in_turns, milliseconds
from tests.longrun.benchmarks.years import fill

ROUNDS = 7
PLOTLY_ALONE = """
import json
from plotly.graph_objects import Figure, Scatter
from plotly.subplots import make_subplots
ready = json.load(open("ready.json"))
figure = make_subplots(rows=4, cols=1)
for row, columns in ready:
    times, *values = columns
    for column in values:
        figure.add_trace(Scatter(x=times, y=column), row=row, col=1)
figure.write_html("plotly.html", include_plotlyjs="directory")
"""
ROWS = {"power": 1, "bought": 2, "sold": 2, "heating": 3, "heated": 3, "tank": 3, "generated": 4, "used": 4}


def write_ready(folder: Path) -> None:
    """Write the columns of a folder's page, row by row, as PLOTLY_ALONE reads them."""
    series = page_data(folder / "homemon.html")["series"]
    ready = [
        (ROWS[name], [list(accumulate(steps)), *columns])
        for cut in series.values()
        for name, (steps, *columns) in cut.items()
    ]
    (folder / "ready.json").write_text(json.dumps(ready))


def page(days: int) -> Outcome:
    """CPU of `graph`, reading the store included, and of plotly on the ready columns."""
    with TemporaryDirectory(dir=BUILD) as name:
        folder, now = Path(name), int(time())
        write_config(folder, "[ecocute]\nhost = 127.0.0.1\n[kyocera]\ntransport = i2c")
        fill(folder / "store", now, days + 1)
        ours = (HOMEMON, "-q", "graph", "--days", str(days))
        cpu_of_process(ours, folder)
        write_ready(folder)
        return in_turns(
            lambda: cpu_of_process(ours, folder), lambda: cpu_of_process((PYTHON, "-c", PLOTLY_ALONE), folder), ROUNDS
        )


ALONE = "plotly alone, the ready columns"
VIEWS = (
    "a page of a year has a table of each of its last 30 days, and of its weeks, months and years, with exact kWh; "
    "of its time 20 % go into the lowest, mean and highest of a year's minutes, 36 % into exact differences of its "
    "registers. Less takes sums of days that are kept in the store and corrected with each late reading"
)
BENCHMARKS = (
    Benchmark("`graph` of 2 days, CPU", ALONE, 1.5, milliseconds, partial(page, 2)),
    Benchmark("`graph` of a year, CPU", ALONE, 1.5, milliseconds, partial(page, 365), VIEWS),
)
