"""Troubles with the server."""

import subprocess
from collections.abc import Callable

from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import PATIENCE, running
from tests.integration.test_deadline import dripping, talking
from tests.servers import Asked, Database, InfluxServer, Reply, ScriptedServer, VictoriaServer, VmAuth, installed
from tests.stores import T, put
from tests.troubles.place import Place, is_said, trouble


def checked(place: Place, url: str, more: str = "") -> str:
    """What `check` says of a server."""
    place.configure(f"[server]\nurl = {url}\n{more}")
    return place.run("check")


def answered(place: Place, reply: Reply) -> str:
    """What `check` says of a server that answers so."""
    scripted: ScriptedServer = place.fixture("scripted")
    scripted.answer = lambda asked: reply
    return checked(place, scripted.url)


def one_point(place: Place) -> None:
    store = Store(place.folder / "store")
    put(store, Point("power", {"value": 523}, T))
    store.close()


@trouble("server-down")
def down(place: Place) -> str:
    return checked(place, "http://127.0.0.1:1")


@trouble("server-host-unknown")
def host_unknown(place: Place) -> str:
    return checked(place, "http://no-such-host.invalid")


@trouble("server-silent")
def silent(place: Place) -> str:
    return checked(place, place.fixture("silent_url"), "timeout = 0.5")


@trouble("server-no-database")
def no_database(place: Place) -> str:
    server: InfluxServer = place.fixture("influx_server")
    return checked(place, server.url, "db = nowhere")


@trouble("server-password")
def password(place: Place) -> str:
    database: Database = place.fixture("closed_database")
    return checked(place, database.server.url, f"db = {database.name}\nuser = admin\npassword = wrong")


@trouble("server-not-allowed")
def not_allowed(place: Place) -> str:
    database: Database = place.fixture("closed_database")
    database.server.query("CREATE USER reader WITH PASSWORD 'x'")
    try:
        return checked(place, database.server.url, f"db = {database.name}\nuser = reader\npassword = x")
    finally:
        database.server.query("DROP USER reader")


@trouble("server-token")
def token(place: Place) -> str:
    victoria: VictoriaServer = place.fixture("victoria")
    vmauth = VmAuth(place.folder / "vmauth", victoria.url, "the-right-one")
    vmauth.start()
    try:
        return checked(place, vmauth.url, "token = a-wrong-one")
    finally:
        vmauth.kill()


@trouble("server-redirects")
def redirects(place: Place) -> str:
    return answered(place, Reply(301, "", {"Location": "https://elsewhere.invalid/"}))


@trouble("server-no-influxdb")
def no_influxdb(place: Place) -> str:
    return answered(place, Reply(200, "<html>Grafana</html>"))


@trouble("server-certificate")
def certificate(place: Place) -> str:
    pem = place.folder / "server.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    command = (installed("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    made = (*command, "-nodes", "-keyout", pem, "-out", place.folder / "ca.pem", *subject)
    subprocess.run(made, check=True, timeout=PATIENCE, capture_output=True)
    pem.write_text(pem.read_text() + (place.folder / "ca.pem").read_text())
    server = InfluxServer(place.folder / "influx", http=f'https-enabled = true\nhttps-certificate = "{pem}"')
    server.start()
    try:
        return checked(place, server.url.replace("http", "https"))
    finally:
        server.kill()


@trouble("server-no-certificate")
def no_certificate(place: Place) -> str:
    return checked(place, "https://127.0.0.1:1", "ca = /nowhere.pem")


@trouble("server-disk-full")
def disk_full(place: Place) -> str:
    return answered(place, Reply(500, '{"error":"engine: write /var/lib/influxdb: no space left on device"}'))


def uploaded(place: Place, answer: Callable[[Asked], Reply], more: str = "") -> str:
    """What `upload` says of one point to a server that answers so."""
    scripted: ScriptedServer = place.fixture("scripted")
    scripted.answer = answer
    place.configure(f"[server]\nurl = {scripted.url}\n{more}")
    one_point(place)
    return place.run("upload")


def more_points(place: Place) -> None:
    """Those of another measurement, and the rest of half an hour."""
    store = Store(place.folder / "store")
    put(store, *(Point("power", {"value": 500}, T - 60 * i) for i in range(1, 30)))
    put(store, *(Point("hatuden", {"value": 0.1}, T - 1800 * i) for i in range(48)))
    store.close()


@trouble("server-limit")
def limit(place: Place) -> str:
    said = '{"error":"partial write: max-series-per-database limit exceeded: (1000000) dropped=1"}'
    return uploaded(place, lambda asked: Reply(400, said))


@trouble("server-index-full")
def index_full(place: Place) -> str:
    said = '{"error":"partial write: write /var/lib/influxdb/_series/06/0002: no space left on device dropped=1"}'
    return uploaded(place, lambda asked: Reply(400, said))


@trouble("server-garbled")
def garbled(place: Place) -> str:
    return uploaded(place, lambda asked: Reply(400, '{"code":"invalid","message":"gzip: invalid header"}'))


@trouble("server-in-part")
def in_part(place: Place) -> str:
    more_points(place)
    said = '{"error":"[shard 31] open .: permission denied"}'
    return uploaded(place, lambda asked: Reply(500, said) if "power" in "".join(asked.lines) else Reply())


@trouble("server-too-big")
def too_big(place: Place) -> str:
    store = Store(place.folder / "store")
    put(store, *(Point("hatuden", {"value": 0.1}, T - 1800 * i) for i in range(48)))
    store.close()
    return uploaded(place, lambda asked: Reply(413 if "power" in "".join(asked.lines) else 204))


@trouble("server-took-some")
def took_some(place: Place) -> str:
    return uploaded(place, lambda asked: Reply(201))


@trouble("server-trickles")
def trickles(place: Place) -> str:
    with talking(dripping("body")) as address:
        place.configure(f"[server]\nurl = http://{address}\ntimeout = 0.5")
        one_point(place)
        return place.run("upload") + place.run("check")


@trouble("server-corrected")
def corrected(place: Place) -> str:
    said = uploaded(place, lambda asked: Reply(204 if "right" in asked.path else 404), "db = wrong")
    answered = place.words("… answered …")
    assert is_said(answered, said)
    assert is_said(answered, place.run("status"))
    place.configure(f"[server]\nurl = {place.fixture('scripted').url}\ndb = right")
    assert not is_said(answered, place.run("status"))
    assert place.run("upload") == place.words("1 sent, 0 waiting, 0 parked\n")
    return said


@trouble("server-conflict")
def conflict(place: Place) -> str:
    database: Database = place.fixture("database")
    database.server.write(database.name, f'power value="text" {T}000000000')
    place.configure(f"[server]\nurl = {database.server.url}\ndb = {database.name}")
    one_point(place)
    return place.run("upload") + place.run("check")


@trouble("server-was-down")
def was_down(place: Place) -> str:
    database: Database = place.fixture("own_influx")
    place.configure(f"[server]\nurl = {database.server.url}\ndb = {database.name}")
    one_point(place)
    database.server.kill()
    said = place.run("upload")
    database.server.start()
    said += place.run("upload")
    assert database.points() == {("power", T): {"value": 523}}
    return said


@trouble("server-lost-data")
def lost_data(place: Place) -> str:
    database: Database = place.fixture("database")
    place.configure(f"[server]\nurl = {database.server.url}\ndb = {database.name}")
    one_point(place)
    place.run("upload")
    database.renew()
    said = place.run("upload") + place.run("upload", "--since", "2020-01-01")
    assert database.points() == {("power", T): {"value": 523}}
    return said


@trouble("server-refuses-while-listening")
def refuses_while_listening(place: Place) -> str:
    """A listener reports a server's trouble once."""
    from tests.lan import address, configure, wait_for_port

    scripted: ScriptedServer = place.fixture("scripted")
    scripted.answer = lambda asked: Reply(401)
    one_point(place)
    ours = configure(place.folder, address())
    config = place.folder / "config.ini"
    config.write_text(f"{config.read_text()}\n[server]\nurl = {scripted.url}\n")
    with running("ecocute-listen", cwd=place.folder) as listener:
        wait_for_port(ours)
        place.says(listener, "… answered 401")
        return listener.errors.read_text()
