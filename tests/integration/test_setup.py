"""`homemon setup` as a stranger meets it: on a real terminal, with simulated devices; and without any question."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from homemon.config.read import load
from homemon.config.setup.schedule import BEGIN, END
from homemon.sim.bp35c0 import BID, PWD
from tests import ROOT
from tests.commands import ENVIRONMENT, HOMEMON, PATIENCE, homemon, running, simulated, wait_for
from tests.lan import address, unit
from tests.monitor import on_a_pty
from tests.person import person
from tests.servers import Asked, InfluxServer, Reply, ScriptedServer

ENGLISH = {"LC_ALL": "C.UTF-8"}
JAPANESE = {"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}
LETTER = f"Bルート認証ID: {' '.join(BID[at : at + 4] for at in range(0, 32, 4)).lower()}\nパスワード: {PWD}\n"
ASKED_IN_ENGLISH = (
    *("Language", "B-route ID", "Password", "Name of the serial port", "Join now?", "Your area", "Your plan"),
    *("契約アンペア", "検針日", "Paid for", "URL", "Database", "Start it by", "The newest values"),
)
ASKED_IN_JAPANESE = (
    *("言語", "Bルート認証ID", "パスワード", "シリアルポートの名前", "今すぐ接続", "お住まいの地域", "料金プラン"),
    *("契約アンペア", "検針日", "売電単価", "サーバーの URL", "データベース名", "どの方法で起動", "最新の値"),
)
CRONTAB = """\
#!/bin/sh
case $1 in -l) cat {0}/crontab ;; -) cat > {0}/crontab ;; esac
"""
SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> {0}/systemctl
"""


class House(NamedTuple):
    """The ports and addresses of a simulated house, a config.ini with nothing but a store, and our address."""

    folder: Path
    meter: str
    ecocute: str
    ours: str
    sun: str

    @property
    def config(self) -> Path:
        return self.folder / "config.ini"

    @property
    def options(self) -> tuple[str, ...]:
        """The options that answer what the house decides."""
        where = ("--target", self.ecocute, "--bind", self.ours, "--monitor", self.sun)
        return ("--port", str(self.folder / "nowhere"), "--port", self.meter, *where)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        module, sun = tmp_path / "module", tmp_path / "sun"
        for folder in (module, sun):
            folder.mkdir()
        stack.enter_context(simulated(module))
        stack.enter_context(on_a_pty(sun))
        host = stack.enter_context(unit()).bind
        (tmp_path / "config.ini").write_text(f"# ours\n[store]\ndir = {tmp_path / 'store'}\n")
        (tmp_path / "config.ini").chmod(0o600)
        yield House(tmp_path, str(module / "port"), host, address(), str(sun / "port"))


@contextmanager
def programs(folder: Path, **texts: str) -> Iterator[str]:
    """A PATH with stand-ins for programs, and no others but those that a shell needs."""
    (folder / "bin").mkdir()
    for name, text in {"crontab": "#!/bin/sh\nexit 1\n", "systemctl": "#!/bin/sh\nexit 1\n", **texts}.items():
        (folder / "bin" / name).write_text(text.format(folder))
        (folder / "bin" / name).chmod(0o755)
    yield f"{folder / 'bin'}:{os.environ['PATH']}"


def scripted(
    folder: Path, *arguments: str, given: str = "", path: str = os.environ["PATH"], locale: dict[str, str] = ENGLISH
) -> "subprocess.CompletedProcess[str]":
    """`homemon setup` in a folder, with this on stdin."""
    return subprocess.run(
        (*HOMEMON, "setup", *arguments),
        cwd=folder,
        env=ENVIRONMENT | locale | {"HOME": str(folder), "PATH": path},
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "prompts"),
    [
        (ENGLISH, ASKED_IN_ENGLISH),
        (JAPANESE, ASKED_IN_JAPANESE),
    ],
    ids=["en", "ja"],
)
def test_a_stranger_is_led_from_the_letter_to_a_reading(
    house: House, environment: dict[str, str], prompts: tuple[str, ...]
) -> None:
    (lang, bid, pwd, port, join, area, plan, ampere, day, sell, url, db, by, end) = prompts
    options = ("--port", str(house.folder / "nowhere"), *house.options[4:])
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in BID)
    with (
        programs(house.folder) as path,
        person("setup", *options, cwd=house.folder, HOME=str(house.folder), PATH=path, **environment) as someone,
    ):
        someone.answers((lang, ""), (bid, PWD), (bid, wide), (pwd, "1234"), (pwd, PWD), (port, house.meter), (join, ""))
        someone.answers((area, "3"), (plan, "tepco-juryo-b"), (ampere, "40"), (day, "32"), (day, "12"), (sell, "15"))
        someone.answers((url, "http://127.0.0.1:1"), (db, ""), (by, "none"))
        someone.until(end)
        assert someone.leaves() == 1, "check names the server that is not there"
    config = load(house.config)
    assert config.smartmeter is not None
    assert config.smartmeter[:2] == (BID, PWD)
    assert config.smartmeter.address is not None
    assert config.devices["ecocute"].host == house.ecocute
    assert config.kyocera is not None
    assert (config.kyocera.transport, config.kyocera.serial_port) == ("serial", house.sun)
    (contract,) = config.contracts
    assert (contract.plan, contract.ampere, contract.reading_day, contract.sell) == ("tepco-juryo-b", 40, 12, "15")
    assert config.server is not None
    assert (config.server.url, config.server.db) == ("http://127.0.0.1:1", "smartmeter")
    assert house.config.read_text().startswith("# ours\n[store]\n")
    assert house.config.stat().st_mode & 0o777 == 0o600
    assert PWD not in someone.seen.replace(f": {PWD}", "", 1), "but where it was typed for the ID"
    assert homemon("meter-poll", cwd=house.folder).stdout.startswith("power value=")


def test_without_a_question_options_say_all(house: House) -> None:
    plan = ("--plan", "tepco-juryo-b", "--ampere", "40", "--reading-day", "12")
    run = scripted(house.folder, "--yes", "--letter", "-", *house.options, *plan, "--start", "none", given=LETTER)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "meter: it answers" in run.stdout
    assert "ecocute: " in run.stdout
    assert BID not in run.stdout + run.stderr
    assert PWD not in run.stdout + run.stderr
    before = house.config.read_bytes()
    again = scripted(house.folder, "--yes", "--start", "none")
    assert again.returncode == 0, again.stdout
    assert house.config.read_bytes() == before, "nothing is overwritten unasked"


def test_a_step_is_done_alone_and_keeps_the_rest(house: House) -> None:
    given = house.config.read_text() + "[contract]\n# since I moved\nplan = tepco-juryo-b\nampere = 30\n"
    house.config.write_text(given)
    plan = ("--plan", "kepco-juryo-a", "--since", "2026-12-01")
    assert scripted(house.folder, "--only", "contract", "--yes", *plan).returncode == 0
    assert house.config.read_text() == given + "\n[contract 2026-12-01]\nplan = kepco-juryo-a\n"


def test_listeners_that_run_with_the_configuration_of_before_are_named(house: House) -> None:
    house.config.write_text(house.config.read_text() + f"[ecocute]\nhost = {house.ecocute}\nbind = {house.ours}\n")
    plan = ("--only", "contract", "--yes", "--plan", "kepco-juryo-a")
    with running("ecocute-listen", cwd=house.folder) as listener:
        wait_for(lambda: "ecocute-listen: runs" in homemon("status", cwd=house.folder).stdout)
        assert f"\n    kill {listener.process.pid}\n" in scripted(house.folder, *plan).stdout
        assert "kill" not in scripted(house.folder, *plan).stdout, "nothing changed"


def test_what_was_answered_is_kept_when_the_answers_end(house: House) -> None:
    run = scripted(house.folder, "--only", "letter", "--only", "server", given=f"{BID}\n{PWD}\n")
    assert run.returncode == 130
    assert f"What was answered so far is in {house.config}" in run.stdout
    smartmeter = load(house.config).smartmeter
    assert smartmeter is not None
    assert smartmeter[:2] == (BID, PWD)


@pytest.mark.parametrize(
    ("answers", "says"),
    [((), "Nothing was written."), ((("in groups or not)", BID), ("Password", PWD)), "What was answered so far is in")],
)
def test_who_presses_ctrl_c_is_told_where_the_answers_are(
    house: House, answers: tuple[tuple[str, str], ...], says: str
) -> None:
    steps = ("--only", "letter", "--only", "contract")
    with person("setup", *steps, cwd=house.folder, HOME=str(house.folder), **ENGLISH) as someone:
        someone.answers(*answers)
        someone.until("Your area" if answers else "in groups or not): ")
        someone.is_asked()
        someone.process.send_signal(signal.SIGINT)
        someone.until(says)
        assert someone.leaves() == 130
        assert ("Nothing was written." in someone.seen) != ("What was answered" in someone.seen)


@pytest.mark.parametrize(
    ("letter", "says"),
    [(f"{PWD}\n{BID[:-1]}O\n", "the letter O"), (BID, "must be two lines"), (f"{BID}\n{BID}\n", "swapped?")],
)
def test_a_wrong_letter_is_named_without_its_values(house: House, letter: str, says: str) -> None:
    run = scripted(house.folder, "--yes", "--only", "letter", "--letter", "-", given=letter)
    assert (run.returncode, says in run.stderr) == (2, True), run.stderr
    assert BID[:-1] not in run.stdout + run.stderr
    assert load(house.config).smartmeter is None


@pytest.mark.parametrize("step", ["letter", "contract"])
def test_a_config_that_others_may_read_is_closed_before_secrets_are_in_it(house: House, step: str) -> None:
    house.config.chmod(0o644)
    run = scripted(house.folder, "--yes", "--only", step, "--letter", "-", "--plan", "kepco-juryo-a", given=LETTER)
    assert run.returncode == 0, run.stderr
    secret = step == "letter"
    assert house.config.stat().st_mode & 0o777 == (0o600 if secret else 0o644)
    assert (f"Others could read {house.config}; it is yours alone now (mode 0600)" in run.stdout) == secret


PLAN = ("--plan", "tepco-juryo-b")


@pytest.mark.parametrize(
    ("step", "options", "says"),
    [
        ("contract", (*PLAN, "--ampere", "many"), "--ampere: must be a whole number from 1 to 200"),
        ("contract", (*PLAN, "--ampere", "45"), "--ampere: must be one of 10, 15, 20, 30, 40, 50, 60"),
        ("contract", (*PLAN, "--kva", "x"), "--kva: must be a whole number"),
        ("contract", (*PLAN, "--since", "x"), "--since: must be a day"),
        ("contract", (*PLAN, "--area", "tokio"), "--area: must be one of hokkaido"),
        ("contract", (*PLAN, "--reading-day", "32"), "--reading-day: must be a whole number from 1 to 31"),
        ("contract", ("--plan", "nix"), "--plan: there is no plan 'nix'"),
        ("contract", ("--plan", "none.toml"), "--plan: none.toml: No such file"),
        ("server", ("--server", "htp:/x"), "--server: must be like http"),
        ("monitor", ("--monitor", "spy://x"), "--monitor: must be a device"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_written(
    house: House, step: str, options: tuple[str, ...], says: str
) -> None:
    before = house.config.read_bytes()
    run = scripted(house.folder, "--yes", "--only", step, *options)
    assert (run.returncode, says in run.stderr) == (2, True), run.stderr
    assert house.config.read_bytes() == before


def test_a_plan_of_ones_own_is_seen_from_config_ini(house: House) -> None:
    (house.folder / "own.toml").write_text(
        (ROOT / "homemon" / "energy" / "plans" / "kepco-juryo-a.toml").read_text("utf-8")
    )
    assert scripted(house.folder, "--yes", "--only", "contract", "--plan", "own.toml").returncode == 0
    assert "[contract]\nplan = own.toml\n" in house.config.read_text()


def test_lines_for_cron_are_added_once_beside_those_that_are_there(house: House) -> None:
    (house.folder / "crontab").write_text("0 3 * * * backup\n* * * * * homemon -q ecocute-listen >/dev/null\n")
    house.config.write_text(house.config.read_text() + "[ecocute]\n")
    with programs(house.folder, crontab=CRONTAB) as path:
        for _ in range(2):
            run = scripted(house.folder, "--yes", "--only", "start", "--only", "check", path=path)
            assert "start: ecocute-poll is started by crontab" in run.stdout
            assert " homemon -q ecocute-listen" in run.stdout, "the own line"
            assert f"{house.config} -q ecocute-listen" not in run.stdout, "no second one"
    first, own, begin, poll, end = (house.folder / "crontab").read_text().splitlines()
    assert (first, begin, end) == ("0 3 * * * backup", BEGIN, END)
    assert own == "* * * * * homemon -q ecocute-listen >/dev/null"
    assert poll.startswith("*/10 * * * * ")
    assert poll.endswith(f" -c {house.config} -q ecocute-poll >/dev/null")
    assert os.access(poll.split()[5], os.X_OK)


def test_what_was_installed_is_taken_away_where_nothing_is_to_be_started(house: House) -> None:
    own = "0 3 * * * backup\n* * * * * homemon -q ecocute-listen >/dev/null\n"
    (house.folder / "crontab").write_text(own)
    house.config.write_text(house.config.read_text() + "[ecocute]\n")
    start = ("--yes", "--only", "start", "--start")
    with programs(house.folder, crontab=CRONTAB, systemctl=SYSTEMCTL) as path:
        for way in ("cron", "systemd"):
            assert scripted(house.folder, *start, way, path=path).returncode == 0
        assert "ecocute-poll" in (house.folder / "crontab").read_text()
        run = scripted(house.folder, *start, "none", path=path)
    assert (run.returncode, "They start it no more" in run.stdout) == (0, True), run.stdout
    assert (house.folder / "crontab").read_text() == own
    asked = (house.folder / "systemctl").read_text().splitlines()
    assert "--user disable --now homemon-ecocute-listen.service homemon-ecocute-poll.timer" in asked


@pytest.mark.parametrize("named", [True, False])
def test_the_stores_folder_that_only_a_variable_says_is_written_down_for_cron(
    house: House, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    house.config.write_text("[ecocute]\n")
    if named:
        monkeypatch.setitem(ENVIRONMENT, "XDG_STATE_HOME", str(house.folder / "xdg"))
    with programs(house.folder, crontab=CRONTAB) as path:
        assert scripted(house.folder, "--yes", "--only", "start", path=path).returncode == 0
    written = [line for line in house.config.read_text().splitlines() if line.startswith("dir")]
    assert written == [f"dir = {house.folder}/xdg/homemon"] * named


def test_units_are_installed_and_one_that_differs_stays_unless_it_may_go(house: House) -> None:
    house.config.write_text(house.config.read_text() + "[ecocute]\n")
    folder = house.folder / ".config" / "systemd" / "user"
    with programs(house.folder, systemctl=SYSTEMCTL) as path:
        assert scripted(house.folder, "--yes", "--only", "start", "--start", "systemd", path=path).returncode == 0
        assert {file.name for file in folder.iterdir()} == {
            "homemon-ecocute-listen.service",
            "homemon-ecocute-poll.service",
            "homemon-ecocute-poll.timer",
        }
        own = folder / "homemon-ecocute-listen.service"
        own.write_text("[Service]\nExecStart=/mine\n")
        assert scripted(house.folder, "--yes", "--only", "start", "--start", "systemd", path=path).returncode == 0
    assert own.read_text() == "[Service]\nExecStart=/mine\n"
    asked = (house.folder / "systemctl").read_text()
    assert "--user enable --now homemon-ecocute-listen.service homemon-ecocute-poll.timer" in asked


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_server_that_wants_a_login_is_noticed_and_gets_one(house: House, language: str) -> None:
    db, user, password, refused, done = {
        "en": ("Database", "User (", "Password (", "does not take this login", "database smartmeter was made"),
        "ja": (
            "データベース名",
            "ユーザー名 (",
            "パスワード (",
            "受け付けられませんでした",
            "データベース smartmeter を作りました",
        ),
    }[language]
    with ExitStack() as stack:
        server = InfluxServer(house.folder / "influx", auth=True)
        server.start()
        stack.callback(server.kill)
        arguments = ("setup", "--only", "server", "--lang", language)
        someone = stack.enter_context(person(*arguments, cwd=house.folder, HOME=str(house.folder), **ENGLISH))
        someone.answers(("URL", server.url), (db, ""))
        someone.answers((user, server.USER), (password, "not this"))
        someone.until(refused)
        someone.answers((user, server.USER), (password, server.PASSWORD))
        someone.until(done)
        assert someone.leaves() == 0, someone.seen
        assert "not this" not in someone.seen
        assert server.PASSWORD not in someone.seen
        run = scripted(house.folder, "--yes", "--only", "check")
        assert f"server: {server.url} takes points" in run.stdout
    configured = load(house.config).server
    assert configured is not None
    assert configured[:4] == (server.url, "smartmeter", server.USER, server.PASSWORD)


def test_an_influxdb_2_is_asked_about_organization_bucket_and_token(house: House) -> None:
    def answer(asked: Asked) -> Reply:
        version = {"X-Influxdb-Version": "v2.7.11"}
        if asked.headers.get("Authorization") == "Token s3cret==" and "bucket=energy" in asked.path:
            return Reply(400, '{"code":"invalid","message":"writing requires points"}', version)
        return Reply(401, '{"code":"unauthorized","message":"unauthorized access"}', version)

    server = ScriptedServer()
    server.answer = answer
    try:
        options = ("--server", server.url, "--org", "home", "--bucket", "energy", "--login", "-")
        run = scripted(house.folder, "--yes", "--only", "server", "--only", "check", *options, given="s3cret==\n")
        assert f"server: {server.url} takes points" in run.stdout
        assert "s3cret" not in run.stdout + run.stderr
        arguments = ("setup", "--only", "server")
        (house.config).write_text(f"[store]\ndir = {house.folder / 'store'}\n")
        with person(*arguments, cwd=house.folder, HOME=str(house.folder), **ENGLISH) as someone:
            someone.answers(("URL", server.url), ("Organization", "home"), ("Bucket", "energy"), ("Token", "s3cret=="))
            someone.until("takes points")
            assert someone.leaves() == 0
            assert "s3cret" not in someone.seen
    finally:
        server.close()
    configured = load(house.config).server
    assert configured is not None
    assert (configured.token, configured.org, configured.bucket) == ("s3cret==", "home", "energy")


@pytest.mark.parametrize("spoken", ["ja", "en"])
def test_what_setup_runs_speaks_the_language_that_was_answered(house: House, spoken: str) -> None:
    other = {"ja": ENGLISH, "en": JAPANESE}[spoken]
    crontab = '#!/bin/sh\necho "$LC_ALL,$LC_MESSAGES" >> {0}/heard\n'
    with (
        programs(house.folder, crontab=crontab) as path,
        person("setup", *house.options, cwd=house.folder, HOME=str(house.folder), PATH=path, **other) as someone,
    ):
        bid, area, by, end = {
            "ja": ("Bルート認証ID (", "お住まいの地域", "どの方法で", "最新の値"),
            "en": ("B-route ID, ", "Your area", "Start it by", "The newest values"),
        }[spoken]
        someone.answers(("Language", spoken), (bid, ""), (area, ""), ("URL", ""), (by, "none"))
        someone.until(end)
        someone.leaves()
    heard = (house.folder / "heard").read_text().split()
    assert {"ja": ",ja_JP.UTF-8", "en": ",C.UTF-8"}[spoken] in heard


@pytest.mark.parametrize(
    ("spoken", "locale", "says"),
    [("ja", ENGLISH, "シリアルポート nowhere がありません"), ("en", JAPANESE, "there is no serial port nowhere")],
)
def test_what_goes_wrong_in_setup_is_said_in_its_language(
    house: House, spoken: str, locale: dict[str, str], says: str
) -> None:
    arguments = ("--yes", "--lang", spoken, "--letter", "-", "--only", "letter", "--only", "port", "--port", "nowhere")
    assert says in scripted(house.folder, *arguments, given=LETTER, locale=locale).stdout


def test_the_page_is_started_for_whom_it_is_said_and_its_address_is_given(house: House) -> None:
    house.config.write_text(house.config.read_text() + "[ecocute]\n")
    ends = ("--yes", "--only", "start", "--only", "check")
    with programs(house.folder, crontab=CRONTAB) as path:
        assert "homemon graph -o" in scripted(house.folder, *ends, path=path).stdout
        crontab = house.folder / "crontab"
        assert " serve" not in crontab.read_text(), "for nobody unasked"
        run = scripted(house.folder, *ends, "--page", "here", path=path)
        assert "The page:          http://127.0.0.1:8080/\n" in run.stdout
        assert "ssh -L 8080:localhost:8080 " in run.stdout
        options = ("--page", "lan", "--page-password", "-")
        run = scripted(house.folder, *ends, *options, given="s3cret\n", path=path)
        assert "s3cret" not in run.stdout + run.stderr
        assert load(house.config).serve.password == "s3cret"
        assert ":8080/\n" in run.stdout
        assert "127.0.0.1:8080" not in run.stdout
        assert "pkill -f 'homemon.*-q serve'" in run.stdout, "the one for this machine only still runs"
        before = crontab.read_text()
        assert scripted(house.folder, *ends, path=path).returncode == run.returncode
        assert crontab.read_text() == before, "unasked, it goes on as it was"
        assert before.count(" -q serve --bind 0.0.0.0 >/dev/null") == 1
        scripted(house.folder, *ends, "--page", "none", path=path)
        assert " serve" not in crontab.read_text()


def test_the_pages_unit_is_started_with_its_password_and_stopped_again(house: House) -> None:
    unit = house.folder / ".config" / "systemd" / "user" / "homemon-serve.service"
    start = ("--yes", "--only", "start", "--start", "systemd")
    with programs(house.folder, systemctl=SYSTEMCTL) as path:
        options = ("--page", "lan", "--page-password", "-")
        assert scripted(house.folder, *start, *options, given="s3cret\n", path=path).returncode == 0
        assert " serve --bind 0.0.0.0\n" in unit.read_text()
        log = house.folder / "systemctl"
        assert "enable --now homemon-serve.service" in log.read_text()
        log.unlink()
        assert scripted(house.folder, *start, "--page", "none", path=path).returncode == 0
        assert "disable --now homemon-serve.service" in log.read_text()


def test_a_broken_config_is_reported_and_left_alone(house: House) -> None:
    house.config.write_text("[server]\nurl = no:such\n")
    run = scripted(house.folder, "--yes")
    assert run.returncode == 2
    assert "config.ini:2: [server] url: must be like" in run.stderr
    assert house.config.read_text() == "[server]\nurl = no:such\n"


def test_a_new_config_is_made_where_homemon_finds_it(tmp_path: Path) -> None:
    run = scripted(tmp_path, "--yes", "--only", "contract", "--plan", "kepco-juryo-a")
    assert run.returncode == 0, run.stderr
    path = tmp_path / ".config" / "homemon" / "config.ini"
    assert path.read_text() == "[contract]\nplan = kepco-juryo-a\n"
    assert path.stat().st_mode & 0o777 == 0o600
