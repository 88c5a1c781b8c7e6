"""The `homemon` command, and `python -m homemon`."""

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    open_missing_streams()
    gc.disable()  # until the command is imported: nothing of that becomes garbage (cli.main turns it on again)
    from homemon.cli.main import main as run

    run()


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
