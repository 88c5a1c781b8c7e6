"""Real servers on loopback, and one that says on command what no real one will.

Each real server has a folder and ports of its own, is polled until it is ready, and can be killed
and started again on the same folder and port.
"""

import base64
import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from homemon.config.keys import Server
from tests.commands import PATIENCE, wait_for

Points = dict[tuple[str, int], dict[str, float]]  # (measurement, Unix seconds) → fields
_OPENER = build_opener(ProxyHandler({}))


def settings(url: str, **more: Any) -> Server:
    """[server] of a configuration."""
    keys: dict[str, Any] = {
        "db": "home", "user": None, "password": None, "token": None,
        "org": None, "bucket": None, "ca": None, "timeout": 5.0,
    }  # fmt: skip
    return Server(url, **{**keys, **more})


def reserve_port() -> int:
    """Return a TCP port on loopback that no other program is given until this process ends.

    A bound socket that does not listen keeps it; a server that sets SO_REUSEADDR, as those of Go and Python do,
    can listen there all the same, and again after it was killed.
    """
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = int(reserved.getsockname()[1])
        reserved.detach()
    return port


def fetch(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """GET, or POST where there is data. Raises OSError."""
    with _OPENER.open(Request(url, data, dict(headers or {})), timeout=PATIENCE) as response:
        body: bytes = response.read()
        return body


def installed(binary: str, package: str) -> str:
    """The path of a program. Skips the test where it is not installed; fails under CI."""
    path = shutil.which(binary)
    if path is None:
        reason = f"{binary} is not installed: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class Process:
    """A server of a Debian package as a child process. Subclasses say how it is called."""

    binary = ""
    package = ""
    ready = "/"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = reserve_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        """What stands behind the binary's name."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it answers."""
        path = installed(self.binary, self.package)
        log = self.folder / "log"
        with log.open("ab") as file:
            self._process = subprocess.Popen([path, *self.arguments()], stdout=file, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: self._ended or self._answers(), reported=lambda: f"{self.binary} does not answer")
            assert not self._ended, f"{self.binary} does not start"
        except AssertionError as error:
            self.kill()
            pytest.fail(f"{error}:\n{log.read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _answers(self) -> bool:
        try:
            fetch(self.url + self.ready)
        except HTTPError as error:
            error.close()
        except (URLError, OSError):
            return False
        return True

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)


class InfluxServer(Process):
    """InfluxDB 1.x. With `auth` there is an administrator `USER` with `PASSWORD`; `http` adds to that section."""

    binary, package, ready = "influxd", "influxdb", "/ping"
    USER, PASSWORD = "admin", "s3cret pass;#%"

    def __init__(self, folder: Path, auth: bool = False, http: str = "") -> None:
        super().__init__(folder)
        self.auth = auth
        (folder / "influxdb.conf").write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:0"\n'
            f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
            f"[monitor]\nstore-enabled = false\n[logging]\nlevel = 'warn'\n"
            f'[http]\nbind-address = "127.0.0.1:{self.port}"\nauth-enabled = {str(auth).lower()}\n{http}\n'
        )

    def arguments(self) -> list[str]:
        return ["run", "-config", str(self.folder / "influxdb.conf")]

    def start(self) -> None:
        super().start()
        if self.auth:
            self.query(f"CREATE USER {self.USER} WITH PASSWORD '{self.PASSWORD}' WITH ALL PRIVILEGES")

    def query(self, statement: str, db: str = "") -> list[dict[str, Any]]:
        """The series that InfluxQL answers with, times in seconds."""
        data = urlencode({"q": statement, "db": db, "epoch": "s"}).encode()
        credentials = base64.b64encode(f"{self.USER}:{self.PASSWORD}".encode()).decode()
        answer = json.loads(fetch(f"{self.url}/query", data, {"Authorization": f"Basic {credentials}"}))
        assert "error" not in answer["results"][0], answer
        series: list[dict[str, Any]] = answer["results"][0].get("series", [])
        return series

    def write(self, db: str, lines: str) -> None:
        """Line protocol by another hand than homemon's."""
        fetch(f"{self.url}/write?db={db}", lines.encode())

    def points(self, db: str) -> Points:
        """All points of a database; tags and texts are left out."""
        found: Points = {}
        for series in self.query("SELECT * FROM /.*/", db):
            for time, *values in series["values"]:
                fields = dict(zip(series["columns"][1:], values, strict=True))
                if numbers := {name: v for name, v in fields.items() if isinstance(v, int | float)}:
                    found[series["name"], time] = numbers
        return found


class Database(NamedTuple):
    """One empty database of a server that other tests use too."""

    server: InfluxServer
    name: str

    def settings(self, **more: Any) -> Server:
        """[server] that leads here."""
        return settings(self.server.url, **{"db": self.name, **more})

    def points(self) -> Points:
        """What is in it."""
        return self.server.points(self.name)

    def renew(self) -> None:
        """Make it empty, or for the first time."""
        self.server.query(f'DROP DATABASE "{self.name}"')
        self.server.query(f'CREATE DATABASE "{self.name}"')


class VictoriaServer(Process):
    """VictoriaMetrics, single node."""

    binary, package, ready = "victoria-metrics", "victoria-metrics", "/health"

    def __init__(self, folder: Path, *more: str) -> None:
        super().__init__(folder)
        self.more = more

    def arguments(self) -> list[str]:
        return [
            f"-storageDataPath={self.folder}/data",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-dedup.minScrapeInterval=1ms",
            "-search.latencyOffset=0s",
            *self.more,
        ]

    def points(self, selector: str) -> dict[str, dict[int, float]]:
        """name → Unix seconds → value of every series that `selector` (PromQL) names, read back after a flush."""
        fetch(f"{self.url}/internal/force_flush")
        lines = fetch(f"{self.url}/api/v1/export?match[]={quote(selector)}").splitlines()
        series = [json.loads(line) for line in lines]
        return {
            one["metric"]["__name__"]: {ms // 1000: v for ms, v in zip(one["timestamps"], one["values"], strict=True)}
            for one in series
        }


class NodeExporter(Process):
    """Prometheus' exporter of a machine, with the files in its folder and nothing of the machine."""

    binary, package, ready = "prometheus-node-exporter", "prometheus-node-exporter", "/metrics"

    def arguments(self) -> list[str]:
        return [
            "--collector.disable-defaults",
            "--web.disable-exporter-metrics",
            "--collector.textfile",
            f"--collector.textfile.directory={self.folder}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]


class VmAuth(Process):
    """The proxy before VictoriaMetrics that knows one token."""

    binary, package = "vmauth", "victoria-metrics"

    def __init__(self, folder: Path, target: str, token: str) -> None:
        super().__init__(folder)
        (folder / "auth.yml").write_text(f"users:\n- bearer_token: '{token}'\n  url_prefix: '{target}'\n")

    def arguments(self) -> list[str]:
        return [f"-auth.config={self.folder}/auth.yml", f"-httpListenAddr=127.0.0.1:{self.port}"]


class Asked(NamedTuple):
    """One request, its body unpacked into lines."""

    path: str
    headers: Mapping[str, str]
    lines: list[str]


class Reply(NamedTuple):
    """What to answer; status 0 closes the connection without a word."""

    status: int = 204
    body: str = ""
    headers: Mapping[str, str] = {}


class ScriptedServer:
    """Answers what `answer` says, which a test may change at any time, and remembers what it was asked.

    With `tls` it speaks https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Reply] = lambda asked: Reply()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                asked = Asked(self.path, dict(self.headers), body.decode().splitlines())
                scripted.asked.append(asked)
                reply = scripted.answer(asked)
                if not reply.status:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Content-Length" in reply.headers:  # a body that breaks off
                    self.close_connection = True
                elif reply.status != 204:
                    self.send_header("Content-Length", str(len(reply.body.encode())))
                self.end_headers()
                self.wfile.write(reply.body.encode())

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.server_close()

    @property
    def lines(self) -> list[str]:
        """All lines it was asked to take, in order."""
        return [line for asked in self.asked for line in asked.lines]
