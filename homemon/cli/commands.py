"""The table of commands, each imported only when it is called.

So each start loads what it needs and no more. The one-line helps stand here for the same reason; a test holds them
to the commands' own.
"""

import gc
import importlib
import os
from typing import TYPE_CHECKING, Any

import click

from homemon.cli.options import Commands

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

GROUPS = {
    "Begin": {
        "setup": "Set homemon up by answering questions, and end with `check`.",
    },
    "Collect": {
        "join": "Find the smart meter by radio, join its network and remember it.",
        "meter-listen": "Stay joined and record what the smart meter says.",
        "meter-poll": "Ask the smart meter once.",
        "meter-history": "Fill in half-hours from the smart meter's own record.",
        "ecocute-poll": "Ask the EcoCute once.",
        "ecocute-listen": "Record what the EcoCute says.",
        "device-poll": "Ask devices on the LAN once.",
        "kyocera-dump": "Read the solar monitor's memory.",
        "import": "Store a market's prices, or the half-hours of a company's portal.",
    },
    "Look": {
        "status": "Show the newest readings, and what waits.",
        "graph": "The home's energy as one offline web page.",
        "serve": "Show the page, live, to browsers.",
        "notify": "Notify of what needs somebody, as [notify] says.",
        "metrics": "Print what Prometheus scrapes, or write it into a file.",
        "export": "Print points from the store.",
        "energy": "Show the household's energy.",
        "bill": "Show what a billing period costs.",
    },
    "Repair": {
        "upload": "Send to the server what is waiting, or a period again.",
        "replay": "Store the readings of traces, logs, dumps and backups again.",
        "backup": "Copy the store into one file, while everything runs.",
        "restore": "Put a copy that `backup` made in the store's place, while everything runs.",
        "repair": "Make a damaged store sound, or bring back what it lacks.",
    },
    "Debug": {
        "decode": "Explain a frame, a module's lines, a trace or a dump.",
        "discover": "List the ECHONET Lite nodes on the LAN.",
        "check": "Look over config, ports, clock and server; say what to do.",
        "simulate": "A device without hardware.",
        "demo": "The whole way of a reading, with a simulated house.",
    },
}
COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}

IMPORTED_LATER = 5_000
"""Objects that are made before garbage is looked for among them: a poll imports thousands more as it goes."""
MODULES = {"import": "import_files"}
"""Modules of commands whose names no module can have."""


class LazyGroup(Commands):
    """Imports `homemon.cli.<command>` when the command is called; lists them from the table."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has gone (homemon export | head); click would exit 1
            drop_stdout()
            return 0

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"homemon.cli.{MODULES.get(cmd_name, cmd_name.replace('-', '_'))}")
        gc.freeze()  # what is imported stays: to look through it is a sixth of what a poll costs
        gc.set_threshold(IMPORTED_LATER)
        gc.enable()
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete commands from the table, options from click, which would import every command for its help."""
        from click.shell_completion import CompletionItem

        known = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return known + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, commands in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl(list(commands.items()))


def drop_stdout() -> None:
    """Throw away what is still in stdout's buffer, so that Python does not try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
