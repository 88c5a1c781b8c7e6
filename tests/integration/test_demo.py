"""`homemon demo`: it goes through, and what its last lines propose can be pasted."""

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from urllib.request import urlopen

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


def test_the_demo_ends_with_lines_that_can_be_pasted(tmp_path: Path) -> None:
    typed = TYPED[0]
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
    words = [*shlex.split(web), "--bind", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as served:
        try:
            wait_for(lambda: reached(f"http://127.0.0.1:{port}/"))
        finally:
            served.terminate()


def test_the_demos_house_lives_on_and_its_page_moves_until_it_is_ended(tmp_path: Path) -> None:
    port = reserve_port()
    words = [*shlex.split(TYPED[1]), "demo", "--live", "--dir", str(tmp_path / "demo"), "--port", str(port)]
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stderr is not None
            told = list(iter(demo.stderr.readline, f"homemon: open http://127.0.0.1:{port}/\n"))
            assert f"homemon: $ {TYPED[1]} -c {tmp_path}/demo/config.ini join\n" in told
            assert b'id="card-power"' in fetch(f"http://127.0.0.1:{port}/")
            first, second = islice(power_times(port), 2)
            assert second > first
            demo.send_signal(signal.SIGINT)
            assert demo.wait(WITHIN) == 0
        finally:
            demo.kill()


def power_times(port: int) -> Iterator[int]:
    """When the power was read that each event of the page's stream gives; Unix seconds."""
    with urlopen(f"http://127.0.0.1:{port}/live", timeout=WITHIN) as stream:
        events = (json.loads(line[6:]) for line in stream if line.startswith(b"data: "))
        yield from (time for time, _ in groupby(event["cards"]["power"]["time"] for event in events))


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
