"""`homemon notify` as cron calls it: real services on loopback that fail and come back, and a kill."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from time import time

import pytest

from homemon.check.notify import news
from homemon.config.keys import KEYS, Notify
from homemon.core.clock import RELEASED, Instant
from homemon.core.points import DAY, Point, midnight
from homemon.delivery import services as senders
from homemon.delivery.notices import FILE, MOST, Notices
from homemon.delivery.services import Service
from homemon.runtime.context import App
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, HOMEMON, PATIENCE, homemon, running, wait_for, write_config
from tests.servers import Asked, Reply, ScriptedServer
from tests.stores import put

SECRET = "topic-9F8E7D6C5B"
LOW, BACK = "Hot water left: 30 L, less than 50 L", "Hot water left: 200 L again"
DEFAULTS = {name: key.default for name, key in KEYS["notify"].items()}
NEVER = "daily =\nmonthly =\ndisk = 0"


class Services:
    """Two services of apprise; a text counts as taken where the answer says so."""

    def __init__(self) -> None:
        self.servers = [ScriptedServer(), ScriptedServer()]
        self.urls = [f"json://{server.url.removeprefix('http://')}/{SECRET}" for server in self.servers]

    def answer(self, number: int, reply: Reply) -> None:
        self.servers[number].answer = lambda asked: reply

    def asked(self, number: int = 0) -> list[str]:
        """The texts that one of them was sent."""
        return [json.loads("\n".join(asked.lines))["message"] for asked in self.servers[number].asked]


@pytest.fixture
def services() -> Iterator[Services]:
    made = Services()
    yield made
    for server in made.servers:
        server.close()


def configure(folder: Path, *lines: str) -> None:
    text = "\n".join(("[ecocute]", "host = 127.0.0.1", "[notify]", NEVER, *lines))
    write_config(folder, text)


def water(folder: Path, litres: int, ago: int = 0) -> None:
    """What the EcoCute says."""
    with closing(Store(folder / "store")) as store:
        put(store, Point("ecocute", {"power": 0, "tank": litres}, int(time()) - ago))


def notify(folder: Path, status: int = 0, *options: str) -> "subprocess.CompletedProcess[str]":
    run = homemon("notify", *options, cwd=folder)
    assert run.returncode == status, run.stdout + run.stderr
    assert SECRET not in run.stdout + run.stderr
    return run


def test_a_notice_comes_once_when_it_begins_and_once_when_it_is_over(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    water(tmp_path, 30, ago=60)
    assert notify(tmp_path).stdout == f"{LOW}\n"
    assert notify(tmp_path).stdout == ""
    water(tmp_path, 200)
    assert notify(tmp_path).stdout == f"{BACK}\n"
    notify(tmp_path)
    assert services.asked() == [LOW, BACK]


def test_a_service_that_fails_is_tried_again_and_one_that_took_it_is_not_told_twice(
    tmp_path: Path, services: Services
) -> None:
    configure(tmp_path, f"to = {services.urls[0]}", f"  {services.urls[1]}")
    services.answer(1, Reply(503, f"no {SECRET}"))
    water(tmp_path, 30, ago=60)
    fault = "homemon: json:// of [notify]: it answered with status 503; 1 wait until it works\n"
    assert notify(tmp_path, 1).stderr == fault
    assert notify(tmp_path, 1).stderr == "", "cron mails it once"
    water(tmp_path, 200)
    notify(tmp_path, 1)
    services.answer(1, Reply())
    notify(tmp_path)
    notify(tmp_path)
    assert services.asked(0) == [LOW, BACK]
    assert services.asked(1)[-1] == f"{LOW}\n{BACK}"
    assert len(services.asked(1)) == 4


def test_a_service_that_is_down_gets_it_when_it_is_up_again(tmp_path: Path, services: Services) -> None:
    services.servers[0].close()
    configure(tmp_path, f"to = {services.urls[0]} {services.urls[1]}")
    water(tmp_path, 30)
    assert "it could not be reached" in notify(tmp_path, 1).stderr
    configure(tmp_path, f"to = {services.urls[1]}")
    notify(tmp_path)
    assert services.asked(1) == [LOW]
    assert "it could not be reached" not in (tmp_path / "store" / FILE).read_text(), "of no service any more"


@pytest.mark.parametrize("url", ["ntfy://{}/" + SECRET, "ntfy://user:" + SECRET + "@{}/topic"])
def test_ntfy_takes_it(tmp_path: Path, services: Services, url: str) -> None:
    configure(tmp_path, f"to = {url.format(services.servers[0].url.removeprefix('http://'))}")
    services.answer(0, Reply(200, "{}"))
    water(tmp_path, 30)
    notify(tmp_path)
    assert services.asked() == [LOW]


def killed_at(folder: Path, server: ScriptedServer, until: Callable[[], bool]) -> None:
    """Kill -9 a round that a service keeps waiting."""

    def answer(asked: Asked) -> Reply:
        wait_for(lambda: process.process.poll() is not None)
        return Reply(503)

    server.answer = answer
    with running("notify", cwd=folder) as process:
        wait_for(until, reported=process.errors.read_text)
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
    server.answer = lambda asked: Reply()


def test_what_is_killed_between_two_services_tells_neither_twice_and_loses_nothing(
    tmp_path: Path, services: Services
) -> None:
    configure(tmp_path, f"to = {services.urls[0]} {services.urls[1]}")
    water(tmp_path, 30)
    killed_at(tmp_path, services.servers[1], lambda: bool(services.asked(1)))
    notify(tmp_path)
    assert services.asked(0) == [LOW]
    assert services.asked(1) == [LOW, LOW], "the first of them was not taken"
    assert notify(tmp_path).stdout == ""


def test_two_rounds_at_once_tell_it_once(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    water(tmp_path, 30)

    def answer(asked: Asked) -> Reply:
        assert notify(tmp_path, 0, "--test").stdout == ""
        return Reply()

    services.servers[0].answer = answer
    notify(tmp_path)
    assert services.asked() == [LOW]


def test_a_command_gets_the_text_on_its_stdin(tmp_path: Path) -> None:
    configure(tmp_path, f"command = sh -c 'cat >>{tmp_path}/told'")
    water(tmp_path, 30)
    notify(tmp_path)
    notify(tmp_path)
    assert (tmp_path / "told").read_text() == f"{LOW}\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"sh -c 'cat; echo {SECRET} >&2; exit 7'", "it ended with status 7"),
        (f"/nowhere/{SECRET}", "it cannot be run: No such file or directory"),
        (f"say '{SECRET}", "it cannot be run: No closing quotation"),
    ],
)
def test_a_command_that_fails_is_tried_again(tmp_path: Path, command: str, said: str) -> None:
    configure(tmp_path, f"command = {command}")
    water(tmp_path, 30)
    assert notify(tmp_path, 1).stderr == f"homemon: the command of [notify]: {said}; 1 wait until it works\n"
    configure(tmp_path, "command = cat")
    notify(tmp_path)


def test_of_what_waits_for_long_the_newest_stays_with_its_times(tmp_path: Path) -> None:
    told: list[str] = []

    def send(text: str) -> str:
        told.append(text)
        return ""

    away, back = Service("away", "1", lambda text: "not now"), Service("back", "1", send)
    for day in range(MOST + 1):
        notices = Notices(tmp_path)
        notices.add([f"text {day}"], [away], RELEASED + day * DAY)
        notices.save()
        assert [is_news for _, is_news in notices.deliver([away], RELEASED)] == [day == 0]
    assert list(Notices(tmp_path).deliver([back], RELEASED + MOST * DAY)) == []
    lines = told[0].splitlines()
    assert (len(lines), lines[0][11:], lines[-1]) == (MOST, " text 1", f"text {MOST}")
    assert re.match(r"\d\d-\d\d \d\d:\d\d text 1$", lines[0])


def test_without_apprise_it_says_how_to_get_it(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "find_spec", lambda name: None)
    (service,) = senders.services(Notify(**{**DEFAULTS, "to": (services.urls[0],)}))
    assert service.send("text").startswith("apprise is not installed; `pipx inject homemon apprise`")
    assert services.asked() == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # apprise's imports
@pytest.mark.parametrize("kind", ["to", "command"])
def test_a_service_that_never_answers_holds_up_nothing_for_ever(
    services: Services, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(senders, "WITHIN", 0.1)
    over = Event()
    services.servers[0].answer = lambda asked: Reply(204 if over.wait(PATIENCE) else 503)
    given = {"to": (services.urls[0],)} if kind == "to" else {"command": f"sleep {PATIENCE}"}
    (service,) = senders.services(Notify(**{**DEFAULTS, **given}))
    assert service.send("text") == "it was not done within 30 s"
    over.set()


def test_a_url_that_apprise_does_not_know_is_reported_and_others_are_sent_to(
    tmp_path: Path, services: Services
) -> None:
    configure(tmp_path, f"to = nothing://{SECRET} {services.urls[0]}")
    water(tmp_path, 30)
    assert "nothing:// of [notify]: apprise knows no such URL" in notify(tmp_path, 1).stderr
    assert services.asked() == [LOW]


def test_in_quiet_hours_texts_wait(tmp_path: Path, services: Services) -> None:
    configure(
        tmp_path, f"to = {services.urls[0]}", "quiet = 00:00-23:59" if not_last_minute() else "quiet = 12:00-11:59"
    )
    water(tmp_path, 30)
    assert notify(tmp_path).stdout == f"{LOW}\n"
    assert services.asked() == []
    configure(tmp_path, f"to = {services.urls[0]}")
    assert notify(tmp_path).stdout == ""
    assert services.asked() == [LOW]


def not_last_minute() -> bool:
    """Whether the day in Japan has more than two minutes left."""
    now = int(time())
    return midnight(now) + DAY - now > 120


def test_a_test_comes_at_once_in_the_language_that_is_configured(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}", "quiet = 12:00-11:59", "language = ja")
    notify(tmp_path, 0, "--test")
    assert services.asked() == ["homemon からの通知の試験です"]


def ran_before(folder: Path) -> None:
    """Let `notify` have run for the first time long ago."""
    (folder / "store").mkdir()
    kept = {"judged": {"begun": {}, "since": 0}, "waiting": {}, "faults": {}}
    (folder / "store" / FILE).write_text(json.dumps(kept))


def test_yesterday_comes_with_its_yen(tmp_path: Path, services: Services) -> None:
    contract = "[contract]\nplan = tepco-juryo-b\nampere = 40"
    configure(tmp_path, f"to = {services.urls[0]}", "daily = 0:00", contract)
    config = (tmp_path / "config.ini").read_text().replace("daily =\n", "").replace("monthly =\n", "monthly =\n")
    (tmp_path / "config.ini").write_text(config)
    start = midnight(int(time())) - DAY
    ran_before(tmp_path)
    with closing(Store(tmp_path / "store")) as store:
        put(store, *(Point("+power", {"value": i / 10}, start + i * 1800) for i in range(49)))
    said = notify(tmp_path).stdout
    assert "bought 4.8 kWh, " in said
    assert " yen" in said
    assert "bought" not in notify(tmp_path).stdout
    assert [text for text in services.asked() if "bought" in text] == [said.rstrip("\n")]


@pytest.mark.parametrize(
    ("agreed", "said"),
    [
        ("ampere = 40", r"The current is 90 % of the contract: 36\.0 A at \d\d:\d\d, of 40 A"),
        ("kva = 6", ""),
        ("kva = 3", r"More current than the contract allows: 36\.0 A at \d\d:\d\d, of 30 A"),
        ("kw = 4", r"This half-hour will come to 90 % of the contract: 3\.6 kW of 4 kW\. Up to its end .* \d+\.\d kW"),
        (
            "kw = 3",
            r"This half-hour will come to more than the contract: 3\.6 kW of 3 kW\. Up to its end .* \d+\.\d kW",
        ),
    ],
)
def test_a_load_near_the_contract_is_told(tmp_path: Path, services: Services, agreed: str, said: str) -> None:
    configure(tmp_path, f"to = {services.urls[0]}", f"[contract]\nplan = tepco-juryo-b\n{agreed}")
    now = int(time())
    with closing(Store(tmp_path / "store")) as store:
        for ago in (130, 70, 10):
            put(store, Point("current", {"r": 20.5, "t": 15.5}, now - ago), Point("power", {"value": 3600}, now - ago))
    assert re.fullmatch(f"{said}\n" if said else "", notify(tmp_path).stdout)
    assert notify(tmp_path).stdout == ""


def test_a_server_that_takes_nothing_is_told_after_so_many_minutes(tmp_path: Path, services: Services) -> None:
    server = ScriptedServer()
    server.answer = lambda asked: Reply(503)
    configure(tmp_path, f"to = {services.urls[0]}", "held = 0", f"[server]\nurl = {server.url}")
    water(tmp_path, 100)
    assert notify(tmp_path).stdout == ""
    homemon("upload", cwd=tmp_path)
    assert notify(tmp_path).stdout.startswith("The server takes nothing: 1 points wait")
    server.answer = lambda asked: Reply(204)
    assert homemon("upload", cwd=tmp_path).returncode == 0
    assert notify(tmp_path).stdout == "The server takes points again\n"
    server.close()


def test_a_device_that_falls_silent_is_told(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    water(tmp_path, 100, ago=3700)
    assert notify(tmp_path).stdout.startswith("No readings of the EcoCute since ")
    water(tmp_path, 100)
    assert notify(tmp_path).stdout == "Readings of the EcoCute come again\n"


def test_a_disk_that_fills_up_is_told(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    config = tmp_path / "config.ini"
    config.write_text(config.read_text().replace("disk = 0", "disk = 1000000"))  # MB
    if os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize >= 1e12:
        pytest.skip("a terabyte is free here")
    assert notify(tmp_path).stdout.startswith("The disk is nearly full: ")
    assert notify(tmp_path).stdout == ""


@pytest.mark.parametrize(("before", "texts"), [(600, []), (-600, [LOW])])
def test_a_clock_that_cannot_be_right_changes_nothing(tmp_path: Path, before: int, texts: list[str]) -> None:
    configure(tmp_path, "command = cat")
    at = Instant(RELEASED - before, 30_000.0, "this boot")
    with closing(Store(tmp_path / "store")) as store:
        put(store, Point("ecocute", {"power": 0, "tank": 30}, int(at.wall) - 60))
    with closing(App(str(tmp_path / "config.ini"))) as app:
        assert news(app, at, {}, "en")[0] == texts


def test_a_store_that_cannot_be_read_is_told(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    water(tmp_path, 30)
    notify(tmp_path)
    for path in (tmp_path / "store").glob("homemon.db*"):
        path.write_bytes(b"nothing of it\n" * 1000)
    assert notify(tmp_path).stdout == "The store cannot be read. `homemon check` shows why\n"
    assert notify(tmp_path).stdout == ""


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"judged": 3}', b"\xff", b'{"judged": {"begun": 7}, "waiting": {}, "faults": {}}']
)
def test_a_broken_file_of_what_was_told_counts_as_not_there(tmp_path: Path, services: Services, content: bytes) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    water(tmp_path, 30)
    (tmp_path / "store" / FILE).write_bytes(content)
    notify(tmp_path)
    assert services.asked() == [LOW]


def test_a_full_disk_sends_nothing_that_it_could_not_remember(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    water(tmp_path, 30)
    (tmp_path / "store" / FILE).mkdir()
    assert "cannot be written" in notify(tmp_path, 1).stderr
    assert services.asked() == []


def test_what_is_kept_holds_no_secret_and_is_for_its_owner_alone(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    services.answer(0, Reply(401, SECRET))
    water(tmp_path, 30)
    notify(tmp_path, 1)
    kept = tmp_path / "store" / FILE
    assert SECRET.encode() not in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_without_its_section_it_says_what_it_needs(tmp_path: Path) -> None:
    write_config(tmp_path)
    assert "there is no [notify]" in notify(tmp_path, 2).stderr
    write_config(tmp_path, "[notify]\n")
    assert "needs `to` or `command`" in notify(tmp_path, 2).stderr


def test_with_nothing_to_send_nothing_of_apprise_is_loaded(tmp_path: Path, services: Services) -> None:
    configure(tmp_path, f"to = {services.urls[0]}")
    script = (
        "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from homemon.cli.main import main; main(['notify'])"
    )
    run = subprocess.run(
        (HOMEMON[0], "-c", script), cwd=tmp_path, env={**os.environ, **ENVIRONMENT}, capture_output=True
    )
    assert run.returncode == 0
    assert b"homemon.delivery.services" in run.stderr
    assert not {"apprise", "requests", "asyncio"} & {*run.stderr.decode().split()}
