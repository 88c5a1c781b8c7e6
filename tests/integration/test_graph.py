"""`homemon graph` as its user and cron run it. The page itself: test_page.py."""

import json
import re
from pathlib import Path
from time import time

import pytest

from homemon.cli.main import main
from homemon.core.language import language
from homemon.core.points import HALF_HOUR, Point
from tests.commands import homemon, write_config
from tests.graphs import graph, keep

NOW = int(time()) // HALF_HOUR * HALF_HOUR


def test_what_it_writes_a_web_server_may_read(tmp_path: Path) -> None:
    write_config(tmp_path)
    page = graph(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in (page, tmp_path / "plotly.min.js")} == {0o644}


@pytest.mark.parametrize(
    ("days", "kinds"),
    [(1, ["day"]), (7, ["day", "week"]), (30, ["day", "week", "month"]), (365, ["day", "week", "month", "year"])],
)
def test_there_are_views_of_each_kind_that_the_page_reaches_back_for(
    tmp_path: Path, days: int, kinds: list[str]
) -> None:
    write_config(tmp_path)
    keep(tmp_path, [Point("+power", {"value": kwh}, NOW - (3 - kwh) * HALF_HOUR) for kwh in range(3)])
    page = graph(tmp_path, "--days", str(days), "--lang", "en").read_text()
    assert re.findall(r'<a data-kind="(\w+)" href="#', page) == kinds
    assert list(dict.fromkeys(re.findall(r'<section class="view[^>]* data-kind="(\w+)"', page))) == kinds


def test_page_status_and_energy_say_the_same(tmp_path: Path) -> None:
    write_config(tmp_path, "[contract]\nplan = tepco-juryo-b\nampere = 40")
    keep(
        tmp_path, [Point("+power", {"value": n / 10}, NOW + (n - 50) * HALF_HOUR) for n in range(53)]
    )  # also at midnight
    page = graph(tmp_path, "--lang", "en").read_text()
    today = json.loads(homemon("energy", "--format", "json", cwd=tmp_path).stdout)[-1]
    table = homemon("energy", cwd=tmp_path).stdout.splitlines()
    heads, row = (
        re.split(r"  +", line.strip()) for line in (table[0], [each for each in table if each[:2] == "20"][-1])
    )
    kwh, yen = row[heads.index("bought kWh") + 1], row[heads.index("yen") + 1]
    figures = re.findall(r'<span class="value">([^<]*)</span>', page[page.index('id="so-far-day"') :])
    assert figures[:2] == [kwh.split(" (")[0], yen]
    status = homemon("status", cwd=tmp_path).stdout
    assert f"\ntoday    {kwh} kWh bought, {yen} yen\n" in status
    reported = json.loads(homemon("status", "--json", cwd=tmp_path).stdout)["so_far"]["today"]
    assert {key: reported[key] for key in ("bought_kwh", "yen")} == {key: today[key] for key in ("bought_kwh", "yen")}


def test_a_contract_that_cannot_be_priced_costs_the_yen_only(tmp_path: Path) -> None:
    write_config(tmp_path, "[contract]\nplan = nobodys")
    keep(tmp_path, [Point("+power", {"value": kwh}, NOW - (3 - kwh) * HALF_HOUR) for kwh in range(3)])
    for command in (("graph",), ("status",)):
        run = homemon(*command, cwd=tmp_path)
        assert "no yen are shown: there is no plan 'nobodys'" in run.stderr
        assert "Traceback" not in run.stderr
    assert 'id="so-far-day"' in (tmp_path / "homemon.html").read_text()


def test_it_replaces_the_page_and_leaves_the_javascript_that_is_there(tmp_path: Path) -> None:
    write_config(tmp_path)
    page = graph(tmp_path)
    script = tmp_path / "plotly.min.js"
    page.chmod(0o640)
    before = (page.stat().st_ino, script.stat().st_ino)
    graph(tmp_path)
    assert page.stat().st_ino != before[0]
    assert page.stat().st_mode & 0o777 == 0o640
    assert script.stat().st_ino == before[1]
    whole = script.read_bytes()
    script.write_bytes(whole[:-1])  # another version, or half of one
    graph(tmp_path)
    assert script.read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.ini", "homemon.html", "plotly.min.js", "store"]


def test_what_a_link_points_at_is_replaced(tmp_path: Path) -> None:
    write_config(tmp_path)
    (tmp_path / "www").mkdir()
    link = tmp_path / "homemon.html"
    link.symlink_to("www/index.html")
    run = homemon("graph", cwd=tmp_path)
    assert run.stdout == f"{tmp_path}/www/index.html\n"
    assert link.is_symlink()
    assert (tmp_path / "www" / "plotly.min.js").exists()


def test_quiet_is_quiet(tmp_path: Path) -> None:
    write_config(tmp_path)
    run = homemon("-q", "graph", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert (tmp_path / "homemon.html").exists()


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    write_config(tmp_path)
    run = homemon("graph", "-o", "nowhere/page.html", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert "nowhere/page.html cannot be written: No such file or directory" in run.stderr


def test_without_plotly_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("homemon.page.plotly.find_spec", lambda name: None)
    config = write_config(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["-c", str(config), "graph", "-o", str(tmp_path / "page.html")])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "pipx inject homemon plotly" in said
    assert "pip install plotly" in said
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "en_GB.UTF-8", "LC_ALL": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": ""}, "ja"),
    ],
)
def test_the_language_is_the_locales(environment: dict[str, str], expected: str) -> None:
    assert language(environment) == expected
