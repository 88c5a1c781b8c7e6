"""Fill in what the tables of docs/config.md, data.md, plans.md and setup.md say of the code: `make docs`.

Made are the first columns: of config.md each key, what its value may be and its default, of data.md each series with
its fields and unit, of plans.md each plan that is shipped, of setup.md each step and its options. The columns after
them are written by hand, and stay with the row that begins with the same cell. docs/systemd/ is as `setup` writes it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from homemon.cli import setup
from homemon.config.keys import DEFAULT_DIR, SETTINGS
from homemon.config.setup import schedule
from homemon.config.setup.dialogue import Step
from homemon.config.setup.steps import STEPS
from homemon.energy import shipped
from homemon.sources.registry import SERIES
from homemon.sources.source import REQUIRED, Setting

DOCS = Path(__file__).parent.parent / "docs"
CONFIG, DATA, PLANS = DOCS / "config.md", DOCS / "data.md", DOCS / "plans.md"
PLANS_JA = DOCS / "ja" / "plans.md"
SETUP, SETUP_JA = DOCS / "setup.md", DOCS / "ja" / "setup.md"
Row = tuple[str, ...]
VALUES = {
    "Route-B ID": "32 hexadecimal digits",
    "Route-B password": "12 letters and digits",
    "IPv6 address": "IPv6 address of 8 × 4 hexadecimal digits, or empty",
    "serial port": "device, or a URL that begins with `socket://` or `rfc2217://`",
    "host": "IPv4 address or name, or empty",
    "IPv4 address": "IPv4 address",
    "EOJ": "6 hexadecimal digits",
    "URL": "`http://` or `https://`, host, port, path; or a bare host, which is `http://`",
    "seconds": "seconds, above 0, up to 600",
    "time": "a time such as `7:00`, or empty for never",
    "hours": "two times such as `22:00-7:00`, or empty",
    "service URLs": "URLs, a space or a line end between two",
    "name": "text",
    "text": "text, or empty",
    "file": "path, or empty",
    "folder": "path",
    "number": "{} to {}",
    "broker": "IPv4 address or name",
    "topic": "topic, without spaces, `+` and `#`",
    "token": "letters, digits, `.`, `-` and `_`",
    "yes or no": "`yes` or `no`",
}
"""What a value may be, by what a Setting calls its reader."""


def config() -> str:
    """Return docs/config.md with its tables filled in."""
    page = CONFIG.read_text("utf-8")
    for section, settings in SETTINGS.items():
        head, body = re.split(rf"(?m)^(?=## \[{section}\]$)", page)
        made = [(f"`{name}`", _value(setting), _default(setting)) for name, setting in settings.items()]
        page = head + filled(body, made)
    return page


def _value(setting: Setting) -> str:
    if setting.reader == "word":
        return " or ".join(f"`{word}`" for word in setting.of)
    return VALUES[setting.reader].format(*setting.of)


def _default(setting: Setting) -> str:
    if setting.default in (None, (), REQUIRED):
        return "required" if setting.default is REQUIRED else "none"
    return f"`{_written(setting)}`"


def _written(setting: Setting) -> Any:
    match setting.reader:
        case "EOJ":
            return f"{setting.default:06X}"
        case "seconds":
            return f"{setting.default:g}"
        case "time":
            return f"{setting.default // 60}:{setting.default % 60:02}"
        case "folder":
            return DEFAULT_DIR
        case "yes or no":
            return "yes" if setting.default else "no"
    return setting.default


def data() -> str:
    """Return docs/data.md with its table of series filled in."""
    made = []
    for measurement, group in groupby(SERIES.values(), lambda series: series.measurement):
        series = list(group)
        fields = ", ".join(f"`{each.field}`" for each in series)
        made.append((f"`{measurement}`", fields, "; ".join(dict.fromkeys(each.unit for each in series))))
    return filled(DATA.read_text("utf-8"), made)


def plans(page: Path = PLANS) -> str:
    """Return docs/plans.md, or the same page in another language, with its table of plans filled in."""
    found = [shipped.find(name) for name in shipped.names()]
    made = [(f"`{p.key}`", p.company, p.name, p.area, f"{p.versions[-1].checked}") for p in found]
    return filled(page.read_text("utf-8"), made)


def steps(path: Path) -> str:
    """Return docs/setup.md, or its Japanese twin, with the steps filled in."""
    made = [(f"`{step.name}`", ", ".join(f"`{option}`" for option in _options(step))) for step in STEPS]
    return filled(path.read_text("utf-8"), [*made, (f"`{setup.CHECK}`", "")])


def _options(step: Step) -> Iterator[str]:
    """Yield the options that answer a step's questions."""
    for option in setup.command.params:
        answered = setup.ANSWERS.get(option.name or "", (option.name,))
        if set(answered) & set(step.questions):
            yield option.opts[0]


def units() -> dict[str, str]:
    """Return the units of docs/systemd/ by their names."""
    jobs = [*chain.from_iterable(schedule.JOBS.values()), schedule.SERVE]
    return schedule.units(jobs, ("%h/.local/bin/homemon",))


def filled(text: str, made: Iterable[Row]) -> str:
    """Return `text` with the first table in it made anew: the cells that are made, then those that its rows have."""
    table = re.search(r"(?m)(^\|.*\n)(^\|.*\n)((?:^\|.*\n)*)", text)
    assert table
    kept = {row[0]: row for row in _rows(table[3])}
    width = table[1].count("|") - 1
    lines = (" | ".join((*row, *kept.get(row[0], ("",) * width)[len(row) :])) for row in made)
    return text[: table.start(3)] + "".join(f"| {line} |\n" for line in lines) + text[table.end(3) :]


def _rows(table: str) -> Iterator[Row]:
    for line in table.splitlines():
        yield tuple(cell.strip() for cell in line.split("|")[1:-1])


WRITTEN: dict[Path, Callable[[], str]] = {
    CONFIG: config,
    DATA: data,
    PLANS: plans,
    PLANS_JA: partial(plans, PLANS_JA),
    SETUP: partial(steps, SETUP),
    SETUP_JA: partial(steps, SETUP_JA),
}


if __name__ == "__main__":
    for path, make in WRITTEN.items():
        path.write_text(make(), "utf-8")
    for name, unit in units().items():
        (DOCS / "systemd" / name).write_text(unit, "utf-8")
