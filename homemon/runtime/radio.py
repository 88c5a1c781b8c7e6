"""A meter command's hold on the module: its session, its lock, and the run of its programs on a real port."""

import os
from typing import TYPE_CHECKING, Any

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Step
from homemon.core.errors import DeviceError, HomemonError, PortError, SessionLost, StoreError
from homemon.core.files import Lock, port_lock
from homemon.runtime import state
from homemon.runtime.archive import Archive
from homemon.runtime.claim import claim
from homemon.runtime.context import App
from homemon.runtime.driver import Recorded, run
from homemon.runtime.meter_programs import programs
from homemon.runtime.rivals import Rivals
from homemon.runtime.stop import Stop
from homemon.skstack.join import Credentials, Link, NoModule
from homemon.skstack.lines import Dialect
from homemon.sources.meter.properties import Scale
from homemon.sources.meter.session import Session
from homemon.sources.registry import SMART_METER

if TYPE_CHECKING:
    from homemon.ports.module_trace import ModuleTrace
    from homemon.ports.serial_port import ModulePort
    from homemon.runtime.owner import Owner

LISTENER = SMART_METER.listener


class Radio:
    """One command's hold on the module: its session, the port's lock `owner`, and how readings leave it."""

    def __init__(
        self,
        app: App,
        trace: str | None = None,
        stop: Stop | None = None,
        history_days: int = 0,
        owner: Lock | None = None,
    ) -> None:
        self.app = app
        self._history_days = history_days
        self.settings = app.smartmeter
        self._rivals = Rivals(app, self.settings.serial_port)
        self.owner = owner or port_lock(app.folder, self.settings.serial_port)
        self.questions: Owner | None = None  # of other commands, which a listener answers
        self._trace_path = trace
        self._stop = stop
        self.session = self._new_session(app.now())
        self._context = Recorded(app, stop, self._after, self._at_last)

    def _new_session(self, at: Instant) -> Session:
        """Return a session that knows the link.

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
            _between,
            Archive(self.app),
            self._history_days,
            known.recheck,
            known.at_once,
        )

    def own_port(self, name: str) -> bool:
        """Become the port's owner for the life of this process; False where a listener is. Raise as `claim`."""
        return claim(self.owner, name, LISTENER, self._stop)

    def own_port_alone(self, name: str) -> None:
        """Own the port as above, for a command that cannot ask through a listener. Raise PortError."""
        if not self.own_port(name):
            holder = self.owner.holder()
            process = f"{LISTENER} (pid {holder.pid})" if holder else LISTENER
            raise PortError(
                f"{self.settings.serial_port} is in use by {process}",
                f"Stop `homemon {LISTENER}` first, and its cron line.",
            )

    def answer_others(self) -> None:
        """Ask for other commands too from now on, as the port's owner."""
        from homemon.runtime.owner import Owner

        self.questions = Owner(self.app, self.owner, programs(self.session), self.explain)

    def open(self) -> "ModulePort":
        """Return the port, opened. Raise PortError."""
        from homemon.ports.serial_port import ModulePort, SerialLine

        interrupts = [self._stop.handle] if self._stop else []
        interrupts += self.questions.handles if self.questions else ()
        line = SerialLine(self.settings.serial_port, self.settings.serial_bps, "smartmeter", interrupts)
        return ModulePort(line, self._trace(), self.app.now)

    def explain(self, error: HomemonError) -> None:
        """Add to an error what only we know: the port's name, who else reads from it, and what keeps a session."""
        name = self.settings.serial_port
        if isinstance(error, NoModule):
            error.args = (f"{name}: {error}",)
            if os.path.realpath(name) == "/dev/ttyAMA0":
                error.hint += " On a Pi 3, 4 or Zero W, /dev/ttyAMA0 is the Bluetooth chip: take /dev/serial0."
        if isinstance(error, SessionLost) and not error.hint:
            error.hint = "Run `homemon join`, or let `homemon meter-listen` keep the session."
        self._rivals.explain(error)

    def _trace(self) -> "ModuleTrace | None":
        trace = self.app.trace(self._trace_path)
        if trace is None:
            return None
        from homemon.ports.module_trace import ModuleTrace

        return ModuleTrace(trace)

    def run(self, port: "ModulePort", program: Dialogue[Any]) -> Any:
        """Run a program of the session to its end and give its result.

        Raise what the program raises, PortVanished, StoreError, and Stopped.
        """
        self._looks = True
        try:
            owned = self.questions.owned(port) if self.questions else port
            return run(self.session, program, owned, self._context)
        except (DeviceError, PortError) as error:
            self.explain(error)
            raise

    def _after(self, step: Step) -> None:
        """Look for rivals, at first and where they may be behind a warning, and keep what was learned."""
        if self._looks or (self.app.resident and (step.notes or step.warnings)):
            self._rivals.warn()
            self._looks = False
        if step.learned:
            self._keep(*step.learned)

    def _at_last(self, step: Step) -> None:
        if self.questions:
            self.questions.take(step)

    def _keep(self, link: Link | None, scale: Scale | None, recheck: bool, at_once: int | None) -> None:
        configured = self.settings.address or None
        try:
            state.change(
                self.app.folder,
                lambda kept: kept._replace(
                    link=link, scale=scale, configured=configured, recheck=recheck, at_once=at_once
                ),
            )
        except StoreError as error:
            if not self.app.resident:
                raise
            self.app.warn_once(str(error), error.hint)


def _between(least: float, most: float) -> float:
    """Return a random number, for a session's pauses."""
    from random import uniform  # which a poll that is answered does without

    return uniform(least, most)
