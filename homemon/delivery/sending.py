"""One round of sending, to a server that may be well, down, or ill in part.

While all is well, what waits goes in large batches, the newest first. Once a batch fails, each head (measurement
and tags) goes its own way (`walk`), all of them in turn, so that none waits behind another. If the newest line of
every head fails and so do older ones of one of them, the server is ill as a whole: the round is over after a few
requests, and the next one begins with a single line, each time another. If some get through, all do that can.

A line that the server finds fault with is parked only where something else shows that it takes lines: else it may
be the request that is at fault, and all is kept.
"""

from collections import deque
from collections.abc import Callable, Sequence

from homemon.delivery.held import Held
from homemon.delivery.verdicts import Answer, Verdict
from homemon.delivery.walk import Walk, spread
from homemon.storage.outbox import NOTHING, Batch, Line, Outbox, Stretch, together

STRIKES = 60  # requests of a round that may fail
IN_VAIN = 8  # the same, while the newest line of each head failed and no other got through
UNANSWERED = 15  # strikes that a request counts to which no answer came, as it takes long
EACH_REFUSED = "it refuses every point with these words, so none of them is at fault"


class Round:
    """What one round does and finds out. `push` sends lines; `over` says whether its time is over.

    `ready` are the lines that the server failed on before and that are tried again now, `asleep` those that are not.
    """

    def __init__(
        self,
        store: Outbox,
        push: Callable[[Batch, Callable[[], None]], Answer],
        over: Callable[[], bool],
        full: int,
        ready: Sequence[Held],
        asleep: Sequence[Held],
    ) -> None:
        self.sent = 0
        self.trouble: Answer | None = None  # of the server as a whole
        self.passed = False  # something got through, or was parked
        self.refused = ""  # what it said of the last line that was parked
        self.unfinished = False
        self.failure: Answer | None = None  # the first one
        self.walks: list[Walk] = []
        self.again: list[tuple[Held, Walk]] = []  # the walks through what was ready
        self._store, self._push, self._over, self._full = store, push, over, full
        self._taken = NOTHING  # what the server took, and is still to be marked
        self._ready = sorted(ready, key=lambda held: held.retry_at)
        self._asleep = [held.stretch for held in asleep]
        self._held = [*self._asleep, *(held.stretch for held in ready)]
        self._heads: list[Stretch] = []
        self._suspects: list[tuple[str, Line, Answer]] = []
        self._takes_others: bool | None = None
        self._strikes = STRIKES

    def in_batches(self) -> bool:
        """Send all that waits in large batches; whether nothing failed, or a second try would be in vain.

        While the server works on one of them, the one before it is marked and the next one is read.
        """
        size, ahead = self._full, NOTHING

        def meanwhile() -> None:
            nonlocal ahead
            self._mark()
            if len(batch.rows) >= size:
                ahead = self._store.waiting(size, self._held, batch)

        while not self._over() and (batch := ahead if ahead.rows else self._next(size)).rows:
            ahead = NOTHING
            answer = self._hand_over(batch, meanwhile)
            if answer.verdict is Verdict.TAKEN:
                continue
            ahead = NOTHING
            if answer.verdict is Verdict.TOO_BIG and size > 1:
                size = max(1, min(size, len(batch.rows)) // 2)
                continue
            if self._in_vain(answer, self.sent > 0):
                self.trouble = answer
                return True
            return False
        self._mark()
        return True

    def one_by_one(self, turn: int, cautious: bool) -> None:
        """Find out what gets through, and send it. `turn` has another head begin each time.

        `cautious`: nothing got through last time. Unless one line does now, nothing more is sent.
        """
        self._heads = self._store.waiting_heads(self._asleep)
        if not cautious or not self._heads or self._ventured(turn):
            heads = self._store.waiting_heads(self._held)
            turn %= max(1, len(heads))
            self.walks = [Walk(self._store, stretch, self._held, self._full) for stretch in heads[turn:] + heads[:turn]]
            self._go(self.walks)
        self._doubt()
        if not self.passed:
            self.trouble = self.trouble or self.failure

    def once_more(self) -> None:
        """Try again what the server failed on before; if it does so again, that says nothing of the rest."""
        self._strikes, unfinished = STRIKES, self.unfinished
        self.passed = self.passed or self.sent > 0
        self._heads = self._heads or self._store.waiting_heads(self._asleep)
        for held in self._ready:
            self.again.append((held, Walk(self._store, held.stretch, self._asleep, self._full, held.failures)))
        self._go([walk for _, walk in self.again], known=True)
        self._doubt()
        self.unfinished = unfinished
        if self.trouble and not self.trouble.retry_after:
            self.trouble = None

    def _doubt(self) -> None:
        """Keep lines that the server rejects while nothing shows that they are at fault."""
        if self._suspects and not self._believed():
            answer = self._suspects[0][2]
            self.failure = answer._replace(verdict=Verdict.HOLD, text=f"{answer.text}; {EACH_REFUSED}")
            self._suspects.clear()

    def _ventured(self, turn: int) -> bool:
        """Return whether one line gets through: by turns the newest and an older one, each time of the next head."""
        heads = self._store.waiting_heads(self._held) or self._heads
        without = self._held if heads is not self._heads else self._asleep
        before, older = divmod(turn, 2)
        which = before % len(heads)
        count = self._store.count_waiting(heads[which], without) if older else 1
        skip = int(spread(before - 1) * count) if before else count - 1
        (line,) = self._store.waiting_in(heads[which], 1, skip, without)
        answer = self._send([line])
        if answer.verdict is Verdict.TAKEN:
            self._pass()
        elif answer.verdict is Verdict.DATA_FAULT:
            self._suspect(heads[which].head, line, answer)
        else:
            self.failure = answer
        return self.passed or self._believed()

    def _go(self, walks: Sequence[Walk], known: bool = False) -> None:
        """Advance all walks in turn, a request each, until they are at their end or too much fails."""
        queue = deque(walk for walk in walks if walk.wanted)
        untried, later, in_vain = set(queue), list[Walk](), known
        while queue and self._strikes > 0 and not self._over():
            walk = queue[0]
            untried.discard(walk)
            if not self._step(walk):
                break
            queue.popleft()
            if walk.wanted:
                queue.append(walk)
            if self.passed:
                queue += later
                later = []
            elif not untried and not in_vain and not self._believed():
                in_vain, self._strikes = True, min(self._strikes, IN_VAIN)
                queue, later = self._longest(queue)
        self.unfinished = bool(queue or later)

    def _longest(self, queue: "deque[Walk]") -> "tuple[deque[Walk], list[Walk]]":
        """Return the walk that leads back furthest, and the others."""
        walks = sorted(queue, key=lambda walk: walk.stretch.first)
        return deque(walks[:1]), walks[1:]

    def _step(self, walk: Walk) -> bool:
        """Make one request; return whether the round goes on."""
        lines = walk.wanted
        answer = self._send(lines)
        alone = len(lines) == 1
        if answer.verdict is Verdict.TAKEN:
            self._pass()
        elif answer.verdict is Verdict.DATA_FAULT and alone:
            self._suspect(walk.stretch.head, lines[0], answer)
        elif answer.verdict is not Verdict.DATA_FAULT:
            self._strike(answer)
            walk.answer = answer if alone else walk.answer
            if self._in_vain(answer, self.passed):
                self.trouble = answer
                if self.passed and alone:
                    walk.give_up()  # it may be about this head only: the others do not wait for it next time
                return False
        walk.report(answer.verdict)
        return True

    def _next(self, size: int) -> Batch:
        """Return the next batch, once what was taken is marked."""
        self._mark()
        return self._store.waiting(size, self._held)

    def _send(self, lines: Sequence[Line]) -> Answer:
        """Send lines, and mark them where the server took them."""
        answer = self._hand_over(together(lines), lambda: None)
        self._mark()
        return answer

    def _hand_over(self, batch: Batch, meanwhile: Callable[[], None]) -> Answer:
        """Send a batch, which is marked later where the server took it."""
        answer = self._push(batch, meanwhile)
        self._mark()  # the one before, where this one was not even sent
        if answer.verdict is Verdict.TAKEN:
            self.sent += len(batch.texts)
            self._taken = batch
        return answer

    def _mark(self) -> None:
        """Mark what the server took last."""
        taken, self._taken = self._taken, NOTHING
        self._store.mark_sent(taken)

    def _in_vain(self, answer: Answer, passed: bool) -> bool:
        """Return whether more requests would be a nuisance to the server, after an answer to one that failed."""
        ill_in_part = passed or (bool(self._held) and not answer.unanswered)
        return answer.retry_after > 0 or (answer.whole and not ill_in_part)

    def _strike(self, answer: Answer) -> None:
        self.failure = self.failure or answer
        self._strikes -= UNANSWERED if answer.unanswered else 1

    # --- what the server finds fault with --------------------------------------------------

    def _pass(self) -> None:
        """Record that the server takes lines: those it rejects are at fault."""
        if not self.passed:
            self.passed = True
            self._strikes = STRIKES
        for _, line, answer in self._suspects:
            self._store.park(line, answer.text)
            self.refused = answer.text
        self._suspects.clear()

    def _suspect(self, head: str, line: Line, answer: Answer) -> None:
        """Note that the server rejects a line."""
        self._suspects.append((head, line, answer))
        if self.passed:
            self._pass()
        else:
            self._strikes -= 1

    def _believed(self) -> bool:
        """Return whether rejected lines are at fault: the server takes another, or it names what is wrong with them."""
        if self._takes_others is None and self._suspects:
            self._takes_others = self._takes_another()
        if self._suspects and (self._takes_others or self._named()):
            self._pass()
        return self.passed

    def _takes_another(self) -> bool:
        """Return whether the server takes a line that it took before, preferably of another head; it overwrites."""
        suspected = {head for head, _, _ in self._suspects}
        for head in sorted(self._store.heads(), key=lambda head: head in suspected):
            if line := self._store.newest_sent(head):
                return self._push(together([line]), lambda: None).verdict is Verdict.TAKEN
        return False

    def _named(self) -> bool:
        """Return whether the server says what is wrong with the data, and does not say so of every head."""
        differs = len(self._heads) == 1 or self.failure is not None
        return differs and all(answer.certain for _, _, answer in self._suspects)
