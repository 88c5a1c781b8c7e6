"""`homemon demo`: it goes through, and what its last lines propose can be pasted."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import ENVIRONMENT, wait_for
from tests.servers import fetch, reserve_port

TYPED = (str(Path(sys.executable).parent / "homemon"), f"{sys.executable} -m homemon")
WITHIN = 600.0  # seconds; some twenty processes, each of which starts slowly on a busy machine


def in_shell(line: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """What a person types, whose home is `home`."""
    words = ("sh", "-c", line)
    return subprocess.run(
        words, cwd=home, env=ENVIRONMENT | {"HOME": str(home)}, capture_output=True, text=True, timeout=WITHIN
    )


@pytest.mark.parametrize("typed", TYPED, ids=["installed", "module"])
def test_the_demo_ends_with_lines_that_can_be_pasted(tmp_path: Path, typed: str) -> None:
    folder = tmp_path / ".local" / "state" / "homemon-demo"
    (folder / "store").mkdir(parents=True)
    (folder / "store" / "homemon.db").write_text("of an earlier demo")
    run = in_shell(f"{typed} demo", tmp_path)
    assert run.returncode == 0, run.stderr
    *_, web, last = run.stdout.splitlines()
    assert last == f"{typed} -c {folder}/config.ini status"
    status = in_shell(last, tmp_path)
    assert (status.returncode, status.stderr) == (0, "")
    assert "0 points wait" in status.stdout
    assert "東京電力エナジーパートナー 従量電灯B" in run.stdout
    assert "基本料金 40 A" in run.stdout
    assert str(folder / "index.html") in run.stderr
    port = reserve_port()
    words = web.split()[:-1]
    with subprocess.Popen([*words, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as served:
        try:
            wait_for(lambda: reached(f"http://127.0.0.1:{port}/"))
        finally:
            served.terminate()


def reached(url: str) -> bool:
    """Whether the page is served."""
    try:
        return b"<html" in fetch(url)
    except OSError:
        return False


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = in_shell(f"{TYPED[1]} demo --dir file/x", tmp_path)
    assert run.returncode == 1
    assert "file/x: Not a directory" in run.stderr
    assert "Name another --dir." in run.stderr
