"""Services that take a notice: those of apprise by their URLs, and a command. What is in a URL is secret."""

import logging
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from importlib.util import find_spec
from threading import Thread
from typing import NamedTuple

from homemon.config.keys import Notify

TITLE = "homemon"
WITHIN = 30.0  # seconds that a service may take
TOO_LONG = f"it was not done within {WITHIN:.0f} s"


class Service(NamedTuple):
    """What it is called in messages, its key in files, and how it takes a text: `send` returns why not, or nothing."""

    name: str
    key: str
    send: Callable[[str], str]


def services(settings: Notify) -> list[Service]:
    """Return those that are configured. Nothing of apprise is loaded before something is sent."""
    found = [Service(f"{url.partition(':')[0]}://", _key(url), partial(_by_apprise, url)) for url in settings.to]
    if settings.command:
        found.append(Service("the command", _key(settings.command), partial(_by_command, settings.command)))
    return found


def _key(secret: str) -> str:
    """Return a digest that distinguishes services, too short to reveal a secret."""
    return blake2b(secret.encode(), digest_size=4).hexdigest()


def _by_apprise(url: str, text: str) -> str:
    if not find_spec("apprise"):
        return "apprise is not installed; `pipx inject homemon apprise`, or `pip install apprise` in a venv"
    import apprise

    said = _Said()
    logging.getLogger("apprise").handlers = [said]  # and nothing on stderr: it names topics and tokens
    sender, taken = apprise.Apprise(), list[bool]()
    if not sender.add(url):
        return "apprise knows no such URL; see github.com/caronc/apprise/wiki"
    sending = Thread(target=lambda: taken.append(bool(sender.notify(body=text, title=TITLE))), daemon=True)
    sending.start()
    sending.join(WITHIN)  # a service may answer a byte now and then, which ends no timeout of apprise's
    if not taken:
        return TOO_LONG
    return "" if taken[0] else said.fault


class _Said(logging.Handler):
    """What apprise says, of which only a status may be shown."""

    fault = "it could not be reached"

    def emit(self, record: logging.LogRecord) -> None:
        if status := re.search(r"error=([0-9]{3})\b", record.getMessage()):
            self.fault = f"it answered with status {status[1]}"


def _by_command(command: str, text: str) -> str:
    try:
        words = [os.path.expanduser(word) for word in shlex.split(command)]
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"it cannot be run: {getattr(error, 'strerror', None) or error}"
    try:
        process.communicate(f"{text}\n".encode(), timeout=WITHIN)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return TOO_LONG
    return f"it ended with status {process.returncode}" if process.returncode else ""
