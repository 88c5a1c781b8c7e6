"""Carries out what a `Controller` decides, on a real UDP port: the loop that both EcoCute commands share."""

import os
from pathlib import Path
from typing import Any

from homemon.cli.app import App
from homemon.cli.stop import Stop, Stopped
from homemon.controller import Controller
from homemon.errors import PortError
from homemon.files import Lock, make_private_dir
from homemon.ports.trace import Trace
from homemon.ports.udp_node import UdpNode, resolve
from homemon.wire.dialogue import Dialogue
from homemon.wire.echonet import PORT

LISTENER = "ecocute-listen"
STORE_AGAIN_AFTER = 5.0  # seconds


def lan_lock(app: App) -> Lock:
    """Who holds our UDP port."""
    return Lock(app.folder / f"udp-{app.ecocute.bind}-{app.ecocute.port}.lock")


class Lan:
    """One command's place on the LAN: its controller, its lock, and how readings leave it."""

    def __init__(self, app: App, trace: str | None = None, stop: Stop | None = None) -> None:
        self.app = app
        self.settings = app.ecocute
        make_private_dir(app.folder)
        self.owner = lan_lock(app)
        self._trace = trace
        self._stop = stop
        self._host = resolve(self.settings.host)
        first_tid = int(app.now().wall * 7) + os.getpid()
        self.controller = Controller(self._host, self.settings.eoj, self.settings.accept == "any", first_tid)

    def open(self) -> UdpNode:
        """Our port, bound. Raises PortError."""
        return self._node(self.settings.port)

    def knock(self) -> None:
        """Ask from another port; who holds ours hears the answer, unless the unit answers the asking port."""
        with self._node(0) as node:
            self.run(node, self.controller.ask_once())

    def _node(self, port: int) -> UdpNode:
        trace = Trace(Path(self._trace)) if self._trace else None
        return UdpNode(self.settings.bind, port, trace, self._stop.handle if self._stop else None)

    def run(self, node: UdpNode, program: Dialogue[Any]) -> Any:
        """Run a program to its end and give its result.

        Raises what the program raises, PortError, StoreError, and Stopped.
        """
        at = self.app.now()
        step = self.controller.start(program, at.ticks)
        try:
            while True:
                self.app.record(step.points, at)
                for note in step.notes:
                    self.app.remark(note)
                for data, host in step.send:
                    self._send(node, data, host)
                if step.done:
                    return step.result
                if self._stop and self._stop.requested:
                    raise Stopped
                wake = step.wake if not self.app.recorder.unstored else min(step.wake, at.ticks + STORE_AGAIN_AFTER)
                datagrams = node.read(max(0.0, wake - at.ticks))
                at = self.app.now()
                step = self.controller.step(at.ticks, [(data, host) for data, host, _ in datagrams])
        except BaseException:
            self.app.record(self.controller.take_points(), at)
            raise

    def _send(self, node: UdpNode, data: bytes, host: str) -> None:
        """A question that cannot be sent ends a poll; an answer to somebody ends nothing."""
        try:
            node.send(data, host, PORT)
        except PortError as error:
            if host == self._host and not self.app.patient:
                raise
            self.app.log(str(error))
