"""The `homemon` command: its groups, its options, and the one place where errors become exit codes.

A subcommand's module is imported only when that command is called, so each start loads what it
needs and no more. The one-line helps stand here for the same reason; a test holds them to the
commands' own.
"""

import gc
import importlib
import io
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from homemon import __version__
from homemon.cli.options import Commands
from homemon.core.errors import ConfigError, HomemonError
from homemon.runtime import output

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

GROUPS = {
    "Collect": {
        "join": "Find the smart meter by radio, join its network and remember it.",
        "meter-listen": "Stay joined and record what the smart meter says.",
        "meter-poll": "Ask the smart meter once.",
        "meter-history": "Fill in half-hours from the smart meter's own record.",
        "ecocute-poll": "Ask the EcoCute once.",
        "ecocute-listen": "Record what the EcoCute says.",
        "device-poll": "Ask devices on the LAN once.",
        "kyocera-dump": "Read the solar monitor's memory.",
    },
    "Look": {
        "status": "Show the newest readings, and what waits.",
        "graph": "The four graphs as one offline web page.",
        "export": "Print points from the store.",
    },
    "Mend": {
        "upload": "Send to the server what is waiting, or a period again.",
        "replay": "Store the readings of traces, logs, dumps and backups again.",
        "backup": "Copy the store into one file, while everything runs.",
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
        module = importlib.import_module(f"homemon.cli.{cmd_name.replace('-', '_')}")
        gc.freeze()  # what is imported stays: to look through it is a sixth of what a poll costs
        gc.enable()
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Commands from the table, options from click, which would import every command for its help."""
        from click.shell_completion import CompletionItem

        known = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return known + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, commands in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl(list(commands.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="Configuration; default: $HOMEMON_CONFIG or the first config.ini found.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only errors on stderr (for cron).")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
@click.version_option(__version__, prog_name="homemon", message="%(prog)s %(version)s")
@click.pass_context
def homemon(ctx: click.Context, config: str | None, quiet: bool, verbose: bool) -> None:
    """Watch the energy of a Japanese home: smart meter, EcoCute, solar.

    Points go to stdout as InfluxDB line protocol, everything else to stderr. Exit status: 0 done,
    1 a device or server failed, 2 wrong usage or configuration.
    """
    from homemon.runtime.context import App

    ctx.obj = App(config, quiet, verbose)
    ctx.call_on_close(ctx.obj.close)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a help's signs that the terminal's encoding lacks end no command
    try:
        status = run(arguments)
    finally:
        output.finish()
    sys.exit(status)


def run(arguments: list[str] | None) -> int:
    """Run the command line; its exit status."""
    try:
        status: Any = homemon.main(args=arguments, prog_name="homemon", standalone_mode=False)
    except HomemonError as error:
        named = "" if isinstance(error, ConfigError) else "homemon: "  # those begin with file and line
        output.say(f"{named}{error}")
        if error.hint:
            output.say(f"  {error.hint}")
        return error.exit_code
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        output.say(text.getvalue().rstrip("\n"))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except UnicodeEncodeError as error:
        output.say(
            f"homemon: {error.object!r} cannot be a name in this locale: it has no such sign in {error.encoding}"
        )
        output.say("  Set the environment variable LC_ALL to C.UTF-8.")
        return 2
    except OSError as error:
        drop_stdout()
        output.say(f"homemon: {error}\n  Check the disk that the output goes to.")
        return 1
    return status if isinstance(status, int) else 0


def drop_stdout() -> None:
    """Throw away what is still in stdout's buffer, so that Python does not try once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
