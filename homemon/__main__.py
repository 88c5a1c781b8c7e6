"""The `homemon` command, and `python -m homemon`."""

import atexit
import gc
import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line and exit with its status."""
    open_missing_streams()
    gc.disable()  # until the command is imported: nothing of that becomes garbage (cli.main turns it on again)
    from homemon.cli.main import main as run

    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, int):
            _first_registered.status = end.code
        raise


class _End:
    """The last thing of a process: its end without Python's own, which looks through all that was ever imported.

    It also takes the store away from threads that use it: a listener's senders may be in the middle of a statement of
    SQLite then, a segmentation fault. Without any, who has Python's warnings on (-W) gets them: of files left open.
    """

    status: int | None = None

    def __call__(self) -> None:
        threads = sys.modules.get("threading")
        alone = not threads or threads.active_count() == 1
        if self.status is not None and not (alone and sys.warnoptions):
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):  # nobody reads it any more
                    stream.flush()
            os._exit(self.status)


_first_registered = _End()
atexit.register(_first_registered)  # before all others, so that it is called after them


def open_missing_streams() -> None:
    """Open on /dev/null each standard stream that the caller closed, as `>&-` does.

    Else the next file to be opened, such as the store, would get its number, and messages would go into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


if __name__ == "__main__":
    main()
