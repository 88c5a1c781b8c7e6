"""The Wi-SUN module's line in a trace: masked here, whoever writes it and whoever receives it.

Apart from the port, so that a poll without `--trace` loads nothing of it.
"""

from collections.abc import Iterable

from homemon.core.clock import Instant
from homemon.core.transcript import MODULE
from homemon.ports.trace import Trace
from homemon.skstack.lines import Happening
from homemon.skstack.mask import masked_received, masked_sent


class ModuleTrace:
    """What goes over the module's line, into `trace`."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def sent(self, data: bytes, at: Instant) -> None:
        """Record what was sent in one write."""
        self._trace.write(MODULE, True, masked_sent(data), at)

    def received(self, happenings: Iterable[Happening], at: Instant) -> None:
        """Record what was received `at`, by which its readings are dated."""
        for happening in happenings:
            self._trace.write(MODULE, False, masked_received(happening), at)
