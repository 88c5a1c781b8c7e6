"""What a page says of odd stores: values that no device gives, and a home that has no smart meter."""

from pathlib import Path
from time import time

from homemon.core.points import HALF_HOUR, Point
from tests.commands import write_config
from tests.graphs import graph, keep
from tests.serving import serving, stream

NO_DATA = 0x7FFFFFFE


def test_a_code_for_no_data_that_an_earlier_version_stored_is_no_power(tmp_path: Path) -> None:
    write_config(tmp_path)
    now = int(time())
    odd = [Point("power", {"value": NO_DATA}, now - 60 + at) for at in range(30)]
    keep(tmp_path, [Point("power", {"value": 512}, now - 120), *odd])
    page = graph(tmp_path, "--lang", "en").read_text()
    main = page[page.index("<main") : page.index('<script id="page"')]
    assert '<span class="value">512</span>' in main
    assert "2,147,483,646" not in main
    with serving(tmp_path, "--lang", "en") as served, stream(served) as events:
        assert next(events)["cards"]["power"]["value"] == "512"


def test_a_store_of_such_codes_alone_has_no_power(tmp_path: Path) -> None:
    write_config(tmp_path)
    keep(tmp_path, [Point("power", {"value": NO_DATA}, int(time()) - at) for at in range(3)])
    assert "2,147,483,646" not in graph(tmp_path, "--lang", "en").read_text().partition('<script id="page"')[0]


def test_a_home_with_a_solar_monitor_alone_is_told_what_it_generated_and_nothing_of_buying(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(f"[kyocera]\ntransport = i2c\n[store]\ndir = {tmp_path}/store\n")
    begun = int(time()) // HALF_HOUR * HALF_HOUR
    made = [Point("hatuden", {"value": 0.5}, begun - at * HALF_HOUR) for at in range(1, 100)]
    keep(tmp_path, [*made, *(Point("baiden_diff", {"value": -0.2}, point.time) for point in made)])
    page = graph(tmp_path, "--lang", "en").read_text()
    main = page[page.index("<main") : page.index('<script id="page"')]
    assert "<dt>generated</dt>" in main
    assert "<dt>bought</dt>" not in main
    assert "[contract]" not in main
