"""The numbers that move, to every open page: Server-Sent Events (the HTML standard, 9.2).

One thread looks for new readings while somebody listens, reads them once for all, and wakes the streams. A stream is
what its request's thread writes: an event at once and whenever the numbers are others, and a comment now and then,
without which a reader that is gone would never be noticed.
"""

from collections.abc import Callable, Hashable, Iterator
from threading import Condition, Thread
from time import monotonic

MOST = 200  # streams at once
LOOK = 0.25  # seconds between two looks for a new reading
AGAIN = 2.0  # seconds after which numbers are read again that could not be read
COMMENT = 15.0  # seconds of silence before a comment
LONGEST = 3600.0  # seconds of a stream; its browser begins a new one
BEGIN = b"retry: 5000\n\n"  # milliseconds until a browser asks again after the end


class Live:
    """The streams of `read`, which gives the numbers of a language as JSON in one line, None where it cannot.

    `version` changes when there may be others.
    """

    def __init__(self, read: Callable[[str], bytes | None], version: Callable[[], Hashable]) -> None:
        self._read = read
        self._version = version
        self._known: Hashable = None
        self._latest: dict[str, bytes | None] = {}
        self._streams: set[Stream] = set()
        self._changed = Condition()
        self._ended = False
        Thread(target=self._watch, name="live", daemon=True).start()

    def open(self, language: str, is_gone: Callable[[], bool]) -> "Stream | None":
        """Return a new stream, None where there are too many; `is_gone` says that its reader has closed it."""
        with self._changed:
            if len(self._streams) >= MOST or self._ended:
                return None
            stream = Stream(self, language, is_gone)
            self._streams.add(stream)
            self._changed.notify_all()
        return stream

    def leave(self, stream: "Stream") -> None:
        """Forget a stream."""
        with self._changed:
            self._streams.discard(stream)

    def close(self) -> None:
        """End all streams."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait(self, stream: "Stream", said: bytes | None, within: float) -> bytes | None:
        """Return the numbers as soon as they are others than what was `said`; the same after so many seconds."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.is_over(stream) or self._latest.get(stream.language) not in (None, said), within
            )
            return self._latest.get(stream.language) or said

    def is_over(self, stream: "Stream") -> bool:
        """Return whether a stream is to end."""
        return self._ended or stream.is_gone()

    def _watch(self) -> None:
        while not self._ended:
            languages = self._wanted()
            version = self._version()
            if version != self._known or languages - self._latest.keys():
                latest = {language: self._read(language) for language in languages}
                with self._changed:
                    self._latest, self._known = latest, version if all(latest.values()) else None
                    self._changed.notify_all()
            with self._changed:
                if any(stream.is_gone() for stream in self._streams):
                    self._changed.notify_all()
                rest = LOOK if all(self._latest.values()) else AGAIN
                self._changed.wait_for(lambda: self._ended or self._asked() - self._latest.keys(), rest)

    def _wanted(self) -> set[str]:
        """Return the languages that are listened to, as soon as there is one."""
        with self._changed:
            if not self._streams:
                self._known, self._latest = None, {}
            self._changed.wait_for(lambda: self._streams or self._ended)
            return self._asked()

    def _asked(self) -> set[str]:
        return {stream.language for stream in self._streams}


class Stream:
    """One page's events, as WSGI iterates over them; closed by the server at the end, whether it began or not."""

    def __init__(self, live: Live, language: str, is_gone: Callable[[], bool]) -> None:
        self._live = live
        self.language = language
        self.is_gone = is_gone

    def __iter__(self) -> Iterator[bytes]:
        until = monotonic() + LONGEST
        said: bytes | None = None
        yield BEGIN
        while not self._live.is_over(self) and monotonic() < until:
            numbers = self._live.wait(self, said, COMMENT)
            yield b": \n\n" if numbers in (None, said) else b"data: %b\n\n" % numbers
            said = numbers

    def close(self) -> None:
        """Make room for another."""
        self._live.leave(self)
