"""Carries out what a `Controller` decides, on a real UDP port: the loop that both EcoCute commands share."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue
from homemon.core.errors import PortError, StoreError
from homemon.core.files import Lock, make_private_dir
from homemon.echonet.codec import PORT, Unit
from homemon.echonet.own_node import ID_BYTES, NOWHERE, OwnNode
from homemon.ports.udp_node import Datagram, UdpNode, resolve
from homemon.runtime.context import App
from homemon.runtime.stop import Stop, Stopped
from homemon.sources.lan.controller import Controller, Step
from homemon.sources.lan.reports import found_among
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source

if TYPE_CHECKING:
    from homemon.ports.trace import Trace

LISTENER = "ecocute-listen"
HOMELESS = "([ecocute] bind) is no address of this machine any more; nothing reaches it"
HOMELESS_HINT = "Write the present one (`ip address`), or 0.0.0.0 for all of them, into [ecocute] bind and start again."
STORE_AGAIN_AFTER = 5.0  # seconds


def lan_lock(app: App, source: Source = ECOCUTE) -> Lock:
    """Who holds our UDP port."""
    settings = app.device(source.section)
    return Lock(app.folder / f"udp-{settings.bind}-{settings.port}.lock")


def pipe_of(app: App, source: Source = ECOCUTE) -> Path:
    """Through which who holds our UDP port passes on what it hears."""
    settings = app.device(source.section)
    return app.folder / f"udp-{settings.bind}-{settings.port}.heard"


def search_lock(app: App) -> Lock:
    """Who searches the LAN."""
    return Lock(app.folder / "search.lock")


class Lan:
    """One command's place on the LAN: its controller, its lock, and how readings leave it.

    `host` is where the device of the row `source` is asked, by config.ini or as remembered; empty while that is
    not known.
    `overhear` is called with all that a listener hears.
    """

    def __init__(self, app: App, trace: str | None = None, stop: Stop | None = None, source: Source = ECOCUTE) -> None:
        self.app = app
        self.source = source
        self.settings = app.device(source.section)
        make_private_dir(app.folder)
        self.owner = lan_lock(app, source)
        self.overhear: Callable[[list[Datagram]], None] = lambda datagrams: None
        self._trace = trace
        self._stop = stop
        self.eoj = self.settings.eoj
        if self.settings.host:
            host = resolve(self.settings.host)
            self.aim(host, self._kin_at(host))
        else:
            known = self.recall()
            self.aim(known.host if known else "", known.eoj if known else self.eoj)

    def _kin_at(self, host: str) -> int:
        """The object to ask at an address of config.ini: another than that of config.ini if it was found there."""
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
        if self._stop and not self.settings.host:
            from homemon.sources.lan.seeker import Seeker

            turn = search_lock(self.app)
            self.controller: Controller = Seeker(
                self.recall, turn, self.settings.eoj, accept_any, first_tid, self._own, self.source
            )
        else:
            self.controller = Controller(host, eoj, accept_any, first_tid, self._own, self.source)

    def _own(self) -> OwnNode:
        """Our node, whose ID is made once for each store; one that cannot be kept is another one the next time."""
        from homemon.runtime import state

        kept = state.load(self.app.folder).node
        if kept is None:
            kept = state.OwnNode(os.urandom(ID_BYTES).hex().upper(), NOWHERE.hex())
            with suppress(StoreError):
                state.change(self.app.folder, lambda now: now._replace(node=now.node or kept))
                kept = state.load(self.app.folder).node or kept  # another command may have been quicker
        return OwnNode(bytes.fromhex(kept.id), bytes.fromhex(kept.place))

    def _keep_place(self, place: bytes) -> None:
        """Keep where somebody said that we are installed. Raises StoreError."""
        from homemon.runtime import state

        def placed(kept: state.State) -> state.State:
            return kept._replace(node=kept.node and kept.node._replace(place=place.hex().upper()))

        state.change(self.app.folder, placed)

    def recall(self) -> Unit | None:
        """The device that is remembered, if it is the one that config.ini means."""
        from homemon.runtime import state

        unit = state.load(self.app.folder).units.get(self.source.section)
        return unit if unit and found_among(self.source, (unit.eoj,), self.settings.eoj) else None

    def remember(self, unit: Unit) -> None:
        """Keep where the device was found. Raises StoreError."""
        from homemon.runtime import state

        section = self.source.section
        state.change(self.app.folder, lambda kept: kept._replace(units={**kept.units, section: unit}))

    def trace(self) -> "Trace | None":
        """The transcript, where one is wanted. Raises PortError."""
        return self.app.trace(self._trace)

    def open(self) -> UdpNode:
        """Our port, bound. Raises PortError."""
        return self._node(self.settings.port)

    def knock(self, and_what: bool = False) -> None:
        """Ask from another port; who holds ours hears the answer, unless the unit answers the asking port.

        With `and_what` also what objects it has: who hears that remembers it.
        """
        if self.settings.host:
            self.aim(self.host, self._kin_at(self.host))
        with self._node(0) as node:
            self.run(node, self.controller.ask_once(and_what))

    def _node(self, port: int) -> UdpNode:
        return UdpNode(self.settings.bind, port, self.trace(), self._stop.handle if self._stop else None)

    def run(self, node: UdpNode, program: Dialogue[Any]) -> Any:
        """Run a program to its end and give its result.

        Raises what the program raises, PortError, StoreError, and Stopped.
        """
        at = self.app.now()
        step = self.controller.start(program, at.ticks)
        try:
            while True:
                self._carry_out(step, at, node)
                if step.done:
                    return step.result
                if self._stop and self._stop.requested:
                    raise Stopped
                wake = step.wake if not self.app.recorder.unstored else min(step.wake, at.ticks + STORE_AGAIN_AFTER)
                datagrams = node.read(max(0.0, wake - at.ticks))
                at = self.app.now()
                if node.is_homeless:
                    self.app.complain_once(f"{self.settings.bind} {HOMELESS}", HOMELESS_HINT)
                node.note(datagrams, at)
                self.overhear(datagrams)
                if datagrams:
                    self.controller.networks = node.networks
                step = self.controller.step(at.ticks, [(data, host) for data, host, port in datagrams if port])
        except BaseException:
            self.app.record(self.controller.take_points(), at)
            raise

    def _carry_out(self, step: Step, at: Instant, node: UdpNode) -> None:
        self.app.record(step.points, at)
        for point, ago in step.late:
            self.app.record([point], at.earlier(ago))
        for note in step.notes:
            self.app.remark(note)
        for complaint in step.complaints:
            self.app.complain_once(complaint)
        for data, host in step.send:
            self._send(node, data, host)
        try:
            if step.found:
                self.remember(step.found)
            if step.place:
                self._keep_place(step.place)
        except StoreError as error:
            self.app.complain_once(str(error), error.hint)

    def _send(self, node: UdpNode, data: bytes, host: str) -> None:
        """A question that cannot be sent ends a poll; an answer to somebody ends nothing."""
        try:
            node.send(data, host, PORT)
        except PortError as error:
            if host == self.host and not self.app.patient:
                raise
            self.app.log(str(error))
