"""Troubles with the MQTT broker."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import time

import trustme

from tests.brokers import Mosquitto, subscribed
from tests.commands import ENVIRONMENT, PATIENCE
from tests.troubles.place import Place, trouble

WITHOUT_PAHO = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "paho" else find_spec(name, *more)
from homemon.cli.main import main
main(["check"])
"""


@contextmanager
def broker(place: Place, user: str = "", more: str = "") -> Iterator[Mosquitto]:
    """A broker for a block."""
    server = Mosquitto(place.folder / "broker", user, more)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def checked(place: Place, port: int, *lines: str) -> str:
    """What `check` says of a broker."""
    place.configure("\n".join(("[mqtt]", "host = 127.0.0.1", f"port = {port}", *lines)))
    return place.run("check")


@trouble("mqtt-down")
def down(place: Place) -> str:
    return checked(place, 1)


@trouble("mqtt-host-unknown")
def host_unknown(place: Place) -> str:
    place.configure("[mqtt]\nhost = no-such-host.invalid")
    return place.run("check")


@trouble("mqtt-login")
def login(place: Place) -> str:
    with broker(place, user="homemon") as server:
        return checked(place, server.port, "user = homemon", "password = wrong")


@trouble("mqtt-not-allowed")
def not_allowed(place: Place) -> str:
    rights = place.folder / "rights"
    rights.write_text("topic read #\n")
    with broker(place, more=f"acl_file {rights}") as server:
        return checked(place, server.port)


@trouble("mqtt-certificate")
def certificate(place: Place) -> str:
    ours, pem = trustme.CA(), place.folder / "server.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    ours.cert_pem.write_to_path(str(place.folder / "ca.pem"))
    with broker(place, more=f"certfile {pem}\nkeyfile {pem}") as server:
        return checked(place, server.port, f"ca = {place.folder}/ca.pem")


@trouble("mqtt-speaks-tls")
def speaks_tls(place: Place) -> str:
    pem = place.folder / "server.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    with broker(place, more=f"certfile {pem}\nkeyfile {pem}") as server:
        return checked(place, server.port)


@trouble("mqtt-another-house")
def another_house(place: Place) -> str:
    with broker(place) as server, subscribed(server.port) as other:
        other.publish("homemon/house", json.dumps({"house": "another", "time": int(time())}), retain=True)
        return checked(place, server.port)


@trouble("mqtt-no-paho")
def no_paho(place: Place) -> str:
    place.configure("[mqtt]\nhost = 127.0.0.1")
    run = subprocess.run(
        (sys.executable, "-c", WITHOUT_PAHO),
        cwd=place.folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return run.stdout + run.stderr
