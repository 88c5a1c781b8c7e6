"""The server: waitress, with bounds on whatever a client can make great. Nothing else here knows of it.

One thread of its own reads requests and writes answers, for all connections; a slow client holds none of the others.
Each stream has a thread that waits. `THREADS` are more than there can be streams, so that pages are answered
whatever else is open.
"""

import logging
import resource
import select
import socket
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from homemon.core.errors import HomemonError, PortError
from homemon.page.web.answers import ALWAYS
from homemon.page.web.live import MOST

THREADS = MOST + 8
STACK = 1 << 19  # bytes of address space for each thread
CONNECTIONS = 2000
OF_ONE = 400  # connections of one address, so that no machine takes them all
SPARE = 64  # files that are open beside connections
LOOP = 1.0  # seconds after which the server looks for idle connections
ENDS_WITHIN = 1  # second, for answers that are under way
SETTINGS: dict[str, Any] = {
    "threads": THREADS,
    "ident": None,
    "log_socket_errors": False,
    "channel_timeout": 30,  # seconds that an idle connection is kept
    "cleanup_interval": 5,
    "max_request_header_size": 16384,
    "max_request_body_size": 1024,  # nobody has anything to send
    "channel_request_lookahead": 1,  # so that a stream's end is seen
}
UNACKNOWLEDGED = 30_000  # milliseconds that a client may take nothing of what is sent
UNSENT = 1 << 17  # bytes that the kernel keeps of an answer
BACKLOG = 512
REMEDIES = {
    "EADDRINUSE": (
        "port {1} of {0} is in use",
        "Name another --port, or end what uses it: `ss -ltnp` shows which process that is.",
    ),
    "EACCES": ("port {1} of {0} may be opened by root only", "Name a --port from 1024 on."),
    "EINVAL": (
        "port {1} of {0} cannot be listened on",
        "Name an address that `hostname -I` lists; 0.0.0.0 stands for all of them.",
    ),
    "EADDRNOTAVAIL": (
        "{0} is no address of this machine",
        "`hostname -I` lists its addresses; 0.0.0.0 stands for all.",
    ),
}


class PortInUse(PortError):
    """Another process listens there."""


def require() -> None:
    """Raise HomemonError where waitress is not installed."""
    if find_spec("waitress") is None:
        raise HomemonError(
            "waitress is not installed, and serves the page",
            "You can add it with `pipx inject homemon waitress`, or `pip install waitress` in a venv.",
        )


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any that is free. Raise PortError."""
    listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT)  # connections inherit both
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _explained(error, address, port) from None
    return listening


def _explained(error: OSError, address: str, port: int) -> PortError:
    import errno

    name = errno.errorcode.get(error.errno or 0, "")
    text, remedy = REMEDIES.get(name, ("port {1} of {0} fails: {2}", ""))
    said = text.format(address, port, error.strerror)
    return (PortInUse if error.errno == errno.EADDRINUSE else PortError)(said, remedy)


def serve(
    application: Callable[..., Any], listening: socket.socket, asked_to_end: int, end: Callable[[], None]
) -> None:
    """Answer requests until the file descriptor `asked_to_end` is readable; then `end` is to end what is under way."""
    from waitress import wasyncore
    from waitress.channel import HTTPChannel
    from waitress.server import create_server
    from waitress.task import ErrorTask

    logging.getLogger("waitress").setLevel(logging.ERROR)  # that connections wait is no news
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    threading.stack_size(STACK)

    class Refusal(ErrorTask):
        """What waitress itself says of a request that is none, with the headers of all answers."""

        def execute(self) -> None:
            self.response_headers = [*self.response_headers, *ALWAYS]
            super().execute()

    class Channel(HTTPChannel):
        error_task_class = Refusal

        def __init__(self, server: Any, sock: socket.socket, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002
            super().__init__(server, sock, addr, adj, map)
            others = sum(channel.addr[0] == addr[0] for channel in server.active_channels.values())
            self.will_close = others > OF_ONE

    limit = min(CONNECTIONS, _files_allowed() - SPARE - THREADS)
    connections: dict[int, Any] = {}
    server: Any = create_server(application, connections, sockets=[listening], connection_limit=limit, **SETTINGS)
    server.channel_class = Channel
    asked = select.poll()
    asked.register(asked_to_end, select.POLLIN)

    class Ending(wasyncore.file_dispatcher):
        def writable(self) -> bool:
            return False

        def handle_read(self) -> None:
            """The loop has woken up, and ends."""

    Ending(asked_to_end, connections)  # type: ignore[arg-type]  # the stubs say BytesIO
    while not asked.poll(0):
        wasyncore.loop(timeout=LOOP, use_poll=True, map=connections, count=1)
    end()
    server.task_dispatcher.shutdown(timeout=ENDS_WITHIN)
    logging.disable()  # an answer that is still under way finds no connection
    wasyncore.close_all(connections)


def _files_allowed() -> int:
    """Let this process open as many files as it may, and return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + SPARE + THREADS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft
