"""The small Home Assistant of the tests, as one that is started, killed, and put back as it was."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.home_assistants import TOKEN, Rows, SmallHome
from tests.servers import reserve_port

WRITES_AFTER = 0.1  # seconds after it reported success


class SmallOne:
    """What it had not written when it was killed is lost."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, reserve_port()
        self.url, self.token = f"http://127.0.0.1:{self._port}", TOKEN
        self._rows: dict[str, Rows] = {}
        self.home: SmallHome | None = None

    def start(self) -> None:
        self.home = SmallHome(port=self._port)
        self.home.late = WRITES_AFTER
        self.home.rows = deepcopy(self._rows)

    def kill(self) -> None:
        if self.home:
            self._rows = deepcopy(self.home.rows)
            self.home.close()
            self.home = None

    def stop(self) -> None:
        self.kill()

    def back_up(self) -> Path:
        """Return a copy of its rows; it is stopped."""
        copy = self._folder / "rows.json"
        copy.write_text(json.dumps({name: list(rows.items()) for name, rows in self._rows.items()}))
        return copy

    def restore(self, copy: Path) -> None:
        """Put a copy of its rows back; it is stopped."""
        self._rows = {name: dict(map(tuple, rows)) for name, rows in json.loads(copy.read_text()).items()}

    def statistics(self) -> dict[str, list[Mapping[str, Any]]]:
        """Return all hours of all statistics."""
        assert self.home
        return {
            name: [{"start": start * 1000, **row} for start, row in sorted(rows.items())]
            for name, rows in self.home.rows.items()
        }
