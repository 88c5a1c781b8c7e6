"""A real Home Assistant in a folder that was set up for it: started, killed, its database copied and put back."""

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from websockets.sync.client import ClientConnection, connect

from tests.commands import wait_for
from tests.servers import fetch, reserve_port

STARTS_WITHIN = 180.0  # seconds
CLIENT = "http://127.0.0.1/"
JSON = "application/json"
CONFIGURATION = """
homeassistant:
  time_zone: Asia/Tokyo
  country: JP
  currency: JPY
  unit_system: metric
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
websocket_api:
config:
auth:
onboarding:
recorder:
  commit_interval: 1
history:
sensor:
energy:
system_log:
logger:
  default: warning
"""
KILLED = (
    "was shutdown cleanly",
    "Ended unfinished session",
    "connect to MQTT server",
    "Disconnected from MQTT server",
    "Error returned from MQTT server: The connection was lost",
    "Error talking to MQTT",
    "No ACK from MQTT server",
    "is not strictly increasing",  # the broker comes back with what it saved, which is older than what it had
)
"""What it says where it, or its broker, was killed."""
COMPLAINT = re.compile("(WARNING|ERROR).*(mqtt|sensor|recorder|statistics)")
NEEDED = {"set_client_cert": False, "set_ca_cert": "off"}
"""What its form for a broker must hold, where the form says no default."""
DATABASE = "home-assistant_v2.db"


class RealHome:
    """One in `folder`: a chroot `root`, or a virtual environment `ha`."""

    def __init__(self, folder: Path) -> None:
        root = folder / "root"
        inside = f"/statistics-{uuid.uuid4().hex[:8]}"
        self.config = Path(f"{root}{inside}") if root.is_dir() else Path(f"{folder}{inside}")
        self.config.mkdir()
        self.port = reserve_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (self.config / "configuration.yaml").write_text(CONFIGURATION.format(port=self.port))
        seen = inside if root.is_dir() else str(self.config)
        python = ["chroot", str(root), "/ha/bin/hass"] if root.is_dir() else [str(folder / "ha/bin/hass")]
        self._command = [*python, "-c", seen, "--skip-pip"]
        self._process: subprocess.Popen[bytes] | None = None
        self.token = ""

    def start(self) -> None:
        """Start it and wait until it answers; at first with an owner, whose token there is then."""
        log = (self.config / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                env={"HOME": "/tmp", "TZ": "Asia/Tokyo", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            )
        wait_for(self._answers, STARTS_WITHIN)
        if not self.token:
            self._onboard()
            wait_for(lambda: bool(self.ask(type="get_config")["state"] == "RUNNING"), STARTS_WITHIN)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.config / "log").read_text()[-2000:]
        try:
            fetch(f"{self.url}/api/onboarding")
        except OSError:
            return False
        return True

    def _onboard(self) -> None:
        owner = {"client_id": CLIENT, "name": "check", "username": "check", "password": "check-check", "language": "en"}
        code = self._post("/api/onboarding/users", json.dumps(owner).encode(), JSON)["auth_code"]
        form = {"client_id": CLIENT, "grant_type": "authorization_code", "code": code}
        self.token = self._post("/auth/token", urlencode(form).encode(), "application/x-www-form-urlencoded")[
            "access_token"
        ]
        self.token = self.ask(type="auth/long_lived_access_token", client_name="homemon", lifespan=365)

    def _post(self, path: str, data: bytes, kind: str) -> Any:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return json.loads(fetch(f"{self.url}{path}", data, {"Content-Type": kind, **token}))

    def ask(self, **message: Any) -> Any:
        """Ask it by its WebSocket."""
        with connect(f"{self.url.replace('http', 'ws')}/api/websocket", max_size=None) as connection:
            connection.recv()
            connection.send(json.dumps({"type": "auth", "access_token": self.token}))
            hello = json.loads(connection.recv())
            assert hello["type"] == "auth_ok", hello
            return _answer(connection, message)

    def statistics(self) -> dict[str, list[Mapping[str, Any]]]:
        """Return all hours of all external statistics."""
        ids = [each["statistic_id"] for each in self.ask(type="recorder/list_statistic_ids")]
        if not ids:
            return {}
        found: dict[str, list[Mapping[str, Any]]] = self.ask(
            type="recorder/statistics_during_period",
            start_time="2020-01-01T00:00:00+09:00",
            period="hour",
            statistic_ids=ids,
            types=["state", "sum", "change"],
        )
        return found

    @property
    def version(self) -> str:
        return str(self.ask(type="get_config")["version"])

    def add_broker(self, **settings: Any) -> None:
        """Add its MQTT integration, with such settings; return once it has written that down."""
        flows = "/api/config/config_entries/flow"
        flow = self._post(flows, json.dumps({"handler": "mqtt", "show_advanced_options": True}).encode(), JSON)
        data = {**_filled(flow["data_schema"]), **settings}
        made = self._post(f"{flows}/{flow['flow_id']}", json.dumps(data).encode(), JSON)
        assert made["type"] == "create_entry", made
        written = self.config / ".storage/core.config_entries"
        wait_for(lambda: written.exists() and '"mqtt"' in written.read_text())

    def entities(self) -> dict[str, str]:
        """Return the state of each entity that came by MQTT."""
        registry = self.ask(type="config/entity_registry/list")
        ours = {each["entity_id"] for each in registry if each["platform"] == "mqtt"}
        return {each["entity_id"]: each["state"] for each in self.ask(type="get_states") if each["entity_id"] in ours}

    def kill(self) -> None:
        """End it as a power cut would end its process."""
        if self._process:
            self._process.kill()
            self._process.wait(60)

    def stop(self) -> None:
        """End it in peace."""
        if self._process:
            self._process.terminate()
            self._process.wait(60)

    def back_up(self) -> Path:
        """Return a copy of its database; it is stopped."""
        copy = self.config / "backup.db"
        shutil.copy(self.config / DATABASE, copy)
        return copy

    def restore(self, copy: Path) -> None:
        """Put a copy of its database back; it is stopped."""
        for path in self.config.glob(f"{DATABASE}*"):
            path.unlink()
        shutil.copy(copy, self.config / DATABASE)

    def complaints(self) -> list[str]:
        """Return what its log says against us, but for how it or its broker ended."""
        lines = (self.config / "log").read_text(errors="replace").splitlines()
        found = {line for line in lines if COMPLAINT.search(line)}
        return sorted(line for line in found if not any(killed in line for killed in KILLED))

    def remove(self) -> None:
        """Remove its folder."""
        self.kill()
        shutil.rmtree(self.config, ignore_errors=True)


def _answer(connection: ClientConnection, message: Mapping[str, Any]) -> Any:
    connection.send(json.dumps({"id": 1, **message}))
    answer = json.loads(connection.recv())
    assert answer["success"], answer
    return answer["result"]


def _filled(schema: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the fields of a form must hold at least, which differs between versions."""
    wanted = [each for each in schema if "default" in each or each.get("required") or each.get("type") == "expandable"]
    return {each["name"]: _value(each) for each in wanted}


def _value(field: Mapping[str, Any]) -> Any:
    if field.get("type") == "expandable":
        return _filled(field["schema"])
    return field.get("default", NEEDED.get(field["name"], ""))
