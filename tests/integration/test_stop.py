"""How a resident command ends when it is asked to more than once."""

import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.commands import ENVIRONMENT, PATIENCE

RESIDENT = """
import os
from homemon.runtime.stop import Stop, Stopped

class AtTheVeryEnd:
    def __del__(self, kill=os.kill, pid=os.getpid(), number={number}):
        kill(pid, number)  # while Python takes the modules apart: its handlers are gone by then

last = AtTheVeryEnd()
stop = Stop()
print("ready", flush=True)
try:
    stop.wait(60)
except Stopped:
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_while_python_ends_changes_no_exit_status(first: int, second: int) -> None:
    words = (sys.executable, "-c", RESIDENT.format(number=int(second)))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(first)
        with suppress(ProcessLookupError):
            process.send_signal(second)
        assert process.communicate(timeout=PATIENCE) == ("stopped\n", "")
    assert process.returncode == 0
