"""Troubles with the Pi itself: clock, disk, store, configuration, cron."""

import os
import struct
import subprocess
import sys
import time

from homemon.core.points import Point
from homemon.storage.database import FILE
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, PATIENCE, deny, fill, simulated, small_disk, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.integration.test_store_faults import _newer
from tests.stores import lose, put
from tests.troubles.place import Place, joined, trouble

AT_BOOT = """
import sys, time
time.time = lambda: 60.0
from homemon.cli.main import main
main(sys.argv[1:])
"""


def at_boot(place: Place, *arguments: str) -> str:
    """What a command says while the clock shows a minute after the beginning of 1970."""
    run = subprocess.run(
        (sys.executable, "-c", AT_BOOT, *arguments),
        cwd=place.folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return run.stdout + run.stderr


def filled(place: Place, *points: Point) -> Store:
    write_config(place.folder)
    store = Store(place.folder / "store")
    put(store, *points)
    return store


@trouble("clock-1970")
def clock_1970(place: Place) -> str:
    write_config(place.folder, address=ADDRESS)
    with simulated(place.folder) as device:
        device.call(joined)
        early = at_boot(place, "meter-poll")
        check = at_boot(place, "check")
        later = place.run("meter-poll", "E8")
    assert "power value=" in later, "the reading from before is dated now"
    return early + check + later


@trouble("disk-full")
def disk_full(place: Place) -> str:
    write_config(place.folder, address=ADDRESS)
    with small_disk(place.folder / "store", "64k"), simulated(place.folder) as device:
        device.call(joined)
        fill(place.folder / "store")
        return place.run("meter-poll") + place.run("check")


@trouble("disk-read-only")
def disk_read_only(place: Place) -> str:
    place.configure("")
    with small_disk(place.folder / "store", "1m"):
        Store(place.folder / "store").close()
        subprocess.run(("mount", "-o", "remount,ro", str(place.folder / "store")), check=True)
        return place.run("check")


@trouble("store-damaged")
def store_damaged(place: Place) -> str:
    now = int(time.time())
    filled(place, *(Point("power", {"value": i}, now - i) for i in range(1000))).close()
    path = place.folder / "store" / FILE
    path.write_bytes(path.read_bytes()[:1024] + os.urandom(8192))
    return place.run("check")


@trouble("store-bit-flipped")
def store_bit_flipped(place: Place) -> str:
    now = int(time.time())
    filled(place, *(Point("power", {"value": i + 0.5}, now - i) for i in range(1000))).close()
    path = place.folder / "store" / FILE
    path.write_bytes(path.read_bytes().replace(struct.pack(">d", 523.5), struct.pack(">d", 523.75)))
    return place.run("export")


@trouble("store-rows-missing")
def store_rows_missing(place: Place) -> str:
    now = int(time.time())
    filled(place, *(Point("power", {"value": i}, now - i) for i in range(1000))).close()
    lose(place.folder / "store" / FILE, now - 523)
    return place.run("export")


@trouble("store-not-ours")
def store_not_ours(place: Place) -> str:
    place.configure("")
    (place.folder / "config.ini").chmod(0o644)
    (place.folder / "store").mkdir()
    deny(place.folder / "store")
    return place.run("export", unprivileged=True)


@trouble("store-newer")
def store_newer(place: Place) -> str:
    filled(place).close()
    _newer(place.folder / "store" / FILE)
    return place.run("check")


@trouble("store-other-file")
def store_other_file(place: Place) -> str:
    place.configure("")
    (place.folder / "store").mkdir(mode=0o700)
    (place.folder / "store" / FILE).write_bytes(b"not a database" * 100)
    return place.run("status")


@trouble("config-none")
def config_none(place: Place) -> str:
    home = place.folder / "home"
    home.mkdir(exist_ok=True)
    place.fixture("monkeypatch").setitem(ENVIRONMENT, "HOME", str(home))
    return place.run("check")


@trouble("config-wrong")
def config_wrong(place: Place) -> str:
    write_config(place.folder, "[server]\nurl = localhost\n", bid="0011", pasword="x")
    return place.run("check")


@trouble("config-readable")
def config_readable(place: Place) -> str:
    write_config(place.folder).chmod(0o644)
    return place.run("check")


@trouble("config-foreign")
def config_foreign(place: Place) -> str:
    config = write_config(place.folder)
    config.chmod(0o666)
    said = place.run("status")
    config.chmod(0o600)
    assert "config.ini" not in place.run("status")
    return said


@trouble("graph-stopped")
def graph_stopped(place: Place) -> str:
    filled(place, Point("power", {"value": 1}, int(time.time()) - 7200)).close()
    return place.run("status")


@trouble("graph-never")
def graph_never(place: Place) -> str:
    write_config(place.folder)
    return place.run("status")


@trouble("listener-none")
def listener_none(place: Place) -> str:
    home = place.folder / "home"
    home.mkdir(exist_ok=True)
    place.fixture("monkeypatch").setitem(ENVIRONMENT, "HOME", str(home))
    write_config(place.folder)
    return place.run("check")
