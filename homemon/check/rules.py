"""What is worth a notice: the rules as one table, judged out of facts; each begins, and is over, once."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from homemon.config.keys import Notify
from homemon.core.language import Text, said
from homemon.core.points import DAY, JST_AHEAD, Number, moment_text, number_text
from homemon.energy.load import Load, lasting
from homemon.sources.registry import NAMED
from homemon.sources.source import MINUTE, Source

RECENT = 10 * MINUTE  # of a load: so long it must have been lower before it is over
BACK = Decimal("1.2")  # times a threshold: what was below it is over when it is above that
MB = 1_000_000


class Silent(NamedTuple):
    """A source's series that are due and do not come: their labels, and when the last of them came (Unix seconds)."""

    source: Source
    labels: tuple[Text, ...]
    since: int


class Facts(NamedTuple):
    """What is the case `now` (Unix seconds); None, or empty, where that is not known or does not apply.

    `free` bytes are left on the store's disk. `currents` are in A, `demands` in kW with the `headroom` of the running
    half-hour. `tank` are L. `newest` has the time of the newest reading of each due series of each source. `waiting`
    points are held because the server fails; 0 where it does not.
    """

    now: int
    unreadable: bool | None = None
    free: int | None = None
    currents: Sequence[Load] = ()
    demands: Sequence[Load] = ()
    headroom: Decimal = Decimal(0)
    tank: Number | None = None
    newest: Sequence[tuple[Source, Mapping[str, int]]] = ()
    waiting: int | None = None


class Case(NamedTuple):
    """Whether a rule holds; None where it stays as it was. `words` go into its texts: a pair by the language."""

    holds: bool | None
    words: Mapping[str, Any] = {}


Cases = Mapping[str, Case]
"""By what the case is of: the section of a source; empty where there is only one."""


class Rule(NamedTuple):
    """A row. It is told when it has held for the minutes that the key `lasting` of [notify] says, else at once.

    Without a text for its end, that is not told. Where it begins, the rule `covers` need not be told of as well. What
    it `needs` to be judged is said in the log.
    """

    name: str
    look: Callable[[Facts, Notify], Cases]
    begin: Text
    end: Text = ("", "")
    lasting: str = ""
    covers: str = ""
    needs: str = ""


def _near(loads: Sequence[Load], facts: Facts, settings: Notify) -> Cases:
    recent = _recent(loads, facts)
    return _load(recent, facts, settings.load, _reaches(recent, 100) or lasting(recent, settings.load))


def _over(loads: Sequence[Load], facts: Facts) -> Cases:
    recent = _recent(loads, facts)
    return _load(recent, facts, 100, _reaches(recent, 100))


def _recent(loads: Sequence[Load], facts: Facts) -> list[Load]:
    return [load for load in loads if facts.now - RECENT < load.time <= facts.now]


def _reaches(loads: Sequence[Load], percent: int) -> bool:
    return any(load.percent >= percent for load in loads)


def _load(recent: Sequence[Load], facts: Facts, percent: int, begins: bool) -> Cases:
    if not recent:
        return {}
    most = max(recent, key=lambda load: load.amount)
    words = {
        "amount": f"{most.amount:.1f}",
        "limit": most.limit,
        "of": f"{most.percent:.0f}",
        "percent": percent,
        "headroom": f"{facts.headroom:.1f}",
        "at": moment_text(most.time, "%H:%M"),
    }
    return {"": Case(True if begins else None if _reaches(recent, percent) else False, words)}


def _tank(facts: Facts, settings: Notify) -> Cases:
    if facts.tank is None or not settings.tank:
        return {}
    words = {"now": number_text(facts.tank), "least": settings.tank}
    return {"": Case(_below(facts.tank, settings.tank), words)}


def _disk(facts: Facts, settings: Notify) -> Cases:
    if facts.free is None or not settings.disk:
        return {}
    return {"": Case(_below(facts.free, settings.disk * MB), {"free": facts.free // MB})}


def _below(value: Number, least: int) -> bool | None:
    """Return whether a value is below a threshold; None where it is above, but not by much."""
    return True if value < least else False if value >= least * BACK else None


def _silent(facts: Facts, settings: Notify) -> Cases:
    return {source.section: _silence(source, times, facts.now, settings) for source, times in facts.newest if times}


def _silence(source: Source, times: Mapping[str, int], now: int, settings: Notify) -> Case:
    late = {name: time for name, time in times.items() if now - time > _limit(name, settings)}
    labels = [NAMED[name].label for name in late]
    words = {
        "source": source.name,
        "what": ("、".join(label[0] for label in labels), ", ".join(label[1] for label in labels)),
        "since": moment_text(min(late.values(), default=now), "%m-%d %H:%M"),
    }
    return Case(bool(late), words)


def _limit(name: str, settings: Notify) -> int:
    return max(settings.stale * MINUTE, NAMED[name].stale or 0)


def _held(facts: Facts, settings: Notify) -> Cases:
    return {} if facts.waiting is None else {"": Case(facts.waiting > 0, {"waiting": f"{facts.waiting:,}"})}


def _store(facts: Facts, settings: Notify) -> Cases:
    return {} if facts.unreadable is None else {"": Case(facts.unreadable)}


POWER = "and power in the last 10 minutes"
CURRENT = f"[contract] with ampere or kva, {POWER}"
DEMAND = f"[contract] with kw, or with a plan of real demand and a month of half-hours, {POWER}"
RULES = (
    Rule(
        "current over",
        lambda facts, settings: _over(facts.currents, facts),
        (
            "電流が契約を超えました: {at} に {amount} A (契約 {limit} A)",
            "More current than the contract allows: {amount} A at {at}, of {limit} A",
        ),
        covers="current near",
        needs=CURRENT,
    ),
    Rule(
        "current near",
        lambda facts, settings: _near(facts.currents, facts, settings),
        (
            "電流が契約の{of}%です: {at} に {amount} A (契約 {limit} A)",
            "The current is {of} % of the contract: {amount} A at {at}, of {limit} A",
        ),
        ("電流は契約の{percent}%未満に戻りました", "The current is below {percent} % of the contract again"),
        needs=CURRENT,
    ),
    Rule(
        "demand over",
        lambda facts, settings: _over(facts.demands, facts),
        (
            "この30分の需要電力が契約を超えそうです: {amount} kW (契約 {limit} kW)。"
            "残り時間は平均 {headroom} kW までです",
            "This half-hour will come to more than the contract: {amount} kW of {limit} kW. "
            "Up to its end there is room for {headroom} kW",
        ),
        covers="demand near",
        needs=DEMAND,
    ),
    Rule(
        "demand near",
        lambda facts, settings: _near(facts.demands, facts, settings),
        (
            "この30分の需要電力が契約の{of}%になりそうです: {amount} kW (契約 {limit} kW)。"
            "残り時間は平均 {headroom} kW までです",
            "This half-hour will come to {of} % of the contract: {amount} kW of {limit} kW. "
            "Up to its end there is room for {headroom} kW",
        ),
        ("需要電力は契約の{percent}%未満に戻りました", "The demand is below {percent} % of the contract again"),
        needs=DEMAND,
    ),
    Rule(
        "hot water",
        _tank,
        ("残湯量が {now} L です ({least} L 未満)", "Hot water left: {now} L, less than {least} L"),
        ("残湯量は {now} L に戻りました", "Hot water left: {now} L again"),
        needs="[ecocute], tank above 0 in [notify], and a reading of it that is not stale",
    ),
    Rule(
        "stale",
        _silent,
        (
            "{source}の値が届いていません: {what} ({since} から)。`homemon check` が原因を示します",
            "No readings of the {source} since {since}: {what}. `homemon check` shows why",
        ),
        ("{source}の値が再び届くようになりました", "Readings of the {source} come again"),
        needs="a first reading",
    ),
    Rule(
        "held",
        _held,
        (
            "サーバーに送れません: {waiting} 件が待っています。値は保存されています。`homemon status` が原因を示します",
            "The server takes nothing: {waiting} points wait, and are stored. `homemon status` shows why",
        ),
        ("サーバーへの送信が再開しました", "The server takes points again"),
        lasting="held",
        needs="[server]",
    ),
    Rule(
        "disk",
        _disk,
        ("ディスクの空きが {free} MB です", "The disk is nearly full: {free} MB are free"),
        ("ディスクの空きは {free} MB に戻りました", "The disk has space again: {free} MB are free"),
        needs="disk above 0 in [notify]",
    ),
    Rule(
        "store",
        _store,
        (
            "保存先を読めません。`homemon check` が原因を示します",
            "The store cannot be read. `homemon check` shows why",
        ),
        ("保存先を再び読めるようになりました", "The store can be read again"),
    ),
)


class Begun(NamedTuple):
    """Since when a rule holds (Unix seconds), and whether that was told."""

    since: int
    told: bool


def judge(
    facts: Facts, settings: Notify, begun: Mapping[str, Begun], language: str
) -> tuple[list[str], dict[str, Begun]]:
    """Return what is to be told now, and what holds from now on; `begun` is what held at the last time, by its key.

    What is not known now stays as it was.
    """
    holds, texts = dict(begun), dict[str, str]()
    for rule in RULES:
        for subject, case in rule.look(facts, settings).items():
            key = f"{rule.name} {subject}".rstrip()
            is_now = _next(rule, case, begun.get(key), facts.now, settings)
            if text := _told(rule, begun.get(key), is_now):
                texts[key] = said(text, language, **case.words)
            holds.pop(key, None)
            holds |= {key: is_now} if is_now else {}
    covered = {rule.covers for rule in RULES if rule.name in texts}
    return [text for key, text in texts.items() if key not in covered], holds


def unjudged(facts: Facts, settings: Notify) -> list[str]:
    """Return, of each rule that cannot be judged now, what it needs."""
    return [
        f"the rule {rule.name} needs {rule.needs}" for rule in RULES if rule.needs and not rule.look(facts, settings)
    ]


def _next(rule: Rule, case: Case, was: Begun | None, now: int, settings: Notify) -> Begun | None:
    """Return what a rule is from now on; None where it does not hold."""
    if case.holds is None or (case.holds is False and was is None):
        return was
    if not case.holds:
        return None
    since = min(was.since, now) if was else now
    lasts = getattr(settings, rule.lasting) * MINUTE if rule.lasting else 0
    return Begun(since, bool(was and was.told) or now - since >= lasts)


def _told(rule: Rule, was: Begun | None, is_now: Begun | None) -> Text | None:
    """Return which text a change is told by; None where there is nothing to tell."""
    before, after = bool(was and was.told), bool(is_now and is_now.told)
    if before == after:
        return None
    return rule.begin if after else rule.end if all(rule.end) else None


def is_quiet(settings: Notify, now: int) -> bool:
    """Return whether nobody is to be disturbed."""
    if settings.quiet is None:
        return False
    (since, until), minute = settings.quiet, minute_of_day(now)
    return since <= minute < until if since < until else minute >= since or minute < until


def minute_of_day(now: int) -> int:
    """Return the minutes since midnight in Japan."""
    return (now + JST_AHEAD) % DAY // MINUTE
