"""No secret anywhere but in config.ini: every command is run, and all that it said and wrote is searched."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest

from homemon.cli.commands import COMMANDS
from homemon.config.read import parse
from homemon.core.errors import ConfigError
from homemon.skstack.lines import PANA_PORT
from tests.brokers import Mosquitto
from tests.commands import Running, homemon, running, simulated, write_config
from tests.lan import address, unit
from tests.monitor import on_a_pty
from tests.servers import Asked, Database, InfluxServer, Reply, ScriptedServer
from tests.serving import Served

BID, PWD = "9F8E7D6C5B4A3928A7061F5E4D3C2B1A", "Qx7Zk2Lw9TbV"
USER, PASSWORD, TOKEN = "solar", "Gj4%Vq8;Nz1#Ht6&Xc", "Tk_9mP4xR7vL2sB5nQ8w=="
TOPIC = "Np5rT8wZ3kQ7"
SECRETS = {"bid": BID, "pairing ID": BID[-8:], "pwd": PWD, "password": PASSWORD, "token": TOKEN, "topic": TOPIC}
SECRETS["password of the broker"] = Mosquitto.PASSWORD
NOTIFY = ("[notify]", f"to = ntfy://127.0.0.1:1/{TOPIC} json://127.0.0.1:1/{TOPIC}", f"command = false {TOPIC}")
WITHOUT_SECRETS = {"demo"}  # it has a configuration of its own, which the README shows


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it may be written, in lower case: plain, quoted, in hex, in base64 at each of three places."""
    data = secret.encode()
    yield from (data.lower(), quote(secret).lower().encode(), data.hex().encode())
    for before in range(3):
        shifted = b64encode(b"\0" * before + data + b"\0" * (-(before + len(data)) % 3))
        yield shifted[4 if before else 0 : -4 if (before + len(data)) % 3 else None].lower()


def betrayed(text: bytes) -> list[str]:
    """The secrets that a text gives away."""
    text = text.lower()
    return [name for name, secret in SECRETS.items() if any(form in text for form in forms(secret))]


class Lived(NamedTuple):
    """What came of it: what each call said, the commands that were run, the folder, and what the servers were sent."""

    said: dict[str, str]
    commands: set[str]
    folder: Path
    asked: list[Asked]
    stored: int


class Life:
    """Runs commands in a folder and keeps what they say; their traces lie there too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: dict[str, str] = {}
        self.commands: set[str] = set()
        folder.mkdir(mode=0o700)

    def run(self, *arguments: str, status: int = 0, traced: bool = False) -> None:
        trace = ("--trace", f"{len(self.said)}.trace") if traced else ()
        run = homemon("-v", *arguments, *trace, cwd=self.folder)
        self._keep(arguments, run.stdout + run.stderr)
        assert run.returncode == status, f"{arguments}: {run.stderr}"

    @contextmanager
    def resident(self, *arguments: str) -> Iterator[Running]:
        """A command for a block; what it said is kept."""
        with running("-v", *arguments, cwd=self.folder) as command:
            yield command
            command.stop()
            self._keep(arguments, "\n".join(command.lines) + command.errors.read_text())

    def _keep(self, arguments: tuple[str, ...], text: str) -> None:
        self.said[f"{self.folder.name} {len(self.said)}: {' '.join(arguments)}"] = text
        self.commands |= {word for word in arguments[:1] if word in COMMANDS}

    def configure(self, *lines: str) -> Path:
        """config.ini with the meter, and these lines; the store lies where no folder is yet."""
        path = write_config(self.folder, "\n".join(lines), bid=BID, pwd=PWD)
        path.write_text(path.read_text().replace("/store\n", "/state/deep/store\n"))
        return path


def echoing(asked: Asked) -> Reply:
    """A server that quotes what it was sent, in every form."""
    header = asked.headers["Authorization"]
    scheme, _, sent = header.partition(" ")
    secret = b64decode(sent).decode().partition(":")[2] if scheme == "Basic" else sent
    quoted = (header, header.lower(), sent, secret, secret[:12], secret.upper(), secret.encode().hex(), quote(secret))
    return Reply(401, f"no such {' '.join(quoted)} {b64encode(secret.encode()).decode()}")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, closed_influx_server: InfluxServer) -> Iterator[Lived]:
    """A day in the life of a house, with what can go wrong in a hurry, and the widest umask."""
    root, umask, scripted = tmp_path_factory.mktemp("lived"), os.umask(0), ScriptedServer()
    lives = [Life(root / name) for name in ("meter", "refused", "devices")]
    try:
        with ThreadPoolExecutor() as pool:
            done = [pool.submit(live, life) for live, life in zip((meter, refused, devices), lives, strict=True)]
            for each in done:
                each.result()
        database = Database(closed_influx_server, "secrets")
        database.renew()
        database.server.query(f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES")
        scripted.answer = echoing
        deliver(lives[0], scripted.url, database)
        said = {call: text for life in lives for call, text in life.said.items()}
        commands = {name for life in lives for name in life.commands}
        yield Lived(said, commands, root, scripted.asked, len(database.points()))
    finally:
        os.umask(umask)
        scripted.close()


def meter(life: Life) -> None:
    """Join, listen, poll."""
    life.configure()
    simulator = ("simulate", "meter", "--link", "port", "--pace", "0.02", "--bid", BID, "--pwd", PWD)
    with life.resident(*simulator, "--truth", "truth.jsonl", "--fault", "refuse-epcs=98") as module:
        module.until(bool)
        (life.folder / "config.ini").write_text(f"[store]\ndir = {life.folder / 'state/deep/store'}\n")
        letter = life.folder.with_name("letter")
        letter.write_text(f"{BID}\n{PWD}\n")
        life.run("setup", "--yes", "--letter", str(letter), "--port", "port", "--only", "letter", "--only", "port")
        letter.unlink()
        life.run("join", traced=True)
        with life.resident("meter-listen", "--trace", "listen.trace") as listener:
            listener.until(bool)
            life.run("meter-poll", traced=True)
            life.run("join", status=1)  # the port is taken
        life.run("meter-poll", "E7", "E8", "E0", "E3", traced=True)
        life.run("meter-poll", "8D", traced=True)
        life.run("check", traced=True)
        life.run("meter-history", status=1, traced=True)
    life.run("replay", "listen.trace")
    life.run("energy")
    life.run("import", "listen.trace", status=2)
    life.run("bill", "--plan", "tepco-juryo-b", "--ampere", "40", "--month", "2026-08", "--kwh", "374")
    life.run("decode", f"SKSETRBID {BID}\nSKSETPWD C {PWD}\n" + (life.folder / "listen.trace").read_text())
    life.run("meter-poll", status=1)  # the port is gone


def refused(life: Life) -> None:
    """A meter that knows another password, at a module that delivers raw payloads; and a config with slips."""
    config = life.configure()
    with simulated(life.folder, dialect="a1", raw=True, bid=BID, pwd="another", pace=0.01):
        life.run("join", status=1, traced=True)
    sound = config.read_text()
    for slip in (f"pwd {PWD}", TOKEN, f"[server]\nurl = http://h\npassword =\n{PASSWORD}\n{TOKEN}"):
        config.write_text(f"{sound}\n{slip}\n")
        life.run("check", status=2)
        life.run("join", status=2)


def devices(life: Life) -> None:
    """The EcoCute and the solar monitor."""
    with ExitStack() as stack:
        stack.enter_context(on_a_pty(life.folder, speed=50.0))
        host = stack.enter_context(unit()).bind
        heater = [f"host = {host}", f"bind = {address()}"]
        monitor = ["transport = serial", f"serial_port = {life.folder / 'port'}"]
        life.configure("[ecocute]", *heater, "[kyocera]", *monitor)
        life.run("kyocera-dump", "--output", "dumps", traced=True)
        life.run("ecocute-poll", traced=True)
        life.run("device-poll", traced=True)
        life.run("discover", host, traced=True)
        with life.resident("ecocute-listen", "--trace", "listen.trace"):
            life.run("ecocute-poll", traced=True)
            life.run("discover", host, traced=True)
        life.run("status", status=1)


def deliver(life: Life, scripted: str, database: Database) -> None:
    """Send, first to servers that refuse us, and look at what is there."""
    server = database.server.url
    for keys in (
        (f"url = {scripted}", f"token = {TOKEN}", "org = o", "bucket = b"),
        (f"url = {scripted}", f"user = {USER}", f"password = {PASSWORD}"),
        (f"url = {server}", f"token = {TOKEN}"),
    ):
        life.configure("[server]", *keys)
        life.run("upload", status=1)
        life.run("check", status=1)
        life.run("status")
        life.run("status", "--json")
        life.run("repair", "--from", "server", status=1)
    broker = Mosquitto(life.folder.with_name("broker"), USER)
    broker.start()
    for password in (PASSWORD, Mosquitto.PASSWORD):
        life.configure(
            "[mqtt]", "host = 127.0.0.1", f"port = {broker.port}", f"user = {USER}", f"password = {password}"
        )
        life.run("upload", "mqtt", status=int(password == PASSWORD))
        life.run("check", status=1)
        life.run("status")
    broker.kill()
    life.configure("[server]", f"url = {server}", "db = secrets", f"user = {USER}", f"password = {PASSWORD}", *NOTIFY)
    life.run("upload")
    life.run("notify", "--test", status=1)
    life.run("export")
    life.run("export", "--format", "csv")
    life.run("metrics")
    life.run("metrics", "-o", "homemon.prom")
    life.run("graph", "-o", "page.html")
    life.run("backup", "copy.db")
    life.run("restore", "copy.db")
    life.run("repair")
    life.run("repair", "--from", "server")
    show(life)


def show(life: Life) -> None:
    """Serve the page to browsers that know the password, and to those that do not."""
    life.configure("[serve]", f"password = {PASSWORD}")
    with life.resident("serve", "--port", "0") as command:
        served = Served(command)
        right, wrong = (f"Basic {b64encode(f'{USER}:{word}'.encode()).decode()}" for word in (PASSWORD, PASSWORD[1:]))
        replies = [served.ask("/", Authorization=header) for header in (right, wrong, PASSWORD, "Basic %")]
        replies += [served.ask(path, Authorization=right) for path in (f"/{quote(PASSWORD)}", "/metrics")]
        assert [reply.status for reply in replies] == [200, 401, 401, 401, 404, 200]
        assert not any(betrayed(reply.body) for reply in replies)


def test_every_command_was_run(lived: Lived) -> None:
    assert lived.commands == COMMANDS.keys() - WITHOUT_SECRETS
    assert lived.stored > 2, "the right password was taken"
    sent = {asked.headers["Authorization"] for asked in lived.asked}
    assert sent == {f"Token {TOKEN}", f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}


def test_no_command_says_a_secret(lived: Lived) -> None:
    assert {call: found for call, text in lived.said.items() if (found := betrayed(text.encode()))} == {}
    assert any("no such" in text for text in lived.said.values()), "a server's words are reported, without the secrets"


def test_no_file_but_config_ini_holds_a_secret(lived: Lived) -> None:
    files = [path for path in lived.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files if betrayed(path.read_bytes())} == {"config.ini"}
    assert {".db", ".toml", ".lock", ".trace", ".txt", ".html"} <= {path.suffix for path in files}


def test_the_handshake_is_in_the_traces_and_masked(lived: Lived) -> None:
    """Raw and in hex; what was sent is there too."""
    traces = "".join(path.read_text() for path in lived.folder.rglob("*.trace"))
    assert f" {PANA_PORT:04X} {PANA_PORT:04X} ****" in traces
    assert "SKSETRBID ****" in traces
    assert "SKSETPWD ****" in traces


def test_what_is_made_is_for_its_owner_alone_whatever_the_umask(lived: Lived) -> None:
    made = [path for name in ("*.trace", "dumps/*", "state", "state/**/*") for path in lived.folder.glob(f"*/{name}")]
    modes = {path.relative_to(lived.folder): path.stat().st_mode & 0o777 for path in made}
    private = {path: 0o700 if (lived.folder / path).is_dir() else 0o600 for path in modes}
    assert modes == private
    assert {".db", ".toml", ".lock", ".trace", ".txt"} <= {path.suffix for path in modes}


@pytest.mark.parametrize(
    "slip", ["{}", "{} = x", "x = y\n{}: z", "  {}", "[{}]", "[{}]\n{}={}", "password\n{}=", "{}[x]"]
)
@pytest.mark.parametrize("section", ["smartmeter", "server", "store"])
def test_no_error_about_the_configuration_quotes_what_may_be_a_secret(section: str, slip: str) -> None:
    for secret in (BID, PWD, PASSWORD, TOKEN):
        with pytest.raises(ConfigError) as refused:
            parse(f"[{section}]\n{slip.format(secret, secret, secret)}\n", Path("config.ini"))
        assert not betrayed(str(refused.value).encode())
        assert str(refused.value).startswith("config.ini")


def test_join_warns_of_a_config_that_others_may_read_and_goes_on(tmp_path: Path) -> None:
    write_config(tmp_path).chmod(0o640)
    with simulated(tmp_path):
        run = homemon("join", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert f"others may read {tmp_path}/config.ini (mode 640)" in run.stderr
    assert f"chmod 600 {tmp_path}/config.ini" in run.stderr


def test_a_config_for_its_owner_alone_is_no_matter_for_words(lived: Lived) -> None:
    assert not any("chmod" in text for text in lived.said.values())
