"""homemon as a library: what a stranger's script may rely on."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import homemon
from homemon.core.errors import StoreError
from homemon.core.points import Point
from homemon.storage.store import Store
from tests.stores import T, put

FRAME = bytes.fromhex("1081000102880105FF017201E7040000020B")
HEX = FRAME.hex().encode()
LINE = (
    b"ERXUDP FE80:0000:0000:0000:0200:AA00:0000:0002 FE80:0000:0000:0000:021D:1290:1234:5678 "
    b"0E1A 0E1A 0200AA0000000002 1 0 0012 "
)


def test_a_frame_says_what_it_holds() -> None:
    (found,) = homemon.decode(FRAME)
    assert found["type"] == "frame"
    assert [(prop["epc"], prop["value"], prop["unit"]) for prop in found["properties"]] == [("E7", 523, "W")]


@pytest.mark.parametrize(
    "data", [FRAME.hex().encode(), LINE + FRAME.hex().encode(), LINE + FRAME], ids=["hex", "line", "raw"]
)
def test_text_and_lines_of_the_module_are_read_too(data: bytes) -> None:
    assert '"E7"' in str(homemon.decode(data)).replace("'", '"')


@pytest.mark.parametrize("data", [b"\x10", FRAME[:9], FRAME[:-1], FRAME.hex().encode()[:20]])
def test_what_is_cut_off_says_so(data: bytes) -> None:
    (found,) = homemon.decode(data)
    assert found["type"] == "frame"
    assert found["error"]


@pytest.mark.parametrize("data", [b"\xff" * 20, b"hello"])
def test_other_text_is_given_as_it_is(data: bytes) -> None:
    assert [found["type"] for found in homemon.decode(data)] == ["noise"]


def test_nothing_is_nothing() -> None:
    assert homemon.decode(b"") == []


def test_a_store_is_read_while_it_is_written(tmp_path: Path) -> None:
    with closing(Store(tmp_path, ",home=nara")) as writer:
        put(writer, Point("power", {"value": 523}, T), Point("current", {"r": 2, "t": 3}, T))
        for path in (tmp_path, tmp_path / "homemon.db", str(tmp_path)):
            with homemon.open_store(path) as store:
                assert list(store.values("power")) == [(T, 523)]
                assert store.latest("current", "t") == (T, 3)
                assert [(each.measurement, each.field) for each in store.series()] == [
                    ("power", "value"),
                    ("current", "r"),
                    ("current", "t"),
                ]
                assert {point.measurement: point.fields for point in store.points()} == {
                    "power": {"value": 523},
                    "current": {"r": 2, "t": 3},
                }
                assert [point.tags for point in store.points(measurement="power")] == [",home=nara"]


def test_a_place_without_a_store_gets_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        homemon.open_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_to_import_it_loads_nothing_else() -> None:
    script = "import sys, homemon; print([name for name in sys.modules if name.startswith('homemon.')])"
    assert subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True).stdout == "[]\n"
