"""The solar monitor's memory out of a trace: a dump that somebody else read.

What was taken for good, and what was not, shows in what was sent: an ACK takes what came since the
last thing sent, a NAK throws it away. Nothing is asked, so nothing depends on time.
"""

from homemon.sources.kyocera.protocol import ACK, REQUEST, BadCommand, Block, Command, Parser, announced

MOST = 65536  # bytes kept since the last thing sent; a block has 256


class Sniffer:
    """`total` is what the monitor announced, 0 until it did; `memory` what has been taken since the request."""

    def __init__(self) -> None:
        self.total = 0
        self.memory = bytearray()
        self._since = bytearray()  # the last thing sent
        self._asked = False

    def receive(self, data: bytes) -> None:
        """Take in bytes of the monitor."""
        if len(self._since) < MOST:
            self._since += data

    def sent(self, data: bytes) -> bytes | None:
        """Take in what was sent to the monitor; return the whole memory, where that ended a dump."""
        if data == REQUEST:
            whole = self.end()
            self._asked = True
            self.total, self.memory = 0, bytearray()
            self._since.clear()
            return whole
        whole = self._acknowledged() if data == ACK and self._asked else None
        self._since.clear()
        return whole

    def end(self) -> bytes | None:
        """Return the memory at the end of the record, where it was whole and only the end command was missing."""
        return self._whole() if self._asked and self.total and len(self.memory) == self.total else None

    def _acknowledged(self) -> bytes | None:
        parser = Parser()
        if not self.total:
            texts = [event.text for event in parser.feed(bytes(self._since)) if isinstance(event, Command)]
            self.total = next((total for total in map(announced, texts) if total), 0)
        elif len(self.memory) < self.total:
            parser.expect_block()
            events = parser.feed(bytes(self._since))
            if events and isinstance(events[0], Block):
                self.memory += events[0].data
        else:
            return self._whole()
        return None

    def _whole(self) -> bytes | None:
        """Return the memory, where an end command or nothing followed it: anything else is a block taken twice."""
        events = Parser().feed(bytes(self._since))
        self._asked = False
        ended = not self._since or any(isinstance(event, Command | BadCommand) for event in events)
        return bytes(self.memory) if ended else None
