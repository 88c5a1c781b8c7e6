"""A server that is not there: a round costs one request, and nothing is lost."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from homemon.delivery.influx import Influx
from homemon.delivery.verdicts import Answer
from homemon.storage.store import Store
from tests.servers import ScriptedServer, reserve_port, settings
from tests.stores import WALL, sender_of


class Counting(Influx):
    """Counts its requests."""

    requests = 0

    def write(self, lines: Sequence[str], meanwhile: Callable[[], None] = lambda: None) -> Answer:
        self.requests += 1
        return super().write(lines, meanwhile)


@pytest.mark.parametrize("kind", ["nobody listens", "nobody answers", "no TLS"])
def test_it_is_asked_once_a_round_whatever_is_to_be_sent(
    store: Store,
    scripted: ScriptedServer,
    silent_url: str,
    tmp_path: Path,
    three_weeks: set[tuple[str, int]],
    kind: str,
) -> None:
    urls = {
        "nobody listens": f"http://127.0.0.1:{reserve_port()}",
        "nobody answers": silent_url,
        "no TLS": scripted.url.replace("http:", "https:"),
    }
    influx = Counting(settings(urls[kind], timeout=0.5))
    sending = sender_of(store, lambda: influx, tmp_path).send(WALL, 60)
    assert sending is not None
    assert (influx.requests, sending.waiting) == (1, len(three_weeks))
