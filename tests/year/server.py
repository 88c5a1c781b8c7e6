"""A server in virtual time that takes line protocol, and fails in every way that one does."""

from collections.abc import Callable, Sequence

from homemon.influx import Answer, Verdict

Fields = dict[str, str]


class Server:
    """Stands in for `influx.Influx`. `points` is what it holds: measurement with tags, and time → fields.

    `pass_time` lets a request take its time, and raises where the one who asks is gone.
    """

    def __init__(self, pass_time: Callable[[], None]) -> None:
        self.points: dict[tuple[str, str], Fields] = {}
        self.down = 0  # how many troubles keep it down
        self.mutters = ""  # "silent": takes all and never answers; "half": takes half, then 500; "busy": 429
        self._pass_time = pass_time

    def write(self, lines: Sequence[str]) -> Answer:
        """As `Influx.write`."""
        self._pass_time()
        if self.down:
            return Answer(Verdict.LATER, "cannot be reached")
        if self.mutters == "busy":
            return Answer(Verdict.LATER, "answered 429", 120.0)
        self._take(lines[: len(lines) // 2] if self.mutters == "half" else lines)
        self._pass_time()
        if self.mutters == "half":
            return Answer(Verdict.LATER, "answered 500")
        if self.mutters == "silent":
            return Answer(Verdict.LATER, "no answer within 10 s")
        return Answer(Verdict.TAKEN)

    def _take(self, lines: Sequence[str]) -> None:
        for line in lines:
            head, fields, time = line.split(" ")
            point = self.points.setdefault((head, time), {})
            for field in fields.split(","):
                name, _, value = field.partition("=")
                point[name] = value

    def lose_since(self, since: float) -> None:
        """What a server does that comes back from an old backup."""
        self.points = {key: fields for key, fields in self.points.items() if int(key[1]) < since * 1e9}
