"""Getting the lines of one head past those that a server fails on, in few requests.

A walk is a generator: it yields the lines to send next and is sent what became of them. It goes from the newest
line to the oldest in growing batches. A batch that fails is halved until the line stands alone that it fails on.
From there it leaps back, further each time, until a line gets through, and looks for the border in between: of a
week that a server cannot store, a dozen lines are tried and all that is older is sent.
"""

from collections.abc import Generator, Sequence

from homemon.delivery.verdicts import Answer, Verdict
from homemon.storage.outbox import Line, Outbox, Stretch

GROWTH = 8  # of a batch that got through, for the next
LEAP = 16  # the same for the lines that are stepped over
GOLDEN = 0.618034  # multiples of it lie evenly in a circle
GOT_THROUGH = (Verdict.TAKEN, Verdict.DATA_FAULT)  # of a line alone
Step = Generator[list[Line], Verdict, None]
Border = Generator[list[Line], Verdict, int]
Leap = Generator[list[Line], Verdict, tuple[int, int | None]]


class Walk:
    """The way through one stretch; `wanted` is what to send next, empty at the end.

    `failed` are the stretches of lines (first, last) on which the server failed. `attempt` counts the walks before
    that failed there: each looks elsewhere for lines that get through.
    """

    def __init__(
        self, store: Outbox, stretch: Stretch, without: Sequence[Stretch], full: int, attempt: int = 0
    ) -> None:
        self.stretch = stretch
        self.failed: list[tuple[int, int]] = []
        self.answer: Answer | None = None  # to the last line that failed
        self.begun = False
        self._store = store
        self._without = without
        self._full = full
        self._attempt = attempt
        self._steps = self._way()
        self.wanted: list[Line] = next(self._steps, [])

    def report(self, verdict: Verdict) -> None:
        """Report what became of the lines that were `wanted`."""
        self.begun = True
        try:
            self.wanted = self._steps.send(verdict)
        except StopIteration:
            self.wanted = []

    def give_up(self) -> None:
        """Take all that is left of the stretch for failing."""
        self.begun = True
        self.failed.append((self.stretch.first, self.wanted[0].time))
        self._steps.close()
        self.wanted = []

    def _look(self, first: int, last: int, limit: int, skip: int = 0) -> list[Line]:
        stretch = Stretch(self.stretch.head, first, last)
        return self._store.waiting_in(stretch, limit, skip, self._without)

    def _count(self, first: int, last: int) -> int:
        return self._store.count_waiting(Stretch(self.stretch.head, first, last), self._without)

    def _way(self) -> Step:
        last, size, most = self.stretch.last, 1, self._full
        spoiled, fits = 0, 0  # lines of which some failed together, and how many of them got through at once
        while batch := self._look(self.stretch.first, last, min(size, most)):
            verdict = yield batch
            if verdict is Verdict.TAKEN:
                last, fits = batch[-1].time - 1, max(fits, len(batch))
                if spoiled and spoiled <= len(batch):
                    most = fits  # each got through, so there were too many of them
                spoiled = max(0, spoiled - len(batch))
                size = (spoiled + 1) // 2 or len(batch) * GROWTH
            elif len(batch) > 1:
                size, spoiled, fits = len(batch) // 2, len(batch), 0
            else:
                last, size, spoiled = batch[0].time - 1, 1, 0
                if verdict is not Verdict.DATA_FAULT:
                    last = (yield from self._border(batch[0].time)) - 1

    def _border(self, top: int) -> Border:
        """Return the oldest line of the stretch of failing ones that begins with the one at `top`."""
        self.failed.append((top, top))
        bad, good = yield from self._leap(top)
        self.failed[-1] = (bad, top)
        while good is not None and (count := self._count(good + 1, bad - 1)):
            (line,) = self._look(good + 1, bad - 1, 1, count // 2)
            if (yield [line]) in GOT_THROUGH:
                good = line.time
            else:
                bad = line.time
            self.failed[-1] = (bad, top)
        return bad

    def _leap(self, top: int) -> Leap:
        """Return a failing line, and the first one found beyond it that gets through; None where none does."""
        before, bad, step = top, top, 1
        while line := self._back(bad, step):
            if (yield [line]) in GOT_THROUGH:
                return bad, line.time
            before, bad, step = bad, line.time, step * LEAP
            self.failed[-1] = (bad, top)
        for look in (2 * self._attempt, 2 * self._attempt + 1):  # the last leap may have passed over some
            if count := self._count(bad + 1, before - 1):
                (line,) = self._look(bad + 1, before - 1, 1, int(spread(look) * count))
                if (yield [line]) in GOT_THROUGH:
                    return before, line.time
        return bad, None

    def _back(self, time: int, step: int) -> Line | None:
        """Return the line so many lines back from one, or the last."""
        lines = self._look(self.stretch.first, time - 1, 1, step - 1)
        if not lines and (count := self._count(self.stretch.first, time - 1)):
            lines = self._look(self.stretch.first, time - 1, 1, count - 1)
        return lines[0] if lines else None


def spread(turn: int) -> float:
    """Return a number from 0 to 1, different each turn, and far from those before."""
    return (0.5 + turn * GOLDEN) % 1
