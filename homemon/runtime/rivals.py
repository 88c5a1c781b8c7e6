"""Other programs that read from a serial port of ours, and so take bytes away from us."""

from homemon.core.errors import HomemonError
from homemon.runtime.context import App


class Rivals:
    """Those at the serial port `name`, as far as /proc shows them."""

    def __init__(self, app: App, name: str) -> None:
        self._app = app
        self._name = name
        self._known = ""

    def warn(self) -> None:
        """Name them, unless it is the same ones as at the last look.

        It takes some hundredths of a second: a command looks while the first answer is on its way.
        """
        from homemon.ports.serial_port import other_readers, stop_readers

        before, self._known = self._known, other_readers(self._name)
        if self._known and self._known != before:
            self._app.warn(f"{self._name} is also open in {self._known}", stop_readers(self._name, self._known))

    def explain(self, error: HomemonError) -> None:
        """Add to an error what to do about them."""
        from homemon.ports.serial_port import other_readers, stop_readers

        if readers := other_readers(self._name):
            error.hint = f"{stop_readers(self._name, readers)} {error.hint}".strip()
