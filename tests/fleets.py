"""The programs of docs/server/fleet.md, started as it says, on those of Debian's victoria-metrics, on loopback."""

import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from homemon.config.keys import Server
from tests import ROOT
from tests.commands import PATIENCE
from tests.servers import Process, fetch, installed, settings

DOCUMENT = ROOT / "docs" / "server" / "fleet.md"
FENCES = re.findall(r"(?ms)^```(\w*)\n(.*?)^```", DOCUMENT.read_text("utf-8"))
FILES = {found[1]: content for _, content in FENCES if (found := re.match(r"# (/\S+)\n", content))}
AUTH = "/etc/vmauth/auth.yml"
EVERYTHING = quote('{db=~".*"}')
Kept = dict[str, dict[str, dict[int, float]]]  # home → name → Unix seconds → value


class Documented(Process):
    """A program called as the document calls it, with this machine's ports and folders in place of its own."""

    package = "victoria-metrics"

    def __init__(self, folder: Path, command: str) -> None:
        super().__init__(folder)
        binary, *self.flags = command.split()
        self.binary = binary.removeprefix("/usr/bin/")
        self.places: dict[str, str] = {}

    def localized(self, text: str) -> str:
        """`text` of the document, for here."""
        for documented, here in self.places.items():
            text = text.replace(documented, here)
        return text

    def arguments(self) -> list[str]:
        return [self.localized(flag) for flag in self.flags]

    def _answers(self) -> bool:
        """Ready when the port is open: vmauth speaks TLS there."""
        with socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it as systemd does."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE)

    def kept(self) -> Kept:
        """What VictoriaMetrics holds of homemon's series."""
        fetch(f"{self.url}/internal/force_flush")
        found: Kept = {}
        for text in fetch(f"{self.url}/api/v1/export?match[]={EVERYTHING}").splitlines():
            series = json.loads(text)
            labels = series["metric"]
            values = {ms // 1000: v for ms, v in zip(series["timestamps"], series["values"], strict=True)}
            found.setdefault(labels.get("home", ""), {})[labels["__name__"]] = values
        return found


def command_of(unit: str) -> str:
    found = re.search(r"(?m)^ExecStart=(.*)", FILES[f"/etc/systemd/system/{unit}"].replace("\\\n", " "))
    assert found is not None
    return found[1]


class Fleet(NamedTuple):
    """The machine in the middle, and the second server."""

    first: Documented
    second: Documented
    agent: Documented
    auth: Documented
    ca: Path

    @property
    def url(self) -> str:
        return self.auth.url.replace("http:", "https:")

    def server(self, token: str) -> Server:
        """[server] of a home."""
        return settings(self.url, db="smartmeter", token=token, ca=str(self.ca))

    def ask(self, path: str, authorization: str, data: bytes | None = None) -> tuple[int, str]:
        """What vmauth answers to a request that homemon would not make."""
        context = ssl.create_default_context(cafile=str(self.ca))
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        request = Request(self.url + path, data, {"Authorization": authorization})
        try:
            with opener.open(request, timeout=PATIENCE) as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()


@contextmanager
def running(folder: Path, users: str = FILES[AUTH]) -> Iterator[Fleet]:
    """All four programs in `folder`, started in the document's way, with these users."""
    found = re.search(r'(?m)^ARGS="(.*)"$', FILES["/etc/default/victoria-metrics"])
    assert found is not None
    command = f"/usr/bin/victoria-metrics {found[1]}"
    first, second = Documented(folder / "first", command), Documented(folder / "second", command)
    agent = Documented(folder / "agent", command_of("vmagent.service"))
    auth = Documented(folder / "auth", command_of("vmauth.service"))
    programs = (first, second, agent, auth)
    for server in (first, second):
        server.places |= {"127.0.0.1:8428": server.url[7:], "/var/lib/victoria-metrics": f"{server.folder}/data"}
    middle = {"127.0.0.1:8428": first.url[7:], "192.168.1.11:8428": second.url[7:], "127.0.0.1:8429": agent.url[7:]}
    agent.places |= middle | {"/var/lib/vmagent": f"{agent.folder}/queue"}
    auth.places |= middle | {"=:8427": f"={auth.url[7:]}", "/etc/vmauth": str(auth.folder)}
    (auth.folder / "auth.yml").write_text(auth.localized(users))
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    key = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem")
    openssl = (installed("openssl", "openssl"), *key, "-out", "cert.pem", *subject)
    subprocess.run(openssl, check=True, cwd=auth.folder, timeout=PATIENCE, stderr=subprocess.DEVNULL)
    try:
        for program in programs:
            program.start()
        yield Fleet(*programs, auth.folder / "cert.pem")
    finally:
        for program in programs:
            program.kill()
