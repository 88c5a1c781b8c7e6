"""Troubles with Home Assistant's hours."""

from homemon.core.points import HOUR, Point
from homemon.storage.store import Store
from tests.home_assistants import TOKEN, SmallHome
from tests.servers import Reply, ScriptedServer
from tests.stores import T, put
from tests.troubles.place import Place, trouble


def said(place: Place, url: str, command: str = "check", token: str = TOKEN) -> str:
    """What a command says of a Home Assistant."""
    place.configure(f"[homeassistant]\nurl = {url}\ntoken = {token}")
    return place.run(*command.split())


def uploaded(place: Place, url: str) -> str:
    """What `upload` says of an hour to a Home Assistant."""
    store = Store(place.folder / "store")
    first = T // HOUR * HOUR
    put(store, Point("+power", {"value": 1000.0}, first), Point("+power", {"value": 1000.5}, first + HOUR))
    store.close()
    return said(place, url, "upload homeassistant")


@trouble("hours-token")
def token(place: Place) -> str:
    home: SmallHome = place.fixture("small_home")
    return said(place, home.url, token=f"{TOKEN}x")


@trouble("hours-no-administrator")
def no_administrator(place: Place) -> str:
    home: SmallHome = place.fixture("small_home")
    home.admin = False
    return said(place, home.url)


@trouble("hours-no-recorder")
def no_recorder(place: Place) -> str:
    home: SmallHome = place.fixture("small_home")
    home.recorder = False
    return uploaded(place, home.url)


@trouble("hours-starting")
def starting(place: Place) -> str:
    home: SmallHome = place.fixture("small_home")
    home.recorder, home.state = False, "STARTING"
    return uploaded(place, home.url)


@trouble("hours-away")
def away(place: Place) -> str:
    return uploaded(place, "http://127.0.0.1:1")


@trouble("hours-elsewhere")
def elsewhere(place: Place) -> str:
    scripted: ScriptedServer = place.fixture("scripted")
    scripted.answer = lambda asked: Reply(404, "404: Not Found")
    return said(place, scripted.url)


@trouble("hours-https")
def https(place: Place) -> str:
    home: SmallHome = place.fixture("small_home")
    return said(place, home.url.replace("http", "https"))


@trouble("hours-banned")
def banned(place: Place) -> str:
    scripted: ScriptedServer = place.fixture("scripted")
    scripted.answer = lambda asked: Reply(403, "403: Forbidden")
    return said(place, scripted.url)
