"""How a resident command ends, whenever and however often it is asked to."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands import ENVIRONMENT, PATIENCE, catches_sigterm, wait_for

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

ELSEWHERE = """
import signal, threading
from homemon.cli.simulate_tools import serve
from homemon.runtime.stop import Stop, Stopped
from homemon.sim.kyocera import Monitor
from homemon.sim.house import House
from homemon.sim.terminal import Clock, Terminal

def listener():
    stop = Stop()
    ready()
    try:
        stop.wait(3600)
    except Stopped:
        pass

def simulator():
    with Terminal(Monitor(House(0)), Clock()) as terminal:
        ready()
        serve(terminal, terminal.path)

def ready():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # only the thread takes it

{name}()
print("stopped")
"""


@pytest.mark.parametrize("name", ["listener", "simulator"])
def test_a_signal_that_interrupts_no_system_call_ends_a_wait_all_the_same(name: str) -> None:
    """As one does that comes just before the call."""
    words = (sys.executable, "-c", ELSEWHERE.format(name=name))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        waits = Path(f"/proc/{process.pid}/wchan")
        wait_for(lambda: catches_sigterm(process.pid) and any(word in waits.read_text() for word in ("select", "poll")))
        process.send_signal(signal.SIGTERM)
        try:
            assert process.communicate(timeout=PATIENCE)[0].endswith("stopped\n")
        finally:
            process.kill()


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


WITH_A_THREAD = """
import atexit, os, sys, threading
import homemon.__main__ as started
from homemon.cli import main as command

class TakenApart:
    def __del__(self, write=os.write):
        write(1, b"taken apart\\n")

used_by_the_thread = TakenApart()

def run():
    threading.Thread(target=threading.Event().wait, daemon={thread}).start() if {thread} else None
    atexit.register(lambda: print("closed"))
    print("ends")
    sys.exit(3)

command.main = run
started.main()
"""


@pytest.mark.parametrize(
    ("thread", "warnings", "then"),
    [(True, "always", ""), (True, "", ""), (False, "", ""), (False, "always", "taken apart\n")],
)
def test_a_process_ends_without_taking_anything_from_its_threads(thread: bool, warnings: str, then: str) -> None:
    """SQLite ends with a segmentation fault where Python frees what a thread is using."""
    code = WITH_A_THREAD.format(thread=thread)
    environment = ENVIRONMENT | {"PYTHONWARNINGS": warnings}
    run = subprocess.run((sys.executable, "-c", code), env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (3, f"ends\nclosed\n{then}"), run.stderr
