"""A meter command's hold on the module: its session, its locks, and the run of its programs on a real port.

The dialogue lock is held while the module is in a dialogue that a knock must not write into.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Step
from homemon.core.errors import DeviceError, HomemonError, PortError, StoreError
from homemon.core.files import port_locks
from homemon.ports.knock import write_into
from homemon.runtime import state
from homemon.runtime.archive import Archive
from homemon.runtime.claim import claim
from homemon.runtime.context import App
from homemon.runtime.driver import Recorded, run
from homemon.runtime.rivals import Rivals
from homemon.runtime.stop import Stop
from homemon.skstack.join import Credentials, Link, NoModule
from homemon.skstack.lines import Dialect
from homemon.sources.meter.properties import Scale
from homemon.sources.meter.session import Session

if TYPE_CHECKING:
    from homemon.ports.module_trace import ModuleTrace
    from homemon.ports.serial_port import ModulePort

LISTENER = "meter-listen"
KNOCK_WITHIN = 5.0  # seconds that a dialogue waits for a knock's one write


class Radio:
    """One command's hold on the module: its session, its locks, and how readings leave it."""

    def __init__(self, app: App, trace: str | None = None, stop: Stop | None = None, history_days: int = 0) -> None:
        self.app = app
        self._history_days = history_days
        self.settings = app.smartmeter
        self._rivals = Rivals(app, self.settings.serial_port)
        self.owner, self.dialogue = port_locks(app.folder, self.settings.serial_port)
        self._trace_path = trace
        self._stop = stop
        self.session = self._new_session(app.now())
        self._context = Recorded(app, stop, self._hold_dialogue, self._after)

    def _new_session(self, at: Instant) -> Session:
        """A session that knows the link.

        An address that was written into config.ini since the link was learned is what the human wants; one that stood
        there already is that of a meter which is gone.
        """
        known = state.load(self.app.folder)
        link, scale = known.link, known.scale
        wanted = self.settings.address
        if wanted and (link is None or wanted not in (link.address, known.configured)):
            link, scale = Link(wanted, "", "", "", Dialect.C), None
        credentials = Credentials(self.settings.bid, self.settings.pwd)
        return Session(
            link,
            scale,
            credentials,
            int(at.wall * 7) + os.getpid(),
            Random().uniform,
            Archive(self.app),
            self._history_days,
            known.recheck,
        )

    def own_port(self, name: str) -> bool:
        """Become the port's owner for the life of this process; False where a listener is. Raises as `claim`."""
        owned = claim(self.owner, name, LISTENER, self._stop)
        if owned and self.app.patient:
            with suppress(StoreError):  # tried again when it is wanted
                self.dialogue.keep_open()
        return owned

    def own_port_alone(self, name: str) -> None:
        """The same for a command that cannot leave its work to a listener. Raises PortError."""
        if not self.own_port(name):
            holder = self.owner.holder()
            raise PortError(
                f"{self.settings.serial_port} is in use by {LISTENER}{f' (pid {holder.pid})' if holder else ''}",
                f"Stop `homemon {LISTENER}` first, and its cron line.",
            )

    def open(self) -> "ModulePort":
        """The port, opened. Raises PortError."""
        from homemon.ports.serial_port import ModulePort, SerialLine

        interrupt = self._stop.handle if self._stop else None
        line = SerialLine(self.settings.serial_port, self.settings.serial_bps, "smartmeter", interrupt)
        return ModulePort(line, self._trace(), self.app.now)

    def explain(self, error: HomemonError) -> None:
        """Add to an error what only we know: the port's name, and who else reads from it."""
        name = self.settings.serial_port
        if isinstance(error, NoModule):
            error.args = (f"{name}: {error}",)
            if os.path.realpath(name) == "/dev/ttyAMA0":
                error.hint += " On a Pi 3, 4 or Zero W, /dev/ttyAMA0 is the Bluetooth chip: take /dev/serial0."
        self._rivals.explain(error)

    def knock(self, epcs: Iterable[int]) -> None:
        """Write a question into the port that a listener owns. Raises PortError."""
        data = self.session.knock(epcs)
        write_into(self.settings.serial_port, data)
        if trace := self._trace():
            trace.sent(data, self.app.now())

    def _trace(self) -> "ModuleTrace | None":
        trace = self.app.trace(self._trace_path)
        if trace is None:
            return None
        from homemon.ports.module_trace import ModuleTrace

        return ModuleTrace(trace)

    def run(self, port: "ModulePort", program: Dialogue[Any]) -> Any:
        """Run a program of the session to its end and give its result.

        Raises what the program raises, PortVanished, StoreError, and Stopped.
        """
        self._looks = True
        try:
            return run(self.session, program, port, self._context)
        except (DeviceError, PortError) as error:
            self.explain(error)
            raise

    def _after(self, step: Step) -> None:
        """Look for rivals, at first and where they may be behind a complaint, and keep what was learned."""
        if self._looks or (self.app.patient and (step.notes or step.complaints)):
            self._rivals.warn()
            self._looks = False
        if step.learned:
            self._keep(*step.learned)

    def _hold_dialogue(self, joining: bool) -> None:
        if joining:
            self._take_dialogue()
        else:
            self.dialogue.drop()

    def _take_dialogue(self) -> None:
        """Keep others from writing into what follows; a listener joins all the same where that cannot be had."""
        try:
            self.dialogue.take(KNOCK_WITHIN)
        except StoreError as error:
            if not self.app.patient:
                raise
            self.app.complain_once(str(error), error.hint)

    def _keep(self, link: Link | None, scale: Scale | None, recheck: bool) -> None:
        configured = self.settings.address or None
        try:
            state.change(
                self.app.folder,
                lambda kept: kept._replace(link=link, scale=scale, configured=configured, recheck=recheck),
            )
        except StoreError as error:
            if not self.app.patient:
                raise
            self.app.complain_once(str(error), error.hint)
