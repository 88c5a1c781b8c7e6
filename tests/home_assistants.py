"""A small Home Assistant on loopback: its WebSocket API in literal messages, as 2024.3 to 2026.11 have it.

It is as strict as they are in what it takes, and does on command what they do when they are killed, busy or ill.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from threading import Thread, Timer
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.commands import PATIENCE

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJob21lbW9uIn0.c2VjcmV0LXNlY3JldC1zZWNyZXQ"
JAPAN = timedelta(hours=9)
OLD = {"statistic_id", "source", "name", "unit_of_measurement", "has_sum", "has_mean"}
NEW = {"statistic_id", "source", "name", "unit_of_measurement", "has_sum", "mean_type", "unit_class"}
Rows = dict[int, dict[str, float | None]]
"""Hours by their starts, Unix seconds: state and sum."""


class Refused(Exception):
    """An error's code and message."""


class SmallHome:
    """What it holds is in `rows`, by id; what it was asked in `asked`; the rest a test changes at any time.

    `loses` says whether rows that were taken are lost; `late` seconds after which they can be read; `closes_at` is a
    command at which it ends the connection, `floods` how many events come before each answer, `says` what it answers
    to a command in place of the truth.
    """

    def __init__(self, version: str = "2026.11.0", port: int = 0) -> None:
        self.version, self.language, self.state = version, "en", "RUNNING"
        self.admin, self.recorder, self.greets = True, True, True
        self.rows: dict[str, Rows] = {}
        self.metadata: dict[str, Mapping[str, Any]] = {}
        self.asked: list[Mapping[str, Any]] = []
        self.loses, self.late, self.closes_at, self.floods = False, 0.0, "", 0
        self.says: dict[str, Any] = {}
        self._server = serve(self._talk, "127.0.0.1", port, max_size=4 << 20)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join(PATIENCE)

    def sums(self, name: str) -> dict[int, float | None]:
        """Return the sums of a statistic that is called `homemon:NAME`."""
        return {start: row["sum"] for start, row in sorted(self.rows.get(f"homemon:{name}", {}).items())}

    def imports(self) -> list[tuple[str, list[int]]]:
        """Return of which statistics which hours were written, in order; and forget it."""
        found = [
            (str(each["metadata"]["statistic_id"]), [_seconds(row["start"]) for row in each["stats"]])
            for each in self.asked
            if each["type"] == "recorder/import_statistics"
        ]
        self.asked.clear()
        return found

    def compared(self) -> list[int]:
        """Return from when on whole months were read, Unix seconds."""
        asked = [each for each in self.asked if each.get("period") == "hour"]
        spans = [(_seconds(each["start_time"]), _seconds(each["end_time"])) for each in asked]
        return [since for since, until in spans if until - since > 7 * 86400 and _month(since) == since]

    # --- the conversation ---------------------------------------------------------------

    def _talk(self, connection: ServerConnection) -> None:
        try:
            if not self.greets:
                connection.send('{"hello": "I am no Home Assistant"}')
                return
            connection.send(json.dumps({"type": "auth_required", "ha_version": self.version}))
            said = json.loads(connection.recv(PATIENCE))
            if said != {"type": "auth", "access_token": TOKEN}:
                connection.send('{"type": "auth_invalid", "message": "Invalid access token or password"}')
                return
            connection.send(json.dumps({"type": "auth_ok", "ha_version": self.version}))
            last = 0
            while True:
                said = json.loads(connection.recv(PATIENCE))
                assert said["id"] > last, "id_reuse"
                last = said["id"]
                if said["type"] == self.closes_at:
                    return
                self._answer(connection, said)
        except (ConnectionClosed, TimeoutError):
            return

    def _answer(self, connection: ServerConnection, said: Mapping[str, Any]) -> None:
        self.asked.append(said)
        for number in range(self.floods):
            connection.send(json.dumps({"id": 7000 + number, "type": "event", "event": {}}))
        try:
            result = self._result(said)
        except Refused as error:
            code, message = error.args
            refusal = {"code": code, "message": message}
            connection.send(json.dumps({"id": said["id"], "type": "result", "success": False, "error": refusal}))
            return
        connection.send(json.dumps({"id": said["id"], "type": "result", "success": True, "result": result}))

    def _result(self, said: Mapping[str, Any]) -> Any:
        command = said["type"]
        if command in self.says:
            return self.says[command]
        if command not in COMMANDS or (command.startswith("recorder/") and not self.recorder):
            raise Refused("unknown_command", "Unknown command.")
        return COMMANDS[command](self, said)

    # --- what it can do -----------------------------------------------------------------

    def _config(self, said: Mapping[str, Any]) -> Any:
        return {"version": self.version, "language": self.language, "state": self.state, "currency": "JPY"}

    def _user(self, said: Mapping[str, Any]) -> Any:
        return {"id": "0123", "name": "a name", "is_owner": False, "is_admin": self.admin}

    def _info(self, said: Mapping[str, Any]) -> Any:
        return {"recording": True, "migration_in_progress": False, "thread_running": True, "backlog": 0}

    def _import(self, said: Mapping[str, Any]) -> Any:
        if not self.admin:
            raise Refused("unauthorized", "Unauthorized")
        about = said["metadata"]
        year, month, *_ = map(int, self.version.split("."))
        if about.keys() != (NEW if (year, month) >= (2025, 11) else OLD):
            raise Refused("invalid_format", f"extra keys not allowed @ data['metadata']: {sorted(about)}")
        domain, _, name = about["statistic_id"].partition(":")
        if domain != about["source"] or not name or "__" in name or not name.replace("_", "a").isalnum():
            raise Refused("home_assistant_error", "Invalid statistic_id")
        new = {_seconds(row["start"]): {"state": row.get("state"), "sum": row["sum"]} for row in said["stats"]}
        self.metadata[about["statistic_id"]] = about
        if not self.loses:
            Timer(self.late, self.rows.setdefault(about["statistic_id"], {}).update, (new,)).start()
        return None

    def _period(self, said: Mapping[str, Any]) -> Any:
        since, until = (int(datetime.fromisoformat(said[name]).timestamp()) for name in ("start_time", "end_time"))
        found = {}
        for name in said["statistic_ids"]:
            hours = {start: row for start, row in sorted(self.rows.get(name, {}).items()) if since <= start < until}
            if said["period"] == "month":
                hours = {_month(start): row for start, row in hours.items()}
            if hours:
                found[name] = [
                    {"start": start * 1000, "end": (start + 3600) * 1000, "state": row["state"], "sum": row["sum"]}
                    for start, row in hours.items()
                ]
        return found


def _seconds(start: str) -> int:
    """Return the time of a row, as strictly as Home Assistant takes it."""
    time = datetime.fromisoformat(start)
    if time.tzinfo is None:
        raise Refused("home_assistant_error", "Naive timestamp")
    if time.minute or time.second or time.microsecond:
        raise Refused("home_assistant_error", "Invalid timestamp")
    return int(time.timestamp())


def _month(start: int) -> int:
    first = (datetime.fromtimestamp(start, UTC) + JAPAN).replace(day=1, hour=0)
    return int((first - JAPAN).timestamp())


COMMANDS: dict[str, Callable[[SmallHome, Mapping[str, Any]], Any]] = {
    "get_config": SmallHome._config,
    "auth/current_user": SmallHome._user,
    "recorder/info": SmallHome._info,
    "recorder/import_statistics": SmallHome._import,
    "recorder/statistics_during_period": SmallHome._period,
}
