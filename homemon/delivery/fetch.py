"""What a server has of homemon's series, read in parts that fit into the memory of a Pi.

InfluxDB 1.x (and 2.x, for a bucket that is mapped to a database) is asked by `/query`, VictoriaMetrics by
`/api/v1/export`. Each gives the points of exactly one set of tags: what stands under other or more tags is another
home's. Of those, only what homemon writes counts: at a whole second, and a value that a device can give.

Sources: InfluxDB 1.x API reference and InfluxQL; VictoriaMetrics, "How to export data in JSON line format";
both as tried with the versions in docs/server/README.md.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from homemon.config.keys import Server
from homemon.core.points import EARLIEST, LATEST, Number, Point, in_range
from homemon.delivery.influx import Influx, NotRead, quoted
from homemon.replay.line_protocol import parse_tags
from homemon.replay.values import measured
from homemon.sources import registry

WITHIN = 60.0  # seconds of one exchange at least: somebody waits for the result, and the server may be a Pi
ROWS = 5000  # of one answer of InfluxDB
WINDOW = 2 * 86_400  # seconds of one answer of VictoriaMetrics, which counts at most 30,000 of them
SECOND = {"ns": 1_000_000_000, "ms": 1000}
SUMS = {(series.measurement, series.field) for series in registry.SUMS}  # are computed again
SERIES = tuple(key for key in registry.SERIES if key not in SUMS)  # measurement and field of all else that we write
MEASUREMENTS = tuple(dict.fromkeys(measurement for measurement, _ in SERIES))
ANOTHER_DIALECT = (200, 400, 404, 405)  # of an answer to InfluxDB's question: it may be VictoriaMetrics
UNMAPPED = (
    "InfluxDB 2.x gives the points of a bucket only where it is mapped to a database (`influx v1 dbrp create "
    "--db BUCKET --rp autogen --default --bucket-id ID`) and the token may read it"
)


class Page(NamedTuple):
    """Times (Unix seconds) and values of one series, and how many others were left out as no reading of homemon."""

    values: list[tuple[int, Number]]
    left_out: int


class Reader(Protocol):
    """One server that is read."""

    def pages(self, measurement: str, field: str, tags: str, since: int) -> Iterator[Page]:
        """Yield what it has of one series from `since` (Unix seconds) on, oldest first. Raise NotRead.

        `tags` as `points.tags_text` gives them.
        """


def reader(server: Server) -> Reader:
    """Return how the server is read, which its answer to a question says. Raise NotRead."""
    client = Influx(server._replace(timeout=max(server.timeout, WITHIN)))
    try:
        return InfluxQL(client, server)
    except NotRead as error:
        if server.bucket and error.status:
            raise NotRead(f"{error}; {UNMAPPED}", error.status) from None
        if error.status not in ANOTHER_DIALECT:
            raise
        try:
            return VictoriaMetrics(client, server)
        except NotRead:
            raise error from None


class InfluxQL:
    """InfluxDB. Raise NotRead where it is another server."""

    def __init__(self, client: Influx, server: Server) -> None:
        self._client, self._server = client, server
        self._url = f"{server.url.removesuffix('/write')}/query"
        found = self._ask(f"SHOW TAG KEYS FROM {', '.join(map(quoted, MEASUREMENTS))}")
        if any(series.get("name") not in MEASUREMENTS for series in found):
            raise self._nonsense()  # VictoriaMetrics answers every question with a list of databases
        self._keys = {series["name"]: [row[0] for row in _rows(series)] for series in found}

    def pages(self, measurement: str, field: str, tags: str, since: int) -> Iterator[Page]:
        after = since * SECOND["ns"] - 1
        every = {**dict.fromkeys(self._keys.get(measurement, ()), ""), **parse_tags(tags)}
        where = "".join(f"{quoted(name)} = {_text(value)} AND " for name, value in every.items())
        select = f"SELECT {quoted(field)} FROM {quoted(measurement)} WHERE {where}"
        while found := self._ask(f"{select}time > {after} ORDER BY time LIMIT {ROWS}"):
            rows = [row for series in found for row in _rows(series)]
            if not rows or not all(len(row) == 2 and type(row[0]) is int for row in rows) or rows[-1][0] <= after:
                raise self._nonsense()
            after = rows[-1][0]
            yield _page(measurement, field, rows, "ns")

    def _ask(self, statement: str) -> list[dict[str, Any]]:
        parameters = {"db": self._server.bucket or self._server.db, "epoch": "ns", "q": statement}
        answer = _parsed(self._client.read(self._url, parameters))
        try:
            (result,) = answer["results"]
            error, series = result.get("error"), result.get("series", [])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._nonsense() from None
        if error:
            raise NotRead(f"{self._server.url} refused: {self._client.redacted(str(error))}; check [server] db", 404)
        if not isinstance(series, list) or not all(isinstance(each, dict) for each in series):
            raise self._nonsense()
        return series

    def _nonsense(self) -> NotRead:
        return NotRead(f"{self._server.url} gave no answer of InfluxDB or VictoriaMetrics; check [server] url", 200)


class VictoriaMetrics:
    """VictoriaMetrics, single node. Raise NotRead where it is another server."""

    def __init__(self, client: Influx, server: Server) -> None:
        self._client, self._server = client, server
        self._url = f"{server.url.removesuffix('/write').removesuffix('/influx')}/api/v1"
        self._labels(_selector({"db": server.db}))

    def pages(self, measurement: str, field: str, tags: str, since: int) -> Iterator[Page]:
        wanted = {"__name__": f"{measurement}_{field}", "db": self._server.db, **parse_tags(tags)}
        others = dict.fromkeys(self._labels(_selector(wanted)), "")
        selector = _selector({**others, **wanted})
        for until in self._windows(selector, max(since, EARLIEST)):
            parameters = {"match[]": selector, "start": str(until - WINDOW + 1), "end": str(until)}
            lines = self._client.read(f"{self._url}/export", parameters).splitlines()
            rows = [row for line in lines for row in self._exported(line, wanted)]
            yield _page(measurement, field, rows, "ms")

    def _windows(self, selector: str, since: int) -> list[int]:
        """Return the last seconds of those windows that hold any data."""
        query = f"count(count_over_time({selector}[{WINDOW}s]))"
        span = {"start": str(since - 1 + WINDOW), "end": str(LATEST + WINDOW), "step": f"{WINDOW}s"}
        data = self._data("query_range", {"query": query, "nocache": "1", **span})
        try:
            return sorted(int(time) for series in data["result"] for time, _ in series["values"])
        except (KeyError, TypeError, ValueError):
            raise self._nonsense() from None

    def _labels(self, selector: str) -> list[str]:
        data = self._data("labels", {"match[]": selector, "start": str(EARLIEST), "end": str(LATEST)})
        if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
            raise self._nonsense()
        return data

    def _data(self, path: str, parameters: Mapping[str, str]) -> Any:
        answer = _parsed(self._client.read(f"{self._url}/{path}", parameters))
        if not isinstance(answer, dict) or "data" not in answer:
            raise self._nonsense()
        return answer["data"]

    def _exported(self, line: bytes, wanted: Mapping[str, str]) -> Iterable[tuple[Any, Any]]:
        answer = _parsed(line)
        try:
            rows = list(zip(answer["timestamps"], answer["values"], strict=True))
            return rows if answer["metric"] == wanted else []
        except (KeyError, TypeError, ValueError):
            raise self._nonsense() from None

    def _nonsense(self) -> NotRead:
        return NotRead(f"{self._server.url} gave no answer of VictoriaMetrics; check [server] url", 200)


def _page(measurement: str, field: str, rows: Iterable[Any], unit: str) -> Page:
    values, left_out = [], 0
    for time, value in rows:
        seconds, rest = divmod(time, SECOND[unit]) if type(time) is int else (0, 1)
        number = type(value) in (int, float) and not rest and in_range(seconds, value)
        if number and measured(Point(measurement, {field: value}, seconds)).fields:
            values.append((seconds, value))
        else:
            left_out += 1
    return Page(values, left_out)


def _parsed(said: bytes) -> Any:
    """Return what JSON says; None where it is none."""
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def _rows(series: Mapping[str, Any]) -> list[list[Any]]:
    rows = series.get("values")
    return [row for row in rows if isinstance(row, list) and row] if isinstance(rows, list) else []


def _text(value: str) -> str:
    """Return a string as InfluxQL wants it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _selector(labels: Mapping[str, str]) -> str:
    """Return the series with these labels in MetricsQL; an empty value is a label that is not there."""
    names = {name: re.sub(r"^\d|\W", r"\\\g<0>", name, flags=re.ASCII) for name in labels}
    return f"{{{','.join(f'{names[name]}={json.dumps(value, ensure_ascii=False)}' for name, value in labels.items())}}}"
