"""A second listener ends at once: in words where a person sees them, without any in cron."""

from pathlib import Path

from tests.commands import homemon, running, simulated, wait_for, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.lan import address, configure, wait_for_port
from tests.person import person


def test_a_second_ecocute_listen_says_on_a_terminal_that_it_is_one(tmp_path: Path) -> None:
    ours = configure(tmp_path, address())
    with running("ecocute-listen", cwd=tmp_path):
        wait_for_port(ours)
        in_cron = homemon("ecocute-listen", cwd=tmp_path)
        assert (in_cron.returncode, in_cron.stderr) == (0, "")
        with person("ecocute-listen", cwd=tmp_path) as someone:
            someone.until("another ecocute-listen runs already")
            assert someone.leaves() == 0


def test_setup_leaves_a_port_alone_that_a_listener_holds(tmp_path: Path) -> None:
    config = write_config(tmp_path, address=ADDRESS)
    before = config.read_bytes()
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path) as listener:
        wait_for(lambda: homemon("status", cwd=tmp_path).stdout.count("meter-listen: runs") == 1)
        with person("meter-listen", cwd=tmp_path) as someone:
            someone.until("another meter-listen runs already")
            assert someone.leaves() == 0
        setup = homemon("setup", "--yes", "--only", "port", "--port", str(tmp_path / "port"), cwd=tmp_path)
        assert f"is in use by homemon meter-listen (pid {listener.process.pid})" in setup.stdout
    assert config.read_bytes() == before
