"""One write into a serial port that a listener reads.

It takes no pyserial, whose second `open` would flush the owner's input, and so costs the poll that only
knocks no import of it.
"""

import os

from homemon.core.errors import PortError


def write_into(name: str, data: bytes) -> None:
    """Write `data` at once into a port that somebody else reads, without touching its settings or input.

    Raise PortError.
    """
    try:
        handle = os.open(name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            written = os.write(handle, data)
        finally:
            os.close(handle)
    except BlockingIOError:
        written = 0
    except OSError as error:
        from homemon.ports.serial_port import explained

        raise explained(name, error, "smartmeter") from None
    if written != len(data):
        raise PortError(f"{name} took {written} of {len(data)} bytes", "The module is stuck: switch it off and on.")
