"""state.toml: what several commands learn at the same time, each its own part."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from homemon.core.errors import StoreError
from homemon.echonet.codec import Unit
from homemon.runtime import state
from homemon.skstack.join import Link
from homemon.skstack.lines import Dialect
from homemon.sources.meter.properties import Scale

LINK = Link("FE80:0000:0000:0000:0200:AA00:0000:0002", "31", "B5FB", "0000AA0000000002", Dialect.C)
SCALE = Scale(-1, 1)
UNIT = Unit("192.0.2.20", 0x026B01, "FE00000B00")
WHOLE = state.State(LINK, SCALE, {"ecocute": UNIT}, {"ecocute": 1_800_000_000})


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    assert state.load(folder) == state.State()
    state.change(folder, lambda kept: WHOLE)
    assert state.load(folder) == WHOLE
    assert (folder / "state.toml").stat().st_mode & 0o777 == 0o600


def test_each_command_keeps_its_part_and_none_is_lost(tmp_path: Path) -> None:
    def unit(count: int) -> None:
        state.change(tmp_path, lambda kept: kept._replace(units={"ecocute": UNIT._replace(host=f"192.0.2.{count}")}))

    def link(count: int) -> None:
        state.change(tmp_path, lambda kept: kept._replace(link=LINK._replace(channel=f"{count:02X}")))

    def learn(one: Callable[[int], None]) -> None:
        for count in range(20):
            one(count)

    threads = [Thread(target=learn, args=(one,)) for one in (unit, link) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = state.load(tmp_path)
    assert known.units["ecocute"] == UNIT._replace(host="192.0.2.19")
    assert known.link == LINK._replace(channel="13")


@pytest.mark.parametrize(
    ("broken", "left"),
    [
        ("host", WHOLE._replace(units={})),
        ("channel", WHOLE._replace(link=None)),
        ("exponent", WHOLE._replace(scale=None)),
        ("searched", WHOLE._replace(searched={})),
    ],
)
def test_a_part_that_is_broken_counts_as_not_there(tmp_path: Path, broken: str, left: state.State) -> None:
    state.change(tmp_path, lambda kept: WHOLE)
    path = tmp_path / "state.toml"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith(broken)))
    assert state.load(tmp_path) == left
    path.write_text("[ecocute\n")
    assert state.load(tmp_path) == state.State()


def test_a_state_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state.toml").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        state.change(tmp_path, lambda kept: WHOLE)
