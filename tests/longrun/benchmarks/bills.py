"""What bills of ten years' store cost: one month, and a year through thirty plans, against two who do nothing else.

Both get ready what homemon has to find out: which half-hours are of which billing period and, for each plan, a table
of the bands of each day. They read the registers, take their differences, and add up whole kWh by plan, period, band;
homemon prices them as well, looks at seals, amperes and gaps, and says why.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from time import time
from typing import Any

from homemon.energy import shipped
from homemon.energy.calendar import bands_of_day
from homemon.energy.periods import starts
from homemon.storage.database import FILE
from tests.commands import write_config
from tests.longrun.benchmarks.installed import HOMEMON, PYTHON, VENV
from tests.longrun.benchmarks.measure import (
    BUILD,
    Benchmark,
    Outcome,
    Unavailable,
    cpu_of_process,
    environment,
    in_turns,
    milliseconds,
)
from tests.longrun.benchmarks.years import fill

TEN_YEARS = 3652.5  # days
ROUNDS = 9
CONTRACT = "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 12\n[ecocute]\nhost = 127.0.0.1"
READ = """
import json, sqlite3
ready = json.load(open("ready.json"))
db = sqlite3.connect(ready["store"])
query = "SELECT time, value FROM point WHERE series = 2 AND time >= ? AND time <= ? ORDER BY time"
"""
LOOP = f"""{READ}
rows = db.execute(query, (ready["begin"], ready["end"])).fetchall()
kwh = [(rows[i][0], rows[i + 1][1] - rows[i][1]) for i in range(len(rows) - 1)]
found = {{}}
for plan, days in ready["plans"].items():
    sums = [{{}} for _ in ready["periods"]]
    for time, used in kwh:
        day, slot = divmod((time - ready["begin"]) // 1800, 48)
        band, own = days[day][slot], sums[ready["period"][day]]
        own[band] = own.get(band, 0) + used
    found[plan] = sum(int(round(used, 1) + 0.5) for own in sums for used in own.values())
print(json.dumps(found))
"""
PANDAS = f"""{READ}
import numpy, pandas
frame = pandas.read_sql_query(query, db, params=(ready["begin"], ready["end"]))
frame["kwh"] = frame["value"].diff().shift(-1)
frame = frame[:-1]
number = (frame["time"] - ready["begin"]) // 1800
period = numpy.array(ready["period"])[number // 48]
found = {{}}
for plan, days in ready["plans"].items():
    band = numpy.array(days).reshape(-1)[number]
    sums = frame["kwh"].groupby([period, band]).sum()
    found[plan] = int((sums.round(1) + 0.5).astype(int).sum())
print(json.dumps(found))
"""


@contextmanager
def ten_years() -> Iterator[Path]:
    """A folder with config.ini and a store of ten years."""
    with TemporaryDirectory(dir=BUILD) as name:
        folder = Path(name)
        fill(folder / "store", int(time()), TEN_YEARS)
        write_config(folder, CONTRACT)
        yield folder


def compare() -> tuple[str, ...]:
    """The command, with all plans that are shipped."""
    plans = [word for name in shipped.names() for word in ("--plan", name)]
    return (HOMEMON, "bill", "compare", "--kva", "6", *plans)


def said(command: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """What a command prints."""
    ran = run(command, cwd=folder, capture_output=True, env=environment(), check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def make_ready(folder: Path, found: dict[str, Any]) -> None:
    """Write what the others need not find out."""
    begin, end = (date.fromisoformat(found[name]) for name in ("since", "until"))
    days = [begin + timedelta(days=n) for n in range((end - begin).days)]
    plans = {
        each["plan"]: [
            [band.name for band in bands_of_day(shipped.find(each["plan"]).versions[-1], day)] for day in days
        ]
        for each in found["plans"]
    }
    ready = {
        "store": str(folder / "store" / FILE),
        "begin": starts(begin),
        "end": starts(end),
        "periods": found["plans"][0]["bills"],
        "period": [(day - timedelta(days=11)).month % 12 for day in days],
        "plans": plans,
    }
    (folder / "ready.json").write_text(json.dumps(ready))


def a_year(program: str, package: str = "") -> Outcome:
    """CPU of both, once it is seen that both find the same kWh."""
    if package and not any((VENV / "lib").glob(f"python*/site-packages/{package}")):
        raise Unavailable(f"{package} cannot be installed")
    with ten_years() as folder:
        found = said((*compare(), "--json"), folder)
        make_ready(folder, found)
        other = (PYTHON, "-c", program)
        assert said(other, folder) == {each["plan"]: used(each) for each in found["plans"]}
        return in_turns(lambda: cpu_of_process(compare(), folder), lambda: cpu_of_process(other, folder), ROUNDS)


def used(plan: dict[str, Any]) -> int:
    """The whole kWh of a plan's bands, with those that a minimum charge includes."""
    versions = shipped.find(plan["plan"]).versions
    names = {band.name for version in versions for band in version.bands}
    minimum = versions[-1].base.minimum
    included = len(plan["bills"]) * minimum.kwh if minimum else 0
    return included + sum(int(line["kwh"]) for line in plan["lines"] if line["name"] in names)


def a_month() -> Outcome:
    with ten_years() as folder:
        today = date.fromtimestamp(time())
        ended = today.replace(day=1) if today.day < 12 else today  # the bill that ended last
        label = f"{ended - timedelta(days=1) if today.day < 12 else ended:%Y-%m}"
        bill = (HOMEMON, "-q", "bill", "--month", label)
        return in_turns(
            lambda: cpu_of_process(bill, folder), lambda: cpu_of_process((HOMEMON, "-q", "status"), folder), ROUNDS
        )


WHAT = "`bill compare` of a year, all plans, ten years stored"
MORE = "it knows lost half-hours, bands, tiers, amperes and the prices of each month, where a loop only adds up"
BENCHMARKS = (
    Benchmark("`bill` of a month, ten years stored", "`status`, the same store", 1.5, milliseconds, a_month),
    Benchmark(WHAT, "a loop by hand, sums of kWh only", 1.5, milliseconds, partial(a_year, LOOP), MORE),
    Benchmark(WHAT, "pandas' groupby, sums of kWh only", 1.0, milliseconds, partial(a_year, PANDAS, "pandas")),
)
