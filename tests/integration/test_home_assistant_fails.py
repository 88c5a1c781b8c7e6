"""Each way in which a Home Assistant fails, and what is said of it."""

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import monotonic, time
from typing import Any

import pytest
import trustme

from homemon.core.points import HOUR
from homemon.delivery import ha_client
from homemon.delivery.sink import Outcome
from homemon.delivery.verdicts import Verdict
from tests.commands import PATIENCE, homemon, wait_for
from tests.home_assistants import TOKEN, SmallHome
from tests.hourly import NOON, House, hours
from tests.integration.test_deadline import talking
from tests.servers import Reply, ScriptedServer, reserve_port

COUNTED = {
    "C": (
        "hours are to be compared",
        "the hours are written when it works",
        "1 hours written, 0 to be compared",
        "takes hours",
    ),
    "ja_JP.UTF-8": (
        "homeassistant と比べるのは",
        "Home Assistant が使えるようになれば1時間ごとの値を書きます",
        "書いた時間 1、比べる時間 0",
        "は1時間ごとの値を受け取れます",
    ),
}


def trouble(house: House) -> str:
    """Why nothing is taken, without the address."""
    house.bought(1000.0, None, 1000.5)
    outcome, probed = house.deliver(), house.probe()
    assert outcome.trouble
    assert TOKEN[:12] not in outcome.trouble.text + probed.text
    assert probed.verdict is not Verdict.TAKEN
    verdict = outcome.trouble.verdict.name
    return f"{verdict} {outcome.trouble.text.removeprefix(f'{house.url}: ')}"


def test_what_would_take_hours_says_so(house: House) -> None:
    assert house.probe().verdict is Verdict.TAKEN


def test_a_token_of_no_administrator(house: House, small_home: SmallHome) -> None:
    small_home.admin = False
    assert trouble(house) == (
        "HOLD recorder/import_statistics was refused (unauthorized: Unauthorized); make the token while an "
        "administrator is logged in (Home Assistant, profile, Security)"
    )


def test_a_wrong_token(house: House, small_home: SmallHome) -> None:
    answer = house.probe(token=f"{TOKEN}x")
    assert answer.verdict is Verdict.HOLD
    said = "it refuses the token; check [homeassistant] token, or make a new one in your profile, Security"
    assert answer.text == f"{small_home.url}: {said}"


def test_a_home_assistant_without_recorder(house: House, small_home: SmallHome) -> None:
    small_home.recorder = False
    assert trouble(house).startswith("HOLD recorder/statistics_during_period was refused (unknown_command: Unknown")
    assert trouble(house).endswith(ha_client.RECORDER)


def test_a_home_assistant_that_starts(house: House, small_home: SmallHome) -> None:
    small_home.recorder, small_home.state = False, "STARTING"
    assert trouble(house).startswith("LATER ")
    assert trouble(house).endswith("it is starting; the hours are written when it runs")


def test_another_websocket(house: House, small_home: SmallHome) -> None:
    small_home.greets = False
    assert trouble(house) == "HOLD that is not Home Assistant; check [homeassistant] url"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, "<html>"), "HOLD answered 200: that is not Home Assistant; check [homeassistant] url"),
        (Reply(404, "no"), "HOLD answered 404: that is not Home Assistant; check [homeassistant] url"),
        (Reply(400, "no"), "HOLD answered 400: check [homeassistant] url, and whether it begins with https there"),
        (
            Reply(301, "", {"Location": "https://elsewhere.invalid/"}),
            "HOLD it redirects; write its real address into [homeassistant] url",
        ),
        (
            Reply(403, "403: Forbidden"),
            "HOLD answered 403: it refuses this machine: see ip_bans.yaml in its folder, and its log",
        ),
        (Reply(502, "Bad Gateway"), "LATER answered 502: Home Assistant, or the proxy before it, is not ready"),
        (
            Reply(0),
            "LATER the connection ended without an answer; check [homeassistant] url, and whether it begins with https",
        ),
    ],
)
def test_a_web_server_that_is_none(tmp_path: Path, scripted: ScriptedServer, reply: Reply, said: str) -> None:
    scripted.answer = lambda asked: reply
    assert trouble(House(tmp_path, scripted.url)) == said


def test_nobody_there(tmp_path: Path) -> None:
    assert trouble(House(tmp_path, f"http://127.0.0.1:{reserve_port()}")) == (
        "LATER cannot be reached (nobody listens there); is Home Assistant running, and [homeassistant] url right?"
    )


def test_a_host_that_is_unknown(tmp_path: Path) -> None:
    assert trouble(House(tmp_path, "http://no-such-host.invalid:8123")).startswith(
        "LATER cannot be reached (the host is unknown)"
    )


def test_https_where_there_is_http(tmp_path: Path, small_home: SmallHome) -> None:
    assert trouble(House(tmp_path, small_home.url.replace("http", "https"))) == (
        "LATER it does not speak https there; check [homeassistant] url, and whether it begins with http:// there"
    )


def test_a_certificate_that_is_not_trusted_and_one_that_is(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    found = ScriptedServer(context)
    found.answer = lambda asked: Reply(404, "no")
    house = House(tmp_path, found.url)
    assert trouble(house) == ("HOLD its certificate is not trusted; name the CA that signed it in [homeassistant] ca")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    assert "answered 404" in house.probe(ca=str(tmp_path / "ca.pem")).text
    assert "[homeassistant] ca cannot be read" in house.probe(ca="/nowhere.pem").text
    found.close()


@pytest.mark.parametrize("command", ["get_config", "recorder/statistics_during_period", "recorder/import_statistics"])
def test_one_that_ends_the_connection(house: House, small_home: SmallHome, command: str) -> None:
    small_home.closes_at = command
    house.bought(1000.0, None, 1000.5)
    outcome = house.deliver()
    assert outcome.trouble
    assert outcome.trouble.text == f"{small_home.url}: it ended the connection; see its log"
    small_home.closes_at = ""
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {0: 0.5}


def test_events_that_nobody_asked_for(house: House, small_home: SmallHome) -> None:
    small_home.floods = 300
    house.bought(1000.0, None, 1000.5)
    assert house.deliver() == Outcome(1)


@pytest.mark.parametrize(
    "said",
    [
        "nonsense",
        {"homemon:grid_import": 5},
        {"homemon:grid_import": [5]},
        {"homemon:grid_import": [{"start": "soon", "sum": 1, "state": 1}]},
        {"homemon:grid_import": [{"start": 1_794_366_000_500, "sum": 1, "state": 1}]},
        {"homemon:grid_import": [{"sum": 1, "state": 1}]},
    ],
)
def test_an_answer_that_is_none_of_the_recorders(house: House, small_home: SmallHome, said: Any) -> None:
    small_home.says["recorder/statistics_during_period"] = said
    house.bought(1000.0, None, 1000.5)
    outcome = house.deliver()
    assert outcome.trouble
    assert outcome.trouble.text == f"{small_home.url}: its answer is none of the recorder's; see its log"


def test_rows_of_no_number_are_written_again(house: House, small_home: SmallHome) -> None:
    small_home.rows["homemon:grid_import"] = {
        NOON - HOUR: {"state": 5.0, "sum": None},
        NOON: {"state": None, "sum": None},
    }
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {-1: None, 0: 0.5}


def test_an_answer_that_fits_in_no_memory_is_not_read(
    house: House, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ha_client, "LARGEST", 10_000)
    small_home.says["recorder/statistics_during_period"] = "x" * 20_000
    assert trouble_of(house) == f"{small_home.url}: it ended the connection; see its log"


def trouble_of(house: House) -> str:
    house.bought(1000.0, None, 1000.5)
    outcome = house.deliver()
    assert outcome.trouble
    return outcome.trouble.text


def test_an_error_that_quotes_the_token_shows_none_of_it(
    house: House, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quoting(said: Any) -> Any:
        from tests.home_assistants import Refused

        raise Refused("home_assistant_error", f"bad token {TOKEN} and {TOKEN[3:40]}")

    monkeypatch.setattr(small_home, "_result", lambda said: quoting(said))
    said = house.probe().text
    assert "home_assistant_error: bad token ****" in said
    assert not any(TOKEN[at : at + 8] in said for at in range(len(TOKEN) - 7))


@pytest.mark.parametrize("calls", [["upload homeassistant", "check", "status", "status --json"]])
def test_no_command_and_no_file_says_the_token(house: House, small_home: SmallHome, calls: list[str]) -> None:
    house.bought(1000.0, None, 1000.5)
    small_home.admin = False
    said = [homemon(*call.split(), cwd=house.folder) for call in calls]
    assert all("refused (unauthorized" in run.stdout + run.stderr for run in (said[0], *said[2:]))
    texts = [run.stdout + run.stderr for run in said]
    texts += [
        path.read_bytes().decode(errors="replace") for path in (house.folder / "store").rglob("*") if path.is_file()
    ]
    assert not [text for text in texts if any(TOKEN[at : at + 12] in text for at in range(len(TOKEN) - 11))]


@pytest.mark.parametrize("locale", ["C", "ja_JP.UTF-8"])
def test_commands_count_in_hours(house: House, small_home: SmallHome, locale: str) -> None:
    def said(*arguments: str) -> str:
        run = homemon(*arguments, cwd=house.folder, before=("env", f"LC_ALL={locale}"))
        return run.stdout + run.stderr

    house.bought(1000.0, None, 1000.5)
    small_home.admin = False
    waits, kept, written, takes = COUNTED[locale]
    assert waits in said("status")
    assert kept in said("check")
    small_home.admin = True
    assert written in said("upload", "homeassistant")
    assert f"homeassistant: {small_home.url} {takes}\n" in said("check")


def test_what_lacks_nothing_loads_nothing_that_computes_or_connects(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5)
    house.app.at = int(time())
    house.deliver()
    script = (
        "import sys; from homemon.runtime.context import App; from homemon.runtime import sinks;"
        f"sinks.send_now(App({str(house.folder / 'config.ini')!r})); print(*sys.modules)"
    )
    loaded = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True).stdout.split()
    assert "homemon.delivery.home_assistant" in loaded
    heavy = {"websockets", "ssl", "asyncio", "requests", "homemon.energy.plan", "homemon.page.panels"}
    assert not heavy & set(loaded)
    assert {each["type"] for each in small_home.asked} >= {"recorder/import_statistics"}


Talk = Callable[[socket.socket, Event], None]


def trickle(connection: socket.socket, over: Event) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nX-Slow: ")
    while not over.wait(0.02):
        connection.sendall(b"x")


def test_a_handshake_that_trickles_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ha_client, "CONNECT_WITHIN", 0.5)
    with talking(trickle) as address:
        begun = monotonic()
        assert trouble(House(tmp_path, f"http://{address}")).startswith("LATER no answer in time")
        assert monotonic() - begun < 10


def test_one_that_falls_silent_is_given_up(
    house: House, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ha_client, "WITHIN", 0.5)
    silent = Event()
    monkeypatch.setattr(small_home, "_result", lambda said: silent.wait(PATIENCE))
    begun = monotonic()
    assert "no answer in time" in trouble_of(house)
    assert monotonic() - begun < 10
    silent.set()


def test_without_websockets_it_says_what_to_install(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homemon.delivery.home_assistant.find_spec", lambda name: None)
    assert "pipx inject homemon websockets" in trouble_of(house)
    assert house.probe().verdict is Verdict.HOLD


def test_a_memory_that_is_damaged_counts_as_none(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    for kept in ("no json", "[]", json.dumps({"since": None, "unknown": 1}), json.dumps({"newest": {"a": 5}})):
        house.app.store.db.remember(**{"homeassistant hours": kept})
        assert house.pending()
        assert house.deliver() == Outcome(0)
        wait_for(lambda: not house.pending())
