"""notify.json: what was judged last, and which texts each service has not taken yet. In the store's folder.

One file for both, replaced as a whole: a text waits from the moment at which its rule counts as told, and is gone once
its service took it, whenever the process is killed. Only one that is killed while a service answers cannot know whether
that took the text, and sends it again. A broken file counts as not there.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from homemon.core.errors import StoreError
from homemon.core.files import replace_file
from homemon.core.points import DAY, moment_text
from homemon.delivery.services import Service

FILE = "notify.json"
MOST = 50  # texts that wait for a service that is away; of more the newest
LATE = 600  # seconds after which a text says when it was


class Waiting(NamedTuple):
    """A text, and since when it waits (Unix seconds)."""

    time: int
    text: str


class Notices:
    """What `folder` holds of them. `judged` is whatever the rules keep, as JSON has it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.judged: Mapping[str, Any] = {}
        self._waiting: dict[str, list[Waiting]] = {}
        self._faults: dict[str, str] = {}
        try:
            self._take(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return

    def _take(self, kept: Mapping[str, Any]) -> None:
        waiting = {key: [Waiting(int(time), str(text)) for time, text in each] for key, each in kept["waiting"].items()}
        judged, faults = dict(kept["judged"]), {key: str(fault) for key, fault in kept["faults"].items()}
        self.judged, self._waiting, self._faults = judged, waiting, faults

    def save(self) -> None:
        """Write all of it, on disk when this returns. Raise StoreError."""
        kept = {"judged": self.judged, "waiting": self._waiting, "faults": self._faults}
        try:
            replace_file(self._path, json.dumps(kept, ensure_ascii=False).encode())
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be written: {error.strerror}; no notice is sent", "Free some disk space."
            ) from None

    def add(self, texts: Sequence[str], services: Iterable[Service], now: int) -> None:
        """Let texts wait for each service; what waits for one that is not configured any more is dropped."""
        new = [Waiting(now, text) for text in texts]
        self._waiting = {each.key: [*self._waiting.get(each.key, []), *new][-MOST:] for each in services}
        self._faults = {key: fault for key, fault in self._faults.items() if key in self._waiting}

    def deliver(self, services: Iterable[Service], now: int, test: str = "") -> Iterator[tuple[str, bool]]:
        """Send what waits, all of a service as one text; yield each fault, and whether it is news. Raise StoreError.

        A `test` goes to each service, and never waits; somebody looks on, so each fault of it is news.
        """
        for service in services:
            waiting = self._waiting.get(service.key, [])
            if not (lines := [*(_line(each, now) for each in waiting), *filter(None, [test])]):
                continue
            fault = service.send("\n".join(lines))
            was = self._faults.pop(service.key, "")
            if fault:
                self._faults |= {service.key: fault} if waiting else {}
                yield _failed(service, fault, len(waiting)), bool(test) or fault != was
            else:
                self._waiting[service.key] = []
            self.save()


def _failed(service: Service, fault: str, waiting: int) -> str:
    if not waiting:
        return f"{service.name} of [notify]: {fault}"
    return f"{service.name} of [notify]: {fault}; {waiting} wait until it works"


def _line(one: Waiting, now: int) -> str:
    """Return a text, with its time where that was a while ago."""
    late = now - one.time
    form = "" if 0 <= late < LATE else "%H:%M " if 0 <= late < DAY / 2 else "%m-%d %H:%M "
    return f"{moment_text(one.time, form) if form else ''}{one.text}"
