"""The step of `homemon setup` about what starts homemon: the commands of what is configured, and the page."""

from collections.abc import Sequence

from homemon.config.edit import Change
from homemon.config.keys import READERS
from homemon.config.read import Config
from homemon.config.setup.dialogue import Act, Choice, Question, Say, Talk, written
from homemon.config.setup.questions import Changes, agreed, changes_of, word
from homemon.config.setup.schedule import EVERYBODY, HERE, NOBODY
from homemon.config.setup.texts import TEXTS

WHO = {NOBODY: TEXTS["page none"], HERE: TEXTS["page here"], EVERYBODY: TEXTS["page lan"]}
"""Who may look at the page."""


def start(config: Config) -> Talk[Changes]:
    """Offer to install what starts the commands of what is configured."""
    ways: Sequence[str] = yield Act("ways")
    if not ways:
        yield Say(TEXTS["no way"])
        return []
    choices = [Choice(way, TEXTS[way]) for way in (*ways, "none")]
    way = yield Question("start", TEXTS["by"], word(*(each.answer for each in choices)), choices[0].answer, choices)
    if way == "none":
        yield from _nothing()
        return []
    before = yield Act("page")
    page = (yield from _page(before)) if before else NOBODY
    changes = (yield from _password(config)) if page == EVERYBODY else []
    lines: Sequence[str] = yield Act("planned", (way, page))
    own = yield from _own(way, page)
    if not lines and not changes and before in (None, page):
        yield Say(TEXTS["nothing to add" if own else "no device"])
        return []
    if own and lines:
        yield Say(TEXTS["added"])
    for line in lines:
        yield Say(TEXTS["line"], (line,))
    if not (yield agreed("install")):
        return []
    folder = yield Act("own folder")
    yield from written([*changes, *([Change("store", "dir", folder)] if folder else [])])  # before anything starts
    yield from _install(way, page, "soon" if way == "cron" and lines else "installed")
    if way == "cron" and before not in (None, NOBODY) and (before != page or changes):
        yield Say(TEXTS["page anew"])
    return []


def _nothing() -> Talk[None]:
    """Offer to take away what setup installed before."""
    lines: Sequence[str] = yield Act("installed")
    if not lines:
        yield Say(TEXTS["left out"], ("start",))
        return
    for line in lines:
        yield Say(TEXTS["line"], (line,))
    if not (yield agreed("remove")):
        yield Say(TEXTS["kept"])
        return
    why = yield Act("uninstall")
    yield Say(TEXTS["not removed"], (why,)) if why else Say(TEXTS["removed"])


def awaited(config: Config) -> Talk[None]:
    """Wait for the first readings of the listeners that cron starts within a minute."""
    names: Sequence[str] = yield Act("awaited")
    if names:
        yield Say(TEXTS["awaited"], (", ".join(names),))
        yield Act("begun", (names,))


def _page(before: str) -> Talk[str]:
    """Return who may look at the page; unless it is said otherwise, who may now."""
    choices = [Choice(name, text) for name, text in WHO.items()]
    who: str = yield Question("page", TEXTS["page who"], word(*WHO), before, choices)
    return who


def _password(config: Config) -> Talk[Changes]:
    """Ask for the page's password where there is none."""
    new = config.serve.password is None
    password = yield Question("page_password", TEXTS["page password"], READERS["text"], secret=True, asked=new)
    return changes_of("serve", password=password)


def _own(way: str, page: str) -> Talk[bool]:
    """Say what of the person's own starts some of it, and what that lacks; return whether there is any."""
    own: Sequence[tuple[str, str]] = yield Act("otherwise", (way, page))
    for line, lacking in own:
        yield Say(TEXTS["own line"], (line,))
        if lacking:
            yield Say(TEXTS["own line lacks"], (lacking,))
    return bool(own)


def _install(way: str, page: str, done: str) -> Talk[None]:
    """Install it, but no file that differs and is to stay; say the text that is called `done`."""
    differing: Sequence[str] = yield Act("differing", (way, page))
    kept = []
    for name in differing:
        question = agreed("replace", default=False)
        if not (yield question._replace(text=(question.text[0].format(name), question.text[1].format(name)))):
            kept.append(name)
    why = yield Act("install", (way, page, kept))
    yield Say(TEXTS["not installed"], (why,)) if why else Say(TEXTS[done])
    if way == "systemd" and not why:
        yield Say(TEXTS["linger"])
