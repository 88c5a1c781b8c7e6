"""A listener under a real systemd, by the unit that users get."""

import os
import shutil
import signal
import sys
from pathlib import Path

from tests import ROOT
from tests.commands import simulated, wait_for, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.manager import manager
from tests.troubles.place import joined

UNIT = "homemon-meter-listen.service"
SOONER = "[Service]\nWatchdogSec=5\nRestartSec=0\n"


def laid_out(home: Path) -> None:
    """The unit, the program that it starts, and config.ini, where pipx and a user have them."""
    units, config, program = home / ".config/systemd/user", home / ".config/homemon", home / ".local/bin/homemon"
    for folder in (units / f"{UNIT}.d", config, program.parent):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "systemd" / UNIT, units)
    (units / f"{UNIT}.d" / "sooner.conf").write_text(SOONER)
    shutil.copy(write_config(home, address=ADDRESS), config)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m homemon "$@"\n')
    program.chmod(0o755)


def test_systemd_starts_a_listener_again_that_hangs(tmp_path: Path) -> None:
    laid_out(tmp_path)
    with simulated(tmp_path) as device, manager(tmp_path) as systemctl:
        device.call(joined)

        def says(name: str) -> str:
            return systemctl("show", UNIT, "--value", "-p", name).strip()

        systemctl("start", UNIT)
        hung = says("MainPID")
        os.kill(int(hung), signal.SIGSTOP)
        wait_for(lambda: says("ActiveState") == "active" and says("MainPID") not in ("0", hung))
        assert int(says("NRestarts")) >= 1
