"""Which properties to ask a device for next, by what it has shown that it can.

Devices of the field answer only the first few of many properties, refuse all of a question for one that they dislike,
or are silent then; one property a question they nearly all answer. So what did not come is asked for again, in
smaller questions, and how many a device takes at once is worth remembering (`at_once`).
"""

from collections.abc import Collection, Sequence

WHOLE_TRIES = 2  # a datagram gets lost now and then: that says nothing of the device
MOST_SILENT = 3  # single questions without an answer, before the device has said anything


class Questions:
    """The questions of one poll for the properties `wanted`, by EPC; `at_once` is None where nothing is known.

    `take` what `next` gives, and say what came of it: `answered` or `silent`.
    """

    def __init__(self, wanted: Sequence[int], at_once: int | None = None) -> None:
        self.at_once = at_once
        self.missing: list[int] = []  # what the device never answered
        self._pending = list(wanted)
        self._several = len(wanted) > 1
        self._silences = 0
        self._has_answered = False
        self._left_out: set[int] = set()  # asked for alone, without an answer

    def next(self) -> tuple[int, ...]:
        """Return the properties of the next question; none where there is nothing left to ask."""
        if not self._has_answered and self._silences >= WHOLE_TRIES + MOST_SILENT:
            self.missing += self._pending
            self._pending = []
        return tuple(self._pending[: self._size])

    @property
    def _whole_failed(self) -> bool:
        return not self._has_answered and self._silences >= WHOLE_TRIES

    @property
    def _size(self) -> int:
        return 1 if self._whole_failed else self.at_once or len(self._pending)

    def answered(self, asked: Sequence[int], reported: Collection[int], refused: Collection[int]) -> None:
        """Take in an answer to `asked`: which properties it reported, and which it refused (without an EDT).

        `asked` is empty where the answer is a late one, to an earlier question.
        """
        settled = set(reported) | set(refused)
        if not settled:
            self.silent(asked)
            return
        if self._whole_failed and self._several and len(asked) == 1 and settled <= set(asked):
            self.at_once = 1
        self._has_answered = True
        if len(asked) != 1 and not reported:  # for one of them, maybe
            self.at_once = 1
            return
        if 0 < len(settled & set(asked)) < len(asked):
            self.at_once = len(settled & set(asked))
        self._pending = [epc for epc in self._pending if epc not in settled]

    def silent(self, asked: Sequence[int]) -> None:
        """Take in that no answer came in time."""
        self._silences += 1
        if len(asked) == 1 and (self._has_answered or self._silences > WHOLE_TRIES):
            self._pending.remove(asked[0])
            again = self._has_answered and asked[0] not in self._left_out  # it may have been lost: once more, at last
            (self._pending if again else self.missing).append(asked[0])
            self._left_out.add(asked[0])
        elif self._has_answered:
            self.at_once = 1
