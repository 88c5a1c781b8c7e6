"""`homemon notify` as somebody tries it: its test, and its first call."""

from pathlib import Path
from time import time

from homemon.core.points import Point
from tests.commands import homemon, write_config
from tests.graphs import keep

NEVER = "daily =\nmonthly =\ndisk = 0"
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
