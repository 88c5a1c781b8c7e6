"""`homemon notify` and values that no device gives."""

from pathlib import Path
from time import time

from homemon.core.points import Point
from tests.commands import homemon, write_config
from tests.graphs import keep


def test_codes_for_no_data_that_an_earlier_version_stored_are_no_load(tmp_path: Path) -> None:
    write_config(
        tmp_path,
        "[contract]\nplan = tepco-juryo-b\nampere = 40\n"
        "[notify]\ncommand = tee -a told\nlanguage = en\ndaily =\nmonthly =\ndisk = 0",
    )
    now = int(time())
    keep(tmp_path, [Point("power", {"value": 0x7FFFFFFE}, now - at) for at in range(0, 300, 60)])
    run = homemon("notify", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert not (tmp_path / "told").exists()
    keep(tmp_path, [Point("power", {"value": 4500}, now - at) for at in range(30, 330, 60)])
    assert "of 40 A" in homemon("notify", cwd=tmp_path).stdout
