"""`homemon serve` and its configuration: what changes while it runs, where it may listen, and what keeps yen away."""

from pathlib import Path
from time import time

import pytest

from homemon.core.points import DAY, HALF_HOUR, Point
from tests.commands import homemon, wait_for, write_config
from tests.graphs import keep
from tests.serving import serving

JURYO = "[contract]\nplan = tepco-juryo-b\nampere = {}"


def lately(folder: Path) -> None:
    """An hour of a house that is bought for, and its power and current now."""
    now = int(time())
    begun = now // HALF_HOUR * HALF_HOUR - 2 * HALF_HOUR
    registers = [Point("+power", {"value": 100 + each}, begun + each * HALF_HOUR) for each in range(3)]
    keep(folder, [*registers, Point("power", {"value": 600}, now - 5), Point("current", {"r": 4, "t": 2}, now - 5)])


def test_a_config_that_is_changed_holds_without_a_restart_and_a_broken_one_is_reported(tmp_path: Path) -> None:
    write_config(tmp_path, JURYO.format(40))
    lately(tmp_path)
    with serving(tmp_path, "--lang", "en") as served:
        assert "of 40 A" in served.ask("/").body.decode()
        write_config(tmp_path, JURYO.format(60))
        assert "of 60 A" in served.ask("/").body.decode()
        (tmp_path / "config.ini").write_text("[smartmeter\n")
        assert served.ask("/").status == 503
        wait_for(lambda: "config.ini:1" in served.said())
        write_config(tmp_path)
        assert served.ask("/").status == 200


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ("[contract]\nplan = no-such-plan", "Yen cannot be computed: "),
        ("[contract 2100-01-01]\nplan = tepco-juryo-b\nampere = 40", "The [contract] begins on 2100-01-01"),
        ("", "To see yen, add a [contract]"),
    ],
)
def test_the_page_says_why_there_are_no_yen(tmp_path: Path, contract: str, said: str) -> None:
    write_config(tmp_path, contract)
    lately(tmp_path)
    with serving(tmp_path, "--lang", "en") as served:
        assert said in served.ask("/").body.decode()


@pytest.mark.parametrize("address", ["224.0.0.1", "255.255.255.255", "ff02::1", "pi"])
def test_what_is_no_address_of_a_machine_is_wrong_usage(tmp_path: Path, address: str) -> None:
    write_config(tmp_path)
    run = homemon("serve", "--bind", address, "--port", "0", cwd=tmp_path)
    assert run.returncode == 2
    assert "must be an IP address of this machine" in run.stderr


def test_an_ipv4_address_in_the_form_of_ipv6_is_what_it_stands_for(tmp_path: Path) -> None:
    write_config(tmp_path)
    lately(tmp_path)
    with serving(tmp_path, "--bind", "::ffff:127.0.0.1") as served:
        assert served.ask("/").status == 200
        assert "only this machine can" in served.said()


def test_nobody_walks_back_to_before_the_first_reading(tmp_path: Path) -> None:
    write_config(tmp_path)
    keep(
        tmp_path, [Point("power", {"value": 600}, int(time()) - 400 * DAY), Point("power", {"value": 700}, int(time()))]
    )
    with serving(tmp_path, "--lang", "en") as served:
        assert 'class="earlier" href="/day/' in served.ask("/").body.decode()
        assert 'class="earlier" role="link" aria-disabled="true"' in served.ask("/year/2020-01-01").body.decode()
