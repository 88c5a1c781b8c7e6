"""An EcoCute command's place on the LAN: its controller, its lock, and the run of its programs on a real UDP port."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Step
from homemon.core.errors import PortError, StoreError
from homemon.core.files import Lock, make_private_dir
from homemon.core.requests import Program
from homemon.echonet.codec import MULTICAST, PORT, Unit
from homemon.echonet.own_node import ID_BYTES, NOWHERE, OwnNode
from homemon.ports.interfaces import lan_interfaces
from homemon.ports.udp_node import ANY, UdpNode, resolve
from homemon.runtime.context import App
from homemon.runtime.driver import Recorded, run
from homemon.runtime.stop import Stop
from homemon.sources.lan.controller import Controller
from homemon.sources.lan.reports import found_among
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source

if TYPE_CHECKING:
    from homemon.runtime.owner import Owner

LISTENER = "ecocute-listen"
HOMELESS = "([ecocute] bind) is no address of this machine any more; nothing reaches it"
HOMELESS_HINT = "Write the present one (`ip address`), or 0.0.0.0 for all of them, into [ecocute] bind and start again."


def lan_lock(app: App, source: Source = ECOCUTE) -> Lock:
    """Return the lock of our UDP port."""
    settings = app.device(source.section)
    return Lock(app.folder / f"udp-{settings.bind}-{settings.port}.lock")


class Lan:
    """One command's place on the LAN: its controller, its lock, and how readings leave it.

    `host` is where the device of the row `source` is asked, by config.ini or as remembered; empty while that is
    not known.
    """

    def __init__(self, app: App, trace: str | None = None, stop: Stop | None = None, source: Source = ECOCUTE) -> None:
        self.app = app
        self.source = source
        self.settings = app.device(source.section)
        make_private_dir(app.folder)
        self.owner = lan_lock(app, source)
        self.questions: Owner | None = None  # of other commands, which a listener answers
        self._trace = trace
        self._stop = stop
        self._context = Recorded(app, stop, self._after, self._at_last)
        self._kept_at_once: int | None = None
        self.eoj = self.settings.eoj
        if self.settings.host:
            host = resolve(self.settings.host)
            self.aim(host, self._kin_at(host))
        else:
            known = self.recall()
            self.aim(known.host if known else "", known.eoj if known else self.eoj)

    def _kin_at(self, host: str) -> int:
        """Return the object to ask at an address of config.ini: another than configured if it was found there."""
        try:
            kept = (self.app.folder / "state.toml").read_bytes().upper()
        except OSError:
            return self.settings.eoj
        if not any(
            b"%04X" % kin in kept for kin in self.source.classes[1:]
        ):  # most have none: a poll is to start quickly
            return self.settings.eoj
        known = self.recall()
        return known.eoj if known and known.host == host else self.settings.eoj

    def aim(self, host: str, eoj: int) -> None:
        """Ask that object there from now on."""
        self.host, self.eoj = host, eoj
        accept_any = self.settings.accept == "any"
        first_tid = int(self.app.now().wall * 7) + os.getpid()
        search = None
        if self._stop and not self.settings.host:
            from homemon.sources.lan.searching import Search

            search, eoj = Search(self.recall, self.source), self.settings.eoj
        self.controller = Controller(host, eoj, accept_any, first_tid, self._own, self.source, search)

    def _own(self) -> OwnNode:
        """Return our node, whose ID is made once for each store; one that cannot be stored differs the next time."""
        from homemon.runtime import state

        kept = state.load(self.app.folder).node
        if kept is None:
            kept = state.OwnNode(os.urandom(ID_BYTES).hex().upper(), NOWHERE.hex())
            with suppress(StoreError):
                state.change(self.app.folder, lambda now: now._replace(node=now.node or kept))
                kept = state.load(self.app.folder).node or kept  # another command may have been quicker
        return OwnNode(bytes.fromhex(kept.id), bytes.fromhex(kept.place))

    def _keep_place(self, place: bytes) -> None:
        """Keep where somebody said that we are installed. Raise StoreError."""
        from homemon.runtime import state

        text = place.hex().upper()
        state.change(self.app.folder, lambda kept: kept._replace(node=kept.node and kept.node._replace(place=text)))

    def recall(self) -> Unit | None:
        """Return the device that is remembered, if it is the one that config.ini means."""
        from homemon.runtime import state

        unit = state.load(self.app.folder).units.get(self.source.section)
        return unit if unit and found_among(self.source, (unit.eoj,), self.settings.eoj) else None

    def remember(self, unit: Unit) -> None:
        """Keep where the device was found. Raise StoreError."""
        from homemon.runtime import state

        section = self.source.section
        state.change(self.app.folder, lambda kept: kept._replace(units={**kept.units, section: unit}))

    def open(self) -> UdpNode:
        """Return our port, bound. Raise PortError."""
        interrupts = [self._stop.handle] if self._stop else []
        interrupts += self.questions.handles if self.questions else ()
        return UdpNode(self.settings.bind, self.settings.port, self.app.trace(self._trace), interrupts)

    def answer_others(self) -> None:
        """Ask for other commands too from now on, as the port's owner."""
        from homemon.runtime.owner import Owner

        self.questions = Owner(self.app, self.owner, {"poll": Program(self._poll), "discover": Program(self._discover)})
        self._recall_at_once()

    def _poll(self, section: str) -> Dialogue[list[str]]:
        if section != self.source.section:
            raise ValueError
        return self.controller.answer()

    def _discover(self, *targets: str) -> Dialogue[list[str]]:
        from homemon.runtime.found import discovered

        bind = self.settings.bind
        addresses = [bind] if bind != ANY else [interface.address for interface in lan_interfaces()]
        return discovered(targets, int(self.app.now().wall * 7), addresses, self.source)

    def run(self, node: UdpNode, program: Dialogue[Any]) -> Any:
        """Run a program to its end and give its result.

        Raise what the program raises, PortError, StoreError, and Stopped.
        """
        port = LanPort(self, node)
        owned = self.questions.owned(port) if self.questions else port
        return run(self.controller, program, owned, self._context)

    def _after(self, step: Step) -> None:
        """Keep what was learned."""
        try:
            for fact in step.learned:
                if isinstance(fact, Unit):
                    self.remember(fact)
                else:
                    self._keep_place(fact)
        except StoreError as error:
            self.app.warn_once(str(error), error.hint)

    def _at_last(self, step: Step) -> None:
        if self.questions:
            self._keep_at_once()
            self.questions.take(step)

    def ask(self, node: UdpNode) -> None:
        """Ask as the device is known to take it, and keep what it turned out to take. Raise as `run`."""
        self._recall_at_once()
        self.run(node, self.controller.answer())
        self._keep_at_once()

    def _recall_at_once(self) -> None:
        with suppress(StoreError):
            self.controller.at_once = int(self.app.store.db.recall(self._at_once_name) or 0) or None
        self._kept_at_once = self.controller.at_once

    def _keep_at_once(self) -> None:
        at_once = self.controller.at_once
        if at_once is not None and at_once != self._kept_at_once:
            self._kept_at_once = at_once
            with suppress(StoreError):
                self.app.store.db.remember(**{self._at_once_name: at_once})

    @property
    def _at_once_name(self) -> str:
        return f"at_once {self.source.section} {self.controller.host}"


class LanPort:
    """Our UDP port as the controller's: datagrams come and go with the address of the other end."""

    def __init__(self, lan: Lan, node: UdpNode) -> None:
        self._lan = lan
        self._app = lan.app
        self._node = node
        self.now = lan.app.now

    def send(self, message: tuple[bytes, str]) -> None:
        """Send messages: a request that fails ends a poll, also a listener's; an answer that fails ends nothing."""
        data, host = message
        try:
            self._node.send(data, host, PORT)
        except PortError as error:
            if host == self._lan.host and not self._app.resident:
                raise
            if self._lan.questions and host in (self._lan.controller.host, MULTICAST):
                self._lan.questions.fail(error, only_begun=True)
            self._app.log(str(error))

    def receive(self, until: float) -> tuple[list[tuple[bytes, str]], Instant]:
        """Return what can be answered of what has come; all of it is traced."""
        datagrams = self._node.read(max(0.0, until - self.now().ticks))
        at = self.now()
        if self._node.is_homeless:
            self._app.warn_once(f"{self._lan.settings.bind} {HOMELESS}", HOMELESS_HINT)
        self._node.note(datagrams, at)
        if datagrams:
            self._lan.controller.presence.networks = self._node.networks
        return [(data, host) for data, host, port in datagrams if port], at
