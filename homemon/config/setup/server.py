"""The step of `homemon setup` about the server. What that wants, and whether a login is right, is seen by trying."""

from typing import Any

from homemon.config.keys import READERS, SETTINGS, Server
from homemon.config.read import Config
from homemon.config.setup.dialogue import Act, Question, Say, Talk
from homemon.config.setup.questions import Changes, changes_of, keyed
from homemon.config.setup.texts import TEXTS
from homemon.sources.registry import SMART_METER

SECTION = "server"
LOGIN = ("user", "password", "token")
OF_SOME = (*LOGIN, "org", "bucket")  # keys that another server has no use for
Keys = dict[str, str]


def server(config: Config) -> Talk[Changes]:
    """Ask for the InfluxDB: where it is, its database or bucket, and the login, if it wants one.

    A login that it refuses is not written, and nothing takes the place of a server with a login but one that admits us.
    """
    known = config.server
    url = yield keyed("url", "URL", *SETTINGS[SECTION]["url"].of, default=known.url if known else "")
    if url is None:
        return []
    login = (yield from _login(second=False, asked=False)) or _of(known, LOGIN)
    trial = yield Act("server", ({"url": url, **login},))
    bucket = yield Question("bucket", TEXTS["bucket"], READERS["text"], asked=False)
    second = trial.second or bool(bucket or _of(known, ("bucket",)))
    keys = {"url": url, **(yield from _place(known, second))}
    if not trial.answer.unanswered:
        login, trial = yield from _admitted(keys, login, second)
    if trial.refused and _of(known, LOGIN):
        yield Say(TEXTS["server kept"])
        return []
    yield from _told(trial, {**keys, **login})
    unused = dict.fromkeys(_of(known, OF_SOME).keys() - keys.keys() - login.keys(), "")
    return changes_of(SECTION, **keys, **login, **unused)


def _of(known: Server | None, names: tuple[str, ...]) -> Keys:
    """Return what is configured under some of the keys."""
    return {name: value for name in names if (value := getattr(known, name, None))}


def _place(known: Server | None, second: bool) -> Talk[Keys]:
    """Return where in the server points go."""
    there = _of(known, ("db", "org", "bucket"))
    if not second:
        return {"db": (yield keyed("db", "name", default=there.get("db", SMART_METER.section)))}
    org = yield keyed("org", "text", default=there.get("org", ""))
    return {
        "org": org or "",
        "bucket": (yield keyed("bucket", "text", default=there.get("bucket", SMART_METER.section))),
    }


def _admitted(keys: Keys, login: Keys, second: bool) -> Talk[tuple[Keys, Any]]:
    """Return the login that the server takes, or none, and the last trial."""
    while True:
        trial = yield Act("server", ({**keys, **login},))
        if not trial.refused:
            return login, trial
        yield Say(TEXTS["refused"], (trial.answer.text,)) if login else Say(TEXTS["login"])
        answered = yield from _login(second)
        if not answered or answered == login:
            return {}, trial
        login = answered


def _login(second: bool, asked: bool = True) -> Talk[Keys]:
    """Return user and password, or a token; an InfluxDB 2 has no users that write."""
    user = None if second else (yield Question("user", TEXTS["user"], READERS["text"], asked=asked))
    name = "password" if user else "token"
    secret = yield Question(name, TEXTS[name], READERS["text"], secret=True, asked=asked)
    found = {"user": user, name: secret} if user else {name: secret}
    return found if secret else {}


def _told(trial: Any, keys: Keys) -> Talk[None]:
    """Say what the server makes of it all; make the database that it lacks."""
    if trial.lacking:
        why = yield Act("database", (keys,))
        yield Say(TEXTS["server says"], (why,)) if why else Say(TEXTS["database made"], (keys["db"],))
    elif not trial.answer.text:
        yield Say(TEXTS["takes points"])
    elif trial.refused:
        yield Say(TEXTS["no login"])
    else:
        yield Say(TEXTS["server says"], (trial.answer.text,))
