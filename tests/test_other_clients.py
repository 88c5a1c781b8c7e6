"""The simulators are judged by clients that no one here wrote: momonga (meter) and pychonet (EcoCute)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import running
from tests.lan import address

WITHIN = 60.0  # seconds for all that a client does


def read_by(*arguments: str) -> dict[str, Any]:
    """What a client read, a process of `tests.clients`."""
    words = (sys.executable, "-m", "tests.clients", *arguments)
    done = subprocess.run(words, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert not done.returncode, done.stderr
    read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return read


@pytest.mark.parametrize("more", [(), ("--raw",)], ids=["hex", "raw"])
@pytest.mark.parametrize("dialect", ["c", "a1", "dss"])
def test_momonga_reads_the_simulated_meter(tmp_path: Path, dialect: str, more: tuple[str, ...]) -> None:
    with running("simulate", "meter", "--dialect", dialect, "--pace", "0.01", *more, cwd=tmp_path) as simulator:
        (port,) = simulator.until(bool)
        read = read_by("momonga", port)
    assert -10_000 < read["power"] < 10_000
    assert set(read["current"]) == {"r phase current", "t phase current"}
    assert 0 < read["half-hour"] <= read["now"]
    assert read["yesterday"] == 48
    assert {0xE7, 0xE8, 0xE0, 0xEA} <= set(read["properties"])


def test_pychonet_reads_the_simulated_ecocute(tmp_path: Path) -> None:
    where = address()
    with running("simulate", "ecocute", "--bind", where, cwd=tmp_path) as simulator:
        simulator.until(bool)
        read = read_by("pychonet", where, address())
    assert read["units"] == [1]
    assert 0 <= read["power"] < 10_000
    assert read["energy"] > 0
    assert 0 < read["litres"] <= 370
    assert {0x84, 0x85, 0xE1} <= set(read["properties"])
