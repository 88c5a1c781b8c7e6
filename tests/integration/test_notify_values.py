"""`homemon notify` and values that no device gives."""

from pathlib import Path
from time import time

import pytest

from homemon.core.points import DAY, HALF_HOUR, Point
from tests.commands import homemon, write_config
from tests.graphs import keep

QUIET = "[notify]\ncommand = tee -a told\nlanguage = en\ndaily =\nmonthly =\ndisk = 0"


def test_codes_for_no_data_that_an_earlier_version_stored_are_no_load(tmp_path: Path) -> None:
    write_config(
        tmp_path,
        f"[contract]\nplan = tepco-juryo-b\nampere = 40\n{QUIET}",
    )
    now = int(time())
    keep(tmp_path, [Point("power", {"value": 0x7FFFFFFE}, now - at) for at in range(0, 300, 60)])
    run = homemon("notify", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert not (tmp_path / "told").exists()
    keep(tmp_path, [Point("power", {"value": 4500}, now - at) for at in range(30, 330, 60)])
    assert "of 40 A" in homemon("notify", cwd=tmp_path).stdout


def test_such_a_code_is_no_hot_water_and_no_sign_of_life(tmp_path: Path) -> None:
    write_config(tmp_path, f"[ecocute]\nhost = 127.0.0.1\n{QUIET}")
    now = int(time())
    codes = [Point("ecocute", {"power": 65535, "tank": 65535}, now - at) for at in range(0, 7200, 600)]
    keep(tmp_path, [Point("ecocute", {"power": 0, "tank": 30}, now - 300), *codes])
    assert homemon("notify", cwd=tmp_path).stdout == "Hot water left: 30 L, less than 50 L\n"
    keep(tmp_path, [Point("ecocute", {"power": 65535, "tank": 65535}, now - 60 * at) for at in range(3)])
    assert homemon("notify", cwd=tmp_path).stdout == ""


def test_a_device_that_gives_such_codes_alone_is_silent(tmp_path: Path) -> None:
    write_config(tmp_path, f"[ecocute]\nhost = 127.0.0.1\n{QUIET}")
    now = int(time())
    last = Point("ecocute", {"power": 0, "tank": 200}, now - 7200)
    keep(tmp_path, [last, *(Point("ecocute", {"power": 65535, "tank": 65535}, now - at) for at in range(0, 7200, 600))])
    assert "No readings of the EcoCute since" in homemon("notify", cwd=tmp_path).stdout


def consumed(folder: Path, days: int, most: float, watts: int) -> None:
    """Half-hours of which one has the most kWh, and the power now."""
    now = int(time())
    times = range(now // HALF_HOUR * HALF_HOUR - days * DAY, now, HALF_HOUR)
    counts = [
        Point("+power", {"value": round(1000 + at * 0.1 + (at > 9) * (most - 0.1), 1)}, t) for at, t in enumerate(times)
    ]
    keep(folder, [*counts, *(Point("power", {"value": watts}, now - at) for at in (120, 60, 0))])


@pytest.mark.parametrize(
    ("plan", "days", "most", "watts", "said"),
    [
        ("tepco-yorutoku-8", 40, 2.2, 4600, "This half-hour will come to more than the contract: 4.6 kW of 4.5 kW."),
        ("tepco-yorutoku-8", 40, 2.2, 4400, "This half-hour will come to 98 % of the contract: 4.4 kW of 4.5 kW."),
        ("tepco-yorutoku-8", 40, 2.3, 4400, "This half-hour will come to 80 % of the contract: 4.4 kW of 5.5 kW."),
        ("tepco-yorutoku-8", 40, 2.2, 3000, ""),
        ("tepco-yorutoku-8", 20, 2.2, 9000, ""),  # too little is known
        ("kepco-hapie-r", 40, 2.2, 8000, ""),  # 10 kW are paid for anyway
        ("kepco-hapie-r", 40, 2.2, 9500, "This half-hour will come to 90 % of the contract: 9.5 kW of 10.5 kW."),
        ("tepco-juryo-b", 40, 2.2, 9500, ""),
    ],
)
def test_a_demand_that_raises_the_base_charge_is_told(
    tmp_path: Path, plan: str, days: int, most: float, watts: int, said: str
) -> None:
    write_config(tmp_path, f"[contract]\nplan = {plan}\n{QUIET}")
    consumed(tmp_path, days, most, watts)
    run = homemon("notify", cwd=tmp_path)
    assert (run.returncode, run.stderr, run.stdout.partition(" Up to")[0].strip()) == (0, "", said)
