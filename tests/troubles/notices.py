"""Troubles with notices."""

import json
import re
import subprocess
import sys
from contextlib import closing
from time import time

from homemon.check.notify import TEST
from homemon.core.language import said
from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, PATIENCE
from tests.servers import Reply, ScriptedServer
from tests.stores import put
from tests.troubles.place import Place, trouble

WITHOUT_APPRISE = """
import sys
sys.modules["apprise"] = None
from homemon.cli.main import main
main(["notify", "--test"])
"""


def water(place: Place) -> None:
    """Let little hot water be left."""
    with closing(Store(place.folder / "store")) as store:
        put(store, Point("ecocute", {"power": 0, "tank": 5}, int(time()) - 60))


def notified(place: Place, *lines: str) -> str:
    """What `notify --test` says with these lines in [notify], while a text waits."""
    place.configure("\n".join(("[ecocute]", "host = 127.0.0.1", "[notify]", *lines)))
    water(place)
    return place.run("notify", "--test")


@trouble("notify-none")
def none(place: Place) -> str:
    place.configure("")
    return place.run("notify")


@trouble("notify-service")
def service(place: Place) -> str:
    scripted: ScriptedServer = place.fixture("scripted")
    scripted.answer = lambda asked: Reply(503)
    failed = notified(place, f"to = json://{scripted.url.removeprefix('http://')}/topic")
    scripted.answer = lambda asked: Reply()
    assert place.run("notify") == ""
    got = json.loads("".join(scripted.asked[-1].lines))["message"]
    assert " 5 L" in got, "it got what waited"
    assert said(TEST, place.language) not in got
    return failed


@trouble("notify-unreachable")
def unreachable(place: Place) -> str:
    return notified(place, "to = json://127.0.0.1:1/topic")


@trouble("notify-url")
def url(place: Place) -> str:
    return notified(place, "to = telepathy://me")


@trouble("notify-no-apprise")
def no_apprise(place: Place) -> str:
    place.configure("[notify]\nto = ntfy://127.0.0.1:1/topic")
    run = subprocess.run(
        (sys.executable, "-c", WITHOUT_APPRISE),
        cwd=place.folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return run.stdout + run.stderr


@trouble("notify-command")
def command(place: Place) -> str:
    return notified(place, "command = no-such-program") + notified(place, "command = false")


@trouble("notify-never")
def never(place: Place) -> str:
    place.configure("[ecocute]\nhost = 127.0.0.1\n[notify]\ncommand = cat")
    water(place)
    said = place.run("-v", "notify")
    assert re.search("(Hot water left:|残湯量が) 5 L", said), "what can be judged is"
    return said


@trouble("notify-quiet")
def quiet(place: Place) -> str:
    place.configure("[notify]\ncommand = tee told\nquiet = 0:00-23:59\ndisk = 0")
    said = place.run("-v", "notify")
    assert not (place.folder / "told").exists()
    return said
