"""The simulators, and our own node, are judged by clients of others: momonga (meter) and pychonet (LAN)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from homemon.runtime import state
from tests.commands import PATIENCE, running
from tests.lan import address, configure, wait_for_port


def read_by(*arguments: str) -> dict[str, Any]:
    """What a client read, a process of `tests.clients`."""
    words = (sys.executable, "-m", "tests.clients", *arguments)
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
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


def test_pychonet_takes_homemon_for_a_node(tmp_path: Path) -> None:
    ours = configure(tmp_path, address())
    with running("ecocute-listen", cwd=tmp_path) as listener:
        wait_for_port(ours)
        read = read_by("node", ours, address())
        assert listener.stop() == 0
    kept = state.load(tmp_path / "store").node
    assert kept is not None
    assert read["uid"].upper() == f"FFFFFF{kept.id}"
    assert read["get"] == [0x80, 0x81, 0x82, 0x83, 0x88, 0x8A, 0x9D, 0x9E, 0x9F]
    assert read["set"] == [0x81]
    assert read["taken"] is True
    assert (read["place"], kept.place) == ("08", "08")
