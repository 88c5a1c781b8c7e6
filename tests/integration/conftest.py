"""LANs of a test's own."""

import os
from collections.abc import Iterator

import pytest

from tests.networks import Lan, networks
from tests.servers import installed


@pytest.fixture
def lan() -> Iterator[Lan]:
    """One network, of namespaces or on the loopback, where others may be received too."""
    with networks() as made:
        yield made


@pytest.fixture
def own_lan(lan: Lan) -> Lan:
    """One network on which nobody else is."""
    if not lan.here:
        installed("ip", "iproute2")
        assert not os.environ.get("CI"), "network namespaces (unshare -n) cannot be made here"
        pytest.skip("network namespaces (unshare -n) cannot be made here, which takes root")
    return lan
