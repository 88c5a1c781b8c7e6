"""`homemon notify` as somebody tries it: its test, and its first call."""

from contextlib import closing
from itertools import product
from pathlib import Path
from time import time
from typing import Any

import pytest

from homemon.check.notify import news
from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, HOUR, Point, midnight
from homemon.energy.periods import day_of
from homemon.runtime.context import App
from tests.commands import homemon, write_config
from tests.graphs import keep

NEVER = "daily =\nmonthly =\ndisk = 0"
FIRST = midnight(1_795_000_000)  # 2026-11-18
TEST = "homemon: a test notice"


def test_a_test_that_fails_says_why_each_time_and_is_not_sent_later(tmp_path: Path) -> None:
    write_config(tmp_path, f"[notify]\ncommand = sh -c 'exit 3'\nlanguage = en\n{NEVER}")
    for _ in range(3):
        run = homemon("notify", "--test", cwd=tmp_path)
        fault = "homemon: the command of [notify]: it ended with status 3\n"
        assert (run.returncode, run.stdout, run.stderr) == (1, f"{TEST}\n", fault)
    write_config(tmp_path, f"[notify]\ncommand = tee -a told\nlanguage = en\n{NEVER}")
    assert homemon("notify", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "told").exists()
    assert homemon("notify", "--test", cwd=tmp_path).returncode == 0
    assert (tmp_path / "told").read_text() == f"{TEST}\n"


def test_what_waits_when_a_test_fails_comes_without_it_when_the_service_works(tmp_path: Path) -> None:
    lines = f"[ecocute]\nhost = 127.0.0.1\n[notify]\nlanguage = en\n{NEVER}\ncommand = "
    fails = "sh -c 'test -e well && cat >>told'"
    write_config(tmp_path, lines + fails)
    keep(tmp_path, [Point("ecocute", {"power": 0, "tank": 30}, int(time()) - 60)])
    waits = "homemon: the command of [notify]: it ended with status 1; 1 wait until it works\n"
    assert homemon("notify", "--test", cwd=tmp_path).stderr == waits
    assert homemon("notify", "--test", cwd=tmp_path).stderr == waits
    (tmp_path / "well").touch()
    homemon("notify", cwd=tmp_path)
    assert (tmp_path / "told").read_text() == "Hot water left: 30 L, less than 50 L\n"


def later(seconds: int) -> Instant:
    """So much after midnight of the first day."""
    return Instant(FIRST + seconds, 5000.0 + seconds, "this boot")


def test_no_summary_comes_of_what_ended_before_notify_first_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each morning from the first call on, an hour before the summaries are due and when they are."""
    contract = "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 28"
    write_config(tmp_path, f"{contract}\n[notify]\ncommand = cat\nlanguage = en\nstale = 10000\ndisk = 0")
    begin, judged, told = FIRST - 40 * DAY, dict[str, Any](), dict[int, list[str]]()
    keep(tmp_path, [Point("+power", {"value": n / 10}, begin + n * HALF_HOUR) for n in range(48 * 80)])
    with closing(App(str(tmp_path / "config.ini"))) as app:
        for day, hour in product(range(15), (6, 7)):
            at = later(day * DAY + hour * HOUR)
            monkeypatch.setattr(app, "now", lambda at=at: at)
            texts, judged = news(app, at, judged, "en")
            told |= {day: texts} if texts else {}
    assert list(told) == list(range(1, 15)), "not of the day before the first call"
    assert [day for day, texts in told.items() if any(text.startswith("Bill of") for text in texts)] == [10]


def test_an_installation_that_told_before_gets_the_next_summary(tmp_path: Path) -> None:
    write_config(tmp_path, "[notify]\ncommand = cat\nlanguage = en\nmonthly =\nstale = 10000\ndisk = 0")
    keep(tmp_path, [Point("+power", {"value": n / 10}, FIRST - DAY + n * HALF_HOUR) for n in range(49)])
    judged = {"begun": {}, "daily": f"{day_of(FIRST - 2 * DAY)}"}
    with closing(App(str(tmp_path / "config.ini"))) as app:
        texts, _ = news(app, later(8 * HOUR), judged, "en")
    assert ["bought 4.8 kWh" in text for text in texts] == [True]
