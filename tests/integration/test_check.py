"""`homemon check` names what is wrong with each thing, and what to do; test_troubleshooting has more of it."""

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from homemon.check import devices
from homemon.check.findings import Aside, Finding, ok
from homemon.check.looking import Look, Looking
from homemon.core.columns import COLUMNS
from homemon.core.points import Point
from homemon.sources.registry import SOLAR_MONITOR
from homemon.storage.store import Store
from tests import ROOT
from tests.commands import ENVIRONMENT, fill, homemon, running, simulated, small_disk, write_config
from tests.integration.test_meter_commands import ADDRESS, no_secret_in
from tests.lan import address, configure, unit, wait_for_port
from tests.person import person
from tests.stores import put

DIGITS = re.compile(r"\d+")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a home, and a crontab in the file `crontab` there if there is one."""
    folder = tmp_path / "home"
    (folder / "bin").mkdir(parents=True)
    crontab = folder / "bin" / "crontab"
    crontab.write_text(f'#!/bin/sh\ncat {folder}/crontab 2>/dev/null || {{ echo "no crontab" >&2; exit 1; }}\n')
    crontab.chmod(0o700)
    monkeypatch.setitem(ENVIRONMENT, "HOME", str(folder))
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{folder}/bin:{os.environ['PATH']}")
    return folder


def lines_of(folder: Path, what: str) -> list[str]:
    """The lines of `check` about one thing."""
    out = homemon("check", cwd=folder).stdout
    return [line for line in out.splitlines() if line[8:].startswith(f"{what}:")]


def config(folder: Path, text: str) -> None:
    (folder / "config.ini").write_text(f"{text}\n[store]\ndir = {folder}/store\n")
    (folder / "config.ini").chmod(0o600)


def test_a_sound_set_up_has_no_fault_and_no_secret(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path):
        run = homemon("check", cwd=tmp_path)
    assert run.returncode == 0
    assert not [line for line in run.stdout.splitlines() if line.startswith("fault")]
    no_secret_in(run.stdout, run.stderr)


# --- machine ------------------------------------------------------------------------------


def test_faults_of_the_configuration_are_reported_line_by_line_and_exit_2(tmp_path: Path) -> None:
    write_config(tmp_path, bid="1", pwd="2")
    run = homemon("check", cwd=tmp_path)
    assert run.returncode == 2
    *lines, last = run.stdout.splitlines()
    assert last == f"{len(lines)} faults"
    assert [line.startswith(f"fault   config: {tmp_path}/config.ini:") for line in lines] == [
        True,
        True,
    ]


def test_the_last_line_counts_what_was_found(tmp_path: Path) -> None:
    config(tmp_path, "[server]\nurl = http://127.0.0.1:1")
    *lines, last = homemon("check", cwd=tmp_path).stdout.splitlines()
    counts = Counter(line.split()[0] for line in lines)
    assert counts["fault"] == 1
    warnings = f"{counts['warning']} warning{'s' * (counts['warning'] > 1)}, " if counts["warning"] else ""
    assert last == f"1 fault, {warnings}{counts['ok']} ok"


def test_on_a_terminal_lines_are_parted_at_its_width_in_colours_and_say_the_same(tmp_path: Path) -> None:
    config(tmp_path, "[server]\nurl = http://127.0.0.1:1")
    in_pipe = homemon("check", cwd=tmp_path).stdout
    assert max(map(len, in_pipe.splitlines())) > COLUMNS
    with person("check", cwd=tmp_path) as someone:
        assert someone.leaves() == 1
    assert "\x1b[31mfault\x1b[0m   server: " in someone.seen
    lines = re.sub(r"\x1b\[\d+m", "", someone.seen).splitlines()
    assert all(len(line) <= COLUMNS or " " not in line.strip() for line in lines)
    whole = re.sub(r"\n {8}", " ", "\n".join(lines))
    assert DIGITS.sub("", whole).splitlines() == DIGITS.sub("", in_pipe).splitlines()  # what is free changes
    with person("check", cwd=tmp_path, NO_COLOR="1") as someone:
        someone.leaves()
    assert "\x1b" not in someone.seen


def test_what_others_may_read_is_a_warning_with_the_remedy(tmp_path: Path, home: Path) -> None:
    write_config(tmp_path).chmod(0o644)
    Store(tmp_path / "store").close()
    (tmp_path / "trace.txt").touch(0o644)
    (home / "crontab").write_text("* * * * * homemon meter-listen --trace trace.txt\n")
    assert any("chmod 600" in line for line in lines_of(tmp_path, "config"))
    (line,) = lines_of(tmp_path, "files")
    assert line.startswith("warning")
    assert "trace.txt" in line
    (tmp_path / "trace.txt").chmod(0o600)
    (tmp_path / "store" / "kyocera_20261123.txt").touch(0o640)
    (line,) = lines_of(tmp_path, "files")
    assert line.endswith(f"chmod -R go= {tmp_path}/store/kyocera_20261123.txt")
    (tmp_path / "store").chmod(0o755)
    (line,) = lines_of(tmp_path, "files")
    assert line.endswith(f"chmod -R go= {tmp_path}/store")
    for path in (tmp_path / "store", *(tmp_path / "store").glob("kyocera*")):
        path.chmod(path.stat().st_mode & 0o700)
    (line,) = lines_of(tmp_path, "files")
    assert line.startswith("ok")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_a_warning(tmp_path: Path) -> None:
    write_config(tmp_path)
    Store(tmp_path / "store").close()
    os.chown(tmp_path / "store", 65534, -1)
    assert any("belongs to nobody, and you are root" in line for line in lines_of(tmp_path, "files"))


def test_a_disk_that_is_nearly_full_is_a_fault(tmp_path: Path) -> None:
    write_config(tmp_path)
    with small_disk(tmp_path / "store", "1m"):
        Store(tmp_path / "store").close()
        fill(tmp_path / "store")
        run = homemon("check", cwd=tmp_path)
    assert run.returncode == 1
    assert "fault   disk: 0 MB free" in run.stdout


PATH = f"PATH={Path(sys.executable).parent}:/usr/bin:/bin"
LISTEN, POLL = "* * * * * homemon -q meter-listen >/dev/null", "* * * * * homemon -q meter-poll"


@pytest.mark.parametrize(
    ("crontab", "reported"),
    [
        (None, ["no meter-listen runs, and nothing starts it", "nothing starts meter-poll"]),
        (f"# {LISTEN}\n", ["no meter-listen runs, and nothing starts it", "nothing starts meter-poll"]),
        (
            f"{PATH}\n{LISTEN}\n{POLL}\n",
            ["no meter-listen runs, although crontab starts it", "meter-poll is started by crontab"],
        ),
        (f"{PATH}\n@reboot homemon meter-listen --poll 60\n", ["no meter-listen runs, although crontab starts it"]),
    ],
)
def test_missing_cron_lines_are_reported(tmp_path: Path, home: Path, crontab: str | None, reported: list[str]) -> None:
    write_config(tmp_path)
    if crontab is not None:
        (home / "crontab").write_text(crontab)
    lines = [*lines_of(tmp_path, "listener"), *lines_of(tmp_path, "start")]
    assert [text in line for text, line in zip(reported, lines, strict=True)] == [True] * len(reported), lines


def test_a_notify_that_is_configured_and_not_started_is_a_warning(tmp_path: Path, home: Path) -> None:
    config(tmp_path, "[notify]\ncommand = cat")
    assert any("nothing starts notify" in line for line in lines_of(tmp_path, "start"))
    (home / "crontab").write_text(f"{PATH}\n*/5 * * * * homemon -q notify\n")
    assert any("notify is started by crontab" in line for line in lines_of(tmp_path, "start"))


def test_a_listener_that_nothing_starts_again_is_a_warning(tmp_path: Path, home: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path) as listener:
        listener.until(bool)
        (line,) = lines_of(tmp_path, "listener")
        assert f"runs (pid {listener.process.pid}), but nothing starts it again after a reboot" in line
        (home / "crontab").write_text(LISTEN)
        (line,) = lines_of(tmp_path, "listener")
        assert line.startswith("ok")
        assert line.endswith("is started by crontab")


def test_systemd_units_count_once_they_are_enabled(tmp_path: Path, home: Path) -> None:
    config(tmp_path, "[kyocera]\ntransport = i2c")
    units = home / ".config" / "systemd" / "user"
    (units / "timers.target.wants").mkdir(parents=True)
    for name in ("homemon-kyocera-dump.service", "homemon-kyocera-dump.timer"):
        (units / name).write_bytes((ROOT / "docs" / "systemd" / name).read_bytes())
    (line,) = [line for line in lines_of(tmp_path, "start") if "kyocera" in line]
    assert line.startswith("warning")
    assert line.endswith("systemctl --user enable --now homemon-kyocera-dump.timer")
    (units / "timers.target.wants" / "homemon-kyocera-dump.timer").symlink_to(units / "homemon-kyocera-dump.timer")
    (line,) = [line for line in lines_of(tmp_path, "start") if "kyocera" in line]
    assert line.startswith("ok")


def test_neither_cron_nor_systemd_is_no_fault(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "bin" / "crontab").unlink()
    monkeypatch.setitem(ENVIRONMENT, "PATH", str(home / "bin"))
    config(tmp_path, "")
    assert homemon("check", cwd=tmp_path).returncode == 0


# --- devices ------------------------------------------------------------------------------


def test_a_port_that_is_none_is_a_fault(tmp_path: Path) -> None:
    write_config(tmp_path, serial_port="/dev/null")
    run = homemon("check", cwd=tmp_path)
    assert run.returncode == 1
    assert "fault   serial port: /dev/null is no serial port. Check [smartmeter] serial_port." in run.stdout


def test_a_free_port_is_asked_and_nothing_is_joined_set_or_stored(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path) as device:
        received: list[bytes] = []
        feed = device.module.feed

        def listen_in(data: bytes, now: float) -> None:
            received.append(data)
            feed(data, now)

        device.call(lambda module: setattr(module.radio, "session", True))
        device.call(lambda module: setattr(module, "feed", listen_in))
        run = homemon("check", cwd=tmp_path)
    assert "ok      module: SKSTACK 1.5.2, commands of a BP35C0" in run.stdout
    assert "ok      meter: it answers" in run.stdout
    said = b"".join(received).split()
    assert {word for word in said if word.startswith((b"SK", b"RO", b"WO"))} == {b"SKVER", b"SKINFO", b"SKSENDTO"}
    assert homemon("export", cwd=tmp_path).stdout == ""


def test_a_listener_is_not_disturbed_and_judged_by_what_it_stored(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path) as device, running("meter-listen", cwd=tmp_path) as listener:
        listener.until(bool)
        asked = len(device.module.truth)
        meter = lines_of(tmp_path, "meter")
        assert len(device.module.truth) == asked
        assert meter[0] == f"ok      meter: {ADDRESS}, channel 31, PAN ID B5FB"
        assert meter[-1].startswith("ok      meter: its newest reading is ")
        store = Store(tmp_path / "store")
        store.db.execute("UPDATE point SET time = time - 86400")
        store.db.execute("UPDATE point SET value = value")  # its checksums, by a trigger
        store.close()
        assert lines_of(tmp_path, "meter")[-1].startswith("fault   meter: its newest reading is 24 h old. Stop it and")
        assert listener.process.poll() is None


def test_the_kernels_console_on_the_port_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated(tmp_path) as device:
        consoles = tmp_path / "consoles"
        consoles.write_text(
            f"tty0                 -WU (EC p  )    4:1\n{device.path.resolve().name:20} -W- (EC p  ) 4:64\n"
        )
        monkeypatch.setattr(devices, "CONSOLES", consoles)
        rival = devices._rival(str(device.path))
    assert rival is not None
    assert "login shell no" in rival.remedy


def test_a_listener_on_the_lan_is_judged_by_what_it_stored(tmp_path: Path) -> None:
    with unit() as network:
        bind = configure(tmp_path, network.bind)
        with running("ecocute-listen", cwd=tmp_path) as listener:
            wait_for_port(bind)
            assert "no reading has been stored yet" in lines_of(tmp_path, "ecocute")[-1]
            homemon("ecocute-poll", cwd=tmp_path)
            listener.until(bool)
            assert lines_of(tmp_path, "ecocute")[-1].startswith("ok      ecocute: its newest reading is ")


def test_what_a_device_answers_to_a_check_is_stored(tmp_path: Path) -> None:
    with unit() as network:
        configure(tmp_path, network.bind)
        assert f"ok      ecocute: {network.bind} answers: power, powerSum, tank" in lines_of(tmp_path, "ecocute")
    assert homemon("export", cwd=tmp_path).stdout.startswith("ecocute power=")


# --- the looks ----------------------------------------------------------------------------


def test_a_look_that_hangs_keeps_no_other_from_being_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(app: Aside) -> Iterator[Finding]:
        yield ok("name", "it begins")
        os.read(hanging, 1)

    hanging, release = os.pipe()
    looking = Looking(Look("name", hangs), Aside(str(write_config(tmp_path))))
    first, last = looking.result(0.2)
    assert (str(first), str(last)) == ("ok      name: it begins", str(last))
    assert "no result within" in last.found
    os.close(release)


def test_a_mistake_of_ours_is_not_hidden(tmp_path: Path) -> None:
    def broken(app: Aside) -> Iterator[Finding]:
        yield ok("name", "fine")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Looking(Look("name", broken), Aside(str(write_config(tmp_path)))).result(10)


def test_the_ecocutes_host_and_our_port_are_looked_at(tmp_path: Path) -> None:
    config(tmp_path, f"[ecocute]\nhost = no-such-host.invalid\nbind = {address()}")
    assert any(line.startswith("fault") and "is unknown" in line for line in lines_of(tmp_path, "ecocute"))
    assert any("no ecocute-listen runs" in line for line in lines_of(tmp_path, "listener"))
    assert not any(line.startswith("warning") for line in lines_of(tmp_path, "meter"))
    config(tmp_path, f"[ecocute]\nbind = {address()}")
    assert any("none is remembered" in line and "homemon discover" in line for line in lines_of(tmp_path, "ecocute"))


def test_what_a_check_says_to_the_module_can_be_traced(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path):
        run = homemon("check", "--trace", "check.trace", cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = (tmp_path / "check.trace").read_text().splitlines()
    assert any(line.endswith("wisun > SKINFO\\r\\n") for line in lines), lines
    assert (tmp_path / "check.trace").stat().st_mode & 0o777 == 0o600


def test_what_is_not_filled_in_is_no_complete_configuration(tmp_path: Path) -> None:
    write_config(tmp_path)
    (line,) = lines_of(tmp_path, "config")
    assert "[smartmeter] bid and pwd are those of config.ini.example" in line
    config(tmp_path, "")
    (line,) = lines_of(tmp_path, "config")
    remedy = "Run `homemon setup`; or see config.ini.example"
    assert line == f"warning config: {tmp_path}/config.ini names no device. {remedy}"
    config(tmp_path, "[kyocera]\nserial_bps = [ビットレート]\n")
    (line,) = lines_of(tmp_path, "config")
    assert line.endswith("serial_bps: still holds the placeholder of a template. Fill it in, or take the line out")
    config(tmp_path, "[ecocute]\nhost = 127.0.0.1\nbind = 192.0.2.1\n")
    (line,) = lines_of(tmp_path, "config")
    assert line == f"ok      config: {tmp_path}/config.ini is complete"


@pytest.mark.parametrize(
    ("crontab", "found"),
    [
        ("* * * * * homemon -q meter-poll", False),
        ("PATH=/usr/local/sbin:/nowhere\n* * * * * homemon meter-poll >/dev/null", False),
        ("* * * * * homemon meter-poll\n" + PATH, False),  # it counts for the lines below it
        (f"{PATH}\n* * * * * homemon meter-poll", True),
        (f'PATH = "{Path(sys.executable).parent}:/bin"\n* * * * * homemon meter-poll', True),
        (f"* * * * * {Path(sys.executable).parent}/homemon meter-poll", True),
        ("* * * * * python3 -m homemon meter-poll", True),
        ("* * * * * . ~/venv/bin/activate && homemon meter-poll", True),
    ],
)
def test_a_line_by_which_cron_finds_no_homemon_starts_nothing(
    tmp_path: Path, home: Path, crontab: str, found: bool
) -> None:
    write_config(tmp_path)
    (home / "crontab").write_text(f"{crontab}\n")
    (line,) = [line for line in lines_of(tmp_path, "start") if "meter-poll" in line]
    assert line.startswith("ok" if found else "warning start: meter-poll is started by crontab, whose PATH ("), line
    assert found or "Put PATH=" in line


@pytest.mark.parametrize("word", ["/nowhere/homemon", "~/nowhere/homemon", "$HOME/nowhere/homemon"])
def test_a_path_in_the_crontab_at_which_there_is_no_homemon_is_named(tmp_path: Path, home: Path, word: str) -> None:
    write_config(tmp_path)
    (home / "crontab").write_text(f"* * * * * {word} meter-poll\n")
    (line,) = [line for line in lines_of(tmp_path, "start") if "meter-poll" in line]
    path = word.replace("~", str(home)).replace("$HOME", str(home))
    assert f"is started by crontab as {path}, which cannot be run. Write /" in line
    assert "PATH" not in line


def test_the_age_of_a_half_hour_is_that_of_its_end_as_in_status(tmp_path: Path) -> None:
    config(tmp_path, "[smartmeter]\nbid = " + "0" * 32 + "\npwd = " + "0" * 12)
    store = Store(tmp_path / "store")
    put(store, Point("hatuden", {"value": 1}, int(time.time()) - 2950))
    store.close()
    aside = Aside(str(tmp_path / "config.ini"))
    assert aside.freshness(SOLAR_MONITOR, "").found == "its newest reading is 19 min old"
    aside.close()
    assert " 19 min " in homemon("status", cwd=tmp_path).stdout


def test_a_folder_of_another_user_is_not_called_ours(tmp_path: Path) -> None:
    if os.geteuid():
        assert not os.environ.get("CI")
        pytest.skip("only root can give folders away")
    write_config(tmp_path)
    Store(tmp_path / "store").close()
    os.chown(tmp_path / "store", 65534, 65534)
    (line,) = lines_of(tmp_path, "files")
    assert line.startswith("warning files:")
    assert "belongs to nobody, and you are root" in line
