"""`homemon simulate ecocute`, as its user runs it."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from homemon.cli.simulate_ecocute import FAULTS
from homemon.sim.ecocute import Faults
from tests.commands import called, homemon, running
from tests.lan import PORT, address, configure, said, wait_for_port


def test_a_simulated_unit_says_how_to_read_it_and_what_is_in_its_way(tmp_path: Path) -> None:
    bind = address()
    with running("simulate", "ecocute", "--bind", bind, cwd=tmp_path) as simulated:
        simulated.says(f"to read it, write into [ecocute]: host = {bind} and bind = 127.0.0.1")
        second = homemon("simulate", "ecocute", "--bind", bind, cwd=tmp_path)
        assert second.returncode == 2
        assert "Address already in use by pid" in second.stderr
        assert "[ecocute] bind = 127.0.0.1" in second.stderr


@pytest.mark.parametrize("more", [(), ("--fault", "infc", "--fault", "to-node")])
def test_the_simulated_unit_notifies_the_lan_and_writes_the_truth(tmp_path: Path, more: tuple[str, ...]) -> None:
    host = address()
    bind = configure(tmp_path, host)
    arguments = ("--bind", host, "--inform-every", "0.5", "--truth", "truth.jsonl", "--fault", "deaf", *more)
    with running("ecocute-listen", "--trace", "trace.txt", cwd=tmp_path) as listener:
        wait_for_port(bind)
        with running("simulate", "ecocute", *arguments, cwd=tmp_path) as heater:
            assert heater.until(bool) == [f"{host}:{PORT}"]
            listener.until(lambda lines: len(lines) >= 2)
            assert heater.stop() == 0
        assert listener.stop() == 0
    reported = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert all(row["pushed"] for row in reported)
    sent = [{"power": a["value"], "powerSum": b["value"], "tank": c["value"]} for a, b, c in zip(*[iter(reported)] * 3)]  # noqa: B905
    assert all(said(line) in sent for line in listener.lines)
    confirmed = [line for line in (tmp_path / "trace.txt").read_text().splitlines() if f" > {host}:" in line]
    assert bool(confirmed) == bool(more)


def test_the_simulators_help_lists_every_fault() -> None:
    assert {name.replace("-", "_") for name in FAULTS} == {field.name for field in fields(Faults)}
    help_text = called("simulate", "ecocute", "--help").output
    assert all(f"{row.name}={row.default}" in help_text and row.says in help_text for row in FAULTS.values())


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fault", "rain"],
        ["--fault", "late=soon"],
        ["--fault", "doubled=yes"],
        ["--fault", "from-port=99999"],
        ["--fault", "lacking=XY"],
        ["--bind", "192.0.2.1"],
        ["--truth", "/nowhere/truth"],
        ["--port", "0"],
    ],
)
def test_wrong_usage_of_the_simulator_is_reported_and_exits_2(wrong: list[str]) -> None:
    run = called("simulate", "ecocute", *wrong)
    assert run.exit_code == 2
    assert wrong[1].split("=")[0] in run.output
