"""Every error homemon raises on purpose.

    HomemonError              exit code 1: the outside world failed
    ├── ConfigError           exit code 2: wrong configuration or usage
    │   └── NoConfig          there is no configuration file
    ├── WireError             bytes that do not make sense, and at which byte
    ├── PortError             a serial port, bus or socket cannot be used
    │   └── PortVanished      it was open and went away (USB unplugged)
    ├── DeviceError           a device refused, or said something it must not
    │   ├── NoAnswer          nothing came within the deadline
    │   └── SessionLost       the module or the meter says that we are not joined
    └── StoreError            the local store cannot be read or written
        ├── StoreDamaged      its file is not what was written
        └── StoreMoved        its file is not the one that was open any more

The message says what happened, the hint what to do next; `cli.main` prints both
and turns `exit_code` into the exit status. Nothing else prints or exits.
"""


class HomemonError(Exception):
    """What happened (`str(error)`) and what to do next (`hint`, may be empty)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(HomemonError):
    """The configuration or the command line is wrong; nothing was opened."""

    exit_code = 2


class NoConfig(ConfigError):
    """None was named, and none was found."""


class WireError(HomemonError):
    """Bytes that are no frame, block or line of the protocol; `offset` is the first wrong byte."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"byte {offset}: {message}")
        self.offset = offset


class PortError(HomemonError):
    """A port cannot be opened, read or written."""


class PortVanished(PortError):
    """The port was open and is gone."""


class DeviceError(HomemonError):
    """A device refused or misbehaved."""


class NoAnswer(DeviceError):
    """Nothing fitting came before the deadline; `received` is what came instead."""

    received: tuple[object, ...] = ()


class SessionLost(DeviceError):
    """The PANA session with the meter is over: a rejoin is due."""


class StoreError(HomemonError):
    """The local store cannot be opened, read or written."""


class StoreMoved(StoreError):
    """The store's file was moved, deleted or overwritten while something was written; nothing was."""


class StoreDamaged(StoreError):
    """The store's file holds what homemon did not write; `sure` where SQLite itself says so."""

    def __init__(self, message: str, hint: str = "", sure: bool = True) -> None:
        super().__init__(message, hint)
        self.sure = sure
