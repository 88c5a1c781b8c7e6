"""`homemon graph` as its user and cron run it. The page itself: test_page.py."""

import re
from pathlib import Path

import pytest

from homemon.cli.graph import language
from homemon.cli.main import main
from tests.commands import homemon, write_config
from tests.graphs import graph


def test_what_it_writes_a_web_server_may_read(tmp_path: Path) -> None:
    write_config(tmp_path)
    page = graph(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in (page, tmp_path / "plotly.min.js")} == {0o644}


@pytest.mark.parametrize(
    ("days", "labels"),
    [(1, ["1 d"]), (2, ["1 d", "2 d"]), (5, ["1 d", "2 d", "5 d"]), (90, ["1 d", "2 d", "7 d", "30 d", "90 d"])],
)
def test_there_is_a_button_for_each_range_that_the_page_has(tmp_path: Path, days: int, labels: list[str]) -> None:
    write_config(tmp_path)
    page = graph(tmp_path, "--days", str(days), "--lang", "en").read_text()
    assert re.findall(r"data-days=\"\d+\">([^<]+)<", page) == labels


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
    monkeypatch.setattr("homemon.page.write.find_spec", lambda name: None)
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
