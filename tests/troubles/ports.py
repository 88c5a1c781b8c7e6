"""Troubles between the Pi and the Wi-SUN module."""

import os
import pty
import shutil
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from threading import Thread

from homemon.core.files import port_lock
from homemon.runtime.asking import socket_of
from tests.commands import deny, running, simulated, write_config
from tests.integration.test_meter_commands import ADDRESS, babble
from tests.integration.test_second_reader import another_reader, port_that_answers
from tests.troubles.place import Place, joined, trouble


@contextmanager
def line(place: Place) -> Iterator[tuple[int, str]]:
    """A serial port with nobody at its end, and its name; [smartmeter] names it."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    write_config(place.folder, address=ADDRESS, serial_port=name)
    try:
        yield master, name
    finally:
        os.close(master)
        os.close(slave)


@trouble("port-missing")
def missing(place: Place) -> str:
    write_config(place.folder, serial_port="/dev/ttyNONE")
    return place.run("check")


@trouble("port-forbidden")
def forbidden(place: Place) -> str:
    with line(place) as (_, name):
        deny(Path(name))
        (place.folder / "config.ini").chmod(0o644)
        return place.run("meter-poll", unprivileged=True)


@trouble("port-no-terminal")
def no_terminal(place: Place) -> str:
    write_config(place.folder, serial_port="/dev/null")
    return place.run("check")


def held_by(place: Place, program: str) -> str:
    """What `check` says while a program of that name has the port open."""
    path = place.folder / program
    shutil.copy(shutil.which("sleep") or "", path)
    with line(place) as (_, name), open(name, "rb") as stdin:
        rival = subprocess.Popen([path, "60"], stdin=stdin)
        try:
            return place.run("check")
        finally:
            rival.kill()
            rival.wait()


@trouble("port-busy")
def busy(place: Place) -> str:
    return held_by(place, "minicom")


@trouble("port-read-too")
def read_too(place: Place) -> str:
    write_config(place.folder)
    with (
        simulated(place.folder) as device,
        another_reader(device.path, "sleep"),  # cat ends when the port is set up
        running("meter-listen", cwd=place.folder) as listener,
    ):
        place.says(listener, "… is also open in …")
        return listener.errors.read_text()


@trouble("port-console")
def console(place: Place) -> str:
    return held_by(place, "agetty")


@trouble("port-shared")
def shared(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder), running("meter-listen", cwd=place.folder) as listener:
        place.says(listener, "joined")
        return place.run("join")


@trouble("port-hangs")
def hangs(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder), running("meter-listen", cwd=place.folder) as listener:
        place.says(listener, "joined")
        listener.process.send_signal(SIGSTOP)
        try:
            return place.run("meter-poll")
        finally:
            listener.process.send_signal(SIGCONT)


@trouble("port-no-socket")
def no_socket(place: Place) -> str:
    write_config(place.folder)
    socket_of(port_lock(place.folder / "store", str(place.folder / "port"))).mkdir()
    with simulated(place.folder), running("meter-listen", cwd=place.folder) as listener:
        place.says(listener, "joined")
        return listener.errors.read_text() + place.run("meter-poll")


@trouble("module-silent")
def silent(place: Place) -> str:
    with line(place):
        return place.run("check")


@trouble("module-unreadable")
def unreadable(place: Place) -> str:
    with line(place) as (master, _):
        Thread(target=babble, args=(master,), daemon=True).start()
        return place.run("check")


@trouble("module-j11")
def j11(place: Place) -> str:
    with port_that_answers(bytes.fromhex("D0F9EE5D2FFF000405CF01000001")) as name:
        write_config(place.folder, serial_port=name)
        return place.run("join")


@trouble("module-unplugged")
def unplugged(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder) as device, running("meter-listen", cwd=place.folder) as listener:
        place.says(listener, "joined")
        device.unplug()
        place.says(listener, "the port … went away (…)")
        before = len(listener.errors.read_text())
        device.plug()
        place.says(listener, "joined", after=before)
        return listener.errors.read_text()


@trouble("module-dialect")
def dialect(place: Place) -> str:
    """The address alone is known, as from the original's config.ini."""
    write_config(place.folder, address=ADDRESS)
    with simulated(place.folder, dialect="a1") as device:
        device.call(joined)
        return place.run("meter-poll")


@trouble("module-scan-arguments")
def scan_arguments(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder, dialect="a1"):
        return place.run("join")


@trouble("module-binary")
def binary(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder, raw=True) as device:
        joined_at = place.run("join", "--trace", "trace.txt")
        assert "> WOPT 01" in (place.folder / "trace.txt").read_text()
        assert device.module.radio.flash_writes == 1
        return joined_at + place.run("meter-poll")


@trouble("module-line-ends")
def line_ends(place: Place) -> str:
    """3,338 W is 0D0A."""
    from homemon.sim.smart_meter import GET, Reading

    place.fixture("monkeypatch").setitem(GET, 0xE7, lambda meter, now: Reading("00000D0A", 0x0D0A))
    write_config(place.folder, address=ADDRESS)
    with simulated(place.folder, raw=True) as device:
        device.call(joined)
        return place.run("meter-poll")


@trouble("module-sa2")
def rssi(place: Place) -> str:
    write_config(place.folder, address=ADDRESS)
    with simulated(place.folder) as device:
        device.call(joined)
        device.call(lambda module: module.radio.registers.update(SA2="1"))
        return place.run("meter-poll")
