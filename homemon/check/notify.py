"""One round of `homemon notify`: what is the case, what of it is news, and whom it is told."""

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from homemon.check.rules import Begun, Facts, is_quiet, judge, unjudged
from homemon.check.summaries import LAST, Due, due, summary
from homemon.config.keys import Contract
from homemon.core.clock import Instant
from homemon.core.errors import ConfigError, HomemonError, StoreError
from homemon.core.files import Lock, make_private_dir
from homemon.core.language import Text, said
from homemon.core.points import HALF_HOUR, Number
from homemon.delivery.notices import Notices
from homemon.delivery.services import services
from homemon.energy import load
from homemon.energy.periods import day_of
from homemon.runtime import energy, ledger, sinks
from homemon.runtime.context import App
from homemon.runtime.newest import AHEAD, latest
from homemon.sources.registry import ECOCUTE, ENDS_LATER, SERIES, SOURCES
from homemon.sources.source import MINUTE, Source

TEST: Text = ("homemon からの通知の試験です", "homemon: a test notice")
FAILED: Text = (
    "{title}: 集計できません。`homemon energy` が原因を示します",
    "{title}: `homemon energy` shows why it is not known",
)


def run(app: App, language: str, test: bool = False) -> int:
    """Judge, keep, and send what waits; return the exit status: 1 where a service does not take it.

    Where another round is under way, nothing is done. Raise ConfigError, StoreError.
    """
    settings = app.notify
    make_private_dir(app.folder)
    lock = Lock(app.folder / "notify.lock")
    if not lock.take():
        app.log("another notify runs")
        return 0
    try:
        return _round(app, settings.language or language, test)
    finally:
        lock.drop()


def _round(app: App, language: str, test: bool) -> int:
    settings, at = app.notify, app.now()
    now, known, notices = int(at.wall), services(app.notify), Notices(app.folder)
    texts, notices.judged = news(app, at, notices.judged, language)
    notices.add(texts, known, now)
    notices.save()
    probe = said(TEST, language) if test else ""
    if not app.quiet:
        for text in filter(None, [*texts, probe]):
            app.show(text)
    if is_quiet(settings, now) and not test:
        app.log("quiet hours: what is to be told waits")
        return 0
    status = 0
    for fault, is_news in notices.deliver(known, now, probe):
        status = 1
        (app.warn if is_news else app.log)(fault)
    return status


def news(app: App, at: Instant, judged: Mapping[str, Any], language: str) -> tuple[list[str], dict[str, Any]]:
    """Return what is to be told, and what is to be kept of it, as JSON has it."""
    facts, is_dated = gathered(app, at)
    for rule in unjudged(facts, app.notify):
        app.log(f"not judged: {rule}")
    texts, begun = judge(facts, app.notify, _begun(judged), language)
    told = {name: label for name in LAST if isinstance(label := judged.get(name), str)}
    kept = {"begun": begun, **told}
    if not is_dated:
        return texts, kept | ({"since": judged["since"]} if "since" in judged else {})
    since = _since(judged, facts.now)
    for one in due(app.notify, app.config.contracts, told, facts.now, since):
        texts += [text] if (text := _summed_up(app, one, language)) else []
        kept[one.name] = one.period.label
    return texts, {**kept, "since": since}


def _since(judged: Mapping[str, Any], now: int) -> int:
    """Return when `notify` first ran, Unix seconds; 0 where that was before it kept this."""
    since = judged.get("since", 0 if LAST.keys() & judged.keys() else now)
    return since if isinstance(since, int) else now


def _begun(judged: Mapping[str, Any]) -> dict[str, Begun]:
    """Return what held at the last time; nothing where that cannot be read."""
    try:
        return {key: Begun(int(since), bool(told)) for key, (since, told) in judged["begun"].items()}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _summed_up(app: App, one: Due, language: str) -> str:
    try:
        rows = ledger.rows(app, one.by, one.period.start, one.period.end)
    except HomemonError as error:
        app.log(f"{one.period.label}: {error}")
        return said(FAILED, language, title=one.title)
    return summary(one, rows[-1], language) if rows else ""


# --- facts ------------------------------------------------------------------------------------


def gathered(app: App, at: Instant) -> tuple[Facts, bool]:
    """Return what is the case, and whether the store can be read and believes the clock."""
    space = os.statvfs(app.folder)
    facts = Facts(int(at.wall), free=space.f_bavail * space.f_frsize)
    try:
        if not app.store.clock.trusts(at):
            return facts._replace(unreadable=False), False
        return _read(app, facts._replace(unreadable=False)), True
    except StoreError as error:
        app.log(str(error))
        return facts._replace(unreadable=True), False


def _read(app: App, facts: Facts) -> Facts:
    """Return the facts with what the store says. Raise StoreError."""
    now = facts.now
    held = [place.name for place in sinks.servers(app.config) if sinks.memory_of(app.store, place).fault]
    facts = facts._replace(
        newest=[(source, _newest(app, source, now)) for source in SOURCES if app.config.of(source.section)],
        tank=_tank(app, now),
        waiting=sum(app.store.outbox_of(name).backlog().waiting for name in held) if app.config.servers else None,
    )
    contract = app.config.contract_on(day_of(now))
    return _loads(app, facts, contract) if contract and app.config.smartmeter else facts


def _newest(app: App, source: Source, now: int) -> dict[str, int]:
    """Return the time of the newest reading of each series that is due now and then, of those that ever came."""
    found = {}
    for series in source.series:
        if series.stale and (last := latest(app, series.measurement, series.field, now + AHEAD)):
            found[series.name] = last[0] + ENDS_LATER.get(series.measurement, 0)
    return found


def _tank(app: App, now: int) -> Number | None:
    """Return the hot water left; None where the newest reading is too old to say."""
    if app.config.of(ECOCUTE.section) is None:
        return None
    last = latest(app, "ecocute", "tank", now + AHEAD)
    return last[1] if last and now - last[0] <= app.notify.stale * MINUTE else None


def _loads(app: App, facts: Facts, contract: Contract) -> Facts:
    """Return the facts with how near the load comes to the contract."""
    now, since = facts.now, facts.now - HALF_HOUR - facts.now % HALF_HOUR

    def read(measurement: str, field: str) -> list[tuple[int, Number]]:
        low, high = SERIES[measurement, field].bounds  # an earlier version stored codes for no data
        return [row for row in app.store.archive.values(measurement, field, since, now + 1) if low <= row[1] <= high]

    powers = read("power", "value")
    if amperes := load.allowed(contract):
        t = dict(read("current", "t"))
        facts = facts._replace(currents=load.currents(read("current", "r"), t, powers, amperes))
    if kw := _kw(app, contract, now):
        facts = facts._replace(demands=load.demands(powers, kw), headroom=load.headroom(powers, kw, now))
    return facts


def _kw(app: App, contract: Contract, now: int) -> Decimal | None:
    """Return the kW of demand that a contract allows: the agreed ones, or those at which its base charge rises."""
    if contract.kw:
        return Decimal(contract.kw)
    try:
        return energy.demand_limit(app, now)
    except ConfigError as error:
        app.log(str(error))
        return None
