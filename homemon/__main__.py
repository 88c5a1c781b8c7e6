"""The `homemon` command, and `python -m homemon`."""

import gc


def main() -> None:
    """Run the command line and exit with its status."""
    gc.disable()  # until the command is imported: nothing of that becomes garbage (cli.main turns it on again)
    from homemon.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
